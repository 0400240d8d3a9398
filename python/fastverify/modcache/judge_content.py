"""Zip, tree and ``.ziphash`` of one module version, against each other and the authorities."""

from __future__ import annotations

from collections.abc import Sequence

from fastverify.engine.protocol import Difference, TreeMeasurement, ZipMeasurement
from fastverify.modcache import advice, layout
from fastverify.modcache.case import Case, is_gone
from fastverify.modcache.content import OUTSIDE, Content
from fastverify.modcache.judge_tree import judge_fips140, judge_tree_form, judge_tree_habits, judge_tree_hash
from fastverify.modcache.judge_zip import judge_zip_form, zip_modified
from fastverify.modcache.judge_ziphash import (
    judge_ziphash_form,
    judge_ziphash_presence,
    malformed_ziphash,
    ziphash_modified,
)


def judge_content(case: Case) -> Content:
    """Judge the three parts that carry the module's hash; what is known of them goes to the next judge."""
    zip_, tree = _present_zip(case.measured.zip), _present_tree(case.measured.tree)
    content = Content(has_zip=zip_ is not None, has_tree=tree is not None)
    ziphash = judge_ziphash_form(case, content)
    if zip_ is not None:
        content.zip = zip_.h1
    if tree is not None:
        content.tree = tree.h1
        content.tree_equals_zip = _equals_zip(zip_, tree, case.measured.differences)
    if not (content.has_zip or content.has_tree):
        malformed_ziphash(case, content)
        _judge_absent_content(case, content)
        return content
    if case.files.module == layout.FIPS140 and not content.has_zip and not content.has_ziphash:
        judge_fips140(case, tree)
        return content
    _choose_authority(case, content, ziphash)
    if zip_ is not None:
        judge_zip_form(case, zip_, content)
    if tree is not None:
        judge_tree_form(case, tree)
    _judge_hashes(case, content, tree)
    malformed_ziphash(case, content)
    judge_ziphash_presence(case, content)
    _judge_absent_parts(case, content)
    if tree is not None:
        judge_tree_habits(case, tree)
    return content


def _present_zip(zip_: ZipMeasurement | None) -> ZipMeasurement | None:
    """A zip that stat does not find is absent, as it is to Go (a dangling link is)."""
    return None if zip_ is None or is_gone(zip_.fault, zip_.stat is None) else zip_


def _present_tree(tree: TreeMeasurement | None) -> TreeMeasurement | None:
    return None if tree is None or is_gone(tree.fault, tree.stat is None) else tree


def _equals_zip(
    zip_: ZipMeasurement | None, tree: TreeMeasurement, differences: Sequence[Difference]
) -> bool:
    if zip_ is None or zip_.h1 is None or tree.h1 is None:
        return False
    return tree.h1 == zip_.files_h1 and not any(d.change not in ("mode", "type") for d in differences)


def _choose_authority(case: Case, content: Content, ziphash: str | None) -> None:
    """The strongest authority at hand: go.sum, else a proved record, else ``.ziphash``, else zip and
    tree agreeing.
    """
    if case.expected:
        content.expected, content.authority = case.expected[0].h1, case.expected[0].authority
    elif ziphash is not None and not (
        content.tree_equals_zip and content.zip is not None and content.zip != ziphash
    ):
        content.expected, content.authority = ziphash, "ziphash"
    elif content.tree_equals_zip:
        content.expected, content.authority = content.zip, "zip"


def _judge_hashes(case: Case, content: Content, tree: TreeMeasurement | None) -> None:
    expected, authority = content.expected, content.authority
    zip_good = content.zip is not None and content.zip == expected
    tree_good = content.tree is not None and (
        content.tree == expected or (zip_good and content.tree_equals_zip)
    )
    content.zip_proved = zip_good
    if authority in OUTSIDE and _consistent_but_not_expected(content, zip_good, tree_good):
        if authority == "gosum":
            _differs_from_gosum(case, content)
        else:
            _differs_from_record(case, content)
        return
    if authority == "gosum" and not (zip_good or tree_good) and _record_vouches(case, content):
        # The go.sum is wrong, and so are those parts that are not what the record proves.
        _differs_from_gosum(case, content)
        content.expected, content.authority = case.proof.h1, "sumdb"
        _judge_hashes(case, content, tree)
        return
    if expected is not None and len(case.expected) > 1:
        _sums_disagree(case)
    if content.zip is not None and expected is not None and not zip_good:
        zip_modified(case, content, tree_good)
    if tree is not None:
        judge_tree_hash(case, content, tree, tree_good)
    if authority == "zip" and content.has_ziphash and content.ziphash not in (None, expected):
        ziphash_modified(case, content, "zip")
    elif authority in OUTSIDE and content.ziphash not in (None, expected, content.zip, content.tree):
        ziphash_modified(case, content, authority)
    if zip_good or tree_good:
        case.vouched.append(authority)
        case.vouched_content.append(authority)
    if (content.has_zip and content.zip is not None and expected is None) or (
        content.has_tree and content.tree is not None and expected is None
    ):
        case.unvouched = True
    if case.sums_given and not case.expected:
        _no_gosum_line(case, content)


