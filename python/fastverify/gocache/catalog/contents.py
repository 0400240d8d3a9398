"""Reading the entries and outputs of a build cache.

Nothing is written, no link is followed, and what is no regular file is not opened.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from fastverify.engine.buildcache import ENTRY_BYTES
from fastverify.engine.pure.build.files import read_entry
from fastverify.engine.pure.files import OPEN_FLAGS_NO_LINK
from fastverify.errors import FastverifyError
from fastverify.gocache.catalog.compact import Entries, Entry, Output, Outputs
from fastverify.gocache.content import Content
from fastverify.gocache.identify.kinds import Identity, identify
from fastverify.gocache.layout import SHARDS
from fastverify.gocache.recognise import is_build_cache, names_in

_NAME = re.compile(r"([0-9a-f]{64})-([ad])")
#: An entry of 175 bytes; longer numbers are looked at more closely.
_WRITTEN = re.compile(
    rb"v1 ([0-9a-f]{64}) ([0-9a-f]{64})"
    rb"  *(0|[1-9][0-9]{0,17}) (?=[ 0-9]{20}\n) *([1-8][0-9]{18}|[1-9][0-9]{0,17})\n"
)
#: An output that is not longer is read at once.
_SMALL = 64 << 10
_EMPTY, _UNKNOWN = Identity("empty"), Identity("unknown")


class Imports:
    """Which builds of packages are there, and which their importers name, by path and fingerprint."""

    def __init__(self) -> None:
        self._paths: dict[str, int] = {}
        #: By number of the path and fingerprint: whether it is there (_BUILT), and the number of the path of
        #: the first importer (one more than that, times _NAMED).
        self._builds: dict[int, int] = {}

    def note(self, identity: Identity) -> None:
        """Count an archive."""
        if "fingerprint" not in identity.details:
            return  # broken
        own = self._key(identity.package, identity.details["fingerprint"])
        self._builds[own] = self._builds.get(own, 0) | _BUILT
        importer = (self._path(identity.package) + 1) * _NAMED
        for path, fingerprint in identity.details["imports"].items():
            key = self._key(path, fingerprint)
            known = self._builds.get(key, 0)
            if known < _NAMED:
                self._builds[key] = known | importer

    def named(self) -> int:
        """How many builds importers name."""
        return sum(state >= _NAMED for state in self._builds.values())

    def missing(self) -> list[tuple[str, str, str]]:
        """The builds that archives were compiled from and that are not there: path, fingerprint, importer."""
        paths = list(self._paths)
        return sorted(
            (paths[key >> 64], f"{key & _FINGERPRINT:016x}", paths[state // _NAMED - 1])
            for key, state in self._builds.items()
            if not state & _BUILT
        )

    def _path(self, path: str) -> int:
        return self._paths.setdefault(path, len(self._paths))

    def _key(self, path: str, fingerprint: str) -> int:
        return self._path(path) << 64 | int(fingerprint, 16)


_BUILT, _NAMED = 1, 2
_FINGERPRINT = (1 << 64) - 1


@dataclass(slots=True)
class Contents:
    """A build cache."""

    root: str
    entries: Entries = field(default_factory=Entries)
    outputs: Outputs = field(default_factory=Outputs)
    #: Shards that could not be listed.
    unlisted: list[str] = field(default_factory=list)
    #: How many entries and outputs could not be read.
    unread: int = 0
    imports: Imports = field(default_factory=Imports)


def read_contents(
    root: str, *, shards: tuple[str, ...] = SHARDS, outputs: bool = True, imports: bool = True
) -> Contents:
    """Read a build cache, or only some `shards` of it; without `outputs` only its entries.

    Without `imports` those of archives are not noted.  It takes about 150 bytes of memory for each entry
    with its output, and some hundred for each different package.  Raises FastverifyError where `root` is
    no build cache or cannot be listed.
    """
    if not is_build_cache(names_in(root)):
        raise FastverifyError(f"{root} is not a build cache: it has no shards 00 to ff")
    contents = Contents(root)
    reader = _Reader(contents, imports=imports)
    for shard in shards:
        folder = os.path.join(root, shard)
        try:
            if not stat.S_ISDIR(os.lstat(folder).st_mode):
                continue
            names = sorted(os.listdir(folder))
        except FileNotFoundError:
            continue
        except OSError:
            contents.unlisted.append(shard)
            continue
        for name in names:
            match = _NAME.fullmatch(name)
            # Each is read from where Go looks: what is in the shard of another is not found.
            if match is None or name[:2] != shard:
                continue
            if match[2] == "a":
                reader.entry(match[1])
            elif outputs:
                reader.output(match[1])
    contents.entries.link(contents.outputs)
    return contents


class _Reader:
    """Reads entries and outputs in the order of their IDs."""

    def __init__(self, contents: Contents, *, imports: bool) -> None:
        self._contents = contents
        self._imports = imports
        self._root = os.fsencode(contents.root)

    def entry(self, action: str) -> None:
        if self._written(action):
            return
        read = read_entry(self._root, bytes.fromhex(action))
        if read.stat is None:
            return
        self._contents.unread += read.fault is not None
        self._contents.entries.add(
            Entry(action, read.output.hex(), read.size, read.time, read.stat.mtime_ns, read.form, read.flaw)
        )

    def _written(self, action: str) -> bool:
        """Take an entry that is as the go command writes it, which nearly all are; returns whether it is."""
        path = f"{self._contents.root}/{action[:2]}/{action}-a"
        try:
            status = os.lstat(path)
            if not stat.S_ISREG(status.st_mode) or status.st_size != ENTRY_BYTES:
                return False
            descriptor = os.open(path, OPEN_FLAGS_NO_LINK)
            try:
                content = os.read(descriptor, ENTRY_BYTES + 1)
            finally:
                os.close(descriptor)
        except OSError:
            return False
        match = _WRITTEN.fullmatch(content) if len(content) == ENTRY_BYTES else None
        if match is None or match[1] != action.encode():
            return False
        output, size, written = match[2].decode(), int(match[3]), int(match[4])
        self._contents.entries.add(Entry(action, output, size, written, status.st_mtime_ns, "canonical", ""))
        return True

    def output(self, output: str) -> None:
        found = read_output(self._contents.root, output)
        if found is not None:
            if self._imports and found.identity.kind == "archive":
                self._contents.imports.note(found.identity)
            self._contents.outputs.add(found)
            self._contents.unread += bool(found.problem) and not found.folder


def read_output(root: str, output: str) -> Output | None:
    """Read an output; None where it is not there (any more)."""
    path = f"{root}/{output[:2]}/{output}-d"
    found = Output(output, 0, 0, False, "", _UNKNOWN)
    try:
        status = os.lstat(path)
        found.used = status.st_mtime_ns
        if stat.S_ISDIR(status.st_mode):
            found.folder = True
            names = os.listdir(path)
            if len(names) != 1:
                found.problem = f"its folder holds {len(names)} files instead of one"
                return found
            found.file = names[0]
            path = os.path.join(path, names[0])
            status = os.lstat(path)
        if not stat.S_ISREG(status.st_mode):
            found.problem = "it is not a regular file"
            return found
        found.size = status.st_size
        found.identity = _identity(path) if found.size else _EMPTY
    except FileNotFoundError:
        return None
    except OSError as error:
        found.problem = error.strerror or str(error)
    return found


def _identity(path: str) -> Identity:
    """Raises OSError."""
    descriptor = os.open(path, OPEN_FLAGS_NO_LINK)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise OSError("it is not a regular file")
        if status.st_size <= _SMALL:
            # Most are: one call reads them.
            return identify(Content.of(os.read(descriptor, _SMALL)))
        with open(descriptor, "rb", closefd=False) as file:
            return identify(Content.of_file(file))
    finally:
        os.close(descriptor)


@contextmanager
def opened(path: str) -> Iterator[Content]:
    """The content of the regular file `path`.  Raises OSError, also where it is a link or no file."""
    descriptor = os.open(path, OPEN_FLAGS_NO_LINK)
    with open(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError("it is not a regular file")
        yield Content.of_file(file)
