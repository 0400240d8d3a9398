"""The rules of golang.org/x/mod/zip; tests/modcache holds them to Go itself as well."""

from __future__ import annotations

from pathlib import Path

import pytest

from fastverify.engine.protocol import MAX_GO_MOD_BYTES, MAX_LISTED, Engine, Violation
from tests.engine.measuring import PREFIX, measure_zip
from tests.making.zips import Archive, Entry, zip_of

GOOD = [
    *(
        "x.y/z",
        "-x",
        "a/b~1",
        "x~1y",
        "spaces in it",
        "=x",
        "x..y",
        "..x",
        "ä/ß/日本",
        "com10",
        "acon",
        "con1",
    ),
    *("lpt0", ".gitignore", "a.b.c", "com", "lpt", "!#$%&()+,-.=@[]^_{}~", "conin$", "a/ b/c "),
]
BAD = [
    *(
        "/x",
        "x//y",
        "./x",
        "../x",
        "x/.",
        "x/..",
        ".",
        "..",
        "x.",
        "x./y",
        "x...",
        "con",
        "CON.txt",
        "x/com1",
    ),
    *("LpT9.a.b", "nul", "aux.c/x", "a\\b", "a:b", 'a"b', "a'b", "a*b", "a<b", "a>b", "a?b", "a`b", "a|b"),
    *("a;b", "a\0b", "a\x1bb", "a\x7f", "e\u0301", "\u00a0", "😀", "²", "\u200b", "/", "a//"),
]


def codes(engine: Engine, folder: Path, names: list[str]) -> list[tuple[str, str]]:
    content = zip_of([(PREFIX + name.encode(), b"") for name in names])
    found = measure_zip(engine, folder, content).violations
    return [(code, name.removeprefix(PREFIX).decode()) for code, name in found]


@pytest.mark.parametrize("name", GOOD)
def test_good_paths(engine: Engine, tmp_path: Path, name: str) -> None:
    assert codes(engine, tmp_path, [name]) == []


@pytest.mark.parametrize("name", BAD)
def test_bad_paths(engine: Engine, tmp_path: Path, name: str) -> None:
    assert codes(engine, tmp_path, [name]) == [("path", name)]


@pytest.mark.parametrize("name", [b"\xff", b"a\xc3", b"\xed\xa0\x80", b"\xc0\xaf"])
def test_names_that_are_no_utf8(engine: Engine, tmp_path: Path, name: bytes) -> None:
    measured = measure_zip(engine, tmp_path, zip_of([(PREFIX + name, b"")]))
    assert measured.violations == (Violation("path", PREFIX + name),)
    assert measured.h1 is not None


def test_prefix(engine: Engine, tmp_path: Path) -> None:
    names = [b"a", PREFIX[:-1], PREFIX, b"Example.com/m@v1.0.0/a", b"/" + PREFIX + b"a", b""]
    measured = measure_zip(engine, tmp_path, zip_of([(name, b"") for name in names]))
    assert measured.violations == tuple(Violation("prefix", name) for name in names if name != PREFIX)


COLLISIONS = {
    "none": (["a", "b/c", "", "b/", "b/"], []),
    "double file": (["a", "a"], [("duplicate", "a")]),
    "case": (["a", "A"], [("collision", "A")]),
    "Kelvin": (["k", "\u212a"], [("collision", "\u212a")]),
    "long s": (["S", "\u017f"], [("collision", "\u017f")]),
    "sharp s is not ss": (["ß", "ss"], []),
    "capital sharp s": (["ß", "\u1e9e"], [("collision", "\u1e9e")]),
    "sigmas": (["\u03c3", "\u03c2", "\u03a3"], [("collision", "\u03c2"), ("collision", "\u03a3")]),
    "dotless i is not i": (["i", "\u0131"], []),
    "parents": (["a/b", "A/c", "A/d"], [("collision", "A/c"), ("collision", "A/d")]),
    "deep parents": (["a/b/c", "a/B/d", "x/b/c"], [("collision", "a/B/d")]),
    "file then directory": (["a", "a/b"], [("file-and-directory", "a/b")]),
    "directory then file": (["a/b", "a"], [("file-and-directory", "a")]),
    "directory entry then file": (["a/", "a"], [("file-and-directory", "a")]),
    "a bad entry keeps its own place": (
        ["a/b", "A/c", "A/c"],
        [("collision", "A/c"), ("duplicate", "A/c")],
    ),
    "after a good sibling": (["a/b", "a/c", "A/d", "a/e"], [("collision", "A/d")]),
}


@pytest.mark.parametrize("name", COLLISIONS)
def test_collisions(engine: Engine, tmp_path: Path, name: str) -> None:
    names, expected = COLLISIONS[name]
    assert codes(engine, tmp_path, names) == expected


def test_go_mod(engine: Engine, tmp_path: Path) -> None:
    assert codes(engine, tmp_path, ["go.mod", "a/go.mod/", "b/go.mod/x", "xgo.mod", "go.mod.x"]) == []
    for name in ("GO.mod", "a/go.mod", "a/Go.Mod"):
        assert codes(engine, tmp_path, [name]) == [("go-mod-place", name)]


@pytest.mark.parametrize(("name", "code"), [(b"go.mod", "go-mod-size"), (b"LICENSE", "license-size")])
def test_sizes(engine: Engine, tmp_path: Path, name: bytes, code: str) -> None:
    for declared, expected in ((MAX_GO_MOD_BYTES, []), (MAX_GO_MOD_BYTES + 1, [code])):
        archive = Archive([Entry(PREFIX + name, b"x", size=declared)])
        found = measure_zip(engine, tmp_path, archive.to_bytes()).violations
        assert [violation.code for violation in found] == expected
    elsewhere = Archive([Entry(PREFIX + b"a/LICENSE", b"x", size=MAX_GO_MOD_BYTES + 1)])
    assert measure_zip(engine, tmp_path, elsewhere.to_bytes()).violations == ()


def test_a_size_beyond_63_bits_is_negative_to_go(engine: Engine, tmp_path: Path) -> None:
    archive = Archive([Entry(PREFIX + b"LICENSE", b"x", size=(1 << 63) + 1, zip64=True)])
    measured = measure_zip(engine, tmp_path, archive.to_bytes())
    assert measured.violations == ()
    assert measured.fault is not None
    assert measured.fault.code == "zip-too-large"


def test_only_the_first_violations_are_listed(engine: Engine, tmp_path: Path) -> None:
    names = [b"%d" % number for number in range(MAX_LISTED + 10)]
    measured = measure_zip(engine, tmp_path, zip_of([(name, b"") for name in names]))
    assert [violation.name for violation in measured.violations] == names[:MAX_LISTED]
