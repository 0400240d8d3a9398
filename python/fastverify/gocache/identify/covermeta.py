"""Coverage meta-data: which functions of which packages are counted (``internal/coverage/defs.go``)."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from fastverify.gocache.content import LONGEST_READ, Content, MalformedError

MAGIC = b"\0cvm"
_FILE_HEADER = 56
_PACKAGE_HEADER = struct.Struct("<IIII16sB3xII")


@dataclass(frozen=True, slots=True)
class CoveredPackage:
    """One package that is counted."""

    path: str
    module: str
    functions: int


def read_cover_meta(content: Content) -> tuple[CoveredPackage, ...]:
    """The packages.  Raises MalformedError where a count or an offset leads outside; OSError."""
    if content.size > LONGEST_READ:
        raise MalformedError(f"meta-data of {content.size} bytes are longer than any that Go writes")
    data = content.at(0, content.size)
    if not data.startswith(MAGIC) or len(data) < _FILE_HEADER:
        raise MalformedError("it is not a whole file of coverage meta-data")
    length, entries = struct.unpack_from("<QQ", data, 8)
    if length > len(data) or entries > (len(data) - _FILE_HEADER) // 16:
        raise MalformedError("it claims more than it holds")
    offsets = struct.unpack_from(f"<{entries}Q", data, _FILE_HEADER)
    # Each package's part ends where the next one's begins, so that none is read twice.
    ends = (*offsets[1:], len(data))
    if any(at >= end for at, end in zip(offsets, ends, strict=True)):
        raise MalformedError("its packages are not one behind the other")
    return tuple(_package(data[at:end]) for at, end in zip(offsets, ends, strict=True))


def _package(data: bytes) -> CoveredPackage:
    start = _PACKAGE_HEADER.size
    if start > len(data):
        raise MalformedError("a package lies outside")
    _, _, path, module, _, _, _, functions = _PACKAGE_HEADER.unpack_from(data)
    strings_at = start + 4 * functions
    strings = _strings(data, strings_at, max(path, module) + 1)
    return CoveredPackage(strings[path], strings[module], functions)


def _strings(data: bytes, at: int, wanted: int) -> list[str]:
    count, at = _uvarint(data, at)
    if count > len(data) - at or wanted > count:
        raise MalformedError("its table of strings is broken")
    found = []
    for _ in range(wanted):
        length, at = _uvarint(data, at)
        if at + length > len(data):
            raise MalformedError("a string lies outside")
        found.append(data[at : at + length].decode("utf-8", "surrogateescape"))
        at += length
    return found


def _uvarint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while at < len(data) and shift < 64:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
    raise MalformedError("a number is broken")
