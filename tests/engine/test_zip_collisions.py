"""Names that collide, and names of very many directories."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from itertools import product
from pathlib import Path

from fastverify.engine.protocol import Engine, Violation, ViolationCode
from fastverify.engine.pure.zip_collisions import Collisions, any_collide, clean, fold
from fastverify.name_column import runs_below
from tests.engine.measuring import PREFIX, measure_zip
from tests.making.zips import zip_of

ELEMENTS = ["a", "A", "b", "k", "\u212a", "ab", "ß", "ẞ"]


class AsGo:
    """Each name and each directory above it noted by its folded text, as Go does it."""

    def __init__(self) -> None:
        self._noted: dict[bytes, tuple[bytes, bool]] = {}

    def note(self, path: bytes, *, is_directory: bool) -> ViolationCode | None:
        folded = fold(path)
        if folded in self._noted:
            other, other_is_directory = self._noted[folded]
            if other != path:
                return "collision"
            if other_is_directory != is_directory:
                return "file-and-directory"
            if not is_directory:
                return "duplicate"
        self._noted[folded] = path, is_directory
        above = path.rpartition(b"/")[0]
        return self.note(above, is_directory=True) if above else None


def random_names(seed: int) -> Iterator[list[bytes]]:
    """Few names of few elements, so that all ways to collide come often, and so do names that are good."""
    random_ = random.Random(seed)
    for turn in range(12_000):
        kinds, depth = ELEMENTS[: (2, 3, 5, 8)[turn % 4]], (1, 3, 8)[turn % 3]
        paths = [
            "/".join(random_.choices(kinds, k=random_.randint(1, depth + 1))) for _ in range(1 + turn % 12)
        ]
        yield [PREFIX + path.encode() + (b"" if random_.random() < 0.75 else b"/") for path in paths]


def test_collisions_are_those_of_go() -> None:
    seen: Counter[str | None] = Counter()
    for names in random_names(7):
        collisions, simple = Collisions(names, PREFIX), AsGo()
        told = [collisions.note(number) for number in range(len(names))]
        expected = [simple.note(clean(name, PREFIX), is_directory=name.endswith(b"/")) for name in names]
        assert told == expected, names
        seen.update(told)
    assert set(seen) == {None, "collision", "duplicate", "file-and-directory"}
    assert min(seen.values()) > 300


def test_neighbours_tell_whether_any_collide() -> None:
    seen: Counter[bool] = Counter()
    for names in random_names(8):
        collisions = Collisions(names, PREFIX)
        expected = any(collisions.note(number) is not None for number in range(len(names)))
        noted = bytearray([True]) * len(names)
        assert any_collide(names, runs_below(len(names)), PREFIX, noted) == expected, names
        seen[expected] += 1
    assert min(seen.values()) > 1000


def test_only_what_is_noted_collides() -> None:
    names = [PREFIX + name for name in (b"a", b"b", b"A", b"B/x")]
    told = {
        noted: any_collide(names, runs_below(4), PREFIX, bytearray(noted))
        for noted in product([False, True], repeat=4)
    }
    assert told == {noted: (noted[0] and noted[2]) or (noted[1] and noted[3]) for noted in told}


def test_a_name_adds_two_runs_at_most() -> None:
    names = [PREFIX + b"a/" * at + b"t%d" % at + b"/b" * at for at in range(500)]
    collisions = Collisions(names, PREFIX)
    for number in range(len(names)):
        assert collisions.note(number) is None
        assert len(collisions._names) <= 2 * number + 1
    assert len(collisions._slots) <= 2048


def test_names_of_many_directories(engine: Engine, tmp_path: Path) -> None:
    """To note each of the directories by its whole name would take tens of gigabytes."""
    deep = b"/a" * 32_000
    names = [b"%d%s" % (number, deep) for number in range(60)]
    names += [b"dir/", b"0%s/b" % deep, b"0%s" % deep[:-4], b"1%s/A" % deep[:-2], b"2%s/" % deep[:-2]]
    measured = measure_zip(engine, tmp_path, zip_of([(PREFIX + name, b"") for name in names]))
    codes = {61: "file-and-directory", 62: "file-and-directory", 63: "collision"}
    expected = [Violation(code, PREFIX + names[at]) for at, code in codes.items()]  # type: ignore[arg-type]
    assert list(measured.violations) == expected
