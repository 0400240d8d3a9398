"""What a summary has to know of findings, without the findings themselves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fastverify.report.model import Finding, Severity


class Tally:
    """Findings, counted; a kind stands where its first does."""

    __slots__ = ("damaged", "first", "kinds")

    def __init__(self) -> None:
        #: How many there are of each severity, verdict and place.
        self.kinds: Counter[tuple[Severity, str, str]] = Counter()
        #: What the first of each kind says.
        self.first: dict[tuple[Severity, str, str], str] = {}
        #: The module versions that an error is about, but for a line that a go.sum lacks: that is about a
        #: module, and no fault of it.
        self.damaged: set[tuple[str, str]] = set()

    def add(self, findings: Iterable[Finding]) -> None:
        """Count `findings`."""
        for finding in findings:
            kind = finding.severity, finding.verdict, finding.where
            self.kinds[kind] += 1
            self.first.setdefault(kind, finding.message)
            if kind[0] == "error" and finding.module and kind[1:] != ("missing", "gosum"):
                self.damaged.add((finding.module, finding.version))

    def with_more(self, findings: Iterable[Finding]) -> Tally:
        """Another tally, of these and of `findings`."""
        both = Tally()
        both.kinds.update(self.kinds)
        both.first.update(self.first)
        both.damaged |= self.damaged
        both.add(findings)
        return both

    def of_severity(self, severity: Severity) -> int:
        """How many there are of this severity."""
        return sum(many for kind, many in self.kinds.items() if kind[0] == severity)
