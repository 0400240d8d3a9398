"""Reading an output here and there, never more of it than was asked for.

Outputs come from strangers and may be of any size; and Go truncates a file in place, so that a mapping
of it could end this process.  Therefore nothing is mapped, each read names its length, and a read that
finds less than it needs says so.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from typing import BinaryIO

#: No single read is longer; a reader that needs more reads in pieces.
LONGEST_READ = 64 << 20
_CHUNK = 1 << 20


class MalformedError(ValueError):
    """The bytes break the rules of the format that they begin as; the message says how, in one clause."""


class Content:
    """The bytes of a file, by offset.

    `size` is the size when it was opened; a file that shrinks meanwhile reads as truncated.
    """

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file = file
        self.size = size

    @classmethod
    def of(cls, data: bytes) -> Content:
        """The bytes `data`."""
        return cls(io.BytesIO(data), len(data))

    @classmethod
    def of_file(cls, file: BinaryIO) -> Content:
        """An open regular file.  Raises OSError."""
        return cls(file, os.fstat(file.fileno()).st_size)

    def at(self, offset: int, length: int) -> bytes:
        """The `length` bytes from `offset`.  Raises MalformedError where not all are there; OSError."""
        if offset < 0 or length < 0 or offset + length > self.size:
            raise MalformedError(f"{length} bytes at {offset} lie outside its {self.size} bytes")
        if length > LONGEST_READ:
            raise MalformedError(f"a part of {length} bytes is longer than any that Go writes")
        data = self.upto(offset, length)
        if len(data) != length:
            raise MalformedError("it ends early")
        return data

    def upto(self, offset: int, length: int) -> bytes:
        """The bytes from `offset`, at most `length` and only as many as there are.  Raises OSError."""
        self._file.seek(offset)
        return self._file.read(min(length, LONGEST_READ))

    def pieces(self, start: int = 0) -> Iterator[bytes]:
        """All bytes from `start` on, in pieces.  Raises OSError; MalformedError where it ends early."""
        while start < self.size:
            piece = self.upto(start, min(_CHUNK, self.size - start))
            if not piece:
                raise MalformedError("it ends early")
            start += len(piece)
            yield piece
