"""Errors of the operating system as the go command prints them (``os.PathError``, ``syscall.Errno``)."""

from __future__ import annotations

import errno
import os

from fastverify.errors import FastverifyError
from fastverify.gomod.reading import read_file

#: Where Go's own table differs from the C library's by more than its first letter
#: (``zerrors_linux_amd64.go``).
_OWN_WORDS = {
    "ENOTSUP": "operation not supported",
    "EILSEQ": "invalid or incomplete multibyte or wide character",
    "EDEADLOCK": "resource deadlock avoided",
}


class GoError(Exception):
    """An error in the words that the go command has for it."""


def error_words(number: int) -> str:
    """``syscall.Errno(number).Error()``."""
    name = errno.errorcode.get(number, "")
    if name in _OWN_WORDS:
        return _OWN_WORDS[name]
    text = os.strerror(number)
    # Go writes them small, but for words that are capitals throughout.
    return text if text[:2].isupper() else text[:1].lower() + text[1:]


def path_error(operation: str, path: str | bytes, number: int) -> GoError:
    """``&fs.PathError{Op: operation, Path: path, Err: syscall.Errno(number)}``."""
    return GoError(f"{operation} {os.fsdecode(path)}: {error_words(number)}")


def read_as_go(path: str, shown: str | None = None) -> bytes:
    """The content of a file that Go reads whole, and calls `shown` (default: `path`).

    Raises GoError in Go's words where Go cannot read it, and FastverifyError where only fastverify will not.
    """
    name = path if shown is None else shown
    try:
        return read_file(path)
    except OSError as error:
        if os.path.isdir(path):
            raise path_error("read", name, errno.EISDIR) from None
        if error.errno in (errno.EINVAL, errno.EFBIG):
            raise FastverifyError(f"{path} cannot be read: {error.strerror}") from error
        raise path_error("open", name, error.errno or errno.EIO) from None
