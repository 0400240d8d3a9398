"""What strangers decide the number of, and what of it is held and told."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from fastverify.engine.protocol import (
    BYTES_BESIDE_NAME,
    MAX_DIFFERENCES,
    MAX_DIFFERENCES_BYTES,
    MAX_LISTED,
    MAX_LISTED_BYTES,
    MAX_NAMES_BYTES,
    Engine,
    Fault,
)
from tests.engine.measuring import PREFIX, measure, measure_tree, measure_zip, task
from tests.engine.test_tree_reading import unprivileged
from tests.making.hugenames import FOLDER, PATH_LENGTH, add_long_paths, room_of_folders
from tests.making.zips import STORED, Archive, Entry


@pytest.fixture
def tree(tmp_path: Path) -> Iterator[Path]:
    """For paths that are too long for the ways in which pytest removes things."""
    root = tmp_path / "tree"
    root.mkdir()
    yield root
    shutil.rmtree(root)


def of_all_names(room: int, cost: int) -> int:
    """How many names that need `cost` bytes have room."""
    return room // (cost + BYTES_BESIDE_NAME)


def test_names_of_a_zip(engine: Engine, tmp_path: Path) -> None:
    """As many as there may be; and one byte more, which the prefix does not count for."""
    length = 50_000
    count = of_all_names(MAX_NAMES_BYTES, length)
    last = MAX_NAMES_BYTES - count * (length + BYTES_BESIDE_NAME) - BYTES_BESIDE_NAME

    def names(last: int) -> list[Entry]:
        lengths = [length] * count + [last]
        return [Entry(PREFIX + b"%04d" % at + b"x" * (n - 4), b"", STORED) for at, n in enumerate(lengths)]

    fits = measure_zip(engine, tmp_path, Archive(names(last)).to_bytes())
    assert (fits.fault, fits.entries) == (None, count + 1)
    too_many = Archive(names(last + 1)).to_bytes()
    measured = measure_zip(engine, tmp_path, too_many)
    assert (measured.fault, measured.entries) == (Fault("too-many-names"), 0)
    # dirhash has no such bound.
    assert engine.hash_zip(os.fspath(tmp_path / "v1.0.0.zip"), threads=1).startswith("h1:")
    # Each byte counts of names that do not begin as they should.
    others = measure_zip(engine, tmp_path, Archive(names(last)).to_bytes(), b"example.com/other@v1/")
    assert others.fault == Fault("too-many-names")


def test_names_of_a_tree(engine: Engine, tree: Path) -> None:
    """As many as there may be; and one byte more."""
    room = MAX_NAMES_BYTES - room_of_folders()
    count = of_all_names(room, PATH_LENGTH) - 1
    add_long_paths(tree, count)
    room -= count * (PATH_LENGTH + BYTES_BESIDE_NAME)
    last = tree
    while room:
        # So that enough is left for one name more, or nothing.
        length = 100 if room > 250 + BYTES_BESIDE_NAME else room - BYTES_BESIDE_NAME
        count += 1
        last = tree / f"{count}".ljust(length, "z")
        last.touch(0o444)
        room -= length + BYTES_BESIDE_NAME
    fits = measure_tree(engine, tree)
    assert (fits.fault, fits.files) == (None, count)
    last.rename(f"{last}z")
    measured = measure_tree(engine, tree)
    assert (measured.fault, measured.files, measured.h1) == (Fault("too-many-names"), 0, None)
    assert measured.faults == (Fault("too-many-names"),)
    # dirhash has no such bound.
    assert engine.hash_dir(os.fspath(tree), b"m@v1", threads=1).startswith("h1:")


@pytest.mark.skipif(os.name == "nt", reason="no such modes there")
def test_directories_that_cannot_be_listed_count_thrice(engine: Engine, public_path: Path) -> None:
    """As many as there may be, and one more: their paths are too long, or there is no right to list them."""
    length = 240
    for deeper, code in ((3, errno.ENAMETOOLONG), (0, errno.EACCES)):
        tree = public_path / f"tree{deeper}"
        folder = "/".join([FOLDER, *["e" * 240] * deeper])
        (tree / FOLDER).mkdir(parents=True)
        descriptor = os.open(tree / FOLDER, os.O_RDONLY)
        room = MAX_NAMES_BYTES - room_of_folders()
        for depth in range(1, deeper + 1):
            os.mkdir("e" * 240, dir_fd=descriptor)
            below = os.open("e" * 240, os.O_RDONLY, dir_fd=descriptor)
            os.close(descriptor)
            descriptor = below
            room -= len(FOLDER) + 241 * depth + BYTES_BESIDE_NAME
        count = room // (3 * (len(folder) + 1 + length + BYTES_BESIDE_NAME))
        names = [f"{number:06}".ljust(length, "x") for number in range(count + 1)]
        for name in names[1:]:
            os.mkdir(name, 0, dir_fd=descriptor)
        with unprivileged():
            fits = measure_tree(engine, tree)
        path = f"{folder}/{names[1]}".encode()
        assert fits.fault == Fault("os", path, code)
        assert len(fits.faults) + fits.more_faults == count
        os.mkdir(names[0], 0, dir_fd=descriptor)
        with unprivileged():
            assert measure_tree(engine, tree).fault == Fault("too-many-names")
        # pytest and others cannot remove what has so long paths, or may not be looked into.
        for name in names:
            os.rmdir(name, dir_fd=descriptor)
        os.close(descriptor)
        shutil.rmtree(tree)


def test_the_first_empty_directories_are_listed(engine: Engine, tmp_path: Path) -> None:
    names = sorted(f"{number}" for number in range(MAX_LISTED + 5))
    for name in names:
        (tmp_path / name / "below").mkdir(parents=True)
    (tmp_path / "z").touch(0o444)
    measured = measure_tree(engine, tmp_path)
    assert measured.empty_directories == tuple(name.encode() for name in names[:MAX_LISTED])
    assert (measured.more_empty_directories, measured.more_faults) == (5, 0)


def test_the_first_faults_are_listed(engine: Engine, tmp_path: Path) -> None:
    names = sorted(f"{number}" for number in range(MAX_LISTED + 5))
    for name in names:
        (tmp_path / name).symlink_to("/")
    measured = measure_tree(engine, tmp_path)
    assert measured.faults == tuple(Fault("link-outside", name.encode()) for name in names[:MAX_LISTED])
    assert (measured.fault, measured.more_faults) == (measured.faults[0], 5)


def test_lists_end_before_they_are_long(engine: Engine, tmp_path: Path, tree: Path) -> None:
    name = PREFIX + b"x" * 60_000
    most = MAX_LISTED_BYTES // (len(name) + 2)
    entries = [Entry(name + b"%02d" % at, b"", STORED, crc=1) for at in range(most + 5)]
    measured = measure_zip(
        engine,
        tmp_path,
        Archive(
            entries,
        ).to_bytes(),
    )
    assert measured.bad_entries == tuple(Fault("zip-checksum", each.name) for each in entries[:most])
    entries = [Entry(name + b"%02d:" % at, b"", STORED) for at in range(most + 5)]
    violations = measure_zip(engine, tmp_path, Archive(entries).to_bytes()).violations
    assert [each.name for each in violations] == [
        each.name for each in entries[: MAX_LISTED_BYTES // (len(name) + 3)]
    ]
    paths = add_long_paths(tree, 1500)
    most = MAX_DIFFERENCES_BYTES // len(paths[0])
    (tmp_path / "v.zip").write_bytes(Archive([]).to_bytes())
    extra = measure(engine, task(zip=tmp_path / "v.zip", tree=tree))
    assert [each.path for each in extra.differences] == paths[:most]
    assert extra.more_differences == len(paths) - most


def test_many_of_one_kind_hide_none_of_a_graver_one(engine: Engine, tmp_path: Path) -> None:
    """A file that was changed is named, however many are gone; and however many may be written."""
    root = tmp_path / "tree"
    root.mkdir()
    (root / "v").symlink_to("w")
    for name, mode in [("w", 0o444), ("x", 0o444), ("y", 0o644), ("z", 0o644)]:
        (root / name).write_bytes(b"other" if name == "w" else b"")
        (root / name).chmod(mode)
    missing = [b"%06d" % number for number in range(MAX_DIFFERENCES)]
    zipped = [Entry(PREFIX + name, b"", STORED) for name in [*missing, b"v", b"w", b"y", b"z"]]
    (tmp_path / "v.zip").write_bytes(Archive(zipped).to_bytes())
    measured = measure(engine, task(zip=tmp_path / "v.zip", tree=root))
    told = [(each.path, each.change) for each in measured.differences]
    assert told == [(name, "missing") for name in missing[:-3]] + [
        (b"v", "type"),
        (b"w", "modified"),
        (b"x", "extra"),
    ]
    assert measured.more_differences == 5
