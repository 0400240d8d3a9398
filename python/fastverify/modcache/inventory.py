"""What a module cache holds: every module version with the files it has, and what belongs to nothing.

Reads directories only, never the content of a file.  The layout is that of
``cmd/go/internal/modfetch`` (``CachePath``, ``DownloadDir``).
"""

from __future__ import annotations

import errno
import os
import re
import stat
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal, NamedTuple

from fastverify.exhaustion import refuse_exhaustion
from fastverify.modcache import layout

#: The files that a module version can have in ``cache/download/<path>/@v``, by their ending.
FileKind = Literal["zip", "ziphash", "mod", "info", "lock", "partial"]
FILE_KINDS: tuple[FileKind, ...] = ("zip", "ziphash", "mod", "info", "lock", "partial")
_KINDS: dict[str, FileKind] = {kind: kind for kind in FILE_KINDS}

StrayKind = Literal[
    "unknown",  # a name that Go never makes, or a file where only folders lie
    "temporary",  # left by a download that was killed
    "tree-temporary",  # left by an extraction of Go before 1.16
    "mismatch",  # a module path that cannot have this version
]

_TEMPORARY = r"(?P<version>.+)\.(?:info|mod|zip)[0-9]{1,10}\.tmp"
_TREE_TEMPORARY = r"(?P<tree>.+@.+)\.tmp-[0-9]+"


@dataclass(slots=True)
class ModuleFiles:
    """One module version, with the paths of the files that it has."""

    module: str
    version: str
    #: The extracted tree, whatever lies there under its name.
    tree: str | None = None
    #: Paths below ``cache/download`` by kind.
    files: dict[FileKind, str] = field(default_factory=dict)
    zip_bytes: int = 0
    #: Where more of it may lie that could not be looked at: its ``tree``, its files below ``download``.
    hidden: set[Literal["tree", "download"]] = field(default_factory=set)


class Stray(NamedTuple):
    """Something that belongs to no module version."""

    path: str
    kind: StrayKind
    is_directory: bool
    #: The lock under which the go command writes it; None where it takes none.
    lock: str | None = None


class VersionList(NamedTuple):
    """A ``list`` file: the versions that the cache knew of when it was written."""

    module: str
    path: str


@dataclass(slots=True)
class Inventory:
    """All that a module cache holds."""

    root: str
    modules: dict[tuple[str, str], ModuleFiles] = field(default_factory=dict)
    lists: list[VersionList] = field(default_factory=list)
    strays: list[Stray] = field(default_factory=list)
    #: Folders that could not be listed, with the error's number.
    unreadable: list[tuple[str, int]] = field(default_factory=list)
    #: Parts of the cache that hold no module content, where they are there.
    sumdb: str | None = None
    vcs: str | None = None
    #: Whether ``cache/download`` is there.
    has_download: bool = False
    #: False where only some of its modules were asked for.
    is_whole: bool = True
    #: Modules of which only the ``.mod`` was asked for.
    mods_only: frozenset[tuple[str, str]] = frozenset()

    def look_again(self, module: str, version: str) -> ModuleFiles:
        """The files that one module version has now, as far as they were asked for."""
        if (module, version) in self.mods_only:
            return look_again(self.root, module, version, kinds=("mod", "lock"), tree=False)
        return look_again(self.root, module, version)


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
    escaped = layout.escape(module).replace("/", os.sep)
    return f"{download_dir(root)}{os.sep}{escaped}{os.sep}@v{os.sep}{layout.escape(version)}.{kind}"


def take_inventory(root: str) -> Inventory:
    """List the module cache `root`.  Folders that cannot be read are among its `unreadable`."""
    inventory = Inventory(root)
    _Trees(inventory).walk()
    _Downloads(inventory).walk()
    if inventory.unreadable:
        _mark_hidden(inventory)
    return inventory


def look_again(
    root: str, module: str, version: str, *, kinds: tuple[FileKind, ...] = FILE_KINDS, tree: bool = True
) -> ModuleFiles:
    """The files that one module version has now: those of `kinds`, and its tree if `tree` says so."""
    found = ModuleFiles(module, version)
    if tree:
        folder = tree_path(root, module, version)
        there = _is_there(folder)
        if there:
            found.tree = folder
        elif there is None:
            found.hidden.add("tree")
    for kind in kinds:
        path = file_path(root, module, version, kind)
        there = _is_there(path)
        if there:
            found.files[kind] = path
        elif there is None:
            found.hidden.add("download")
    if "zip" in found.files:
        found.zip_bytes = _size(found.files["zip"])
    return found


def _is_there(path: str) -> bool | None:
    """Whether something has this name; None where that may not be seen."""
    try:
        os.lstat(path)
    except OSError as error:
        return False if error.errno in (errno.ENOENT, errno.ENOTDIR) else None
    return True


def _mark_hidden(inventory: Inventory) -> None:
    """Note of each module version whether a part of it lies in a folder that could not be listed."""
    closed = tuple(os.path.join(folder, "") for folder, _ in inventory.unreadable)
    for files in inventory.modules.values():
        tree = tree_path(inventory.root, files.module, files.version)
        if files.tree is None and tree.startswith(closed):
            files.hidden.add("tree")
        if file_path(inventory.root, files.module, files.version, "zip").startswith(closed):
            files.hidden.add("download")


def _size(path: str) -> int:
    try:
        return os.lstat(path).st_size
    except OSError:
        return 0


