"""Build IDs: reading them from archives and executables, and computing what their last part must be.

The forms are those of ``cmd/go/internal/work/buildid.go``: ``action/content`` in an archive,
``linkAction/mainAction/mainContent/content`` in an executable.  Where they stand is told by
``cmd/internal/buildid/buildid.go``, and what the content part is a hash of by ``rewrite.go`` there.
"""

from __future__ import annotations

import base64
import hashlib
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from fastverify.gocache.content import Content, MalformedError

#: How much of an executable Go looks at for the build ID.
_HEAD = 32 << 10
#: No program has more segments, or so many bytes of notes.
_MOST_SEGMENTS = 1024
#: No note segment, section table or load command that is longer is looked into.
_LONGEST_TABLE = 1 << 20
_PART = re.compile(r"[A-Za-z0-9_-]{20}")
_RAW_START = b'\xff Go build ID: "'
_RAW_END = b'"\n \xff'
_MACHO_MAGIC = {
    b"\xfe\xed\xfa\xce": (">", 28),
    b"\xfe\xed\xfa\xcf": (">", 32),
    b"\xce\xfa\xed\xfe": ("<", 28),
    b"\xcf\xfa\xed\xfe": ("<", 32),
}
_PT_NOTE = 4
_GO_BUILD_ID = 4
_GNU_NOTE_SECTION = b".note.gnu.build-id"
_LC_UUID = 0x1B
_LC_CODE_SIGNATURE = 0x1D

#: The bytes from the first offset up to the second.
Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class BuildId:
    """A build ID as it stands in a file."""

    #: The whole, as Go wrote it.
    text: str

    @property
    def parts(self) -> tuple[str, ...]:
        """What its slashes divide."""
        return tuple(self.text.split("/"))

    @property
    def action(self) -> str:
        """The part that names the action ID, see :func:`short_hash`."""
        return self.parts[0]

    @property
    def content(self) -> str:
        """The part that names the content, see :func:`content_id`."""
        return self.parts[-1]

    @property
    def main(self) -> tuple[str, str] | None:
        """An executable's main package: the action and content parts of its archive."""
        parts = self.parts
        return (parts[1], parts[2]) if len(parts) == 4 else None

    @property
    def is_go_cache_form(self) -> bool:
        """Whether it has two or four parts of 20 characters, as all have that go writes into its cache."""
        parts = self.parts
        return len(parts) in (2, 4) and all(_PART.fullmatch(part) for part in parts)


def short_hash(digest: bytes) -> str:
    """Go's ``buildid.HashToString``: the first 15 bytes of `digest` in 20 characters."""
    return base64.urlsafe_b64encode(digest[:15]).decode("ascii")


def action_part(action: str) -> str:
    """What an output of the action ID `action` (64 hex digits) must have as its build ID's first part.

    Raises ValueError where it is not hex.
    """
    return short_hash(bytes.fromhex(action))


def read_build_id(content: Content) -> BuildId | None:
    """The build ID of an archive or an executable; None where it has none, as Go allows.

    Raises MalformedError where it is neither, or its head is broken; OSError.
    """
    head = content.upto(0, _HEAD)
    if head.startswith(b"!<arch>\n"):
        text = _of_archive(head[:1024])
    elif head.startswith(b"\x7fELF"):
        text = _of_elf(content, head)
    elif head[:4] in _MACHO_MAGIC:
        text = _raw(head) or _raw(_macho_text(content))
    elif head.startswith((b"MZ", b"\x00asm")):
        text = _raw(head)
    else:
        raise MalformedError("it is neither an archive nor an executable")
    return BuildId(text) if text else None


def content_id(content: Content, build_id: BuildId) -> str:
    """What the last part of `build_id`, read from `content`, must be.

    It is the hash of the file with each full build ID zeroed, and with what depends on the build ID
    zeroed, too: the value of ELF's GNU build ID, Mach-O's UUID and code signature.  Raises MalformedError,
    OSError.
    """
    zeroed = list(_spans_left_out(content))
    digest = hashlib.sha256()
    for piece in _without(_zero(content, zeroed), build_id.text.encode("utf-8", "surrogateescape")):
        digest.update(piece)
    return short_hash(digest.digest())


