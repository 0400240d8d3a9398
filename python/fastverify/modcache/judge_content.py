"""Zip, tree and ``.ziphash`` of one module version, against each other and the authorities."""

from __future__ import annotations

import base64
from bisect import bisect_left
from dataclasses import dataclass

from fastverify.engine.faults import describe
from fastverify.engine.protocol import MAX_SMALL_FILE_BYTES, Difference, TreeMeasurement, ZipMeasurement
from fastverify.modcache import advice, changes, layout, versionfiles
from fastverify.modcache.case import Case, is_gone
from fastverify.modcache.gosum import strip_blanks
from fastverify.report.model import Authority

_ZIPHASH_LENGTH = 47
_SHA256_BYTES = 32
#: Authorities that do not lie beside what they vouch for.
_OUTSIDE: tuple[Authority, ...] = ("gosum", "sumdb")


@dataclass(slots=True)
class Content:
    """What is known of the three parts that carry a module's content hash."""

    #: h1 of each part; None where it is not there or has none.
    zip: str | None = None
    tree: str | None = None
    ziphash: str | None = None
    #: What the parts are held to, and by whom.
    expected: str | None = None
    authority: Authority = ""
    #: Whether each part is there, whatever it is worth.
    has_zip: bool = False
    has_tree: bool = False
    has_ziphash: bool = False
    #: Whether the tree's files are those of the zip (directory entries of the zip aside).
    tree_equals_zip: bool = False
    #: The zip is proved by the authority.
    zip_proved: bool = False


def judge_content(case: Case) -> Content:
    """Judge the three parts that carry the module's hash; what is known of them goes to the next judge."""
    zip_, tree = _present_zip(case.measured.zip), _present_tree(case.measured.tree)
    content = Content(has_zip=zip_ is not None, has_tree=tree is not None)
    ziphash = _judge_ziphash_form(case, content)
    if zip_ is not None:
        content.zip = zip_.h1
    if tree is not None:
        content.tree = tree.h1
        content.tree_equals_zip = _equals_zip(zip_, tree, case.measured.differences)
    if not (content.has_zip or content.has_tree):
        _judge_absent_content(case, content)
        return content
    if case.files.module == layout.FIPS140 and not content.has_zip and not content.has_ziphash:
        _judge_fips140(case, tree)
        return content
    _choose_authority(case, content, ziphash)
    if zip_ is not None:
        _judge_zip_form(case, zip_, content)
    if tree is not None:
        _judge_tree_form(case, tree)
    _judge_hashes(case, content, tree)
    _judge_ziphash_presence(case, content)
    _judge_absent_parts(case, content)
    if tree is not None:
        _judge_tree_habits(case, tree)
    return content


def _present_zip(zip_: ZipMeasurement | None) -> ZipMeasurement | None:
    """A zip that stat does not find is absent, as it is to Go (a dangling link is)."""
    return None if zip_ is None or is_gone(zip_.fault, zip_.stat is None) else zip_


def _present_tree(tree: TreeMeasurement | None) -> TreeMeasurement | None:
    return None if tree is None or is_gone(tree.fault, tree.stat is None) else tree


def _equals_zip(
    zip_: ZipMeasurement | None, tree: TreeMeasurement, differences: tuple[Difference, ...]
) -> bool:
    if zip_ is None or zip_.h1 is None or tree.h1 is None:
        return False
    return tree.h1 == zip_.files_h1 and not any(d.change not in ("mode", "type") for d in differences)


