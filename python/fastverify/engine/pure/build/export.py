"""Which build of a package an archive is, and which builds of other packages it was compiled from.

A build is an import path with the fingerprint that ends the package's export data.  The forms are those of
``internal/pkgbits`` and ``cmd/internal/goobj``.
"""

from __future__ import annotations

import hashlib
import struct
from typing import NamedTuple

#: What stands at the beginning of a linker object: magic, fingerprint, flags, where blocks begin.
_OBJECT_HEAD = 96
#: A name of an import with its fingerprint takes so many bytes in a linker object.
_IMPORT = 16
#: The imports of an archive that has more are not looked at, nor those of one whose names are longer, each
#: or together.
_MOST_IMPORTS = 1 << 16
_LONGEST_NAME = 1 << 16
_LONGEST_NAMES = 4 << 20
_SECTIONS = 10
_STRINGS, _META, _PACKAGES = 0, 1, 3


class Builds(NamedTuple):
    """What an archive says of builds: 8 bytes of the import path's SHA-256, then the fingerprint."""

    #: The package's own: as its export data and as its linker object have it.
    own: tuple[bytes, ...] = ()
    #: Those that it was compiled from.
    imports: tuple[bytes, ...] = ()


class _BrokenError(Exception):
    """The bytes are not of a form that is known."""


def read_builds(export: bytes, fingerprint: bytes, linker_object: bytes | None) -> Builds:
    """`export` is the export data without its fingerprint; the linker object begins with its magic."""
    try:
        path = _package_path(export)
    except _BrokenError:
        return Builds()
    own, imports = fingerprint, []
    if linker_object is not None:
        own = linker_object[8:16] if len(linker_object) >= 16 else bytes(8)
        try:
            imports = _imports(linker_object)
        except _BrokenError:
            imports = []
    start = _digest(path)
    return Builds(
        tuple(dict.fromkeys([start + fingerprint, start + own])),
        tuple(_digest(name) + mark for name, mark in imports),
    )


def _digest(path: bytes) -> bytes:
    return hashlib.sha256(path).digest()[:8]


def _imports(content: bytes) -> list[tuple[bytes, bytes]]:
    """The imports that a linker object names, and their fingerprints."""
    if len(content) < _OBJECT_HEAD:
        raise _BrokenError
    start, end = struct.unpack_from("<II", content, 20)
    length = end - start
    if start < _OBJECT_HEAD or not 0 <= length <= _MOST_IMPORTS * _IMPORT or end > len(content):
        raise _BrokenError
    if length % _IMPORT:
        raise _BrokenError
    found = []
    left = _LONGEST_NAMES
    for size, at, mark in struct.iter_unpack("<II8s", content[start:end]):
        left -= size
        if size > _LONGEST_NAME or left < 0 or at + size > start:
            raise _BrokenError
        found.append((content[at : at + size], mark))
    return found


def _package_path(export: bytes) -> bytes:
    """The import path of the package whose export data this is, without the fingerprint that ends it."""
    version = _word(export, 0)
    if version > 2:
        raise _BrokenError
    at = 8 if version else 4
    sections = [_word(export, at + 4 * number) for number in range(_SECTIONS)]
    ends_at = at + 4 * _SECTIONS
    content_at = ends_at + 4 * sections[-1]
    if sections != sorted(sections) or content_at > len(export):
        raise _BrokenError

    def element(section: int, number: int) -> bytes:
        index = number + (sections[section - 1] if section else 0)
        if index >= sections[section]:
            raise _BrokenError
        start = _word(export, ends_at + 4 * (index - 1)) if index else 0
        end = _word(export, ends_at + 4 * index)
        if start > end or content_at + end > len(export):
            raise _BrokenError
        return export[content_at + start : content_at + end]

    # The public root names its package first, and a package its path.
    own = _referred(element(_META, 0), _PACKAGES)
    path = element(_STRINGS, _referred(element(_PACKAGES, own), _STRINGS))
    if len(path) > _LONGEST_NAME:
        raise _BrokenError
    return path


def _referred(element: bytes, section: int) -> int:
    """The element of `section` that the first number in an element's own content refers to."""
    count, at = _uvarint(element, 0)
    references = at
    for _ in range(2 * count):
        _, at = _uvarint(element, at)
    chosen, _ = _uvarint(element, at)
    if chosen >= count:
        raise _BrokenError
    at = references
    for _ in range(2 * chosen):
        _, at = _uvarint(element, at)
    kind, at = _uvarint(element, at)
    index, _ = _uvarint(element, at)
    if kind != section:
        raise _BrokenError
    return index


def _word(content: bytes, at: int) -> int:
    word = content[at : at + 4]
    if len(word) < 4:
        raise _BrokenError
    return int.from_bytes(word, "little")


def _uvarint(content: bytes, at: int) -> tuple[int, int]:
    """The number at `at`, of 63 bits at most, and where it ends."""
    value = 0
    for shift in range(0, 63, 7):
        if at >= len(content):
            raise _BrokenError
        byte = content[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise _BrokenError
