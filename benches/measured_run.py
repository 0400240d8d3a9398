"""Runs a command and says what it took: wall time, CPU time of all its processes, and memory."""

from __future__ import annotations

import os
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

SAMPLE_SECONDS = 0.02
#: What the kernel counts reading in (getrusage(2)), in bytes.
BLOCK = 512


class Run(NamedTuple):
    """What one run took, and what it said."""

    #: Seconds.
    wall: float
    #: Seconds of user and of system time, of the command and of every process that it waited for.
    user: float
    system: float
    #: Bytes: the peak of the largest of its processes, as the kernel keeps it.
    peak_rss: int
    #: Bytes that were not in memory and were read from a disk for it; where no blocks are counted, 0.
    from_disk: int
    status: int
    output: str

    @property
    def cpu(self) -> float:
        """Seconds of CPU time."""
        return self.user + self.system


def run(command: Sequence[str], *, cwd: Path, environment: Mapping[str, str]) -> Run:
    """Run `command` to its end.  Its output is kept, its input empty."""
    with tempfile.TemporaryFile() as output:
        begun = time.perf_counter()
        child = subprocess.Popen(
            command,
            cwd=cwd,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        _, status, usage = os.wait4(child.pid, 0)
        wall = time.perf_counter() - begun
        # wait4 has taken the child's status, so Popen is told of it.
        child.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        said = output.read().decode(errors="replace")
    return Run(
        wall,
        usage.ru_utime,
        usage.ru_stime,
        usage.ru_maxrss * 1024,
        usage.ru_inblock * BLOCK,
        child.returncode,
        said,
    )


def run_warm(command: Sequence[str], *, cwd: Path, environment: Mapping[str, str]) -> Run:
    """Run `command` with what it reads in memory: a run that does not count comes right before.

    Some systems take out of memory, within seconds, what nobody reads there, so that one run at the
    beginning is not enough; what was read from a disk nevertheless is in the result.
    """
    before = run(command, cwd=cwd, environment=environment)
    return before if before.status != 0 else run(command, cwd=cwd, environment=environment)


def peak_of_all_processes(command: Sequence[str], *, cwd: Path, environment: Mapping[str, str]) -> int:
    """Run `command` and sample the memory of all its processes together: the highest sum, in bytes.

    A page shared by several processes counts once (Linux: ``Pss``).  The sampling takes CPU time of
    its own, so such a run says nothing of speed.
    """
    child = subprocess.Popen(
        command,
        cwd=cwd,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    ended = threading.Event()
    peak = 0

    def sample() -> None:
        nonlocal peak
        while not ended.wait(SAMPLE_SECONDS):
            peak = max(peak, sum(_pss(pid) for pid in _session_members(child.pid)))

    sampler = threading.Thread(target=sample)
    sampler.start()
    child.wait()
    ended.set()
    sampler.join()
    return peak


def _session_members(session: int) -> list[str]:
    members = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            # After the name, which may hold anything and ends with the last ")": state, parent,
            # group, session (proc_pid_stat(5)).
            fields = Path("/proc", pid, "stat").read_text(errors="replace").rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == session:
            members.append(pid)
    return members


def _pss(pid: str) -> int:
    try:
        for line in Path("/proc", pid, "smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0
