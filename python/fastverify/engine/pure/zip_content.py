"""The content of a zip's entries, read as Go's ``archive/zip`` reads it (``reader.go``).

Of the local header only the signature and two lengths count; the central directory says the rest.
The decisions fall in Go's order: local header, method, the data itself, its size, its CRC.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterator
from struct import Struct

from fastverify.engine.pure.faults import FaultError, os_fault
from fastverify.engine.pure.files import WINDOW, open_regular, read_at
from fastverify.engine.pure.zip_directory import int64

STORED = 0
DEFLATED = 8
_DESCRIPTOR_FLAG = 1 << 3

_LOCAL_SIGNATURE = b"PK\x03\x04"
_LOCAL_LENGTH = 30
_LOCAL_LENGTHS = Struct("<HH")
_DESCRIPTOR_SIGNATURE = b"PK\x07\x08"
_U32 = Struct("<I")

#: Read at once from an archive where one entry follows the other.
_READ_AHEAD = 4 << 20
#: Read at once where an entry is somewhere else: a hostile archive may jump a million times.
_READ_APART = 64 << 10

#: Taken at once from data whose length is not to be believed.
_PIECE = 128 << 10

#: ``offset, compressed size, size, crc, method, flags, whether it is a directory``
Stored = tuple[int, int, int, int, int, int, bool]


def is_long(entry: Stored) -> bool:
    """Whether an entry is to be read in pieces: one too long to be held, or with idle compressed data.

    What is left over of the data would be copied for nothing, and a million entries can share it.
    """
    _, compressed_size, size, *_ = entry
    return size > WINDOW or compressed_size > WINDOW or compressed_size > size + _PIECE


class ZipContents:
    """Reads the entries of one archive; quickest in the order of their offsets."""

    def __init__(self, path: bytes) -> None:
        """Open the archive.  Raises FaultError."""
        self._fd, found = open_regular(path)
        self._size = found.st_size
        self._window = memoryview(b"")
        self._start = 0

    def close(self) -> None:
        """Close the archive."""
        os.close(self._fd)

    def _view(self, offset: int, length: int) -> memoryview:
        """`length` bytes at `offset`, fewer where the file ends; `length` is at most WINDOW."""
        at = offset - self._start
        if at >= 0:
            view = self._window[at : at + length]
            if len(view) == length:
                return view
        if offset < 0:
            # os.File.ReadAt refuses a negative offset.
            raise FaultError("zip-format")
        if offset >= self._size:
            return self._window[:0]
        near = 0 <= offset - self._start <= len(self._window) + _READ_APART
        wanted = min(_READ_AHEAD if near else max(length, _READ_APART), self._size - offset)
        try:
            self._window = memoryview(read_at(self._fd, wanted, offset))
        except OSError as error:
            raise os_fault(error) from None
        self._start = offset
        return self._window[:length]

    def _body(self, offset: int) -> int:
        """Where the data of the entry with the local header at `offset` starts."""
        header = self._view(offset, _LOCAL_LENGTH)
        if len(header) < _LOCAL_LENGTH:
            raise FaultError("zip-eof")
        if header[:4] != _LOCAL_SIGNATURE:
            raise FaultError("zip-format")
        name_length, extra_length = _LOCAL_LENGTHS.unpack_from(header, 26)
        return int64(offset + _LOCAL_LENGTH + name_length + extra_length)

    def content(self, entry: Stored) -> bytes:
        """The content of an entry that is not long.  Raises FaultError."""
        offset, compressed_size, size, crc, method, flags, directory = entry
        body = self._body(offset)
        if directory:
            if size:
                raise FaultError("zip-format")
            return b""
        content: bytes
        if method == DEFLATED:
            inflater = zlib.decompressobj(-15)
            try:
                content = inflater.decompress(self._view(body, compressed_size), size + 1)
            except zlib.error:
                raise FaultError("zip-corrupt") from None
            if len(content) > size:
                raise FaultError("zip-format")
            if not inflater.eof:
                raise FaultError("zip-eof")
        elif method == STORED:
            content = bytes(self._view(body, compressed_size))
            if len(content) > size:
                raise FaultError("zip-format")
        else:
            raise FaultError("zip-algorithm")
        if len(content) < size:
            raise FaultError("zip-eof")
        if flags & _DESCRIPTOR_FLAG:
            self._check_descriptor(body + compressed_size, crc)
            if zlib.crc32(content) != crc:
                raise FaultError("zip-checksum")
        elif crc and zlib.crc32(content) != crc:
            raise FaultError("zip-checksum")
        return content

    def chunks(self, entry: Stored) -> Iterator[bytes]:
        """The content of any entry, in pieces of at most WINDOW bytes.

        Raises FaultError, which may be after some of the content; there is never more of it than the
        entry declares.
        """
        offset, compressed_size, size, crc, method, flags, directory = entry
        body = self._body(offset)
        if directory:
            if size:
                raise FaultError("zip-format")
            return
        compressed_size = int64(compressed_size)
        # io.NewSectionReader takes a negative length for one without end.
        length = compressed_size if compressed_size >= 0 else self._size
        if method == DEFLATED:
            pieces = self._inflated(body, length, size)
        elif method == STORED:
            pieces = self._raw(body, min(length, size + 1))
        else:
            raise FaultError("zip-algorithm")
        total = 0
        found_crc = 0
        for piece in pieces:
            total += len(piece)
            if total > size:
                raise FaultError("zip-format")
            found_crc = zlib.crc32(piece, found_crc)
            yield piece
        if total < size:
            raise FaultError("zip-eof")
        if flags & _DESCRIPTOR_FLAG:
            self._check_descriptor(int64(body + compressed_size), crc)
            if found_crc != crc:
                raise FaultError("zip-checksum")
        elif crc and found_crc != crc:
            raise FaultError("zip-checksum")

    def _raw(self, offset: int, left: int) -> Iterator[bytes]:
        while left > 0:
            piece = bytes(self._view(offset, min(left, _PIECE)))
            if not piece:
                return
            offset += len(piece)
            left -= len(piece)
            yield piece

    def _inflated(self, offset: int, left: int, size: int) -> Iterator[bytes]:
        """What the deflate stream holds, up to one byte more than `size`."""
        inflater = zlib.decompressobj(-15)
        raw = self._raw(offset, left)
        pending: bytes = b""
        wanted = size + 1
        while not inflater.eof and wanted:
            # The inflater may still hold output, even without further input.
            pending = pending or next(raw, b"")
            try:
                piece = inflater.decompress(pending, min(WINDOW, wanted))
            except zlib.error:
                raise FaultError("zip-corrupt") from None
            if not piece and not pending and not inflater.eof:
                raise FaultError("zip-eof")
            pending = inflater.unconsumed_tail
            wanted -= len(piece)
            if piece:
                yield piece

    def _check_descriptor(self, offset: int, crc: int) -> None:
        """Hold the data descriptor's CRC to the central one; its signature may be left out."""
        found = self._view(offset, 16)
        # Go reads 12 bytes after a signature, of which the CRC is the first 4.
        at, needed = (4, 16) if found[:4] == _DESCRIPTOR_SIGNATURE else (0, 12)
        if len(found) < needed:
            raise FaultError("zip-eof")
        if _U32.unpack_from(found, at)[0] != crc:
            raise FaultError("zip-checksum")
