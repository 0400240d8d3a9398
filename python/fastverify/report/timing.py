"""Where the time of a check went, in words."""

from __future__ import annotations

from fastverify.report.model import ThreadTimes, Timings


def timing_lines(timings: Timings) -> list[str]:
    """A line for the check and one for each thread, its stages in the order of its work."""
    lines = [f"Time {timings.seconds:.2f} s"]
    width = max(len(thread.name) for thread in timings.threads)
    lines += [f"  {thread.name:{width}}  {_thread(thread)}" for thread in timings.threads]
    return lines


def _thread(thread: ThreadTimes) -> str:
    total = sum(thread.stages.values())
    stages = ", ".join(f"{stage} {seconds:.2f}" for stage, seconds in thread.stages.items())
    return f"{total:.2f} s: {stages}"
