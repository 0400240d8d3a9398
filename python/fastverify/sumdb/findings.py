"""What is wrong with the files of a checksum database themselves, in words.

What a record means for the module that it names is judged with that module
(:mod:`fastverify.modcache.judge_record`).
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Collection, Iterator

from fastverify.removal import remove
from fastverify.report.model import Finding
from fastverify.sumdb.database import Database
from fastverify.sumdb.heads import Doubt

_GO_RECORD = (
    "the go command reads it only where a module is not in go.sum yet, and then stops with an error; "
    "go mod verify and builds with a go.sum never look at it"
)
_GO_TILE = (
    "the go command trusts the tiles that it has cached until it needs this one to prove a new record; "
    "then it stops with: downloaded inconsistent tile"
)
_GO_HEAD = (
    "the go command stops with an error whenever it asks the checksum database; builds with a complete "
    "go.sum do not ask"
)
_GO_UNPROVABLE = "the go command would fetch what is missing from the checksum database"
_GO_IGNORES = "the go command does not look at it"


def database_findings(database: Database) -> Iterator[Finding]:
    """Everything that is wrong with the database's files, and a note for each record that is not proved."""
    yield from _strays(database)
    yield from _tiles(database)
    yield from _heads(database)
    yield from _records(database)


def _remove(path: str) -> str:
    return remove(path, "remove it, Go fetches it again where it needs it")


def _strays(database: Database) -> Iterator[Finding]:
    for path, number in database.listing.unreadable:
        yield Finding(
            "unreadable",
            "error",
            "sumdb",
            path,
            f"the folder cannot be listed, so what it has of the checksum database is unknown: "
            f"{os.strerror(number)}",
            "the go command fetches what it cannot read",
            "run fastverify as a user who may read it, or mend the permissions",
        )
    for path, _ in database.listing.strays:
        yield Finding(
            "warning",
            "warning",
            "layout",
            path,
            "this belongs to no record and no tile: Go never makes a name like this here",
            _GO_IGNORES,
            remove(path),
        )


def _tiles(database: Database) -> Iterator[Finding]:
    for path, problem in sorted(database.tile_problems.items()):
        yield Finding(
            problem.verdict,
            "error",
            "sumdb",
            path,
            f"this tile of {database.name} is damaged: {problem.reason}"
            + _unverified(database.unverified.get(path, ()))
            if problem.verdict != "unreadable"
            else f"this tile of {database.name} cannot be read: {problem.reason}"
            + _unverified(database.unverified.get(path, ())),
            _GO_TILE,
            _remove(path),
            authority="sumdb",
        )
    for doubt, path in database.doubts:
        yield Finding(
            "modified",
            "error",
            "sumdb",
            doubt.suspects[0] if doubt.suspects else path,
            f"the tiles do not hash to {_signed_heads(doubt, path)}: {_blame(doubt)}"
            if doubt.suspects
            else "the signed head of no records does not have the hash of an empty tree",
            _GO_TILE,
            f"remove the tiles, Go fetches them again:\nrm -f {shlex.join(doubt.suspects)}"
            if doubt.suspects
            else _remove(path),
            authority="sumdb",
        )


def _signed_heads(doubt: Doubt, path: str) -> str:
    first = f"the signed head of {doubt.heads[0].size:,} records in {path}"
    more = len(doubt.heads) - 1
    return first + (f", nor to {more:,} other signed heads" if more else "")


def _unverified(tiles: Collection[str]) -> str:
    many = f"{len(tiles):,} tiles" if len(tiles) > 1 else "one tile"
    return f"; {many} beside it cannot be verified because of it" if tiles else ""


def _blame(doubt: Doubt) -> str:
    """Which of the tiles may be bad.  One that leads to all heads may be to blame alone."""
    likely, others = doubt.suspects[1 : doubt.common], doubt.suspects[doubt.common :]
    said = "this tile is damaged" + (f", or one of {', '.join(likely)}" if likely else "")
    said += _unverified(doubt.unverified)
    if others:
        said += (
            f"; if not, at least two of {len(others):,} others are, and none of those can be verified "
            f"because of it: {', '.join(others)}"
        )
    return said


def _heads(database: Database) -> Iterator[Finding]:
    for path, problem in sorted(database.head_problems.items()):
        what = "cannot be read" if problem.verdict == "unreadable" else "is damaged"
        yield Finding(
            problem.verdict,
            "error",
            "sumdb",
            path,
            f"the newest tree head of {database.name} that Go keeps {what}: {problem.reason}",
            _GO_HEAD,
            remove(path, "remove it, Go then starts from the next head that it gets"),
            authority="sumdb",
        )
    for fork, path, other in database.forks:
        yield Finding(
            "modified",
            "error",
            "sumdb",
            path,
            f"the signed head of {fork.head.size:,} records is not of the same log as that of "
            f"{fork.other.size:,} records in {other}, though both are signed by {database.name}: the "
            "database showed different histories",
            "the go command stops with: go.sum database server misbehavior detected",
            "keep both files: they prove that the database, or whoever has its key, misbehaved; report it",
            authority="sumdb",
        )


def _records(database: Database) -> Iterator[Finding]:
    for (module, version), proof in database.proofs.items():
        problem = database.record_problems.get((module, version))
        if problem is not None:
            yield Finding(
                problem.verdict,
                "error",
                "sumdb",
                proof.path,
                f"the record of {database.name} cannot be read: {problem.reason}"
                if problem.verdict == "unreadable"
                else f"the record of {database.name} is damaged: {problem.reason}",
                _GO_RECORD,
                _remove(proof.path),
                module=module,
                version=version,
                authority="sumdb",
            )
        elif proof.status == "unprovable" and database.signatures_checked:
            yield Finding(
                "untracked",
                "note",
                "sumdb",
                proof.path,
                f"the record of {database.name} cannot be proved here, so it vouches for nothing: "
                f"{proof.reason}",
                _GO_UNPROVABLE,
                "nothing has to be done; --sumdb fetches what is missing",
                module=module,
                version=version,
                expected=proof.h1 or "",
            )
