"""Archives of Go's compiler: which package, from which source, for which platform.

The forms are those of ``cmd/internal/archive``, ``internal/pkgbits`` (export data) and
``cmd/internal/goobj`` (what the linker reads).
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from fastverify.gocache.buildid import BuildId
from fastverify.gocache.content import Content, MalformedError

_MAGIC = b"!<arch>\n"
_HEADER = 60
_MOST_MEMBERS = 100_000
#: The text at a member's beginning is longer only where flags are many.
_LONGEST_HEAD = 16 << 10
_LONGEST_STRING = 1 << 16
_LONGEST_NAMES = 32 << 20
#: How often, at most, each byte of the names is named, taken together.
_OFTEN = 4
#: How far the linker's object is looked for: mostly nothing stands before it.
_DIRECTIVES = (4 << 10, 4 << 20)
_GOOBJ_MAGIC = b"\0go120ld"
_BLOCKS = 19
_OLD_PREFIX = "gofile.."
_SETTING = re.compile(r"GO[A-Z0-9]+=.*")
_SECTIONS = 10
_STRINGS, _META, _PACKAGES = 0, 1, 3


@dataclass(frozen=True, slots=True)
class Member:
    """One member of an archive."""

    name: str
    offset: int
    size: int


@dataclass(frozen=True, slots=True)
class ObjectHead:
    """The text that a member of Go's begins with."""

    goos: str
    goarch: str
    version: str
    #: ``GOAMD64=v1`` and its like.
    settings: tuple[str, ...]
    experiments: tuple[str, ...]
    build_id: BuildId | None
    main: bool
    #: Where the text ends.
    length: int


@dataclass(frozen=True, slots=True)
class ExportPackage:
    """What export data says of its own package."""

    path: str
    name: str
    #: Elements in all its sections.
    elements: int


@dataclass(frozen=True, slots=True)
class LinkerObject:
    """What the linker reads of a package, as far as it names things."""

    fingerprint: bytes
    standard: bool
    #: Packages that are imported, and the fingerprints that their export data had.
    imports: tuple[tuple[str, bytes], ...]
    #: Absolute, or beginning with ``$GOROOT`` or a module's path.
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class GoArchive:
    """A whole archive."""

    head: ObjectHead
    package: ExportPackage | None
    fingerprint: bytes
    linker_object: LinkerObject | None
    members: tuple[Member, ...]


def read_archive(content: Content) -> GoArchive:
    """Read an archive of Go's compiler.

    Raises MalformedError where it is none or its parts do not fit each other; OSError.
    """
    members = tuple(read_members(content))
    if not members or members[0].name != "__.PKGDEF":
        raise MalformedError("its first member is not __.PKGDEF")
    first = members[0]
    head = _object_head(content, first)
    package, fingerprint = _export_data(content, first, head)
    linked = None
    if len(members) > 1 and members[1].name == "_go_.o":
        linked = _linker_object(content, members[1])
    return GoArchive(head, package, fingerprint, linked, members)


def read_members(content: Content) -> Iterator[Member]:
    """The members of an archive in their order.  Raises MalformedError, OSError."""
    if content.upto(0, len(_MAGIC)) != _MAGIC:
        raise MalformedError("it does not begin as an archive")
    at = len(_MAGIC)
    for _ in range(_MOST_MEMBERS):
        if at >= content.size:
            return
        header = content.at(at, _HEADER)
        if header[58:] != b"`\n":
            raise MalformedError(f"there is no member header at {at}")
        digits = header[48:58].rstrip(b" ")
        if not digits.isdigit():
            raise MalformedError(f"the member at {at} has no size")
        member = Member(header[:16].rstrip(b" /").decode("latin-1"), at + _HEADER, int(digits))
        at = member.offset + member.size
        if at > content.size:
            raise MalformedError(f"the member {member.name} ends after the file does")
        at += at & 1
        yield member
    raise MalformedError("it has more members than any that Go writes")


def _object_head(content: Content, member: Member) -> ObjectHead:
    text = content.at(member.offset, min(member.size, _LONGEST_HEAD))
    end = text.find(b"\n\n")
    # Before the export data and before the linker's object there is an empty line.
    if end < 0:
        raise MalformedError(f"the text of {member.name} does not end")
    lines = text[:end].decode("utf-8", "replace").split("\n")
    words = lines[0].split(" ")
    if words[:2] != ["go", "object"] or len(words) < 5:
        raise MalformedError(f"{member.name} has no go object line")
    settings = [word for word in words[5:] if _SETTING.fullmatch(word)]
    experiments = [
        name for word in words[5:] if word.startswith("X:") for name in word[2:].split(",") if name != "none"
    ]
    build_id = None
    for line in lines[1:]:
        if line.startswith('build id "') and line.endswith('"') and len(line) > len('build id "'):
            build_id = BuildId(line[len('build id "') : -1])
    return ObjectHead(
        words[2],
        words[3],
        words[4],
        tuple(settings),
        tuple(experiments),
        build_id,
        "main" in lines[1:],
        end + 2,
    )


def _export_data(content: Content, member: Member, head: ObjectHead) -> tuple[ExportPackage | None, bytes]:
    start = member.offset + head.length
    if content.upto(start, min(6, member.size - head.length)) != b"\n$$B\nu":
        # Go before 1.20 wrote other forms; they are not read.
        raise MalformedError("the export data is of no form that is known")
    begin = start + 6
    end = member.offset + member.size - len(b"\n$$\n")
    if end < begin or content.at(end, 4) != b"\n$$\n":
        raise MalformedError("the export data does not end")
    return _Export(content, begin, end).package(), content.at(end - 8, 8)


