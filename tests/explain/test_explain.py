"""``fastverify explain`` on caches that are whole, damaged and odd."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from fastverify.engine import load_engine
from fastverify.errors import FastverifyError
from fastverify.explain import neighbours
from fastverify.explain.explain import explain as gather
from fastverify.explain.target import Target, find_target
from fastverify.locate import go_settings
from fastverify.modcache.project import trusted_sums
from tests.explain.conftest import Explain, Told
from tests.making.go import Go
from tests.making.modules import Module, ModuleCache, Project, module, rewrite, writable
from tests.making.users import bound_by_permissions
from tests.making.world import BYSTANDER, VICTIM, World, check
from tests.modcache.cases import (
    CASES,
    edit_tree,
    forged_consistently,
    forged_zip_and_ziphash,
    several_in_tree,
)

NAME = f"{VICTIM.path}@{VICTIM.version}"


def explained(explain: Explain, world: World, *more: str | Path) -> dict[str, Any]:
    return explain(NAME, "--modcache", world.cache.root, *more)


def test_a_whole_module(explain: Explain, tmp_path: Path) -> None:
    world = World(tmp_path)
    made = explain(NAME, "--modcache", world.cache.root, "--project", world.project.root)
    assert (made["state"], made["authority"]) == ("verified", "gosum")
    assert made["hashes"]["module"]["measured"] == {"zip": VICTIM.h1, "dir": VICTIM.h1}
    assert [
        (word["authority"], word["h1"], word["agrees"]) for word in made["hashes"]["module"]["authorities"]
    ] == [("gosum", VICTIM.h1, ["zip", "dir"]), ("ziphash", VICTIM.h1, ["zip", "dir"])]
    assert made["hashes"]["go.mod"]["measured"] == {"mod": VICTIM.mod_h1}
    assert {part["kind"] for part in made["parts"] if part["present"]} == {
        "zip",
        "ziphash",
        "mod",
        "info",
        "lock",
        "dir",
    }
    assert (made["findings"], made["files"], made["commands"], made["causes"]) == ([], [], [], [])
    [asking] = made["projects"]
    assert asking["selected"] == VICTIM.version
    assert asking["way"] == ["example.org/project", NAME]


def test_damaged_files(explain: Explain, tmp_path: Path) -> None:
    world = World(tmp_path)
    several_in_tree(world)
    made = explain(NAME, "--modcache", world.cache.root)
    assert made["state"] == "damaged"
    diffs = {file["path"]: (file["change"], file["diff"]["lines"]) for file in made["files"]}
    assert diffs == {
        "internal/added.go": ("extra", ["@@ -0,0 +1 @@", "+package internal"]),
        "internal/deep/deep.go": (
            "missing",
            ["@@ -1,3 +0,0 @@", "-package deep", "-", "-const Deep = 1"],
        ),
        "victim.go": (
            "modified",
            [
                "@@ -1,3 +1,3 @@",
                " package victim",
                " ",
                f'-const Name = "{VICTIM.path} {VICTIM.version}"',
                '+const Name = "something else"',
            ],
        ),
    }
    assert all(file["changed"] for file in made["files"])


def test_one_file_of_it(explain: Explain, told: Told, tmp_path: Path) -> None:
    world = World(tmp_path)
    several_in_tree(world)
    made = explain(world.places.tree / "victim.go")
    assert [file["path"] for file in made["files"]] == ["victim.go"]
    made = explain(world.places.tree / "internal")
    assert [file["path"] for file in made["files"]] == ["internal/added.go", "internal/deep/deep.go"]
    status, out, _ = told(world.places.tree / "LICENSE")
    assert status == 1
    assert "LICENSE itself is as the zip has it" in out
    status, out, err = told(world.places.tree / "nope.go")
    assert (status, out) == (2, "")
    assert "there is no nope.go in " in err


@pytest.mark.parametrize("part", ["zip", "ziphash", "mod", "info", "lock", "partial", "tree"])
def test_by_a_path(explain: Explain, tmp_path: Path, part: str) -> None:
    """A path inside the cache names its module, whether anything lies there or not."""
    world = World(tmp_path)
    world.cache.add(module("example.com/Big/Thing", "v1.0.0-RC1"))
    made = explain(getattr(world.places, part))
    assert (made["module"], made["version"], made["modcache"]) == (
        VICTIM.path,
        VICTIM.version,
        str(world.cache.root),
    )
    big = world.cache.places(module("example.com/Big/Thing", "v1.0.0-RC1"))
    assert explain(getattr(big, part))["version"] == "v1.0.0-RC1"


def test_by_name(explain: Explain, told: Told, tmp_path: Path) -> None:
    world = World(tmp_path)
    cache = ("--modcache", world.cache.root)
    for name in (
        "example.com/By/Stander@v0.1.0",
        "example.com/!by/!stander@v0.1.0",
        "example.com/By/Stander",
    ):
        assert explain(name, *cache)["module"] == BYSTANDER.path
    newer = module(VICTIM.path, "v1.3.0")
    world.cache.add(newer)
    project = ("--project", world.project.root)
    assert explain(VICTIM.path, *cache, *project)["version"] == VICTIM.version
    for asked, said in (
        (VICTIM.path, "2 versions of example.com/victim: v1.2.3, v1.3.0"),
        (f"{VICTIM.path}@latest", "latest is no version"),
        (f"{VICTIM.path}@v9.9.9", "nothing of example.com/victim@v9.9.9 is in the module cache"),
        ("example.com/nobody", "nothing of example.com/nobody"),
        ("nonsense", "neither a module"),
        (str(tmp_path), "lies in no module cache"),
    ):
        status, out, err = told(asked, *cache)
        assert (status, out, err.count("\n")) == (2, "", 1)
        assert said in err


def test_who_asks(explain: Explain, tmp_path: Path) -> None:
    inner, newer = module("example.com/inner", "v1.0.0"), module("example.com/inner", "v1.5.0")
    requirement = f"\nrequire {inner.path} {inner.version}\n"
    outer = module("example.com/outer", "v1.0.0")
    outer = Module(
        outer.path,
        outer.version,
        {**outer.files, "go.mod": f"module {outer.path}\n\ngo 1.16\n{requirement}".encode()},
    )
    cache = ModuleCache(tmp_path / "cache")
    cache.add(inner, newer, outer, VICTIM)
    one = Project.make(tmp_path / "one", [outer])
    two = Project.make(
        tmp_path / "two",
        [outer, newer],
        go_mod=f"replace {outer.path} => {VICTIM.path} {VICTIM.version}\n",
    )
    projects = ("--project", one.root, "--project", two.root)
    first, second = explain(f"{inner.path}@v1.0.0", "--modcache", cache.root, *projects)["projects"]
    assert first["way"] == ["example.org/project", "example.com/outer@v1.0.0", "example.com/inner@v1.0.0"]
    assert first["required_by"] == ["example.com/outer@v1.0.0"]
    assert second["selected"] == "v1.5.0"
    second = explain(f"{outer.path}@v1.0.0", "--modcache", cache.root, *projects)["projects"][1]
    assert second["replaced_by"] == NAME
    second = explain(NAME, "--modcache", cache.root, *projects)["projects"][1]
    assert (second["selected"], second["replaces"]) == ("", "example.com/outer@v1.0.0")
    assert second["way"] == ["example.org/project", "example.com/outer@v1.0.0"]


def test_exempt(explain: Explain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(tmp_path)
    for name in ("GONOSUMDB", "GOPRIVATE", "GOFLAGS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GOENV", "off")
    monkeypatch.setenv("GOSUMDB", "sum.golang.org")
    assert explained(explain, world)["exempt"] == []
    monkeypatch.setenv("GOPRIVATE", "example.com/*")
    assert explained(explain, world)["exempt"] == [
        "the checksum database is not asked for it: GOPRIVATE is example.com/*"
    ]
    monkeypatch.setenv("GOSUMDB", "off")
    [said] = explained(explain, world)["exempt"]
    assert "GOSUMDB is off" in said


def test_causes(explain: Explain, tmp_path: Path) -> None:
    """Each guess, from what it is made from."""
    content = VICTIM.files["testdata/blob.bin"]
    flipped = bytes([content[0] ^ 8]) + content[1:]
    source = VICTIM.files["victim.go"]
    damages = {
        "a single bit": ("testdata/blob.bin", flipped),
        "cut off": ("victim.go", source[:20]),
        "only line ends": ("victim.go", source.replace(b"\n", b"\r\n")),
        "an editor": ("victim.go~", source),
        "generators": ("zz_generated.deepcopy.go", source),
        "by hand": ("victim.go", source + b"// more\n"),
    }
    for number, (said, (name, damaged)) in enumerate(damages.items()):
        world = World(tmp_path / str(number))
        rewrite(world.places.tree / name, damaged)
        causes = explained(explain, world)["causes"]
        assert any(said in cause for cause in causes), (said, causes)


def test_zeros_long_after_the_extraction(explain: Explain, tmp_path: Path) -> None:
    world = World(tmp_path)
    old = time.time() - 10 * 86400
    for path in world.places.tree.iterdir():
        os.utime(path, (old, old))
    rewrite(world.places.tree / "victim.go", b"\0" * 30)
    [cause] = explained(explain, world)["causes"]
    assert "only zeros" in cause


#: Which parts of the other versions are as they were made long ago, made just then, or changed then only; by
#: their names' ends, and the rest.
_OLD, _MADE, _TOUCHED = (True, True), (False, False), (True, False)
_SCENES: dict[str, tuple[dict[str, tuple[bool, bool]], tuple[bool, bool], bool]] = {
    "nothing": ({}, _OLD, False),
    "a download": ({}, _MADE, False),
    "an extraction": ({"v1.0.0.zip": _OLD, "v1.0.0.ziphash": _OLD, "v1.0.0.mod": _OLD}, _MADE, False),
    "a download after the go.mod": ({"v1.0.0.mod": _OLD}, _MADE, False),
    "chmod -R, or a backup that was restored": ({}, _TOUCHED, True),
    "chmod -R on trees": ({"v1.0.0.zip": _OLD, "v1.0.0.ziphash": _OLD, "v1.0.0.mod": _OLD}, _TOUCHED, True),
    "chmod of one file": ({"LICENSE": _TOUCHED}, _OLD, True),
    "an editor": ({"LICENSE": _MADE, "@v1.0.0": _MADE}, _OLD, True),
    "a go.mod that was written over": ({"v1.0.0.mod": _MADE}, _OLD, True),
    "a ziphash that was written over": ({"v1.0.0.ziphash": _MADE}, _OLD, True),
    "a zip that was written over": ({"v1.0.0.zip": _MADE}, _OLD, True),
}


@pytest.mark.parametrize("scene", _SCENES)
def test_neighbours(explain: Explain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scene: str) -> None:
    """Versions that somebody went over as well; not those that were downloaded just then."""
    by_name, rest, told = _SCENES[scene]
    world = World(tmp_path, required=[module(f"example.com/other{n}", "v1.0.0") for n in range(8)])

    def times(path: str) -> neighbours._Times:
        # Status times cannot be set back, so those that are seen are made up.
        written_long_ago, changed_long_ago = next(
            (state for end, state in by_name.items() if path.endswith(end)), rest
        )
        now = os.lstat(path).st_ctime
        return neighbours._Times(path, 0.0 if written_long_ago else now, 0.0 if changed_long_ago else now)

    monkeypatch.setattr(neighbours, "_times", times)
    (world.places.tree / "victim.go").chmod(0o755)
    made = explained(explain, world)
    assert [near["module"] for near in made["neighbours"]] == (
        [f"example.com/other{n}" for n in range(8)] if told else []
    )
    assert any("whole cache" in cause for cause in made["causes"]) == told


def test_a_go_mod_that_was_fetched_is_no_neighbour(explain: Explain, tmp_path: Path) -> None:
    """Nor is a module that was only just downloaded, with the times that it really has."""
    world = World(tmp_path)
    world.cache.add(module("example.com/other", "v1.0.0"), parts=("info", "mod"))
    (world.places.tree / "victim.go").chmod(0o755)
    assert explained(explain, world)["neighbours"] == []
    other = world.cache.places(module("example.com/other", "v1.0.0"))
    os.utime(other.mod, (0, 0))
    (near,) = explained(explain, world)["neighbours"]
    assert near["path"] == str(other.mod)


def test_nothing_unescaped(told: Told, tmp_path: Path) -> None:
    world = World(tmp_path)
    evil = "\x1b[31m\u202e.go"
    rewrite(world.places.tree / evil, f"package \x1b[2J\n\t{evil}\r\n".encode())
    status, out, _ = told(NAME, "--modcache", world.cache.root, "--color", "never")
    assert status == 1
    assert "\x1b" not in out
    assert "\u202e" not in out
    assert "\r" not in out
    assert r"+package \x1b[2J" in out


def test_bounds(explain: Explain, tmp_path: Path) -> None:
    """Long, binary and many files."""
    world = World(tmp_path)
    rewrite(world.places.tree / "long.txt", b"line\n" * 5000)
    rewrite(world.places.tree / "longer.txt", b"x" * (2 << 20))
    rewrite(world.places.tree / "testdata/blob.bin", b"\0\1")
    rewrite(world.places.tree / "victim.go", b"".join(b"%d\n" % n for n in range(100_000)))
    # Matching all lines of it would take hours.
    files = {file["path"]: file["diff"] for file in explained(explain, world, "--lines", "5")["files"]}
    assert (len(files["long.txt"]["lines"]), files["long.txt"]["left_out"]) == (5, 4996)
    assert files["longer.txt"]["kind"] == "too long or unreadable"
    assert files["testdata/blob.bin"]["kind"] == "binary"
    assert len(files["victim.go"]["lines"]) == 5
    with writable(world.places.tree):
        for number in range(60):
            (world.places.tree / f"n{number:03}").write_bytes(b"")
    made = explained(explain, world)
    assert (len(made["files"]), made["more_files"]) == (50, 14)


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_any_damage(told: Told, tmp_path: Path, name: str) -> None:
    """Whatever was done to a module, its explanation comes, and agrees with the check."""
    case = CASES[name]
    world = case.world(tmp_path)
    case.damage(world)
    projects = ("--project", world.project.root)
    status, out, err = told(NAME, "--modcache", world.cache.root, *projects, "--color", "never")
    assert err == ""
    bad = [expected for expected in case.found if expected.severity == "error" and expected.module]
    assert status == int(bool(bad))
    assert NAME in out.splitlines()[0]


@pytest.mark.go
@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        "tree: several at once",
        "tree: file added",
        "tree: is a file",
        "tree: write bit",
        "zip: edited",
        "zip: truncated",
        "zip: edited, tree edited otherwise",
        "zip and ziphash: edited",
        "zip, ziphash and tree: edited alike",
        "ziphash: another h1",
        "ziphash: removed",
        "ziphash: empty",
        "mod: edited",
        "mod: removed",
        "info: garbage",
        "tree: extraction never ended, file edited",
    ],
)
def test_the_commands_mend_it(explain: Explain, go: Go, tmp_path: Path, name: str) -> None:
    """What is printed is run, with a proxy that has the true modules; afterwards nothing is found."""
    case = CASES[name]
    source = ModuleCache(tmp_path / "source")
    source.add(VICTIM, BYSTANDER)
    world = case.world(tmp_path / "world")
    case.damage(world)
    projects = ("--project", world.project.root)
    commands = explain(NAME, "--modcache", world.cache.root, *projects)["commands"]
    assert commands
    env = go.environment(world.cache.root, {"GOFLAGS": "", "GOPROXY": source.download.as_uri()})
    subprocess.run(
        " && ".join(commands), shell=True, check=True, cwd=world.project.root, env=env, capture_output=True
    )
    left = check(world.cache.root, engine="pure", projects=[world.project.root]).errors_and_warnings()
    assert left == []


def test_forgery_is_told_from_accident(explain: Explain, tmp_path: Path) -> None:
    """With the project its go.sum speaks against the cache; without, all agree."""
    world = World(tmp_path)
    forged_consistently(world)
    assert explained(explain, world)["state"] == "verified"
    made = explained(explain, world, "--project", world.project.root)
    assert made["state"] == "damaged"
    word = made["hashes"]["module"]["authorities"][0]
    assert (word["authority"], word["agrees"], word["differs"]) == ("gosum", [], ["zip", "dir"])


def test_the_zip_is_wrong(explain: Explain, tmp_path: Path) -> None:
    world = World(tmp_path)
    forged_zip_and_ziphash(world)
    made = explained(explain, world, "--project", world.project.root)
    words = {word["authority"]: word for word in made["hashes"]["module"]["authorities"]}
    assert (words["gosum"]["agrees"], words["ziphash"]["agrees"]) == (["dir"], ["zip"])


def test_edit_in_text(told: Told, tmp_path: Path) -> None:
    world = World(tmp_path)
    edit_tree(world)
    status, out, _ = told(NAME, "--modcache", world.cache.root, "--color", "never")
    assert status == 1
    for text in ('+const Name = "something else"', "It is damaged.", "differs: extracted tree", "rm -rf"):
        assert text in out


@pytest.mark.skipif("os.name == 'nt'", reason="Windows has no such permission bits")
@pytest.mark.parametrize("hidden", ["tree", "downloads"])
def test_what_may_not_be_looked_at(public_path: Path, hidden: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The part is not taken for absent: it is unreadable, as ``fastverify check`` says."""
    monkeypatch.setenv("HOME", str(public_path))
    world = World(public_path)
    folder = world.places.tree.parent if hidden == "tree" else world.places.folder
    folder.chmod(0)

    def explained() -> dict[str, Any]:
        settings = go_settings({"GOSUMDB": "off", "GOMODCACHE": str(world.cache.root)})
        made = gather(
            Target(str(world.cache.root), VICTIM.path, VICTIM.version),
            modules=[],
            sums=trusted_sums([], []),
            settings=settings,
            engine=load_engine("pure"),
            threads=1,
            diff_lines=1,
        )
        return made.to_json()

    made = bound_by_permissions(explained)
    assert made["state"] == "unreadable"
    assert [(f["verdict"], f["where"], f["path"]) for f in made["findings"] if f["severity"] == "error"] == [
        ("unreadable", "layout", str(folder))
    ]


@pytest.mark.skipif("os.name == 'nt'", reason="Windows has no such permission bits")
def test_versions_that_may_not_be_listed(public_path: Path) -> None:
    world = World(public_path)
    world.places.folder.chmod(0)

    def refused() -> str:
        with pytest.raises(FastverifyError) as caught:
            find_target(VICTIM.path, str(world.cache.root), None)
        return str(caught.value)

    said = bound_by_permissions(refused)
    assert said == f"{world.places.folder} cannot be read: Permission denied"
