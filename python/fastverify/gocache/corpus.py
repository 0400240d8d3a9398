"""The values for fuzzing that Go keeps beside its build cache: ``fuzz/IMPORT/PATH/FuzzName/HEX16``.

The name is the beginning of the content's SHA-256 (``internal/fuzz``, ``writeToCorpus``).  Go never
compares the two, and passes over what it cannot parse without a word (``readCache``).
"""

from __future__ import annotations

import hashlib
import os
import re
import shlex
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from fastverify.engine.faults import describe
from fastverify.engine.protocol import Fault
from fastverify.engine.pure.files import OPEN_FLAGS_NO_LINK, WINDOW, file_stat
from fastverify.gocache import advice, live
from fastverify.gocache.content import MalformedError
from fastverify.gocache.finding import cache_finding
from fastverify.gocache.identify.fuzzvalue import check_value
from fastverify.gocache.layout import FUZZ
from fastverify.modcache.changes import kind_of
from fastverify.removal import remove
from fastverify.report.model import BuildResult, Finding

_NAME = re.compile(r"[0-9a-f]{16}")
#: A longer value is not read: go's workers share 100 MB, and quoting makes at most four of each byte.
_LONGEST = 512 << 20
#: The form of a longer value is not looked at, only its hash.
_LONGEST_PARSED = 4 << 20
#: No import path has more folders.
_DEEPEST = 256
#: Findings of one cache, at most; those beyond are counted.
_MOST = 1000
#: Values that are told as read at once.
_BATCH = 1000


class CorpusCheck:
    """A check of the values for fuzzing of one build cache under way: an iterator of results.

    A value that is found wrong is looked at again when nothing has changed there for a while, because go
    writes in place.
    """

    def __init__(self, root: str) -> None:
        self._top = os.path.join(root, FUZZ)
        self._walk = _Walk()
        #: Of what is to be looked at again; those beyond the most that are listed are counted.
        self._suspects: list[Finding] = []
        self._confirmed: list[Finding] = []
        self._more = 0
        #: Values that were read, and their bytes, since they were told last.
        self._values = self._size = 0

    def __iter__(self) -> Iterator[BuildResult]:
        for path in self._walk.values(self._top):
            found = _look(path)
            if found.finding is not None and len(self._suspects) < _MOST:
                self._suspects.append(found.finding)
            elif found.finding is not None:
                self._more += 1
            self._values += 1
            self._size += found.size
            if self._values == _BATCH:
                yield self._read()
        deadline = time.monotonic() + live.PATIENCE
        while self._suspects:
            # Taken off behind it, so that nothing is lost where this is interrupted.
            finding = _second_look(self._suspects[0].path, deadline)
            del self._suspects[0]
            if finding is not None:
                self._confirmed.append(finding)
        yield from self.close()

    def close(self) -> Iterator[BuildResult]:
        """End the check.  Gives out what was found and not yet told of, looked at again or not."""
        self._more += max(len(self._walk.findings) - _MOST, 0)
        told = [*self._walk.findings[:_MOST], *self._confirmed, *self._suspects]
        self._walk.findings, self._confirmed, self._suspects = [], [], []
        if self._more:
            told.append(
                cache_finding(
                    "warning",
                    "warning",
                    "layout",
                    self._top,
                    f"{self._more} more values for fuzzing, or what stands in place of them, are like these",
                    advice.GO_FUZZES_ON,
                    "go clean -fuzzcache",
                )
            )
            self._more = 0
        if told or self._values:
            yield self._read(tuple(told))

    def _read(self, findings: tuple[Finding, ...] = ()) -> BuildResult:
        result = BuildResult(findings, values=self._values, bytes=self._size)
        self._values = self._size = 0
        return result


@dataclass(slots=True)
class _Walk:
    """The folders, and what is wrong with them."""

    findings: list[Finding] = field(default_factory=list)

    def values(self, top: str) -> Iterator[str]:
        """Each path that may be a value, folder by folder, by name."""
        if os.path.islink(top):
            self.findings.append(_link(top))
            return
        waiting = [(top, 0)]
        while waiting:
            folder, depth = waiting.pop()
            try:
                with os.scandir(folder) as scan:
                    listed = sorted(scan, key=lambda entry: entry.name)
            except (FileNotFoundError, NotADirectoryError) as error:
                # Without fuzzing there is none; what was there a moment ago was removed.
                if isinstance(error, NotADirectoryError):
                    self._stray(folder, "this should be a folder")
                continue
            except OSError as error:
                self.findings.append(_unreadable(folder, error))
                continue
            below = []
            for entry in listed:
                if not entry.is_dir(follow_symlinks=False):
                    if os.path.basename(folder).startswith("Fuzz"):
                        yield entry.path
                    else:
                        self._stray(entry.path, "the go command never makes a file here")
                elif depth < _DEEPEST:
                    below.append((entry.path, depth + 1))
                else:
                    self._stray(entry.path, "no import path has this many folders; nothing in it was read")
            waiting += reversed(below)

    def _stray(self, path: str, message: str) -> None:
        self.findings.append(
            cache_finding("warning", "note", "layout", path, message, advice.GO_IGNORES, remove(path))
        )


