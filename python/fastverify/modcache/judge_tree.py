"""The extracted tree of one module version: its form, its content, and what no hash sees."""

from __future__ import annotations

import stat
from bisect import bisect_left

from fastverify.engine.differences import Differences
from fastverify.engine.protocol import Change, TreeMeasurement
from fastverify.modcache import advice, changes
from fastverify.modcache.case import Case
from fastverify.modcache.content import Content, authority_words
from fastverify.report.model import Authority


def judge_tree_form(case: Case, tree: TreeMeasurement) -> None:
    """A tree that is no directory, and parts of it that cannot be read."""
    paths = case.paths
    if tree.fault is None:
        return
    if tree.fault.code == "not-directory":
        case.add(
            "malformed",
            "dir",
            paths.tree,
            message=f"this is no directory but a {changes.kind_of(tree.stat)}",
            go=advice.GO_FOLLOWS_LINK
            if tree.stat is not None and stat.S_ISLNK(tree.stat.mode)
            else advice.GO_REPLACES_FILE,
            hint=advice.replace(paths, paths.tree),
            severity="error",
        )
        return
    if tree.fault.code == "too-many-names":
        case.unreadable("dir", paths.tree, tree.fault)
        return
    # What is told as a difference is not told again, nor what the hash does not take.
    odd = {d.path for d in case.measured.differences if d.change == "type"}
    are_told = bool(case.measured.more_differences)
    unreadable = [
        fault
        for fault in tree.faults
        if fault.name not in odd and (fault.code == "os" or not (are_told or fault.code == "name-newline"))
    ]
    for fault in unreadable:
        case.unreadable("dir", paths.tree, fault)
    if unreadable and tree.more_faults:
        case.add(
            "unreadable",
            "dir",
            paths.tree,
            message=f"{tree.more_faults} more in it than are named cannot be read, so they are not verified",
            go=advice.GO_CANNOT_READ,
            hint=advice.READ_AS_ANOTHER,
        )


def judge_tree_hash(case: Case, content: Content, tree: TreeMeasurement, tree_good: bool) -> None:
    """The tree's content against what it is held to, and file by file against the zip."""
    if tree_good and not case.measured.differences:
        return
    differences = _of_changes(case, "type", "modified", "extra", "missing")
    odd = any(d.change == "type" for d in differences)
    if tree.fault is not None and tree.fault.code == "not-directory":
        return
    if tree_good and not odd:
        return
    if content.expected is None and not differences:
        return
    if tree.h1 is None and not differences and not _hash_refused(tree):
        return  # unreadable, and said so
    if content.zip is not None and content.tree_equals_zip and not odd:
        return  # wrong, but as the zip is: told there
    paths = case.paths
    source = authority_words(case, content)
    zip_there = content.has_zip and content.zip is not None
    authority: Authority = content.authority
    hint = advice.redownload(paths, tree=True)
    if content.zip_proved:
        authority = content.authority
        message = f"the extracted files are not those of the zip, which is as {source} says"
        hint = advice.reextract(paths)
    elif zip_there and content.expected is None:
        authority = "zip"
        message = (
            "zip and extracted tree differ in the files named, and nothing at hand says which of the two "
            "is right"
        )
    elif zip_there:
        message = (
            f"the extracted tree is not what {source} says; nor is the zip, so the files named differ "
            "between the two, and which copy of each is right cannot be known"
        )
    elif odd:
        message = "the extracted tree holds what Go never extracts"
    elif differences:
        message = (
            f"the extracted tree is not what {source} says; nor can the zip be read whole, but the files "
            "named differ from what can be read of it"
        )
    else:
        message = (
            f"the extracted tree is not what {source} says; without a good zip, which file is wrong "
            "cannot be known"
        )
    partial = case.files.has("partial")
    go = advice.GO_BUILDS_TREE
    if partial:
        go = advice.GO_REEXTRACTS_PARTIAL
    elif odd:
        go = advice.GO_HANGS if _can_hang(differences) else advice.GO_BUILDS_TREE
    elif differences and all(d.change == "extra" for d in differences):
        go = advice.GO_BUILDS_EXTRA
    elif not content.has_ziphash:
        go = advice.GO_REFETCHES_TREE
    case.add(
        "modified",
        "dir",
        paths.tree,
        message=message,
        go=go,
        hint=hint,
        severity="warning" if partial else "error",
        authority=authority,
        expected=content.expected or "",
        actual=tree.h1 or "",
        differences=differences,
    )


def _hash_refused(tree: TreeMeasurement) -> bool:
    return any(fault.code == "name-newline" for fault in tree.faults)


def _of_changes(case: Case, *kinds: Change) -> Differences:
    return Differences.of(d for d in case.measured.differences if d.change in kinds)


def _can_hang(differences: Differences) -> bool:
    kinds = {changes.kind_of(d.stat) for d in differences if d.change == "type"}
    return bool(kinds & {"fifo", "character device", "block device", "socket"})


def judge_fips140(case: Case, tree: TreeMeasurement | None) -> None:
    """Go unpacks this one from its own installation and records no hash for it."""
    if tree is None:
        return
    judge_tree_form(case, tree)
    if any(d.change != "mode" for d in case.measured.differences):
        judge_tree_hash(case, Content(has_tree=True, has_ziphash=True), tree, tree_good=False)
    case.unvouched = True
    case.add(
        "untracked",
        "dir",
        case.paths.tree,
        message="Go unpacks this module from its own installation and records no hash for it",
        go=advice.GO_NEVER_CHECKS,
        hint="compare it with lib/fips140 of the Go installation, or remove it: Go unpacks it again",
        severity="note",
        actual=tree.h1 or "",
    )
    judge_tree_habits(case, tree)


def judge_tree_habits(case: Case, tree: TreeMeasurement) -> None:
    """What no content hash sees: permission bits and empty directories."""
    if not (case.measured.differences or tree.empty_directories):
        return
    modes = _of_changes(case, "mode")
    if modes:
        many = f"{len(modes)} files have" if len(modes) > 1 else "a file has"
        case.add(
            "warning",
            "dir",
            case.paths.tree,
            message=f"{many} permission bits that Go never gives: write, execute or setuid",
            go=advice.GO_IGNORES_MODE,
            hint=advice.take_bits_away(case.paths),
            severity="warning",
            differences=modes,
        )
    missing = [d.path for d in case.measured.differences if d.change == "missing"]
    # A directory that is empty because its files are missing is told by their names (which are sorted).
    empty = [
        e
        for e in tree.empty_directories
        if not any(path.startswith(e + b"/") for path in missing[bisect_left(missing, e + b"/") :][:1])
    ]
    if empty:
        first = changes.shown(empty[0])
        more = len(empty) - 1 + tree.more_empty_directories
        case.add(
            "warning",
            "dir",
            case.paths.tree,
            message=f"the directory {first} is empty"
            + (f", and {more} more are" if more else "")
            + "; Go never extracts an empty directory",
            go=advice.GO_IGNORES,
            hint=advice.remove_empty(case.paths),
            severity="warning",
        )
