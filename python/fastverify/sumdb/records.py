"""The lookup records of a checksum database: what each says, and what is wrong with it on its own.

Source: ``Client.Lookup`` in ``golang.org/x/mod/sumdb/client.go``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from fastverify.modcache import layout
from fastverify.sumdb import tlog
from fastverify.sumdb.note import NoteError, VerifierKey, Verify, open_note
from fastverify.sumdb.reading import ReadingError, read_small
from fastverify.sumdb.walking import Listing

#: Real ones have a few hundred bytes; the limit is that of a tree head (``tlog.ParseTree``).
MAX_RECORD_BYTES = 1_000_000

_GO_MOD = "/go.mod"

#: As a finding has it.
Verdict = Literal["modified", "malformed", "unreadable"]


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a file of the database."""

    verdict: Verdict
    reason: str


@dataclass(frozen=True, slots=True)
class LookupRecord:
    """One record as it lies in a cache.  Nothing of it is proved yet."""

    module: str
    version: str
    path: str
    #: Its number in the log; -1 where it cannot be read.
    number: int = -1
    #: The hash that the log must have under that number.
    leaf: bytes = b""
    #: What it says the hashes are, where it says so.
    h1: str | None = None
    go_mod_h1: str | None = None
    #: The signed head that came with it.
    head: tlog.Head | None = None
    problem: Problem | None = None


def name_of(escaped: str) -> tuple[str, str] | None:
    """The module version whose record lies at `escaped` below ``lookup``; None where none can."""
    escaped_path, at, escaped_version = escaped.rpartition(layout.AT)
    module = layout.unescape_path(escaped_path)
    version = layout.unescape_version(escaped_version)
    if not at or module is None or version is None or not layout.agrees(module, version):
        return None
    return module, version


def read_records(
    folder: str, key: VerifierKey, verify: Verify | None, listing: Listing
) -> Iterator[LookupRecord]:
    """Every record below `folder` (``…/lookup``) that is not empty."""
    for path, escaped in listing.files(folder):
        named = name_of(escaped)
        if named is None:
            listing.strays.append((path, False))
            continue
        record = read_record(path, *named, key=key, verify=verify)
        if record is not None:
            yield record


def read_record(
    path: str, module: str, version: str, *, key: VerifierKey, verify: Verify | None
) -> LookupRecord | None:
    """The record at `path`; None where there is none."""
    try:
        content = read_small(path, MAX_RECORD_BYTES)
    except ReadingError as error:
        verdict: Verdict = "malformed" if error.malformed else "unreadable"
        return LookupRecord(module, version, path, problem=Problem(verdict, error.reason))
    if content is None:
        return None
    return parse_lookup(content, path, module, version, key=key, verify=verify)


def parse_lookup(
    content: bytes, path: str, module: str, version: str, *, key: VerifierKey, verify: Verify | None
) -> LookupRecord:
    """What `content` says of a module version, and what is wrong with it."""
    try:
        record = tlog.parse_record(content)
    except tlog.LogError as error:
        return LookupRecord(module, version, path, problem=Problem("malformed", str(error)))
    problem, head = None, None
    h1 = _hash(record.text, f"{module} {version} ")
    go_mod_h1 = _hash(record.text, f"{module} {version}{_GO_MOD} ")
    try:
        head = tlog.parse_head(open_note(record.rest, key, verify))
    except (NoteError, tlog.LogError) as error:
        forged = isinstance(error, NoteError) and error.problem != "malformed"
        problem = Problem("modified" if forged else "malformed", f"of its tree head: {error}")
    if record.number < 0:
        problem = Problem("malformed", "its number is below 0")
    elif head is not None and record.number >= head.size:
        problem = Problem("modified", "its number is not one of the tree that its own head is of")
    elif h1 is None and go_mod_h1 is None and f"{module} {version}" not in _names(record.text):
        # Go takes such a record for one that says nothing, and lets any hash pass.
        problem = Problem("modified", "it is the record of another module version")
    return LookupRecord(
        module, version, path, record.number, tlog.leaf_hash(record.text), h1, go_mod_h1, head, problem
    )


def _hash(text: bytes, prefix: str) -> str | None:
    """The first ``h1:`` hash behind `prefix`: that which decides (``checkSumDB``)."""
    start = prefix.encode() + b"h1:"
    for line in text.split(b"\n"):
        if line.startswith(start):
            return line[len(start) - 3 :].decode()
    return None


def _names(text: bytes) -> set[str]:
    fields = (line.decode().split(" ") for line in text.split(b"\n"))
    return {f"{f[0]} {f[1].removesuffix(_GO_MOD)}" for f in fields if len(f) > 1}
