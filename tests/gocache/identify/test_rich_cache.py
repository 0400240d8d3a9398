"""What a cache that the go command made holds, held to what the go command says of it."""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from fastverify.gocache.catalog.contents import Contents, read_contents
from fastverify.gocache.catalog.joins import read_action_graph, read_go_list
from fastverify.gocache.catalog.naming import name_entries
from fastverify.gocache.content import Content
from fastverify.gocache.identify.executable import read_executable
from fastverify.gocache.identify.goarchive import read_archive
from fastverify.gocache.identify.kinds import identify
from tests.gocache.making import World
from tests.making.go import need_go

pytestmark = pytest.mark.go


@pytest.fixture(scope="module")
def contents(rich: World) -> Contents:
    return read_contents(str(rich.cache))


def _listed(world: World, *packages: str) -> list[dict[str, Any]]:
    """What go list says; nothing is compiled that is in the cache."""
    fields = "ImportPath,Name,Export,BuildID,Standard,Dir,Imports"
    status, out, said = world.run("list", "-export", "-deps", f"-json={fields}", *packages)
    assert status == 0, said
    decoder, at, found = json.JSONDecoder(), 0, []
    while at < len(out.rstrip()):
        value, at = decoder.raw_decode(out, at)
        found.append(value)
        while at < len(out) and out[at].isspace():
            at += 1
    return found


def test_everything_is_known_and_sound(contents: Contents) -> None:
    assert [output for output in contents.outputs.values() if output.problem or output.identity.flaw] == []
    kinds = Counter(output.identity.kind for output in contents.outputs.values())
    assert kinds["unknown"] == 0
    assert set(kinds) >= {
        "archive",
        "executable",
        "module-index",
        "source-list",
        "vet-facts",
        "vet-report",
        "test-log",
        "test-output",
        "cover-profile",
        "cover-meta",
        "generated-source",
        "compiler-text",
        "compiler-probe",
        "empty",
    }


def test_every_archive_is_the_package_that_go_says(rich: World) -> None:
    listed = [package for package in _listed(rich, "./...") if package.get("Export")]
    assert len(listed) > 40
    for package in listed:
        with open(package["Export"], "rb") as file:
            content = Content.of_file(file)
            identity = identify(content)
            archive = read_archive(content)
        main = package["Name"] == "main"
        assert identity.flaw == ""
        assert identity.package == ("main" if main else package["ImportPath"])
        assert identity.name == package["Name"]
        assert identity.build_id == package["BuildID"]
        assert identity.details["standard"] == package.get("Standard", False)
        assert archive.head.main is main
        if not package.get("Standard"):
            assert identity.details["folder"] == package["Dir"]
        assert archive.linker_object is not None
        assert archive.linker_object.fingerprint == archive.fingerprint
        imported = {name for name, _ in archive.linker_object.imports}
        # What cgo and -race add besides is imported, too.
        assert imported >= set(package.get("Imports", ())) - {"C", "unsafe"} or package.get("Standard")


def test_fingerprints_of_imports_are_those_of_the_imported(rich: World) -> None:
    marks = {}
    imports: list[tuple[str, bytes]] = []
    for package in _listed(rich, "."):
        if package.get("Export"):
            with open(package["Export"], "rb") as file:
                archive = read_archive(Content.of_file(file))
            assert archive.linker_object is not None
            marks[package["ImportPath"]] = archive.fingerprint
            imports += archive.linker_object.imports
    assert imports
    assert [(name, mark) for name, mark in imports if marks[name] != mark] == []


def test_build_info_is_what_go_version_shows(rich: World) -> None:
    programs = [path for folder in rich.cache.glob("??/*-d") if folder.is_dir() for path in folder.iterdir()]
    assert programs
    for path in programs:
        told = subprocess.run(
            [need_go(), "version", "-m", str(path)], check=True, capture_output=True, text=True
        ).stdout.splitlines()
        with path.open("rb") as file:
            program = read_executable(Content.of_file(file))
        assert program.info is not None
        assert told[0] == f"{path}: {program.info.go_version}"
        lines = [line.split("\t")[1:] for line in told[1:]]
        assert ["path", program.info.path] in lines
        assert [[f"{name}={value}"] for name, value in program.info.settings] == [
            [line[1].replace('"', "")] for line in lines if line[0] == "build"
        ]
        settings = dict(program.info.settings)
        assert (program.goos, program.goarch) == (settings["GOOS"], settings["GOARCH"])


def test_names_agree_with_gos_own(rich: World, contents: Contents, tmp_path: Path) -> None:
    names = name_entries(contents)
    graph = tmp_path / "graph.json"
    status, _, said = rich.run("build", f"-debug-actiongraph={graph}", "./...")
    assert status == 0, said
    told = read_action_graph(str(graph)).actions
    builds = {start: package for start, (mode, package) in told.items() if mode == "build"}
    assert len(builds) > 40
    ours = {action[:30]: name for action, name in names.items() if name.role == "build"}
    for start, package in builds.items():
        if package == "example.com/rich":
            assert ours[start].package == f"main in {rich.project}"
        else:
            assert ours[start].package == package
    # With go's word for it the program has its name.
    joined = name_entries(contents, [read_action_graph(str(graph))])
    assert any(name.package == "example.com/rich" for name in joined.values())


def test_names_from_go_list(rich: World, contents: Contents, tmp_path: Path) -> None:
    status, out, said = rich.run("list", "-export", "-deps", "-json=ImportPath,BuildID", "./...")
    assert status == 0, said
    (tmp_path / "list.json").write_text(out)
    told = read_go_list(str(tmp_path / "list.json"))
    names = name_entries(contents, [told])
    assert {name for _, name in told.actions.values()} <= {name.package for name in names.values()}


def test_what_belongs_to_a_build_has_its_name(contents: Contents) -> None:
    names = name_entries(contents)
    withc = {name.role for name in names.values() if name.package == "example.com/rich/withc"}
    assert withc >= {"build", "build: srcfiles", "build: stdout", "build: _cgo_gotypes.go"}
    # All but a few of the entries have something to be called by.
    assert len(names) > 0.9 * len(contents.entries)
    lists = [
        names.get(action)
        for action, entry in contents.entries.items()
        if entry.output in contents.outputs
        and contents.outputs[entry.output].identity.kind == "compiler-text"
    ]
    assert [name.package for name in lists if name is not None] == ["example.com/rich/lib"]


def test_vets_words_and_tests_results(contents: Contents) -> None:
    by_kind: dict[str, list[dict[str, Any]]] = {}
    for output in contents.outputs.values():
        by_kind.setdefault(output.identity.kind, []).append(
            {"package": output.identity.package, **output.identity.details}
        )
    assert {found["package"] for found in by_kind["test-output"]} == {
        "example.com/rich/lib",
        "example.com/rich/printing",
    }
    assert "example.com/rich/vetted" in {found["package"] for found in by_kind["vet-report"]}
    assert {found["package"] for found in by_kind["cover-meta"]} == {"example.com/rich/lib"}


def test_where_a_module_came_from(contents: Contents) -> None:
    platforms = {
        (output.identity.goos, output.identity.goarch)
        for output in contents.outputs.values()
        if output.identity.package == "example.com/rich/lib" and output.identity.kind == "archive"
    }
    assert platforms >= {
        ("linux", "amd64"),
        ("windows", "amd64"),
        ("darwin", "arm64"),
        ("js", "wasm"),
        ("linux", "386"),
    }
