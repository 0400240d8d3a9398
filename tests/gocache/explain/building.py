"""Builds a small project with ``GODEBUG=gocachehash=1`` and keeps the log."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path

from fastverify.gocache.explain.actions import actions_of
from fastverify.gocache.explain.compare import Comparison, compare
from fastverify.gocache.explain.hashlog import HashLog, read_hash_log
from tests.making.go import Go

#: No imports but the runtime: nothing of the standard library's weight is ever compiled.
PROJECT = {
    "go.mod": "module example.com/project\n\ngo 1.21\n",
    "main.go": 'package main\n\nimport "example.com/project/low"\n\nfunc main() { println(low.Name()) }\n',
    "low/low.go": 'package low\n\nfunc Name() string { return "low" }\n',
    "low/more.go": "package low\n",
    "low/tagged.go": "//go:build extra\n\npackage low\n",
    "withc/withc.go": (
        "package withc\n\n// #cgo LDFLAGS: -lm\n// int one(void) { return 1; }\n"
        'import "C"\n\nfunc One() int { return int(C.one()) }\n'
    ),
}


def write_project(folder: Path) -> Path:
    """The project in a folder of its own."""
    for name, text in PROJECT.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def hash_log(
    go: Go, project: Path, *arguments: str, settings: Mapping[str, str] | None = None, fails: bool = False
) -> HashLog:
    """The log of ``go ARGUMENTS``; by default of what a build would do, and nothing is built."""
    ended = go.run(
        *(arguments or ("build", "-n", ".")),
        modcache=go.gopath / "mod",
        cwd=project,
        settings={"GODEBUG": "gocachehash=1", "GOFLAGS": "-buildvcs=false", **(settings or {})},
    )
    assert fails or ended.returncode == 0, ended.stderr[-2000:]
    return read_hash_log(io.BytesIO(ended.stderr.encode("utf-8", "surrogateescape")), "the log")


def compared(before: HashLog, after: HashLog) -> Comparison:
    """What differs."""
    return compare(actions_of(before), actions_of(after))


def causes(comparison: Comparison) -> set[tuple[str, str]]:
    """Kind and subject of each cause."""
    return {
        (cause.change.kind, cause.change.subject) if cause.change is not None else ("unknown", cause.where[0])
        for cause in comparison.causes
    }
