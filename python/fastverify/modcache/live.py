"""Telling damage from a go command at work: when is a module version at rest?

Go extracts and downloads under ``<version>.lock``, but ``go clean -modcache`` takes no lock: it
makes every directory writable and then deletes.  So an anomaly counts only when nobody holds the
lock, nothing around it has changed lately, and a second look finds the same.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterable, Iterator

from fastverify.modcache.modulecolumns import Modules
from fastverify.modcache.modulefiles import ModuleFiles, file_path, tree_path

#: What changed less than this long ago (seconds) may be about to change again.
YOUNG = 0.5
#: How long (seconds) everything must have been still where directories look as `go clean -modcache`
#: leaves them just before it deletes.
CLEAN_REST = 2.0
#: How long (seconds) a check sleeps between two glances at what it waits for.
POLL = 0.1
#: How long (seconds) a check waits at most before it looks again at what was found wanting.
GLANCE = 3.0
#: How long (seconds) a check goes on looking at a cache that does not come to rest.
PATIENCE = 60.0

#: What lstat says of the places of one module version.
Fingerprint = tuple[tuple[int, int, int, int] | None, ...]


def places(root: str, files: ModuleFiles) -> list[str]:
    """The paths whose change means that somebody is at work on this module version."""
    module, version = files.module, files.version
    tree = tree_path(root, module, version)
    zip_ = file_path(root, module, version, "zip")
    return [
        *(file_path(root, module, version, kind) for kind in ("zip", "ziphash", "mod", "info", "partial")),
        # Where the folder itself is gone, the one above it tells when that happened.
        _nearest_folder(os.path.dirname(zip_)),
        _nearest_folder(tree),
    ]


def fingerprint(paths: Iterable[str]) -> Fingerprint:
    """What lstat says of each path; equal where nothing was written, made or removed there."""
    return tuple(_status(path) for path in paths)


def is_young(marks: Fingerprint) -> bool:
    """Whether any of the places changed within the last moments."""
    now = time.time_ns()
    return any(mark is not None and abs(now - mark[2]) < YOUNG * 1e9 for mark in marks)


class Stillness:
    """For how long nothing has changed at some paths, as far as has been seen."""

    def __init__(self) -> None:
        #: Stands for the fingerprint, which of a whole cache is much.
        self._marks: int | None = None
        self._since = 0.0

    def seconds(self, paths: Iterable[str]) -> float:
        """How long, in seconds, `paths` have been as they are now; 0 where they changed a moment ago."""
        marks, has_young = 0, False
        for path in paths:
            mark = _status(path)
            marks = hash((marks, mark))
            has_young = has_young or is_young((mark,))
        now = time.monotonic()
        if marks != self._marks:
            self._marks, self._since = marks, now
        return 0.0 if has_young else now - self._since


def looks_cleaned(root: str, files: ModuleFiles, *, modcacherw: bool) -> bool:
    """Whether a folder of this module version is as ``go clean -modcache`` leaves it before it deletes.

    That is mode 0777, whatever the umask is; Go makes trees read-only unless `modcacherw` is set.
    """
    if os.name == "nt":
        return False
    folder = os.path.dirname(file_path(root, files.module, files.version, "zip"))
    mode = _folder_mode(tree_path(root, files.module, files.version))
    return _folder_mode(folder) == 0o777 or mode == 0o777 or bool(mode & stat.S_IWUSR and not modcacherw)


def remains(root: str, modules: Modules) -> Iterator[str]:
    """The folders of all module versions, whose vanishing shows that somebody is emptying the cache."""
    last = ""
    for files in modules.each():
        yield tree_path(root, files.module, files.version)
        folder = os.path.dirname(file_path(root, files.module, files.version, "zip"))
        if folder != last:
            # Those of one module come one after the other.
            yield folder
        last = folder


def _folder_mode(path: str) -> int:
    """The permission bits of a folder; 0 where there is none."""
    try:
        mode = os.lstat(path).st_mode
    except OSError:
        return 0
    return stat.S_IMODE(mode) if stat.S_ISDIR(mode) else 0


def _nearest_folder(path: str) -> str:
    while not os.path.isdir(path):
        parent = os.path.dirname(path)
        if parent == path:
            break
        path = parent
    return path


def _status(path: str) -> tuple[int, int, int, int] | None:
    try:
        status = os.lstat(path)
    except OSError:
        return None
    return (status.st_ino, status.st_size, status.st_ctime_ns, status.st_mode)
