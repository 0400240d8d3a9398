"""What a hint says to do mends the cache that was checked, whichever cache the go command uses otherwise."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from fastverify.report.model import Finding
from tests.making.go import Go
from tests.making.modules import ModuleCache
from tests.making.world import World
from tests.modcache.cases import CASES

pytestmark = [pytest.mark.go, pytest.mark.slow]


@pytest.fixture(autouse=True)
def _at_once(nobody_else: None) -> None:
    """Nobody else works on these caches."""


def damaged(name: str, go: Go, tmp_path: Path) -> tuple[World, dict[str, str]]:
    """The world of a case, damaged; and what go needs to fetch from it as it was, into another cache."""
    case = CASES[name]
    world = case.world(tmp_path)
    proxy = ModuleCache(tmp_path / "proxy")
    proxy.add(*world.cache.modules, parts=("info", "mod", "zip"))
    case.damage(world)
    return world, go.environment(tmp_path / "another cache", {"GOPROXY": f"file://{proxy.download}"})


def do_what_is_told(finding: Finding, environment: dict[str, str], folder: Path) -> None:
    _, _, line = finding.hint.partition("\n")
    subprocess.run(["sh", "-c", line], cwd=folder, env=environment, check=True, capture_output=True)


@pytest.mark.parametrize(
    "name",
    [
        "tree: file edited",
        "tree: file removed",
        "zip: edited",
        "zip: edited, no tree",
        "zip and ziphash: edited",
        "zip, ziphash and tree: edited alike",
        "zip: truncated",
        "ziphash: another h1",
        "ziphash: empty",
        "mod: edited",
        "info: garbage",
        "tree: empty directory added",
        "tree: execute bit",
        "tree: write bit",
        "tree: setuid bit",
        "tree: is a file",
        "tree: link to a folder",
        "zip: is a folder",
        "ziphash: is a folder",
        "mod: is a folder",
        "info: is a folder",
    ],
)
def test_a_hint_mends(go: Go, tmp_path: Path, name: str) -> None:
    world, environment = damaged(name, go, tmp_path)
    found = world.check("pure", project=True).errors_and_warnings()
    assert found
    for finding in found:
        do_what_is_told(finding, environment, tmp_path)
    assert world.check("pure", project=True).errors_and_warnings() == []
    assert not (tmp_path / "another cache" / "cache" / "download" / "example.com").exists()


@pytest.mark.parametrize("name", ["ziphash: another h1", "zip: edited, tree edited alike", "ziphash: empty"])
def test_without_an_authority_nothing_is_called_good(go: Go, tmp_path: Path, name: str) -> None:
    """Where go holds a module to nothing either: what it fetches is what is there afterwards."""
    world, environment = damaged(name, go, tmp_path)
    (finding,) = world.check("pure").errors_and_warnings()
    assert "good" not in finding.message + finding.hint
    do_what_is_told(finding, environment | {"GOSUMDB": "off"}, tmp_path)
    assert world.check("pure", project=True).errors_and_warnings() == []
