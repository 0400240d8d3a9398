"""The central directory of a zip, read as Go's ``archive/zip`` reads it (``reader.go``).

Python's :mod:`zipfile` is of no use here: it looks for the end record elsewhere, believes the size of
the directory, decodes names, and refuses what Go accepts.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Callable
from struct import Struct
from typing import NamedTuple

from fastverify.engine.protocol import BYTES_BESIDE_NAME, MAX_DIRECTORY_BYTES
from fastverify.engine.pure.faults import FaultError, os_fault
from fastverify.engine.pure.files import read_at
from fastverify.name_column import NameColumn

# The layouts are those of PKWARE's APPNOTE.TXT, sections 4.3.7 to 4.3.16; `x` skips what Go skips.
_HEADER = Struct("<4s4xHH4xIIIHHH8xI")
_HEADER_LENGTH = 46
_HEADER_SIGNATURE = b"PK\x01\x02"
_END = Struct("<4s6xHIIH")
_END_LENGTH = 22
_END_SIGNATURE = b"PK\x05\x06"
_LOCATOR = Struct("<4sIQI")
_LOCATOR_SIGNATURE = b"PK\x06\x07"
_END64 = Struct("<4s28xQQQ")
_END64_SIGNATURE = b"PK\x06\x06"
_EXTRA = Struct("<HH")
_U64 = Struct("<Q")
_ZIP64_EXTRA = 1

_U16_MAX = 0xFFFF
_U32_MAX = 0xFFFFFFFF
_INT64_MAX = (1 << 63) - 1

#: Read at once of a directory, besides a header.
_PIECE = 1 << 20

_Read = Callable[[int, int], bytes]

#: The longest header: its fixed part, and three fields with 16-bit lengths.
_LONGEST_HEADER = _HEADER_LENGTH + 3 * _U16_MAX


def int64(value: int) -> int:
    """The value as Go's ``int64(value)`` has it: reduced modulo 2**64, signed."""
    value &= (1 << 64) - 1
    return value if value <= _INT64_MAX else value - (1 << 64)


class Entry(NamedTuple):
    """One entry, as the central directory declares it."""

    #: Of its local header in the file, the base already added; may be anything.
    offset: int
    compressed_size: int
    size: int
    crc: int
    method: int
    flags: int
    name: bytes


class Directory:
    """A central directory, in columns: a million entries take little memory."""

    def __init__(self, prefix: bytes = b"") -> None:
        #: The raw name of each entry.
        self.names = NameColumn(prefix)
        #: What most names begin with.
        self.prefix = prefix
        self._offsets = array("q")
        self._compressed_sizes = array("I")
        self._sizes = array("I")
        #: Both sizes of those that need more than 32 bits; these have the place in here for their size.
        self._wide_sizes = array("Q")
        self._crcs = array("I")
        self._methods = array("H")
        self._flags = array("H")
        #: Sum of the sizes that the entries declare.
        self.unpacked = 0

    def __len__(self) -> int:
        return len(self._offsets)

    def append(self, name: bytes, stored: tuple[int, int, int, int, int, int]) -> None:
        """Add an entry; `stored` is what :class:`Entry` begins with."""
        offset, compressed_size, size, crc, method, flags = stored
        self.unpacked += size
        if compressed_size >= _U32_MAX or size >= _U32_MAX:
            self._wide_sizes.extend((compressed_size, size))
            compressed_size, size = _U32_MAX, len(self._wide_sizes) - 2
        self._offsets.append(offset)
        self._compressed_sizes.append(compressed_size)
        self._sizes.append(size)
        self._crcs.append(crc)
        self._methods.append(method)
        self._flags.append(flags)
        self.names.append(name)

    def offset(self, number: int) -> int:
        """Where the local header of an entry is said to be."""
        return self._offsets[number]

    def size(self, number: int) -> int:
        """The size that an entry declares."""
        size = self._sizes[number]
        return self._wide_sizes[size + 1] if self._compressed_sizes[number] == _U32_MAX else size

    def __getitem__(self, number: int) -> Entry:
        return Entry(*self.stored(number), self.names[number])

    def stored(self, number: int) -> tuple[int, int, int, int, int, int]:
        """What :class:`Entry` begins with, without the name."""
        compressed_size, size = self._compressed_sizes[number], self._sizes[number]
        if compressed_size == _U32_MAX:
            compressed_size, size = self._wide_sizes[size : size + 2]
        return (
            self._offsets[number],
            compressed_size,
            size,
            self._crcs[number],
            self._methods[number],
            self._flags[number],
        )


