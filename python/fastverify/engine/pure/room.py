"""How much memory the plans of this process may take, of whatever crew: one is made at a time."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

#: While the plans that are there take as much as this (bytes), no other is made.
_ENOUGH = 8 << 20


class Room:
    """Lets one plan be made at a time, and none while others take much memory."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._is_planning = False
        self._held = 0

    def enter(self, timeout: float | None = None) -> bool:
        """Wait for leave to make a plan, `timeout` seconds at most; whether it was given."""
        with self._changed:
            if not self._changed.wait_for(lambda: not self._is_planning and self._held < _ENOUGH, timeout):
                return False
            self._is_planning = True
            return True

    def made(self, memory: int) -> None:
        """The plan is there, and takes this much memory; 0 where it is none or gone already."""
        with self._changed:
            self._is_planning = False
            self._held += memory
            self._changed.notify_all()

    def leave(self, memory: int) -> None:
        """The plan is gone that took this much."""
        with self._changed:
            self._held -= memory
            self._changed.notify_all()

    @contextmanager
    def whole(self) -> Iterator[None]:
        """For a plan that is made and carried out here; no other is made meanwhile."""
        while not self.enter(0.05):
            pass  # so that Ctrl-C ends the wait on every system
        try:
            yield
        finally:
            self.made(0)


#: Of this process.
ROOM = Room()