def _of_archive(head: bytes) -> str:
    lines = head.split(b"\n", 4)
    if len(lines) < 5 or not lines[1].startswith(b"__.PKGDEF") or not lines[2].startswith(b"go object "):
        raise MalformedError("the archive does not begin with __.PKGDEF and its go object line")
    line = lines[3]
    if not line.startswith(b"build id "):
        return ""
    return _unquoted(line[len(b"build id ") :])


def _unquoted(quoted: bytes) -> str:
    # strconv.Unquote knows escapes; no build ID of the go command has one.
    if len(quoted) < 2 or quoted[:1] != b'"' or quoted[-1:] != b'"':
        raise MalformedError("the build ID is not quoted")
    inner = quoted[1:-1]
    if b'"' in inner or b"\\" in inner or not inner.isascii():
        raise MalformedError("the build ID holds characters that Go never writes")
    return inner.decode("ascii")


def _raw(head: bytes) -> str:
    start = head.find(_RAW_START)
    if start < 0:
        return ""
    end = head.find(_RAW_END, start + len(_RAW_START))
    if end < 0:
        raise MalformedError("the build ID does not end")
    return _unquoted(head[start + len(_RAW_START) - 1 : end + 1])


def _of_elf(content: Content, head: bytes) -> str:
    order, offset, size, count = _elf_table(head, segments=True)
    wide = head[4] == 2
    if count > _MOST_SEGMENTS:
        raise MalformedError(f"{count} segments")
    gnu = ""
    left = _LONGEST_TABLE
    for number in range(count):
        entry = content.at(offset + number * size, size)
        kind = _u32(order, entry, 0)
        if kind != _PT_NOTE:
            continue
        if wide:
            start, length = _u64(order, entry, 8), _u64(order, entry, 32)
        else:
            start, length = _u32(order, entry, 4), _u32(order, entry, 16)
        if length < 16:
            continue
        left -= length
        if left < 0:
            raise MalformedError(f"a note segment of {length} bytes")
        for name, tag, value in _notes(order, content.at(start, length)):
            if name == b"Go\0\0" and tag == _GO_BUILD_ID:
                return _plain(value)
            if name == b"GNU\0" and tag == 3:
                gnu = value.decode("latin-1")
    return gnu


def _plain(value: bytes) -> str:
    if not value.isascii():
        raise MalformedError("the build ID holds characters that Go never writes")
    return value.decode("ascii")


def _notes(order: str, data: bytes) -> Iterator[tuple[bytes, int, bytes]]:
    at = 0
    while at + 12 <= len(data):
        name_size, value_size, tag = struct.unpack_from(f"{order}III", data, at)
        value_at = at + 12 + (name_size + 3 & ~3)
        if value_at + value_size > len(data):
            return
        yield data[at + 12 : at + 12 + name_size], tag, data[value_at : value_at + value_size]
        at = value_at + (value_size + 3 & ~3)


def _elf_table(head: bytes, *, segments: bool) -> tuple[str, int, int, int]:
    """Byte order, offset, entry size and count of the segment table, or of the section table."""
    if len(head) < 64 or head[4] not in (1, 2) or head[5] not in (1, 2):
        raise MalformedError("the ELF header is broken")
    order = "<" if head[5] == 1 else ">"
    if head[4] == 2:
        offset = _u64(order, head, 32 if segments else 40)
        size, count = struct.unpack_from(f"{order}HH", head, 54 if segments else 58)
        least = 56 if segments else 64
    else:
        offset = _u32(order, head, 28 if segments else 32)
        size, count = struct.unpack_from(f"{order}HH", head, 42 if segments else 46)
        least = 32 if segments else 40
    if count and (size < least or size > 4096):
        raise MalformedError("the ELF header is broken")
    return order, offset, size, count


