"""Reading the entries and outputs of a build cache, one at a time, without following links."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable

from fastverify.engine.buildcache import (
    ENTRY_BYTES,
    MAX_WHOLE_BYTES,
    ActionEntry,
    OutputFlaw,
    OutputKind,
    OutputMeasurement,
)
from fastverify.engine.protocol import MAX_OUTPUT_BYTES, Fault, FileStat
from fastverify.engine.pure.build import archive
from fastverify.engine.pure.build.entry import Parsed, parse_entry
from fastverify.engine.pure.build.export import Builds
from fastverify.engine.pure.faults import FaultError, os_fault
from fastverify.engine.pure.files import OPEN_FLAGS_NO_LINK, WINDOW, file_stat, lstat, read_next

_KINDS: tuple[tuple[bytes, OutputKind], ...] = (
    (archive.MAGIC, "archive"),
    (b"\x7fELF", "executable"),
    (b"MZ", "executable"),
    (b"\0asm", "executable"),
    (b"\xfe\xed\xfa\xce", "executable"),
    (b"\xfe\xed\xfa\xcf", "executable"),
    (b"\xce\xfa\xed\xfe", "executable"),
    (b"\xcf\xfa\xed\xfe", "executable"),
    (b"go index v", "index"),
    # gob: the type of a slice of facts.
    (b"\x0d\xff\x81\x02\x01\x02\xff\x82\x00\x01\xff\x80\x00\x00", "facts"),
    (b"{", "report"),
    (b"# test log\n", "test-log"),
    (b"mode: ", "profile"),
    (b"\0cvm", "cover-meta"),
    (b"GO PREPROFILE V1\n", "pgo-profile"),
)
#: As much as decides about the kind.
_HEAD = 17
_INDEX_V2 = b"go index v2\n"
_UNREAD = Parsed("malformed", "")
_NO_BUILDS = Builds()


def entry_path(root: bytes, name: bytes, suffix: bytes) -> bytes:
    """Where the entry (``-a``) or output (``-d``) with this ID lies."""
    digits = name.hex().encode()
    return os.path.join(root, digits[:2], digits + suffix)


def read_entry(root: bytes, action: bytes) -> ActionEntry:
    """Read the action entry with this ID.  Never raises for what is on disk."""
    path = entry_path(root, action, b"-a")
    found: FileStat | None = None
    try:
        status = lstat(path)
        found = file_stat(status)
        fd, status = _open(path, status.st_mode)
        found = file_stat(status)
        try:
            content = read_next(fd, ENTRY_BYTES + 1)
        finally:
            os.close(fd)
    except FaultError as error:
        return ActionEntry(action, found, error.fault(), *_UNREAD)
    except OSError as error:
        return ActionEntry(action, found, os_fault(error).fault(), *_UNREAD)
    return ActionEntry(action, found, None, *parse_entry(content, action))


def read_output(
    root: bytes, output: bytes, stopped: Callable[[], bool] = lambda: False
) -> tuple[OutputMeasurement, Builds]:
    """Read the output with this ID; with what it says of builds.  Never raises for what is on disk."""
    path = entry_path(root, output, b"-d")
    found: FileStat | None = None
    name = b""
    inner: FileStat | None = None

    def unread(fault: Fault | None, *flaws: OutputFlaw) -> tuple[OutputMeasurement, Builds]:
        return OutputMeasurement(output, found, name, inner, fault, 0, None, "other", b"", flaws), _NO_BUILDS

    try:
        status = lstat(path)
        found = file_stat(status)
        first: tuple[OutputFlaw, ...] = ()
        if stat.S_ISDIR(status.st_mode):
            names = _names(path)
            if len(names) != 1:
                return unread(None, "folder-crowded" if names else "folder-empty")
            name = names[0]
            path = os.path.join(path, name)
            status = lstat(path)
            inner = file_stat(status)
            if os.name == "posix" and stat.S_ISREG(status.st_mode) and not status.st_mode & 0o111:
                first = ("not-executable",)
        fd, status = _open(path, status.st_mode)
        try:
            size, digest, looked = _content(fd, status.st_size, stopped)
        finally:
            os.close(fd)
    except FaultError as error:
        return unread(error.fault(name))
    except OSError as error:
        return unread(os_fault(error).fault(name))
    kind, build_id, flaws, builds = looked
    measured = OutputMeasurement(
        output, found, name, inner, None, size, digest, kind, build_id, first + flaws
    )
    return measured, builds


def _names(path: bytes) -> list[bytes]:
    """The names in a folder, two at most."""
    names = []
    with os.scandir(path) as scan:
        for entry in scan:
            names.append(entry.name)
            if len(names) == 2:
                break
    return names


def _open(path: bytes, mode: int) -> tuple[int, os.stat_result]:
    """Open a regular file, and nothing else; `mode` is what lstat said.  Raises FaultError, OSError."""
    if stat.S_ISLNK(mode):
        raise FaultError("link")
    if not stat.S_ISREG(mode):
        raise FaultError("not-regular")
    fd = os.open(path, OPEN_FLAGS_NO_LINK)
    try:
        status = os.fstat(fd)
        if not stat.S_ISREG(status.st_mode):
            raise FaultError("not-regular")
    except BaseException:
        os.close(fd)
        raise
    return fd, status


#: Kind, build ID, flaws and builds.
_Looked = tuple[OutputKind, bytes, tuple[OutputFlaw, ...], Builds]


def _content(fd: int, size: int, stopped: Callable[[], bool]) -> tuple[int, bytes, _Looked]:
    """Size and digest of what is in an open file, and what it is."""
    if size > MAX_OUTPUT_BYTES:
        raise FaultError("too-large")
    if size <= MAX_WHOLE_BYTES:
        whole = read_next(fd, size + 1)
        if len(whole) <= size:
            return len(whole), hashlib.sha256(whole).digest(), _look(whole)
        head, digest, length = whole[:_HEAD], hashlib.sha256(whole), len(whole)
    else:
        head, digest, length = b"", hashlib.sha256(), 0
    while not stopped() and (piece := read_next(fd, WINDOW)):
        head = head or piece[:_HEAD]
        digest.update(piece)
        length += len(piece)
        if length > MAX_OUTPUT_BYTES:
            raise FaultError("too-large")
    return length, digest.digest(), (kind_of(head), b"", (), _NO_BUILDS)


def kind_of(head: bytes) -> OutputKind:
    """What the first bytes of an output say that it is."""
    if not head:
        return "empty"
    return next((kind for magic, kind in _KINDS if head.startswith(magic)), "other")


def _look(content: bytes) -> _Looked:
    kind = kind_of(content[:_HEAD])
    if kind == "archive":
        read = archive.read_archive(content)
        return kind, read.build_id, read.flaws, read.builds
    if kind == "index" and not _is_whole_index(content):
        return kind, b"", ("index-format",), _NO_BUILDS
    return kind, b"", (), _NO_BUILDS


def _is_whole_index(content: bytes) -> bool:
    """Whether the frame of a module index is whole (``fromBytes`` in ``cmd/go/internal/modindex/read.go``).

    Only version 2 is known, which Go 1.20 and later write; others pass.
    """
    if not content.startswith(_INDEX_V2):
        return True
    strings = int.from_bytes(content[12:16], "little")
    return 16 <= strings < len(content) and content[strings] == 0 and content[-1] == 0xFF
