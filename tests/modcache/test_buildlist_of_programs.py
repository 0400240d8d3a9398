"""Build lists of real programs: module for module those of ``go list -m all``."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from fastverify import check_module_cache
from fastverify.cli import main
from fastverify.engine.protocol import Engine
from fastverify.gomod.modfile import parse_mod, parse_mod_lax
from fastverify.gomod.summary import Summarizer, in_full
from fastverify.modcache.buildlist import build_list
from fastverify.modcache.project import find_project
from fastverify.modcache.replacements import Replacement
from tests.gomod.forms import of_go, of_ours
from tests.making.go import Go, Oracle
from tests.making.programs import PROGRAMS, WORKSPACE, Programs, fetch_programs

pytestmark = [pytest.mark.go, pytest.mark.network, pytest.mark.slow]


@pytest.fixture(scope="module")
def programs(go: Go, tmp_path_factory: pytest.TempPathFactory) -> Programs:
    """The programs.  Shared: nobody may change anything."""
    return fetch_programs(go, tmp_path_factory.mktemp("programs"))


@pytest.mark.parametrize("kind", PROGRAMS)
def test_modules(
    programs: Programs, kind: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GOWORK", "off")
    folder = os.fspath(programs.source(kind))
    assert main(["modules", folder, "--modcache", os.fspath(programs.modcache)]) == 0
    assert capsys.readouterr() == (programs.listed[kind], "")


def test_a_workspace(programs: Programs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GOWORK", raising=False)
    found = build_list(find_project(os.fspath(programs.source(WORKSPACE[0]))), os.fspath(programs.modcache))
    assert "".join(f"{module}\n" for module in found.modules) == programs.listed["workspace"]
    assert sum(module.is_main for module in found.modules) == len(WORKSPACE)


def test_the_replacement_is_there(programs: Programs) -> None:
    project = find_project(os.fspath(programs.source("with a replacement")), {"GOWORK": "off"})
    found = build_list(project, os.fspath(programs.modcache))
    replaced = found.by_path["golang.org/x/crypto"]
    assert isinstance(replaced.replacement, Replacement)
    assert replaced.source == ("github.com/cli/crypto", "v0.0.0-20210929142629-6be313f59b03")


@pytest.mark.usefixtures("nobody_else")
@pytest.mark.parametrize("kind", ["pruned", "unpruned", "with a replacement"])
def test_only_the_build_list_is_checked(
    engine: Engine, programs: Programs, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every go.mod that the list follows from is held to the program's go.sum, which has them all."""
    monkeypatch.setenv("GOWORK", "off")
    monkeypatch.setenv("GOSUMDB", "off")
    project = programs.source(kind)
    with check_module_cache(
        programs.modcache, projects=[project], engine=engine.name, only_build_list=True
    ) as made:
        results = {(result.module, result.version): result for result in made if result.module}
    assert not [finding for finding in made.report.findings if finding.severity != "note"]
    modules = build_list(find_project(os.fspath(project)), os.fspath(programs.modcache))
    read = {(go_mod.path, go_mod.version) for go_mod in modules.go_mods_loaded}
    # Other programs' go.mod files are no part of it, unless the list has the same version.
    assert read <= results.keys() <= read | {module.source for module in modules.modules}
    assert len(list(programs.modcache.rglob("cache/download/**/*.mod"))) > len(results)
    assert {results[key].authority for key in read} == {"gosum"}


def test_a_missing_go_mod_is_named(programs: Programs, tmp_path: Path) -> None:
    modcache = tmp_path / "modcache"
    shutil.copytree(programs.modcache / "cache" / "download", modcache / "cache" / "download")
    project = find_project(os.fspath(programs.source("pruned")), {"GOWORK": "off"})
    whole = build_list(project, os.fspath(modcache))
    # One that requires nothing, so that without it the list is the same.
    leaf = next(
        one
        for one in whole.go_mods_loaded
        if (one.path, one.version) in [module.source for module in whole.modules]
        and "require" not in Path(one.file).read_text()
    )
    Path(leaf.file).unlink()
    found = build_list(project, os.fspath(modcache))
    assert found.modules == whole.modules
    (absent,) = found.missing
    assert (absent.path, absent.version, absent.file) == leaf
    assert absent.required_by
    said = str(absent)
    assert f"{leaf.path}@{leaf.version}" in said
    assert leaf.file in said
    assert "go mod graph fetches it" in said


def test_every_go_mod_is_read_as_go_reads_it(oracle: Oracle, programs: Programs) -> None:
    files = sorted((programs.modcache / "cache" / "download").rglob("*.mod"))
    assert len(files) > 300
    summarizer = Summarizer()
    for file in files:
        content = file.read_bytes()
        theirs, error = of_go(oracle, "parse_mod_lax", content)
        ours, our_error = of_ours(parse_mod_lax("go.mod", content))
        assert (ours, our_error) == (theirs, error), file
        assert of_ours(parse_mod("go.mod", content)) == of_go(oracle, "parse_mod", content), file
        assert summarizer.summarize("go.mod", content) == in_full("go.mod", content), file
