"""The two engines, and the choice of one.

An engine is what reads a cache's content; see :mod:`fastverify.engine.protocol`.  They give the same
answers, ``native`` the faster.
"""

from __future__ import annotations

import operator
import os
from importlib.util import find_spec

from fastverify.engine.protocol import Engine, EngineName
from fastverify.errors import ArgumentError, EngineError, SettingError

#: Environment variable that names the engine where the caller does not.
ENVIRONMENT_VARIABLE = "FASTVERIFY_ENGINE"
#: Environment variable that forces one of the native engine's ways to compute SHA-256.
KERNEL_VARIABLE = "FASTVERIFY_SHA256"
#: Environment variable that forces one of the native engine's ways to read files.
READING_VARIABLE = "FASTVERIFY_READING"

_EXTENSION = "fastverify._native"
#: How many threads read at a time where nobody says how many and what they read comes from a disk.  Each may
#: hold up to 12 MiB.
_READERS = 7
#: No engine starts so many.
_MOST_THREADS = 1 << 16


def load_engine(name: EngineName | None = None) -> Engine:
    """The engine called `name`; without one, that which ``FASTVERIFY_ENGINE`` names.

    Where neither says anything it is the native engine if it is installed, else the pure one.
    Raises EngineError for a name that is none, for a native engine that is asked for and not installed,
    and always for one that is installed and cannot be loaded: that is a damaged installation, which
    nothing should hide; and SettingError where ``FASTVERIFY_ENGINE`` names no engine, or
    ``FASTVERIFY_SHA256`` or ``FASTVERIFY_READING`` what the native one does not have.
    """
    wanted: str | None = name
    source = f"the engine {name!r}"
    if wanted is None:
        wanted = os.environ.get(ENVIRONMENT_VARIABLE, "") or None
        source = f"{ENVIRONMENT_VARIABLE}={wanted!r}"
    if wanted not in {None, "native", "pure"}:
        unknown = EngineError if name is not None else SettingError
        raise unknown(f"{source} is unknown: it is native or pure")
    if wanted == "pure":
        return _pure()
    if find_spec(_EXTENSION) is not None:
        return _native()
    if wanted == "native":
        asked = f"{source}: " if name is None else ""
        raise EngineError(
            f"{asked}the native engine is not part of this installation: install Rust and then fastverify "
            "again, or go on with --engine pure"
        )
    return _pure()


def _pure() -> Engine:
    from fastverify.engine.pure import PureEngine

    return PureEngine()


def _native() -> Engine:
    try:
        from fastverify.engine.native import NativeEngine

        engine = NativeEngine()
    except Exception as error:
        reason = str(error) or type(error).__name__
        raise EngineError(
            f"the native engine is installed but cannot be loaded ({reason}); install fastverify again,"
            f" or go on with --engine pure (or {ENVIRONMENT_VARIABLE}=pure)"
        ) from error
    if os.environ.get(KERNEL_VARIABLE):
        try:
            engine.check_kernel()
        except ValueError as error:
            raise SettingError(f"{error}; unset {KERNEL_VARIABLE} for the fastest one") from None
    if os.environ.get(READING_VARIABLE):
        try:
            engine.reading_ways()
        except ValueError as error:
            raise SettingError(f"{error}; unset {READING_VARIABLE} for the default") from None
    return engine


def checked_threads(threads: int) -> int:
    """How many threads to ask an engine for: no more than any would start, however many are asked for.

    Raises TypeError for what is no whole number, ArgumentError for less than one.
    """
    threads = operator.index(threads)
    if threads < 1:
        raise ArgumentError(f"threads is {threads}: at least one is needed")
    return min(threads, _MOST_THREADS)


def default_threads() -> int:
    """How many processors this process may use; at least 1."""
    affinity = getattr(os, "sched_getaffinity", None)
    if affinity is not None:
        try:
            return max(len(affinity(0)), 1)
        except OSError:
            pass
    return os.cpu_count() or 1


def default_spares(threads: int | None) -> int:
    """How many more may work while a disk makes the others wait: none where `threads` was asked for."""
    return max(_READERS - default_threads(), 0) if threads is None else 0