def _read_headers(
    directory: Directory, read: _Read, places: range, base: int, room_for_names: int | None
) -> FaultError:
    """Add the entries at these `places` of the file, up to the first header that is none; why it is none.

    Raises FaultError where Go does not take that for the end of the directory, and where there is more of it
    than we hold in memory: the names without the directory's prefix, each with BYTES_BESIDE_NAME, may need
    `room_for_names`.
    """
    start, end = places.start, places.stop
    append, prefix, unpack = directory.append, directory.prefix, _HEADER.unpack_from
    left = sys.maxsize if room_for_names is None else room_for_names
    ended = FaultError("zip-format")
    most = start + MAX_DIRECTORY_BYTES
    # What has been read of the directory and is still needed, and how far a whole header is sure to be in it.
    piece = b""
    at, sure = 0, -1
    while True:
        if at > sure:
            start += at
            piece = piece[at:]
            wanted = min(_PIECE + _LONGEST_HEADER, end - start) - len(piece)
            more = read(wanted, start + len(piece)) if wanted > 0 else b""
            if len(more) < wanted:  # the file has become shorter
                end = start + len(piece) + len(more)
            piece += more
            at = 0
            sure = len(piece) - _LONGEST_HEADER if start + len(piece) < end else len(piece)
        if at + _HEADER_LENGTH > len(piece):
            if at == len(piece):
                # io.ReadFull says io.EOF here and just below, not io.ErrUnexpectedEOF.
                raise FaultError("zip-eof")
            ended = FaultError("zip-eof")
            break
        signature, flags, method, crc, compressed_size, size, *lengths, offset = unpack(piece, at)
        if signature != _HEADER_SIGNATURE:
            break
        header_end = at + _HEADER_LENGTH + sum(lengths)
        if header_end > len(piece):
            if at + _HEADER_LENGTH == len(piece):
                raise FaultError("zip-eof")
            ended = FaultError("zip-eof")
            break
        extra = at + _HEADER_LENGTH + lengths[0]
        if _U32_MAX in (compressed_size, size, offset):
            wide = _zip64_values(piece, extra, extra + lengths[1], (size, compressed_size, offset))
            if wide is None:
                break
            size, compressed_size, offset = wide
        if start + header_end > most:
            raise FaultError("zip-directory-too-large")
        name = piece[at + _HEADER_LENGTH : extra]
        left -= len(name) + BYTES_BESIDE_NAME
        if name.startswith(prefix):
            left += len(prefix)
        if left < 0:
            raise FaultError("too-many-names")
        append(name, (int64(offset + base), compressed_size, size, crc, method, flags))
        at = header_end
    return ended


def _zip64_values(
    raw: bytes, start: int, end: int, values: tuple[int, int, int]
) -> tuple[int, int, int] | None:
    """Size, compressed size and offset with what the zip64 extra field says of them.

    None where the field is too short, or lacks the compressed size or the offset.
    """
    found = list(values)
    needed = [value == _U32_MAX for value in values]
    while end - start >= _EXTRA.size:
        tag, length = _EXTRA.unpack_from(raw, start)
        start += _EXTRA.size
        if end - start < length:
            break
        if tag == _ZIP64_EXTRA:
            at, left = start, length
            for which in range(3):
                if needed[which]:
                    needed[which] = False
                    if left < _U64.size:
                        return None
                    (found[which],) = _U64.unpack_from(raw, at)
                    at += _U64.size
                    left -= _U64.size
        start += length
    if needed[1] or needed[2]:
        return None
    return found[0], found[1], found[2]


