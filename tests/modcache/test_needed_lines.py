"""Lines that a go.sum lacks: those that the real go command stops for, and none beside them."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from fastverify import check_module_cache
from fastverify.engine.protocol import Engine
from fastverify.modcache.buildlist import build_list
from fastverify.modcache.project import find_project
from fastverify.report.model import Finding
from tests.making.go import Go
from tests.making.graphs import World, worlds
from tests.making.modules import Module, ModuleCache, h1, module

pytestmark = pytest.mark.usefixtures("nobody_else")

_READONLY = {"GOFLAGS": "-modcacherw"}


def requiring(path: str, go: str, *required: Module) -> Module:
    lines = "".join(f"require {each.path} {each.version}\n" for each in required)
    files = {"go.mod": f"module {path}\n\ngo {go}\n\n{lines}".encode(), "a.go": b"package a\n"}
    return module(path, "v1.0.0", files)


class Chain:
    """A project that imports `b`, which requires `c`, which requires `d`; each of the Go version `go`."""

    def __init__(self, folder: Path, main_go: str, go: str) -> None:
        self.d = requiring("example.com/d", go)
        self.c = requiring("example.com/c", go, self.d)
        self.b = requiring("example.com/b", go, self.c)
        self.cache = ModuleCache(folder / "cache")
        self.cache.add(self.b, self.c, self.d)
        self.root = folder / "project"
        self.root.mkdir()
        self.edit_go_mod(f"go {main_go}\n\nrequire example.com/b v1.0.0\n")
        (self.root / "a.go").write_text('package a\n\nimport _ "example.com/b"\n')
        self.lines = [line for each in (self.b, self.c, self.d) for line in each.sums.splitlines()]

    @property
    def gosum(self) -> Path:
        return self.root / "go.sum"

    def edit_go_mod(self, rest: str) -> None:
        (self.root / "go.mod").write_text(f"module example.com/main\n\n{rest}")

    def drop(self, key: str) -> None:
        """Make the go.sum whole, but for the line that begins with `key`."""
        self.gosum.write_text("".join(f"{line}\n" for line in self.lines if not line.startswith(f"{key} ")))

    def findings(self, engine: Engine, *, only: bool = False) -> list[Finding]:
        with check_module_cache(
            self.cache.root, projects=self.root, engine=engine.name, threads=1, only_build_list=only
        ) as made:
            list(made)
        return [f for f in made.report.findings if (f.verdict, f.where) == ("missing", "gosum")]

    def go_says(self, go: Go, *arguments: str, **settings: str) -> str:
        """What the go command writes to stderr, which may change the go.sum."""
        done = go.run(
            *arguments, modcache=self.cache.root, cwd=self.root, settings={"GOFLAGS": "", **settings}
        )
        return done.stderr


@pytest.fixture(autouse=True)
def _settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOSUMDB", "off")
    monkeypatch.setenv("GOFLAGS", "")
    monkeypatch.delenv("GOWORK", raising=False)


@pytest.mark.go
@pytest.mark.parametrize("only", [False, True], ids=["whole cache", "build list"])
@pytest.mark.parametrize(("main_go", "depending_go"), [("1.21", "1.21"), ("1.21", "1.16"), ("1.16", "1.16")])
@pytest.mark.parametrize("absent", ["b", "c", "d"])
def test_lines_as_go_needs_them(
    go: Go, engine: Engine, tmp_path: Path, main_go: str, depending_go: str, absent: str, *, only: bool
) -> None:
    chain = Chain(tmp_path, main_go, depending_go)
    chain.drop("none")
    assert chain.findings(engine, only=only) == []
    path = f"example.com/{absent}"
    chain.drop(f"{path} v1.0.0/go.mod")
    found = chain.findings(engine, only=only)
    lists = chain.go_says(go, "list", "-m", "all")
    builds = chain.go_says(go, "build", ".")
    told = f"missing go.sum entry for go.mod file; to add it:\n\tgo mod download {path}\n"
    assert bool(found) == (told in lists)
    if not found:
        assert builds == ""
        return
    (finding,) = found
    assert finding.path == str(chain.gosum)
    assert (finding.module, finding.version) == (path, "v1.0.0")
    assert f"{path} v1.0.0/go.mod" in finding.message
    # What stops each and every build is an error.
    assert finding.severity == ("error" if main_go == "1.16" else "warning")
    if finding.severity == "error":
        assert told in builds
    assert finding.hint == f"go mod download {path} adds it, in {chain.root}"
    assert chain.go_says(go, *finding.hint.split(" adds it")[0].split()[1:]) == ""
    assert chain.findings(engine, only=only) == []
    assert chain.go_says(go, "list", "-m", "all") == ""


def test_lines_for_content_may_be_missing(engine: Engine, tmp_path: Path) -> None:
    """Which packages are imported is not looked at, and most programs need no content of some modules."""
    chain = Chain(tmp_path, "1.21", "1.16")
    for path in ("b", "c", "d"):
        chain.drop(f"example.com/{path} v1.0.0")
        assert chain.findings(engine) == []


def test_hashes_that_do_not_count(engine: Engine, go: Go, tmp_path: Path) -> None:
    chain = Chain(tmp_path, "1.21", "1.21")
    for line in ("h2:abc", "h1:G7mAYYxgmS0lVkHyy2hEOLQCFB0DlQFTMLWggykrydY="):
        chain.drop("example.com/b v1.0.0/go.mod")
        with chain.gosum.open("a") as file:
            file.write(f"example.com/b v1.0.0/go.mod {line}\n")
        assert [finding.module for finding in chain.findings(engine)] == ["example.com/b"]
        assert "missing go.sum entry" in chain.go_says(go, "list", "-m", "all")


def test_a_replacement_has_the_line(engine: Engine, go: Go, tmp_path: Path) -> None:
    chain = Chain(tmp_path, "1.21", "1.21")
    fork = requiring("example.com/fork", "1.21")
    chain.cache.add(fork)
    chain.drop("none")
    chain.edit_go_mod(
        "go 1.21\n\nrequire example.com/b v1.0.0\n\nreplace example.com/b => example.com/fork v1.0.0\n"
    )
    (finding,) = chain.findings(engine)
    assert (finding.module, finding.version) == ("example.com/fork", "v1.0.0")
    said = chain.go_says(go, "list", "-m", "all")
    assert "(replaced by example.com/fork@v1.0.0): missing go.sum entry" in said
    assert "go mod download example.com/b\n" in said
    assert finding.hint.startswith("go mod download example.com/b adds it")
    with chain.gosum.open("a") as file:
        file.write(fork.sums)
    assert chain.findings(engine) == []
    # Of what lies in a folder there are no sums.
    (tmp_path / "near").mkdir()
    (tmp_path / "near" / "go.mod").write_bytes(fork.mod)
    chain.edit_go_mod("go 1.21\n\nrequire example.com/b v1.0.0\n\nreplace example.com/b => ../near\n")
    chain.gosum.write_text("")
    assert chain.findings(engine) == []
    assert chain.go_says(go, "list", "-m", "all") == ""


def test_a_hint_may_be_copied_whatever_go_mod_says(engine: Engine, go: Go, tmp_path: Path) -> None:
    chain = Chain(tmp_path, "1.21", "1.21")
    chain.drop("none")
    chain.edit_go_mod('go 1.21\n\nrequire "example.com/$(touch x);b" v1.0.0\n')
    (finding,) = chain.findings(engine)
    assert finding.hint.startswith("go mod download 'example.com/$(touch x);b' adds it")
    assert "missing go.sum entry" in chain.go_says(go, "list", "-m", "all")


def test_modes_that_need_no_lines(
    engine: Engine, go: Go, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chain = Chain(tmp_path, "1.21", "1.21")
    chain.drop("example.com/b v1.0.0/go.mod")
    whole = chain.gosum.read_text()
    monkeypatch.setenv("GOFLAGS", "-mod=mod")
    assert chain.findings(engine) == []
    assert chain.go_says(go, "list", "-m", "all", GOFLAGS="-mod=mod") == ""
    chain.gosum.write_text(whole)
    monkeypatch.setenv("GOFLAGS", "")
    vendor = chain.root / "vendor"
    (vendor / "example.com" / "b").mkdir(parents=True)
    (vendor / "example.com" / "b" / "a.go").write_bytes(chain.b.files["a.go"])
    (vendor / "modules.txt").write_text("# example.com/b v1.0.0\n## explicit; go 1.21\nexample.com/b\n")
    assert chain.findings(engine) == []
    assert chain.go_says(go, "build", ".") == ""
    for flags in ("-mod=readonly", "-mod=readonly -mod=readonly"):
        monkeypatch.setenv("GOFLAGS", flags)
        assert [finding.module for finding in chain.findings(engine)] == ["example.com/b"]
        assert "missing go.sum entry" in chain.go_says(go, "build", ".", GOFLAGS=flags)
    # The vendor folder of a workspace does not count, nor does any before go 1.14.
    monkeypatch.setenv("GOFLAGS", "")
    (vendor / "modules.txt").write_text("## workspace\n")
    assert [finding.module for finding in chain.findings(engine)] == ["example.com/b"]
    assert "missing go.sum entry" in chain.go_says(go, "build", ".")
    chain.edit_go_mod("go 1.13\n\nrequire example.com/b v1.0.0\n")
    (vendor / "modules.txt").write_text("# example.com/b v1.0.0\nexample.com/b\n")
    assert [finding.module for finding in chain.findings(engine)] == ["example.com/b"]
    assert "missing go.sum entry" in chain.go_says(go, "build", ".")


def test_a_workspace_needs_no_lines(engine: Engine, go: Go, tmp_path: Path) -> None:
    chain = Chain(tmp_path, "1.21", "1.21")
    chain.drop("example.com/b v1.0.0/go.mod")
    work = chain.root / "go.work"
    work.write_text("go 1.21\n\nuse .\n")
    assert chain.findings(engine) == []
    assert chain.go_says(go, "list", "-m", "all", GOWORK=str(work)) == ""


def test_without_any_go_sum(engine: Engine, tmp_path: Path) -> None:
    """That is one finding, in place of the note on a project that vouches for nothing."""
    chain = Chain(tmp_path, "1.21", "1.16")
    (finding,) = chain.findings(engine)
    assert finding.path == str(chain.gosum)
    assert "example.com/b v1.0.0/go.mod and 2 more" in finding.message
    assert finding.severity == "warning"
    chain.edit_go_mod("go 1.21\n")
    (finding,) = chain.findings(engine)
    assert (finding.severity, finding.path) == ("note", str(chain.gosum))


def test_many_missing_lines_are_counted(engine: Engine, tmp_path: Path) -> None:
    cache = ModuleCache(tmp_path / "cache")
    modules = [requiring(f"example.com/m{number:03}", "1.21") for number in range(30)]
    cache.add(*modules, parts=["mod"])
    root = tmp_path / "project"
    root.mkdir()
    require = "".join(f"require {each.path} {each.version}\n" for each in modules)
    (root / "go.mod").write_text(f"module example.com/main\n\ngo 1.21\n\n{require}")
    (root / "go.sum").write_text("")
    with check_module_cache(cache.root, projects=root, engine=engine.name, threads=1) as made:
        list(made)
    found = [f for f in made.report.findings if (f.verdict, f.where) == ("missing", "gosum")]
    assert [finding.module for finding in found] == [each.path for each in modules[:20]] + [""]
    assert "example.com/m020 v1.0.0/go.mod and 9 more" in found[-1].message
    assert "go mod tidy" in found[-1].hint


@pytest.fixture(scope="module")
def scratch() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix="fastverify-lines-"))
    yield made
    shutil.rmtree(made)


@pytest.mark.go
@pytest.mark.slow
@given(world=worlds())
@settings(
    max_examples=int(os.environ.get("FASTVERIFY_GRAPHS", "40")) // 4,
    deadline=None,
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
    ],
)
def test_lines_of_made_up_projects(go: Go, scratch: Path, world: World) -> None:
    """With the lines that are said to be needed Go misses none, and without any one of them it stops.

    Where the go.mod is not tidy that may be what it stops for.  The line of a main module that requires
    itself is not told.
    """
    shutil.rmtree(scratch)
    scratch.mkdir()
    source = scratch / "source"
    world.publish(source)
    start = world.write_project(scratch / "project")
    needed = build_list(find_project(str(start), {}), str(source)).needed_go_mods()
    sums = {
        key: f"{key[0]} {key[1]}/go.mod {h1([(b'go.mod', go_mod.text().encode())])}\n"
        for key, go_mod in world.published.items()
    }

    def says() -> str:
        return go.run("list", "-m", "all", modcache=source, cwd=start, settings=_READONLY).stderr

    (start / "go.sum").write_text("".join(sums[one.source] for one in needed))
    missing = set(re.findall(r"(\S+)@\S+: missing go.sum entry", says()))
    assert missing <= {main.path for main in world.mains}
    for one in needed[:1] + needed[-2:]:
        (start / "go.sum").write_text("".join(line for key, line in sums.items() if key != one.source))
        told = f"missing go.sum entry for go.mod file; to add it:\n\tgo mod download {one.module[0]}\n"
        said = says()
        assert told in said or "updates to go.mod needed" in said
