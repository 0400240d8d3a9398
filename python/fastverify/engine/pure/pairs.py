"""Pairs of an entry of a zip and the file of a tree that has its name."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence

from fastverify.engine.pure.sources import TreeSource, ZipSource

#: Of what has none.
NONE = 0xFFFFFFFF


class Pairs:
    """Each entry with its file, and all files that have no entry, by their paths.

    Of several entries of one name only the last one counts, which Go reads for all.  Entries whose name does
    not begin with the prefix have no path; they come where their name is among the names.
    """

    def __init__(self, zipped: ZipSource | None, tree: TreeSource | None, prefix: bytes) -> None:
        """Let go of the orders that are not needed any more."""
        listing = None if tree is None else tree.listing
        self._prefix = prefix
        self.names: Sequence[bytes] = () if zipped is None else zipped.names
        self.files: Sequence[bytes] = () if listing is None else listing.files.quickest()
        entries = array("I") if zipped is None else zipped.last
        by_path = array("I") if listing is None else listing.by_path
        #: The numbers of the entry and of the file that each pair has, or NONE.
        self.entry_of = entries
        self.file_of = by_path
        #: How many pairs have an entry.
        self.entries = len(entries)
        if not by_path:
            self.file_of = array("I", [NONE]) * len(entries)
        elif not entries:
            self.entry_of = array("I", [NONE]) * len(by_path)
        else:
            self.entry_of, self.file_of = array("I"), array("I")
            self._merge(entries, by_path)
        if zipped is not None:
            zipped.last = array("I")
        if listing is not None:
            listing.by_path = array("I")

    def _merge(self, entries: array[int], by_path: array[int]) -> None:
        names, files, prefix = self.names, self.files, self._prefix
        add_entry, add_file = self.entry_of.append, self.file_of.append
        at, count = 0, len(by_path)
        path = files[by_path[0]] if count else None
        for number in entries:
            name = names[number]
            file = NONE
            if name.startswith(prefix):
                name = name[len(prefix) :]
                while path is not None and path <= name:
                    if path == name:
                        file = by_path[at]
                    else:
                        add_entry(NONE)
                        add_file(by_path[at])
                    at += 1
                    path = files[by_path[at]] if at < count else None
            add_entry(number)
            add_file(file)
        self.file_of.extend(by_path[at:])
        self.entry_of.extend([NONE] * (count - at))

    def __len__(self) -> int:
        return len(self.entry_of)

    def name(self, pair: int) -> bytes | None:
        """The name of the entry of a pair, if it has one."""
        entry = self.entry_of[pair]
        return None if entry == NONE else self.names[entry]

    def path(self, pair: int) -> bytes | None:
        """The path of the file of a pair, if it has one."""
        file = self.file_of[pair]
        return None if file == NONE else self.files[file]

    def names_of(self) -> Iterator[tuple[int, bytes]]:
        """Each pair with an entry, and its name; by name."""
        names = self.names
        return ((pair, names[entry]) for pair, entry in enumerate(self.entry_of) if entry != NONE)

    def paths_of(self) -> Iterator[tuple[int, bytes]]:
        """Each pair with a file, and its path; by path."""
        files = self.files
        return ((pair, files[file]) for pair, file in enumerate(self.file_of) if file != NONE)

    def told_path(self, pair: int) -> bytes:
        """The path by which a pair is told: of its file, or of its entry, which begins with the prefix."""
        path = self.path(pair)
        return self.names[self.entry_of[pair]][len(self._prefix) :] if path is None else path
