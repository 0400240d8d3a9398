"""What the measurements of one module version mean: pure functions from plain records to findings.

Nothing is opened here.  The authorities, strongest first, are the trusted go.sum files, a proved
record of the checksum database, the cache's own ``.ziphash``, and the agreement of zip and tree; a finding
names the part that differs from the strongest authority at hand, and one cause makes one finding.
"""

from __future__ import annotations

from typing import Literal

from fastverify.engine.protocol import ModuleMeasurement
from fastverify.modcache import advice
from fastverify.modcache.case import Case
from fastverify.modcache.gosum import Expectation, TrustedSums
from fastverify.modcache.judge_content import judge_content
from fastverify.modcache.judge_record import judge_record
from fastverify.modcache.judge_versionfiles import judge_info, judge_mod
from fastverify.modcache.modulefiles import ModuleFiles
from fastverify.report.model import Authority, Finding, ModuleResult
from fastverify.sumdb.proof import ABSENT, Proof

#: Why a module version does not count as verified.
NotVerified = Literal["", "damaged", "unreadable", "untracked"]
_STRONGEST_FIRST: tuple[Authority, ...] = ("gosum", "sumdb", "ziphash", "zip")


def judge_module(
    root: str, files: ModuleFiles, measured: ModuleMeasurement, sums: TrustedSums, proof: Proof = ABSENT
) -> ModuleResult:
    """Judge one module version of the module cache `root` by what was measured of it.

    `proof` is what the checksum database says of it.
    """
    module, version = files.module, files.version
    case = Case(
        files=files,
        paths=advice.Paths(root, module, version),
        measured=measured,
        expected=sums.of_module(module, version) or _proved(proof.h1, proof),
        expected_mod=sums.of_go_mod(module, version) or _proved(proof.go_mod_h1, proof),
        sums_given=bool(sums),
        proof=proof,
    )
    content = judge_content(case)
    judge_mod(case, content)
    judge_record(case, content)
    judge_info(case)
    _judge_leftovers(case)
    return _result(case)


def _proved(h1: str | None, proof: Proof) -> list[Expectation]:
    """What the checksum database holds a hash to, where no go.sum does."""
    return [Expectation(h1, proof.path, 0, "sumdb")] if h1 is not None and proof.status == "proved" else []


def _judge_leftovers(case: Case) -> None:
    partial = case.files.path("partial")
    if partial is not None:
        case.add(
            "warning",
            "partial",
            partial,
            message="an extraction of this module was begun and never ended",
            go=advice.GO_REEXTRACTS_PARTIAL,
            hint=advice.download(case.paths, "let Go extract it again"),
            severity="warning",
        )


def _reason(case: Case) -> NotVerified:
    if any(f.verdict == "modified" or _is_damage(f) for f in case.findings):
        return "damaged"
    if case.files.hidden or any(f.severity == "error" for f in case.findings):
        return "unreadable"
    return "untracked" if case.unvouched or not case.vouched else ""


def _is_damage(finding: Finding) -> bool:
    return finding.severity == "error" and finding.verdict != "unreadable"


def _result(case: Case) -> ModuleResult:
    measured, reason = case.measured, _reason(case)
    # A module is vouched for by what vouches for its content, and by that of its go.mod only if there is
    # nothing else here of it.
    vouched = case.vouched_content or case.vouched
    zip_, tree, mod = measured.zip, measured.tree, measured.mod
    sizes = [part.stat.size for part in (zip_, mod, measured.info, measured.ziphash) if part and part.stat]
    return ModuleResult(
        module=case.files.module,
        version=case.files.version,
        findings=tuple(case.findings),
        authority=min(vouched, key=_STRONGEST_FIRST.index) if vouched and not reason else "",
        verified=not reason,
        reason=reason,
        zips=int(zip_ is not None and zip_.stat is not None),
        trees=int(tree is not None and tree.stat is not None),
        mods=int(mod is not None and mod.stat is not None),
        files=tree.files if tree is not None else 0,
        bytes=sum(sizes) + (tree.bytes if tree is not None else 0),
    )
