"""Archives and indexes of modules: which module at which version, held to what was built."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fastverify.gocache.catalog.contents import read_contents
from fastverify.gocache.catalog.joins import read_go_list
from fastverify.gocache.catalog.naming import name_entries
from fastverify.gocache.catalog.rows import label
from tests.making.go import Go
from tests.making.modules import ModuleCache, Project, module

pytestmark = pytest.mark.go

MODULES = (
    module("example.com/plain", "v1.2.3"),
    module("example.com/Capital/Letters", "v0.1.0"),
    module("example.com/major/v3", "v3.0.0"),
)


@pytest.mark.parametrize("flags", [(), ("-trimpath",)], ids=["absolute", "trimpath"])
def test_modules_are_known(go: Go, tmp_path: Path, flags: tuple[str, ...]) -> None:
    modcache = ModuleCache(tmp_path / "mod")
    modcache.add(*MODULES)
    project = Project.make(tmp_path / "project", MODULES)
    (project.root / "cmd").mkdir()
    (project.root / "cmd/main.go").write_text(
        'package main\n\nimport "example.org/project"\n\nfunc main() { println(project.Names[0]) }\n'
    )
    built = go.run(
        *("build", *flags, "./..."),
        modcache=modcache.root,
        cwd=project.root,
        settings={"GOCACHE": str(tmp_path / "cache"), "GOFLAGS": "-buildvcs=false"},
    )
    assert built.returncode == 0, built.stderr
    contents = read_contents(str(tmp_path / "cache"))
    archives = [output.identity for output in contents.outputs.values() if output.identity.kind == "archive"]
    found = {(one.package, one.module, one.version) for one in archives if not one.details["standard"]}
    main = "example.org/project/cmd" if flags else "main"
    assert found == {
        *((each.path, each.path, each.version) for each in MODULES),
        ("example.org/project", "", ""),
        (main, "", ""),
    }
    names = name_entries(contents)
    assert f"{MODULES[1].path}@{MODULES[1].version}" in {label(name) for name in names.values()}
    if not flags:
        # An index has no name of its own; its key follows from where the module lies.
        indexes = {(name.module, name.version) for name in names.values() if name.role == "index"}
        assert indexes >= {(each.path, each.version) for each in MODULES}


def test_a_test_variant_is_told_by_go(tmp_path: Path) -> None:
    """What an archive cannot tell: that a package was compiled together with its tests."""
    listed = tmp_path / "list.json"
    variant = {"ImportPath": "example.com/p [example.com/p.test]", "BuildID": f"{'A' * 20}/{'B' * 20}"}
    listed.write_text(json.dumps(variant) + "\n" + json.dumps({"ImportPath": "unsafe"}))
    told = read_go_list(str(listed))
    assert told.actions == {"00" * 15: ("build", "example.com/p [example.com/p.test]")}
