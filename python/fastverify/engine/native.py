"""The native engine: the Rust core behind the protocol."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING

from fastverify import _native
from fastverify.engine.differences import Differences
from fastverify.engine.protocol import (
    EngineName,
    Fault,
    FileStat,
    MeasurementError,
    ModuleMeasurement,
    ModuleTask,
    SmallFile,
    TreeMeasurement,
    Violation,
    ZipMeasurement,
)
from fastverify.errors import EngineError
from fastverify.exhaustion import EXHAUSTED, NO_THREAD, refuse_exhaustion

if TYPE_CHECKING:
    from typing_extensions import Self

    from fastverify._native import _Fault, _Module, _Small, _Stat, _Tree, _Zip
    from fastverify.engine.buildcache import ActionEntry, OutputMeasurement
    from fastverify.engine.native_build import BuildMeasurements


#: The core is given this many tasks to begin with (which is as many as it can have threads),
_FIRST = 256
#: and then more, so that it never has more than this many before it; each takes about 1 KB there.
AHEAD = 1024
#: Less than this many more are not worth a call, unless they are the last.
_MORE = 128


class Measurements(Iterator[ModuleMeasurement]):
    """Measurements under way.

    The core is given the tasks as it comes to them: there may be very many.

    Raises RuntimeError where a worker has panicked, which is a bug and no property of a cache, and
    EngineError where there are no descriptors, no memory or no threads left.
    """

    def __init__(self, tasks: Sequence[ModuleTask], threads: int, spares: int) -> None:
        self._tasks = tasks
        #: Those that the core has not been given.
        self._left = iter(tasks)
        #: How many of them the core has, and what it has answered nothing to.
        self._ahead = 0
        self._measurements = _native.measure(self._next_tasks(_FIRST), threads, spares)
        self._is_ended = False

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> ModuleMeasurement:
        if not self._is_ended and self._ahead <= AHEAD - _MORE:
            self._add_tasks()
        try:
            fields = next(self._measurements)
        except OSError as error:
            raise EngineError(NO_THREAD) from error
        self._ahead -= 1
        try:
            return _module(fields)
        except OSError as error:
            named = next((task for task in self._tasks if task.key == fields[0]), None)
            refuse_exhaustion(error.errno, named and (named.zip or named.tree or named.mod))
            raise

    def _add_tasks(self) -> None:
        """Give the core more to do, or tell it that there is nothing more."""
        more = self._next_tasks(AHEAD - self._ahead)
        if more:
            self._measurements.add(more)
        else:
            self._measurements.end_tasks()
            self._is_ended = True

    def _next_tasks(self, count: int) -> list[ModuleTask]:
        tasks = list(islice(self._left, count))
        self._ahead += len(tasks)
        return tasks

    def pause(self) -> None:
        """End what has been begun, and let go of its memory; the next measurements end the pause."""
        self._measurements.pause()

    def close(self) -> None:
        """Stop the work and wait until nothing is read any more."""
        self._measurements.close()


@contextmanager
def _refusing_without_threads() -> Iterator[None]:
    """Raise EngineError where the core can start no thread, which it tells by an OSError."""
    try:
        yield
    except OSError as error:
        raise EngineError(NO_THREAD) from error


class NativeEngine:
    """Measures with the Rust core, on threads of its own that need no GIL."""

    @property
    def name(self) -> EngineName:
        """Which engine this is."""
        return "native"

    def measure(self, tasks: Sequence[ModuleTask], *, threads: int, spares: int = 0) -> Measurements:
        """Measure `tasks` on `threads` workers and spare ones; see :meth:`.protocol.Engine.measure`.

        Raises EngineError where no thread can be started.
        """
        with _refusing_without_threads():
            return Measurements(tasks, threads, spares)

    def hash_zip(self, path: str, *, threads: int) -> str:
        """``dirhash.HashZip``; see :meth:`.protocol.Engine.hash_zip`."""
        with _refusing_without_threads():
            return _h1(_native.hash_zip(path, threads), path)

    def hash_dir(self, path: str, prefix: bytes, *, threads: int) -> str:
        """``dirhash.HashDir``; see :meth:`.protocol.Engine.hash_dir`."""
        with _refusing_without_threads():
            return _h1(_native.hash_dir(path, prefix, threads), path)

    def hash_files(self, files: Sequence[tuple[bytes, str]], *, threads: int) -> str:
        """``dirhash.Hash1``; see :meth:`.protocol.Engine.hash_files`."""
        with _refusing_without_threads():
            answer = _native.hash_files(files, threads)
        if isinstance(answer, str):
            return answer
        fault, number = answer
        return _h1(fault, files[number][1])

    def measure_build_cache(self, root: str, *, now_ns: int, threads: int) -> BuildMeasurements:
        """Measure a build cache; see :meth:`.protocol.Engine.measure_build_cache`.

        Raises EngineError where no thread can be started.
        """
        from fastverify.engine.native_build import BuildMeasurements

        with _refusing_without_threads():
            return BuildMeasurements(_native.measure_build_cache(root, now_ns, threads))

    def measure_build_files(
        self,
        root: str,
        actions: Sequence[bytes],
        outputs: Sequence[bytes],
        *,
        threads: int,  # noqa: ARG002 - few files are asked for
    ) -> tuple[tuple[ActionEntry, ...], tuple[OutputMeasurement, ...]]:
        """Measure a few files of a build cache; see :meth:`.protocol.Engine.measure_build_files`."""
        from fastverify.engine.native_build import action_entry, output_measurement

        entries, measured = _native.measure_build_files(root, actions, outputs)
        return tuple(map(action_entry, entries)), tuple(map(output_measurement, measured))

    def check_kernel(self) -> None:
        """Raise ValueError where ``FASTVERIFY_SHA256`` names what is not there."""
        _native.sha256_kernels()

    def reading_ways(self) -> tuple[tuple[str, ...], str | None]:
        """The ways to read files that this process may use, and the one that is forced, if any.

        Raises ValueError where ``FASTVERIFY_READING`` names what is not there.
        """
        available, forced = _native.reading_ways()
        return tuple(available), forced


def _h1(answer: str | _Fault, path: str) -> str:
    if isinstance(answer, str):
        return answer
    refuse_exhaustion(answer[2], path)
    raise MeasurementError(_record(Fault, answer), path)


# The core's tuples have the fields in the protocol's order, and its words for codes and changes.  So a
# record is made of its tuple as it is; a record's own class would take the fields one by one.

_record = tuple.__new__


def _own_fault(fault: _Fault) -> Fault:
    """The record of a fault that what was read has of its own.  Raises OSError for another."""
    if fault[2] in EXHAUSTED:
        raise OSError(fault[2], os.strerror(fault[2]))
    return _record(Fault, fault)


def _fault(fault: _Fault | None) -> Fault | None:
    return None if fault is None else _own_fault(fault)


def _faults(faults: tuple[_Fault, ...]) -> tuple[Fault, ...]:
    return tuple(map(_own_fault, faults)) if faults else ()


def _stat(stat: _Stat | None) -> FileStat | None:
    return None if stat is None else _record(FileStat, stat)


def _zip(measured: _Zip | None) -> ZipMeasurement | None:
    if measured is None:
        return None
    stat, fault, h1, files_h1, entries, unpacked, go_mod_h1, has_go_mod, bad_entries, violations = measured
    return ZipMeasurement(
        _stat(stat),
        _fault(fault),
        h1,
        files_h1,
        entries,
        unpacked,
        go_mod_h1,
        has_go_mod,
        _faults(bad_entries),
        tuple(_record(Violation, violation) for violation in violations) if violations else (),
    )


def _tree(measured: _Tree | None) -> TreeMeasurement | None:
    if measured is None:
        return None
    stat, fault, h1, files, size, faults, empty_directories, more_faults, more_empty_directories = measured
    return TreeMeasurement(
        _stat(stat),
        _fault(fault),
        h1,
        files,
        size,
        _faults(faults),
        empty_directories,
        more_faults,
        more_empty_directories,
    )


def _small(measured: _Small | None) -> SmallFile | None:
    if measured is None:
        return None
    stat, fault, content, h1 = measured
    return SmallFile(_stat(stat), _fault(fault), content, h1)


def _module(measured: _Module) -> ModuleMeasurement:
    key, zip_, tree, mod, info, ziphash, packed, differences, more = measured
    return ModuleMeasurement(
        key,
        _zip(zip_),
        _tree(tree),
        _small(mod),
        _small(info),
        _small(ziphash),
        Differences(packed, differences) if differences else (),
        more,
    )
