"""Reading the entries and outputs of a build cache.

Nothing is written, no link is followed, and what is no regular file is not opened.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from fastverify.engine.buildcache import ENTRY_BYTES, EntryFlaw, EntryForm
from fastverify.engine.pure.build.files import read_entry
from fastverify.engine.pure.files import OPEN_FLAGS_NO_LINK
from fastverify.errors import FastverifyError
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
#: Identities of those that say nothing of themselves: one of each kind.
_PLAIN: dict[str, Identity] = {}
_EMPTY, _UNKNOWN = Identity("empty"), Identity("unknown")


@dataclass(slots=True)
class Entry:
    """An action entry."""

    #: 64 hex digits each; `output` is ``""`` where the entry is not one that Go takes.
    action: str
    output: str
    size: int
    #: When it was written, as it says; nanoseconds since 1970.
    written: int
    #: Its file's time: Go sets it when the entry is used, at most once an hour.
    used: int
    form: EntryForm
    flaw: EntryFlaw


@dataclass(slots=True)
class Output:
    """An output."""

    #: 64 hex digits.
    output: str
    size: int
    #: The time of its file, or of its folder.
    used: int
    #: Whether it is an executable's folder.
    folder: bool
    #: The executable's name.
    file: str
    identity: Identity
    #: Why it could not be read; ``""`` where it could.
    problem: str = ""


@dataclass(slots=True)
class Imports:
    """Which builds of packages are there, and which their importers name, by path and fingerprint."""

    built: set[tuple[str, str]] = field(default_factory=set)
    #: With the first importer that names it.
    named: dict[tuple[str, str], str] = field(default_factory=dict)

    def note(self, identity: Identity) -> None:
        """Count an archive."""
        if "fingerprint" not in identity.details:
            return  # broken
        self.built.add((identity.package, identity.details["fingerprint"]))
        for path, fingerprint in identity.details["imports"].items():
            self.named.setdefault((path, fingerprint), identity.package)

    def missing(self) -> list[tuple[str, str, str]]:
        """The builds that archives were compiled from and that are not there: path, fingerprint, importer."""
        return sorted((*key, importer) for key, importer in self.named.items() if key not in self.built)


@dataclass(slots=True)
class Contents:
    """A build cache."""

    root: str
    entries: dict[str, Entry] = field(default_factory=dict)
    outputs: dict[str, Output] = field(default_factory=dict)
    #: Shards that could not be listed.
    unlisted: list[str] = field(default_factory=list)
    #: How many entries and outputs could not be read.
    unread: int = 0
    imports: Imports = field(default_factory=Imports)


def read_contents(root: str, *, shards: tuple[str, ...] = SHARDS, outputs: bool = True) -> Contents:
    """Read a build cache, or only some `shards` of it; without `outputs` only its entries.

    It takes about 1 kB of memory for each entry and output.  Raises FastverifyError where `root` is no
    build cache or cannot be listed.
    """
    if not is_build_cache(names_in(root)):
        raise FastverifyError(
            f"{root} is not a build cache, or one that go clean -cache has emptied: it has no shards 00 to ff"
        )
    contents = Contents(root)
    reader = _Reader(contents)
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
    return contents


class _Reader:
    """Reads entries and outputs, of which there may be a million.  What they have in common is kept once."""

    def __init__(self, contents: Contents) -> None:
        self._contents = contents
        self._root = os.fsencode(contents.root)
        #: Output IDs, which many entries name.
        self._ids: dict[str, str] = {}

    def entry(self, action: str) -> None:
        if self._written(action):
            return
        read = read_entry(self._root, bytes.fromhex(action))
        if read.stat is None:
            return
        self._contents.unread += read.fault is not None
        output = read.output.hex()
        output = self._ids.setdefault(output, output)
        self._contents.entries[action] = Entry(
            action, output, read.size, read.time, read.stat.mtime_ns, read.form, read.flaw
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
        output = match[2].decode()
        output = self._ids.setdefault(output, output)
        self._contents.entries[action] = Entry(
            action, output, int(match[3]), int(match[4]), status.st_mtime_ns, "canonical", ""
        )
        return True

    def output(self, output: str) -> None:
        output = self._ids.setdefault(output, output)
        found = read_output(self._contents.root, output)
        if found is not None:
            if found.identity.kind == "archive":
                self._contents.imports.note(found.identity)
            found.identity = _lean(found.identity)
            self._contents.outputs[output] = found
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


_KEPT = frozenset(["folder", "settings", "standard"])


def _lean(identity: Identity) -> Identity:
    """What naming and sums need of it; the rest is read again for the one output that is shown."""
    details = identity.details
    kept = {name: value for name, value in details.items() if name in _KEPT}
    if len(details.get("folders", ())) == 1:
        kept["folders"] = details["folders"]
    if identity.kind == "source-list":
        # Files in the package's folder are not kept by go.
        generated = [name for name in details["names"] if not name.startswith("./")]
        if generated:
            kept["names"] = generated
    says = identity.package or identity.name or identity.module or identity.goarch or identity.build_id
    if not (kept or says or identity.flaw):
        return _PLAIN.setdefault(identity.kind, Identity(identity.kind))
    return replace(identity, details=kept)
