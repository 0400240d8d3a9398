"""Opens a cached log, and says in short what is wrong with it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from fastverify.engine.protocol import EngineName
from fastverify.sumdb.database import Database, open_database
from fastverify.sumdb.note import parse_verifier_key
from fastverify.sumdb.settings import SumdbSettings
from tests.making.modules import Module
from tests.sumdb.logs import Cached


def open_cached(cached: Cached, engine: EngineName, *more: Path, exempt: str = "") -> Database:
    """The log that `cached` is of, as far as it and the folders `more` have it."""
    settings = SumdbSettings(
        key=parse_verifier_key(cached.verifier),
        url="",
        exempt=exempt,
        heads=os.fspath(cached.gopath / "pkg" / "sumdb"),
        goproxy="off",
    )
    return open_database([os.fspath(folder) for folder in (cached.sumdb, *more)], settings, engine)


def statuses(database: Database, modules: Sequence[Module]) -> list[str]:
    """What became of each module's record."""
    return [database.prove(module.path, module.version).status for module in modules]


def accused(database: Database) -> set[str]:
    """The files that something is wrong with, or may be."""
    return {
        *(database.proofs[key].path for key in database.record_problems),
        *database.tile_problems,
        *database.head_problems,
        *(path for doubt, _ in database.doubts for path in doubt.suspects),
        *(path for _, path, _ in database.forks),
    }
