"""Findings about a build cache, made in one place."""

from __future__ import annotations

from fastverify.report.model import Finding, Severity, Verdict, Where


def cache_finding(  # noqa: PLR0917 - the order is Finding's own
    verdict: Verdict,
    severity: Severity,
    where: Where,
    path: str,
    message: str,
    go: str,
    hint: str,
    *,
    action: str = "",
    output: str = "",
    expected: str = "",
    actual: str = "",
) -> Finding:
    """A finding in a build cache.

    What is `modified`, other than an entry, is held to its name: that is the authority.
    """
    return Finding(
        verdict,
        severity,
        where,
        path,
        message,
        go,
        hint,
        cache="gocache",
        action=action,
        output=output,
        authority="name" if verdict == "modified" and expected and where != "action" else "",
        expected=expected,
        actual=actual,
    )
