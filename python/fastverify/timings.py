"""Where the time of a run goes, for ``--timings``: of this thread, and of an engine's workers.

Nothing is recorded between :func:`stop` and :func:`start`; there is one record for the process.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from types import ModuleType
from typing import TypeVar

from fastverify.report.model import ThreadTimes, Timings

T = TypeVar("T")

#: What a thread does that is in none of the named stages.
_REST = "other"


class Stopwatch:
    """The times of one thread: each moment counts for one stage."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._stages: dict[str, float] = {}
        self._begun = [_REST]
        self._last = time.monotonic()

    def lap(self, stage: str) -> float:
        """Count the time since the last call for `stage`; says when that was, by time.monotonic."""
        now = time.monotonic()
        self._stages[stage] = self._stages.get(stage, 0.0) + now - self._last
        self._last = now
        return now

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Count what is done within for `name`, but for what is in a stage of its own."""
        self.lap(self._begun[-1])
        self._begun.append(name)
        try:
            yield
        finally:
            self.lap(name)
            self._begun.remove(name)

    def times(self) -> ThreadTimes:
        """What has been counted."""
        return ThreadTimes(self._name, dict(self._stages))


class _Record:
    def __init__(self) -> None:
        self.begun = time.monotonic()
        self.main = Stopwatch("main")
        self.workers: list[Stopwatch] = []


_record: _Record | None = None


def start() -> None:
    """Record from now on: engines that have been loaded, and workers that are started later."""
    global _record  # noqa: PLW0603 - one record for the process
    _record = _Record()
    if (native := _native()) is not None:
        native.take_timings()  # of a check that nobody waited for
        native.record_timings(True)


def stop() -> Timings:
    """Record no more; returns what there is.

    The main thread comes first, then the workers by name; those of the same name, which were started one
    after the other, are one.  Raises RuntimeError where nothing was begun.
    """
    global _record
    if _record is None:
        raise RuntimeError("timings were not started")
    record, _record = _record, None
    # All threads end here, whatever it takes to ask for their times.
    ended = record.main.lap(_REST)
    threads = [watch.times() for watch in record.workers]
    if (native := _native()) is not None:
        native.record_timings(False)
        threads += [ThreadTimes(name, dict(stages)) for name, stages in native.take_timings()]
    threads.sort(key=lambda thread: thread.name)
    merged: dict[str, dict[str, float]] = {}
    for thread in (record.main.times(), *threads):
        stages = merged.setdefault(thread.name, {})
        for stage, seconds in thread.stages.items():
            stages[stage] = stages.get(stage, 0.0) + seconds
    named = tuple(ThreadTimes(name, stages) for name, stages in merged.items())
    return Timings(ended - record.begun, named)


def stage(name: str) -> AbstractContextManager[None]:
    """A stage of the main thread."""
    return _record.main.stage(name) if _record is not None else nullcontext()


def each(name: str, iterator: Iterable[T]) -> Iterator[T]:
    """`iterator`, where what it takes to get each member is a stage of the main thread."""
    if _record is None:
        yield from iterator
        return
    members = iter(iterator)
    while True:
        with stage(name):
            try:
                member = next(members)
            except StopIteration:
                return
        yield member


def worker(name: str) -> Stopwatch | None:
    """The stopwatch of a worker that begins now; None where nothing is recorded."""
    if _record is None:
        return None
    watch = Stopwatch(name)
    _record.workers.append(watch)
    return watch


def _native() -> ModuleType | None:
    """The native module, where an engine has loaded it."""
    return sys.modules.get("fastverify._native")
