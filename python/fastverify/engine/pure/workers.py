"""Sharing modules, or one plan, among worker processes where that is quicker than doing it here."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing
from typing import TypeVar

from fastverify.engine.protocol import ModuleMeasurement
from fastverify.engine.pure.contents import read_part
from fastverify.engine.pure.crew import Crew, Plan
from fastverify.engine.pure.idle_workers import IdleWorkers
from fastverify.engine.pure.plan import measure_module
from fastverify.engine.pure.room import ROOM
from fastverify.engine.pure.sources import Job
from fastverify.engine.pure.worker_process import PIPES
from fastverify.exhaustion import descriptors_left, room_for_threads

#: Less work than this is done here: starting workers would take longer.
WORTH_WORKERS = 24 << 20
#: More workers than this are never started.
_MOST_WORKERS = 64

T = TypeVar("T")


class Measuring:
    """Modules that are being measured, on up to so many workers, or here where that is quicker."""

    def __init__(
        self, jobs: Iterator[tuple[int, Job]], count: int, total: int, threads: int, idle: IdleWorkers
    ) -> None:
        """`jobs` are `count` pairs of a weight, of which `total` is the sum, and a job.

        Workers that are `idle` are taken before others.
        """
        self._jobs = jobs
        self._count = count
        self._total = total
        self._threads = threads
        self._idle = idle
        self._crew: Crew[ModuleMeasurement] | None = None

    def results(self) -> Generator[ModuleMeasurement, None, None]:
        """Measure them, in their order."""
        crew: Crew[ModuleMeasurement] | None = _crew(self._total, self._threads, self._idle)
        if crew is not None and crew.start():
            crew.add_jobs(self._jobs, self._count, self._total)
            self._crew = crew
            with closing(crew.results()) as results:
                yield from results
            return
        for _, job in self._jobs:
            with ROOM.whole():
                measured = measure_module(job)
            yield measured

    def pause(self) -> None:
        """End what has been begun, and begin nothing more until its answers have been taken."""
        if self._crew is not None:
            self._crew.pause()


def run_plan(plan: Plan[T], threads: int) -> T:
    """Carry out one plan on up to `threads` workers, or here where that is quicker."""
    crew: Crew[T] | None = _crew(plan.weight, threads, IdleWorkers())
    if crew is not None:
        crew.add_plan(plan)
        if crew.start():
            (answer,) = crew.results()
            return answer
    for numbers, part in plan.parts():
        plan.take(numbers, read_part(part))
    return plan.assemble()


def _crew(weight: int, threads: int, idle: IdleWorkers) -> Crew[T] | None:
    """A crew for so much work; None where it is done here.

    It has no more workers than there are descriptors for their pipes, and room for the threads that serve
    them.  Workers that are there cost nothing, and have given back what memory they do not need.
    """
    if weight < WORTH_WORKERS and not idle:
        return None
    workers = min(threads, _MOST_WORKERS, room_for_threads())
    if not idle:
        workers = min(workers, descriptors_left() // PIPES)
    return Crew(workers, idle) if workers > 1 else None
