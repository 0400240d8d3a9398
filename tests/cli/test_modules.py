"""``fastverify modules``: what it prints, its statuses, its JSON, on projects that are whole and broken."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.cli.conftest import Fastverify
from tests.making.go import need_go
from tests.making.modules import ModuleCache, Project, module, remove

LEAF = module("example.com/leaf", "v1.0.0")
FORK = module(
    "example.com/fork", "v1.5.0", {"go.mod": b"module example.com/leaf\n", "leaf.go": b"package leaf\n"}
)
MIDDLE = module(
    "example.com/Middle",
    "v1.1.0",
    {
        "go.mod": b"module example.com/Middle\n\nrequire example.com/leaf v1.0.0\n",
        "m.go": b"package middle\n",
    },
)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleCache:
    """Two modules, of which one requires the other."""
    monkeypatch.delenv("GOWORK", raising=False)
    made = ModuleCache(tmp_path / "modcache")
    made.add(LEAF, MIDDLE, FORK)
    return made


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """It requires the upper one."""
    return Project.make(tmp_path / "project", [MIDDLE], sums=MIDDLE.sums + LEAF.sums)


def test_the_list(fastverify: Fastverify, cache: ModuleCache, project: Project) -> None:
    before = cache.contents()
    expected = "example.org/project\nexample.com/Middle v1.1.0\nexample.com/leaf v1.0.0\n"
    assert fastverify("modules", project.root, "--modcache", cache.root) == (0, expected, "")
    assert cache.contents() == before


def test_the_project_around_the_current_folder(
    fastverify: Fastverify, cache: ModuleCache, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    below = project.root / "cmd" / "x"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    monkeypatch.setenv("GOMODCACHE", os.fspath(cache.root))
    status, out, _ = fastverify("modules")
    assert (status, out.count("\n")) == (0, 3)


def test_why(fastverify: Fastverify, cache: ModuleCache, project: Project) -> None:
    status, out, err = fastverify(
        "modules", project.root, "--modcache", cache.root, "--why", LEAF.path, "--why", "example.com/none"
    )
    assert (status, err) == (0, "")
    assert out == (
        "# example.com/leaf\nexample.org/project\nexample.com/Middle v1.1.0\nexample.com/leaf v1.0.0\n"
        "\n# example.com/none\n(the build list has no module example.com/none)\n"
    )


def test_json(fastverify: Fastverify, cache: ModuleCache, tmp_path: Path) -> None:
    project = Project.make(
        tmp_path / "replacing",
        [MIDDLE],
        go_mod="replace example.com/leaf => example.com/fork v1.5.0\n"
        "require near v0.0.0\nreplace near => ./near\n",
    )
    (project.root / "near").mkdir()
    (project.root / "near" / "go.mod").write_text("module near\n")
    status, out, err = fastverify(
        "modules", project.root, "--modcache", cache.root, "--json", "--why", LEAF.path
    )
    assert (status, err) == (0, "")
    said = json.loads(out)
    root = str(project.root.resolve())
    assert (said["project"], said["modcache"], said["workspace"]) == (root, str(cache.root), None)
    assert said["go"] == "1.20"
    assert said["modules"] == [
        {"path": "example.org/project", "version": "", "main": True, "dir": root},
        {"path": "example.com/Middle", "version": "v1.1.0", "main": False},
        {
            "path": "example.com/leaf",
            "version": "v1.0.0",
            "main": False,
            "replace": {"path": "example.com/fork", "version": "v1.5.0"},
        },
        {
            "path": "near",
            "version": "v0.0.0",
            "main": False,
            "replace": {"path": "./near", "version": "", "dir": f"{root}/near"},
        },
    ]
    assert (said["missing"], said["problems"]) == ([], [])
    way = ["example.org/project", "example.com/Middle@v1.1.0", "example.com/leaf@v1.0.0"]
    assert said["why"] == {LEAF.path: way}


def test_a_missing_go_mod(fastverify: Fastverify, cache: ModuleCache, project: Project) -> None:
    path = cache.places(LEAF).mod
    path.unlink()
    status, out, err = fastverify("modules", project.root, "--modcache", cache.root)
    assert status == 1
    assert "example.com/leaf v1.0.0\n" in out
    assert err.count("\n") == 1
    for part in (
        "example.com/leaf@v1.0.0",
        str(path),
        "required by example.com/Middle@v1.1.0",
        "go mod graph",
    ):
        assert part in err
    said = json.loads(fastverify("modules", project.root, "--modcache", cache.root, "--json").out)
    assert said["missing"] == [
        {
            "path": LEAF.path,
            "version": LEAF.version,
            "file": str(path),
            "required_by": ["example.com/Middle@v1.1.0"],
        }
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("frobnicate x\n", "go.mod:8: unknown directive: frobnicate"),
        ("require \x1b[31m v1.0.0 x\n", "go.mod:8:9: unexpected input character '\\x1b'"),
        ('replace "a\n', "go.mod:8:11: unexpected newline in string"),
    ],
)
def test_a_broken_go_mod(
    fastverify: Fastverify, cache: ModuleCache, project: Project, text: str, said: str
) -> None:
    path = project.root / "go.mod"
    path.write_text(path.read_text() + text)
    status, _, err = fastverify("modules", project.root, "--modcache", cache.root)
    assert status == 1
    assert said in err
    assert "\x1b" not in err


def test_a_broken_dependency(fastverify: Fastverify, cache: ModuleCache, project: Project) -> None:
    cache.places(LEAF).mod.write_text("module example.com/leaf\nrequire (\n\tx\n)\n")
    status, out, err = fastverify("modules", project.root, "--modcache", cache.root)
    assert status == 1
    assert "example.com/leaf v1.0.0\n" in out
    assert "example.com/leaf@v1.0.0: go.mod:3:2: usage: require module/path v1.2.3" in err


def test_no_project_and_no_cache(fastverify: Fastverify, project: Project, tmp_path: Path) -> None:
    for arguments in ((tmp_path / "none",), (project.root, "--modcache", tmp_path / "none")):
        status, out, err = fastverify("modules", *arguments)
        assert (status, out) == (2, "")
        assert err.startswith("fastverify: error: ")
        assert err.count("\n") == 1


def test_only_build_list(fastverify: Fastverify, cache: ModuleCache, project: Project) -> None:
    """The option of ``check``."""
    status, out, _ = fastverify("check", cache.root, "--project", project.root, "--only-build-list", "-q")
    assert (status, out) == (0, "")
    status, _, err = fastverify("check", cache.root, "--only-build-list")
    assert status == 2
    assert "--project" in err


def test_modfile(
    fastverify: Fastverify, cache: ModuleCache, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GOFLAGS may name another file in place of go.mod; its .sum file goes with it."""
    leaf = f"module example.org/project\n\ngo 1.20\n\nrequire {LEAF.path} {LEAF.version}\n"
    (project.root / "alt.mod").write_text(leaf)
    monkeypatch.setenv("GOFLAGS", "-mod=mod -modfile=other.mod '-modfile=alt.mod'")
    options = (project.root, "--modcache", cache.root)
    assert fastverify("modules", *options) == (0, "example.org/project\nexample.com/leaf v1.0.0\n", "")
    check = ("check", "--format", "json", "--project", project.root, "--only-build-list", cache.root)
    status, out, _ = fastverify(*check)
    assert (status, json.loads(out)["counts"]["modules"]) == (0, 1)
    (project.root / "alt.sum").write_text(LEAF.sums.replace("h1:", "h1:A"))
    status, out, _ = fastverify(*check)
    findings = json.loads(out)["findings"]
    assert {finding["where"] for finding in findings} == {"gosum", "mod"}
    assert status == 1
    monkeypatch.setenv("GOFLAGS", "-modfile=alt")
    status, out, err = fastverify("modules", *options)
    assert (status, out, "has to end with .mod" in err) == (2, "", True)
    (project.root / "go.work").write_text("go 1.20\nuse .\n")
    monkeypatch.setenv("GOFLAGS", "-modfile=alt.mod")
    status, out, err = fastverify("modules", *options)
    assert (status, out, "no workspace" in err) == (2, "", True)


