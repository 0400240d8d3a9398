"""One module's measurement: what there is to read, shared into parts, and the record made of it."""

from __future__ import annotations

import os
import stat
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from heapq import merge
from itertools import chain, groupby, pairwise
from typing import NamedTuple

from fastverify.engine.differences import Differences
from fastverify.engine.protocol import (
    MAX_DIFFERENCES,
    MAX_DIFFERENCES_BYTES,
    MAX_NAMES_BYTES,
    MAX_ZIP_BYTES,
    Change,
    Difference,
    Fault,
    FileStat,
    ModuleMeasurement,
    ModuleTask,
    TreeMeasurement,
    Violation,
    ZipMeasurement,
)
from fastverify.engine.pure.contents import Pair, Part, PartResult, read_part
from fastverify.engine.pure.dirhash import hash1
from fastverify.engine.pure.faults import FaultError
from fastverify.engine.pure.files import file_stat, lstat, open_regular
from fastverify.engine.pure.listed import first_by_name, first_of
from fastverify.engine.pure.name_column import NameColumn, runs_below, sorted_numbers
from fastverify.engine.pure.pair_columns import FaultColumn, PairColumns
from fastverify.engine.pure.small_file import read_go_mod, read_small_file
from fastverify.engine.pure.tree_listing import Listing, OddFile, hidden, list_tree, stat_root
from fastverify.engine.pure.zip_directory import Directory, read_directory
from fastverify.engine.pure.zip_rules import violations

#: At most this many contents stand in one part, so that a part stays small to send.
_MOST_PAIRS = 4096
#: What opening a file costs, in bytes read.
_FILE_COST = 16 << 10
#: What a plan takes of memory for each name, besides the name, in bytes.
_OF_NAME = 150
_DIGEST = 32
#: Of what has none.
_NONE = 0xFFFFFFFF

#: Which differences are listed where not all can be.
_LISTED_FIRST: tuple[Change, ...] = ("type", "modified", "extra", "missing", "mode")

#: Bits that Go leaves on no extracted file; a toolchain's programs are executable.
_ODD_MODE = 0o7333
_ODD_MODE_TOOLCHAIN = 0o7222


class Job(NamedTuple):
    """A ModuleTask whose paths are bytes, as this process encodes them."""

    key: int
    prefix: bytes
    zip: bytes | None
    tree: bytes | None
    mod: bytes | None = None
    info: bytes | None = None
    ziphash: bytes | None = None
    toolchain: bool = False
    #: Hold the zip to Go's limits and rules for extracting it.
    extractable: bool = True

    @classmethod
    def of(cls, task: ModuleTask) -> Job:
        """The job for a task."""
        return cls(
            task.key,
            task.prefix,
            _encoded(task.zip),
            _encoded(task.tree),
            _encoded(task.mod),
            _encoded(task.info),
            _encoded(task.ziphash),
            task.toolchain,
        )


def _encoded(path: str | None) -> bytes | None:
    return None if path is None else os.fsencode(path)


class TooManyNamesError(Exception):
    """A module has more names than whoever measures it has room for, though not more than may be."""


def _room_for_names(job: Job, most_names: int) -> int | None:
    """How much the names of a zip or of a tree may need; None where there is no limit."""
    return min(MAX_NAMES_BYTES, most_names) if job.extractable else None


def _checked(fault: Fault, most_names: int) -> Fault:
    """The fault, unless it is there only because of this limit."""
    if fault.code == "too-many-names" and most_names < MAX_NAMES_BYTES:
        raise TooManyNamesError
    return fault


class _Zip:
    """An archive as far as it is known before any content is read."""

    def __init__(self, job: Job, path: bytes, most_names: int) -> None:
        self.stat: FileStat | None = None
        self.fault: Fault | None = None
        self.names: Sequence[bytes] = []
        #: Numbers of all entries by name; and of the last entry of each name, which Go reads for all.
        self.order = array("I")
        self.last = array("I")
        self.directory: Directory | None = None
        self.violations: tuple[Violation, ...] = ()
        try:
            self.stat = file_stat(lstat(path))
            fd, found = open_regular(path)
            try:
                self.directory = read_directory(
                    fd, found.st_size, job.prefix, _room_for_names(job, most_names)
                )
            finally:
                os.close(fd)
        except FaultError as error:
            self.fault = _checked(error.fault(), most_names)
            return
        self.names = names = self.directory.names.quickest()
        if job.extractable:
            self.violations = violations(self.directory, names, job.prefix)
            if found.st_size > MAX_ZIP_BYTES or self.directory.unpacked > MAX_ZIP_BYTES:
                self.fault = Fault("zip-too-large")
                return
        self.order = sorted_numbers(self.directory.names.runs(), names.__getitem__)
        self.last = self.order
        if any(one == other for one, other in pairwise(map(names.__getitem__, self.order))):
            self.last = array("I", self._last_of_each())

    def _last_of_each(self) -> Iterator[int]:
        for _, numbers in groupby(self.order, self.names.__getitem__):
            *_, last = numbers
            yield last


