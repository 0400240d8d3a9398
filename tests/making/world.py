"""A small world to do damage in: a module cache, a project that uses it, and what a check says of it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from fastverify import check_module_cache
from fastverify.engine.protocol import EngineName
from fastverify.report.model import Authority, Finding, ModuleResult, Report, Severity, Verdict, Where
from tests.making.modules import Module, ModuleCache, Places, Project, module

VICTIM = module("example.com/victim", "v1.2.3")
BYSTANDER = module("example.com/By/Stander", "v0.1.0")

#: An authority that is go.sum where the project is given, and the cache's own ``.ziphash`` else.
STRONGEST = "strongest"


@dataclass(frozen=True)
class Expected:
    """A finding as a test expects it."""

    verdict: Verdict
    where: Where
    severity: Severity = "error"
    authority: Authority | str = ""
    #: ``(path, change)`` of each file named.
    files: tuple[tuple[str, str], ...] = ()
    #: Relative to the world's folder; by default the victim's part that `where` names.
    path: str = ""
    module: str = VICTIM.path
    version: str = VICTIM.version


@dataclass
class World:
    """A module cache with a victim and a bystander, and a project that requires both."""

    folder: Path
    victim: Module = VICTIM
    #: What the project requires, beside what is only in the cache.
    required: Sequence[Module] = (VICTIM, BYSTANDER)
    go_mod: str = ""
    cache: ModuleCache = field(init=False)
    project: Project = field(init=False)

    def __post_init__(self) -> None:
        self.cache = ModuleCache(self.folder / "cache")
        self.cache.add(*{each.path: each for each in (self.victim, *self.required)}.values())
        self.project = Project.make(self.folder / "project", self.required, go_mod=self.go_mod)

    @property
    def places(self) -> Places:
        """Where the victim's parts lie."""
        return self.cache.places(self.victim)

    def check(self, engine: EngineName, *, project: bool = False) -> Outcome:
        """Check the cache, with the project's go.sum or without."""
        return check(self.cache.root, engine=engine, projects=[self.project.root] if project else [])

    def expect(self, expected: Expected, *, project: bool) -> Expected:
        """`expected` with the path and the authority filled in."""
        path: Path | str = expected.path and self.folder / expected.path
        if not path:
            path = {
                "dir": self.places.tree,
                "gosum": self.project.gosum,
            }.get(expected.where) or getattr(self.places, expected.where)
        authority = expected.authority
        if authority == STRONGEST:
            authority = "gosum" if project else "ziphash"
        return Expected(
            expected.verdict,
            expected.where,
            expected.severity,
            authority,
            expected.files,
            os.fspath(path),
            expected.module,
            expected.version,
        )


@dataclass(frozen=True)
class Outcome:
    """What a check gave out."""

    report: Report
    results: list[ModuleResult]

    @property
    def findings(self) -> list[Expected]:
        """Every finding in the form that a test expects it in, in a fixed order."""
        return sorted((as_expected(finding) for finding in self.report.findings), key=str)

    def errors_and_warnings(self) -> list[Finding]:
        """What would alarm somebody."""
        return [finding for finding in self.report.findings if finding.severity != "note"]


def as_expected(finding: Finding) -> Expected:
    """The part of a finding that tests compare."""
    return Expected(
        finding.verdict,
        finding.where,
        finding.severity,
        finding.authority,
        tuple((change.path, change.change) for change in finding.files),
        finding.path,
        finding.module,
        finding.version,
    )


def check(
    *roots: Path,
    engine: EngineName,
    projects: Sequence[Path] = (),
    gosums: Sequence[Path] = (),
    threads: int = 1,
) -> Outcome:
    """Check module caches through the public API, and hold the report to what must be so in any."""
    made = check_module_cache(*roots, engine=engine, projects=projects, gosums=gosums, threads=threads)
    with made:
        results = list(made)
    report = made.report
    assert report.complete
    assert report.engine == engine
    assert [finding for result in results for finding in result.findings] == report.findings
    modules = [result for result in results if result.module]
    counts = report.counts
    assert counts.modules == len(modules) == counts.verified + counts.not_verified
    assert counts.verified == sum(result.verified for result in modules)
    assert counts.not_verified == sum(counts.not_verified_by_reason.values())
    for finding in report.findings:
        assert finding.message
        assert finding.go
        assert finding.hint
    return Outcome(report, results)
