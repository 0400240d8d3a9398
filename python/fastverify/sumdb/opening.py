"""Which part of the checksum database a check uses: Go's folder of each cache, and what may be fetched."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from fastverify.engine.protocol import EngineName
from fastverify.errors import FastverifyError
from fastverify.locate import GoSettings
from fastverify.report.model import Finding
from fastverify.sumdb.proof import NO_DATABASE, ModuleProofs

if TYPE_CHECKING:
    from fastverify.sumdb.fetch import Fetched, Fetcher
    from fastverify.sumdb.settings import SumdbSettings


class Opener:
    """Opens the checksum database of module caches, by the settings of the go command."""

    def __init__(
        self, go: GoSettings, engine: EngineName, *, fetch_from: str | None = None, roots: Sequence[str] = ()
    ) -> None:
        """`fetch_from` is a URL, or ``proxy``, to fetch what is missing from; nothing is fetched without.

        Raises FastverifyError where `fetch_from` is given and there is nothing to be asked.
        """
        self._go = go
        self._engine = engine
        self._fetcher: Fetcher | None = None
        self._told: set[str] = set()
        if fetch_from is not None:
            # Only now: who fetches nothing need not wait for the libraries that can.
            from fastverify.sumdb.fetch import make_fetcher

            self._fetcher = make_fetcher(fetch_from, self._settings, engine, roots)

    @cached_property
    def _settings(self) -> SumdbSettings:
        """What the go command has been told.  Raises FastverifyError where the go command refuses it."""
        # Only now: where there are no records nobody need wait for what reads it.
        from fastverify.sumdb.settings import sumdb_settings

        return sumdb_settings(self._go)

    def open(
        self, folder: str | None, modules: Iterable[tuple[str, str]]
    ) -> tuple[ModuleProofs, list[Finding]]:
        """The database in Go's `folder` (``cache/download/sumdb``, None where it is not there), with
        what is wrong with its files.  `modules` are those to fetch records of.
        """
        if folder is None and self._fetcher is None:
            return NO_DATABASE, []
        try:
            settings = self._settings
        except FastverifyError:  # told by not_checked()
            return NO_DATABASE, []
        if settings.key is None:
            return NO_DATABASE, []
        gos = os.path.join(folder or "", *settings.name.split("/"))
        if self._fetcher is None and not (folder is not None and os.path.isdir(gos)):
            return NO_DATABASE, []
        # Only now: most caches have none, and need not wait for what reads it.
        from fastverify.sumdb.database import open_database
        from fastverify.sumdb.findings import database_findings

        if self._fetcher is not None:
            database, fetched = self._fetcher.fill(gos, modules)
            findings = [*database_findings(database), *_fetch_findings(self._fetcher, fetched)]
        else:
            database = open_database([gos], settings, self._engine)
            findings = list(database_findings(database))
        # Several caches share Go's newest head, and what was fetched.
        shared = {finding.path for finding in findings if not finding.path.startswith(gos)}
        findings = [finding for finding in findings if finding.path not in self._told]
        self._told |= shared
        return database, findings

    def not_checked(self, folder: str | None) -> list[str]:
        """What is in Go's `folder` and cannot be used, a sentence each."""
        if folder is None:
            return []
        try:
            settings = self._settings
        except FastverifyError as error:
            return [f"records of the checksum database in {folder} are not used: {error}"]
        if settings.key is None:
            return [f"records of the checksum database in {folder} are not used: GOSUMDB is off"]
        said = []
        try:
            names = sorted(os.listdir(folder))
        except OSError:
            names = []
        own = settings.name.split("/", 1)[0]
        said += [
            f"records of {name} in {folder} are not used: GOSUMDB names {settings.name}"
            for name in names
            if name != own
        ]
        if own in names and not self._can_verify():
            said.append(
                f"signatures of {settings.name} are not checked, so its records vouch for nothing (they are "
                "compared all the same): pip install cryptography, or use the native engine"
            )
        return said

    def _can_verify(self) -> bool:
        from fastverify.sumdb.arithmetic import load_arithmetic

        return load_arithmetic(self._engine).verify is not None


def _fetch_findings(fetcher: Fetcher, fetched: Fetched) -> list[Finding]:
    findings = []
    if fetched.failed:
        what, why = fetched.failed[0]
        more = len(fetched.failed) - 1 + fetched.not_tried
        findings.append(
            Finding(
                "warning",
                "warning",
                "sumdb",
                fetcher.shown,
                f"{what} could not be fetched: {why}" + (f"; nor could {more:,} more" if more else ""),
                "the go command asks only for what is in no go.sum",
                "check again with --sumdb; what has been fetched is kept",
            )
        )
    if fetched.unknown:
        module, version = fetched.unknown[0]
        more = len(fetched.unknown) - 1
        findings.append(
            Finding(
                "untracked",
                "note",
                "sumdb",
                fetcher.shown,
                f"the checksum database has no record of {module}@{version}"
                + (f", nor of {more:,} more" if more else ""),
                "the go command stops where such a module is in no go.sum",
                "if these modules are private, name them in GOPRIVATE",
            )
        )
    return findings
