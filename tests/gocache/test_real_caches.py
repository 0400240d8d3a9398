"""Caches that the go command has just made in every way it makes them: no false alarm on any."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from fastverify.engine.protocol import Engine
from tests.gocache.checking import report_of
from tests.gocache.making import World, write_project
from tests.making.go import Go

pytestmark = pytest.mark.go

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


@pytest.fixture(scope="module")
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


def test_no_false_alarm(rich: World, engine: Engine) -> None:
    report = report_of(rich.cache, engine)
    assert [(finding.severity, finding.message, finding.path) for finding in report.findings] == []
    outputs = list(rich.cache.glob("??/*-d"))
    assert report.counts.outputs == len(outputs) > 200
    assert report.counts.entries == len(list(rich.cache.glob("??/*-a"))) > 200
    assert report.counts.outputs_damaged == report.counts.outputs_unreadable == 0
    assert any(path.is_dir() for path in outputs)


def test_nothing_is_written(rich: World, engine: Engine) -> None:
    """Neither content nor times change, but for the times of reading, which the system keeps."""

    def state() -> dict[str, tuple[int, ...]]:
        found = {}
        for path in [rich.cache, *rich.cache.rglob("*")]:
            status = path.lstat()
            found[str(path)] = (status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
        return found

    before = state()
    report_of(rich.cache, engine)
    assert state() == before


def test_every_kind_of_file_flipped(rich: World, tmp_path: Path, engine: Engine) -> None:
    """One bit of the first and the last byte of one output of each kind: each is told, and nothing else."""
    cache = tmp_path / "cache"
    shutil.copytree(rich.cache, cache, symlinks=True)
    chosen: dict[bytes, Path] = {}
    for path in sorted(cache.glob("??/*-d")):
        file = next(path.iterdir()) if path.is_dir() else path
        head = file.read_bytes()[:6]
        if head:
            chosen.setdefault(head, file)
    assert len(chosen) > 8
    for number, file in enumerate(chosen.values()):
        content = bytearray(file.read_bytes())
        content[0 if number % 2 else -1] ^= 0x80
        file.write_bytes(content)
        status = file.stat()
        os.utime(file, (status.st_atime, status.st_mtime - 100))
    report = report_of(cache, engine)
    told = {finding.output for finding in report.findings if finding.severity == "error"}
    wrong = {next(part for part in file.parts if part.endswith("-d"))[:64] for file in chosen.values()}
    assert told == wrong
