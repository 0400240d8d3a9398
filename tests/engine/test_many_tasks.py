"""Very many modules to measure: an engine is given them one by one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from fastverify.engine.protocol import Engine, ModuleTask
from fastverify.liketuple import LikeTuple
from tests.engine.measuring import task


class _Made(LikeTuple[ModuleTask]):
    """Tasks that are made as they are looked at, and counted."""

    def __init__(self, tasks: list[ModuleTask]) -> None:
        self.tasks = tasks
        self.made = 0

    def __len__(self) -> int:
        return len(self.tasks)

    def __iter__(self) -> Iterator[ModuleTask]:
        return map(self.member, range(len(self)))

    def member(self, place: int) -> ModuleTask:
        self.made += 1
        return self.tasks[place]

    @property
    def made_of(self) -> object:
        return self.tasks


@pytest.mark.parametrize(("count", "weight"), [(5_000, 1), (3_000, 1 << 20)])
def test_few_of_very_many_tasks_are_held_at_a_time(
    engine: Engine, tmp_path: Path, count: int, weight: int
) -> None:
    """So many bytes that the pure engine has workers, and so few that it has none."""
    (tmp_path / "v.info").write_bytes(b"{}")
    tasks = _Made([task(number, info=tmp_path / "v.info", weight=weight) for number in range(count)])
    found = []
    most = 0
    with closing(engine.measure(tasks, threads=2)) as measurements:
        for measured in measurements:
            found.append(measured.key)
            # The pure engine has looked at each once for its weight.
            before = count if engine.name == "pure" else 0
            most = max(most, tasks.made - before - len(found))
    assert sorted(found) == list(range(count))
    assert most <= 1024
    # About in their order: as far as several threads and their answers go, or one batch of digests.
    assert all(abs(key - place) <= 1024 for place, key in enumerate(found))
