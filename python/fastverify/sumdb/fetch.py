"""``--sumdb``: fetches the records and tiles that are missing, into a folder of fastverify's own.

What comes is believed no more than what lies in a cache: it is proved afterwards, all of it together.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TypeVar

from fastverify.engine.protocol import EngineName
from fastverify.errors import FastverifyError
from fastverify.modcache import layout
from fastverify.sumdb import tlog
from fastverify.sumdb.arithmetic import load_arithmetic
from fastverify.sumdb.database import Database, open_database
from fastverify.sumdb.note import NoteError, VerifierKey, open_note
from fastverify.sumdb.ownfolder import OwnFolder, cache_folder
from fastverify.sumdb.records import MAX_RECORD_BYTES, parse_lookup
from fastverify.sumdb.remote import RemoteError, find_database, get, without_password
from fastverify.sumdb.settings import SumdbSettings
from fastverify.sumdb.tiles import Tiles
from fastverify.sumdb.tlog import HASH_BYTES, TILE_BYTES, TILE_WIDTH, Head, Tile
from fastverify.sumdb.walking import Listing

_CONNECTIONS = 8
#: After so many requests without an answer nothing more is asked.
_FAILURES = 3

ModuleVersion = tuple[str, str]
_Question = TypeVar("_Question")
_Answer = TypeVar("_Answer")


@dataclass(slots=True)
class Fetched:
    """What became of fetching."""

    #: Of which the database says that it has no record.
    unknown: list[ModuleVersion] = field(default_factory=list)
    #: What could not be had, with the reason.
    failed: list[tuple[str, str]] = field(default_factory=list)
    #: How many more were not asked for, after too many failures.
    not_tried: int = 0


def make_fetcher(where: str, settings: SumdbSettings, engine: EngineName, roots: Iterable[str]) -> Fetcher:
    """Ask the database of `settings` at `where` (a URL, or ``proxy``) for its newest head.

    `roots` are caches into which nothing may be written.  Raises FastverifyError, see `Fetcher`.
    """
    if settings.key is None:
        raise FastverifyError("GOSUMDB is off, so there is no checksum database to ask; leave out --sumdb")
    own = OwnFolder(cache_folder(), settings.name)
    own.refuse_inside(roots)
    return Fetcher(find_database(where, settings), own, settings, settings.key, engine)


class Fetcher:
    """A checksum database that can be asked, and where its answers are kept.

    Made by asking it for its newest head.  Raises FastverifyError where there is no answer, or one that
    the database's key has not signed.
    """

    def __init__(
        self, base: str, own: OwnFolder, settings: SumdbSettings, key: VerifierKey, engine: EngineName
    ) -> None:
        self.base = base
        self.own = own
        self._settings = settings
        self._engine = engine
        verify = load_arithmetic(engine).verify
        if verify is None:
            raise FastverifyError(
                "signatures cannot be checked here, so nothing is fetched: pip install cryptography, "
                "use the native engine, or leave out --sumdb"
            )
        self._key, self._verify = key, verify
        try:
            note = get(f"{base}/latest", MAX_RECORD_BYTES)
        except RemoteError as error:
            raise FastverifyError(
                f"the checksum database does not answer: {error}; try again, or leave out --sumdb"
            ) from error
        try:
            self._newest = tlog.parse_head(open_note(note, self._key, verify))
        except (NoteError, tlog.LogError) as error:
            raise FastverifyError(
                f"{self.shown} answers with no tree head of {settings.name}: {error}; is the URL right?"
            ) from error
        own.write("latest", note)
        own.sweep()

    @property
    def shown(self) -> str:
        """The URL, without a password."""
        return without_password(self.base)

    def fill(self, folder: str, modules: Iterable[ModuleVersion]) -> tuple[Database, Fetched]:
        """Prove what can be proved of `modules`, with Go's `folder` and with what is fetched.

        Raises FastverifyError where the own folder cannot be written.
        """
        fetched = Fetched()
        folders = [folder, self.own.path]
        database = open_database(folders, self._settings, self._engine)
        if self._forget(database):
            database = open_database(folders, self._settings, self._engine)
        wanted = [
            (module, version)
            for module, version in modules
            if not self._settings.is_exempt(module) and database.prove(module, version).status == "absent"
        ]
        heads = {self._newest}
        numbers = [proof.number for proof in database.proofs.values() if proof.status == "unprovable"]
        for number, head in self._lookups(wanted, fetched):
            numbers.append(number)
            heads.add(head)
        if not numbers:
            return database, fetched
        newest = max(heads, key=lambda head: head.size)
        # A bad tile may come to light only when those above it are good.
        for _ in range(tlog.LEVELS):
            self._tiles(folders, numbers, newest, fetched)
            database = open_database(folders, self._settings, self._engine)
            if fetched.failed or not self._forget(database):
                break
        return database, fetched

    def _forget(self, database: Database) -> bool:
        """Remove from the own folder what is bad: it was fetched badly once, and can be fetched anew."""
        bad = {path for doubt, _ in database.doubts for path in doubt.suspects}
        bad |= database.tile_problems.keys() | database.head_problems.keys()
        bad |= {database.proofs[module].path for module in database.record_problems}
        return any([self.own.remove(path) for path in sorted(bad)])  # noqa: C419 (all of them)

    def _lookups(self, wanted: Sequence[ModuleVersion], fetched: Fetched) -> list[tuple[int, Head]]:
        def one(wanted: ModuleVersion) -> tuple[int, Head]:
            module, version = wanted
            relative = f"lookup/{layout.escape(module)}{layout.AT}{layout.escape(version)}"
            content = get(f"{self.base}/{relative}", MAX_RECORD_BYTES)
            url = f"{self.shown}/{relative}"
            record = parse_lookup(content, url, module, version, key=self._key, verify=self._verify)
            if record.problem is not None or record.head is None:
                raise RemoteError(f"{url}: {record.problem.reason if record.problem else 'no head'}")
            self.own.write(relative, content)
            return record.number, record.head

        found, failures = [], []
        for asked, answer in self._ask(one, wanted, fetched):
            if isinstance(answer, RemoteError):
                if answer.unknown:
                    fetched.unknown.append(asked)
                else:
                    failures.append((f"{asked[0]}@{asked[1]}", str(answer)))
            else:
                found.append(answer)
        fetched.failed += failures
        return found

    def _tiles(self, folders: list[str], numbers: Sequence[int], head: Head, fetched: Fetched) -> None:
        """Fetch the tiles between the records `numbers` and `head` that are in none of `folders`."""
        needed = set(tlog.edge_tiles(head.size))
        for number in numbers:
            if number < head.size:
                needed.update(tlog.chain(number, head.size))
        here = Tiles(folders, load_arithmetic(self._engine), Listing())
        missing = sorted(tile for tile in needed if next(here.candidates(tile), None) is None)

        def one(tile: Tile) -> None:
            try:
                content = get(f"{self.base}/{tile.path}", TILE_BYTES)
            except RemoteError as error:
                if not error.unknown or tile.width == TILE_WIDTH:
                    raise
                # It was completed meanwhile.
                tile = Tile(tile.level, tile.number)
                content = get(f"{self.base}/{tile.path}", TILE_BYTES)
            if len(content) != tile.width * HASH_BYTES:
                raise RemoteError(f"{self.shown}/{tile.path}: {len(content)} bytes are no such tile")
            self.own.write(tile.path, content)

        for tile, answer in self._ask(one, missing, fetched):
            if isinstance(answer, RemoteError):
                fetched.failed.append((tile.path, str(answer)))

    def _ask(
        self, ask: Callable[[_Question], _Answer], questions: Sequence[_Question], fetched: Fetched
    ) -> list[tuple[_Question, _Answer | RemoteError]]:
        """Each question with its answer, a few at a time; after some failures the rest is left."""
        left = threading.Semaphore(_FAILURES)
        stopped = threading.Event()

        def one(question: _Question) -> tuple[_Question, _Answer | RemoteError] | None:
            if stopped.is_set():
                return None
            try:
                return question, ask(question)
            except RemoteError as error:
                if not error.unknown and not left.acquire(blocking=False):
                    stopped.set()
                return question, error

        with ThreadPoolExecutor(_CONNECTIONS, thread_name_prefix="sumdb") as pool:
            try:
                answers = list(pool.map(one, questions))
            except BaseException:
                stopped.set()  # what waits is not asked any more
                raise
        fetched.not_tried += answers.count(None)
        return [answer for answer in answers if answer is not None]
