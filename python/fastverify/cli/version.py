"""``fastverify --version``; with ``-v`` also what it runs on."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from fastverify import __version__
from fastverify.cli import status
from fastverify.cli.streams import flush_stdout, make_encodable, silence_stdout, tell

if TYPE_CHECKING:
    from fastverify.engine.protocol import EngineName


def show_version(*, verbose: bool) -> int:
    """Print the version; `verbose` adds the engines that are there, how SHA-256 is computed
    and how files are read, Python and the platform.

    Returns the exit status; a variable of the environment that is set to what does not exist is an error
    of the verbose form, as it is one of every command that needs an engine.
    """
    make_encodable()
    lines = [f"fastverify {__version__}"]
    if verbose:
        wrong = _wrong_setting()
        if wrong is not None:
            tell(f"fastverify: error: {wrong}")
            return status.FAILED
        lines += _surroundings()
    try:
        print("\n".join(lines))
        flush_stdout()
    except BrokenPipeError:
        silence_stdout()
        return status.BROKEN_PIPE
    except OSError as error:
        silence_stdout()
        tell(f"fastverify: error: {error.strerror}")
        return status.FAILED
    return status.CLEAN


def _wrong_setting() -> str | None:
    """What is wrong with the variables of the environment that count for the engine."""
    from fastverify.engine import load_engine
    from fastverify.errors import EngineError, SettingError
    from fastverify.report.escape import printable

    try:
        load_engine()
    except SettingError as error:
        return printable(str(error))
    except EngineError:
        pass  # told where the engines are
    return None


def _surroundings() -> list[str]:
    import platform

    from fastverify.engine import default_threads
    from fastverify.report.escape import printable

    used = _used()
    return [
        *(f"{name:7} {_presence(name)}{', used' if name == used else ''}" for name in ("native", "pure")),
        f"sha256  {_kernels()}",
        f"reading {_reading()}",
        f"python  {platform.python_version()} ({printable(sys.executable or 'embedded')})",
        f"system  {printable(platform.platform())}, {default_threads()} threads",
    ]


def _used() -> EngineName | None:
    """The engine that is used where none is asked for."""
    from fastverify.engine import load_engine
    from fastverify.errors import EngineError

    try:
        return load_engine().name
    except EngineError:
        return None


def _presence(name: EngineName) -> str:
    """Whether an engine is there; if not, or if it is broken, why."""
    from fastverify.engine import load_engine
    from fastverify.errors import EngineError, SettingError
    from fastverify.report.escape import printable

    try:
        load_engine(name)
    except SettingError:
        pass  # of an engine that is there, and not the one that is used
    except EngineError as error:
        return f"not there: {printable(str(error))}"
    return "there"


def _kernels() -> str:
    """How SHA-256 is computed, and what else there would be."""
    from fastverify import hashing
    from fastverify.errors import EngineError
    from fastverify.report.escape import printable

    try:
        kernels = hashing.kernels()
    except EngineError as error:
        return printable(str(error))
    return f"{kernels.used} (of {', '.join(kernels.available)})"


def _reading() -> str:
    """How the files of extracted modules are read, and what else there would be."""
    from fastverify.engine import load_engine
    from fastverify.errors import EngineError
    from fastverify.report.escape import printable

    try:
        engine = load_engine()
    except EngineError as error:
        return printable(str(error))
    if engine.name == "pure":
        return "plain"
    from fastverify.engine.native import NativeEngine

    available, forced = NativeEngine().reading_ways()
    used = forced or available[-1]
    return f"{used} (of {', '.join(available)})"
