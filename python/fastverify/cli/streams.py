"""Standard output and error when they cannot take what is written to them."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TextIO


def make_encodable() -> None:
    """Let a character that a stream's encoding does not have be escaped, instead of being an error."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


def flush_stdout() -> None:
    """Write out what is still held back, so that it is known whether that can be done.

    Raises OSError, BrokenPipeError among them.
    """
    if sys.stdout is not None:
        sys.stdout.flush()


def silence_stdout() -> None:
    """Send what stdout still holds back nowhere, so that the interpreter's own flush succeeds."""
    _silence(sys.stdout)


def tell(line: str) -> None:
    """Write `line` (already printable) to stderr, if anybody is there to be told."""
    try:
        sys.stderr.write(f"{line}\n")
        sys.stderr.flush()
    except OSError:
        _silence(sys.stderr)
    except AttributeError:  # there is no stderr at all
        return


def _silence(stream: TextIO) -> None:
    # A stream without a file of its own has nothing to silence.
    with contextlib.suppress(OSError, ValueError, AttributeError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