def _judge_ziphash_form(case: Case, content: Content) -> str | None:
    """The h1 that ``.ziphash`` records; None where it is absent or malformed (then reported)."""
    small = case.measured.ziphash
    if small is None or is_gone(small.fault, small.stat is None):
        return None
    content.has_ziphash = True
    paths = case.paths
    if small.fault is not None:
        case.unreadable("ziphash", paths.ziphash, small.fault)
        return None
    # modfetch.checkMod trims white space before it compares.
    text = strip_blanks(small.content.decode("utf-8", "surrogateescape"))
    if is_h1(text) and len(small.content) <= MAX_SMALL_FILE_BYTES:
        content.ziphash = text
        return text
    whole = text if len(text) <= 2 * _ZIPHASH_LENGTH else text[: 2 * _ZIPHASH_LENGTH] + "…"
    # Go rehashes the zip where the length is not that of an h1, and otherwise believes the text.
    heals = len(small.content) != _ZIPHASH_LENGTH or b"\0" in small.content
    empty = not text.strip("\0")
    case.add(
        "malformed",
        "ziphash",
        paths.ziphash,
        message="the recorded hash is empty; its writing was cut off"
        if empty
        else "the recorded hash is no h1 hash",
        go=advice.GO_HEALS_ZIPHASH if heals else advice.GO_TRUSTS_ZIPHASH,
        hint=advice.rewrite_ziphash(paths)
        if case.measured.zip is not None
        else advice.redownload(paths, tree=case.measured.tree is not None),
        actual=whole,
    )
    return None


def is_h1(text: str) -> bool:
    """Whether `text` is an h1 as go.sum writes it: ``h1:`` and the base64 of 32 bytes."""
    if len(text) != _ZIPHASH_LENGTH or not text.startswith("h1:"):
        return False
    try:
        return len(base64.b64decode(text[3:].encode("ascii"), validate=True)) == _SHA256_BYTES
    except ValueError:
        return False


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


def _judge_zip_form(case: Case, zip_: ZipMeasurement, content: Content) -> None:
    """Faults and broken rules that make a zip bad whatever its hash is."""
    paths, fault = case.paths, zip_.fault
    tree_good = content.tree is not None and content.tree == content.expected
    hint = advice.redownload(paths, tree=content.has_tree and not tree_good)
    go = advice.GO_REFUSES_ZIP
    if fault is None:
        if zip_.violations:
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
    elif fault.code == "os":
        case.unreadable("zip", paths.zip, fault)
    elif fault.code == "not-regular":
        case.add(
            "modified",
            "zip",
            paths.zip,
            message=f"this is no file but a {changes.kind_of(zip_.stat)}",
            go=advice.GO_HANGS,
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


def _judge_tree_form(case: Case, tree: TreeMeasurement) -> None:
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
            go=advice.GO_REPLACES_FILE,
            hint=advice.download(paths, "remove it and let Go extract the module again"),
            severity="error",
        )
        return
    odd = {d.path for d in case.measured.differences if d.change == "type"}
    for fault in tree.faults:
        if fault.code == "os" and fault.name not in odd:
            case.unreadable("dir", paths.tree, fault)


def _judge_hashes(case: Case, content: Content, tree: TreeMeasurement | None) -> None:
    expected, authority = content.expected, content.authority
    zip_good = content.zip is not None and content.zip == expected
    tree_good = content.tree is not None and (
        content.tree == expected or (zip_good and content.tree_equals_zip)
    )
    content.zip_proved = zip_good
    if authority in _OUTSIDE and _consistent_but_not_expected(content, zip_good, tree_good):
        if authority == "gosum":
            _differs_from_gosum(case, content)
        else:
            _differs_from_record(case, content)
        return
    if expected is not None and len(case.expected) > 1:
        _sums_disagree(case)
    if content.zip is not None and expected is not None and not zip_good:
        _zip_modified(case, content, tree_good)
    if tree is not None:
        _judge_tree_hash(case, content, tree, tree_good)
    if authority == "zip" and content.has_ziphash and content.ziphash not in (None, expected):
        _ziphash_modified(case, content, "zip")
    elif authority in _OUTSIDE and content.ziphash not in (None, expected, content.zip, content.tree):
        _ziphash_modified(case, content, authority)
    if zip_good:
        case.vouched.append(authority)
    if tree_good:
        case.vouched.append(authority)
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


def _differs_from_gosum(case: Case, content: Content) -> None:
    expectation = case.expected[0]
    actual = content.zip or content.tree or ""
    proved = case.proof.status == "proved" and case.proof.h1 == actual
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


