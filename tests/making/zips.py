"""Writes zip archives, well-formed ones and ones that lie in every field.

Written from the format (PKWARE's APPNOTE.TXT), not with :mod:`zipfile`, which refuses to write most
of what a hostile zip can hold.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

STORED = 0
DEFLATED = 8
BZIP2 = 12

FLAG_ENCRYPTED = 1 << 0
FLAG_DESCRIPTOR = 1 << 3
FLAG_UTF8 = 1 << 11

_U16 = 0xFFFF
_U32 = 0xFFFFFFFF


def deflate(content: bytes) -> bytes:
    """Raw deflate, as method 8 has it."""
    compressor = zlib.compressobj(6, zlib.DEFLATED, -15)
    return compressor.compress(content) + compressor.flush()


@dataclass(frozen=True)
class Entry:
    """One file of an archive.  What is None is filled in truly; anything else is written as it is."""

    name: bytes
    content: bytes = b""
    method: int = DEFLATED
    flags: int = 0
    #: The compressed bytes; None for what `method` makes of `content`.
    body: bytes | None = None
    crc: int | None = None
    size: int | None = None
    compressed_size: int | None = None
    #: The data descriptor after the body: none, with its signature, or without.
    descriptor: Literal["", "signed", "bare"] = ""
    descriptor_crc: int | None = None
    #: Central sizes and offset in a zip64 extra field.
    zip64: bool = False
    external: int = 0
    extra: bytes = b""
    comment: bytes = b""
    #: The local header's own copies, which Go does not read.
    local_name: bytes | None = None
    local_method: int | None = None
    local_crc: int | None = None
    local_extra: bytes = b""
    local_signature: bytes = b"PK\x03\x04"
    #: Take the local header and the body of the entry with this number instead of writing its own.
    shares: int | None = None
    #: Added to the offset that the central directory gives.
    offset_shift: int = 0


@dataclass(frozen=True)
class _Written:
    entry: Entry
    offset: int
    crc: int
    size: int
    compressed_size: int


@dataclass(frozen=True)
class Archive:
    """A whole zip file."""

    entries: Sequence[Entry] = ()
    comment: bytes = b""
    before: bytes = b""
    after: bytes = b""
    #: Whether offsets count the bytes in `before`.
    offsets_count_before: bool = False
    #: Write a zip64 end record and its locator, with all ones in the end record.
    zip64: bool = False
    #: The end record's values; None for the true ones.
    count: int | None = None
    directory_size: int | None = None
    directory_offset: int | None = None
    comment_length: int | None = None

    def to_bytes(self) -> bytes:
        """The archive, byte for byte."""
        base = 0 if not self.offsets_count_before else len(self.before)
        out = bytearray()
        written: list[_Written] = []
        for entry in self.entries:
            written.append(_write_local(out, entry, base, written))
        directory = b"".join(_central(each) for each in written)
        directory_offset = base + len(out)
        out += directory
        count = len(written) if self.count is None else self.count
        size = len(directory) if self.directory_size is None else self.directory_size
        offset = directory_offset if self.directory_offset is None else self.directory_offset
        if self.zip64:
            record = struct.pack("<4sQHHIIQQQQ", b"PK\x06\x06", 44, 45, 45, 0, 0, count, count, size, offset)
            locator = struct.pack("<4sIQI", b"PK\x06\x07", 0, base + len(out), 1)
            out += record + locator
            count, size, offset = _U16, _U32, _U32
        length = len(self.comment) if self.comment_length is None else self.comment_length
        out += struct.pack(
            "<4sHHHHIIH",
            b"PK\x05\x06",
            0,
            0,
            count & _U16,
            count & _U16,
            size & _U32,
            offset & _U32,
            length & _U16,
        )
        return self.before + bytes(out) + self.comment + self.after


def _write_local(out: bytearray, entry: Entry, base: int, written: Sequence[_Written]) -> _Written:
    body = entry.body
    if body is None:
        body = deflate(entry.content) if entry.method == DEFLATED else entry.content
    crc = zlib.crc32(entry.content) if entry.crc is None else entry.crc
    size = len(entry.content) if entry.size is None else entry.size
    compressed = len(body) if entry.compressed_size is None else entry.compressed_size
    if entry.shares is not None and written:
        lender = written[entry.shares % len(written)]
        return replace(lender, entry=replace(entry, method=lender.entry.method, flags=lender.entry.flags))
    offset = base + len(out)
    described = bool(entry.flags & FLAG_DESCRIPTOR)
    name = entry.name if entry.local_name is None else entry.local_name
    local_crc = (0 if described else crc) if entry.local_crc is None else entry.local_crc
    out += struct.pack(
        "<4sHHHHHIIIHH",
        entry.local_signature,
        20,
        entry.flags,
        entry.method if entry.local_method is None else entry.local_method,
        0,
        33,
        local_crc & _U32,
        0 if described else min(compressed, _U32),
        0 if described else min(size, _U32),
        len(name) & _U16,
        len(entry.local_extra),
    )
    out += name + entry.local_extra + body
    if entry.descriptor:
        signature = b"PK\x07\x08" if entry.descriptor == "signed" else b""
        descriptor_crc = crc if entry.descriptor_crc is None else entry.descriptor_crc
        wide = "<III" if not entry.zip64 else "<IQQ"
        out += signature + struct.pack(wide, descriptor_crc & _U32, compressed & _U32, size & _U32)
    return _Written(entry, offset, crc, size, compressed)


def _central(written: _Written) -> bytes:
    entry = written.entry
    offset = written.offset + entry.offset_shift
    size, compressed = written.size, written.compressed_size
    extra = entry.extra
    if entry.zip64:
        extra = struct.pack("<HHQQQ", 1, 24, size, compressed, offset % (1 << 64)) + extra
        size = compressed = offset = _U32
    header = struct.pack(
        "<4sHHHHHHIIIHHHHHII",
        b"PK\x01\x02",
        20 | (3 << 8),
        20,
        entry.flags,
        entry.method,
        0,
        33,
        written.crc & _U32,
        compressed & _U32,
        size & _U32,
        len(entry.name) & _U16,
        len(extra) & _U16,
        len(entry.comment) & _U16,
        0,
        0,
        entry.external,
        offset & _U32,
    )
    return header + entry.name + extra + entry.comment


def zip_of(files: Sequence[tuple[bytes, bytes]]) -> bytes:
    """A plain, well-formed zip of ``(name, content)`` pairs; a name ending in ``/`` is a directory."""
    return Archive(
        [Entry(name, content, STORED if name.endswith(b"/") else DEFLATED) for name, content in files]
    ).to_bytes()
