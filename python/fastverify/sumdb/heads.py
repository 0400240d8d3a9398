"""Signed tree heads: which of them the tiles at hand lead to, and whether they tell one history.

A head that is signed is as true as its signer; what the tiles are for is to show that a record stands
under it, and that a newer head only added to an older one (``Client.checkTrees``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from fastverify.sumdb.arithmetic import Arithmetic
from fastverify.sumdb.tiles import Tiles
from fastverify.sumdb.tlog import EMPTY_ROOT, Head, Tile, edge_tiles

#: How many combinations of copies are tried for one head, where copies of a tile differ.
_TRIES = 16


@dataclass(frozen=True, slots=True)
class Doubt:
    """Heads that the tiles contradict, and which of them may be bad."""

    heads: tuple[Head, ...]
    suspects: tuple[str, ...]
    #: So many of the suspects, the first ones, lead to all of the heads.
    common: int
    #: Tiles that lead to the heads, too, and are under no suspicion, but cannot be verified meanwhile.
    unverified: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Fork:
    """Two signed heads that cannot both be of one log that only grows."""

    head: Head
    other: Head


@dataclass(slots=True)
class Heads:
    """What became of all heads."""

    #: Sizes of those that the tiles lead to, newest first.
    usable: list[int] = field(default_factory=list)
    doubts: list[Doubt] = field(default_factory=list)
    forks: list[Fork] = field(default_factory=list)


# A copy of a tile, with its hashes as far as a head needs them.
_Copy = tuple[str, bytes]
# One tile of a head, with the copy that was used and its hashes.
_Edge = tuple[Tile, str, bytes]


def judge_heads(
    heads: Iterable[Head], tiles: Tiles, arithmetic: Arithmetic, leaves: Mapping[int, bytes]
) -> Heads:
    """Find tiles for each of the signed `heads`, newest first, and hold them to each other.

    `leaves` are the hashes of records, by number, as the records have them.  Tells `tiles` which of them are
    proved so, and which are proved to be bad.
    """
    found = Heads()
    ordered = sorted(heads, key=lambda head: -head.size)
    proved: dict[Head, list[_Edge]] = {}
    contradicted: list[tuple[Head, list[list[_Copy]]]] = []
    roots: dict[int, Head] = {}
    forked: set[Head] = set()
    for head in ordered:
        first = roots.setdefault(head.size, head)
        if first != head:
            found.forks.append(Fork(head, first))
            forked.update((head, first))
            if first in proved:
                continue
            roots[head.size] = head  # perhaps the tiles lead to this one
        if not head.size:
            if head.root != EMPTY_ROOT:
                found.doubts.append(Doubt((head,), (), 0))
            continue
        # Alike copies are one candidate.
        choices = [_distinct(tiles, tile) for tile in edge_tiles(head.size)]
        if not all(choices):
            continue
        edges = _matching(head, choices, arithmetic)
        if edges is None:
            contradicted.append((head, choices))
            continue
        proved[head] = edges
        found.usable.append(head.size)
        for tile, path, hashes in edges:
            tiles.add_edge(tile, path, hashes, head.size)
    # So many bytes of a copy are what some head has.
    good = Counter[str]()
    for _, path, hashes in (edge for edges in proved.values() for edge in edges):
        good[path] = max(good[path], len(hashes))
    for head, choices in contradicted:
        for copies, hashes in zip(choices, _mended(head, choices, tiles, arithmetic, leaves), strict=False):
            for path, content in copies:
                if content != hashes and good[path] < len(content):
                    tiles.condemn(path)
    for head, edges in proved.items():
        size = _contradiction(edges, tiles)
        if size and head not in forked:
            found.forks.append(Fork(head, roots[size]))
    for head, choices in contradicted:
        if head in forked:
            continue
        size = _settle(head, choices, tiles, arithmetic, found)
        if size:
            found.forks.append(Fork(head, roots[size]))
    return found


def _distinct(tiles: Tiles, tile: Tile) -> list[_Copy]:
    seen: dict[bytes, str] = {}
    for path, hashes in tiles.candidates(tile):
        seen.setdefault(hashes, path)
    return [(path, hashes) for hashes, path in seen.items()]


def _root(parts: Iterable[bytes], arithmetic: Arithmetic) -> bytes:
    """The root over the hashes of edge tiles, lowest level first."""
    right = None
    for hashes in parts:
        right = arithmetic.fold(hashes, right)
    return right if right is not None else EMPTY_ROOT


def _matching(head: Head, choices: list[list[_Copy]], arithmetic: Arithmetic) -> list[_Edge] | None:
    """The copies that hash to the head's root: the first of each tile, or one of them changed."""
    first = [copies[0] for copies in choices]
    tries = [first]
    for level, copies in enumerate(choices):
        tries += [[*first[:level], other, *first[level + 1 :]] for other in copies[1:]]
    for picked in tries[:_TRIES]:
        if _root((hashes for _, hashes in picked), arithmetic) == head.root:
            return [
                (tile, path, hashes)
                for tile, (path, hashes) in zip(edge_tiles(head.size), picked, strict=True)
            ]
    return None