def _zip_modified(case: Case, content: Content, tree_good: bool) -> None:
    known = tree_good and content.has_tree
    forged = content.authority in _OUTSIDE and content.ziphash == content.zip
    source = _authority_words(case, content)
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
        go=advice.GO_IGNORES_ZIP if content.has_tree else advice.GO_EXTRACTS_ZIP,
        hint=advice.redownload(case.paths, tree=content.has_tree and not tree_good),
        authority=content.authority,
        expected=content.expected or "",
        actual=content.zip or "",
        differences=case.measured.differences if known else (),
        of_zip=True,
    )


def _judge_tree_hash(case: Case, content: Content, tree: TreeMeasurement, tree_good: bool) -> None:
    differences = tuple(d for d in case.measured.differences if d.change != "mode")
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
    source = _authority_words(case, content)
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
    else:
        message = (
            f"the extracted tree is not what {source} says; without a good zip, which file is wrong "
            "cannot be known"
        )
    partial = "partial" in case.files.files
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


def _can_hang(differences: tuple[Difference, ...]) -> bool:
    kinds = {changes.kind_of(d.stat) for d in differences if d.change == "type"}
    return bool(kinds & {"fifo", "character device", "block device", "socket"})


def _authority_words(case: Case, content: Content) -> str:
    if content.authority in _OUTSIDE:
        return case.expected[0].source
    return "its .ziphash" if content.authority == "ziphash" else "the zip"


def _ziphash_modified(case: Case, content: Content, authority: Authority) -> None:
    who = {
        "zip": "zip and tree agree with each other",
        "sumdb": "the content is as the checksum database proves",
    }.get(authority, "the content is as go.sum says")
    case.add(
        "modified",
        "ziphash",
        case.paths.ziphash,
        message=f"{who}; only the recorded hash is wrong",
        go=advice.GO_TRUSTS_ZIPHASH,
        hint=advice.rewrite_ziphash(case.paths),
        authority=authority,
        expected=content.expected or "",
        actual=content.ziphash or "",
    )


def _judge_ziphash_presence(case: Case, content: Content) -> None:
    if content.has_ziphash or "download" in case.files.hidden:
        return
    paths = case.paths
    beside = "zip" if content.has_zip else "extracted tree"
    known = content.expected if content.authority in (*_OUTSIDE, "zip") else content.zip
    case.add(
        "missing",
        "ziphash",
        paths.ziphash,
        message=f"there is no recorded hash beside the {beside}"
        + ("" if content.expected else ", so nothing vouches for it"),
        go=advice.GO_REFETCHES_TREE,
        hint=advice.rewrite_ziphash(paths)
        if content.zip_proved and not (content.has_tree and not content.tree_equals_zip)
        else advice.redownload(paths, tree=content.has_tree),
        authority=content.authority,
        expected=known or "",
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
        case.add(
            "missing",
            "dir",
            paths.tree,
            message="the module is downloaded and not extracted",
            go=advice.GO_EXTRACTS_TREE,
            hint=advice.download(paths, "nothing has to be done; to have it again"),
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


def _judge_fips140(case: Case, tree: TreeMeasurement | None) -> None:
    """Go unpacks this one from its own installation and records no hash for it."""
    if tree is None:
        return
    _judge_tree_form(case, tree)
    differences = tuple(d for d in case.measured.differences if d.change != "mode")
    if differences:
        _judge_tree_hash(case, Content(has_tree=True, has_ziphash=True), tree, tree_good=False)
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
    _judge_tree_habits(case, tree)


def _judge_tree_habits(case: Case, tree: TreeMeasurement) -> None:
    """What no content hash sees: permission bits and empty directories."""
    modes = tuple(d for d in case.measured.differences if d.change == "mode")
    if modes:
        many = f"{len(modes)} files have" if len(modes) > 1 else "a file has"
        case.add(
            "warning",
            "dir",
            case.paths.tree,
            message=f"{many} permission bits that Go never gives: write, execute or setuid",
            go=advice.GO_IGNORES_MODE,
            hint="look for who changes the cache; the content of these files is told apart from this",
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
        more = len(empty) - 1
        case.add(
            "warning",
            "dir",
            case.paths.tree,
            message=f"the directory {first} is empty"
            + (f", and {more} more are" if more else "")
            + "; Go never extracts an empty directory",
            go=advice.GO_IGNORES,
            hint="remove it, or look for who writes into the cache",
            severity="warning",
        )
