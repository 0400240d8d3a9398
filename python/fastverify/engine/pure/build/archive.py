"""Archives of Go's compiler: the build ID, and what the archive says of its own content.

The form is that of ``cmd/internal/archive``, ``cmd/internal/goobj`` and ``internal/pkgbits``.
"""

from __future__ import annotations

import base64
import hashlib
import re
from typing import NamedTuple

from fastverify.engine.buildcache import OutputFlaw
from fastverify.engine.pure.build.export import Builds, read_builds

MAGIC = b"!<arch>\n"
_PKGDEF = b"__.PKGDEF"
_HEADER = 60
#: Characters of one part of a build ID, and how many of a digest's bytes they stand for.
PART = 20
_PART_BYTES = 15
_HEAD = re.compile(rb'go object [^\n]*\nbuild id "([A-Za-z0-9_/-]*)"\n')
_GOOBJ_MAGIC = b"\0go120ld"


class Archive(NamedTuple):
    """What an archive says of itself."""

    build_id: bytes
    flaws: tuple[OutputFlaw, ...]
    builds: Builds = Builds()


def read_archive(content: bytes) -> Archive:
    """Read a whole archive.  One that is not Go's compiler's has neither a build ID nor flaws."""
    if content[len(MAGIC) : len(MAGIC) + len(_PKGDEF)] != _PKGDEF:
        return Archive(b"", ())
    member = _member(content, len(MAGIC))
    head = None if member is None else _HEAD.match(content, member[0], member[1])
    if member is None or head is None:
        return Archive(b"", ("archive-format",))
    build_id = head[1]
    flaws: list[OutputFlaw] = []
    if build_id and content_part(content, build_id) != build_id.rpartition(b"/")[2]:
        flaws.append("content-id")
    export = _export_data(content, *member)
    if export is None:
        return Archive(build_id, tuple(flaws))
    start, end = export
    hashed, fingerprint = content[start : end - 8], content[end - 8 : end]
    # internal/pkgbits.Encoder.Fingerprint: MD5 before version 2.
    if int.from_bytes(hashed[:4], "little") in (0, 1):
        digest = hashlib.md5(hashed, usedforsecurity=False).digest()
    else:
        digest = hashlib.sha256(hashed).digest()
    if digest[:8] != fingerprint:
        flaws.append("export-fingerprint")
    linker_object = None
    following = _member(content, member[1] + member[1] % 2)
    if following is not None:
        start, end = following
        at = content.find(b"\n!\n", start, end) + 3
        if at > 2 and content[at : at + 8] == _GOOBJ_MAGIC:
            linker_object = content[at : max(end, at + 16)]
            if content[at + 8 : at + 16] != fingerprint:
                flaws.append("object-fingerprint")
    return Archive(build_id, tuple(flaws), read_builds(hashed, fingerprint, linker_object))


def content_part(content: bytes, build_id: bytes) -> bytes:
    """The content part of the build ID: ``buildid.FindAndHash`` and ``HashToString``."""
    zeroed = content.replace(build_id, bytes(len(build_id)))
    return short(hashlib.sha256(zeroed).digest())


def short(digest: bytes) -> bytes:
    """``buildid.HashToString``."""
    return base64.urlsafe_b64encode(digest[:_PART_BYTES])


def _member(content: bytes, at: int) -> tuple[int, int] | None:
    """Where the content of the member whose header is at `at` begins and ends; None where it is broken."""
    header = content[at : at + _HEADER]
    size = header[48:58].rstrip(b" ")
    if len(header) < _HEADER or header[58:] != b"`\n" or not size.isdigit():
        return None
    start = at + _HEADER
    end = start + int(size)
    return (start, end) if end <= len(content) else None


def _export_data(content: bytes, start: int, end: int) -> tuple[int, int] | None:
    """Where unified export data with its fingerprint begins and ends; None where there is none."""
    mark = content.find(b"\n$$B\n", start, end)
    if mark < 0 or content[mark + 5 : mark + 6] != b"u":
        return None
    begin = mark + 6
    last = content.rfind(b"\n$$\n", begin, end)
    return (begin, last) if last >= begin + 12 else None
