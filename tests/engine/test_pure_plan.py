"""The pure engine's plan of a module, where there is very much in it."""

from __future__ import annotations

import hashlib
import os
import random
import threading
import time
import tracemalloc
from itertools import pairwise
from pathlib import Path

import pytest

from fastverify import name_column
from fastverify.engine.protocol import Fault, FileStat, ModuleMeasurement
from fastverify.engine.pure import (
    PureEngine,
    crew,
    gravest,
    odd_files,
    pair_columns,
    plan,
    room,
    tree_listing,
    zip_directory,
)
from fastverify.engine.pure.gravest import LISTED_FIRST
from fastverify.engine.pure.plan import ModulePlan
from fastverify.engine.pure.sources import Job
from fastverify.name_column import runs_below, sorted_numbers
from tests.engine.measuring import PREFIX, plant, task
from tests.making.zips import STORED, Archive, Entry

posix = pytest.mark.skipif(os.name != "posix", reason="symbolic links")


@pytest.mark.parametrize("run", [1, 3, 7, 50, 1000])
def test_numbers_are_sorted_the_same_in_runs(run: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(name_column, "_RUN", run)
    keys = [random.Random(run).randrange(9) for _ in range(50)] + list(range(50))
    told = sorted_numbers(runs_below(100), keys.__getitem__)
    assert list(told) == sorted(range(100), key=keys.__getitem__)
    assert list(sorted_numbers(runs_below(0), keys.__getitem__)) == []


@posix
def test_a_file_that_is_put_in_place_of_another_kind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the listing and the look at what is no file: it is read, and what is wrong with it told."""
    path, tree = tmp_path / "v.zip", tmp_path / "tree"
    path.write_bytes(Archive([Entry(PREFIX + b"a.go", b"a"), Entry(PREFIX + b"b.go", b"b")]).to_bytes())
    tree.mkdir()
    look_at = tree_listing._look_at

    def replaced(start: bytes, name: bytes) -> tuple[FileStat | None, bytes | None, Fault | None]:
        (tree / os.fsdecode(name)).unlink()
        (tree / os.fsdecode(name)).write_bytes(b"a")
        return look_at(start, name)

    monkeypatch.setattr(tree_listing, "_look_at", replaced)
    for name in ("a.go", "b.go"):
        os.mkfifo(tree / name)
    measured = plan.measure_module(Job.of(task(zip=path, tree=tree)))
    changes = [(each.path, each.change) for each in measured.differences]
    assert changes == [(b"a.go", "mode"), (b"b.go", "modified")]
    assert measured.tree is not None
    assert (measured.tree.h1 is None, measured.tree.fault) == (False, None)


def test_very_many_entries_are_measured_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = [b"b/c.go", b"a.go", b"b/a.go", b"a.go", b"README", b"go.mod", b"b/", b"z/README", b"a.go"]
    path, tree = tmp_path / "v.zip", tmp_path / "tree"
    entries = [Entry(PREFIX + name, b"%d" % n if name[-1:] != b"/" else b"") for n, name in enumerate(names)]
    path.write_bytes(Archive([*entries, Entry(b"other/x", b"x")]).to_bytes())
    for name, content in {"a.go": "8", "b/c.go": "?", "new.go": "n", "z/README": "7"}.items():
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text(content)
        (tree / name).chmod(0o444)
    job = Job.of(task(zip=path, tree=tree))
    few = plan.measure_module(job)
    monkeypatch.setattr(name_column, "_RUN", 2)
    monkeypatch.setattr(zip_directory, "_PIECE", 10)
    assert plan.measure_module(job) == few
    assert [(each.path, each.change) for each in few.differences] == [
        (b"README", "missing"),
        (b"b/a.go", "missing"),
        (b"b/c.go", "modified"),
        (b"go.mod", "missing"),
        (b"new.go", "extra"),
    ]


def test_big_modules_are_planned_one_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = bytes(6 << 20)
    tasks = []
    for number in range(6):
        path = tmp_path / f"{number}.zip"
        path.write_bytes(Archive([Entry(PREFIX + b"a", content, STORED)]).to_bytes())
        tasks.append(task(number, zip=path, weight=len(content)))
    marks: list[str] = []

    class Watched(ModulePlan):
        def __init__(self, job: Job) -> None:
            marks.append("begin")
            # Long enough for another to begin, if it may.
            time.sleep(0.05)
            super().__init__(job)
            marks.append("end")

    monkeypatch.setattr(crew, "ModulePlan", Watched)
    monkeypatch.setattr(crew, "_MOST_UNSPLIT", len(content) - 1)
    assert len(list(PureEngine().measure(tasks, threads=4))) == len(tasks)
    assert len(marks) == 2 * len(tasks)
    assert all(one != other for one, other in pairwise(marks))


def test_there_is_one_large_plan_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the whole process: while modules are measured, one of them may be measured once more."""
    path = tmp_path / "v.zip"
    path.write_bytes(
        Archive([Entry(PREFIX + name, bytes(4 << 20), STORED) for name in (b"a", b"b")]).to_bytes()
    )
    tasks = [task(number, zip=path, weight=100 << 20) for number in range(3)]
    lock = threading.Lock()
    there = most = 0

    class Watched(ModulePlan):
        def __init__(self, job: Job) -> None:
            nonlocal there, most
            with lock:
                there += 1
                most = max(most, there)
            super().__init__(job)

        def assemble(self) -> ModuleMeasurement:
            nonlocal there
            time.sleep(0.05)
            measured = super().assemble()
            with lock:
                there -= 1
            return measured

    monkeypatch.setattr(crew, "ModulePlan", Watched)
    monkeypatch.setattr(room, "_ENOUGH", 1)
    for _ in PureEngine().measure(tasks, threads=2):
        # Those that are left go on meanwhile.
        assert len(list(PureEngine().measure(tasks[:1], threads=2))) == 1
    assert (there, most) == (0, 1)


def test_whoever_waits_for_a_large_plan_can_be_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    measurements = PureEngine().measure([task(weight=100 << 20), task(1, weight=1)], threads=2)
    full = room.Room()
    full.made(room._ENOUGH)
    monkeypatch.setattr(crew, "ROOM", full)
    assert next(measurements).key == 1
    measurements.close()


def _toolchain(tmp_path: Path) -> Job:
    """Folders in folders with go.mod files, of which some are the go command's copies, in a toolchain."""
    zipped, tree = [], {}
    for number in range(30):
        folder = "/".join(f"d{at}" for at in range(number % 4)) + f"/n{number:02}/"
        folder = folder.lstrip("/")
        content = b"module m%d\n" % number
        if number % 2:
            zipped.append(Entry(PREFIX + folder.encode() + b"_go.mod", content))
        tree[folder + "_go.mod"] = content
        tree[folder + "go.mod"] = content if number % 3 else b"another"
        tree[folder + "z.go"] = b"package z"
    path, root = tmp_path / "t.zip", tmp_path / "t"
    path.write_bytes(Archive([*zipped, Entry(PREFIX + b"d0/n01/go.mod", b"module m1\n")]).to_bytes())
    plant(root, tree)
    for file in root.rglob("*.go"):
        file.chmod(0o444)
    return Job.of(task(zip=path, tree=root, toolchain=True))


def test_what_is_told_of_a_toolchain_hangs_not_on_how_much_is_held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = _toolchain(tmp_path)
    every = plan.measure_module(job)
    told = {each.path for each in every.differences}
    for number in range(30):
        folder = "/".join(f"d{at}" for at in range(number % 4)) + f"/n{number:02}/"
        is_told = folder.lstrip("/").encode() + b"go.mod" in told
        assert is_told == (number % 3 == 0), folder
    for most in (1, 5, 20, 40):
        for module in (gravest, pair_columns, odd_files):
            monkeypatch.setattr(module, "MAX_DIFFERENCES", most)
        fewer = plan.measure_module(job)
        ranked = sorted(every.differences, key=lambda each: (LISTED_FIRST.index(each.change), each.path))
        assert list(fewer.differences) == sorted(ranked[:most], key=lambda each: each.path)
        assert fewer.more_differences == len(every.differences) - most
        assert fewer._replace(differences=(), more_differences=0) == every._replace(differences=())


@posix
def test_very_many_links_take_little_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even if all of them lead to what has a long path."""
    deep = "/".join(["d" * 200] * 10) + "/file"
    plant(tmp_path, {deep: b"content"})
    count = 2000
    for number in range(count):
        (tmp_path / f"{number:05}").symlink_to(deep)
    job = Job.of(task(tree=tmp_path))
    monkeypatch.setattr(plan, "_MOST_PAIRS", 100)
    monkeypatch.setattr(odd_files, "MAX_DIFFERENCES", 100)
    monkeypatch.setattr(gravest, "MAX_DIFFERENCES", 100)
    monkeypatch.setattr(name_column, "_RUN", 100)
    plan.measure_module(Job.of(task(tree=tmp_path / deep.partition("/")[0])))
    tracemalloc.start()
    try:
        measured = plan.measure_module(job)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert measured.tree is not None
    assert (measured.tree.files, measured.tree.fault) == (count + 1, None)
    told = len(measured.differences), measured.more_differences
    assert told == (100, count - 100)
    assert {(each.change, each.tree_sha256) for each in measured.differences} == {
        ("type", hashlib.sha256(b"content").digest())
    }
    # Each target alone has 2000 bytes.
    assert peak < count * 1000
