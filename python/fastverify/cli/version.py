"""``fastverify --version``; with ``-v`` also what it runs on."""

from __future__ import annotations

import sys

from fastverify import __version__


def show_version(*, verbose: bool) -> None:
    """Print the version; `verbose` adds the engines that are there, Python and the platform."""
    print(f"fastverify {__version__}")
    if verbose:
        for line in _surroundings():
            print(line)


def _surroundings() -> list[str]:
    import platform

    from fastverify.engine import default_threads
    from fastverify.report.escape import printable

    lines = [_engine_line("native"), _engine_line("pure")]
    lines.append(f"python   {platform.python_version()} ({printable(sys.executable or 'embedded')})")
    lines.append(f"system   {printable(platform.platform())}, {default_threads()} threads")
    return lines


def _engine_line(name: str) -> str:
    from fastverify.engine import load_engine
    from fastverify.errors import EngineError
    from fastverify.report.escape import printable

    try:
        load_engine("native" if name == "native" else "pure")
    except EngineError as error:
        return f"{name:<7}  not there: {printable(str(error))}"
    return f"{name:<7}  there"