def _mended(
    head: Head,
    choices: list[list[_Copy]],
    tiles: Tiles,
    arithmetic: Arithmetic,
    leaves: Mapping[int, bytes],
) -> list[bytes]:
    """The hashes of each tile under a head that the tiles contradict, where one of these must only be put
    right by what is below it; nothing where that does not lead to the head.

    What hashes to the root of a signed head is what the database signed.  So the copies that have other
    hashes are the bad ones, beyond doubt; but for those that lead to another head, which then is not of the
    same log.
    """
    first = [copies[0][1] for copies in choices]
    edges = zip(edge_tiles(head.size), first, strict=True)
    rebuilt = [tiles.rebuilt(tile, hashes, leaves) for tile, hashes in edges]
    odd = [at for at, hashes in enumerate(first) if rebuilt[at] != hashes]
    for chosen in [[at] for at in odd] + ([odd] if len(odd) > 1 else []):
        parts = [rebuilt[at] if at in chosen else hashes for at, hashes in enumerate(first)]
        if _root(parts, arithmetic) == head.root:
            return parts
    return []


def together(doubts: Iterable[Doubt]) -> list[Doubt]:
    """The `doubts`, those as one that have a suspect in common: first the one that most of them have.

    Where a head has a single suspect, that is the one to blame for every doubt that it is in.
    """
    left, found = list(doubts), []
    while left:
        times = Counter(path for doubt in left for path in doubt.suspects)
        alone = {doubt.suspects[0] for doubt in left if len(doubt.suspects) == 1}
        path = max(times, key=lambda path: (path in alone, times[path]), default="")
        alike = [doubt for doubt in left if path in doubt.suspects] or left[:1]
        left = [doubt for doubt in left if doubt not in alike]
        suspects = dict.fromkeys(path for doubt in alike for path in doubt.suspects)
        common = [path for path in suspects if all(path in doubt.suspects for doubt in alike)]
        others = [path for path in suspects if path not in common]
        heads = tuple(head for doubt in alike for head in doubt.heads)
        if path in alone:
            found.append(Doubt(heads, (path,), 1, frozenset(suspects) - {path}))
        else:
            found.append(Doubt(heads, (*common, *others), len(common)))
    return found


def _contradiction(edges: list[_Edge], tiles: Tiles) -> int:
    """The size of a head whose proved tiles differ from `edges`; 0 where there is none."""
    for tile, _, hashes in edges:
        best = tiles.authentic((tile.level, tile.number))
        if best is not None:
            common = min(len(hashes), len(best[1]))
            if hashes[:common] != best[1][:common]:
                return best[0].size
    return 0


def _settle(
    head: Head,
    choices: list[list[_Copy]],
    tiles: Tiles,
    arithmetic: Arithmetic,
    found: Heads,
) -> int:
    """Say of a head that its tiles do not hash to whether they are to blame, or the head is.

    In the latter case the answer is the size of a head that it contradicts, else 0.
    """
    parts, suspects, size = [], [], 0
    for tile, copies in zip(edge_tiles(head.size), choices, strict=True):
        best = tiles.authentic((tile.level, tile.number))
        if best is None or best[0].width < tile.width:
            suspects.append(copies[0][0])
            continue
        size = best[0].size
        parts.append(best[1][: len(copies[0][1])])
        if copies[0][1] != parts[-1]:
            return 0  # that copy is bad, and told for itself
    if suspects:
        found.doubts.append(Doubt((head,), tuple(suspects), len(suspects)))
        return 0
    return size if _root(parts, arithmetic) != head.root else 0
