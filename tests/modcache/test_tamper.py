"""Every row of the table of tampering, through the public API on both engines."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from fastverify.engine.protocol import Engine
from tests.making.world import World
from tests.modcache.cases import CASES

pytestmark = pytest.mark.usefixtures("nobody_else")


@pytest.mark.parametrize("name", CASES)
def test_findings(engine: Engine, tmp_path: Path, name: str) -> None:
    case = CASES[name]
    world = case.world(tmp_path)
    case.damage(world)
    before = world.cache.contents()
    for project in (True, False):
        expected = [world.expect(each, project=project) for each in case.expected(project=project)]
        found = world.check(engine.name, project=project).findings
        assert found == sorted(expected, key=str), f"with the project's go.sum: {project}"
    assert world.cache.contents() == before, "the check changed the cache"


@pytest.mark.parametrize("make", dict.fromkeys(case.world for case in CASES.values()))
def test_nothing_is_found_before_the_damage(
    engine: Engine, tmp_path: Path, make: Callable[[Path], World]
) -> None:
    world = make(tmp_path)
    alone = world.check(engine.name)
    assert alone.findings == []
    assert alone.report.counts.verified == alone.report.counts.modules == 2
    assert alone.report.counts.by_authority == {"ziphash": 2}
    held = world.check(engine.name, project=True)
    assert held.errors_and_warnings() == []
    required = len([line for line in world.project.gosum.read_text().splitlines() if "/go.mod" not in line])
    assert held.report.counts.by_authority["gosum"] == required
