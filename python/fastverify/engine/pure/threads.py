"""Threads of this process: as many as are wanted, or as the system gives."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import TypeVar

from fastverify.errors import EngineError
from fastverify.exhaustion import NO_THREAD, room_for_threads

T = TypeVar("T")
U = TypeVar("U")


def start_threads(works: Iterable[Callable[[], None]], *, least: int = 1) -> Iterator[threading.Thread]:
    """Start a thread for each of `works`, or for the first of them where there is room for no more.

    Each thread is given when it has been started, so that whoever is interrupted knows of it.  Raises
    EngineError where the system does not give `least`, which are tried even without room.
    """
    for number, work in enumerate(islice(works, max(room_for_threads(), least))):
        thread = threading.Thread(target=work, daemon=True)
        try:
            thread.start()
        except RuntimeError as error:
            if number < least:
                raise EngineError(NO_THREAD) from error
            return
        yield thread


def map_on_threads(work: Callable[[T], U], inputs: Sequence[T], threads: int) -> list[U]:
    """What `work` makes of each of `inputs`, in their order, on up to `threads` threads: this one and others.

    What `work` raises ends the work of all.
    """
    following = iter(range(len(inputs)))
    lock = threading.Lock()
    answers: dict[int, U] = {}
    raised: list[BaseException] = []

    def take() -> None:
        try:
            while not raised:
                with lock:
                    number = next(following, None)
                if number is None:
                    break
                answers[number] = work(inputs[number])
        except BaseException as error:  # noqa: BLE001 - raised again where the answers are taken
            raised.append(error)

    others: list[threading.Thread] = []
    try:
        others.extend(start_threads([take] * (min(threads, len(inputs)) - 1), least=0))
        take()
        for thread in others:
            thread.join()
    except BaseException as error:
        raised.append(error)
        # The others end soon.
        for thread in others:
            thread.join()
        raise
    if raised:
        raise raised[0]
    return [answers[number] for number in range(len(inputs))]