class _Walk:
    """Lists folders, once each however they are reached, and notes those that cannot be listed."""

    def __init__(self, inventory: Inventory) -> None:
        self.inventory = inventory
        self._linked: set[tuple[int, int]] = set()

    def entries(self, folder: str) -> list[os.DirEntry[str]]:
        try:
            with os.scandir(folder) as scan:
                return list(scan)
        except FileNotFoundError:
            return []  # removed since its parent was listed
        except OSError as error:
            refuse_exhaustion(error.errno, folder)
            self.inventory.unreadable.append((folder, error.errno or 0))
            return []

    def is_folder(self, entry: os.DirEntry[str]) -> bool:
        """Whether `entry` is to be walked into; a link to a folder is, but only once."""
        try:
            if entry.is_dir(follow_symlinks=False):
                return True
            if not entry.is_dir():
                return False
            target = os.stat(entry.path)
        except OSError:
            return False
        identity = (target.st_dev, target.st_ino)
        below = os.path.join(os.path.realpath(self.inventory.root), "")
        if identity in self._linked or below.startswith(os.path.join(os.path.realpath(entry.path), "")):
            return False  # seen already, or it holds the cache itself: a loop
        self._linked.add(identity)
        return stat.S_ISDIR(target.st_mode)

    def stray(self, entry: os.DirEntry[str], kind: StrayKind, lock: str | None = None) -> None:
        """Note what belongs to no module version."""
        self.inventory.strays.append(Stray(entry.path, kind, _is_directory(entry), lock))

    def module_files(self, module: str, version: str) -> ModuleFiles:
        key = (module, version)
        found = self.inventory.modules.get(key)
        if found is None:
            found = self.inventory.modules[key] = ModuleFiles(module, version)
        return found


class _Trees(_Walk):
    """Extracted trees: ``<path>@<version>`` in the folders below the root."""

    def walk(self) -> None:
        pending = [(self.inventory.root, "")]
        while pending:
            folder, prefix = pending.pop()
            for entry in self.entries(folder):
                name = entry.name
                if not prefix and name == "cache":
                    continue
                path = prefix + name
                if layout.AT in name:
                    self._tree(entry, path)
                elif not _may_lead_to_module(path):
                    self.stray(entry, "unknown")
                elif self.is_folder(entry):
                    pending.append((entry.path, path + "/"))
                else:
                    self.stray(entry, "unknown")

    def _tree(self, entry: os.DirEntry[str], path: str) -> None:
        escaped_path, _, escaped_version = path.partition(layout.AT)
        module = layout.unescape_path(escaped_path)
        version = layout.unescape_version(escaped_version)
        if module is None or version is None:
            temporary = re.fullmatch(_TREE_TEMPORARY, path)
            self.stray(entry, "tree-temporary" if temporary else "unknown")
        elif not layout.agrees(module, version):
            self.stray(entry, "mismatch")
        else:
            self.module_files(module, version).tree = entry.path


class _Downloads(_Walk):
    """``cache``: downloads by module path, and the folders that hold no module content."""

    def walk(self) -> None:
        cache = os.path.join(self.inventory.root, "cache")
        for entry in self.entries(cache) if os.path.isdir(cache) else []:
            if entry.name == "download" and self.is_folder(entry):
                self.inventory.has_download = True
                self._download(entry.path)
            elif entry.name == "vcs" and self.is_folder(entry):
                self.inventory.vcs = entry.path
            elif entry.name != "lock" or self.is_folder(entry):
                self.stray(entry, "unknown")

    def _download(self, download: str) -> None:
        pending = [(download, "")]
        while pending:
            folder, prefix = pending.pop()
            for entry in self.entries(folder):
                path = prefix + entry.name
                if entry.name == "@v" and prefix and self.is_folder(entry):
                    self._versions(entry.path, prefix[:-1], entry)
                elif not prefix and entry.name == "sumdb" and self.is_folder(entry):
                    self.inventory.sumdb = entry.path
                elif _may_lead_to_module(path) and self.is_folder(entry):
                    pending.append((entry.path, path + "/"))
                else:
                    self.stray(entry, "unknown")

    def _versions(self, folder: str, escaped_path: str, parent: os.DirEntry[str]) -> None:
        module = layout.unescape_path(escaped_path)
        if module is None:
            self.stray(parent, "unknown")
            return
        # By what stands before the ending, which several files of a version have in common.
        versions: dict[str, str | None] = {"": None}
        agreed: dict[str, ModuleFiles] = {}
        for entry in self.entries(folder):
            name = entry.name
            if name == "list":
                self.inventory.lists.append(VersionList(module, entry.path))
                continue
            stem, _, ending = name.rpartition(".")
            kind = _KINDS.get(ending)
            if kind is not None and (known := agreed.get(stem)) is not None:
                self._file(known, kind, entry)
                continue
            if stem not in versions:
                versions[stem] = layout.unescape_version(stem)
            version = versions[stem]
            if version is None or kind is None:
                temporary = re.fullmatch(_TEMPORARY, name)
                if temporary is None:
                    self.stray(entry, "unknown")
                else:
                    self.stray(entry, "temporary", os.path.join(folder, f"{temporary['version']}.lock"))
            elif not layout.agrees(module, version):
                self.stray(entry, "mismatch")
            else:
                agreed[stem] = self.module_files(module, version)
                self._file(agreed[stem], kind, entry)

    def _file(self, found: ModuleFiles, kind: FileKind, entry: os.DirEntry[str]) -> None:
        found.files[kind] = entry.path
        if kind == "zip":
            found.zip_bytes = _size(entry.path)


def _is_directory(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir(follow_symlinks=False)
    except OSError:
        return False


def _may_lead_to_module(escaped: str) -> bool:
    """Whether a folder of this name can hold module versions, itself or further down."""
    path = layout.unescape(escaped)
    if path is None:
        return False
    # The major-version rule is about whole paths: gopkg.in itself is no module path.
    return layout.has_path_characters(path)
