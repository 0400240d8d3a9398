"""One module cache's part of a checksum database: a proof for each module version that has a record.

Everything is read once, when the database is opened; what can be asked afterwards is in memory.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field

from fastverify.engine.protocol import EngineName
from fastverify.sumdb import tlog
from fastverify.sumdb.arithmetic import load_arithmetic
from fastverify.sumdb.heads import Doubt, Fork, judge_heads, together
from fastverify.sumdb.note import NoteError, VerifierKey, Verify, open_note
from fastverify.sumdb.proof import ABSENT, Proof, ProofStatus
from fastverify.sumdb.reading import ReadingError, read_small
from fastverify.sumdb.records import MAX_RECORD_BYTES, LookupRecord, Problem, read_records
from fastverify.sumdb.settings import SumdbSettings
from fastverify.sumdb.tiles import Tiles
from fastverify.sumdb.walking import Listing


@dataclass(slots=True)
class Database:
    """A checksum database as far as it is cached."""

    name: str
    #: Whether there was something to check signatures with.  Without it no record is proved.
    signatures_checked: bool
    proofs: dict[tuple[str, str], Proof] = field(default_factory=dict)
    #: Records that failed for what they are themselves, by module version.
    record_problems: dict[tuple[str, str], Problem] = field(default_factory=dict)
    #: Tiles and heads (``latest``) with what is wrong with them, by their paths.
    tile_problems: dict[str, Problem] = field(default_factory=dict)
    #: Tiles that cannot be verified because of one of those, by its path.
    unverified: dict[str, set[str]] = field(default_factory=dict)
    head_problems: dict[str, Problem] = field(default_factory=dict)
    #: Signed heads that do not go together, with a file that each stands in.
    forks: list[tuple[Fork, str, str]] = field(default_factory=list)
    #: Heads that the tiles contradict, with a file that the first of each stands in.
    doubts: list[tuple[Doubt, str]] = field(default_factory=list)
    listing: Listing = field(default_factory=Listing)
    #: The newest signed head.
    newest: tlog.Head | None = None

    def prove(self, module: str, version: str) -> Proof:
        """What the database says of a module version (unescaped)."""
        return self.proofs.get((module, version), ABSENT)


def open_database(folders: list[str], settings: SumdbSettings, engine: EngineName) -> Database:
    """Read and prove the part of the database of `settings` that lies in `folders`.

    Each folder has ``lookup`` and ``tile`` below it; of two records the one in the first folder
    counts.  Exempt modules are left out.  Go's newest head is looked for where `settings` say, and
    as ``latest`` in each folder.  Reads only.
    """
    key = settings.key
    if key is None:
        return Database("", signatures_checked=True)
    arithmetic = load_arithmetic(engine)
    verify = arithmetic.verify
    database = Database(key.name, signatures_checked=verify is not None)
    carriers: dict[tlog.Head, str] = {}
    latest = [os.path.join(settings.heads, key.name, "latest")] if settings.heads else []
    for path in latest + [os.path.join(folder, "latest") for folder in folders]:
        head = _read_head(path, key, verify, database)
        if head is not None:
            carriers.setdefault(head, path)
    records: dict[tuple[str, str], LookupRecord] = {}
    for folder in folders:
        for record in read_records(os.path.join(folder, "lookup"), key, verify, database.listing):
            if not settings.is_exempt(record.module):
                records.setdefault((record.module, record.version), record)
                if record.head is not None:
                    carriers.setdefault(record.head, record.path)
    tiles = Tiles(folders, arithmetic, database.listing)
    leaves = {record.number: record.leaf for record in records.values() if record.problem is None}
    judged = judge_heads(carriers, tiles, arithmetic, leaves)
    by_size = {head.size: path for head, path in carriers.items()}
    sizes = sorted(judged.usable)
    # By number, so that neighbours find their tile in memory.
    for module_version, record in sorted(records.items(), key=lambda pair: pair[1].number):
        proof, problem = _prove(record, tiles, sizes, signed=verify is not None, heads=by_size)
        database.proofs[module_version] = proof
        if problem is not None:
            database.record_problems[module_version] = problem
    tiles.check_all()
    database.tile_problems = tiles.problems
    database.newest = max(carriers, key=lambda head: head.size, default=None)
    unexplained = []
    for doubt in judged.doubts:
        bad = next((path for path in doubt.suspects if path in tiles.problems), None)
        if bad is None:
            unexplained.append(doubt)
        else:
            database.unverified.setdefault(bad, set()).update(set(doubt.suspects) - tiles.problems.keys())
    database.doubts = [(doubt, carriers[doubt.heads[0]]) for doubt in together(unexplained)]
    database.forks = [(fork, carriers[fork.head], carriers[fork.other]) for fork in judged.forks]
    return database


def _read_head(path: str, key: VerifierKey, verify: Verify | None, database: Database) -> tlog.Head | None:
    """The signed head in the file `path`; None where there is none, or where it is told to be bad."""
    try:
        content = read_small(path, MAX_RECORD_BYTES)
        return tlog.parse_head(open_note(content, key, verify)) if content is not None else None
    except ReadingError as error:
        problem = Problem("malformed" if error.malformed else "unreadable", error.reason)
    except (NoteError, tlog.LogError) as error:
        forged = isinstance(error, NoteError) and error.problem != "malformed"
        problem = Problem("modified" if forged else "malformed", str(error))
    database.head_problems[path] = problem
    return None


def _prove(
    record: LookupRecord, tiles: Tiles, sizes: list[int], *, signed: bool, heads: dict[int, str]
) -> tuple[Proof, Problem | None]:
    """What became of one record; what is wrong with it, if it is the record that is bad."""

    def proof(status: ProofStatus, reason: str = "", size: int = 0) -> Proof:
        return Proof(
            status,
            record.path,
            record.h1,
            record.go_mod_h1,
            record.number,
            size,
            heads.get(size, "") if size else "",
            reason,
        )

    if record.problem is not None:
        return proof("failed", record.problem.reason), record.problem
    if not sizes:
        return proof("unprovable", "no signed head is here with the tiles that lead to it"), None
    if record.number >= sizes[-1]:
        return proof("unprovable", "it is newer than every head whose tiles are here"), None
    found = tiles.authentic((0, record.number >> tlog.TILE_HEIGHT))
    index = record.number % tlog.TILE_WIDTH
    if found is None or found[0].width <= index:
        return proof(
            "unprovable", "tiles on the way from it to a signed head are not here, or are damaged"
        ), None
    at = index * tlog.HASH_BYTES
    if found[1][at : at + tlog.HASH_BYTES] != record.leaf:
        reason = f"the signed tree has another text under its number, {record.number}"
        return proof("failed", reason), Problem("modified", reason)
    if not signed:
        return proof("unprovable", "signatures cannot be checked here"), None
    return proof("proved", size=found[0].size), None
