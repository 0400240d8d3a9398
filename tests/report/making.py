"""Makes findings, results and reports for the renderers' tests."""

from __future__ import annotations

from typing import Any

from fastverify.report.model import Counts, FileChange, Finding, ModuleResult, Report

HASHES = (
    "h1:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
    "h1:G7mAYYxgmS0lVkHyy2hEOLQCFB0DlQFTMLWggykrydY=",
)

MODIFIED = FileChange(
    "unicode/norm/tables.go",
    "modified",
    size=18231,
    mtime="2026-03-04T05:06:07.123456Z",
    owner="mallory",
    mode="-r--r--r--",
    expected="aa" * 32,
    actual="bb" * 32,
)


def finding(**changes: Any) -> Finding:
    """A modified tree, with `changes`."""
    values: dict[str, Any] = {
        "verdict": "modified",
        "severity": "error",
        "where": "dir",
        "path": "/go/pkg/mod/golang.org/x/text@v0.14.0",
        "message": "one file differs from the zip",
        "go": "go build compiles it",
        "hint": "extract it again",
        "module": "golang.org/x/text",
        "version": "v0.14.0",
        "authority": "ziphash",
        "expected": HASHES[0],
        "actual": HASHES[1],
        "files": (MODIFIED,),
    }
    return Finding(**values | changes)


def note(number: int = 0, **changes: Any) -> Finding:
    """A go.mod that nothing vouches for."""
    values: dict[str, Any] = {
        "verdict": "untracked",
        "severity": "note",
        "where": "mod",
        "path": f"/go/pkg/mod/cache/download/example.com/n{number}/@v/v1.0.0.mod",
        "message": "only the go.mod is here, and nothing at hand vouches for it",
        "authority": "",
        "expected": "",
        "actual": "",
        "module": f"example.com/n{number}",
        "version": "v1.0.0",
        "files": (),
    }
    return finding(**values | changes)


def result(*findings: Finding, **changes: Any) -> ModuleResult:
    """What became of the module that `findings` are about."""
    values: dict[str, Any] = {
        "module": findings[0].module if findings else "golang.org/x/text",
        "version": findings[0].version if findings else "v0.14.0",
        "findings": findings,
        "authority": "" if findings else "ziphash",
        "verified": not findings,
        "reason": "damaged" if findings else "",
        "zips": 1,
        "trees": 1,
        "mods": 1,
        "files": 412,
        "bytes": 3_200_000,
    }
    return ModuleResult(**values | changes)


def report(*findings: Finding, **changes: Any) -> Report:
    """A check of 1,021 modules that found `findings`."""
    open_modules = len({(f.module, f.version) for f in findings if f.severity != "warning" and f.module})
    counts = Counts(
        modules=1021,
        verified=1021 - open_modules,
        not_verified=open_modules,
        zips=1000,
        trees=990,
        mods=1021,
        files=310_223,
        bytes=4_210_000_000,
        by_authority={"gosum": 700, "ziphash": 321 - open_modules},
        not_verified_by_reason={"damaged": open_modules} if open_modules else {},
    )
    for one in findings:
        counts.by_verdict[one.verdict] = counts.by_verdict.get(one.verdict, 0) + 1
    values: dict[str, Any] = {
        "engine": "pure",
        "started": "2026-03-04T05:06:07Z",
        "caches": [("modcache", "/go/pkg/mod")],
        "seconds": 3.25,
        "counts": counts,
        "findings": list(findings),
    }
    return Report(**values | changes)
