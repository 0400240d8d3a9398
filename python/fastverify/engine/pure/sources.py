"""What a module is measured from, as far as it is known before any content is read."""

from __future__ import annotations

import os
import stat
from array import array
from collections.abc import Iterator, Sequence
from itertools import groupby, pairwise
from typing import NamedTuple

from fastverify.engine.protocol import (
    MAX_NAMES_BYTES,
    MAX_ZIP_BYTES,
    Fault,
    FileStat,
    ModuleTask,
    Violation,
)
from fastverify.engine.pure.faults import FaultError
from fastverify.engine.pure.files import file_stat, lstat, open_regular
from fastverify.engine.pure.tree_listing import Listing, list_tree, stat_root
from fastverify.engine.pure.zip_directory import Directory, read_directory
from fastverify.engine.pure.zip_rules import violations
from fastverify.name_column import sorted_numbers


class Job(NamedTuple):
    """A ModuleTask whose paths are bytes, as this process encodes them."""

    key: int
    prefix: bytes
    zip: bytes | None
    tree: bytes | None
    mod: bytes | None = None
    info: bytes | None = None
    ziphash: bytes | None = None
    toolchain: bool = False
    #: Hold the zip to Go's limits and rules for extracting it.
    extractable: bool = True

    @classmethod
    def of(cls, task: ModuleTask) -> Job:
        """The job for a task."""
        return cls(
            task.key,
            task.prefix,
            _encoded(task.zip),
            _encoded(task.tree),
            _encoded(task.mod),
            _encoded(task.info),
            _encoded(task.ziphash),
            task.toolchain,
        )


def _encoded(path: str | None) -> bytes | None:
    return None if path is None else os.fsencode(path)


class TooManyNamesError(Exception):
    """A module has more names than whoever measures it has room for, though not more than may be."""


def _room_for_names(job: Job, most_names: int) -> int | None:
    """How much the names of a zip or of a tree may need; None where there is no limit."""
    return min(MAX_NAMES_BYTES, most_names) if job.extractable else None


def _checked(fault: Fault, most_names: int) -> Fault:
    """The fault, unless it is there only because of this limit."""
    if fault.code == "too-many-names" and most_names < MAX_NAMES_BYTES:
        raise TooManyNamesError
    return fault


class ZipSource:
    """An archive as far as it is known before any content is read."""

    def __init__(self, job: Job, path: bytes, most_names: int) -> None:
        self.stat: FileStat | None = None
        self.fault: Fault | None = None
        self.names: Sequence[bytes] = []
        #: Numbers of all entries by name; and of the last entry of each name, which Go reads for all.
        self.order = array("I")
        self.last = array("I")
        self.directory: Directory | None = None
        self.violations: tuple[Violation, ...] = ()
        try:
            self.stat = file_stat(lstat(path))
            fd, found = open_regular(path)
            try:
                self.directory = read_directory(
                    fd, found.st_size, job.prefix, _room_for_names(job, most_names)
                )
            finally:
                os.close(fd)
        except FaultError as error:
            self.fault = _checked(error.fault(), most_names)
            return
        self.names = names = self.directory.names.quickest()
        if job.extractable:
            self.violations = violations(self.directory, names, job.prefix)
            if found.st_size > MAX_ZIP_BYTES or self.directory.unpacked > MAX_ZIP_BYTES:
                self.fault = Fault("zip-too-large")
                return
        self.order = sorted_numbers(self.directory.names.runs(), names.__getitem__)
        self.last = self.order
        if any(one == other for one, other in pairwise(map(names.__getitem__, self.order))):
            self.last = array("I", self._last_of_each())

    def _last_of_each(self) -> Iterator[int]:
        for _, numbers in groupby(self.order, self.names.__getitem__):
            *_, last = numbers
            yield last


class TreeSource:
    """A tree as far as it is known before any content is read."""

    def __init__(self, job: Job, path: bytes, most_names: int) -> None:
        self.stat: FileStat | None = None
        self.fault: Fault | None = None
        self.listing: Listing | None = None
        try:
            self.stat = stat_root(path)
            if not stat.S_ISDIR(self.stat.mode):
                raise FaultError("not-directory")
            self.listing = list_tree(path, _room_for_names(job, most_names))
        except FaultError as error:
            self.fault = _checked(error.fault(), most_names)
