"""The part of a module cache that projects are built from: an inventory of their build lists."""

from __future__ import annotations

import os
from collections.abc import Sequence

from fastverify.gomod.reading import is_absent
from fastverify.gomod.summary import Module
from fastverify.modcache import layout
from fastverify.modcache.buildlist import BuildList
from fastverify.modcache.inventory import Inventory
from fastverify.modcache.modulefiles import download_dir, file_path, hidden_folders, tree_path


def take_inventory_of(root: str, lists: Sequence[BuildList]) -> Inventory:
    """What the module cache `root` has of the modules in `lists`, replacements in place of the replaced.

    Each go.mod that was read for a list belongs to it, too, also where another version is selected: who
    changes it changes the list.  Of such a module nothing but its ``.mod`` is looked at.
    """
    inventory = Inventory(root, is_whole=False)
    selected = {module.source: None for modules in lists for module in modules.modules}
    read = {(go_mod.path, go_mod.version): None for modules in lists for go_mod in modules.go_mods_loaded}
    inventory.mods_only = frozenset(read.keys() - selected.keys())
    for source in sorted({*read, *(source for source in selected if source is not None)}):
        _add(inventory, source)
    inventory.has_download = os.path.isdir(download_dir(root))
    sumdb = os.path.join(download_dir(root), "sumdb")
    inventory.sumdb = sumdb if os.path.isdir(sumdb) else None
    return inventory


def absent_from(inventory: Inventory, lists: Sequence[BuildList]) -> int:
    """How many modules of `lists` lie in the cache neither as a zip nor as a tree."""
    sources = {module.source for modules in lists for module in modules.modules} - {None}
    found = inventory.modules
    return sum(
        source not in found or not (found[source].has_tree or found[source].has("zip"))
        for source in sources
        if source is not None
    )


def _add(inventory: Inventory, source: Module) -> None:
    path, version = source
    if not (layout.is_module_path(path) and layout.is_version(version) and layout.agrees(path, version)):
        return  # no cache can have it; the build list says so
    # Of many modules there is nothing at all, which the folders alone tell.
    mod = file_path(inventory.root, path, version, "mod")
    if _is_absent(os.path.dirname(mod)) and _is_absent(tree_path(inventory.root, path, version)):
        return
    files = inventory.look_again(path, version)
    if files.parts:
        inventory.modules.put(files)
    inventory.unreadable += hidden_folders(inventory.root, files)


def _is_absent(path: str) -> bool:
    try:
        os.lstat(path)
    except OSError as error:
        return is_absent(error)
    return False
