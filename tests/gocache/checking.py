"""Checks caches, and says what was found in a word or two."""

from __future__ import annotations

from pathlib import Path

from fastverify import check_caches
from fastverify.engine.protocol import Engine
from fastverify.report.model import Finding, Report


def report_of(cache: Path, engine: Engine) -> Report:
    """The report on a cache, checked to its end."""
    with check_caches(cache, engine=engine.name, threads=2) as check:
        for _ in check:
            pass
    assert check.report.complete
    assert check.report.engine == engine.name
    return check.report


CARRIES = "may carry the damage on"


def found(report: Report, *, notes: bool = False) -> list[Finding]:
    """What was found, carriers apart; notes only where they are asked for."""
    return [
        finding
        for finding in report.findings
        if (notes or finding.severity != "note") and CARRIES not in finding.message
    ]


def carriers(report: Report) -> list[Finding]:
    """Packages that may have been compiled from what is damaged."""
    return [finding for finding in report.findings if CARRIES in finding.message]


def short(finding: Finding) -> str:
    """``error modified output``."""
    return f"{finding.severity} {finding.verdict} {finding.where}"
