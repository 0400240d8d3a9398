"""Which module, at which version, a package came from: told by where its source lay.

The paths are those of the compiler's file table: absolute; ``$GOROOT/src/…`` for the standard library;
with -trimpath the module's path and version, or the import path for the main module.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable
from dataclasses import dataclass

from fastverify.modcache.layout import (
    AT,
    has_path_characters,
    is_version,
    unescape_path,
    unescape_version,
)

_DRIVE = re.compile(r"[A-Za-z]:/")


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a package's source lay.  What the paths do not tell is empty."""

    module: str = ""
    version: str = ""
    package: str = ""
    folder: str = ""


def origin_of(sources: Iterable[str], package: str) -> Origin:
    """The origin of `package`, whose file table is `sources`.

    Where its import path is not known (``""``), that of the first file is taken: a package's own files
    come before those that it inlines.
    """
    first = Origin()
    for source in sources:
        if source.startswith(("<", "$GOROOT", "_cgo_")) or "/" not in source.replace("\\", "/"):
            continue
        origin = _of_folder(posixpath.dirname(source.replace("\\", "/")), package)
        if package and origin.package == package:
            return origin
        if not first.folder:
            first = origin
    if package and first.package != package:
        # A main module's package, in a folder of any name; what is inlined comes from elsewhere.
        return Origin("", "", package, first.folder if not first.version else "")
    return first


def _of_folder(folder: str, package: str) -> Origin:
    absolute = folder.startswith("/") or _DRIVE.match(folder) is not None
    elements = folder.split("/")
    at = next((number for number, element in enumerate(elements) if AT in element), None)
    if at is None:
        if absolute:
            return Origin(folder=folder)
        return Origin(package=folder, folder=folder)
    last, _, spelled = elements[at].partition(AT)
    version = unescape_version(spelled) if absolute else spelled
    if version is None or not is_version(version):
        return Origin(folder=folder)
    rest = elements[at + 1 :]
    before = [*elements[:at], last]
    for start in _starts(before, absolute):
        spelled_path = "/".join(before[start:])
        # In a cache capitals are escaped; with -trimpath they are not.
        module = unescape_path(spelled_path) if absolute else spelled_path
        if module is None or not has_path_characters(module):
            continue
        found = "/".join([module, *rest])
        if not package or found == package:
            return Origin(module, version, found, folder)
    return Origin(folder=folder)


def _starts(elements: list[str], absolute: bool) -> list[int]:
    """Where the module's path may begin, the likeliest first."""
    if not absolute:
        return [0]
    after_mod = [number + 1 for number, element in enumerate(elements[:-1]) if element == "mod"]
    return list(dict.fromkeys([*reversed(after_mod), *range(len(elements))]))
