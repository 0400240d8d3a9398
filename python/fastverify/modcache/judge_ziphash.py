"""The ``.ziphash`` of one module version: its form, its absence, and a hash that is not the content's."""

from __future__ import annotations

import base64

from fastverify.engine.protocol import MAX_SMALL_FILE_BYTES
from fastverify.modcache import advice
from fastverify.modcache.case import Case, is_gone
from fastverify.modcache.content import OUTSIDE, Content
from fastverify.modcache.gosum import strip_blanks
from fastverify.report.model import Authority

_ZIPHASH_LENGTH = 47
_SHA256_BYTES = 32


def judge_ziphash_form(case: Case, content: Content) -> str | None:
    """The h1 that ``.ziphash`` records; None where it is absent or malformed: :func:`malformed_ziphash`."""
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
    # Go rehashes the zip where the length is not that of an h1, and otherwise believes the text.
    heals = len(small.content) != _ZIPHASH_LENGTH or b"\0" in small.content
    empty = not text.strip("\0")
    content.ziphash_problem = (
        "the recorded hash is empty; its writing was cut off" if empty else "the recorded hash is no h1 hash",
        advice.GO_HEALS_ZIPHASH if heals else advice.GO_TRUSTS_ZIPHASH,
    )
    content.ziphash_text = text if len(text) <= 2 * _ZIPHASH_LENGTH else text[: 2 * _ZIPHASH_LENGTH] + "…"
    return None


def malformed_ziphash(case: Case, content: Content) -> None:
    """A recorded hash that is none, if it is; to be told when it is known what zip and tree are worth."""
    if content.ziphash_problem is None:
        return
    message, go = content.ziphash_problem
    case.add(
        "malformed",
        "ziphash",
        case.paths.ziphash,
        message=message,
        go=go,
        hint=_new_ziphash(case, content),
        actual=content.ziphash_text,
    )


def _new_ziphash(case: Case, content: Content) -> str:
    """What leads to a recorded hash that is right."""
    if content.zip_proved and not content.tree_differs:
        return advice.rewrite_ziphash(case.paths)
    return advice.redownload(case.paths, tree=content.has_tree)


def is_h1(text: str) -> bool:
    """Whether `text` is an h1 as go.sum writes it: ``h1:`` and the base64 of 32 bytes."""
    if len(text) != _ZIPHASH_LENGTH or not text.startswith("h1:"):
        return False
    try:
        return len(base64.b64decode(text[3:].encode("ascii"), validate=True)) == _SHA256_BYTES
    except ValueError:
        return False


def ziphash_modified(case: Case, content: Content, authority: Authority) -> None:
    """A recorded hash that is neither the content's nor the authority's."""
    message = {
        "zip": "zip and tree agree with each other and not with the recorded hash: that is wrong, or "
        "both were changed alike",
        "sumdb": "the content is as the checksum database proves; only the recorded hash is wrong",
    }.get(authority, "the content is as go.sum says; only the recorded hash is wrong")
    case.add(
        "modified",
        "ziphash",
        case.paths.ziphash,
        message=message,
        go=advice.GO_TRUSTS_ZIPHASH,
        # What Go then has of private modules is not held to anything.
        hint=advice.redownload(case.paths, tree=content.has_tree)
        if authority == "zip"
        else advice.rewrite_ziphash(case.paths),
        authority=authority,
        expected=content.expected or "",
        actual=content.ziphash or "",
    )


def judge_ziphash_presence(case: Case, content: Content) -> None:
    """No recorded hash beside a zip or a tree."""
    if content.has_ziphash or "download" in case.files.hidden:
        return
    paths = case.paths
    beside = "zip" if content.has_zip else "extracted tree"
    known = content.expected if content.authority in (*OUTSIDE, "zip") else content.zip
    case.add(
        "missing",
        "ziphash",
        paths.ziphash,
        message=f"there is no recorded hash beside the {beside}"
        + ("" if content.expected else ", so nothing vouches for it"),
        go=advice.GO_REFETCHES_TREE,
        hint=_new_ziphash(case, content),
        authority=content.authority,
        expected=known or "",
    )
