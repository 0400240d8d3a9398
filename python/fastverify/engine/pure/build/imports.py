"""Builds that archives were compiled from, and that no archive of the cache is."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from fastverify.engine.buildcache import (
    MAX_EXAMPLES,
    MAX_STRAYS,
    EntryOf,
    Imports,
    MissingImport,
    OutputMeasurement,
)
from fastverify.engine.pure.build.export import Builds

#: Of so many builds that archives name, and no more: the first by path and fingerprint.
_MOST_NAMED = 1 << 20
#: What was written later than this (nanoseconds) before the check began may name what was not yet there
#: when its shard was listed.
_SETTLED_NS = 2_000_000_000
_MARK = 8


class Noted:
    """What was noted so far, by several threads."""

    def __init__(self, now_ns: int) -> None:
        self._now_ns = now_ns
        self._lock = threading.Lock()
        self._built: set[bytes] = set()
        #: With the first importer's ID.
        self._named: dict[bytes, bytes] = {}

    def note(self, measured: OutputMeasurement, builds: Builds, entries: Sequence[EntryOf]) -> None:
        """Take note of an output, where it is an archive; `entries` name it."""
        with self._lock:
            self._note(measured, builds, entries)

    def _note(self, measured: OutputMeasurement, builds: Builds, entries: Sequence[EntryOf]) -> None:
        self._built.update(builds.own)
        status = measured.file_stat or measured.stat
        if (
            measured.sha256 != measured.output
            or not entries
            or status is None
            or status.mtime_ns + _SETTLED_NS > self._now_ns
        ):
            return
        for build in builds.imports:
            # The linker takes a fingerprint of zero for any.
            if any(build[_MARK:]):
                known = self._named.get(build)
                self._named[build] = measured.output if known is None else min(known, measured.output)
        if len(self._named) >= 2 * _MOST_NAMED:
            self._trim()

    def _trim(self) -> None:
        self._named = dict(sorted(self._named.items())[:_MOST_NAMED])

    def join(self) -> Imports:
        """Put importers and imported together."""
        self._trim()
        missing = [build for build in self._named if build not in self._built]

        def whole(builds: list[bytes], most: int) -> tuple[MissingImport, ...]:
            return tuple(MissingImport(self._named[build], build[_MARK:]) for build in builds[:most])

        altered = _altered(self._built, missing)
        others = [build for build in missing if build not in altered]
        return Imports(
            len(self._named),
            len(missing),
            whole(others, MAX_EXAMPLES),
            whole([build for build in missing if build in altered], MAX_STRAYS),
        )


def _altered(built: set[bytes], missing: list[bytes]) -> set[bytes]:
    """Those of `missing` that differ from one of `built` of the same path in one byte of the fingerprint."""
    found: set[bytes] = set()
    for at in range(_MARK, 2 * _MARK) if missing else ():
        masked: dict[bytes, list[bytes]] = {}
        for build in missing:
            masked.setdefault(build[:at] + build[at + 1 :], []).append(build)
        for build in built:
            found.update(masked.get(build[:at] + build[at + 1 :], ()))
    return found