@dataclass(slots=True)
class _Found:
    """What became of one value."""

    size: int = 0
    finding: Finding | None = None


def _second_look(path: str, deadline: float) -> Finding | None:
    """What is wrong when nothing has changed there for a while, or at the deadline."""
    while live.is_young(live.fingerprint([path])) and time.monotonic() < deadline:
        time.sleep(live.YOUNG / 5)
    return _look(path).finding


def _look(path: str) -> _Found:
    try:
        status = os.lstat(path)
        if stat.S_ISLNK(status.st_mode):
            return _Found(finding=_link(path))
        if not stat.S_ISREG(status.st_mode):
            return _Found(finding=_no_file(path, status))
        if status.st_size > _LONGEST:
            return _Found(finding=_too_long(path))
        digest, head, size = _read(path)
    except FileNotFoundError:
        return _Found()
    except OSError as error:
        return _Found(finding=_unreadable(path, error))
    return _Found(size, _judged(path, digest, head, size))


def _read(path: str) -> tuple[str, bytes, int]:
    """SHA-256 in hex, the content as far as it is parsed, and the size.  Raises OSError."""
    descriptor = os.open(path, OPEN_FLAGS_NO_LINK)
    with open(descriptor, "rb", buffering=0) as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError("it is not a regular file any more")
        digest = hashlib.sha256()
        head = bytearray()
        size = 0
        while size <= _LONGEST and (piece := file.read(WINDOW)):
            digest.update(piece)
            size += len(piece)
            if len(head) < _LONGEST_PARSED:
                head += piece
        return digest.hexdigest(), bytes(head), size


def _judged(path: str, digest: str, head: bytes, size: int) -> Finding | None:
    name = os.path.basename(path)
    problem = ""
    if size <= _LONGEST_PARSED:
        try:
            check_value(head)
        except MalformedError as error:
            problem = str(error)
    remove = f"rm -f {shlex.quote(path)}"
    if _NAME.fullmatch(name) is None:
        said = f", and {problem}" if problem else ""
        return cache_finding(
            "warning",
            "note",
            "layout",
            path,
            f"the go command never gives a value such a name{said}",
            advice.GO_PASSES_VALUE if problem else advice.GO_FUZZES_ON,
            remove,
        )
    if digest[:16] != name:
        said = f"; {problem}" if problem else ""
        return cache_finding(
            "modified",
            "warning",
            "layout",
            path,
            f"the value is not what its name says{said}",
            advice.GO_PASSES_VALUE if problem else advice.GO_FUZZES_ON,
            remove,
            expected=f"sha256:{name}",
            actual=f"sha256:{digest[:16]}",
        )
    if problem:
        return cache_finding(
            "malformed",
            "warning",
            "layout",
            path,
            f"the value is what its name says, but {problem}",
            advice.GO_PASSES_VALUE,
            remove,
        )
    return None


def _link(path: str) -> Finding:
    return cache_finding(
        "malformed",
        "warning",
        "layout",
        path,
        "a symbolic link stands in place of a value; it is not followed, and what it leads to not verified",
        advice.GO_FUZZES_LINK,
        f"rm -f {shlex.quote(path)}",
    )


def _no_file(path: str, status: os.stat_result) -> Finding:
    return cache_finding(
        "malformed",
        "error",
        "layout",
        path,
        f"a {kind_of(file_stat(status))} stands in place of a value",
        advice.GO_HANGS,
        f"rm -f {shlex.quote(path)}",
    )


def _too_long(path: str) -> Finding:
    return cache_finding(
        "malformed",
        "warning",
        "layout",
        path,
        f"it is larger than {_LONGEST >> 20} MiB, more than any value, and was not read",
        advice.GO_READS_WHOLE,
        f"rm -f {shlex.quote(path)}",
    )


def _unreadable(path: str, error: OSError) -> Finding:
    reason = describe(Fault("os", b"", error.errno or 0))
    return cache_finding(
        "unreadable",
        "error",
        "layout",
        path,
        f"cannot be read, so it is not verified: {reason}",
        advice.GO_CANNOT_FUZZ,
        advice.HINT_READER,
    )
