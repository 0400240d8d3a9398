"""What an engine is asked to measure of a module version as a cache has it."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from itertools import starmap

from fastverify.engine.protocol import ModuleTask
from fastverify.liketuple import LikeTuple
from fastverify.modcache import layout
from fastverify.modcache.modulecolumns import Modules, VersionList
from fastverify.modcache.modulefiles import TREE, ModuleFiles
from fastverify.name_column import runs_below, sorted_numbers

#: How much an extracted module outweighs its zip, for sharing work and guessing the time left.
_UNPACKED = 5
#: What a tree without a zip is taken to weigh, in bytes.
_UNKNOWN_TREE = 1 << 20


def task_of(key: int, files: ModuleFiles) -> ModuleTask:
    """All that there is of it."""
    zip_, mod, info, ziphash = files.paths("zip", "mod", "info", "ziphash")
    return ModuleTask(
        key=key,
        prefix=f"{files.module}@{files.version}/".encode(),
        zip=zip_,
        tree=files.tree,
        mod=mod,
        info=info,
        ziphash=ziphash,
        toolchain=files.module == layout.TOOLCHAIN,
        weight=_weight(files.parts, files.zip_bytes),
    )


def task_of_list(key: int, path: str) -> ModuleTask:
    """A ``list`` file is read as the small file that it is."""
    return ModuleTask(key, b"", None, None, None, path, None, False, 1)


def biggest_first(tasks: Sequence[ModuleTask]) -> list[ModuleTask]:
    """The order in which they are measured soonest."""
    return sorted(tasks, key=lambda task: -task.weight)


def weight(modules: Modules) -> int:
    """About how many bytes there are to read of all of them."""
    return sum(starmap(_weight, modules.parts_and_zips()))


def _weight(parts: int, zip_bytes: int) -> int:
    """About how many bytes there are to read of one; see :class:`.ModuleFiles`."""
    if not parts & TREE:
        return zip_bytes + 1
    return zip_bytes * (1 + _UNPACKED) + 1 if zip_bytes else _UNKNOWN_TREE + 1


class CacheTasks(LikeTuple[ModuleTask]):
    """What there is to measure of a cache, the biggest first; each task is made when it is looked at.

    The key of a module version is its number, and those of the lists of versions come after these.
    """

    def __init__(self, modules: Modules) -> None:
        self._modules = modules
        self._lists = modules.lists
        weights = array("Q", starmap(_weight, modules.parts_and_zips()))
        self._order = sorted_numbers(runs_below(len(modules)), lambda number: -weights[number])

    def __len__(self) -> int:
        return len(self._order) + len(self._lists)

    def __iter__(self) -> Iterator[ModuleTask]:
        return map(self.member, range(len(self)))

    def member(self, place: int) -> ModuleTask:
        """The task with this place in the order."""
        if place < len(self._order):
            number = self._order[place]
            return task_of(number, self._modules.at(number))
        return task_of_list(place, self._lists[place - len(self._order)].path)

    def list_of(self, key: int) -> VersionList | None:
        """The list of versions that the task with this key is about; None where it is about a version."""
        place = key - len(self._order)
        return self._lists[place] if place >= 0 else None

    @property
    def made_of(self) -> object:
        """The same only for the same modules."""
        return id(self._modules)
