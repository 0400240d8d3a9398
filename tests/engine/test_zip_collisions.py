"""Names that collide, in the two ways in which they are found, and names of very many directories."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import pytest

from fastverify.engine.protocol import Engine, Violation
from fastverify.engine.pure import zip_collisions
from fastverify.engine.pure.zip_collisions import Noted, NotedDeep, collisions
from tests.engine.measuring import PREFIX, measure_zip
from tests.making.zips import zip_of

ELEMENTS = ["a", "A", "b", "k", "\u212a", "ab", "ß", "ẞ"]


def test_both_ways_say_the_same() -> None:
    random_ = random.Random(7)
    seen: Counter[str | None] = Counter()
    for turn in range(8000):
        kinds, depth = ELEMENTS[: (2, 3, 5, 8)[turn % 4]], (1, 3, 8)[turn % 3]
        shallow, deep = Noted(), NotedDeep()
        names = []
        for _ in range(2 + turn % 12):
            name = "/".join(random_.choices(kinds, k=random_.randint(1, depth + 1))).encode()
            is_directory = random_.random() < 0.25
            names.append((name, is_directory))
            told = deep.note(name, is_directory)
            assert told == shallow.note(name, is_directory), names
            seen[told] += 1
    assert set(seen) == {None, "collision", "duplicate", "file-and-directory"}
    assert min(seen.values()) > 300


def test_deep_names_take_the_tree(monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(collisions([b"a/b"] * 1000), Noted)
    assert isinstance(collisions([b"a/" * 30_000] * 100), NotedDeep)
    monkeypatch.setattr(zip_collisions, "_SHALLOW", 0)
    assert isinstance(collisions([b"a"]), Noted)
    assert isinstance(collisions([b"a", b"b/c"]), NotedDeep)


def test_names_of_many_directories(engine: Engine, tmp_path: Path) -> None:
    """To note each of the directories by its whole name would take tens of gigabytes."""
    deep = b"/a" * 32_000
    names = [b"%d%s" % (number, deep) for number in range(60)]
    names += [b"dir/", b"0%s/b" % deep, b"0%s" % deep[:-4], b"1%s/A" % deep[:-2], b"2%s/" % deep[:-2]]
    measured = measure_zip(engine, tmp_path, zip_of([(PREFIX + name, b"") for name in names]))
    codes = {61: "file-and-directory", 62: "file-and-directory", 63: "collision"}
    expected = [Violation(code, PREFIX + names[at]) for at, code in codes.items()]  # type: ignore[arg-type]
    assert list(measured.violations) == expected
