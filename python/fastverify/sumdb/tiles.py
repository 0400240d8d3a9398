"""The tiles of a checksum database: which copies there are, and which of them are authentic.

A tile is authentic where its hash stands in an authentic parent, or where it is one of those that
together hash to the root of a signed head.  Every tile that is used is held to its own parent, however
it was reached: ``tlog.TileHashReader`` once left some out.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from fastverify.sumdb.arithmetic import Arithmetic
from fastverify.sumdb.reading import ReadingError, read_small
from fastverify.sumdb.records import Problem
from fastverify.sumdb.tlog import HASH_BYTES, LEVELS, TILE_BYTES, TILE_WIDTH, Tile, parent, parse_tile_path
from fastverify.sumdb.walking import Listing

#: How many tiles (of 8 KiB) are kept in memory.
_KEPT = 2048

#: A tile's level and number.
Place = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Authentic:
    """A copy of a tile that has been proved."""

    path: str
    #: How many hashes the file holds, and how many of them are proved.
    holds: int
    width: int
    #: The size of the head that proves it.
    size: int
    #: SHA-256 of those hashes, so that the file can be read again.
    digest: bytes


class _Content:
    """The hashes in a file, and what is reckoned of all of them, once for as long as they are in memory."""

    __slots__ = ("_arithmetic", "_digest", "_root", "hashes")

    def __init__(self, hashes: bytes, arithmetic: Arithmetic) -> None:
        self.hashes = hashes
        self._arithmetic = arithmetic
        self._root: bytes | None = None
        self._digest: bytes | None = None

    def root(self) -> bytes:
        """What the parent of a full tile has of it."""
        if self._root is None:
            self._root = self._arithmetic.fold(self.hashes)
        return self._root

    def digest(self, width: int) -> bytes:
        """SHA-256 of the first `width` hashes."""
        size = width * HASH_BYTES
        if size < len(self.hashes):
            return hashlib.sha256(self.hashes[:size]).digest()
        if self._digest is None:
            self._digest = hashlib.sha256(self.hashes).digest()
        return self._digest


class Tiles:
    """The tiles in some folders, those of the first folder before those of the next."""

    def __init__(self, folders: list[str], arithmetic: Arithmetic, listing: Listing) -> None:
        self._arithmetic = arithmetic
        #: Every copy, narrowest first.
        self.copies: dict[Place, list[tuple[int, str]]] = {}
        #: What is wrong with a copy.
        self.problems: dict[str, Problem] = {}
        self._kept: OrderedDict[str, _Content] = OrderedDict()
        self._condemned: set[str] = set()
        #: The hash over the first full copy of a tile; None where there is none.
        self._folded: dict[Place, bytes | None] = {}
        self._edges: dict[Place, Authentic] = {}
        self._authentic: dict[Place, Authentic | None] = {}
        for folder in folders:
            self._list(folder, listing)
        for copies in self.copies.values():
            copies.sort(key=lambda copy: copy[0])  # stable: the first folder stays first

    def _list(self, folder: str, listing: Listing) -> None:
        for path, relative in listing.files(f"{folder}/tile"):
            tile = parse_tile_path(f"tile/{relative}")
            if tile is None or tile.level >= LEVELS:
                listing.strays.append((path, False))
            else:
                self.copies.setdefault((tile.level, tile.number), []).append((tile.width, path))

    def read(self, path: str, width: int) -> bytes | None:
        """The hashes of the copy at `path`, of the `width` that its name says; None where it has none."""
        content = self._content(path, width)
        return content.hashes if content is not None else None

    def _content(self, path: str, width: int) -> _Content | None:
        kept = self._kept.get(path)
        if kept is not None:
            self._kept.move_to_end(path)
            return kept
        if path in self.problems:
            return None
        try:
            hashes = read_small(path, TILE_BYTES)
        except ReadingError as error:
            self.problems[path] = Problem("malformed" if error.malformed else "unreadable", error.reason)
            return None
        if hashes is None:
            return None
        if len(hashes) != width * HASH_BYTES:
            reason = f"it has {len(hashes)} bytes and must have {width * HASH_BYTES}"
            self.problems[path] = Problem("malformed", reason)
            return None
        content = self._kept[path] = _Content(hashes, self._arithmetic)
        if len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
        return content

    def candidates(self, tile: Tile) -> Iterator[tuple[str, bytes]]:
        """The hashes of `tile` by each copy that has them: its own first, then the wider ones."""
        for width, path in self.copies.get((tile.level, tile.number), []):
            if width >= tile.width:
                content = self.read(path, width)
                if content is not None:
                    yield path, content[: tile.width * HASH_BYTES]

    def rebuilt(self, tile: Tile, hashes: bytes, leaves: Mapping[int, bytes]) -> bytes:
        """`hashes` of `tile` as those below it have them: full tiles, and `leaves` by number."""
        first = tile.number * TILE_WIDTH
        parts = []
        for index in range(tile.width):
            below = self._below(tile.level, first + index, leaves)
            parts.append(below or hashes[index * HASH_BYTES : (index + 1) * HASH_BYTES])
        return b"".join(parts)

    def _below(self, level: int, number: int, leaves: Mapping[int, bytes]) -> bytes | None:
        """What makes up the hash under `number` of a tile of `level`, as far as it is here."""
        if level == 0:
            return leaves.get(number)
        place = (level - 1, number)
        if place not in self._folded:
            contents = (self._content(path, w) for w, path in self.copies.get(place, []) if w == TILE_WIDTH)
            content = next((each for each in contents if each is not None), None)
            self._folded[place] = content.root() if content is not None else None
        return self._folded[place]

    def condemn(self, path: str) -> None:
        """Note that the copy at `path` has other hashes than the signed tree.

        Its beginning may be proved all the same, and counts until all is checked.
        """
        self._condemned.add(path)

    def add_edge(self, tile: Tile, path: str, hashes: bytes, size: int) -> None:
        """Note that `hashes`, the beginning of the copy at `path`, are proved by a head of `size`."""
        holds = next(width for width, copy in self.copies[tile.level, tile.number] if copy == path)
        place = (tile.level, tile.number)
        known = self._edges.get(place)
        if known is None or known.width < tile.width:
            self._edges[place] = Authentic(path, holds, tile.width, size, hashlib.sha256(hashes).digest())

    def authentic(self, place: Place) -> tuple[Authentic, bytes] | None:
        """The best proved copy of a tile, with its hashes; None where there is none.

        Only to be asked when all heads have been looked at.
        """
        if place not in self._authentic:
            self._authentic[place] = self._find_authentic(place)
        found = self._authentic[place]
        if found is None:
            return None
        hashes = self._hashes(found)
        return (found, hashes) if hashes is not None else None

    def _hashes(self, found: Authentic) -> bytes | None:
        """The proved hashes again; None where the file was changed meanwhile."""
        content = self._content(found.path, found.holds)
        if content is None or content.digest(found.width) != found.digest:
            return None
        return content.hashes[: found.width * HASH_BYTES]

    def _find_authentic(self, place: Place) -> Authentic | None:
        expected = self.expected(place)
        if expected is not None:
            root, size = expected
            for width, path in self.copies.get(place, []):
                content = self._content(path, width) if width == TILE_WIDTH else None
                if content is not None and content.root() == root:
                    return Authentic(path, TILE_WIDTH, TILE_WIDTH, size, content.digest(TILE_WIDTH))
        return self._edges.get(place)

    def expected(self, place: Place) -> tuple[bytes, int] | None:
        """The hash that the authentic parent has of a full tile, and the size of the head that proves
        it; None where no parent is proved.
        """
        if place[0] + 1 >= LEVELS:
            return None
        above, index = parent(Tile(*place))
        found = self.authentic((above.level, above.number))
        if found is None or found[0].width <= index:
            return None
        return found[1][index * HASH_BYTES : (index + 1) * HASH_BYTES], found[0].size

    def check_all(self) -> None:
        """Hold every copy that there is to what is proved of its tile; `problems` then has the bad ones."""
        for place, copies in self.copies.items():
            expected = self.expected(place)
            known = self.authentic(place)
            for width, path in copies:
                content = self._content(path, width)
                if content is None:
                    continue
                if width == TILE_WIDTH and expected is not None:
                    good = content.root() == expected[0]
                elif known is not None:
                    common = min(len(content.hashes), len(known[1]))
                    good = content.hashes[:common] == known[1][:common]
                else:
                    continue
                if not good:
                    self.condemn(path)
        for path in self._condemned:
            self.problems[path] = Problem("modified", "its hashes are not those of the signed tree")
            self._kept.pop(path, None)
