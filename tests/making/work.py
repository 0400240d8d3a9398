"""Counts work, so that a test can tell how it grows without a clock."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import TraceFunction


def lines_run(function: Callable[[], object]) -> int:
    """How many lines of Python `function` and what it calls run, each turn of a loop anew."""
    run = 0

    def count(_: FrameType, event: str, __: object) -> TraceFunction:
        nonlocal run
        run += event == "line"
        return count

    before = sys.gettrace()
    sys.settrace(count)
    try:
        function()
    finally:
        sys.settrace(before)
    return run
