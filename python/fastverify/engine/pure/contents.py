"""Reads contents, hashes each once, and compares an archive's with a tree's on the way.

This is the hot part of the engine, and the part that worker processes share.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterable
from typing import NamedTuple

from fastverify.engine.protocol import FaultCode, FileStat
from fastverify.engine.pure.faults import FaultError, os_fault
from fastverify.engine.pure.files import (
    OPEN_FLAGS_NO_LINK,
    WINDOW,
    file_stat,
    open_regular,
    read_next,
)
from fastverify.engine.pure.zip_content import Stored, ZipContents, is_long

_NO_DIGEST = bytes(32)
#: Stands in for the stat of a file that is not there.
_NOTHING = os.stat_result((0,) * 10)

#: One content to read: from the archive, from a file, or from both to compare them.
Pair = tuple["Stored | None", "bytes | None"]
Reason = tuple[FaultCode, int]


class Part(NamedTuple):
    """Contents to read.  Made to be sent to another process."""

    archive: bytes | None
    #: Put before the path of each file.
    start: bytes
    pairs: list[Pair]
    #: The files may be links (they are given by the user, not found in a tree).
    follow: bool
    #: These bits make a file's mode suspicious.
    odd_mode: int
    #: A file without an entry is to be told with its stat.
    stat_extra: bool


class PartResult(NamedTuple):
    """What the contents are; pairs are named by their number in the part."""

    #: 32 bytes a pair: SHA-256 of the entry, or of the file where there is no entry to read.
    digests: bytes
    #: SHA-256 of each file that differs from its entry.
    differing: dict[int, bytes]
    entry_faults: dict[int, Reason]
    file_faults: dict[int, Reason]
    #: Of each file that differs, is extra, or has a suspicious mode.
    stats: dict[int, FileStat]
    #: Bytes of content read from files.
    file_bytes: int


def read_part(part: Part) -> PartResult:
    """Read the contents of a part.  Never raises for what is on disk."""
    archive = None
    archive_fault: Reason | None = None
    if part.archive is not None:
        try:
            archive = ZipContents(part.archive)
        except FaultError as error:
            archive_fault = (error.code, error.errno)
    try:
        return _read_pairs(part, archive, archive_fault)
    finally:
        if archive is not None:
            archive.close()


def _read_pairs(part: Part, archive: ZipContents | None, archive_fault: Reason | None) -> PartResult:
    sha256 = hashlib.sha256
    os_open, os_fstat, os_read, os_close = os.open, os.fstat, os.read, os.close
    is_regular = stat.S_ISREG
    start, odd_mode, follow, stat_extra = part.start, part.odd_mode, part.follow, part.stat_extra
    digests: list[bytes] = []
    differing: dict[int, bytes] = {}
    entry_faults: dict[int, Reason] = {}
    file_faults: dict[int, Reason] = {}
    stats: dict[int, FileStat] = {}
    file_bytes = 0

    for number, (entry, path) in enumerate(part.pairs):
        content: bytes | None = None
        long: Stored | None = None  # the entry, where it is too long to be held
        if entry is not None:
            if archive is None:
                entry_faults[number] = archive_fault or ("zip-format", 0)
            elif is_long(entry):
                long = entry
            else:
                try:
                    content = archive.content(entry)
                except FaultError as error:
                    entry_faults[number] = (error.code, error.errno)
        if path is None and long is None:
            digests.append(_NO_DIGEST if content is None else sha256(content).digest())
            continue

        fd = -1
        found = _NOTHING
        if path is not None:
            try:
                if follow:
                    fd, found = open_regular(start + path)
                else:
                    fd = os_open(start + path, OPEN_FLAGS_NO_LINK)
                    found = os_fstat(fd)
            except FaultError as error:
                file_faults[number] = (error.code, error.errno)
            except OSError as error:
                file_faults[number] = _reason(error)
        mode, size = found.st_mode, found.st_size
        try:
            if fd >= 0:
                if not is_regular(mode):
                    file_faults[number] = ("not-regular", 0)
                    stats[number] = file_stat(found)
                elif long is None and size <= WINDOW:
                    data = os_read(fd, size + 1)
                    if len(data) == size:
                        file_bytes += size
                        digest = sha256(data).digest()
                        if mode & odd_mode or (entry is None and stat_extra):
                            stats[number] = file_stat(found)
                        if content is not None and content != data:
                            differing[number] = digest
                            digest = sha256(content).digest()
                            stats[number] = file_stat(found)
                        digests.append(digest)
                        continue
                    os.lseek(fd, 0, os.SEEK_SET)  # it grew or shrank just now
            both = _SideBySide(-1 if number in file_faults else fd)
            if long is not None and archive is not None:
                both.read(archive.chunks(long))
            elif content is not None:
                both.read((content,))
            else:
                both.read(None)
        except OSError as error:
            file_faults[number] = _reason(error)
            digests.append(_NO_DIGEST if content is None else sha256(content).digest())
            continue
        finally:
            if fd >= 0:
                os_close(fd)
        if both.entry_fault is not None:
            entry_faults[number] = both.entry_fault
        if both.file_fault is not None:
            file_faults[number] = both.file_fault
        file_bytes += both.file_bytes
        digests.append(both.entry_digest or both.file_digest or _NO_DIGEST)
        if both.file_digest is not None:
            differs = both.entry_digest is not None and both.entry_digest != both.file_digest
            if differs:
                differing[number] = both.file_digest
            if differs or mode & odd_mode or (entry is None and stat_extra):
                stats[number] = file_stat(found)
    return PartResult(b"".join(digests), differing, entry_faults, file_faults, stats, file_bytes)


def _reason(error: OSError) -> Reason:
    fault = os_fault(error)
    return fault.code, fault.errno


class _SideBySide:
    """An entry and a file, either of which may be long, read side by side and hashed.

    As far as the two are equal they are hashed once.
    """

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self.entry_digest: bytes | None = None
        self.file_digest: bytes | None = None
        self.entry_fault: Reason | None = None
        self.file_fault: Reason | None = None
        self.file_bytes = 0

    def read(self, entry: Iterable[bytes] | None) -> None:
        """Read both to their ends; a descriptor below 0 stands for no file."""
        entry_hash = hashlib.sha256()
        file_hash = None  # while it is the same as the entry's
        if entry is not None:
            try:
                for chunk in entry:
                    if self._fd >= 0 and file_hash is None:
                        data = self._next(len(chunk))
                        if data != chunk:
                            file_hash = entry_hash.copy()
                            file_hash.update(data)
                    entry_hash.update(chunk)
                self.entry_digest = entry_hash.digest()
            except FaultError as error:
                self.entry_fault = (error.code, error.errno)
        if self._fd < 0:
            return
        file_hash = file_hash or entry_hash
        while data := self._next(WINDOW):
            file_hash.update(data)
        if self.file_fault is None:
            self.file_digest = file_hash.digest()

    def _next(self, length: int) -> bytes:
        if self.file_fault is not None:
            return b""
        try:
            data = read_next(self._fd, length)
        except OSError as error:
            self.file_fault = _reason(error)
            return b""
        self.file_bytes += len(data)
        return data
