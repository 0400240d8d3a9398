"""The pure engine's plan of a module, where there is very much in it."""

from __future__ import annotations

import random
import threading
import time
from itertools import accumulate, pairwise
from pathlib import Path

import pytest

from fastverify.engine.protocol import Change, Difference, FileStat, ModuleMeasurement
from fastverify.engine.pure import PureEngine, crew, name_column, pair_columns, plan, room, zip_directory
from fastverify.engine.pure.contents import Reason
from fastverify.engine.pure.name_column import runs_below, sorted_numbers
from fastverify.engine.pure.pair_columns import FaultColumn, PairColumns
from fastverify.engine.pure.plan import Job, ModulePlan
from tests.engine.measuring import PREFIX, task
from tests.making.zips import STORED, Archive, Entry

CHANGES: tuple[Change, ...] = ("type", "modified", "extra", "missing", "mode")


@pytest.mark.parametrize("many", [0, 9, 10, 11, 20, 21, 95])
def test_few_differences_are_held_and_they_are_the_gravest(
    many: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan, "MAX_DIFFERENCES", 10)
    found = [
        Difference(b"%03d" % number, CHANGES[number % 5], None, None, None, None) for number in range(many)
    ]
    inorder = sorted(found, key=lambda each: (CHANGES.index(each.change), each.path))
    random.Random(many).shuffle(found)
    assert plan._gravest(found) == (tuple(inorder[:10]), max(many - 10, 0))


@pytest.mark.parametrize("room", [0, 3, 29, 30, 100, 1000])
def test_differences_with_few_bytes_of_paths_are_held(room: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "MAX_DIFFERENCES_BYTES", room)
    paths = [b"%02d" % at + b"x" * (at * 7 % 11) for at in range(60)]
    found = [Difference(path, CHANGES[at % 5], None, None, None, None) for at, path in enumerate(paths)]
    inorder = sorted(found, key=lambda each: (CHANGES.index(each.change), each.path))
    fit = sum(total <= room for total in accumulate(len(each.path) for each in inorder))
    random.Random(room).shuffle(found)
    assert plan._gravest(found) == (tuple(inorder[:fit]), len(found) - fit)


@pytest.mark.parametrize("block", [1, 3, 1024])
def test_columns_give_back_what_was_noted(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pair_columns, "_BLOCK", block)
    columns = PairColumns(4)
    digests = [bytes([number]) * 32 for number in range(8)]
    # Before 1970, and beyond what 64 bits of nanoseconds can say.
    early, late = FileStat(0, -1, 0, 0o100644), FileStat(1 << 40, (1 << 64) + 7, (1 << 32) - 2, 0o104755)
    for pair in range(4):
        columns.set_digest(pair, digests[pair])
    before = columns.differ
    columns.set_differing(2, digests[6])
    columns.set_stat(2, late)
    columns.set_stat(0, early)
    assert (before, columns.differ) == (False, True)
    assert [columns.digest(pair) for pair in range(4)] == digests[:4]
    assert [columns.file_digest(pair) for pair in range(4)] == [*digests[:2], digests[6], digests[3]]
    assert [columns.differs(pair) for pair in range(4)] == [False, False, True, False]
    assert [columns.stat(pair) for pair in range(4)] == [early, None, late, None]
    assert [columns.has_stat(pair) for pair in range(4)] == [True, False, True, False]


@pytest.mark.parametrize("run", [1, 3, 7, 50, 1000])
def test_numbers_are_sorted_the_same_in_runs(run: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(name_column, "_RUN", run)
    keys = [random.Random(run).randrange(9) for _ in range(50)] + list(range(50))
    told = sorted_numbers(runs_below(100), keys.__getitem__)
    assert list(told) == sorted(range(100), key=keys.__getitem__)
    assert list(sorted_numbers(runs_below(0), keys.__getitem__)) == []


def test_fault_columns_give_back_what_was_noted() -> None:
    faults = FaultColumn(5)
    assert (list(faults.all()), 3 in faults) == ([], False)
    reasons: dict[int, Reason] = {4: ("os", 13), 1: ("zip-eof", 0), 3: ("os", 2)}
    for pair, reason in reasons.items():
        faults.set(pair, reason)
    assert list(faults.all()) == sorted(reasons.items())
    assert [pair in faults for pair in range(5)] == [False, True, False, True, True]


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
