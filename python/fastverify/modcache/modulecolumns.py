"""The module versions of a cache, of which there may be very many: in columns, not in objects."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from fastverify.liketuple import LikeTuple
from fastverify.modcache.modulefiles import PARTS, ModuleFiles, list_path
from fastverify.name_column import NameColumn, sorted_numbers

_PARTS = next(code for code in "BHI" if array(code).itemsize * 8 >= PARTS)


class VersionList(NamedTuple):
    """A ``list`` file: the versions that the cache knew of when it was written."""

    module: str
    path: str


class Modules(Mapping[tuple[str, str], ModuleFiles]):
    """What the module cache `root` has of each module version, by module path and version."""

    def __init__(self, root: str) -> None:
        self.root = root
        self._paths = NameColumn()
        #: The number of the first version of each path.
        self._first = array("I")
        self._versions = NameColumn()
        self._parts = array(_PARTS)
        self._zip_bytes = array("Q")
        #: The numbers of the paths that have a ``list`` file.
        self._listed = array("I")
        #: The numbers of all paths, ordered by path, once one is looked for.
        self._order: array[int] | None = None

    def begin(self, module: str, *, is_listed: bool = False) -> None:
        """Let those that are added next be versions of this module, of which there are none yet."""
        if is_listed:
            self._listed.append(len(self._paths))
        self._paths.append(module.encode())
        self._first.append(len(self._parts))
        self._order = None

    def add(self, version: str, parts: int, zip_bytes: int = 0) -> None:
        """Add a version of the module that was begun last; see :class:`.ModuleFiles`."""
        self._versions.append(version.encode())
        self._parts.append(parts)
        self._zip_bytes.append(zip_bytes)

    def put(self, files: ModuleFiles) -> None:
        """Add a version; those of one module come one after the other."""
        if not self._paths or self._paths[len(self._paths) - 1] != files.module.encode():
            self.begin(files.module)
        self.add(files.version, files.parts, files.zip_bytes)

    def add_parts(self, number: int, parts: int) -> None:
        """Say what more there is of the version with this number."""
        self._parts[number] |= parts

    def at(self, number: int) -> ModuleFiles:
        """The version with this number, in the order in which they were added."""
        module = self._paths[bisect_right(self._first, number) - 1].decode()
        return self._files(module, number)

    def each(self) -> Iterator[ModuleFiles]:
        """All of them, by their numbers."""
        for place in range(len(self._paths)):
            module = self._paths[place].decode()
            for number in self._numbers(place):
                yield self._files(module, number)

    def parts_and_zips(self) -> Iterator[tuple[int, int]]:
        """What there is of each, in bits, and the size of its zip; by their numbers."""
        return zip(self._parts, self._zip_bytes, strict=True)

    @property
    def lists(self) -> VersionLists:
        """The ``list`` files."""
        return VersionLists(self, self._listed)

    def list_of(self, place: int) -> VersionList:
        """The ``list`` file of the path with this number."""
        module = self._paths[place].decode()
        return VersionList(module, list_path(self.root, module))

    def __len__(self) -> int:
        return len(self._parts)

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return ((files.module, files.version) for files in self.each())

    def __getitem__(self, key: tuple[str, str]) -> ModuleFiles:
        # What is asked for may be any text.
        module, version = (name.encode("utf-8", "surrogatepass") for name in key)
        if self._order is None:
            self._order = sorted_numbers(self._paths.runs(), self._paths.__getitem__)
        at = bisect_left(self._order, module, key=self._paths.__getitem__)
        if at < len(self._order) and self._paths[self._order[at]] == module:
            for number in self._numbers(self._order[at]):
                if self._versions[number] == version:
                    return self._files(key[0], number)
        raise KeyError(key)

    def _numbers(self, place: int) -> range:
        """The numbers of the versions of the path with this number."""
        is_last = place + 1 == len(self._paths)
        return range(self._first[place], len(self._parts) if is_last else self._first[place + 1])

    def _files(self, module: str, number: int) -> ModuleFiles:
        version = self._versions[number].decode()
        return ModuleFiles(self.root, module, version, self._parts[number], self._zip_bytes[number])


class VersionLists(LikeTuple[VersionList]):
    """The ``list`` files of a cache."""

    def __init__(self, modules: Modules, listed: array[int]) -> None:
        self._modules = modules
        self._listed = listed

    def __len__(self) -> int:
        return len(self._listed)

    def __iter__(self) -> Iterator[VersionList]:
        return map(self._modules.list_of, self._listed)

    def member(self, place: int) -> VersionList:
        """The one with this number."""
        return self._modules.list_of(self._listed[place])

    @property
    def made_of(self) -> object:
        """The same where the cache and its modules are."""
        return id(self._modules), self._listed
