"""The central directory of a zip, read as Go's ``archive/zip`` reads it (``reader.go``).

Python's :mod:`zipfile` is of no use here: it looks for the end record elsewhere, believes the size of
the directory, decodes names, and refuses what Go accepts.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Callable, Sequence
from struct import Struct
from typing import NamedTuple, overload

from fastverify.engine.protocol import BYTES_BESIDE_NAME, MAX_DIRECTORY_BYTES
from fastverify.engine.pure.faults import FaultError, os_fault
from fastverify.engine.pure.files import read_at

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

#: The names of so many entries are no list any more: that takes twice their length.
_MANY = 1 << 17

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
    """A central directory: its bytes in one piece, and where each header starts in them.

    Entries are decoded when they are asked for, so that a million of them take little memory.
    """

    def __init__(self, raw: bytes, base: int) -> None:
        self._raw = raw
        self._base = base
        self._starts = array("I")
        self._offsets = array("q")
        #: Sum of the sizes that the entries declare.
        self.unpacked = 0

    def __len__(self) -> int:
        return len(self._starts)

    def names(self) -> Sequence[bytes]:
        """The raw name of each entry; where there are very many, each is made when it is asked for."""
        if len(self._starts) > _MANY:
            return _Names(self._raw, self._starts)
        raw = self._raw
        return [
            raw[start + _HEADER_LENGTH : start + _HEADER_LENGTH + raw[start + 28] + (raw[start + 29] << 8)]
            for start in self._starts
        ]

    def offset(self, number: int) -> int:
        """Where the local header of an entry is said to be."""
        return self._offsets[number]

    def __getitem__(self, number: int) -> Entry:
        entry = self._decode(self._starts[number])
        if entry is None:
            raise IndexError(number)  # cannot be: only headers that decode are kept
        return entry

    def _decode(self, start: int) -> Entry | None:
        """The entry whose header starts there; None where Go says ``zip: not a valid zip file``."""
        raw = self._raw
        _, flags, method, crc, compressed, size, name_length, extra_length, _, offset = _HEADER.unpack_from(
            raw, start
        )
        extra = start + _HEADER_LENGTH + name_length
        if _U32_MAX in (compressed, size, offset):
            wide = _zip64_values(raw, extra, extra + extra_length, (size, compressed, offset))
            if wide is None:
                return None
            size, compressed, offset = wide
        return Entry(
            int64(offset + self._base),
            compressed,
            size,
            crc,
            method,
            flags,
            raw[start + _HEADER_LENGTH : extra],
        )

    def read_headers(self, prefix: bytes, room_for_names: int | None) -> FaultError:
        """Find the headers, from the first byte to the first that is none, and say what ended them.

        Raises FaultError where Go does not take that for the end of the directory, and where there is
        more of it than we hold in memory: the names without `prefix`, each with BYTES_BESIDE_NAME, may need
        `room_for_names`.
        """
        raw = self._raw
        length = len(raw)
        unpack = _HEADER.unpack_from
        append = self._starts.append
        append_offset = self._offsets.append
        base = self._base
        start = 0
        unpacked = 0
        ended = FaultError("zip-format")
        left = sys.maxsize if room_for_names is None else room_for_names
        while True:
            if start + _HEADER_LENGTH > length:
                if start == length:
                    # io.ReadFull says io.EOF here and just below, not io.ErrUnexpectedEOF.
                    raise FaultError("zip-eof")
                ended = FaultError("zip-eof")
                break
            signature, _, _, _, compressed, size, name_length, extra_length, comment_length, offset = unpack(
                raw, start
            )
            if signature != _HEADER_SIGNATURE:
                break
            end = start + _HEADER_LENGTH + name_length + extra_length + comment_length
            if end > length:
                if start + _HEADER_LENGTH == length:
                    raise FaultError("zip-eof")
                ended = FaultError("zip-eof")
                break
            if _U32_MAX in (compressed, size, offset):
                entry = self._decode(start)
                if entry is None:
                    break
                size = entry.size
                offset = entry.offset
            else:
                offset += base
            if end > MAX_DIRECTORY_BYTES:
                raise FaultError("zip-directory-too-large")
            append(start)
            append_offset(offset)
            unpacked += size
            left -= name_length + BYTES_BESIDE_NAME
            if raw.startswith(prefix, start + _HEADER_LENGTH, start + _HEADER_LENGTH + name_length):
                left += len(prefix)
            if left < 0:
                raise FaultError("too-many-names")
            start = end
        self.unpacked = unpacked
        if length - start > _LONGEST_HEADER:
            self._raw = raw[:start]
        return ended


class _Names(Sequence[bytes]):
    """Names as they stand in the bytes of a directory."""

    def __init__(self, raw: bytes, starts: array[int]) -> None:
        self._raw = raw
        self._starts = starts

    def __len__(self) -> int:
        return len(self._starts)

    @overload
    def __getitem__(self, number: int) -> bytes: ...
    @overload
    def __getitem__(self, number: slice) -> list[bytes]: ...
    def __getitem__(self, number: int | slice) -> bytes | list[bytes]:
        if isinstance(number, slice):
            return [self[each] for each in range(*number.indices(len(self)))]
        raw, start = self._raw, self._starts[number]
        return raw[start + _HEADER_LENGTH : start + _HEADER_LENGTH + raw[start + 28] + (raw[start + 29] << 8)]


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


_Read = Callable[[int, int], bytes]


def _read_directory(read: _Read, file_size: int, prefix: bytes, room_for_names: int | None) -> Directory:
    records, offset, base = _read_end(read, file_size)
    start = base + offset
    # With room for the header that passes the limit, so that only the file's end cuts one short.
    directory = Directory(read(min(MAX_DIRECTORY_BYTES + _LONGEST_HEADER, file_size - start), start), base)
    ended = directory.read_headers(prefix, room_for_names)
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
    header = _HEADER.unpack_from(raw)
    if header[0] != _HEADER_SIGNATURE:
        return False
    if _HEADER_LENGTH + sum(header[6:9]) > len(raw):
        return False
    return Directory(raw, 0)._decode(0) is not None
