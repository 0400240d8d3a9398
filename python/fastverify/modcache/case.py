"""One module version on its way to a judgement: what is known of it, and what was found so far."""

from __future__ import annotations

import errno
from collections.abc import Sequence
from dataclasses import dataclass, field

from fastverify.engine.faults import describe
from fastverify.engine.protocol import Difference, Fault, ModuleMeasurement
from fastverify.modcache import advice, changes
from fastverify.modcache.gosum import Expectation
from fastverify.modcache.modulefiles import ModuleFiles
from fastverify.report.model import Authority, FileChange, Finding, Severity, Verdict, Where
from fastverify.sumdb.proof import ABSENT, Proof


@dataclass(slots=True)
class Case:
    """One module version on its way to a judgement."""

    files: ModuleFiles
    paths: advice.Paths
    measured: ModuleMeasurement
    expected: list[Expectation]
    expected_mod: list[Expectation]
    #: Whether any go.sum was given at all.
    sums_given: bool
    #: What the checksum database says of it.
    proof: Proof = ABSENT
    findings: list[Finding] = field(default_factory=list)
    #: Authorities that vouched for a part, in the order of parts.
    vouched: list[Authority] = field(default_factory=list)
    #: Those of them that vouched for the zip or the tree.
    vouched_content: list[Authority] = field(default_factory=list)
    #: Whether a part that is there could not be held to anything.
    unvouched: bool = False

    def add(
        self,
        verdict: Verdict,
        where: Where,
        path: str,
        *,
        message: str,
        go: str,
        hint: str,
        severity: Severity = "error",
        authority: Authority = "",
        expected: str = "",
        actual: str = "",
        differences: Sequence[Difference] = (),
        faults: tuple[Fault, ...] = (),
        of_zip: bool = False,
    ) -> None:
        """Add a finding; `differences` are told from the zip's side where `of_zip` is set."""
        listed: Sequence[FileChange] = ()
        if differences:
            listed = changes.of_zip(differences) if of_zip else changes.of_tree(differences)
            if self.measured.more_differences:
                message += f"; {self.measured.more_differences} more files differ than are named"
        elif faults:
            listed = changes.unreadable_entries(faults, self.files.module, self.files.version)
        self.findings.append(
            Finding(
                verdict=verdict,
                severity=severity,
                where=where,
                path=path,
                message=message,
                go=go,
                hint=hint,
                module=self.files.module,
                version=self.files.version,
                authority=authority,
                expected=expected,
                actual=actual,
                files=listed,
            )
        )

    def unreadable(self, where: Where, path: str, fault: Fault) -> None:
        """Add that a part could not be read, and so is not verified."""
        if fault.code in ("too-many-names", "zip-directory-too-large"):
            self.add(
                "unreadable",
                where,
                path,
                message=f"it is not verified: {describe(fault)}",
                go=advice.GO_READS_ALL,
                hint="no module has nearly so many files: look at what they are, then remove it and "
                "download the module again",
            )
            return
        if fault.code == "not-regular" and not fault.name:
            self.add(
                "malformed",
                where,
                path,
                message="this is no file but something else, a directory or a device",
                go=advice.GO_CANNOT_READ,
                hint=advice.replace(self.paths, path),
            )
            return
        at = f"{changes.shown(fault.name)} in it " if fault.name else ""
        is_loop = fault.errno == errno.ELOOP and not fault.name
        self.add(
            "unreadable",
            where,
            path,
            message=f"{at}cannot be read, so it is not verified: {describe(fault)}",
            go=advice.GO_FETCHES_UNREADABLE if where in ("mod", "info") else advice.GO_CANNOT_READ,
            hint=advice.replace(self.paths, path) if is_loop else advice.READ_AS_ANOTHER,
        )


def is_gone(fault: Fault | None, no_stat: bool) -> bool:
    """Whether a part that was listed was not there any more when it was measured."""
    if fault is None:
        return no_stat
    return fault.code == "os" and fault.errno == errno.ENOENT and not fault.name
