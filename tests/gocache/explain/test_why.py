"""``fastverify gocache why`` on a cache and a project in which one thing was changed."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from fastverify.engine.protocol import Engine
from fastverify.gocache.catalog.contents import opened
from fastverify.gocache.identify.goarchive import read_archive
from tests.cli.conftest import Fastverify, fastverify
from tests.gocache.checking import found, report_of
from tests.gocache.making import HIGH, LOW, OTHER, World, overwrite, point, signed
from tests.making.go import Go

__all__ = ["fastverify"]
pytestmark = pytest.mark.go


@pytest.fixture
def here(small: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """A built project of one's own, and the environment in which go works on it."""
    project = Path(shutil.copytree(small.project, tmp_path / "project"))
    made = World(small.go, small.copy(tmp_path / "cache").cache, project)
    _enter(monkeypatch, made.go, made.cache, project)
    made.built("./...")
    return made


def _enter(monkeypatch: pytest.MonkeyPatch, go: Go, cache: Path, project: Path) -> None:
    for name in [name for name in os.environ if name.startswith(("GO", "CGO_"))]:
        monkeypatch.delenv(name)
    for name, value in go.environment(go.gopath / "mod", {}).items():
        if name.startswith("GO"):
            monkeypatch.setenv(name, value)
    monkeypatch.setenv("GOCACHE", str(cache))
    monkeypatch.setenv("GOFLAGS", "-buildvcs=false")
    monkeypatch.chdir(project)


def _why(fastverify: Fastverify, *arguments: str) -> tuple[int, dict[str, dict[str, Any]], dict[str, Any]]:
    """The status, the misses by package, and the whole document."""
    status, out, err = fastverify("gocache", "why", "--json", *arguments)
    assert err == ""
    document = json.loads(out)
    assert document["schema"] == "fastverify-gocache-why/1"
    return status, {miss["package"]: miss for miss in document["misses"]}, document


def test_nothing_changed(fastverify: Fastverify, here: World) -> None:
    before = {path: path.stat().st_mtime_ns for path in here.cache.glob("??/*")}
    status, misses, document = _why(fastverify, "./...")
    assert (status, misses) == (0, {})
    assert {LOW, HIGH, OTHER} <= set(document["hits"])
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_a_changed_file(fastverify: Fastverify, here: World) -> None:
    path = here.project / "low/low.go"
    path.write_text(path.read_text() + "\n// changed\n")
    status, misses, _ = _why(fastverify, "./...")
    assert status == 1
    assert set(misses) == {LOW, HIGH}
    assert misses[LOW]["kind"] == "other-inputs"
    assert misses[LOW]["evidence"][0]["differences"] == [f"the file {path} is newer than that build"]
    assert (misses[HIGH]["kind"], misses[HIGH]["because_of"]) == ("follows", [LOW])
    # What was foretold is what happens, and afterwards nothing is left to be done.
    assert LOW in here.built("./...")
    assert fastverify("gocache", "why", "./...").status == 0


def test_a_moved_project(fastverify: Fastverify, here: World, monkeypatch: pytest.MonkeyPatch) -> None:
    moved = here.project.parent / "moved"
    here.project.rename(moved)
    monkeypatch.chdir(moved)
    status, misses, _ = _why(fastverify, "./other")
    assert (status, set(misses)) == (1, {OTHER})
    moves = f"its source lay in {here.project}/other, and now lies in {moved}/other"
    assert misses[OTHER]["evidence"][0]["differences"] == [f"{moves} (-trimpath leaves directories out)"]


def test_variables_and_flags(fastverify: Fastverify, here: World, monkeypatch: pytest.MonkeyPatch) -> None:
    _, misses, document = _why(fastverify, "./other", "--flags=-gcflags=-N")
    assert set(misses) == {OTHER}
    assert document["trials"] == [{"left_out": "the flag -gcflags=-N", "hits": [OTHER]}]
    monkeypatch.setenv("GOOS", "linux")
    monkeypatch.setenv("GOARCH", "386")
    _, misses, document = _why(fastverify, "./other")
    (difference,) = misses[OTHER]["evidence"][0]["differences"]
    assert difference.startswith("it was built for ")
    assert difference.endswith("; now it would be for linux/386")
    assert document["trials"] == []


