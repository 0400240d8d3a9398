"""Runs a piece of a test as a user whom file permissions bind."""

from __future__ import annotations

import os
import pickle
import traceback
import warnings
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

#: The user that owns nothing, on every Unix.
NOBODY = 65534


def bound_by_permissions(work: Callable[[], T]) -> T:
    """The result of `work`, done in a child process without root's powers where we have them."""
    if os.geteuid() != 0:
        return work()
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        # The child does nothing but `work`, with no lock of another thread in its way.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        _work_as_nobody(work, writing)
    os.close(writing)
    with open(reading, "rb") as pipe:
        content = pipe.read()
    os.waitpid(child, 0)
    result, error = pickle.loads(content)
    assert error is None, error
    answer: T = result
    return answer


def _work_as_nobody(work: Callable[[], T], writing: int) -> None:
    result: object = None
    error: str | None = None
    try:
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
        result = work()
    except BaseException:  # noqa: BLE001 - told to the parent
        error = traceback.format_exc()
    with open(writing, "wb") as pipe:
        pipe.write(pickle.dumps((result, error)))
    os._exit(0)
