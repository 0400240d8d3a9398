"""Fixtures for the tests of the build cache."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from fastverify.gocache import live
from tests.gocache.making import HIGH, LOW, OTHER, World, write_project
from tests.making.go import Go

RICH = {
    "go.mod": "module example.com/rich\n\ngo 1.21\n",
    "main.go": (
        'package main\n\nimport (\n\t"os"\n\n\t"example.com/rich/lib"\n)\n\n'
        "func main() { os.Stdout.WriteString(lib.Greeting()) }\n"
    ),
    "lib/lib.go": 'package lib\n\nfunc Greeting() string { return "hello" }\n',
    "lib/lib_test.go": (
        'package lib\n\nimport (\n\t"os"\n\t"testing"\n)\n\nfunc TestGreeting(t *testing.T) {\n'
        '\tos.Getenv("RICH")\n\tos.ReadFile("lib.go")\n\tprintln("{}")\n'
        '\tif Greeting() != "hello" {\n\t\tt.Fatal()\n\t}\n}\n\n'
        "func FuzzGreeting(f *testing.F) { f.Fuzz(func(t *testing.T, b []byte) {}) }\n"
    ),
    "vetted/vetted.go": "package vetted\n\nfunc Same(x int) bool { x = x; return x == x }\n",
    "printing/printing_test.go": (
        'package printing\n\nimport (\n\t"os"\n\t"testing"\n)\n\nfunc TestMain(m *testing.M) {\n'
        '\tos.Stdout.WriteString("{ mode: not what it looks like\\n")\n\tos.Exit(m.Run())\n}\n'
    ),
    "withc/withc.go": (
        'package withc\n\n// static int one(void) { return 1; }\nimport "C"\n\n'
        "func One() int { return int(C.one()) }\n"
    ),
    "assembled/a.go": "package assembled\n\nfunc One() int\n",
    "assembled/a_amd64.s": "TEXT ·One(SB), 4, $0-8\n\tMOVQ $1, ret+0(FP)\n\tRET\n",
}

_TARGETS = ("linux/amd64", "linux/386", "darwin/arm64", "windows/amd64", "wasip1/wasm", "linux/s390x")


@pytest.fixture(scope="session")
def go(tmp_path_factory: pytest.TempPathFactory) -> Go:
    """The go command; one build cache for all the tests, so that nothing is compiled twice."""
    shared = tmp_path_factory.mktemp("go")
    return Go(gocache=shared / "gocache", gopath=shared / "gopath")


@pytest.fixture
def nobody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    """For caches on which nobody works: a check need not wait for them to come to rest."""
    monkeypatch.setattr(live, "YOUNG", 0.001)


@pytest.fixture(scope="session")
def small(go: Go, tmp_path_factory: pytest.TempPathFactory) -> World:
    """A cache of three packages.  Shared: nobody may change it."""
    folder = tmp_path_factory.mktemp("small")
    made = World(go, folder / "cache", write_project(folder / "project"))
    assert set(made.built("./...")) >= {LOW, HIGH, OTHER}
    made.packages.update((path, made.package(path)) for path in (LOW, HIGH, OTHER))
    return made


@pytest.fixture
def world(small: World, tmp_path: Path) -> World:
    """A cache to be damaged."""
    return small.copy(tmp_path / "cache")


@pytest.fixture(scope="session")
def rich(go: Go, tmp_path_factory: pytest.TempPathFactory) -> World:
    """A cache in which everything is that the go command caches.  Shared: nobody may change it."""
    folder = tmp_path_factory.mktemp("rich")
    made = World(go, folder / "cache", write_project(folder / "project", RICH))

    def run(*arguments: str, fails: bool = False, **settings: str) -> str:
        status, out, said = made.run(*arguments, timeout=900, **settings)
        assert fails or status == 0, said
        return out + said

    run("build", "./...")
    assert "hello" in run("run", ".")
    run("test", "./lib", "./printing")
    assert "(cached)" in run("test", "./lib", "./printing")
    run("test", "-coverprofile", os.devnull, "./lib")
    run("test", "-cover", "-covermode=atomic", "./lib")
    run("test", "-coverpkg=./lib,./vetted", "./lib")
    assert "self-assignment" in run("vet", "./...", fails=True)
    run("build", "-gcflags=-m", "./lib")
    run("build", "-trimpath", "./lib")
    run("build", "-race", "./lib", "./vetted")
    run("build", "-cover", "./lib")
    for system, architecture in (("windows", "amd64"), ("darwin", "arm64"), ("js", "wasm"), ("linux", "386")):
        run("build", "./lib", "./vetted", GOOS=system, GOARCH=architecture, CGO_ENABLED="0")
    run("list", "-export", "-deps", "./lib")
    run("tool", "buildid", os.path.join(folder, "nothing"), fails=True)
    return made


@pytest.fixture(scope="session")
def executables(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """One small program, without the standard library's weight, for each kind of executable."""
    folder = tmp_path_factory.mktemp("executables")
    (folder / "go.mod").write_text("module example.com/tiny\n\ngo 1.21\n")
    (folder / "main.go").write_text('package main\n\nfunc main() { println("tiny") }\n')
    go = Go(folder / "cache", folder / "gopath")
    made = []
    for target in _TARGETS:
        system, machine = target.split("/")
        path = folder / f"{system}-{machine}"
        built = go.run(
            *("build", "-o", str(path), "."),
            modcache=folder / "modcache",
            cwd=folder,
            settings={"GOOS": system, "GOARCH": machine, "CGO_ENABLED": "0"},
        )
        assert built.returncode == 0, built.stderr
        made.append(path)
    return made
