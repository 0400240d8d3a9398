"""Other versions of a cache that were changed at about the time of the damage."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import NamedTuple

from fastverify.explain.causes import TOGETHER
from fastverify.modcache.inventory import Inventory


class Neighbour(NamedTuple):
    """A module version of which something changed around the same time."""

    module: str
    version: str
    #: What of it, and when: seconds since the epoch.
    path: str
    at: float


def changed_with(inventory: Inventory, module: tuple[str, str], times: Sequence[float]) -> list[Neighbour]:
    """The other versions with a file, or something at the top of their tree, that was changed within a
    minute of one of `times`, by path.  What lies deeper in their trees is not looked at.

    A version that was downloaded just then is none of them: its own zip is of that time, too.
    """
    found = []
    for key, files in inventory.modules.items():
        if key == module:
            continue
        parts = [path for kind, path in files.files.items() if kind not in ("lock", "info")]
        if any(_is_near(_time(path), times) for path in parts if path.endswith((".zip", ".ziphash"))):
            continue
        tops = [] if files.tree is None else [files.tree, *_entries(files.tree)]
        for path in [*parts, *tops]:
            at = _time(path)
            if at is not None and _is_near(at, times):
                found.append(Neighbour(*key, path, at))
                break
    return sorted(found)


def _entries(folder: str) -> list[str]:
    try:
        return [os.path.join(folder, name) for name in os.listdir(folder)]
    except OSError:
        return []


def _time(path: str) -> float | None:
    """When the file or its status was changed last, which a tool that sets times back cannot hide."""
    try:
        return os.lstat(path).st_ctime
    except OSError:
        return None


def _is_near(at: float | None, times: Sequence[float]) -> bool:
    return at is not None and any(abs(at - other) <= TOGETHER for other in times)
