"""Other versions of a cache that were changed at about the time of the damage."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from fastverify.explain.causes import TOGETHER
from fastverify.modcache.inventory import Inventory
from fastverify.modcache.modulefiles import ModuleFiles

#: The files that one download makes, and what else it makes beside them.
_ARCHIVE = ("zip", "ziphash")
_PASSING = ("lock", "info")


class Neighbour(NamedTuple):
    """A module version of which something changed around the same time."""

    module: str
    version: str
    #: What of it, and when: seconds since the epoch.
    path: str
    at: float


class _Times(NamedTuple):
    """When a file was written last, and when it or its status was changed last."""

    path: str
    mtime: float
    ctime: float


def changed_with(inventory: Inventory, module: tuple[str, str], times: Sequence[float]) -> list[Neighbour]:
    """The other versions with a file, or something at the top of their tree, that was changed within a
    minute of one of `times`, by path.  What lies deeper in their trees is not looked at.

    What the go command made just then is none of it: a zip with its ziphash, a tree, or a go.mod of which
    there is no zip.  All of that was written when it was changed, which a ``chmod`` or a restored backup
    does not do, and nothing of it is older.
    """
    found = []
    for files in inventory.modules.each():
        if (files.module, files.version) == module:
            continue
        changed = next(_changed(files, times), None)
        if changed is not None:
            found.append(Neighbour(files.module, files.version, changed.path, changed.ctime))
    return sorted(found)


def _changed(files: ModuleFiles, times: Sequence[float]) -> Iterator[_Times]:
    """The parts of a version that were changed near `times`, and not only made then."""
    parts = {
        kind: known
        for kind, path in files.files.items()
        if kind not in _PASSING and (known := _times(path)) is not None
    }
    is_new = {kind for kind, known in parts.items() if _is_made(known, times)}
    downloaded = is_new.issuperset(_ARCHIVE)
    for kind, known in parts.items():
        if kind in is_new and (downloaded or (kind == "mod" and not any(a in parts for a in _ARCHIVE))):
            continue
        if _is_near(known.ctime, times):
            yield known
    tops = list(filter(None, map(_times, _tops(files))))
    if not all(_is_made(known, times) for known in tops):
        yield from (known for known in tops if _is_near(known.ctime, times))


def _tops(files: ModuleFiles) -> list[str]:
    """A tree and what lies at its top."""
    if files.tree is None:
        return []
    try:
        return [files.tree, *(os.path.join(files.tree, name) for name in os.listdir(files.tree))]
    except OSError:
        return [files.tree]


def _times(path: str) -> _Times | None:
    try:
        found = os.lstat(path)
    except OSError:
        return None
    return _Times(path, found.st_mtime, found.st_ctime)


def _is_made(known: _Times, times: Sequence[float]) -> bool:
    """Whether it was written and not touched since, near one of `times`.

    The time of a change of status is one that no tool can set back.
    """
    return _is_near(known.ctime, times) and abs(known.ctime - known.mtime) <= TOGETHER


def _is_near(at: float, times: Sequence[float]) -> bool:
    return any(abs(at - other) <= TOGETHER for other in times)