def _consistent_but_not_expected(content: Content, zip_good: bool, tree_good: bool) -> bool:
    """All parts agree with each other, and only the authority outside the cache differs."""
    if zip_good or tree_good or content.ziphash == content.expected:
        return False
    hashes = set()
    if content.has_zip:
        hashes.add(content.zip)
    if content.has_tree and not content.tree_equals_zip:
        hashes.add(content.tree)
    if content.has_ziphash:
        hashes.add(content.ziphash)
    # A lone tree or zip without any record proves nothing against the authority but itself.
    parts = content.has_zip + content.has_tree + content.has_ziphash
    return len(hashes) == 1 and None not in hashes and parts > 1


def _record_vouches(case: Case, content: Content) -> bool:
    """Whether a proved record has the hash of the zip or of the tree."""
    return case.proof.status == "proved" and case.proof.h1 in {content.zip, content.tree} - {None}


def _differs_from_gosum(case: Case, content: Content) -> None:
    expectation = case.expected[0]
    proved = _record_vouches(case, content)
    actual = (case.proof.h1 if proved else None) or content.zip or content.tree or ""
    case.add(
        "modified",
        "gosum",
        expectation.file,
        message=f"the cached module is what the checksum database proves, yet line {expectation.line} of the "
        "go.sum has another hash: go.sum is wrong"
        if proved
        else "the cached module agrees with its own .ziphash, yet line "
        f"{expectation.line} of the go.sum has another hash: the module was replaced as a whole, "
        "or go.sum was changed",
        go=advice.GO_BLIND_TO_SUM,
        hint="find out who changed go.sum and restore it from version control"
        if proved
        else advice.redownload(
            case.paths,
            tree=content.has_tree,
            caution="; if the fresh copy differs from go.sum too, do not build it before you know why",
        ),
        authority="gosum",
        expected=expectation.h1,
        actual=actual,
    )


def _differs_from_record(case: Case, content: Content) -> None:
    expectation = case.expected[0]
    case.add(
        "modified",
        "sumdb",
        expectation.file,
        message="the cached module agrees with its own .ziphash, yet the checksum database proves another "
        "hash: the module was replaced as a whole",
        go=advice.GO_BLIND_TO_RECORD,
        hint=advice.redownload(case.paths, tree=content.has_tree),
        authority="sumdb",
        expected=expectation.h1,
        actual=content.zip or content.tree or "",
    )


def _sums_disagree(case: Case) -> None:
    first, other = case.expected[0], case.expected[1]
    case.add(
        "modified",
        "gosum",
        other.file,
        message=f"line {other.line} has another hash than line {first.line} of {first.file}",
        go=advice.GO_REFUSES_SUM,
        hint="find out which of the two go.sum files is right before you build either project",
        authority="gosum",
        expected=first.h1,
        actual=other.h1,
    )


def _judge_absent_parts(case: Case, content: Content) -> None:
    paths = case.paths
    if not content.has_zip and "download" not in case.files.hidden:
        case.add(
            "missing",
            "zip",
            paths.zip,
            message="the zip is not there; the extracted tree cannot be compared file by file",
            go=advice.GO_REFETCHES_ZIP,
            hint=advice.download(paths, "nothing has to be done for builds; to have it again"),
            severity="warning",
        )
    elif not content.has_tree and "tree" not in case.files.hidden:
        is_bad = any(found.where == "zip" and found.severity == "error" for found in case.findings)
        case.add(
            "missing",
            "dir",
            paths.tree,
            message="the module is downloaded and not extracted",
            go=advice.GO_EXTRACTS_TREE,
            hint="mend the zip first"
            if is_bad
            else advice.download(paths, "nothing has to be done; to have it again"),
            severity="warning",
        )


def _judge_absent_content(case: Case, content: Content) -> None:
    """Neither zip nor tree: a version that only its go.mod or .info was fetched of."""
    if not content.has_ziphash:
        return
    case.add(
        "missing",
        "zip",
        case.paths.zip,
        message="a hash is recorded for a zip that is not there",
        go="go build and go mod download fetch the zip again",
        hint=advice.download(case.paths, "nothing has to be done; to have it again"),
        severity="warning",
    )


def _no_gosum_line(case: Case, content: Content) -> None:
    held = "held to its own .ziphash alone" if content.ziphash is not None else "held to nothing"
    case.add(
        "untracked",
        "gosum",
        case.paths.zip if content.has_zip else case.paths.tree,
        message=f"no go.sum given has a line for this version; it is {held}",
        go="the go command takes it as it is, or asks the checksum database when a project starts to use it",
        hint="give the project that uses it with --project, or leave it",
        severity="note",
    )
