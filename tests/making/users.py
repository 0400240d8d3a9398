"""Runs a piece of a test as a user whom file permissions bind."""

from __future__ import annotations

import ast
import importlib
import os
import pickle
import pkgutil
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import TypeVar

import fastverify

T = TypeVar("T")

#: The user that owns nothing, on every Unix.
NOBODY = 65534


def bound_by_permissions(work: Callable[[], T]) -> T:
    """The result of `work`, done in a child process without root's powers where we have them."""
    if os.geteuid() != 0:
        return work()
    _import_everything()
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


@cache
def _import_everything() -> None:
    """Import what `fastverify` may want to import when it is too late: in the folder of a Python that only
    root may look into.
    """
    for found in pkgutil.walk_packages(fastverify.__path__, "fastverify."):
        if found.name.endswith("__main__"):
            continue
        # Some are there on other systems only or in other builds, and some are names of functions.
        with suppress(ImportError):
            for name in _imported_by(importlib.import_module(found.name)):
                with suppress(ImportError):
                    importlib.import_module(name)


def _imported_by(module: ModuleType) -> Iterator[str]:
    source = module.__file__ or ""
    if not source.endswith(".py"):
        return
    for node in ast.walk(ast.parse(Path(source).read_bytes())):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            yield node.module
            yield from (f"{node.module}.{each.name}" for each in node.names)
