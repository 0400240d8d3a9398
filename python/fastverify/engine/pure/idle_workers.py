"""Workers of measurements that pause: whoever measures meanwhile has them, and starts none besides."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from fastverify.engine.pure.worker_process import WorkerProcess


class IdleWorkers:
    """The workers of one engine that have nothing to do, while any of its measurements pause."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._workers: list[WorkerProcess] = []
        #: How many measurements pause.
        self._pausing = 0

    def __len__(self) -> int:
        """How many there are now."""
        return len(self._workers)

    def pause(self, workers: Sequence[WorkerProcess]) -> None:
        """Keep the workers of a measurement that pauses, until it goes on or ends."""
        with self._lock:
            self._pausing += 1
            self._workers += workers

    def resume(self, most: int) -> list[WorkerProcess]:
        """Up to `most` workers, for a measurement that goes on; others end unless one still pauses."""
        with self._lock:
            self._pausing -= 1
            taken = self._take(most)
            left = [] if self._pausing else self._take(len(self._workers))
        end(left)
        return taken

    def borrow(self, most: int) -> list[WorkerProcess]:
        """Up to `most` workers, to be given back."""
        with self._lock:
            return self._take(most)

    def give_back(self, workers: Sequence[WorkerProcess]) -> bool:
        """Take workers that have nothing to do; False where no measurement pauses any more."""
        with self._lock:
            if self._pausing:
                self._workers += workers
            return self._pausing > 0

    def _take(self, most: int) -> list[WorkerProcess]:
        taken, self._workers = self._workers[:most], self._workers[most:]
        return taken


def end(workers: Sequence[WorkerProcess]) -> None:
    """End workers that nobody asks any more, and wait until they are gone."""
    for worker in workers:
        worker.kill()
    for worker in workers:
        worker.wait()
        worker.close()
