"""Module indexes: which Go files a package or module has (``cmd/go/internal/modindex``, write.go)."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from fastverify.gocache.content import LONGEST_READ, Content, MalformedError

MAGIC = b"go index v2\n"
_END = b"\xff"
_LONGEST_STRING = 1 << 20
#: A file has eleven numbers at least, of four bytes each.
_SHORTEST_FILE = 44
#: How often, at most, each byte of its strings is named, taken together.
_OFTEN = 16


@dataclass(frozen=True, slots=True)
class IndexedFile:
    """One Go file."""

    name: str
    package: str


@dataclass(frozen=True, slots=True)
class IndexedPackage:
    """One folder."""

    #: Absolute in the index of a package, relative to the module in that of a module.
    folder: str
    files: tuple[IndexedFile, ...]


def read_index(content: Content) -> tuple[IndexedPackage, ...]:
    """The packages of an index.  Raises MalformedError where an offset or a count leads outside; OSError."""
    if content.size > LONGEST_READ:
        raise MalformedError(f"an index of {content.size} bytes is longer than any that Go writes")
    data = content.at(0, content.size)
    if not data.startswith(MAGIC):
        raise MalformedError("it is not an index of version 2")
    if data[-1:] != _END:
        raise MalformedError("it does not end as an index does")
    reader = _Index(data)
    count = reader.u32(16)
    if 20 + 8 * count > reader.strings_at:
        raise MalformedError(f"it claims {count} packages, which it has no room for")
    return tuple(
        reader.package(reader.string(20 + 8 * number), reader.u32(24 + 8 * number)) for number in range(count)
    )


class _Index:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self.strings_at = struct.unpack_from("<I", data, 12)[0] if len(data) >= 21 else 0
        if not 20 <= self.strings_at < len(data):
            raise MalformedError("its table of strings lies outside")
        # What is named more than once costs more than once; Go names little so.
        self._files_left = self.strings_at // _SHORTEST_FILE
        self._bytes_left = _OFTEN * len(data) + _LONGEST_STRING

    def u32(self, at: int) -> int:
        if at + 4 > self.strings_at:
            raise MalformedError("an offset leads outside")
        value: int = struct.unpack_from("<I", self._data, at)[0]
        return value

    def string(self, at: int) -> str:
        where = self.strings_at + self.u32(at)
        length = shift = 0
        while True:
            if where >= len(self._data) or shift > 28:
                raise MalformedError("a string lies outside")
            byte = self._data[where]
            where += 1
            length |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                break
        # The last byte marks the end and belongs to no string.
        if length > _LONGEST_STRING or where + length > len(self._data) - 1:
            raise MalformedError("a string lies outside")
        self._bytes_left -= length
        if self._bytes_left < 0:
            raise MalformedError("it names strings more often than any that Go writes")
        return self._data[where : where + length].decode("utf-8", "surrogateescape")

    def package(self, folder: str, at: int) -> IndexedPackage:
        """The package at `at`, in `folder` unless it says otherwise."""
        count = self.u32(at + 8)
        if at + 12 + 4 * count > self.strings_at:
            raise MalformedError(f"a package claims {count} files, which it has no room for")
        self._files_left -= count
        if self._files_left < 0:
            raise MalformedError("its packages share their files")
        files = []
        for number in range(count):
            file_at = self.u32(at + 12 + 4 * number)
            for field in range(5):
                self.string(file_at + 4 * field)
            files.append(IndexedFile(self.string(file_at + 12), self.string(file_at + 16)))
        return IndexedPackage(self.string(at + 4) or folder, tuple(files))
