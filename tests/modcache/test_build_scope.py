"""``check --project X --only-build-list``: what belongs to it, replacements, and projects that are broken."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from fastverify import check_module_cache
from fastverify.engine.protocol import Engine
from fastverify.errors import FastverifyError
from fastverify.report.model import Report
from tests.making.go import Go, need_go
from tests.making.modules import Module, Project, module, rewrite, writable
from tests.making.world import BYSTANDER, VICTIM, World

pytestmark = pytest.mark.usefixtures("nobody_else")

OLD = module(VICTIM.path, "v1.0.0")
FORK = module("example.com/fork", "v1.9.0", {**VICTIM.files})
STRANGER = module("example.com/stranger", "v1.0.0")


def requiring(path: str, version: str, *required: Module) -> Module:
    """A module that requires others."""
    lines = "".join(f"require {each.path} {each.version}\n" for each in required)
    return module(
        path, version, {"go.mod": f"module {path}\n\ngo 1.16\n\n{lines}".encode(), "a.go": b"package a\n"}
    )


ASKING = requiring("example.com/asking", "v1.0.0", OLD)


def check(world: World, engine: Engine, *projects: Path, only: bool = True) -> Report:
    before = world.cache.contents()
    with check_module_cache(
        world.cache.root,
        projects=projects or [world.project.root],
        engine=engine.name,
        threads=1,
        only_build_list=only,
    ) as made:
        list(made)
    assert made.report.complete
    assert world.cache.contents() == before
    return made.report


def edit(world: World, of: Module) -> None:
    rewrite(world.cache.places(of).tree / "LICENSE", b"Do nothing.\n")


@pytest.fixture(autouse=True)
def _no_database(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOSUMDB", "off")
    monkeypatch.delenv("GOWORK", raising=False)


def test_only_what_is_built(engine: Engine, tmp_path: Path) -> None:
    world = World(tmp_path, required=(VICTIM, ASKING))
    world.cache.add(OLD, STRANGER)
    world.project.gosum.write_text(VICTIM.sums + ASKING.sums + OLD.sums)
    stray = world.cache.download / "stray"
    stray.write_bytes(b"")
    report = check(world, engine)
    assert report.findings == []
    # OLD is required and not selected: its go.mod counts.
    assert (report.counts.modules, report.counts.zips, report.counts.mods) == (3, 2, 3)
    assert report.counts.by_authority == {"gosum": 3}
    assert any("not in the build list" in sentence for sentence in report.not_checked)
    edit(world, STRANGER)
    edit(world, OLD)
    assert check(world, engine).findings == []
    edit(world, VICTIM)
    (finding,) = check(world, engine).findings
    assert (finding.module, finding.version, finding.where) == (VICTIM.path, VICTIM.version, "dir")
    # All of it are found without the option.
    found = [f for f in check(world, engine, only=False).findings if f.severity != "note"]
    assert sorted(f.where for f in found) == ["dir", "dir", "dir", "layout"]


def test_a_go_mod_that_only_leads_to_the_list(engine: Engine, tmp_path: Path) -> None:
    world = World(tmp_path, required=(VICTIM, ASKING))
    world.cache.add(OLD)
    world.project.gosum.write_text(VICTIM.sums + ASKING.sums + OLD.sums)
    rewrite(world.cache.places(OLD).mod, OLD.mod + b"// edited\n")
    (finding,) = check(world, engine).findings
    assert (finding.verdict, finding.where, finding.authority) == ("modified", "mod", "gosum")
    assert (finding.module, finding.version) == (OLD.path, OLD.version)


def test_modules_that_were_never_downloaded(engine: Engine, tmp_path: Path) -> None:
    world = World(tmp_path, required=(VICTIM, STRANGER))
    remove_zip_and_tree(world, STRANGER)
    report = check(world, engine)
    assert report.findings == []
    assert any(said.startswith("1 module of the build list") for said in report.not_checked)


def remove_zip_and_tree(world: World, of: Module) -> None:
    from tests.making.modules import remove

    places = world.cache.places(of)
    remove(places.tree)
    places.zip.unlink()
    places.ziphash.unlink()


@pytest.mark.parametrize("version", ["", f" {VICTIM.version}"])
def test_a_replacement_is_verified(engine: Engine, tmp_path: Path, version: str) -> None:
    """Go never does: it looks for the module under its old name."""
    world = World(tmp_path, go_mod=f"replace {VICTIM.path}{version} => {FORK.path} {FORK.version}\n")
    world.cache.add(FORK)
    world.project.gosum.write_text(FORK.sums + BYSTANDER.sums)
    assert check(world, engine).findings == []
    edit(world, VICTIM)  # nothing is built from it
    assert check(world, engine).findings == []
    edit(world, FORK)
    (finding,) = check(world, engine).findings
    assert (finding.module, finding.verdict, finding.where) == (FORK.path, "modified", "dir")
    assert finding.authority == "gosum"


@pytest.mark.go
def test_a_folder_instead_of_a_module(engine: Engine, go: Go, tmp_path: Path) -> None:
    """`go mod verify` calls it damage; it is said to be none."""
    never = "v0.0.0-00010101000000-000000000000"
    world = World(tmp_path, go_mod=f"require staging {never}\n\nreplace staging => ./staging\n")
    (world.project.root / "staging").mkdir()
    (world.project.root / "staging" / "go.mod").write_text("module staging\n")
    told = go.run("mod", "verify", modcache=world.cache.root, cwd=world.project.root)
    assert told.returncode == 1
    assert f"staging {never}: missing ziphash" in told.stderr
    for only in (True, False):
        report = check(world, engine, only=only)
        assert report.findings == []
        (said,) = (said for said in report.not_checked if "folders" in said)
        assert "staging by staging" in said
        assert "go mod verify" in said
        assert "no damage" in said


BROKEN = {
    "conflict markers": (
        "go.mod",
        "<<<<<<< HEAD\nrequire a.b/c v1.0.0\n=======\n>>>>>>> theirs\n",
        "unknown directive: <<<<<<<",
    ),
    "an unknown directive": ("go.mod", "frobnicate x\n", "unknown directive: frobnicate"),
    "a version that needs the network": ("go.mod", "require a.b/c latest\n", "is no exact version"),
    "an unclosed block": ("go.mod", "require (\n", "syntax error"),
    "conflict markers in go.sum": ("go.sum", "<<<<<<< HEAD\n", "has 2 fields where go.sum has 3"),
}


@pytest.mark.parametrize("name", BROKEN)
@pytest.mark.parametrize("only", [True, False])
def test_broken_files_of_a_project(engine: Engine, tmp_path: Path, name: str, *, only: bool) -> None:
    """A line that names file and place; and the rest is still checked."""
    world = World(tmp_path)
    file, text, said = BROKEN[name]
    path = world.project.root / file
    line = path.read_text().count("\n") + 1
    path.write_text(path.read_text() + text)
    edit(world, VICTIM)
    report = check(world, engine, only=only)
    first = report.findings[0]
    assert (first.verdict, first.severity, first.path) == ("malformed", "error", str(path.resolve()))
    assert said in first.message
    assert f"line {line + (text == 'require (' + chr(10))}" in first.message
    if name != "an unclosed block" or not only:  # that one leaves nothing of the requirements
        assert [f.where for f in report.findings if f.module == VICTIM.path] == ["dir"]


def test_a_broken_member_of_a_workspace(engine: Engine, tmp_path: Path) -> None:
    world = World(tmp_path)
    root = tmp_path / "work"
    Project.make(root / "good", [VICTIM])
    Project.make(root / "bad", [BYSTANDER])
    (root / "bad" / "go.mod").write_text("module example.org/bad\n\nrequire (\n")
    (root / "go.work").write_text("go 1.24\n\nuse (\n\t./good\n\t./bad\n\t./gone\n)\n")
    edit(world, VICTIM)
    report = check(world, engine, root)
    told = {(f.path, f.verdict, f.where) for f in report.findings}
    real = root.resolve()
    assert (str(real / "bad" / "go.mod"), "malformed", "mod") in told
    assert (str(real / "go.work"), "malformed", "mod") in told
    assert (str(world.places.tree), "modified", "dir") in told
    (work,) = (f for f in report.findings if f.path == str(real / "go.work"))
    assert work.message.startswith("line 6")
    assert "./gone" in work.message


@pytest.mark.parametrize("only", [True, False])
def test_a_folder_that_is_not_there(engine: Engine, tmp_path: Path, *, only: bool) -> None:
    world = World(tmp_path, go_mod="require a.b/c v1.0.0\n\nreplace a.b/c => ../../../nowhere\n")
    go_mod = world.project.root / "go.mod"
    line = go_mod.read_text().splitlines().index("replace a.b/c => ../../../nowhere") + 1
    report = check(world, engine, only=only)
    (finding,) = report.findings
    assert (finding.verdict, finding.severity, finding.where) == ("malformed", "error", "mod")
    assert finding.path == str(go_mod)
    assert finding.message.startswith(f"line {line}: a.b/c is replaced by ")
    assert finding.message.endswith("nowhere, which does not exist")
    assert report.counts.verified == 2


def test_a_folder_in_place_of_what_nobody_asks_for(engine: Engine, tmp_path: Path) -> None:
    """Go does not look at it."""
    world = World(tmp_path, go_mod="replace a.b/c => ./nowhere\n")
    assert check(world, engine, only=False).findings == []


@pytest.mark.go
@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("nosuch=1", 'unknown godebug "nosuch"'),
        ("default=go1.99", "default=go1.99 too new"),
        ("panicnil=1", ""),
    ],
)
def test_godebug_lines(engine: Engine, tmp_path: Path, line: str, said: str) -> None:
    need_go()
    world = World(tmp_path, go_mod=f"godebug {line}\n")
    findings = check(world, engine, only=False).findings
    assert [finding.verdict for finding in findings] == ["malformed"] * bool(said)
    assert all(said in finding.message and "line " in finding.message for finding in findings)


@pytest.mark.parametrize("only", [True, False])
def test_a_tool_that_cannot_be_imported(engine: Engine, tmp_path: Path, *, only: bool) -> None:
    world = World(tmp_path, go_mod="tool ./x\n")
    (finding,) = check(world, engine, only=only).findings
    assert (finding.verdict, finding.severity) == ("malformed", "error")
    assert finding.message == 'tool ./x: malformed path: invalid path element "."'


def test_a_go_mod_that_is_missing(engine: Engine, tmp_path: Path) -> None:
    world = World(tmp_path)
    world.places.mod.unlink()
    findings = check(world, engine).findings
    missing = [f for f in findings if f.verdict == "missing" and f.where == "mod"]
    assert missing
    assert {f.path for f in missing} == {str(world.places.mod)}
    assert any("go mod graph fetches it" in f.hint for f in missing)


@pytest.mark.go
@pytest.mark.parametrize(
    "toolchain", ["local", "local+auto", "auto", "go1.26.0", "go1.99.0", "go1.99.0+auto"]
)
def test_a_go_mod_of_the_future(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, toolchain: str
) -> None:
    """The line is named, as an error where the go command stops for it; and all else is checked."""
    need_go()
    monkeypatch.setenv("GOTOOLCHAIN", toolchain)
    world = World(tmp_path)
    path = world.project.root / "go.mod"
    path.write_text(path.read_text().replace("go 1.20", "go 1.99\n\ntoolchain go1.99.1"))
    report = check(world, engine)
    assert report.counts.by_authority == {"gosum": 2}
    if toolchain.startswith("go1.99"):
        assert report.findings == []
        return
    [finding] = report.findings
    stops = toolchain in ("local", "go1.26.0")
    told = (finding.verdict, finding.severity, finding.path)
    assert told == (("malformed", "error") if stops else ("warning", "note")) + (str(path),)
    assert finding.message.startswith("line 3: go 1.99 is newer than the go command here")


@pytest.mark.go
def test_go_stops_at_a_go_mod_of_the_future(tmp_path: Path) -> None:
    go = Go(gocache=tmp_path / "gocache", gopath=tmp_path / "gopath")
    world = World(tmp_path)
    path = world.project.root / "go.mod"
    path.write_text(path.read_text().replace("go 1.20", "go 1.99"))
    for command in (["build", "."], ["list", "-m", "all"], ["mod", "verify"], ["vet", "."]):
        done = go.run(*command, modcache=world.cache.root, cwd=world.project.root, settings={"GOFLAGS": ""})
        assert done.returncode == 1
        assert "go.mod requires go >= 1.99" in done.stderr


def test_several_projects(engine: Engine, tmp_path: Path) -> None:
    world = World(tmp_path, required=(VICTIM,))
    world.cache.add(BYSTANDER, STRANGER)
    other = Project.make(tmp_path / "other", [BYSTANDER])
    report = check(world, engine, world.project.root, other.root)
    assert report.findings == []
    assert report.counts.modules == 2


def test_a_folder_that_may_not_be_read(engine: Engine, tmp_path: Path) -> None:
    world = World(tmp_path)
    places = world.cache.places(BYSTANDER)
    # A link that leads into itself cannot be followed by anybody.
    folder = places.folder
    folder.rename(folder.with_name("moved"))
    folder.symlink_to(folder)
    report = check(world, engine)
    assert not report.counts.by_verdict.get("untracked")
    assert any("symbolic links" in f.message for f in report.findings if f.verdict == "unreadable")


def test_a_folder_that_hides_all_there_is(engine: Engine, tmp_path: Path) -> None:
    """Nothing is seen of the module, and it is not taken for one that the cache has not got."""
    world = World(tmp_path)
    places = world.cache.places(BYSTANDER)
    with writable(places.tree.parent):
        places.tree.rename(tmp_path / "away")
    above = places.folder.parent
    above.rename(tmp_path / "downloads")
    above.symlink_to(above)
    report = check(world, engine)
    assert [f.path for f in report.findings if f.where == "layout"] == [str(places.folder)]


def test_a_build_list_needs_a_project(tmp_path: Path) -> None:
    world = World(tmp_path)
    with pytest.raises(FastverifyError, match="--project"):
        check_module_cache(os.fspath(world.cache.root), only_build_list=True)
