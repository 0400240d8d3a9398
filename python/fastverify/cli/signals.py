"""Ctrl-C and a polite request to end, made into exceptions."""

from __future__ import annotations

import signal
from types import FrameType


class Terminated(KeyboardInterrupt):
    """SIGTERM: like Ctrl-C, what was found so far is still told."""


def catch_signals() -> None:
    """Make SIGINT raise KeyboardInterrupt and SIGTERM raise Terminated, in the main thread.

    Each only once: the second of a kind ends the program at once, whatever it is doing.  A signal
    that is ignored (``nohup``, a shell's background job) stays ignored.
    """
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, _interrupt)
    if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, _terminate)


def _interrupt(number: int, _frame: FrameType | None) -> None:
    signal.signal(number, signal.SIG_DFL)
    raise KeyboardInterrupt


def _terminate(number: int, _frame: FrameType | None) -> None:
    signal.signal(number, signal.SIG_DFL)
    raise Terminated