class _Tree:
    """A tree as far as it is known before any content is read."""

    def __init__(self, job: Job, path: bytes, most_names: int) -> None:
        self.stat: FileStat | None = None
        self.fault: Fault | None = None
        self.listing: Listing | None = None
        try:
            self.stat = stat_root(path)
            if not stat.S_ISDIR(self.stat.mode):
                raise FaultError("not-directory")
            self.listing = list_tree(path, _room_for_names(job, most_names))
        except FaultError as error:
            self.fault = _checked(error.fault(), most_names)


class ModulePlan:
    """What is to be read of one module.  Read each of the `parts`, `take` it, and `assemble`."""

    def __init__(self, job: Job, most_names: int = MAX_NAMES_BYTES) -> None:
        """Raises TooManyNamesError where names of the zip, or of the tree, need more than `most_names`."""
        self._job = job
        self._zip = None if job.zip is None else _Zip(job, job.zip, most_names)
        self._tree = None if job.tree is None else _Tree(job, job.tree, most_names)
        self._mod = None if job.mod is None else read_go_mod(job.mod)
        self._info = None if job.info is None else read_small_file(job.info)
        self._ziphash = None if job.ziphash is None else read_small_file(job.ziphash)
        #: Whether a file that the zip does not have is known to be extra.
        self._comparable = self._zip is not None and self._zip.fault is None
        self._odd_mode = _ODD_MODE_TOOLCHAIN if job.toolchain else _ODD_MODE
        if os.name == "nt":
            self._odd_mode = 0

        # A pair is an entry with the file of the same name.  First come the entries by name, then the
        # files that have none, by path.
        self._entries = self._zip.last if self._zip is not None else array("I")
        listing = None if self._tree is None else self._tree.listing
        self._files: Sequence[bytes] = () if listing is None else listing.files.quickest()
        #: What each link that can be opened leads to.
        self._targets: dict[bytes, bytes] = {}
        #: The number of the file that each pair has, or _NONE.
        self._file_of = array("I", [_NONE]) * len(self._entries)
        if listing is not None:
            self._targets = {path: odd.target for path, odd in listing.odd.items() if odd.target is not None}
            self._pair_up(listing)

        self._found = PairColumns(len(self._file_of))
        self._entry_faults = FaultColumn(len(self._file_of))
        self._file_faults = FaultColumn(len(self._file_of))
        self._file_bytes = 0

    def _pair_up(self, listing: Listing) -> None:
        """Find the file of each entry: both are in order."""
        names = () if self._zip is None else self._zip.names
        prefix, files, by_path = self._job.prefix, self._files, listing.by_path
        file_of = self._file_of
        without_entry = array("I")
        at, count = 0, len(by_path)
        path = files[by_path[0]] if count else None
        for pair, number in enumerate(self._entries):
            name = names[number]
            if not name.startswith(prefix):
                continue
            name = name[len(prefix) :]
            while path is not None and path <= name:
                if path == name:
                    file_of[pair] = by_path[at]
                else:
                    without_entry.append(by_path[at])
                at += 1
                path = files[by_path[at]] if at < count else None
        without_entry.extend(by_path[at:])
        file_of.extend(without_entry)

    def _path(self, pair: int) -> bytes | None:
        """The file of a pair, if it has one, by its path."""
        number = self._file_of[pair]
        return None if number == _NONE else self._files[number]

    @property
    def weight(self) -> int:
        """What the contents cost to read, in bytes."""
        directory = None if self._zip is None else self._zip.directory
        unpacked = 0 if directory is None or not self._entries else directory.unpacked
        return unpacked + _FILE_COST * len(self._file_of)

    @property
    def memory(self) -> int:
        """About how many bytes of memory it takes."""
        columns: list[NameColumn] = []
        if self._zip is not None and self._zip.directory is not None:
            columns.append(self._zip.directory.names)
        if self._tree is not None and self._tree.listing is not None:
            columns.append(self._tree.listing.files)
        return sum(_OF_NAME * len(column) + 2 * column.text_bytes for column in columns)

    def parts(self, weight: int = 1 << 62) -> Iterator[tuple[list[int], Part]]:
        """The contents to read, in parts of about `weight`: the numbers of their pairs, and the part."""
        directory = None if self._zip is None else self._zip.directory
        entries = self._entries
        listing = None if self._tree is None else self._tree.listing
        start = b"" if listing is None else listing.start
        numbers: list[int] = []
        pairs: list[Pair] = []
        left = weight
        count = len(entries)
        order = array("I")
        if directory is not None:
            offset = directory.offset
            order = sorted_numbers(runs_below(count), lambda pair: offset(entries[pair]))
        targets = self._targets
        names = () if self._zip is None else self._zip.names
        for pair in chain(order, range(count, len(self._file_of))):
            stored = None
            left -= _FILE_COST
            if pair < count and directory is not None:
                number = entries[pair]
                stored = (*directory.stored(number), names[number].endswith(b"/"))
                left -= stored[2]
            numbers.append(pair)
            path = self._path(pair)
            pairs.append((stored, targets.get(path, path) if path is not None and targets else path))
            if left <= 0 or len(pairs) == _MOST_PAIRS:
                yield numbers, self._part(start, pairs)
                numbers, pairs, left = [], [], weight
        if pairs:
            yield numbers, self._part(start, pairs)

    def _part(self, start: bytes, pairs: list[Pair]) -> Part:
        archive = self._job.zip if self._entries else None
        return Part(archive, start, pairs, False, self._odd_mode, self._comparable)

    def take(self, numbers: list[int], result: PartResult) -> None:
        """Take in what came of a part."""
        found, digests = self._found, result.digests
        for at, number in enumerate(numbers):
            found.set_digest(number, digests[at * _DIGEST : (at + 1) * _DIGEST])
        for at, digest in result.differing.items():
            found.set_differing(numbers[at], digest)
        for at, seen in result.stats.items():
            found.set_stat(numbers[at], seen)
        for at, reason in result.entry_faults.items():
            self._entry_faults.set(numbers[at], reason)
        for at, reason in result.file_faults.items():
            self._file_faults.set(numbers[at], reason)
        self._file_bytes += result.file_bytes

    def assemble(self) -> ModuleMeasurement:
        """The record, when every part has been taken in."""
        measured_zip = None if self._zip is None else self._measured_zip(self._zip)
        measured_tree = None
        differences: Iterable[Difference] = ()
        if self._tree is not None:
            copies = self._copied_go_mods()
            measured_tree = self._measured_tree(self._tree, copies, measured_zip)
            if self._tree.listing is not None:
                differences = self._differences(self._tree.listing, copies)
        listed, more = _gravest(differences)
        return ModuleMeasurement(
            self._job.key,
            measured_zip,
            measured_tree,
            self._mod,
            self._info,
            self._ziphash,
            Differences.of(sorted(listed, key=lambda each: each.path)) if listed else (),
            more,
        )

    def _measured_zip(self, zipped: _Zip) -> ZipMeasurement:
        directory, names, prefix = zipped.directory, zipped.names, self._job.prefix
        fault = zipped.fault
        go_mod = prefix + b"go.mod"
        bad: tuple[Fault, ...] = ()
        h1 = files_h1 = go_mod_h1 = None
        if fault is None:
            bad, _ = first_of(
                (
                    Fault(code, names[self._entries[pair]], errno)
                    for pair, (code, errno) in self._entry_faults.all()
                ),
                lambda each: each.name,
            )
            # dirhash looks at each name before it opens the entry.
            newline = next((name for name in map(names.__getitem__, self._entries) if b"\n" in name), None)
            fault = bad[0] if bad else None
            if newline is not None and (fault is None or newline <= fault.name):
                fault = Fault("name-newline", newline)
            if fault is None:
                h1 = files_h1 = hash1(self._lines(zipped, with_directories=True))
                if any(name.endswith(b"/") for name in map(names.__getitem__, self._entries)):
                    files_h1 = hash1(self._lines(zipped, with_directories=False))
            pair = bisect_left(self._entries, go_mod, key=names.__getitem__)
            found = pair < len(self._entries) and names[self._entries[pair]] == go_mod
            if found and pair not in self._entry_faults:
                go_mod_h1 = hash1([(self._found.digest(pair), b"go.mod")])
        return ZipMeasurement(
            stat=zipped.stat,
            fault=fault,
            h1=h1,
            files_h1=files_h1,
            entries=len(names),
            unpacked=0 if directory is None else directory.unpacked,
            go_mod_h1=go_mod_h1,
            has_go_mod=go_mod in names,
            bad_entries=bad,
            violations=zipped.violations,
        )

    def _lines(self, zipped: _Zip, *, with_directories: bool) -> Iterator[tuple[bytes, bytes]]:
        """What the h1 is made of: a line for every entry, each with the content of its name's last."""
        names = zipped.names
        pair = 0
        for number in zipped.order:
            name = names[number]
            if names[self._entries[pair]] != name:
                pair += 1
            if with_directories or not name.endswith(b"/"):
                yield self._found.digest(pair), name

    def _copied_go_mods(self) -> set[bytes]:
        """Each go.mod that the go command made from the _go.mod beside it, in a toolchain."""
        if not self._job.toolchain or self._tree is None or self._tree.listing is None:
            return set()
        odd = self._tree.listing.odd
        found: dict[bytes, bytes] = {}
        for path, pair in self._files_of(range(len(self._file_of))):
            if pair in self._file_faults or path in odd:
                continue
            if path.rpartition(b"/")[2] in {b"go.mod", b"_go.mod"}:
                found[path] = self._found.file_digest(pair)
        copies = set()
        for path, digest in found.items():
            folder, slash, name = path.rpartition(b"/")
            if name == b"go.mod" and found.get(folder + slash + b"_go.mod") == digest:
                copies.add(path)
        return copies

    def _measured_tree(
        self, tree: _Tree, copies: set[bytes], zipped: ZipMeasurement | None
    ) -> TreeMeasurement:
        listing = tree.listing
        if listing is None:
            faults = () if tree.fault is None else (tree.fault,)
            return TreeMeasurement(tree.stat, tree.fault, None, 0, 0, faults, ())
        prefix = self._job.prefix
        odd_faults = (odd.fault for odd in listing.odd.values() if odd.fault is not None)
        file_faults = (
            Fault(code, self._path(pair) or b"", errno) for pair, (code, errno) in self._file_faults.all()
        )
        unreadable, more_faults = first_by_name(
            chain(listing.faults, odd_faults, file_faults), lambda each: each.name
        )
        # dirhash lists everything before it opens anything, and looks at each name before it opens.
        fault = next(iter(listing.faults), None)
        if fault is None:
            fault = next(iter(unreadable), None)
            newline = self._first_newline(listing)
            if newline is not None and (fault is None or newline <= fault.name):
                fault = Fault("name-newline", newline)
        h1 = None
        if fault is None:
            if zipped is not None and self._same_as_zip(listing):
                h1 = zipped.files_h1
            if h1 is None:
                # Those with an entry are by path, and so are those without.
                count = len(self._entries)
                pairs = merge(self._files_of(range(count)), self._files_of(range(count, len(self._file_of))))
                h1 = hash1(
                    (self._found.file_digest(pair), prefix + path)
                    for path, pair in pairs
                    if path not in copies
                )
        empty, more_empty = first_by_name(listing.empty_directories(), lambda path: path)
        return TreeMeasurement(
            stat=tree.stat,
            fault=fault,
            h1=h1,
            files=len(listing),
            bytes=self._file_bytes,
            faults=unreadable,
            empty_directories=empty,
            more_faults=more_faults,
            more_empty_directories=more_empty,
        )

    def _files_of(self, pairs: Iterable[int]) -> Iterator[tuple[bytes, int]]:
        """The file of each pair that has one, and the pair."""
        for pair in pairs:
            path = self._path(pair)
            if path is not None:
                yield path, pair

    def _first_newline(self, listing: Listing) -> bytes | None:
        """The first path, if any, that dirhash cannot express."""
        files, in_prefix = self._files, b"\n" in self._job.prefix
        by_path = map(files.__getitem__, listing.by_path)
        first = next((path for path in by_path if in_prefix or b"\n" in path), None)
        odd = (path for path in listing.odd if in_prefix or b"\n" in path)
        return min(odd if first is None else chain(odd, [first]), default=None)

    def _same_as_zip(self, listing: Listing) -> bool:
        """Whether the tree has just the lines of the zip, so that they need not be hashed again."""
        pairs = len(self._file_of)
        return (
            self._zip is not None
            and not self._job.toolchain
            and not self._found.differ
            and len(self._zip.names) == len(self._entries) == pairs == len(listing)
            and _NONE not in self._file_of
        )

    def _differences(self, listing: Listing, copies: set[bytes]) -> Iterator[Difference]:
        """What is not as it should be, in no order."""
        zipped = self._zip
        told: set[bytes] = set()
        unlisted = listing.unlisted()
        prefix = self._job.prefix
        count = len(self._entries)
        for pair, file in enumerate(self._file_of):
            if (
                file != _NONE
                and pair < count
                and not listing.odd
                and not self._found.has_stat(pair)
                and pair not in self._entry_faults
            ):
                continue  # as it should be
            path = paired = self._path(pair)
            zip_sha256 = zip_size = None
            if pair < count and zipped is not None and zipped.directory is not None:
                number = self._entries[pair]
                name = zipped.names[number]
                if path is None:
                    if not name.startswith(prefix) or name.endswith(b"/") or name == prefix:
                        continue
                    path = name[len(prefix) :]
                if pair not in self._entry_faults:
                    if paired is not None and not self._found.has_stat(pair) and path not in listing.odd:
                        continue  # as it should be
                    zip_sha256 = self._found.digest(pair)
                    zip_size = zipped.directory.size(number)
            if path is None:
                continue
            odd = listing.odd.get(path)
            if odd is not None:
                told.add(path)
                if _is_odd(odd):
                    readable = odd.target is not None and pair not in self._file_faults
                    tree_sha256 = self._found.file_digest(pair) if readable else None
                    yield Difference(path, "type", zip_sha256, zip_size, tree_sha256, odd.stat)
                continue
            if paired is None:
                if zip_sha256 is not None and not hidden(path, unlisted):
                    yield Difference(path, "missing", zip_sha256, zip_size, None, None)
                continue
            if path in copies:
                continue
            here = self._found.stat(pair)
            if pair in self._file_faults:
                if here is not None and not stat.S_ISREG(here.mode):
                    yield Difference(path, "type", zip_sha256, zip_size, None, here)
                continue
            if here is None or pair in self._entry_faults:
                continue
            tree_sha256 = self._found.file_digest(pair)
            if self._comparable and pair >= count:
                yield Difference(path, "extra", None, None, tree_sha256, here)
            elif self._found.differs(pair):
                yield Difference(path, "modified", zip_sha256, zip_size, tree_sha256, here)
            elif here.mode & self._odd_mode:
                yield Difference(path, "mode", zip_sha256, zip_size, tree_sha256, here)
        for path, odd in listing.odd.items():
            if path not in told and _is_odd(odd):
                yield Difference(path, "type", None, None, None, odd.stat)


