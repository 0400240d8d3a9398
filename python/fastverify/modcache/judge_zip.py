"""The zip of one module version: its form, and content that no authority vouches for."""

from __future__ import annotations

import stat

from fastverify.engine.faults import describe
from fastverify.engine.protocol import ZipMeasurement
from fastverify.modcache import advice, changes, versionfiles
from fastverify.modcache.case import Case
from fastverify.modcache.content import OUTSIDE, Content, authority_words


def judge_zip_form(case: Case, zip_: ZipMeasurement, content: Content) -> None:
    """Faults and broken rules that make a zip bad whatever its hash is."""
    paths, fault = case.paths, zip_.fault
    if fault is None and not zip_.violations:
        return
    tree_good = content.tree is not None and content.tree == content.expected
    is_directory = zip_.stat is not None and stat.S_ISDIR(zip_.stat.mode)
    hint = advice.redownload(paths, tree=content.has_tree and not tree_good, is_directory=is_directory)
    go = _go_refuses(content)
    if fault is None:
        first = zip_.violations[0]
        case.add(
            "malformed",
            "zip",
            paths.zip,
            message=f"Go refuses to extract this zip: {versionfiles.violation_text(first)}"
            + (f" (and {len(zip_.violations) - 1} more)" if len(zip_.violations) > 1 else ""),
            go=go,
            hint=hint,
            authority=content.authority,
            expected=content.expected or "",
            actual=zip_.h1 or "",
        )
    elif fault.code in ("os", "too-many-names", "zip-directory-too-large"):
        case.unreadable("zip", paths.zip, fault)
    elif fault.code == "not-regular":
        case.add(
            "modified",
            "zip",
            paths.zip,
            message=f"this is no file but a {changes.kind_of(zip_.stat)}",
            go=advice.GO_CANNOT_READ if is_directory else advice.GO_HANGS,
            hint=hint,
            authority=content.authority,
            expected=content.expected or "",
        )
    else:
        bad = zip_.bad_entries
        case.add(
            "malformed",
            "zip",
            paths.zip,
            message=f"the zip cannot be read: {describe(fault)}",
            go=go,
            hint=hint,
            authority=content.authority,
            expected=content.expected or "",
            faults=bad,
        )


def zip_modified(case: Case, content: Content, tree_good: bool) -> None:
    """A zip whose content is not what it is held to."""
    known = tree_good and content.has_tree
    forged = content.authority in OUTSIDE and content.ziphash == content.zip
    source = authority_words(case, content)
    message = f"the zip's content is not what {source} says"
    if forged:
        message += ", and .ziphash was changed to match it"
    if known:
        message += "; the extracted tree is as it should be, and the files that differ from it are named"
    elif content.has_tree and content.tree_equals_zip:
        message += "; the extracted tree holds the same wrong files, so none can be named"
    elif content.has_tree:
        message += "; the extracted tree is wrong too, so which file of the zip is wrong cannot be known"
    else:
        message += "; without an extracted tree, which file is wrong cannot be known"
    case.add(
        "modified",
        "zip",
        case.paths.zip,
        message=message,
        go=_go_on_other_content(case, content),
        hint=advice.redownload(case.paths, tree=content.has_tree and not tree_good),
        authority=content.authority,
        expected=content.expected or "",
        actual=content.zip or "",
        differences=case.measured.differences if known else (),
        of_zip=True,
    )


def _go_on_other_content(case: Case, content: Content) -> str:
    if case.measured.zip is not None and case.measured.zip.violations:
        return _go_refuses(content)
    return advice.GO_IGNORES_ZIP if content.has_tree else advice.GO_EXTRACTS_ZIP


def _go_refuses(content: Content) -> str:
    return advice.GO_REFUSES_ZIP if content.has_tree else advice.GO_REFUSES_LONE_ZIP
