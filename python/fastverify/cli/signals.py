"""Ctrl-C and a polite request to end, made into exceptions."""

from __future__ import annotations

import os
import signal
import time
from types import FrameType

#: A second signal within this time (seconds) is the first one, sent twice.
_TOGETHER = 0.5


class Terminated(KeyboardInterrupt):
    """SIGTERM: like Ctrl-C, what was found so far is still told."""


def catch_signals() -> None:
    """Make SIGINT raise KeyboardInterrupt and SIGTERM raise Terminated, in the main thread.

    Each only once: the second of a kind ends the program at once, whatever it is doing, but for one
    that comes with the first (``timeout`` sends two).  A signal that is ignored (``nohup``, a shell's
    background job) stays ignored.
    """
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, _interrupt)
    if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, _terminate)


def all_is_told(number: int) -> None:
    """Let no further signal of this kind take the exit status away: the program is about to end."""
    signal.signal(number, signal.SIG_IGN)


def _interrupt(number: int, _frame: FrameType | None) -> None:
    _end_at_the_next(number)
    raise KeyboardInterrupt


def _terminate(number: int, _frame: FrameType | None) -> None:
    _end_at_the_next(number)
    raise Terminated


def _end_at_the_next(number: int) -> None:
    first = time.monotonic()

    def end(again: int, _frame: FrameType | None) -> None:
        if time.monotonic() - first >= _TOGETHER:
            signal.signal(again, signal.SIG_DFL)
            os.kill(os.getpid(), again)

    signal.signal(number, end)
