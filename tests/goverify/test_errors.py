"""The words of errors, held to Go's own: of zips, of deflate streams, of the operating system."""

from __future__ import annotations

import errno
import os
import random
import re
import zlib
from pathlib import Path

import pytest

from fastverify.engine import default_threads
from fastverify.engine.protocol import Engine, ModuleTask
from fastverify.goverify.flate import corrupt_at
from fastverify.goverify.hashing import hash_dir, hash_zip
from fastverify.goverify.oserrors import GoError, error_words
from tests.making.go import Go, Oracle, OracleError
from tests.making.zips import Archive, Entry

pytestmark = [pytest.mark.go]

CONTENT = b"".join(b"line %d of some text, %d\n" % (n, n * n % 977) for n in range(4000))


def go_zip_error(oracle: Oracle, path: Path) -> str:
    try:
        return oracle.value("hash_zip", Path=path)
    except OracleError as error:
        return str(error)


def our_zip_error(engine: Engine, path: Path) -> str:
    task = ModuleTask(0, b"m@v1.0.0/", str(path), None, None, None, None, False, 1)
    measured = next(iter(engine.measure([task], threads=1))).zip
    assert measured is not None
    if measured.fault is None:
        return measured.h1 or ""
    try:
        return hash_zip(str(path), measured.fault, engine, default_threads())
    except GoError as error:
        return str(error)


@pytest.mark.slow
@pytest.mark.parametrize("size", [200, 3000, len(CONTENT)])
@pytest.mark.parametrize("level", [1, 9])
def test_damaged_zips(engine: Engine, oracle: Oracle, tmp_path: Path, size: int, level: int) -> None:
    """Bytes changed anywhere in a zip: the same hash, or the same error with the same offset."""
    chance = random.Random(f"{size} {level}")
    whole = Archive(
        [
            Entry(b"m@v1.0.0/a", CONTENT[:size]),
            Entry(b"m@v1.0.0/b", b"short", method=0),
        ]
    ).to_bytes()
    path = tmp_path / "damaged.zip"
    seen = set()
    for _ in range(150):
        damaged = bytearray(whole)
        for _ in range(chance.choice([1, 1, 2, 5])):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        path.write_bytes(
            bytes(damaged[: chance.choice([len(damaged), len(damaged), chance.randrange(len(damaged))])])
        )
        words = our_zip_error(engine, path).replace(f" {path}:", ":")  # the oracle leaves paths out
        assert words == go_zip_error(oracle, path)
        seen.add(re.sub("[0-9]+", "N", words) if not words.startswith("h1:") else "h1")
    assert {"zip: not a valid zip file", "flate: corrupt input before offset N"} <= seen


@pytest.mark.slow
def test_corrupt_streams(engine: Engine, oracle: Oracle, tmp_path: Path) -> None:
    """Bits that never were a deflate stream: every rule of the format is broken somewhere."""
    chance = random.Random(7)
    path = tmp_path / "random.zip"
    offsets = set()
    for _ in range(400):
        stream = bytes(chance.randrange(256) for _ in range(chance.choice([3, 10, 60, 300])))
        path.write_bytes(Archive([Entry(b"m@v1.0.0/a", b"x" * 4000, body=stream)]).to_bytes())
        words = our_zip_error(engine, path)
        assert words == go_zip_error(oracle, path)
        if words.startswith("flate"):
            offsets.add(corrupt_at(stream))
    assert len(offsets) > 10


def test_an_intact_stream_is_not_corrupt() -> None:
    for level in (0, 1, 6, 9):
        compressor = zlib.compressobj(level, zlib.DEFLATED, -15)
        assert corrupt_at(compressor.compress(CONTENT) + compressor.flush()) is None


def test_words_of_the_operating_system(go: Go, tmp_path: Path) -> None:
    """Every error that Go has a name and words for, from its own table."""
    root = Path(go.run("env", "GOROOT", modcache=tmp_path, cwd=tmp_path).stdout.strip())
    table = root / "src/syscall" / "zerrors_linux_amd64.go"
    text = table.read_text()
    names = dict(re.findall(r"^\t(E[A-Z0-9]+) +?= Errno\((0x[0-9a-f]+)\)", text, re.MULTILINE))
    texts = text.partition("var errors = ")[2].partition("\n}\n")[0]
    words = dict(re.findall(r'^\t([0-9]+): +"(.+)",', texts, re.MULTILINE))
    compared = 0
    for name, number in names.items():
        here = getattr(errno, name, None)
        said = words.get(str(int(number, 16)))
        if here == int(number, 16) and said is not None:
            assert error_words(here) == said, name
            compared += 1
    assert compared > 100


def test_trees(oracle: Oracle, tmp_path: Path) -> None:
    """What ``HashDir`` says of links, folders in a file's place, and odd names."""
    tree = tmp_path / "m@v1.0.0"
    (tree / "a").mkdir(parents=True)
    (tree / "a.b").write_bytes(b"1")
    (tree / "a" / "c").write_bytes(b"2")

    def compare() -> str:
        try:
            ours = hash_dir(str(tree), "m@v1.0.0")
        except GoError as error:
            ours = str(error)
        theirs = oracle.ask("hash_dir", Path=tree, Name="m@v1.0.0")
        # The oracle leaves the paths of such errors out.
        assert re.sub(f"(open|read) {tree}/[^:]*:", r"\1:", ours) == (theirs["error"] or theirs["value"])
        return ours

    assert compare().startswith("h1:")
    outside = tmp_path / "outside"
    outside.write_bytes(b"3")
    (tree / "link").symlink_to(outside)
    assert compare().startswith("h1:")
    (tree / "null").symlink_to(os.devnull)
    assert compare().startswith("h1:")
    (tree / "to folder").symlink_to("a")
    assert "is a directory" in compare()
    (tree / "nowhere").symlink_to("gone")
    assert "no such file" in compare()
    (tree / "new\nline").write_bytes(b"")
    assert "newlines" in compare()
    (tree / "loop").symlink_to("loop")
    assert "too many levels" in compare()
