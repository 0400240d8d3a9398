"""The engine in Python alone: the answers of the native engine, where there is no native engine."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterator, Sequence
from typing import Literal

from fastverify.engine.buildcache import ActionEntry, BuildMeasurements, OutputMeasurement
from fastverify.engine.protocol import Fault, MeasurementError, ModuleMeasurement, ModuleTask
from fastverify.engine.pure.build.measure import measure_build_cache, measure_build_files
from fastverify.engine.pure.files_plan import FilesPlan
from fastverify.engine.pure.idle_workers import IdleWorkers
from fastverify.engine.pure.plan import ModulePlan
from fastverify.engine.pure.sources import Job
from fastverify.engine.pure.workers import Measuring, run_plan

#: What a zip is taken to hold for each of its bytes, where the task does not say.
_INFLATION = 5


class Measurements(Iterator[ModuleMeasurement]):
    """Measurements under way; see :class:`fastverify.engine.protocol.Measurements`."""

    def __init__(self, measuring: Measuring) -> None:
        self._measuring = measuring
        self._measurements = measuring.results()

    def __next__(self) -> ModuleMeasurement:
        return next(self._measurements)

    def pause(self) -> None:
        """End what has been begun; whatever the engine measures meanwhile is done by the same workers."""
        self._measuring.pause()

    def close(self) -> None:
        """Stop the work."""
        self._measurements.close()


class PureEngine:
    """The engine in Python alone; see :class:`fastverify.engine.protocol.Engine`."""

    def __init__(self) -> None:
        self._idle = IdleWorkers()

    @property
    def name(self) -> Literal["pure"]:
        """The engine's name."""
        return "pure"

    def measure(
        self,
        tasks: Sequence[ModuleTask],
        *,
        threads: int,
        spares: int = 0,  # noqa: ARG002 - workers are processes here, and cost too much to have some spare
    ) -> Measurements:
        """Measure modules in their order."""
        # Made one by one, as there may be very many.
        jobs = ((_weight(task), Job.of(task)) for task in tasks)
        total = sum(map(_weight, tasks))
        return Measurements(Measuring(jobs, len(tasks), total, threads, self._idle))

    def hash_zip(self, path: str, *, threads: int) -> str:
        """``dirhash.HashZip``, without a limit on what the zip declares."""
        plan = ModulePlan(Job(0, b"", os.fsencode(path), None, extractable=False))
        zipped = run_plan(plan, threads).zip
        return _h1(None if zipped is None else zipped.h1, None if zipped is None else zipped.fault, path)

    def hash_dir(self, path: str, prefix: bytes, *, threads: int) -> str:
        """``dirhash.HashDir``, however many files there are."""
        # What filepath.Clean makes of the path, and filepath.Join of the prefix and each file's path.
        cleaned = posixpath.normpath(prefix) if prefix else b"."
        joined = b"" if cleaned == b"." else cleaned.rstrip(b"/") + b"/"
        plan = ModulePlan(Job(0, joined, None, os.fsencode(os.path.normpath(path)), extractable=False))
        tree = run_plan(plan, threads).tree
        return _h1(None if tree is None else tree.h1, None if tree is None else tree.fault, path)

    def hash_files(self, files: Sequence[tuple[bytes, str]], *, threads: int) -> str:
        """``dirhash.Hash1`` over files anywhere."""
        return run_plan(FilesPlan(files), threads)

    def measure_build_cache(self, root: str, *, now_ns: int, threads: int) -> BuildMeasurements:
        """Measure a build cache."""
        return measure_build_cache(root, now_ns, threads)

    def measure_build_files(
        self,
        root: str,
        actions: Sequence[bytes],
        outputs: Sequence[bytes],
        *,
        threads: int,  # noqa: ARG002 - few files are asked for
    ) -> tuple[tuple[ActionEntry, ...], tuple[OutputMeasurement, ...]]:
        """Measure a few files of a build cache."""
        return measure_build_files(root, actions, outputs)


def _h1(h1: str | None, fault: Fault | None, path: str) -> str:
    if h1 is None:
        raise MeasurementError(fault or Fault("zip-format"), path)
    return h1


def _weight(task: ModuleTask) -> int:
    """The bytes to be read, at a guess where the caller makes none."""
    if task.weight:
        return task.weight
    try:
        return os.path.getsize(task.zip or "") * _INFLATION
    except (OSError, ValueError):
        return 0
