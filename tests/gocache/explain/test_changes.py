"""Builds in which one known input was changed, and whether it is named."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from fastverify.gocache.explain.hashlog import HashLog
from tests.cli.conftest import Fastverify, fastverify
from tests.gocache.explain.building import causes, compared, hash_log, write_project
from tests.making.go import Go, without

__all__ = ["fastverify"]
pytestmark = pytest.mark.go

MAIN, LOW = "build example.com/project", "build example.com/project/low"
LINK = "link example.com/project"


@pytest.fixture(scope="module")
def go(tmp_path_factory: pytest.TempPathFactory) -> Go:
    folder = tmp_path_factory.mktemp("go")
    return Go(folder / "cache", folder / "gopath")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return write_project(tmp_path / "project")


@pytest.fixture(scope="module")
def need_cgo(go: Go, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The C compiler's path."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        without("no C compiler on the PATH")
    assert compiler is not None
    return compiler


@dataclass(frozen=True)
class Case:
    """One input changed, and what must be said of it."""

    name: str
    expected: set[tuple[str, str]]
    #: The actions that must be said to differ; None where it is more than can be listed.
    affected: set[str] | None = None
    arguments: tuple[str, ...] = ("build", "-n", ".")
    settings: Mapping[str, str] = field(default_factory=dict)
    edit: Callable[[Path], object] | None = None


def _append(name: str, text: str) -> Callable[[Path], object]:
    return lambda project: (project / name).write_text((project / name).read_text() + text)


CASES = [
    Case("file", {("file", "example.com/project/main.go")}, {MAIN, LINK}, edit=_append("main.go", "\n//\n")),
    Case(
        "file of a dependency",
        {("file", "example.com/project/low/low.go")},
        {LOW, MAIN, LINK},
        edit=_append("low/low.go", "\n//\n"),
    ),
    Case(
        "new file",
        {("file", "example.com/project/low/new.go")},
        {LOW, MAIN, LINK},
        edit=lambda project: (project / "low/new.go").write_text("package low\n"),
    ),
    Case(
        "file gone",
        {("file", "example.com/project/low/more.go")},
        {LOW, MAIN, LINK},
        edit=lambda project: (project / "low/more.go").unlink(),
    ),
    Case(
        "go line",
        {("go-directive", "")},
        {LOW, MAIN, LINK},
        edit=lambda project: (project / "go.mod").write_text("module example.com/project\n\ngo 1.22\n"),
    ),
    Case("gcflags", {("gcflags", "")}, {MAIN, LINK}, ("build", "-n", "-gcflags=-N -l", ".")),
    Case("gcflags of all", {("gcflags", "")}, None, ("build", "-n", "-gcflags=all=-N", ".")),
    Case("asmflags", {("asmflags", "")}, None, ("build", "-n", "-asmflags=all=-D X=1", ".")),
    Case("ldflags", {("ldflags", "")}, {MAIN, LINK}, ("build", "-n", "-ldflags=-X main.v=1", ".")),
    Case("trimpath", {("trimpath", "")}, None, ("build", "-n", "-trimpath", ".")),
    Case(
        "tags",
        {("file", "example.com/project/low/tagged.go"), ("build-setting", "-tags")},
        {LOW, MAIN, LINK},
        ("build", "-n", "-tags=extra", "."),
    ),
    Case("GOAMD64", {("architecture-level", "GOAMD64")}, None, settings={"GOAMD64": "v3"}),
    Case("GOSSAFUNC", {("magic-variable", "GOSSAFUNC")}, None, settings={"GOSSAFUNC": "nothing"}),
    Case("GOEXPERIMENT", {("experiment", "")}, None, settings={"GOEXPERIMENT": "newinliner"}),
    Case("linking", {("external-linking", "")}, {LINK}, settings={"GO_EXTLINK_ENABLED": "0"}),
    Case("cgo off", {("build-setting", "CGO_ENABLED")}, {MAIN, LINK}, settings={"CGO_ENABLED": "0"}),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_one_changed_input(go: Go, project: Path, case: Case) -> None:
    # Where cgo is on only because a C compiler is there, the build info would tell.
    base = {"CGO_ENABLED": "1", "GOARCH": "amd64", "GOOS": "linux", "GOAMD64": "v1"}
    before = hash_log(go, project, settings=base)
    if case.edit is not None:
        case.edit(project)
    after = hash_log(go, project, *case.arguments, settings={**base, **case.settings})
    comparison = compared(before, after)
    assert causes(comparison) == case.expected
    differing = {difference.name for difference in comparison.differences}
    if case.affected is None:
        assert {MAIN, LINK} < differing
    else:
        assert differing == case.affected
    assert differing == {name for cause in comparison.causes for name in cause.affected}


def test_platforms_share_nothing(go: Go, project: Path) -> None:
    before = hash_log(go, project, settings={"GOOS": "linux", "GOARCH": "amd64", "CGO_ENABLED": "0"})
    after = hash_log(go, project, settings={"GOOS": "linux", "GOARCH": "arm64", "CGO_ENABLED": "0"})
    found = causes(compared(before, after))
    assert ("platform", "") in found


def test_a_checkout_elsewhere(go: Go, project: Path, tmp_path: Path) -> None:
    """All packages of a tree that lies elsewhere have one cause: where they differ."""
    other = write_project(tmp_path / "elsewhere" / "project")
    (cause,) = compared(hash_log(go, project), hash_log(go, other)).causes
    assert cause.where == (LOW, MAIN)
    assert cause.affected == (LOW, MAIN, LINK)
    assert cause.change is not None
    assert (cause.change.before, cause.change.after) == (f"{tmp_path}/…", f"{tmp_path}/elsewhere/…")


def test_two_directories(go: Go, project: Path, tmp_path: Path) -> None:
    other = write_project(tmp_path / "elsewhere" / "checkout")
    comparison = compared(hash_log(go, project), hash_log(go, other))
    assert causes(comparison) == {("directory", "")}
    assert [cause.change.before for cause in comparison.causes if cause.change] == [f"{project}/…"]
    assert {difference.name for difference in comparison.differences} == {LOW, MAIN, LINK}
    trimmed = ("build", "-n", "-trimpath", ".")
    comparison = compared(hash_log(go, project, *trimmed), hash_log(go, other, *trimmed))
    assert (comparison.differences, comparison.only_before, comparison.only_after) == ((), (), ())
    assert comparison.equal


def _packages_with_c(go: Go, project: Path, settings: Mapping[str, str]) -> HashLog:
    return hash_log(go, project, "build", "-n", "./withc", settings={"CGO_ENABLED": "1", **settings})


@pytest.mark.parametrize("variable", ["CGO_CFLAGS", "CGO_CPPFLAGS", "CGO_LDFLAGS"])
def test_c_flags(go: Go, project: Path, need_cgo: str, variable: str) -> None:
    before = _packages_with_c(go, project, {variable: "-g"})
    after = _packages_with_c(go, project, {variable: "-O1"})
    comparison = compared(before, after)
    assert causes(comparison) == {("c-flags", variable)}
    assert "build example.com/project/withc" in {difference.name for difference in comparison.differences}


def test_c_compiler(go: Go, project: Path, need_cgo: str, tmp_path: Path) -> None:
    """The same compiler under another path, then another version by the same path."""
    script = tmp_path / "cc"
    script.write_text(f'#!/bin/sh\nexec {need_cgo} "$@"\n')
    script.chmod(0o755)
    usual = _packages_with_c(go, project, {"CC": need_cgo})
    moved = _packages_with_c(go, project, {"CC": str(script)})
    assert causes(compared(usual, moved)) == {("c-compiler", "CC")}
    script.write_text('#!/bin/sh\necho "gcc version 99.9.9 (made up)" >&2\n')
    other = _packages_with_c(go, project, {"CC": str(script)})
    assert causes(compared(moved, other)) == {("c-compiler-version", "CC")}


@pytest.fixture(scope="module")
def tested(tmp_path_factory: pytest.TempPathFactory, go: Go) -> Path:
    """A project whose test reads a variable and a file, old enough for go to keep its results."""
    project = tmp_path_factory.mktemp("tested")
    (project / "go.mod").write_text("module example.com/tested\n\ngo 1.21\n")
    (project / "x_test.go").write_text(
        'package x\n\nimport (\n\t"os"\n\t"testing"\n)\n\n'
        'func TestX(t *testing.T) {\n\t_ = os.Getenv("SHADE")\n\t_, _ = os.ReadFile("read.txt")\n}\n'
    )
    (project / "read.txt").write_text("read\n")
    for path in project.iterdir():
        os.utime(path, (1_700_000_000, 1_700_000_000))
    # Once, so that go knows from the test's log what it reads.
    _test_log(go, project)
    return project


def _test_log(go: Go, project: Path, *arguments: str, **settings: str) -> HashLog:
    return hash_log(go, project, "test", "-vet=off", *arguments, ".", settings=settings)


def test_what_a_test_read(go: Go, tested: Path) -> None:
    before = _test_log(go, tested)
    shaded = compared(before, _test_log(go, tested, SHADE="dark"))
    assert causes(shaded) == {("variable", "SHADE")}
    assert [difference.name for difference in shaded.differences] == ["test example.com/tested"]
    assert [(cause.change.before, cause.change.after) for cause in shaded.causes if cause.change] == [
        ("not set", "=dark")
    ]
    os.utime(tested / "read.txt", (1_700_000_500, 1_700_000_500))
    touched = compared(before, _test_log(go, tested))
    assert causes(touched) == {("opened-file", str(tested / "read.txt"))}
    os.utime(tested / "read.txt", (1_700_000_000, 1_700_000_000))
    again = compared(before, _test_log(go, tested))
    assert (again.differences, again.only_before, again.only_after) == ((), (), ())
    longer = compared(before, _test_log(go, tested, "-short"))
    assert ("test-arguments", "") in causes(longer)


def test_vet_follows_its_package(go: Go, project: Path) -> None:
    vet = ("vet", "./low")
    before = hash_log(go, project, *vet)
    (project / "low/low.go").write_text('package low\n\nfunc Name() string { return "changed" }\n')
    comparison = compared(before, hash_log(go, project, *vet))
    assert causes(comparison) == {("file", "example.com/project/low/low.go")}
    assert {difference.name for difference in comparison.differences} == {
        LOW,
        "vet example.com/project/low",
    }


def test_vet_follows_what_it_knows_of_imports(go: Go, project: Path) -> None:
    """Vet of an importer depends on vet's facts: here that a function never returns."""
    before = hash_log(go, project, "vet", ".")
    (project / "low/low.go").write_text('package low\n\nfunc Name() string { panic("never returns") }\n')
    comparison = compared(before, hash_log(go, project, "vet", "."))
    follows = {difference.name: difference.follows for difference in comparison.differences}
    assert set(follows["vet example.com/project"]) >= {MAIN, "vet example.com/project/low"}
    assert causes(comparison) == {("file", "example.com/project/low/low.go")}


def test_on_the_command_line(go: Go, project: Path, tmp_path: Path, fastverify: Fastverify) -> None:
    logs = []
    for number, flags in enumerate([(), ("-gcflags=-N",)]):
        ended = go.run(
            *("build", "-n", *flags, "."),
            modcache=go.gopath / "mod",
            cwd=project,
            settings={"GODEBUG": "gocachehash=1"},
        )
        logs.append(tmp_path / f"{number}.log")
        logs[-1].write_text(ended.stderr)
    status, out, err = fastverify("gocache", "diff", *logs)
    assert (status, err) == (1, "")
    assert "the compiler's flags: empty before, -N after" in out
    assert "and therefore link example.com/project" in out
    status, out, _ = fastverify("gocache", "diff", "--json", *logs)
    document = json.loads(out)
    assert (status, document["schema"]) == (1, "fastverify-gocache-diff/1")
    assert [cause["kind"] for cause in document["causes"]] == ["gcflags"]
    assert {difference["action"] for difference in document["differences"]} == {MAIN, LINK}
    assert fastverify("gocache", "diff", logs[0], logs[0]).status == 0
