"""Holding an archive's copies of its imports' fingerprints to the archives that go would link it with.

An archive has, for each package that it imports, the fingerprint of the export data that it was compiled
from, and the linker refuses a program in which that is not the imported package's own ("fingerprint
mismatch", ``cmd/link/internal/ld``).  Which build of the imported package that must be only the inputs of
the action say.  A build cache does not hold them (it holds their hash), and it may well hold other builds
of that package and not the one in question; but go's hash log has them.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from fastverify.gocache.catalog.contents import Contents, opened
from fastverify.gocache.content import MalformedError
from fastverify.gocache.explain.actions import Action
from fastverify.gocache.identify.goarchive import GoArchive, read_archive

_BUILD = "build "


@dataclass(frozen=True, slots=True)
class Disagreement:
    """An archive that was compiled from another build of an import than go would link it with."""

    package: str
    #: 64 hex digits each.
    action: str
    output: str
    imported: str
    #: The output of the imported package's build.
    imported_output: str
    #: Fingerprints, 16 hex digits: the one in `output`, and the imported archive's own.
    recorded: str
    expected: str


def disagreements(builds: Iterable[Action], contents: Contents) -> Iterator[Disagreement]:
    """Those among `builds`, all of which the cache has."""
    actions = [action for action in builds if action.name.startswith(_BUILD)]
    archives = {action.sum: _archive(contents, contents.entries[action.sum].output) for action in actions}
    # By import path and by the part of the build ID that is the input of importers.
    built: dict[tuple[str, str], tuple[str, bytes]] = {}
    for action in actions:
        archive = archives[action.sum]
        if archive is not None and archive.head.build_id is not None:
            key = (_package(action), archive.head.build_id.content)
            built[key] = (contents.entries[action.sum].output, archive.fingerprint)
    for action in actions:
        archive = archives[action.sum]
        if archive is None or archive.linker_object is None:
            continue
        recorded = dict(archive.linker_object.imports)
        for given in action.inputs:
            source = built.get((given.subject, given.value)) if given.kind == "import" else None
            mark = recorded.get(given.subject)
            if source is not None and mark is not None and mark != source[1]:
                yield Disagreement(
                    _package(action),
                    action.sum,
                    contents.entries[action.sum].output,
                    given.subject,
                    source[0],
                    mark.hex(),
                    source[1].hex(),
                )


def _package(action: Action) -> str:
    return action.name.removeprefix(_BUILD)


def _archive(contents: Contents, output: str) -> GoArchive | None:
    path = os.path.join(contents.root, output[:2], f"{output}-d")
    try:
        with opened(path) as content:
            return read_archive(content)
    except (OSError, MalformedError):
        return None
