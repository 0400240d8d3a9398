"""What a hint says to do mends the cache that was checked, whichever cache the go command uses otherwise."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.making.go import Go
from tests.making.modules import ModuleCache
from tests.modcache.cases import CASES

pytestmark = [pytest.mark.go, pytest.mark.slow]


@pytest.fixture(autouse=True)
def _at_once(nobody_else: None) -> None:
    """Nobody else works on these caches."""


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
    case = CASES[name]
    world = case.world(tmp_path)
    proxy = ModuleCache(tmp_path / "proxy")
    proxy.add(*world.cache.modules, parts=("info", "mod", "zip"))
    case.damage(world)
    environment = go.environment(tmp_path / "another cache", {"GOPROXY": f"file://{proxy.download}"})
    found = world.check("pure", project=True).errors_and_warnings()
    assert found
    for finding in found:
        _, _, line = finding.hint.partition("\n")
        subprocess.run(["sh", "-c", line], cwd=tmp_path, env=environment, check=True, capture_output=True)
    assert world.check("pure", project=True).errors_and_warnings() == []
    assert not (tmp_path / "another cache" / "cache" / "download" / "example.com").exists()


@pytest.mark.parametrize("name", ["ziphash: another h1", "zip: edited, tree edited alike", "ziphash: empty"])
def test_without_an_authority_nothing_is_called_good(go: Go, tmp_path: Path, name: str) -> None:
    """Where go holds a module to nothing either: what it fetches is what is there afterwards."""
    case = CASES[name]
    world = case.world(tmp_path)
    proxy = ModuleCache(tmp_path / "proxy")
    proxy.add(*world.cache.modules, parts=("info", "mod", "zip"))
    case.damage(world)
    variables = {"GOPROXY": f"file://{proxy.download}", "GOSUMDB": "off"}
    (finding,) = world.check("pure").errors_and_warnings()
    assert "good" not in finding.message + finding.hint
    subprocess.run(
        ["sh", "-c", finding.hint.partition("\n")[2]],
        cwd=tmp_path,
        env=go.environment(tmp_path / "another cache", variables),
        check=True,
        capture_output=True,
    )
    assert world.check("pure", project=True).errors_and_warnings() == []