def _spans_left_out(content: Content) -> Iterator[Span]:
    """What besides the build ID counts as zero."""
    head = content.upto(0, 4096)
    if head.startswith(b"\x7fELF"):
        yield from _gnu_build_id(content, head)
    elif head[:4] in _MACHO_MAGIC:
        seen = set()
        for command, at, length in _load_commands(content):
            # Go, too, takes the first of each.
            if command in seen:
                continue
            seen.add(command)
            if command == _LC_UUID and length >= 8:
                yield at + 8, at + length
            elif command == _LC_CODE_SIGNATURE and length >= 16:
                order, _ = _MACHO_MAGIC[head[:4]]
                start, size = struct.unpack(f"{order}II", content.at(at + 8, 8))
                yield start, start + size


def _gnu_build_id(content: Content, head: bytes) -> Iterator[Span]:
    order, offset, size, count = _elf_table(head, segments=False)
    wide = head[4] == 2
    names_number: int = struct.unpack_from(f"{order}H", head, 62 if wide else 50)[0]
    if offset == 0 or names_number >= count:
        return
    names = b""
    # The table of names is one of the sections themselves.
    for number in (names_number, *range(count)):
        entry = content.at(offset + number * size, size)
        name_at = _u32(order, entry, 0)
        if wide:
            start, length = _u64(order, entry, 24), _u64(order, entry, 32)
        else:
            start, length = _u32(order, entry, 16), _u32(order, entry, 20)
        if not names:
            if length > _LONGEST_TABLE:
                raise MalformedError(f"a table of section names of {length} bytes")
            names = content.at(start, length)
            if not names:
                return
        elif names[name_at : name_at + len(_GNU_NOTE_SECTION) + 1] == _GNU_NOTE_SECTION + b"\0":
            # Three words of note header and "GNU\0" stay.
            yield start + 16, start + length
            return


def _load_commands(content: Content) -> Iterator[tuple[int, int, int]]:
    """Mach-O load commands: command, offset, length."""
    head = content.at(0, 28)
    order, at = _MACHO_MAGIC[head[:4]]
    count, total = struct.unpack_from(f"{order}II", head, 16)
    end = at + total
    if total > _LONGEST_TABLE or count > total // 8:
        raise MalformedError("the Mach-O header is broken")
    for _ in range(count):
        command, length = struct.unpack(f"{order}II", content.at(at, 8))
        if length < 8 or at + length > end:
            raise MalformedError("a Mach-O load command is broken")
        yield command, at, length
        at += length


def _macho_text(content: Content) -> bytes:
    """The beginning of the section ``__text``, where the linker puts the build ID."""
    order, header = _MACHO_MAGIC[content.at(0, 4)]
    wide = header == 32
    segment, fixed, section_size = (0x19, 72, 80) if wide else (1, 56, 68)
    for command, at, length in _load_commands(content):
        if command != segment:
            continue
        for section_at in range(at + fixed, at + length - section_size + 1, section_size):
            section = content.at(section_at, section_size)
            if section[:16].rstrip(b"\0") == b"__text":
                size = _u64(order, section, 40) if wide else _u32(order, section, 36)
                return content.upto(_u32(order, section, 48 if wide else 40), min(size, _HEAD))
    raise MalformedError("it has no section __text")


def _zero(content: Content, spans: list[Span]) -> Iterator[bytes]:
    at = 0
    for piece in content.pieces():
        changed = piece
        for start, end in spans:
            first, last = max(start - at, 0), min(end - at, len(piece))
            if first < last:
                changed = changed[:first] + bytes(last - first) + changed[last:]
        at += len(piece)
        yield changed


def _without(pieces: Iterator[bytes], text: bytes) -> Iterator[bytes]:
    """`pieces` with each occurrence of `text` zeroed, those across two pieces too."""
    zeros = bytes(len(text))
    kept = b""
    for piece in pieces:
        joined = (kept + piece).replace(text, zeros)
        # The tail may be the beginning of an occurrence.
        split = max(len(joined) - len(text) + 1, 0)
        yield joined[:split]
        kept = joined[split:]
    yield kept


def _u32(order: str, data: bytes, at: int) -> int:
    value: int = struct.unpack_from(f"{order}I", data, at)[0]
    return value


def _u64(order: str, data: bytes, at: int) -> int:
    value: int = struct.unpack_from(f"{order}Q", data, at)[0]
    return value
