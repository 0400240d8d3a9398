"""What a module cache holds: every module version with the files it has, and what belongs to nothing.

Reads directories only, never the content of a file.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from fastverify.exhaustion import refuse_exhaustion
from fastverify.modcache import layout
from fastverify.modcache.modulecolumns import Modules, VersionList
from fastverify.modcache.modulefiles import (
    FILE_BITS,
    HIDDEN,
    TREE,
    ModuleFiles,
    file_path,
    look_again,
    size_of,
    tree_path,
)

StrayKind = Literal[
    "unknown",  # a name that Go never makes, or a file where only folders lie
    "temporary",  # left by a download that was killed
    "tree-temporary",  # left by an extraction of Go before 1.16
    "mismatch",  # a module path that cannot have this version
]

#: There is no such file, as opposed to one that cannot be looked at.
_ABSENT = (FileNotFoundError, NotADirectoryError)

_TEMPORARY = r"(?P<version>.+)\.(?:info|mod|zip)[0-9]{1,10}\.tmp"
_TREE_TEMPORARY = r"(?P<tree>.+@.+)\.tmp-[0-9]+"


class Stray(NamedTuple):
    """Something that belongs to no module version."""

    path: str
    kind: StrayKind
    is_directory: bool
    #: The lock under which the go command writes it; None where it takes none.
    lock: str | None = None


@dataclass(slots=True)
class Inventory:
    """All that a module cache holds."""

    root: str
    modules: Modules = field(init=False)
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

    def __post_init__(self) -> None:
        self.modules = Modules(self.root)

    @property
    def lists(self) -> Sequence[VersionList]:
        """The ``list`` files of its modules."""
        return self.modules.lists

    @property
    def closed(self) -> tuple[str, ...]:
        """The folders that could not be listed, with a separator at the end: whatever begins so is hidden."""
        return tuple(os.path.join(folder, "") for folder, _ in self.unreadable)

    def look_again(self, module: str, version: str) -> ModuleFiles:
        """The files that one module version has now, as far as they were asked for."""
        if (module, version) in self.mods_only:
            return look_again(self.root, module, version, kinds=("mod", "lock"), tree=False)
        return look_again(self.root, module, version)


def take_inventory(root: str) -> Inventory:
    """List the module cache `root`.  Folders that cannot be read are among its `unreadable`."""
    inventory = Inventory(root)
    _walk(inventory)
    if inventory.unreadable:
        _mark_hidden(inventory)
    return inventory


def _mark_hidden(inventory: Inventory) -> None:
    """Note of each module version whether a part of it lies in a folder that could not be listed."""
    closed = inventory.closed
    for number, files in enumerate(inventory.modules.each()):
        tree = tree_path(inventory.root, files.module, files.version)
        if not files.has_tree and tree.startswith(closed):
            inventory.modules.add_parts(number, HIDDEN["tree"])
        if file_path(inventory.root, files.module, files.version, "zip").startswith(closed):
            inventory.modules.add_parts(number, HIDDEN["download"])


class _Folder:
    """Where trees and downloads of the modules lie whose paths begin alike, on both sides of a cache."""

    __slots__ = ("downloads", "prefix", "trees", "versions")

    def __init__(self, prefix: str, trees: str | None = None, downloads: str | None = None) -> None:
        #: The escaped path, with a slash behind it; ``""`` for all modules.
        self.prefix = prefix
        #: The folders, where they are there.
        self.trees = trees
        self.downloads = downloads
        #: The escaped versions of which there is a tree, of the module of just that path.
        self.versions: list[str] = []


#: Folders by the name below the one that is being listed.
_Below = dict[str, _Folder]


def _walk(inventory: Inventory) -> None:
    """List trees and downloads side by side, so that all versions of a module are known together."""
    trees, downloads = _Trees(inventory), _Downloads(inventory)
    pending = [_Folder("", inventory.root, downloads.find())]
    while pending:
        folder = pending.pop()
        below: _Below = {}
        if folder.trees is not None:
            trees.list(folder, folder.trees, below)
        versions = downloads.list(folder, folder.downloads, below) if folder.downloads is not None else None
        if versions is not None or folder.versions:
            _add(inventory, folder, versions or _Versions())
        pending.extend(below.values())
    inventory.strays = trees.strays + downloads.strays


def _add(inventory: Inventory, folder: _Folder, found: _Versions) -> None:
    """Enter a module with all its versions."""
    for version in folder.versions:
        found.parts[version] = found.parts.get(version, 0) | TREE
    if not found.parts and not found.is_listed:
        return
    inventory.modules.begin(layout.unescape(folder.prefix[:-1]) or "", is_listed=found.is_listed)
    for version, parts in found.parts.items():
        inventory.modules.add(layout.unescape(version) or "", parts, found.zip_bytes.get(version, 0))


class _Versions:
    """What there is in the folder ``@v`` of a module."""

    __slots__ = ("is_listed", "parts", "zip_bytes")

    def __init__(self) -> None:
        #: By escaped version: the files that it has, in bits; and the size of its zip.
        self.parts: dict[str, int] = {}
        self.zip_bytes: dict[str, int] = {}
        #: Whether there is a ``list`` file.
        self.is_listed = False


class _Side:
    """Lists folders, once each however they are reached, and notes those that cannot be listed."""

    def __init__(self, inventory: Inventory) -> None:
        self.inventory = inventory
        self.strays: list[Stray] = []
        self._linked: set[tuple[int, int]] = set()

    def entries(self, folder: str) -> list[os.DirEntry[str]]:
        """What is in a folder; the paths of the entries lead there, but not as they are told."""
        try:
            with os.scandir(_entered(folder)) as scan:
                return list(scan)
        except OSError as error:
            self.cannot_list(folder, error)
            return []

    def names(self, folder: str) -> list[str]:
        try:
            return os.listdir(_entered(folder))
        except OSError as error:
            self.cannot_list(folder, error)
            return []

    def cannot_list(self, folder: str, error: OSError) -> None:
        if isinstance(error, FileNotFoundError):
            return  # removed since its parent was listed
        refuse_exhaustion(error.errno, folder)
        self.inventory.unreadable.append((folder, error.errno or 0))

    def is_folder(self, entry: os.DirEntry[str]) -> bool:
        """Whether `entry` is to be walked into; a link to a folder is, but only once.

        So is what cannot be looked at: walking into it tells why.
        """
        try:
            if entry.is_dir(follow_symlinks=False):
                return True
            if not entry.is_dir():
                return False
            target = os.stat(entry.path)
            below = os.path.join(os.path.realpath(self.inventory.root), "")
            above = os.path.join(os.path.realpath(entry.path), "")
        except _ABSENT:
            return False
        except OSError:
            return True
        identity = (target.st_dev, target.st_ino)
        if identity in self._linked or below.startswith(above):
            return False  # seen already, or it holds the cache itself: a loop
        self._linked.add(identity)
        return stat.S_ISDIR(target.st_mode)

    def stray(self, path: str, kind: StrayKind, lock: str | None = None) -> None:
        """Note what belongs to no module version."""
        self.strays.append(Stray(path, kind, _is_directory(path), lock))


class _Trees(_Side):
    """Extracted trees: ``<path>@<version>`` in the folders below the root."""

    def list(self, folder: _Folder, path: str, below: _Below) -> None:
        """List one folder of them; what is found is entered into `below`."""
        prefix, start = folder.prefix, os.path.join(path, "")
        for entry in self.entries(path):
            name = entry.name
            if not prefix and name == "cache":
                continue
            if layout.AT in name:
                self._tree(start + name, prefix, name, below)
            elif _may_lead_to_module(prefix + name) and self.is_folder(entry):
                _child(below, prefix, name).trees = start + name
            else:
                self.stray(start + name, "unknown")

    def _tree(self, path: str, prefix: str, name: str, below: _Below) -> None:
        """Enter the tree at `path`, called `name` in its folder."""
        path_end, _, escaped_version = name.partition(layout.AT)
        module = layout.unescape_path(prefix + path_end)
        version = layout.unescape_version(escaped_version)
        if module is None or version is None:
            temporary = re.fullmatch(_TREE_TEMPORARY, prefix + name)
            self.stray(path, "tree-temporary" if temporary else "unknown")
        elif not layout.agrees(module, version):
            self.stray(path, "mismatch")
        else:
            _child(below, prefix, path_end).versions.append(escaped_version)


class _Downloads(_Side):
    """``cache``: downloads by module path, and the folders that hold no module content."""

    def find(self) -> str | None:
        """The folder of downloads, if it is there; what lies beside it is noted."""
        found = None
        cache = os.path.join(self.inventory.root, "cache")
        for entry in self.entries(cache) if _may_be_folder(cache) else []:
            path = os.path.join(cache, entry.name)
            if entry.name == "download" and self.is_folder(entry):
                self.inventory.has_download = True
                found = path
            elif entry.name == "vcs" and self.is_folder(entry):
                self.inventory.vcs = path
            elif entry.name != "lock" or self.is_folder(entry):
                self.stray(path, "unknown")
        return found

    def list(self, folder: _Folder, path: str, below: _Below) -> _Versions | None:
        """List one folder of them; the versions in it, if it has such.  Folders are entered into `below`."""
        prefix, start = folder.prefix, os.path.join(path, "")
        versions = None
        for entry in self.entries(path):
            name = entry.name
            place = start + name
            if name == "@v" and prefix and self.is_folder(entry):
                versions = self._versions(place, prefix[:-1])
            elif not prefix and name == "sumdb" and self.is_folder(entry):
                self.inventory.sumdb = place
            elif (name in below or _may_lead_to_module(prefix + name)) and self.is_folder(entry):
                _child(below, prefix, name).downloads = place
            else:
                self.stray(place, "unknown")
        return versions

    def _versions(self, folder: str, escaped_path: str) -> _Versions:
        found = _Versions()
        module = layout.unescape_path(escaped_path)
        if module is None:
            self.stray(folder, "unknown")
            return found
        parts = found.parts
        for name in self.names(folder):
            # Several files of a version have in common what stands before the ending.
            version, _, ending = name.rpartition(".")
            bit = FILE_BITS.get(ending, 0)
            if not bit or version not in parts:
                if name == "list":
                    found.is_listed = True
                    continue
                if not self._is_version(module, version, bit, folder, name):
                    continue
                parts[version] = 0
            parts[version] |= bit
            if ending == "zip":
                found.zip_bytes[version] = size_of(os.path.join(folder, name))
        return found

    def _is_version(self, module: str, escaped: str, bit: int, folder: str, name: str) -> bool:
        """Whether the file `name` is one of a version; what it is else is noted."""
        version = layout.unescape_version(escaped) if escaped else None
        if version is not None and bit:
            if layout.agrees(module, version):
                return True
            self.stray(os.path.join(folder, name), "mismatch")
            return False
        temporary = re.fullmatch(_TEMPORARY, name)
        if temporary is None:
            self.stray(os.path.join(folder, name), "unknown")
        else:
            lock = os.path.join(folder, f"{temporary['version']}.lock")
            self.stray(os.path.join(folder, name), "temporary", lock)
        return False


def _child(below: _Below, prefix: str, name: str) -> _Folder:
    found = below.get(name)
    if found is None:
        found = below[name] = _Folder(f"{prefix}{name}/")
    return found


def _entered(folder: str) -> str:
    """A name of a folder by which only those find it who may look at what is in it."""
    return os.path.join(folder, os.curdir)


def _may_be_folder(path: str) -> bool:
    """Whether there is a folder, or what cannot be looked at."""
    try:
        return stat.S_ISDIR(os.stat(path).st_mode)
    except _ABSENT:
        return False
    except OSError:
        return True


def _is_directory(path: str) -> bool:
    try:
        return stat.S_ISDIR(os.lstat(path).st_mode)
    except OSError:
        return False


def _may_lead_to_module(escaped: str) -> bool:
    """Whether a folder of this name can hold module versions, itself or further down."""
    path = layout.unescape(escaped)
    if path is None:
        return False
    # The major-version rule is about whole paths: gopkg.in itself is no module path.
    return layout.has_path_characters(path)
