"""A module version's record of the checksum database, against go.sum and what is in the cache."""

from __future__ import annotations

from fastverify.modcache import advice
from fastverify.modcache.case import Case
from fastverify.modcache.content import Content
from fastverify.modcache.gosum import Expectation


def judge_record(case: Case, content: Content) -> None:
    """Add where the record and go.sum contradict each other, and where a record that is not proved
    differs from what is vouched for otherwise.

    A proved record without a line of go.sum has been an authority already.
    """
    proof = case.proof
    if proof.status == "proved":
        first = _gosum(case.expected)
        actual = content.zip or content.tree
        # Where the cache has what the record says, it is go.sum that is told to differ.
        if first is not None and proof.h1 not in (None, first.h1, actual):
            _contradicts(case, first, proof.h1 or "", content, of_mod=False)
        first = _gosum(case.expected_mod)
        if first is not None and proof.go_mod_h1 not in (None, first.h1, _mod_h1(case)):
            _contradicts(case, first, proof.go_mod_h1 or "", content, of_mod=True)
    elif proof.status == "unprovable":
        expected = content.expected or content.zip or content.tree
        if proof.h1 is not None and expected not in (None, proof.h1):
            _differs_unproved(case, expected or "", proof.h1, "module", content)
        elif proof.go_mod_h1 is not None and _mod_h1(case) not in (None, proof.go_mod_h1):
            _differs_unproved(case, _mod_h1(case) or "", proof.go_mod_h1, "go.mod", content)


def _gosum(expected: list[Expectation]) -> Expectation | None:
    return expected[0] if expected and expected[0].authority == "gosum" else None


def _mod_h1(case: Case) -> str | None:
    return case.measured.mod.h1 if case.measured.mod is not None else None


def _contradicts(case: Case, first: Expectation, proved: str, content: Content, *, of_mod: bool) -> None:
    what = "go.mod" if of_mod else "module"
    same = _mod_h1(case) == first.h1 if of_mod else content.zip_proved
    case.add(
        "modified",
        "sumdb",
        case.proof.path,
        message=f"the checksum database proves another hash of this {what} than {first.source} has"
        + ("; the cache has what go.sum says, so both were replaced" if same else ""),
        go=advice.GO_BLIND_TO_RECORD,
        hint="do not build it before you know where that line comes from; when it is taken out of "
        f"{first.file}, Go asks the database again: {advice.redownload(case.paths, tree=content.has_tree)}",
        authority="sumdb",
        expected=proved,
        actual=first.h1,
    )


def _differs_unproved(case: Case, expected: str, claimed: str, what: str, content: Content) -> None:
    case.add(
        "modified",
        "sumdb",
        case.proof.path,
        message=f"the record of the checksum database has another hash of this {what}, and it cannot be "
        f"proved ({case.proof.reason}): the record was changed, or the {what} was replaced",
        go=advice.GO_BLIND_TO_RECORD,
        hint=advice.redownload(
            case.paths,
            tree=content.has_tree,
            caution=", the record too, so that Go compares them",
            record=case.proof.path,
        ),
        authority=content.authority if what == "module" else "",
        expected=expected,
        actual=claimed,
    )