def read_directory(
    fd: int, file_size: int, prefix: bytes = b"", room_for_names: int | None = None
) -> Directory:
    """The central directory of an open archive.

    Raises FaultError; also where the names without `prefix` need more than `room_for_names`, as
    MAX_NAMES_BYTES counts it.
    """
    try:
        return _read_directory(
            lambda length, offset: read_at(fd, length, offset), file_size, prefix, room_for_names
        )
    except OSError as error:
        raise os_fault(error) from None


def _read_directory(read: _Read, file_size: int, prefix: bytes, room_for_names: int | None) -> Directory:
    records, offset, base = _read_end(read, file_size)
    start = base + offset
    # With room for the header that passes the limit, so that only the file's end cuts one short.
    end = min(start + MAX_DIRECTORY_BYTES + _LONGEST_HEADER, file_size)
    directory = Directory(prefix)
    ended = _read_headers(directory, read, range(start, end), base, room_for_names)
    # The count is kept in 16 bits, so Go compares no more of it.
    if len(directory) & _U16_MAX != records & _U16_MAX:
        raise ended
    return directory


def _find_end(read: _Read, file_size: int) -> tuple[bytes, int]:
    """The end record with what follows it, and its place in the file."""
    for reach in (1024, 65 * 1024):
        length = min(reach, file_size)
        tail = read(length, file_size - length)
        # The last signature that leaves room for the record, even if its comment then does not fit.
        at = tail.rfind(_END_SIGNATURE, 0, max(len(tail) - _END_LENGTH + len(_END_SIGNATURE), 0))
        if at >= 0 and at + _END_LENGTH + _END.unpack_from(tail, at)[4] <= len(tail):
            return tail[at:], file_size - length + at
        if length == file_size:
            break
    raise FaultError("zip-format")


def _read_end(read: _Read, file_size: int) -> tuple[int, int, int]:
    """Number of records, offset of the directory, and the base that offsets count from."""
    record, end = _find_end(read, file_size)
    _, records, size, offset, _ = _END.unpack_from(record)
    # 0xFFFF for the size is Go's own condition, not the format's.
    if _U16_MAX in (records, size) or offset == _U32_MAX:
        end64 = _find_end64(read, end)
        if end64 >= 0:
            end = end64
            raw = read(_END64.size, end)
            if len(raw) < _END64.size:
                raise FaultError("zip-eof")
            signature, records, size, offset = _END64.unpack(raw)
            if signature != _END64_SIGNATURE:
                raise FaultError("zip-format")
    if size > _INT64_MAX or offset > _INT64_MAX:
        raise FaultError("zip-format")
    base = end - size - offset
    if not 0 <= base + offset < file_size:
        raise FaultError("zip-format")
    if base > 0 and _header_at(read, offset, file_size):
        base = 0
    return records, offset, base


def _find_end64(read: _Read, end: int) -> int:
    """Where the zip64 end record is, by its locator; negative where there is none."""
    if end < _LOCATOR.size:
        return -1
    signature, disk, offset, disks = _LOCATOR.unpack(read(_LOCATOR.size, end - _LOCATOR.size))
    if signature != _LOCATOR_SIGNATURE or disk != 0 or disks != 1:
        return -1
    return int64(offset)


def _header_at(read: _Read, offset: int, file_size: int) -> bool:
    """Whether a whole central header is at that place of the file."""
    if offset + _HEADER_LENGTH > file_size:
        return False
    raw = read(min(_LONGEST_HEADER, file_size - offset), offset)
    signature, _, _, _, compressed_size, size, *lengths, start = _HEADER.unpack_from(raw)
    if signature != _HEADER_SIGNATURE or _HEADER_LENGTH + sum(lengths) > len(raw):
        return False
    if _U32_MAX not in (compressed_size, size, start):
        return True
    extra = _HEADER_LENGTH + lengths[0]
    return _zip64_values(raw, extra, extra + lengths[1], (size, compressed_size, start)) is not None
