"""Where a report goes: standard output, or a file that is there whole or not at all."""

from __future__ import annotations

import contextlib
import os
import stat
import sys
from collections.abc import Iterable, Iterator
from typing import IO

import click

from fastverify.errors import FastverifyError
from fastverify.report.colour import ColourChoice, wanted


class StandardOutput:
    """Writes to standard output, at once.

    `colour` is whether the text has styles in it; `width` is the terminal's, in
    columns, None where it is none.
    """

    def __init__(self, *, colour: bool, width: int | None) -> None:
        self.colour = colour
        self.width = width

    def write(self, text: str) -> None:
        """Write `text` and flush.  Raises OSError, BrokenPipeError among them."""
        click.echo(text, nl=False, color=self.colour)

    def commit(self) -> None:
        """Nothing to do: all has been written."""

    def discard(self) -> None:
        """Nothing to undo."""


class OutputFile:
    """Writes beside `path`, and takes its place at :meth:`commit`.

    A fifo or a device is written to directly.  Raises FastverifyError, before anything else is done,
    where `path` cannot be written.
    """

    #: A file has no terminal's width.
    width: int | None = None

    def __init__(self, path: str) -> None:
        self.path = path
        # A link stays a link; what it names is replaced.  /dev/fd/1 and its like name no path.
        special = os.path.exists(path) and not os.path.isfile(path)
        self._target = path if special else os.path.realpath(path)
        self._temporary: str | None = None
        self._file: IO[str] | None = None
        with self._named():
            mode = self._mode()
            if mode is not None and not stat.S_ISREG(mode):
                self._file = _text(self._target)
            else:
                self._open_beside(mode)

    def write(self, text: str) -> None:
        """Write `text`.  Raises FastverifyError, or BrokenPipeError."""
        if self._file is None:
            raise ValueError(f"{self.path} is closed")
        with self._named():
            self._file.write(text)

    def commit(self) -> None:
        """Make what was written the content of the file.

        Raises FastverifyError, or BrokenPipeError; the file is then as it was.
        """
        if self._file is None:
            return
        file, self._file = self._file, None
        with self._named():
            with file:
                file.flush()
            if self._temporary is not None:
                os.replace(self._temporary, self._target)
                self._temporary = None

    @contextlib.contextmanager
    def _named(self) -> Iterator[None]:
        """Say of an error which file it is about."""
        try:
            yield
        except BrokenPipeError:
            raise
        except OSError as error:
            raise FastverifyError(
                f"cannot write {self.path}: {error.strerror or error}; choose another --output"
            ) from error

    def discard(self) -> None:
        """Forget what was written, unless it was committed."""
        if self._file is not None:
            with contextlib.suppress(OSError):  # what cannot be flushed is thrown away all the same
                self._file.close()
            self._file = None
        if self._temporary is not None:
            with contextlib.suppress(OSError):  # it is gone already, or its folder is
                os.unlink(self._temporary)
            self._temporary = None

    def _mode(self) -> int | None:
        try:
            return os.stat(self._target).st_mode
        except FileNotFoundError:
            return None

    def _open_beside(self, mode: int | None) -> None:
        folder, name = os.path.split(self._target)
        if mode is not None:
            # Replacing needs only the folder's permission; a file that says no is still respected.
            os.close(os.open(self._target, os.O_WRONLY | getattr(os, "O_NONBLOCK", 0)))
        # Only now: who writes no file need not wait for it.
        import tempfile

        descriptor, self._temporary = tempfile.mkstemp(prefix=f".{name[:64]}.", suffix=".tmp", dir=folder)
        if hasattr(os, "fchmod"):
            os.fchmod(descriptor, _new_file_mode() if mode is None else stat.S_IMODE(mode))
        self._file = _text(descriptor)


Output = StandardOutput | OutputFile


def standard_output(choice: ColourChoice = "never") -> StandardOutput:
    """Standard output, coloured as `choice` (--color) wants it."""
    terminal = is_terminal(sys.stdout)
    return StandardOutput(
        colour=wanted(choice, terminal=terminal, environ=os.environ),
        width=_columns() if terminal else None,
    )


def _columns() -> int:
    # Only now, as above: most runs write neither a file nor to a terminal.
    import shutil

    return shutil.get_terminal_size().columns


def is_terminal(stream: IO[str] | None) -> bool:
    """Whether there is a `stream`, and somebody who reads it as it comes."""
    return stream is not None and stream.isatty()


def refuse_inside(path: str, caches: Iterable[str]) -> None:
    """Raise FastverifyError where `path` lies in one of `caches`: verifying writes nothing into them."""
    target = os.path.realpath(path)
    for cache in caches:
        root = os.path.realpath(cache)
        try:
            inside = os.path.commonpath([root, target]) == root
        except ValueError:  # on another drive
            continue
        if inside:
            raise FastverifyError(
                f"{path} lies inside the cache {cache}, into which nothing is written; "
                "choose another --output"
            )


def _text(file: str | int) -> IO[str]:
    return open(file, "w", encoding="utf-8", errors="backslashreplace", newline="\n")


def _new_file_mode() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return 0o666 & ~mask
