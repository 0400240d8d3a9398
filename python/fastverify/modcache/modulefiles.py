"""One module version of a cache: the files that it has, and where they lie.

The layout is that of ``cmd/go/internal/modfetch`` (``CachePath``, ``DownloadDir``).
"""

from __future__ import annotations

import errno
import os
from functools import lru_cache
from typing import Literal, NamedTuple

from fastverify.modcache import layout

#: The files that a module version can have in ``cache/download/<path>/@v``, by their ending.
FileKind = Literal["zip", "ziphash", "mod", "info", "lock", "partial"]
FILE_KINDS: tuple[FileKind, ...] = ("zip", "ziphash", "mod", "info", "lock", "partial")

#: A bit for each part that a module version can have: its files by their ending, and its tree.
FILE_BITS: dict[str, int] = {kind: 1 << number for number, kind in enumerate(FILE_KINDS)}
TREE = 1 << len(FILE_KINDS)
#: And for where more of it may lie that could not be looked at.
HIDDEN: dict[Literal["tree", "download"], int] = {"tree": TREE << 1, "download": TREE << 2}
#: As many bits as all these.
PARTS = len(FILE_KINDS) + 3
_FILES = sum(FILE_BITS.values())


class ModuleFiles(NamedTuple):
    """One module version of a cache, with the files that it has; paths are made when they are asked for."""

    root: str
    module: str
    version: str
    #: What there is of it, in bits.
    parts: int = 0
    #: The size of its zip.
    zip_bytes: int = 0

    def has(self, kind: FileKind) -> bool:
        """Whether there is a file of this kind."""
        return self.parts & FILE_BITS[kind] != 0

    def path(self, kind: FileKind) -> str | None:
        """The path of the file of this kind, below ``cache/download``; None where it is not there."""
        return file_path(self.root, self.module, self.version, kind) if self.has(kind) else None

    def paths(self, *kinds: FileKind) -> list[str | None]:
        """The paths of the files of some kinds, as :meth:`path` has them."""
        before = f"{_folder(self.root, self.module)}{layout.escape(self.version)}."
        return [before + kind if self.has(kind) else None for kind in kinds]

    @property
    def files(self) -> dict[FileKind, str]:
        """The paths of all its files, by kind."""
        paths = zip(FILE_KINDS, self.paths(*FILE_KINDS), strict=True)
        return {kind: path for kind, path in paths if path is not None}

    @property
    def has_files(self) -> bool:
        """Whether there is a file of any kind."""
        return self.parts & _FILES != 0

    @property
    def has_tree(self) -> bool:
        """Whether there is an extracted tree, whatever lies there under its name."""
        return self.parts & TREE != 0

    @property
    def tree(self) -> str | None:
        """The path of the extracted tree; None where it is not there."""
        return tree_path(self.root, self.module, self.version) if self.has_tree else None

    @property
    def hidden(self) -> tuple[Literal["tree", "download"], ...]:
        """Where more of it may lie that could not be looked at: its ``tree``, or files below ``download``."""
        return tuple(place for place, bit in HIDDEN.items() if self.parts & bit)

    def without_tree(self) -> ModuleFiles:
        """The same, as if there were no tree."""
        return self._replace(parts=self.parts & ~TREE)


@lru_cache(maxsize=16)
def download_dir(root: str) -> str:
    """``cache/download`` of the module cache `root`."""
    return os.path.join(root, "cache", "download")


def tree_path(root: str, module: str, version: str) -> str:
    """Where the extracted tree of a module version lies (``modfetch.DownloadDir``)."""
    escaped = layout.escape(module).replace("/", os.sep)
    return os.path.join(root, f"{escaped}{layout.AT}{layout.escape(version)}")


def file_path(root: str, module: str, version: str, kind: FileKind) -> str:
    """Where a file of a module version lies (``modfetch.CachePath``)."""
    return f"{_folder(root, module)}{layout.escape(version)}.{kind}"


def list_path(root: str, module: str) -> str:
    """Where the list of a module's versions lies."""
    return f"{_folder(root, module)}list"


def _folder(root: str, module: str) -> str:
    """The folder with the files of a module, and what parts it from their names."""
    escaped = layout.escape(module).replace("/", os.sep)
    return f"{download_dir(root)}{os.sep}{escaped}{os.sep}@v{os.sep}"


def look_again(
    root: str, module: str, version: str, *, kinds: tuple[FileKind, ...] = FILE_KINDS, tree: bool = True
) -> ModuleFiles:
    """The files that one module version has now: those of `kinds`, and its tree if `tree` says so."""
    parts = zip_bytes = 0
    if tree:
        there = _is_there(tree_path(root, module, version))
        parts |= HIDDEN["tree"] if there is None else TREE * there
    for kind in kinds:
        path = file_path(root, module, version, kind)
        there = _is_there(path)
        parts |= HIDDEN["download"] if there is None else FILE_BITS[kind] * there
        if there and kind == "zip":
            zip_bytes = size_of(path)
    return ModuleFiles(root, module, version, parts, zip_bytes)


def _is_there(path: str) -> bool | None:
    """Whether something has this name; None where that may not be seen."""
    try:
        os.lstat(path)
    except OSError as error:
        return False if error.errno in (errno.ENOENT, errno.ENOTDIR) else None
    return True


def size_of(path: str) -> int:
    """How many bytes there are in a file; 0 where that is not known."""
    try:
        return os.lstat(path).st_size
    except OSError:
        return 0


def hidden_folders(root: str, files: ModuleFiles) -> list[tuple[str, int]]:
    """The folders of the module cache `root` that hide parts of a module version, and why: errno."""
    places = {"tree": tree_path(root, files.module, files.version)}
    places["download"] = file_path(root, files.module, files.version, "mod")
    return [(os.path.dirname(places[part]), _error(places[part])) for part in sorted(files.hidden)]


def _error(path: str) -> int:
    """The number of the error that keeps `path` from being looked at."""
    try:
        os.lstat(path)
    except OSError as error:
        return error.errno or errno.EIO
    return errno.EACCES  # it has just become readable
