"""The pure engine's plan of a module, where there is very much in it."""

from __future__ import annotations

import random
from itertools import pairwise
from pathlib import Path

import pytest

from fastverify.engine.protocol import Change, Difference, FileStat
from fastverify.engine.pure import PureEngine, plan, workers, zip_directory
from fastverify.engine.pure.pair_columns import PairColumns
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
    assert plan._gravest(found) == (inorder[:10], max(many - 10, 0))


def test_columns_give_back_what_was_noted() -> None:
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
    monkeypatch.setattr(plan, "_RUN", run)
    keys = [random.Random(run).randrange(9) for _ in range(50)] + list(range(50))
    assert list(plan._sorted_numbers(100, keys.__getitem__)) == sorted(range(100), key=keys.__getitem__)
    assert list(plan._sorted_numbers(0, keys.__getitem__)) == []


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
    monkeypatch.setattr(zip_directory, "_MANY", 3)
    monkeypatch.setattr(plan, "_RUN", 2)
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
            super().__init__(job)
            marks.append("end")

    monkeypatch.setattr(workers, "ModulePlan", Watched)
    monkeypatch.setattr(workers, "_MOST_UNSPLIT", len(content) - 1)
    monkeypatch.setattr(workers, "SMALLEST_PART", 1 << 20)
    assert len(list(PureEngine().measure(tasks, threads=4))) == len(tasks)
    assert len(marks) == 2 * len(tasks)
    assert all(one != other for one, other in pairwise(marks))
