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


#: The kinds of signals that are caught: what is ignored when the program starts stays ignored.
_caught: set[int] = set()


def catch_signals() -> None:
    """Make SIGINT raise KeyboardInterrupt and SIGTERM raise Terminated, in the main thread.

    Only the first of them, whichever it is: the second ends the program at once, whatever it is doing, but
    for one that comes with the first (``timeout`` sends two, and who stops a container may).  A signal
    that is ignored (``nohup``, a shell's background job) stays ignored.
    """
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, _interrupt)
        _caught.add(signal.SIGINT)
    if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, _terminate)
        _caught.add(signal.SIGTERM)


def all_is_told() -> None:
    """Let no further signal take the exit status away: the program is about to end."""
    for number in _caught:
        signal.signal(number, signal.SIG_IGN)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    _end_at_the_next()
    raise KeyboardInterrupt


def _terminate(_number: int, _frame: FrameType | None) -> None:
    _end_at_the_next()
    raise Terminated


def _end_at_the_next() -> None:
    first = time.monotonic()

    def end(again: int, _frame: FrameType | None) -> None:
        if time.monotonic() - first >= _TOGETHER:
            signal.signal(again, signal.SIG_DFL)
            os.kill(os.getpid(), again)

    for number in _caught:
        signal.signal(number, end)