class _Export:
    """Unified export data, ``internal/pkgbits.PkgDecoder``."""

    def __init__(self, content: Content, begin: int, end: int) -> None:
        self._content = content
        version = self._u32s(begin, 1)[0]
        if version > 2:
            raise MalformedError(f"export data of version {version} is not known")
        at = begin + (8 if version else 4)
        self._section_ends = self._u32s(at, _SECTIONS)
        at += 4 * _SECTIONS
        self.elements = self._section_ends[-1]
        if list(self._section_ends) != sorted(self._section_ends) or at + 4 * self.elements + 8 > end:
            raise MalformedError("the export data's sections are broken")
        self._ends_at = at
        self._data_at = at + 4 * self.elements
        last = self._u32s(self._data_at - 4, 1)[0] if self.elements else 0
        if self._data_at + last + 8 != end:
            raise MalformedError("the export data's elements are broken")
        self._end = end - 8

    def package(self) -> ExportPackage:
        """The package that this is of."""
        # The public root names its package first, as ReadPackage reads it.
        references, payload = self._element(_META, 0)
        number, _ = _uvarint(payload, 0)
        if number >= len(references) or references[number][0] != _PACKAGES:
            raise MalformedError("the export data does not name its package")
        references, payload = self._element(_PACKAGES, references[number][1])
        path, at = self._string(references, payload, 0)
        name, _ = self._string(references, payload, at)
        return ExportPackage(path, name, self.elements)

    def _string(self, references: list[tuple[int, int]], payload: bytes, at: int) -> tuple[str, int]:
        number, at = _uvarint(payload, at)
        if number >= len(references) or references[number][0] != _STRINGS:
            raise MalformedError("the export data's references are broken")
        return self._bytes(_STRINGS, references[number][1]).decode("utf-8", "replace"), at

    def _element(self, section: int, number: int) -> tuple[list[tuple[int, int]], bytes]:
        data = self._bytes(section, number)
        count, at = _uvarint(data, 0)
        if count > len(data):
            raise MalformedError("an element of the export data claims more references than it has bytes")
        references = []
        for _ in range(count):
            kind, at = _uvarint(data, at)
            index, at = _uvarint(data, at)
            references.append((kind, index))
        return references, data[at:]

    def _bytes(self, section: int, number: int) -> bytes:
        first = self._section_ends[section - 1] if section else 0
        index = first + number
        if index >= self._section_ends[section]:
            raise MalformedError("the export data names an element that it does not have")
        start = self._u32s(self._ends_at + 4 * (index - 1), 1)[0] if index else 0
        end = self._u32s(self._ends_at + 4 * index, 1)[0]
        if start > end or self._data_at + end > self._end or end - start > _LONGEST_STRING << 4:
            raise MalformedError("an element of the export data is broken")
        return self._content.at(self._data_at + start, end - start)

    def _u32s(self, at: int, count: int) -> tuple[int, ...]:
        return struct.unpack(f"<{count}I", self._content.at(at, 4 * count))


def _linker_object(content: Content, member: Member) -> LinkerObject:
    head = _object_head(content, member)
    # Directives of cgo come before the object.
    start = member.offset + head.length
    mark = -1
    for length in _DIRECTIVES:
        mark = content.upto(start, min(member.size - head.length, length)).find(b"\n!\n" + _GOOBJ_MAGIC)
        if mark >= 0:
            break
    else:
        raise MalformedError("_go_.o holds no linker object of a form that is known")
    base = start + mark + 3
    size = member.offset + member.size - base
    fixed = content.at(base, min(size, 20 + 4 * _BLOCKS))
    if len(fixed) < 20 + 4 * _BLOCKS:
        raise MalformedError("_go_.o ends early")
    flags = struct.unpack_from("<I", fixed, 16)[0]
    offsets = struct.unpack_from(f"<{_BLOCKS}I", fixed, 20)
    if list(offsets) != sorted(offsets) or offsets[-1] > size:
        raise MalformedError("the blocks of _go_.o are broken")

    # The names and the first blocks come before the symbols.
    if offsets[3] > _LONGEST_NAMES:
        raise MalformedError("_go_.o has more names than any that Go writes")
    beginning = content.at(base, offsets[3])

    left = _OFTEN * len(beginning)

    def texts(first: int, width: int) -> Iterator[tuple[str, bytes]]:
        block = beginning[offsets[first] : offsets[first + 1]]
        if len(block) % width:
            raise MalformedError("a block of _go_.o is broken")
        for at in range(0, len(block), width):
            length, where = struct.unpack_from("<II", block, at)
            if length > _LONGEST_STRING or where + length > len(beginning):
                raise MalformedError("a name in _go_.o is broken")
            nonlocal left
            left -= length
            if left < 0:
                raise MalformedError("_go_.o names the same more often than any that Go writes")
            name = beginning[where : where + length].decode("utf-8", "surrogateescape")
            yield name, block[at + 8 : at + width]

    return LinkerObject(
        fixed[8:16],
        bool(flags & 16),
        tuple(texts(0, 16)),
        tuple(source_path(name) for name, _ in texts(2, 8)),
    )


def source_path(name: str) -> str:
    """A path of the file table as it was on disk: compilers before Go 1.22 put a word before it."""
    return name.removeprefix(_OLD_PREFIX)


def _uvarint(data: bytes, at: int) -> tuple[int, int]:
    """The unsigned varint at `at` and where it ends.  Raises MalformedError."""
    value = shift = 0
    while True:
        if at >= len(data) or shift > 63:
            raise MalformedError("a number is broken")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
