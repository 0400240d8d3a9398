"""A worker process as its parent has it: a plain child that is asked over pipes.

What the child does is in :mod:`fastverify.engine.pure.worker`.  Unlike :mod:`multiprocessing` it does not
import the caller's main module and does not fork its threads.
"""

from __future__ import annotations

import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import fastverify
from fastverify import timings
from fastverify.engine.pure.contents import Part
from fastverify.engine.pure.sources import Job
from fastverify.engine.pure.worker import receive, send
from fastverify.errors import EngineError

#: To a worker and from it.
PIPES = 2

# SIGINT reaches the whole foreground group; the parent decides what becomes of the workers.
_BOOT = """\
import signal, sys
signal.signal(signal.SIGINT, signal.SIG_IGN)
if hasattr(signal, "pthread_sigmask"):
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])
sys.path.append(sys.argv[1])
from fastverify.engine.pure.worker import main
main()
"""


def can_start() -> bool:
    """Whether there is an interpreter to start workers with."""
    return bool(sys.executable) and not getattr(sys, "frozen", False)


class WorkerProcess:
    """One worker.  It does one thing at a time, for one thread of the parent."""

    def __init__(self, number: int) -> None:
        """Start it as the one with this `number`.  Raises OSError."""
        command = [sys.executable, "-I", "-S", "-c", _BOOT, str(Path(fastverify.__file__).parents[1])]
        self._process = _start_process(command)
        self._number = number
        self._watch: timings.Stopwatch | None = None
        self._is_watched = False

    def ask(self, request: Job | Part) -> object:
        """What comes of a request.

        Raises EngineError where the worker raised one, where it failed, and where it has ended.
        """
        if not self._is_watched:
            # By the thread that serves it: then its time begins.
            self._is_watched, self._watch = True, timings.worker(f"fastverify-{self._number}")
        process, answer = self._process, None
        self._lap("wait")
        try:
            if process.stdin is not None and process.stdout is not None:
                send(process.stdin, request)
                answer = receive(process.stdout)
        except OSError:
            pass
        self._lap("measure")
        if answer is None:
            status = process.wait()
            how = f"killed by signal {-status}" if status < 0 else f"exit status {status}"
            raise EngineError(
                f"a worker process of the pure engine ended before its work was done ({how});"
                " run it again, with --threads 1 if memory is short"
            )
        if isinstance(answer, EngineError):
            raise answer
        if isinstance(answer, str):
            raise EngineError(f"a worker process of the pure engine failed: {answer}")
        return answer

    def _lap(self, stage: str) -> None:
        if self._watch is not None:
            self._watch.lap(stage)

    def kill(self) -> None:
        """End it at once, whatever it does."""
        self._process.kill()

    def wait(self) -> None:
        """Wait until it has ended."""
        self._process.wait()

    def close(self) -> None:
        """Close the pipes, when it has ended and nobody asks it any more."""
        for stream in (self._process.stdin, self._process.stdout):
            # What was written to a worker that is gone cannot be flushed.
            with suppress(OSError):
                if stream is not None:
                    stream.close()


def _start_process(command: list[str]) -> subprocess.Popen[bytes]:
    flags = 0
    if sys.platform == "win32":
        flags = subprocess.CREATE_NO_WINDOW | subprocess.CREATE_NEW_PROCESS_GROUP
    blocked = None
    if hasattr(signal, "pthread_sigmask"):
        # Inherited, so that SIGINT cannot end the worker before it ignores it.
        blocked = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        return subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, creationflags=flags, bufsize=-1
        )
    finally:
        if blocked is not None:
            signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