def test_a_go_mod_that_cannot_be_read(fastverify: Fastverify, cache: ModuleCache, project: Project) -> None:
    """It is named, by every command that needs it, and what its module requires is said to be unknown."""
    mod = cache.places(MIDDLE).mod
    remove(mod)
    mod.mkdir()
    status, out, err = fastverify("modules", project.root, "--modcache", cache.root)
    assert (status, out) == (2, "example.org/project\nexample.com/Middle v1.1.0\n")
    assert f"go.mod cannot be read: Not a regular file ({mod})" in err
    status, out, _ = fastverify(
        "check", "--format", "json", "--project", project.root, "--only-build-list", cache.root
    )
    made = json.loads(out)
    assert status == 1
    assert [f["path"] for f in made["findings"] if f["severity"] == "error"] == [os.fspath(mod)]
    assert made["counts"]["verified"] == 0
    status, out, _ = fastverify(
        "explain", "--json", "--project", project.root, "--modcache", cache.root, MIDDLE.path
    )
    assert (status, json.loads(out)["state"]) == (1, "damaged")
    # Where another version is selected, the build list alone misses it.
    newer = module(MIDDLE.path, "v1.2.0", MIDDLE.files)
    cache.add(newer)
    other = Project.make(
        project.root.parent / "other", [MIDDLE, newer], sums=project.gosum.read_text() + newer.sums
    )
    go_mod = (other.root / "go.mod").read_text()
    (other.root / "go.mod").write_text(go_mod.replace("go 1.20", "go 1.16"))
    status, out, _ = fastverify(
        "check", "--format", "json", "--project", other.root, "--only-build-list", cache.root
    )
    errors = [f for f in json.loads(out)["findings"] if f["severity"] == "error"]
    assert [(f["verdict"], f["path"]) for f in errors] == [("unreadable", os.fspath(mod))]


@pytest.mark.go
def test_a_go_mod_of_the_future(
    fastverify: Fastverify, cache: ModuleCache, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    need_go()
    path = project.root / "go.mod"
    path.write_text(path.read_text().replace("go 1.20", "go 1.99"))
    monkeypatch.setenv("GOTOOLCHAIN", "local")
    status, out, err = fastverify("modules", project.root, "--modcache", cache.root)
    assert (status, out.count("\n")) == (1, 3)
    assert err.startswith(f"fastverify: {path}:3: go 1.99 is newer than the go command here")
    monkeypatch.setenv("GOTOOLCHAIN", "auto")
    status, out, err = fastverify("modules", project.root, "--modcache", cache.root)
    assert (status, out.count("\n")) == (0, 3)
    assert err.startswith(f"fastverify: note: {path}:3: go 1.99 is newer")