def test_damaged_and_missing(fastverify: Fastverify, here: World) -> None:
    low, other = here.package(LOW), here.package(OTHER)
    overwrite(low.entry_path, low.entry_path.read_bytes()[:-1])
    other.output_path.unlink()
    _, misses, _ = _why(fastverify, "./...")
    assert misses[LOW]["kind"] == "malformed"
    assert misses[OTHER]["kind"] == "output-missing"
    high = here.package(HIGH)
    overwrite(high.output_path, high.output_path.read_bytes()[:-1])
    _, misses, _ = _why(fastverify, "./...")
    assert misses[HIGH]["kind"] == "output-missing"
    (here.project / "new").mkdir()
    (here.project / "new/new.go").write_text("package new\n")
    _, misses, _ = _why(fastverify, "./new")
    assert [miss["kind"] for miss in misses.values()] == ["never"]


def test_a_kept_log(fastverify: Fastverify, here: World, tmp_path: Path) -> None:
    log = tmp_path / "good.log"
    assert fastverify("gocache", "why", "./...", "--save", log).status == 0
    assert fastverify("gocache", "why", "./...", "--against", log).status == 0
    status, _, document = _why(fastverify, "./...", "--flags=-gcflags=-l", "--against", str(log))
    assert status == 1
    assert [cause["kind"] for cause in document["against"]["causes"]] == ["gcflags"]
    status, _, err = fastverify("gocache", "why", "--save", here.cache / "x.log")
    assert status == 2
    assert "inside the cache" in err


def test_what_go_refuses(fastverify: Fastverify, here: World) -> None:
    status, out, err = fastverify("gocache", "why", "./nowhere")
    assert (status, out) == (2, "")
    assert err.startswith("fastverify: error: go build -n failed: ")
    assert err.count("\n") == 1
    for arguments in (["--flags=x"], ["--flags='"], ["--", "-o=x"]):
        assert fastverify("gocache", "why", *arguments).status == 2


def test_without_go(fastverify: Fastverify, here: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    status, _, err = fastverify("gocache", "why")
    assert status == 2
    assert "no go command" in err


def test_the_words(fastverify: Fastverify, here: World) -> None:
    path = here.project / "low/low.go"
    path.write_text(path.read_text() + "\n// changed\n")
    _, out, _ = fastverify("gocache", "why", "./...")
    assert f"{LOW}: the cache has it only for other inputs\n" in out
    assert f"   - the file {path} is newer than that build\n" in out
    assert f"{HIGH}: an import would be compiled" in out


def test_what_was_compiled_from_another_build(
    fastverify: Fastverify, rich: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, engine: Engine
) -> None:
    """Everything in it agrees with itself, so that only go's word for its inputs shows it."""
    world = rich.copy(tmp_path / "cache")
    _enter(monkeypatch, world.go, world.cache, world.project)
    program, lib = (world.package(name) for name in ("example.com/rich", "example.com/rich/lib"))
    status, misses, document = _why(fastverify, ".")
    assert (status, misses, document["disagreements"]) == (0, {}, [])
    with opened(str(lib.output_path)) as archive:
        mark = read_archive(archive).fingerprint
    content = program.output_path.read_bytes()
    assert content.count(mark) == 1
    forged = point(world, program, signed(content.replace(mark, b"\x07" * 8)))
    assert found(report_of(world.cache, engine)) == []
    status, misses, document = _why(fastverify, ".")
    assert (status, misses) == (1, {})
    assert document["disagreements"] == [
        {
            "package": "example.com/rich",
            "action": program.action,
            "output": forged.name[:64],
            "import": "example.com/rich/lib",
            "import_output": lib.output,
            "recorded": "07" * 8,
            "expected": mark.hex(),
        }
    ]
    status, out, _ = fastverify("gocache", "why", ".")
    assert f"Delete the entry {program.action[:2]}/{program.action}-a in the cache" in out
    built = ("build", "-o", str(tmp_path / "program"), ".")
    status, _, said = world.run(*built)
    assert status != 0
    assert "fingerprint mismatch" in said
    # Of zeros the linker thinks nothing.
    point(world, program, signed(content.replace(mark, bytes(8))))
    assert world.run(*built)[0] == 0
    status, out, _ = fastverify("gocache", "why", ".")
    assert (status, "go links it all the same" in out) == (1, True)
    # The advice helps; a program that is there already would do for go.
    program.entry_path.unlink()
    (tmp_path / "program").unlink()
    assert world.run(*built)[0] == 0
    assert fastverify("gocache", "why", ".").status == 0