def _gravest(differences: Iterable[Difference]) -> tuple[tuple[Difference, ...], int]:
    """Those that are listed, the gravest first, and how many others there are.  Few are held at a time."""
    gravest: list[Difference] = []
    dropped = 0
    room = MAX_DIFFERENCES_BYTES
    for difference in differences:
        gravest.append(difference)
        room -= len(difference.path)
        if len(gravest) == 2 * MAX_DIFFERENCES or room < 0:
            listed, _ = _first_differences(gravest)
            # The next one stays, so that none is listed that is behind it.
            dropped += max(len(gravest) - len(listed) - 1, 0)
            del gravest[len(listed) + 1 :]
            room = MAX_DIFFERENCES_BYTES
    listed, more = _first_differences(gravest)
    return listed, dropped + more


def _first_differences(differences: list[Difference]) -> tuple[tuple[Difference, ...], int]:
    """Sort them; those that are listed, and how many are not."""
    differences.sort(key=lambda each: (_LISTED_FIRST.index(each.change), each.path))
    return first_of(differences, lambda each: each.path, MAX_DIFFERENCES, MAX_DIFFERENCES_BYTES)


def _is_odd(odd: OddFile) -> bool:
    """Whether it is known to be no regular file."""
    return odd.stat is not None and not stat.S_ISREG(odd.stat.mode)


def measure_module(job: Job, most_names: int = MAX_NAMES_BYTES) -> ModuleMeasurement:
    """Measure a module here and now.

    Raises TooManyNamesError where the names of the zip, or of the tree, need more than `most_names`.
    """
    plan = ModulePlan(job, most_names)
    for numbers, part in plan.parts():
        plan.take(numbers, read_part(part))
    return plan.assemble()
