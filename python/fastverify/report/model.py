"""The report: one model, rendered by each format in this package.

The JSON form of these records is a contract (``schema: fastverify/1``): fields are added, never
renamed or removed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from fastverify.report.tally import Tally

SCHEMA = "fastverify/1"

CacheKind = Literal["modcache", "gocache", "vendor", "proxy"]
Verdict = Literal["modified", "malformed", "unreadable", "missing", "untracked", "warning"]
Severity = Literal["error", "warning", "note"]
Where = Literal[
    "zip",
    "dir",
    "ziphash",
    "mod",
    "info",
    "list",
    "partial",
    "lock",
    "gosum",
    "sumdb",
    "vendor",
    "action",
    "output",
    "layout",
]
#: Strongest first.
Authority = Literal["gosum", "sumdb", "ziphash", "zip", "baseline", "name", ""]
Change = Literal["modified", "missing", "extra", "type", "mode"]

SEVERITIES: tuple[Severity, ...] = ("note", "warning", "error")


def at_least(severity: Severity, threshold: Severity) -> bool:
    """Whether `severity` is `threshold` or graver."""
    return SEVERITIES.index(severity) >= SEVERITIES.index(threshold)


class FileChange(NamedTuple):
    """One file of a module that is not what it should be."""

    #: Relative to the module's root, ``/`` between elements; bytes that are no UTF-8 are shown as
    #: U+FFFD, and `path_hex` then has the exact name.
    path: str
    change: Change
    path_hex: str | None = None
    #: Of the file as found; None where it is not there.
    size: int | None = None
    #: RFC 3339, UTC.
    mtime: str | None = None
    #: User name, or the number where it has no name; None where unknown.
    owner: str | None = None
    #: Permission bits and type, as ``ls -l`` writes them.
    mode: str | None = None
    #: SHA-256, 64 hex digits, of the authority's copy and of the file as found.
    expected: str | None = None
    actual: str | None = None

    def to_json(self) -> dict[str, Any]:
        """The JSON form; what is None is left out."""
        return {name: value for name, value in self._asdict().items() if value is not None}


class Finding(NamedTuple):
    """One thing that is wrong, suspicious, or not vouched for, and what follows from it."""

    verdict: Verdict
    severity: Severity
    where: Where
    path: str
    message: str
    go: str
    hint: str
    cache: CacheKind = "modcache"
    module: str = ""
    version: str = ""
    action: str = ""
    output: str = ""
    authority: Authority = ""
    expected: str = ""
    actual: str = ""
    #: They may be made as they are looked at, and are equal to a tuple of the same.
    files: Sequence[FileChange] = ()

    def to_json(self) -> dict[str, Any]:
        """The JSON form, every field present."""
        return {
            "cache": self.cache,
            "module": self.module,
            "version": self.version,
            "verdict": self.verdict,
            "severity": self.severity,
            "where": self.where,
            "action": self.action,
            "output": self.output,
            "path": self.path,
            "authority": self.authority,
            "expected": self.expected,
            "actual": self.actual,
            "files": [change.to_json() for change in self.files],
            "message": self.message,
            "go": self.go,
            "hint": self.hint,
        }


@dataclass(slots=True)
class Counts:
    """What was read, and what came of it.

    ``verified + not_verified == modules``: every module version of the cache is in one of the two.
    """

    modules: int = 0
    verified: int = 0
    not_verified: int = 0
    #: How many of the modules are the files of one in a vendor folder.
    vendored: int = 0
    zips: int = 0
    trees: int = 0
    #: ``.mod`` files held to an authority or read.
    mods: int = 0
    #: Files of the trees, and all bytes read (archives, trees, ``.mod`` and the rest).
    files: int = 0
    bytes: int = 0
    by_verdict: dict[str, int] = field(default_factory=dict)
    #: Module versions by the strongest authority that vouched for them.
    by_authority: dict[str, int] = field(default_factory=dict)
    #: Module versions that are not verified, by reason (see ``modcache.judge.NotVerified``).
    not_verified_by_reason: dict[str, int] = field(default_factory=dict)
    #: Module versions that went away while they were read; in none of the counts above.
    vanished: int = 0
    #: Of build caches: action entries and outputs that were read; the bytes of outputs count above.
    entries: int = 0
    outputs: int = 0
    #: Outputs whose content is not what their name says, those that do not fit an entry or Go's formats,
    #: and those that could not be read.
    outputs_damaged: int = 0
    outputs_unreadable: int = 0
    #: Entries and outputs that went away while they were read.
    outputs_vanished: int = 0
    #: Values for fuzzing that were read.
    fuzz_values: int = 0

    def to_json(self) -> dict[str, Any]:
        """The JSON form, in an order that does not hang on what was counted first."""
        values = {name: getattr(self, name) for name in self.__slots__}
        return {k: dict(sorted(v.items())) if isinstance(v, Mapping) else v for k, v in values.items()}


class ModuleResult(NamedTuple):
    """What became of one module version; streamed as it is known.

    Findings about the cache as a whole (strays, an unreadable folder) come with an empty `module`.
    """

    module: str
    version: str
    findings: tuple[Finding, ...]
    #: The strongest authority that vouched for it; "" where none did.
    authority: Authority = ""
    #: Whether every part of it that is there was read and vouched for.
    verified: bool = False
    #: Why not, as a key of ``not_verified_by_reason``; "" where it is verified.
    reason: str = ""
    #: Whether it is not a version of a cache, but what a vendor folder has of one; its tree then is there.
    vendored: bool = False
    zips: int = 0
    trees: int = 0
    mods: int = 0
    files: int = 0
    bytes: int = 0


class BuildResult(NamedTuple):
    """What became of some entries and outputs of a build cache, or what was found about it as a whole."""

    findings: tuple[Finding, ...] = ()
    entries: int = 0
    outputs: int = 0
    damaged: int = 0
    unreadable: int = 0
    vanished: int = 0
    bytes: int = 0
    #: Values for fuzzing that were read.
    values: int = 0


#: What a check gives out as it goes.
Result = ModuleResult | BuildResult


class ThreadTimes(NamedTuple):
    """What one thread, or worker process, spent its time on."""

    name: str
    #: Seconds of each stage; together they are the thread's life.
    stages: dict[str, float]

    def to_json(self) -> dict[str, Any]:
        """The JSON form."""
        stages = {stage: round(seconds, 6) for stage, seconds in self.stages.items()}
        return {"name": self.name, "seconds": round(sum(self.stages.values()), 6), "stages": stages}


class Timings(NamedTuple):
    """The profile of a check."""

    #: From the beginning to the end.
    seconds: float
    threads: tuple[ThreadTimes, ...]

    def to_json(self) -> dict[str, Any]:
        """The JSON form."""
        return {"seconds": round(self.seconds, 6), "threads": [thread.to_json() for thread in self.threads]}


@dataclass(slots=True)
class Report:
    """A whole check."""

    engine: Literal["native", "pure"]
    #: RFC 3339, UTC.
    started: str
    caches: list[tuple[CacheKind, str]]
    seconds: float = 0.0
    #: Folder and files that were given as trusted: ``{"projects": [...], "gosums": [...]}``.
    project: dict[str, Any] | None = None
    counts: Counts = field(default_factory=Counts)
    #: What was found, but for what has been forgotten.
    findings: list[Finding] = field(default_factory=list)
    #: False where the check was interrupted.
    complete: bool = True
    #: What the caches hold that this check does not look into, a sentence each.
    not_checked: list[str] = field(default_factory=list)
    #: Where the time went, if that was asked for.
    timings: Timings | None = None
    #: What is still known of findings that have been forgotten.
    forgotten: Tally = field(default_factory=Tally, repr=False)

    def to_json(self) -> dict[str, Any]:
        """The report in its JSON form, with those findings that it has."""
        from fastverify import __version__

        report = {
            "schema": SCHEMA,
            "fastverify": __version__,
            "engine": self.engine,
            "started": self.started,
            "seconds": round(self.seconds, 3),
            "complete": self.complete,
            "caches": [{"kind": kind, "path": path} for kind, path in self.caches],
            "project": self.project,
            "counts": self.counts.to_json(),
            "not_checked": list(self.not_checked),
            "findings": [finding.to_json() for finding in self.findings],
        }
        if self.timings is not None:
            report["timings"] = self.timings.to_json()
        return report

    def take(self, findings: Iterable[Finding]) -> None:
        """Enter what was found, and count it by verdict."""
        for finding in findings:
            self.findings.append(finding)
            by_verdict = self.counts.by_verdict
            by_verdict[finding.verdict] = by_verdict.get(finding.verdict, 0) + 1

    def forget(self) -> None:
        """Let go of the findings; how many there were of each kind is kept.

        For whoever has written them: a finding may name thousands of files.
        """
        self.forgotten.add(self.findings)
        self.findings.clear()

    def tally(self) -> Tally:
        """All that was found, counted."""
        return self.forgotten.with_more(self.findings)

    def worst(self) -> Severity | None:
        """The gravest severity among all that was found; None where there is nothing."""
        return max((severity for severity, *_ in self.tally().kinds), key=SEVERITIES.index, default=None)
