"""What is in a build cache: shards are listed, entries read, and both put together."""

from __future__ import annotations

import os
import re
import stat
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from fastverify.engine.buildcache import (
    FUTURE_NS,
    MAX_EXAMPLES,
    MAX_STRAYS,
    ActionEntry,
    EntryOf,
    Hazard,
    HazardCode,
    Stray,
    StrayKind,
    Survey,
)
from fastverify.engine.protocol import Fault
from fastverify.engine.pure.build.files import read_entry
from fastverify.engine.pure.faults import os_fault
from fastverify.exhaustion import refuse_exhaustion

#: What the go command makes in the root beside the shards.
ROOT_NAMES = frozenset([b"README", b"trim.txt", b"testexpire.txt", b"fuzz", b"log.txt"])
_SHARD = re.compile(rb"[0-9a-f]{2}")
_NAME = re.compile(rb"([0-9a-f]{64})-([ad])")
_ANY_CASE = re.compile(rb"[0-9a-fA-F]{64}-[ad]")
_EMPTY = bytes.fromhex("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")


@dataclass(slots=True)
class Found:
    """An output as the listing found it."""

    size: int
    folder: bool
    entries: list[EntryOf] = field(default_factory=list)


class Surveying:
    """A survey under way; `entries` is an iterator of the odd ones, after which `survey` can be called."""

    def __init__(self, root: bytes, now_ns: int, stopped: Callable[[], bool]) -> None:
        self._root = root
        self._now_ns = now_ns
        self._stopped = stopped
        self._shards = 0
        self._faults: list[Fault] = []
        self._strays: list[Stray] = []
        self._actions = 0
        self._owners: Counter[int] = Counter()
        self._hazards: dict[HazardCode, list[bytes]] = {}
        self._hollow: list[bytes] = []
        self._named: dict[bytes, list[EntryOf]] = {}
        #: Outputs by ID.
        self.outputs: dict[bytes, Found] = {}

    def entries(self) -> Iterator[ActionEntry]:
        """List the shards and read the entries; those that are not canonical are given out."""
        for name, entry in self._list(b""):
            if _SHARD.fullmatch(name) is None:
                if name not in ROOT_NAMES:
                    self._strays.append(Stray(name, "unknown"))
                continue
            if entry.is_symlink():
                self._strays.append(Stray(name, "link"))
            elif not entry.is_dir(follow_symlinks=False):
                self._strays.append(Stray(name, "not-folder"))
            else:
                self._shards += 1
                yield from self._shard(name)
            if self._stopped():
                return

    def _list(self, folder: bytes) -> list[tuple[bytes, os.DirEntry[bytes]]]:
        try:
            with os.scandir(os.path.join(self._root, folder)) as scan:
                return [(entry.name, entry) for entry in scan]
        except OSError as error:
            self._faults.append(os_fault(error).fault(folder))
            return []

    def _shard(self, shard: bytes) -> Iterator[ActionEntry]:
        for name, listed in self._list(shard):
            match = _NAME.fullmatch(name)
            path = shard + b"/" + name
            if match is None or name[:2] != shard:
                kind: StrayKind = "unknown"
                if match is not None:
                    kind = "shard"
                elif _ANY_CASE.fullmatch(name) is not None:
                    kind = "capitals"
                self._strays.append(Stray(path, kind))
                continue
            try:
                status = listed.stat(follow_symlinks=False)
            except OSError:
                if match[2] == b"a":
                    continue  # gone meanwhile, as trim leaves it
                status = None
            if status is not None:
                self._note(path, status)
            name_id = bytes.fromhex(match[1].decode())
            if match[2] == b"a":
                yield from self._action(name_id)
            elif status is not None:
                self._output(name_id, path, status)

    def _action(self, action: bytes) -> Iterator[ActionEntry]:
        entry = read_entry(self._root, action)
        if entry.stat is None:
            return
        self._actions += 1
        if entry.form != "malformed":
            self._named.setdefault(entry.output, []).append(EntryOf(action, entry.size, entry.time))
        if entry.form != "canonical":
            yield entry

    def _output(self, output: bytes, path: bytes, status: os.stat_result) -> None:
        folder = stat.S_ISDIR(status.st_mode)
        size = status.st_size
        if folder:
            size = self._executable(path, status.st_uid)
        elif not size and output != _EMPTY and stat.S_ISREG(status.st_mode):
            self._hollow.append(path)
        self.outputs[output] = Found(size, folder)

    def _executable(self, folder: bytes, owner: int) -> int:
        """The size of the only file in an executable's folder; 0 where there is none or more."""
        try:
            with os.scandir(os.path.join(self._root, folder)) as scan:
                files = [
                    (entry.name, entry.stat(follow_symlinks=False))
                    for _, entry in zip(range(2), scan, strict=False)
                ]
        except OSError as error:
            refuse_exhaustion(error.errno, error.filename)
            return 0
        if len(files) != 1:
            return 0
        [(name, status)] = files
        if status.st_uid != owner:
            self._owners[status.st_uid] += 1
        if stat.S_ISREG(status.st_mode):
            self._note_writers(folder + b"/" + name, status)
        return status.st_size

    def _note(self, path: bytes, status: os.stat_result) -> None:
        """Note what the file may have in common with others."""
        self._owners[status.st_uid] += 1
        if stat.S_ISLNK(status.st_mode):
            return
        self._note_writers(path, status)
        if status.st_mtime_ns > self._now_ns + FUTURE_NS:
            self._hazards.setdefault("future", []).append(path)

    def _note_writers(self, path: bytes, status: os.stat_result) -> None:
        """Note who may change the file."""
        mode = status.st_mode
        if mode & 0o002:
            self._hazards.setdefault("world-writable", []).append(path)
        elif mode & 0o020:
            self._hazards.setdefault("group-writable", []).append(path)
        if stat.S_ISREG(mode) and status.st_nlink > 1:
            self._hazards.setdefault("hard-link", []).append(path)

    def survey(self) -> Survey:
        """Put entries and outputs together."""
        dangling = 0
        for output, entries in self._named.items():
            found = self.outputs.get(output)
            if found is None:
                dangling += len(entries)
            else:
                found.entries = sorted(entries)
        self._named.clear()
        orphans = [found.size for found in self.outputs.values() if not found.entries]
        return Survey(
            shards=self._shards,
            faults=tuple(sorted(self._faults, key=lambda fault: fault.name)),
            actions=self._actions,
            outputs=len(self.outputs),
            executables=sum(found.folder for found in self.outputs.values()),
            size=sum(found.size for found in self.outputs.values()),
            dangling=dangling,
            orphans=len(orphans),
            orphan_bytes=sum(orphans),
            hollow=len(self._hollow),
            hollow_examples=tuple(sorted(self._hollow)[:MAX_EXAMPLES]),
            strays=tuple(sorted(self._strays)[:MAX_STRAYS]),
            strays_total=len(self._strays),
            owners=tuple(sorted(self._owners.items())),
            hazards=tuple(
                Hazard(code, len(paths), tuple(sorted(paths)[:MAX_EXAMPLES]))
                for code, paths in sorted(self._hazards.items())
            ),
        )
