"""The exceptions that fastverify raises on purpose.

Each message is one sentence (or two) that names the path and says what to do.  Paths stand in it as
they are on disk: whoever prints a message escapes it (:mod:`fastverify.report.escape`).  Only a HashError's
is escaped already, because it is for programs that print it as it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fastverify.engine.protocol import Fault


class FastverifyError(Exception):
    """The work that was asked for cannot be done at all; exit status 2 on the command line."""


class ArgumentError(FastverifyError, ValueError):
    """An argument has a value that it cannot have."""


class HashError(FastverifyError):
    """A file, folder or zip has no h1, for the reason that `fault` gives."""

    def __init__(self, message: str, *, path: str, fault: Fault) -> None:
        super().__init__(message)
        self.path = path
        self.fault = fault


class EngineError(FastverifyError):
    """The engine that was asked for is not there, or is there and broken."""


class SettingError(EngineError):
    """A variable of the environment names an engine, or a way of the native one, that does not exist."""
