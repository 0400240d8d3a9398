"""Projects that the go command refuses, or goes on with: the same words, and the same exit status."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.goverify.conftest import Both, Said
from tests.making.modules import Module, ModuleCache, Project, module, remove
from tests.making.world import World

pytestmark = [
    pytest.mark.go,
    pytest.mark.parametrize("engine_name", ["native"], indirect=True),  # no engine comes to anything
]

MODULE = "module example.org/project\n\ngo 1.21\n\n"
FUTURE = MODULE.replace("1.21", "1.99.1")
REQUIRE = "require (\n\texample.com/victim v1.2.3\n\texample.com/By/Stander v0.1.0\n)\n"
VICTIM_IN = "replace example.com/victim => {}\n"
TWO = "go 1.21\nuse (\n\t.\n\t./a\n)\n"

Files = Mapping[str, str]
PROJECTS: dict[str, Files] = {
    "of the future": {"go.mod": FUTURE + REQUIRE},
    "of the future, with words of the future": {"go.mod": FUTURE + "frobnicate 7\n" + REQUIRE},
    "of the future, and broken": {"go.mod": FUTURE + "require x\n"},
    "toolchain of the future": {"go.mod": MODULE + "toolchain go1.99.3\n" + REQUIRE},
    "both of the future": {"go.mod": FUTURE + "toolchain go1.99.3\n" + REQUIRE},
    "toolchain default": {"go.mod": FUTURE + "toolchain default\n" + REQUIRE},
    "toolchain nonsense": {"go.mod": MODULE + "toolchain frob // so\n" + REQUIRE},
    "go line nonsense": {"go.mod": "module example.org/project\ngo banana\n" + REQUIRE},
    "no go line": {"go.mod": "module example.org/project\n" + REQUIRE},
    "godebug": {"go.mod": MODULE + "godebug nosuch=1\n" + REQUIRE},
    "godebugs": {
        "go.mod": MODULE
        + "godebug (\n\tnosuch=1\n\tdefault=go1.99\n\tdefault=x\n\tpanicnil=1\n\tx509sha1=1\n)\n"
        + REQUIRE
    },
    "godebug taken": {"go.mod": MODULE + "godebug default=go1.21\ngodebug panicnil=1\n" + REQUIRE},
    "half a version": {"go.mod": MODULE + "require example.com/victim v1.2\n"},
    "two branches": {"go.mod": MODULE + "require (\n\texample.com/x main\n\texample.com/y/v2 v2\n)\n"},
    "major version of another module": {"go.mod": MODULE + "require example.com/victim v2.0.0\n"},
    "excluded requirement": {"go.mod": MODULE + "exclude example.com/victim v1.2.3\n" + REQUIRE},
    "replaced by a folder without go.mod": {
        "go.mod": MODULE + REQUIRE + VICTIM_IN.format("./a"),
        "a/a.go": "package a\n",
    },
    "replaced by no folder": {"go.mod": MODULE + REQUIRE + VICTIM_IN.format("./a")},
    "replaced by no folder outside": {"go.mod": MODULE + REQUIRE + VICTIM_IN.format("../../a")},
    "replaced by no folder, absolute": {"go.mod": MODULE + REQUIRE + VICTIM_IN.format("/nowhere/a")},
    "replaced by a broken folder": {
        "go.mod": MODULE + REQUIRE + VICTIM_IN.format("./a"),
        "a/go.mod": "module (\nexample.com/x\nrequire x\n",
    },
    "replaced by two broken lines": {
        "go.mod": MODULE + REQUIRE + VICTIM_IN.format("./a"),
        "a/go.mod": "module example.com/x\nrequire x\nrequire y z w\n",
    },
    "replaced by a folder of the future": {
        "go.mod": MODULE + REQUIRE + VICTIM_IN.format("./a"),
        "a/go.mod": "module x\ngo 1.99\n",
    },
    "replaced twice": {"go.mod": MODULE + REQUIRE + VICTIM_IN.format("./a") + VICTIM_IN.format("./b")},
    "reserved name": {"go.mod": "module toolchain\ngo 1.21\n"},
    "impossible name": {"go.mod": 'module "exa mple.com/a"\ngo 1.21\n'},
    "impossible name and godebug": {"go.mod": 'module "exa mple.com/a"\ngodebug nosuch=1\n'},
    "impossible tool": {"go.mod": MODULE + REQUIRE + "tool example.com/a.\n"},
    "no module line": {"go.mod": "go 1.21\n"},
    "broken": {"go.mod": MODULE + "frob x\nrequire x\n"},
    "workspace": {"go.mod": MODULE + REQUIRE, "go.work": "go 1.21\nuse .\n"},
    "workspace of none": {"go.mod": MODULE + REQUIRE, "go.work": "go 1.21\n"},
    "empty go.work": {"go.mod": MODULE + REQUIRE, "go.work": ""},
    "member missing": {"go.mod": MODULE + REQUIRE, "go.work": TWO},
    "two members missing": {
        "go.mod": MODULE + REQUIRE,
        "go.work": "go 1.21\nuse (\n\t./a\n\t.\n\t/nowhere/b\n)\n",
    },
    "member broken": {"go.mod": MODULE + REQUIRE, "go.work": TWO, "a/go.mod": "module (\n"},
    "member without a name": {"go.mod": MODULE + REQUIRE, "go.work": TWO, "a/go.mod": "go 1.20\n"},
    "member with an impossible name": {
        "go.mod": MODULE + REQUIRE,
        "go.work": TWO,
        "a/go.mod": "module example.com/a./b\n",
    },
    "member twice": {
        "go.mod": MODULE + REQUIRE,
        "go.work": "go 1.21\nuse (\n\t.\n\t./a\n\t./b/../a\n)\n",
        "a/go.mod": "module example.com/a\n",
    },
    "module twice": {
        "go.mod": MODULE + REQUIRE,
        "go.work": "go 1.21\nuse (\n\t.\n\t./a\n\t./b\n)\n",
        "a/go.mod": "module example.com/a\n",
        "b/go.mod": "module example.com/a\n",
    },
    "member replaced": {
        "go.mod": MODULE + REQUIRE,
        "go.work": TWO + "replace example.com/a => ./b\n",
        "a/go.mod": "module example.com/a\n",
        "b/go.mod": "module example.com/a\n",
    },
    "members at odds": {
        "go.mod": MODULE + REQUIRE + VICTIM_IN.format("./x"),
        "go.work": TWO,
        "a/go.mod": "module example.com/a\n" + VICTIM_IN.format("./x"),
    },
    "members at odds, and a module twice": {
        "go.mod": MODULE + REQUIRE + VICTIM_IN.format("./x"),
        "go.work": TWO,
        "a/go.mod": "module example.org/project\n" + VICTIM_IN.format("example.com/x v1.0.0"),
    },
    "go.work at odds with itself": {
        "go.mod": MODULE + REQUIRE,
        "go.work": "go 1.21\nuse .\n" + VICTIM_IN.format("./x") + VICTIM_IN.format("./y"),
    },
    "go.work too old": {"go.mod": MODULE.replace("1.21", "1.22") + REQUIRE, "go.work": "go 1.21\nuse .\n"},
    "go.work without a go line": {"go.mod": MODULE + REQUIRE, "go.work": "use .\n"},
    "go.work of the future": {"go.mod": MODULE + REQUIRE, "go.work": "go 1.99\nuse .\n"},
    "member of the future": {"go.mod": FUTURE + REQUIRE, "go.work": "go 1.21\nuse .\n"},
    "go.work broken": {"go.mod": MODULE + REQUIRE, "go.work": "frob x\nuse .\nfoo\n"},
    "go.work not closed": {"go.mod": MODULE + REQUIRE, "go.work": "use (\n.\n"},
    "godebug in go.work": {"go.mod": MODULE + REQUIRE, "go.work": "go 1.21\ngodebug nosuch=1\nuse .\n"},
    "godebug in a member": {"go.mod": MODULE + "godebug nosuch=1\n" + REQUIRE, "go.work": "go 1.21\nuse .\n"},
    "go.work replaces by no folder": {
        "go.mod": MODULE + REQUIRE,
        "go.work": "go 1.21\nuse .\n" + VICTIM_IN.format("./x"),
    },
    "member replaces by no folder": {
        "go.mod": "module example.org/project\ngo 1.20\n" + REQUIRE,
        "go.work": TWO,
        "a/go.mod": "module example.com/a\n" + VICTIM_IN.format("./x"),
    },
}


def agree(
    both: Both, folder: Path, files: Files, *, below: str = "", settings: dict[str, str] | None = None
) -> Said:
    """What both say of a project with these files, seen from the folder `below` it."""
    world = World(folder)
    for name, text in files.items():
        path = world.project.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (world.project.root / below).mkdir(exist_ok=True)
    return both.agree(
        world.cache.root, world.project.root / below, {"GOFLAGS": "", "GOWORK": "", **(settings or {})}
    )


@pytest.mark.slow
@pytest.mark.parametrize("toolchain", ["local", "auto", "local+path"])
@pytest.mark.parametrize("name", PROJECTS)
def test_projects(both: Both, tmp_path: Path, name: str, toolchain: str) -> None:
    agree(both, tmp_path, PROJECTS[name], settings={"GOTOOLCHAIN": toolchain})


@pytest.mark.parametrize("name", ["broken", "member missing", "go.work broken", "of the future"])
def test_from_below(both: Both, tmp_path: Path, name: str) -> None:
    """The names of files are relative to where the command runs."""
    said = agree(both, tmp_path, PROJECTS[name], below="deep")
    assert (said.status, "../" in said.err) == (1, True)


def test_through_a_link(both: Both, tmp_path: Path) -> None:
    """The current folder is what PWD calls it, and the project is looked for above that name."""
    world = World(tmp_path / "world")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    link = world.project.root / "link"
    link.symlink_to(elsewhere)
    said = both.agree(world.cache.root, link, {"GOFLAGS": "", "PWD": str(link)})
    assert said.status == 0
    said = both.agree(world.cache.root, link, {"GOFLAGS": "", "PWD": str(world.project.root)})
    assert said.status == 1


def modfile(both: Both, folder: Path, value: str, files: Files, below: str = "") -> Said:
    return agree(both, folder, files, below=below, settings={"GOFLAGS": f"-modfile={value}"})


def test_modfile(both: Both, tmp_path: Path) -> None:
    """Another file in place of go.mod, with the .sum file beside it; named from the current folder."""
    alone = {"go.mod": MODULE + "require x\n", "go.sum": "x\n"}
    said = modfile(both, tmp_path / "1", "alt.mod", {**alone, "alt.mod": MODULE + REQUIRE})
    assert said.status == 0
    said = modfile(both, tmp_path / "2", "alt.mod", {**alone, "alt.mod": MODULE + REQUIRE, "alt.sum": "x\n"})
    assert "alt.sum:1: wrong number" in said.err
    wrong = "example.com/victim v1.2.3/go.mod h1:x\n"
    said = modfile(both, tmp_path / "3", "alt.mod", {**alone, "alt.mod": MODULE + REQUIRE, "alt.sum": wrong})
    assert "checksum mismatch" in said.err
    said = modfile(both, tmp_path / "4", "alt.mod", {**alone, "alt.mod": MODULE + "godebug x=1\nfrob\n"})
    assert "alt.mod:6: unknown" in said.err
    said = modfile(both, tmp_path / "5", "../alt.mod", {**alone, "alt.mod": FUTURE}, "deep")
    assert "requires go >= 1.99.1" in said.err
    said = modfile(both, tmp_path / "6", "alt.mod", {**alone, "alt.mod": MODULE}, "deep")
    assert "open alt.mod: no such file" in said.err
    said = modfile(both, tmp_path / "7", "deep", {**alone}, "deep.mod")
    assert ".mod extension" in said.err
    said = modfile(both, tmp_path / "8", "alt.mod", {"go.work": "go 1.21\nuse .\n"})
    assert "workspace mode" in said.err


OUTER = module("example.com/outer", "v1.0.0")
INNER = module("example.com/inner", "v1.0.0")


def of_go(one: Module, version: str, *required: Module) -> Module:
    """A module whose go.mod has this go line."""
    lines = "".join(f"require {each.path} {each.version}\n" for each in required)
    return Module(
        one.path,
        one.version,
        {**one.files, "go.mod": f"module {one.path}\n\ngo {version}\n\n{lines}".encode()},
    )


@pytest.mark.parametrize("toolchain", ["local", "auto"])
@pytest.mark.parametrize(("outer", "inner"), [("1.16", "1.99"), ("1.99", "1.16"), ("1.99", "1.99.1")])
def test_dependencies_of_the_future(
    both: Both, tmp_path: Path, outer: str, inner: str, toolchain: str
) -> None:
    inside = of_go(INNER, inner)
    outside = of_go(OUTER, outer, inside)
    cache = ModuleCache(tmp_path / "cache")
    cache.add(outside, inside)
    project = Project.make(tmp_path / "project", [outside], sums=outside.sums + inside.sums)
    said = both.agree(cache.root, project.root, {"GOFLAGS": "", "GOTOOLCHAIN": toolchain})
    assert "requires go >= 1.99" in said.err


def test_a_go_mod_that_cannot_be_read(both: Both, tmp_path: Path) -> None:
    """To Go it is not there: it looks the module up, where it may, and ours says what keeps it."""
    inside = of_go(INNER, "1.16")
    outside = of_go(OUTER, "1.16", inside)
    cache = ModuleCache(tmp_path / "cache")
    cache.add(outside, inside)
    project = Project.make(tmp_path / "project", [outside], sums=outside.sums + inside.sums)
    mod = cache.places(inside).mod
    remove(mod)
    mod.mkdir()
    said = both.agree(cache.root, project.root)
    assert said.err.endswith("example.com/inner@v1.0.0: module lookup disabled by GOPROXY=off\n")
    fetching = {"GOFLAGS": "", "GOPROXY": "https://x.invalid"}
    mod.rmdir()
    for make in (Path.mkdir, os.mkfifo, lambda path: path.symlink_to(path)):
        make(mod)
        said = both.of_fastverify(cache.root, project.root, settings=fetching)
        assert (said.status, said.out) == (2, "")
        assert "go.mod cannot be read" in said.err
        assert str(mod) in said.err
        remove(mod) if not mod.is_dir() else mod.rmdir()
