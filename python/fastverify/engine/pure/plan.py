"""One module's measurement: what there is to read, shared into parts, and the record made of it."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from itertools import chain

from fastverify.engine.differences import Differences
from fastverify.engine.protocol import (
    MAX_NAMES_BYTES,
    Change,
    Difference,
    Fault,
    ModuleMeasurement,
    TreeMeasurement,
    ZipMeasurement,
)
from fastverify.engine.pure.contents import Pair, Part, PartResult, read_part
from fastverify.engine.pure.digest_column import DIGEST
from fastverify.engine.pure.dirhash import hash1
from fastverify.engine.pure.faults import FaultError
from fastverify.engine.pure.gravest import LISTED_FIRST, Changes
from fastverify.engine.pure.links import resolve
from fastverify.engine.pure.listed import first_by_name, first_of
from fastverify.engine.pure.pair_columns import (
    DIFFERS,
    HAS_STAT,
    IRREGULAR,
    ODD_MODE,
    STAT_BYTES,
    FaultColumn,
    FewRecords,
    FewStats,
    PairColumns,
    pack_stat,
    unpack_stat,
)
from fastverify.engine.pure.pairs import NONE, Pairs
from fastverify.engine.pure.small_file import read_go_mod, read_small_file
from fastverify.engine.pure.sources import Job, TreeSource, ZipSource
from fastverify.engine.pure.tree_listing import Listing
from fastverify.name_column import NameColumn, runs_below, sorted_numbers

#: At most this many contents stand in one part, so that a part stays small to send.
_MOST_PAIRS = 4096
#: What opening a file costs, in bytes read.
_FILE_COST = 16 << 10
#: What a plan takes of memory for each name, besides the name, in bytes.
_OF_NAME = 150
#: Behind all entries, by their offsets.
_NO_OFFSET = 1 << 64

#: Bits that Go leaves on no extracted file; a toolchain's programs are executable.
_ODD_MODE = 0o7333
_ODD_MODE_TOOLCHAIN = 0o7222


class ModulePlan:
    """What is to be read of one module.  Read each of the `parts`, `take` it, and `assemble`."""

    def __init__(self, job: Job, most_names: int = MAX_NAMES_BYTES) -> None:
        """Raises TooManyNamesError where names of the zip, or of the tree, need more than `most_names`."""
        self._job = job
        self._zip = None if job.zip is None else ZipSource(job, job.zip, most_names)
        self._tree = None if job.tree is None else TreeSource(job, job.tree, most_names)
        self._mod = None if job.mod is None else read_go_mod(job.mod)
        self._info = None if job.info is None else read_small_file(job.info)
        self._ziphash = None if job.ziphash is None else read_small_file(job.ziphash)
        #: Whether a file that the zip does not have is known to be extra.
        self._comparable = self._zip is not None and self._zip.fault is None
        self._odd_mode = _ODD_MODE_TOOLCHAIN if job.toolchain else _ODD_MODE
        if os.name == "nt":
            self._odd_mode = 0
        self._pairs = Pairs(self._zip, self._tree, job.prefix)
        self._listing: Listing | None = None if self._tree is None else self._tree.listing

        self._found = PairColumns(len(self._pairs))
        self._entry_faults = FaultColumn(len(self._pairs))
        self._file_faults = FaultColumn(len(self._pairs))
        self._stats = FewStats()
        #: Of what may be a go.mod file that the go command made, and then is not told.
        self._copy_stats = FewRecords(STAT_BYTES)
        self._file_bytes = 0

    @property
    def weight(self) -> int:
        """What the contents cost to read, in bytes."""
        directory = None if self._zip is None else self._zip.directory
        unpacked = 0 if directory is None or not self._pairs.entries else directory.unpacked
        return unpacked + _FILE_COST * len(self._pairs)

    @property
    def memory(self) -> int:
        """About how many bytes of memory it takes."""
        columns: list[NameColumn] = []
        if self._zip is not None and self._zip.directory is not None:
            columns.append(self._zip.directory.names)
        if self._listing is not None:
            columns.append(self._listing.files)
        return sum(_OF_NAME * len(column) + 2 * column.text_bytes for column in columns)

    def _is_odd(self, file: int) -> bool:
        """Whether the file with this number is no regular one."""
        return self._listing is not None and self._listing.odd.is_marked(file)

    def parts(self, weight: int = 1 << 62) -> Iterator[tuple[list[int], Part]]:
        """The contents to read, in parts of about `weight`: the numbers of their pairs, and the part."""
        directory = None if self._zip is None else self._zip.directory
        start = b"" if self._listing is None else self._listing.start
        entry_of, names = self._pairs.entry_of, self._pairs.names
        with_odd = self._listing is not None and bool(self._listing.odd)
        numbers: list[int] = []
        pairs: list[Pair] = []
        left = weight

        def offset(pair: int) -> int:
            entry = entry_of[pair]
            return _NO_OFFSET if entry == NONE or directory is None else directory.offset(entry)

        for pair in sorted_numbers(runs_below(len(self._pairs)), offset):
            stored = None
            left -= _FILE_COST
            entry = entry_of[pair]
            if entry != NONE and directory is not None:
                stored = (*directory.stored(entry), names[entry].endswith(b"/"))
                left -= stored[2]
            path = self._opened(pair) if with_odd else self._pairs.path(pair)
            if stored is None and path is None:
                continue
            numbers.append(pair)
            pairs.append((stored, path))
            if left <= 0 or len(pairs) == _MOST_PAIRS:
                yield numbers, self._part(start, pairs)
                numbers, pairs, left = [], [], weight
        if pairs:
            yield numbers, self._part(start, pairs)

    def _opened(self, pair: int) -> bytes | None:
        """The path that is opened to read the file of a pair, if it can be: what a link leads to."""
        path = self._pairs.path(pair)
        if path is None or self._listing is None or not self._is_odd(self._pairs.file_of[pair]):
            return path
        if not self._listing.odd.leads(self._pairs.file_of[pair]):
            return None
        # Worked out once more, since very many may lead to what has a long path.
        try:
            return resolve(self._listing.start, path)
        except FaultError:
            return path  # it leads there no more, and is not followed

    def _part(self, start: bytes, pairs: list[Pair]) -> Part:
        archive = self._job.zip if self._pairs.entries else None
        return Part(archive, start, pairs, False, self._odd_mode, self._comparable)

    def take(self, numbers: list[int], result: PartResult) -> None:
        """Take in what came of a part."""
        found, digests = self._found, result.digests
        begin = 0
        for at, number in enumerate(numbers, 1):
            # Most often one pair comes behind the other.
            if at == len(numbers) or numbers[at] != number + 1:
                found.set_digests(numbers[begin], digests[begin * DIGEST : at * DIGEST])
                begin = at
        for at, digest in result.differing.items():
            found.set_differing(numbers[at], digest)
        for at, reason in result.entry_faults.items():
            self._entry_faults.set(numbers[at], reason)
        for at, reason in result.file_faults.items():
            self._file_faults.set(numbers[at], reason)
        for at, seen in result.stats.items():
            pair = numbers[at]
            irregular = IRREGULAR * (not stat.S_ISREG(seen.mode))
            found.set_flags(pair, HAS_STAT | irregular | ODD_MODE * bool(seen.mode & self._odd_mode))
            change = self._change(pair)
            if change is None:
                continue
            if self._may_be_copy(pair):
                self._copy_stats.set(pair, pack_stat(seen))
            else:
                self._stats.set(LISTED_FIRST.index(change), pair, seen)
        self._file_bytes += result.file_bytes

    def assemble(self) -> ModuleMeasurement:
        """The record, when every part has been taken in."""
        measured_zip = None if self._zip is None else self._measured_zip(self._zip)
        measured_tree = None
        differences: Differences | None = None
        more = 0
        if self._tree is not None:
            copies = self._copied_go_mods()
            measured_tree = self._measured_tree(self._tree, copies, measured_zip)
            if self._listing is not None:
                differences, more = self._differences(self._listing, copies)
        return ModuleMeasurement(
            self._job.key,
            measured_zip,
            measured_tree,
            self._mod,
            self._info,
            self._ziphash,
            differences or (),
            more,
        )

    def _measured_zip(self, zipped: ZipSource) -> ZipMeasurement:
        pairs = self._pairs
        fault = zipped.fault
        go_mod = self._job.prefix + b"go.mod"
        bad: tuple[Fault, ...] = ()
        h1 = files_h1 = go_mod_h1 = None
        has_go_mod = False
        if fault is None:
            bad, _ = first_of(self._bad_entries(), lambda each: each.name)
            newline: bytes | None = None
            has_directories = False
            for pair, name in pairs.names_of():
                # dirhash looks at each name before it opens the entry.
                if newline is None and b"\n" in name:
                    newline = name
                if name == go_mod:
                    has_go_mod = True
                    if pair not in self._entry_faults:
                        go_mod_h1 = hash1([(self._found.digest(pair), b"go.mod")])
                has_directories |= name.endswith(b"/")
            fault = bad[0] if bad else None
            if newline is not None and (fault is None or newline <= fault.name):
                fault = Fault("name-newline", newline)
            if fault is None:
                h1 = files_h1 = hash1(self._lines(zipped, with_directories=True))
                if has_directories:
                    files_h1 = hash1(self._lines(zipped, with_directories=False))
        else:
            has_go_mod = go_mod in zipped.names
        return ZipMeasurement(
            stat=zipped.stat,
            fault=fault,
            h1=h1,
            files_h1=files_h1,
            entries=len(zipped.names),
            unpacked=0 if zipped.directory is None else zipped.directory.unpacked,
            go_mod_h1=go_mod_h1,
            has_go_mod=has_go_mod,
            bad_entries=bad,
            violations=zipped.violations,
        )

    def _bad_entries(self) -> Iterator[Fault]:
        """Each entry that cannot be read, by name."""
        for pair, (code, errno) in self._entry_faults.all():
            yield Fault(code, self._pairs.name(pair) or b"", errno)

    def _lines(self, zipped: ZipSource, *, with_directories: bool) -> Iterator[tuple[bytes, bytes]]:
        """What the h1 is made of: a line for every entry, each with the content of its name's last."""
        numbers = iter(zipped.order)
        for pair, name in self._pairs.names_of():
            last = self._pairs.entry_of[pair]
            line = self._found.digest(pair), name
            is_told = with_directories or not name.endswith(b"/")
            # The entries of one name come one after the other, the last one last.
            for number in numbers:
                if is_told:
                    yield line
                if number == last:
                    break

    def _copied_go_mods(self) -> bytearray:
        """Whether each pair is a go.mod that the go command made from the _go.mod beside it; or nothing."""
        if not self._job.toolchain:
            return bytearray()
        copies = bytearray(len(self._pairs))
        # The _go.mod files of the folders that the path is in: they come before what is told of here.
        above: list[tuple[bytes, bytes]] = []
        for pair, path in self._pairs.paths_of():
            start, slash, name = path.rpartition(b"/")
            if name not in {b"go.mod", b"_go.mod"} or pair in self._file_faults:
                continue
            if self._is_odd(self._pairs.file_of[pair]):
                continue
            folder, digest = start + slash, self._found.file_digest(pair)
            while above and not path.startswith(above[-1][0]):
                above.pop()
            if name == b"_go.mod":
                above.append((folder, digest))
            elif above and above[-1] == (folder, digest):
                copies[pair] = True
        return copies

    def _measured_tree(
        self, tree: TreeSource, copies: bytearray, zipped: ZipMeasurement | None
    ) -> TreeMeasurement:
        listing, pairs = tree.listing, self._pairs
        if listing is None:
            faults = () if tree.fault is None else (tree.fault,)
            return TreeMeasurement(tree.stat, tree.fault, None, 0, 0, faults, ())
        prefix = self._job.prefix
        odd_faults = (Fault(code, listing.files[file], errno) for file, (code, errno) in listing.odd.faults())
        file_faults = (
            Fault(code, pairs.path(pair) or b"", errno) for pair, (code, errno) in self._file_faults.all()
        )
        unreadable, more_faults = first_by_name(
            chain(listing.faults, odd_faults, file_faults), lambda each: each.name
        )
        # dirhash lists everything before it opens anything, and looks at each name before it opens.
        fault = listing.faults.first()
        if fault is None:
            fault = next(iter(unreadable), None)
            in_prefix = b"\n" in prefix
            newline = next((path for _, path in pairs.paths_of() if in_prefix or b"\n" in path), None)
            if newline is not None and (fault is None or newline <= fault.name):
                fault = Fault("name-newline", newline)
        h1 = None
        if fault is None:
            if zipped is not None and self._same_as_zip(listing):
                h1 = zipped.files_h1
            if h1 is None:
                h1 = hash1(
                    (self._found.file_digest(pair), prefix + path)
                    for pair, path in pairs.paths_of()
                    if not (copies and copies[pair])
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

    def _same_as_zip(self, listing: Listing) -> bool:
        """Whether the tree has just the lines of the zip, so that they need not be hashed again."""
        pairs = self._pairs
        return (
            not self._job.toolchain
            and not self._found.differ
            and len(pairs.names) == pairs.entries == len(pairs) == len(listing)
            and NONE not in pairs.file_of
        )

    def _differences(self, listing: Listing, copies: bytearray) -> tuple[Differences, int]:
        """What is not as it should be, as far as it is listed, and how many more there are."""
        pairs, found = self._pairs, self._found
        is_hidden = listing.faults.hidden()
        changes = Changes(len(pairs))
        with_odd = bool(listing.odd)
        for pair, file in enumerate(pairs.file_of):
            if file != NONE and not with_odd and not found.flags(pair) & HAS_STAT:
                continue  # as it should be
            change = self._change(pair)
            if change is None or (copies and copies[pair]):
                continue
            if change == "missing" and is_hidden(pairs.told_path(pair)):
                continue
            changes.set(pair, change)
        listed, more = changes.gravest(pairs.told_path)
        return Differences.of(self._difference(pair, changes.get(pair)) for pair in listed), more

    def _change(self, pair: int) -> Change | None:
        """What is wrong with a pair, as far as that is known of it alone."""
        pairs, file = self._pairs, self._pairs.file_of[pair]
        flags = self._found.flags(pair)
        is_readable = pairs.entry_of[pair] != NONE and pair not in self._entry_faults
        if file == NONE:
            return "missing" if is_readable and self._is_file_name(pairs.name(pair) or b"") else None
        if self._listing is not None and self._is_odd(file):
            if self._listing.odd.is_irregular(file):
                return "type"
            if not self._listing.odd.leads(file):
                return None  # its fault is told
        if flags & IRREGULAR:
            return "type"
        if not flags & HAS_STAT or pair in self._file_faults or pair in self._entry_faults:
            return None
        if self._comparable and pairs.entry_of[pair] == NONE:
            return "extra"
        if flags & DIFFERS:
            return "modified"
        return "mode" if flags & ODD_MODE else None

    def _is_file_name(self, name: bytes) -> bool:
        """Whether the tree should have a file for the entry of this name."""
        prefix = self._job.prefix
        return name.startswith(prefix) and not name.endswith(b"/") and name != prefix

    def _may_be_copy(self, pair: int) -> bool:
        """Whether a file may turn out to be a go.mod that the go command made."""
        if not self._job.toolchain:
            return False
        return (b"/" + (self._pairs.path(pair) or b"")).endswith(b"/go.mod")

    def _difference(self, pair: int, change: Change) -> Difference:
        """The record of what is wrong with a pair that is listed."""
        pairs, found, file = self._pairs, self._found, self._pairs.file_of[pair]
        zip_sha256 = zip_size = tree_sha256 = here = None
        entry = pairs.entry_of[pair]
        if entry != NONE and pair not in self._entry_faults and self._zip is not None:
            zip_sha256 = found.digest(pair)
            zip_size = None if self._zip.directory is None else self._zip.directory.size(entry)
        if self._listing is not None and file != NONE and self._is_odd(file):
            here = self._listing.odd.stat(file)
            if self._listing.odd.leads(file) and pair not in self._file_faults:
                tree_sha256 = found.file_digest(pair)
        elif change != "missing":
            if self._may_be_copy(pair):
                here = unpack_stat(self._copy_stats.get(pair))
            else:
                here = self._stats.get(LISTED_FIRST.index(change), pair)
            if change != "type":
                tree_sha256 = found.file_digest(pair)
        return Difference(pairs.told_path(pair), change, zip_sha256, zip_size, tree_sha256, here)


def measure_module(job: Job, most_names: int = MAX_NAMES_BYTES) -> ModuleMeasurement:
    """Measure a module here and now.

    Raises TooManyNamesError where names of the zip, or of the tree, need more than `most_names`.
    """
    plan = ModulePlan(job, most_names)
    for numbers, part in plan.parts():
        plan.take(numbers, read_part(part))
    return plan.assemble()
