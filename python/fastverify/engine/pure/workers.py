"""Sharing modules among worker processes, the biggest first.

The workers are plain child processes that speak over pipes (:mod:`fastverify.engine.pure.worker`):
unlike :mod:`multiprocessing` they do not import the caller's main module and do not fork its threads.
One thread of this process serves each worker.
"""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Generator, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Generic, Protocol, TypeVar, cast

import fastverify
from fastverify import timings
from fastverify.engine.protocol import ModuleMeasurement
from fastverify.engine.pure.allocator import give_memory_back
from fastverify.engine.pure.contents import Part, PartResult, read_part
from fastverify.engine.pure.plan import Job, ModulePlan, measure_module
from fastverify.engine.pure.threads import start_threads
from fastverify.engine.pure.worker import receive, send
from fastverify.errors import EngineError
from fastverify.exhaustion import descriptors_left, room_for_threads

#: Less work than this is done here: starting workers would take longer.
WORTH_WORKERS = 24 << 20
#: A module is not split into parts smaller than this.
SMALLEST_PART = 4 << 20
#: A module is split where it is more than a worker's share divided by this.
_SHARE_PARTS = 4
#: A module of more than this (in bytes) is always split, whatever a worker's share is.  Then it is planned
#: here, where one is planned at a time: the plan of very many entries takes much memory.
_MOST_UNSPLIT = 48 << 20
#: More workers than this are never started.
_MOST_WORKERS = 64
#: To a worker and from it.
_PIPES = 2

#: For the plan that is being made in this process, and for one that takes much memory until it has its
#: answer: there is no second one besides, of whatever crew.
_ROOM_FOR_PLAN = threading.Lock()

# SIGINT reaches the whole foreground group; the parent decides what becomes of the workers.
_BOOT = """\
import signal, sys
signal.signal(signal.SIGINT, signal.SIG_IGN)
if hasattr(signal, "pthread_sigmask"):
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])
sys.path.append(sys.argv[1])
from fastverify.engine.pure.worker import main
main()
"""


T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Plan(Protocol[T_co]):
    """Contents to read, in parts, for one answer."""

    @property
    def weight(self) -> int:
        """What there is to read, in bytes."""
        ...

    @property
    def is_large(self) -> bool:
        """Whether it takes so much memory that there should be no other besides."""
        ...

    def parts(self, weight: int = ..., /) -> Iterator[tuple[list[int], Part]]:
        """The parts, each of about `weight`."""
        ...

    def take(self, numbers: list[int], result: PartResult, /) -> None:
        """Take in what came of a part."""
        ...

    def assemble(self) -> T_co:
        """The answer, when all parts have been taken in."""
        ...


def measure_jobs(
    jobs: Iterator[tuple[int, Job]], count: int, total: int, threads: int
) -> Generator[ModuleMeasurement, None, None]:
    """Measure ``(weight, job)`` pairs on up to `threads` workers, or here where that is quicker.

    There are `count` of them, and `total` is the sum of their weights.
    """
    workers = _most_workers(threads) if total >= WORTH_WORKERS else 1
    if workers > 1:
        crew: _Crew[ModuleMeasurement] = _Crew(workers)
        if crew.start():
            crew.add_jobs(jobs, count, total)
            yield from crew.results()
            return
    for _, job in jobs:
        with _ROOM_FOR_PLAN:
            measured = measure_module(job)
        yield measured


def run_plan(plan: Plan[T], threads: int) -> T:
    """Carry out one plan on up to `threads` workers, or here where that is quicker."""
    workers = _most_workers(threads) if plan.weight >= WORTH_WORKERS else 1
    if workers > 1:
        crew: _Crew[T] = _Crew(workers)
        crew.add_plan(plan)
        if crew.start():
            (answer,) = crew.results()
            return answer
    for numbers, part in plan.parts():
        plan.take(numbers, read_part(part))
    return plan.assemble()


def _most_workers(threads: int) -> int:
    """How many workers to start where so many are wanted: as far as there are descriptors for their pipes,
    and room for the threads that serve them.
    """
    return min(threads, _MOST_WORKERS, descriptors_left() // _PIPES, room_for_threads())


class _Split(Generic[T]):
    """A plan that is carried out by several workers."""

    def __init__(self, plan: Plan[T], threads: int) -> None:
        self.plan = plan
        self.parts = plan.parts(max(plan.weight // (threads * _SHARE_PARTS), SMALLEST_PART))
        self.open = 0
        self.exhausted = False
        self.lock = threading.Lock()


class _Crew(Generic[T]):
    """The workers of one measurement, and what is left for them to do."""

    def __init__(self, threads: int) -> None:
        self._threads = threads
        self._jobs: Iterator[tuple[int, Job]] = iter(())
        #: The first of them, if there are any.
        self._next_job: tuple[int, Job] | None = None
        self._most_unsplit = 0
        #: What has been begun and has parts left, in the order of beginning.
        self._splits: deque[_Split[T]] = deque()
        #: Jobs that are becoming splits.
        self._planning = 0
        #: Whether one of the splits takes much memory, so that nobody else has room for a plan.
        self._has_room = False
        self._lock = threading.Condition()
        self._stopped = False
        #: Answers not yet put among the results.
        self._left = 0
        # Bounded, so that workers wait for a caller who is slow: a result can name very many files.
        self._results: queue.Queue[T | EngineError] = queue.Queue(1)
        self._workers: list[subprocess.Popen[bytes]] = []
        self._servers: list[threading.Thread] = []

    def add_jobs(
        self: _Crew[ModuleMeasurement], jobs: Iterator[tuple[int, Job]], count: int, total: int
    ) -> None:
        """Add `count` modules, to be begun in their order; `total` is the sum of their weights."""
        self._jobs = jobs
        self._next_job = next(jobs, None)
        share = max(total // (self._threads * _SHARE_PARTS), 2 * SMALLEST_PART)
        self._most_unsplit = min(share, _MOST_UNSPLIT)
        self._left += count

    def add_plan(self, plan: Plan[T]) -> None:
        """Add what has been planned already."""
        self._splits.append(_Split(plan, self._threads))
        self._left += 1

    def start(self) -> bool:
        """Start the workers; False where not one could be."""
        if not sys.executable or getattr(sys, "frozen", False):
            return False
        give_memory_back()
        command = [sys.executable, "-I", "-S", "-c", _BOOT, str(Path(fastverify.__file__).parents[1])]
        try:
            for _ in range(self._threads):
                self._workers.append(_start_worker(command))
        except OSError:
            if not self._workers:
                return False
        except BaseException:
            self.stop()
            raise
        return True

    def results(self) -> Iterator[T]:
        """What the workers measure; raises EngineError where one of them fails, or no thread can be had."""
        try:
            # One serves each worker; a worker that has none has nothing to do.
            serving = [partial(self._serve, worker) for worker in self._workers]
            self._servers.extend(start_threads(serving))
            for _ in range(self._left):
                result = self._next_result()
                if isinstance(result, EngineError):
                    raise result
                yield result
        finally:
            self.stop()

    def _next_result(self) -> T | EngineError:
        if os.name == "nt":
            # On Windows Ctrl-C does not end a wait.
            while self._results.empty():
                time.sleep(0.01)
        return self._results.get()

    def stop(self) -> None:
        """End the workers at once, and wait until they are gone."""
        with self._lock:
            self._stopped = True
            self._lock.notify_all()
        for worker in self._workers:
            worker.kill()
        self._leave_room()
        for worker in self._workers:
            worker.wait()
        for server in self._servers:
            while server.is_alive():
                # It may be waiting for room among the results.
                while not self._results.empty():
                    self._results.get_nowait()
                server.join(0.01)
        for worker in self._workers:
            for stream in (worker.stdin, worker.stdout):
                # What was written to a worker that is gone cannot be flushed.
                with suppress(OSError):
                    if stream is not None:
                        stream.close()

    def _serve(self, worker: subprocess.Popen[bytes]) -> None:
        """Give one worker its jobs, until there are none."""
        watch = timings.worker(f"fastverify-{self._workers.index(worker)}")
        try:
            # Nothing of one task is held while the next one is made.
            while self._serve_one(worker, watch):
                pass
        except EngineError as error:
            self._results.put(error)
        except Exception as error:  # noqa: BLE001 - told to the caller, whoever is waiting
            self._results.put(EngineError(f"the pure engine failed: {type(error).__name__}: {error}"))

    def _serve_one(self, worker: subprocess.Popen[bytes], watch: timings.Stopwatch | None) -> bool:
        """Give a worker its next job; False where there is none."""
        task = self._next_task()
        if isinstance(task, Job):
            # A worker answers a Job with what this crew was made for.
            self._results.put(cast("T", self._ask(worker, task, watch)))
        elif task is not None:
            split, numbers, part = task
            self._take(split, numbers, cast("PartResult", self._ask(worker, part, watch)))
        return task is not None

    def _ask(
        self, worker: subprocess.Popen[bytes], request: Job | Part, watch: timings.Stopwatch | None
    ) -> object:
        answer = None
        if watch is not None:
            watch.lap("wait")
        try:
            if worker.stdin is not None and worker.stdout is not None:
                send(worker.stdin, request)
                answer = receive(worker.stdout)
        except OSError:
            pass
        if watch is not None:
            watch.lap("measure")
        if answer is None:
            status = worker.wait()
            how = f"killed by signal {-status}" if status < 0 else f"exit status {status}"
            raise EngineError(
                f"a worker process of the pure engine ended before its work was done ({how});"
                " run it again, with --threads 1 if memory is short"
            )
        if isinstance(answer, EngineError):
            raise answer
        if isinstance(answer, str):
            raise EngineError(f"a worker process of the pure engine failed: {answer}")
        return answer

    def _next_task(self) -> Job | tuple[_Split[T], list[int], Part] | None:
        """A part of what has been begun, else a whole module; None when nothing is left."""
        while True:
            big = None
            with self._lock:
                while not self._stopped and self._planning and not self._splits and not self._has_small_job():
                    self._lock.wait()
                if self._stopped:
                    return None
                split = self._splits[0] if self._splits else None
                if split is None:
                    if self._next_job is None:
                        return None
                    weight, job = self._next_job
                    self._next_job = next(self._jobs, None)
                    if weight <= self._most_unsplit:
                        return job
                    big = job
                    self._planning += 1
            if big is not None:
                self._begin(big)
            elif split is not None:
                part = self._next_part(split)
                if part is not None:
                    return part

    def _has_small_job(self) -> bool:
        """Whether the next job needs no plan here."""
        return self._next_job is not None and self._next_job[0] <= self._most_unsplit

    def _begin(self, job: Job) -> None:
        """Plan a big module here, for all workers to read."""
        while not _ROOM_FOR_PLAN.acquire(timeout=0.05):
            if self._stopped:
                return
        keeps_room = False
        try:
            split = _Split(cast("Plan[T]", ModulePlan(job)), self._threads)
            with self._lock:
                self._splits.append(split)
                self._has_room = keeps_room = split.plan.is_large and not self._stopped
        finally:
            if not keeps_room:
                _ROOM_FOR_PLAN.release()
            with self._lock:
                self._planning -= 1
                self._lock.notify_all()

    def _leave_room(self) -> None:
        """Let others have plans, if ours took much memory."""
        with self._lock:
            had_room, self._has_room = self._has_room, False
        if had_room:
            _ROOM_FOR_PLAN.release()

    def _next_part(self, split: _Split[T]) -> tuple[_Split[T], list[int], Part] | None:
        with split.lock:
            following = None if split.exhausted else next(split.parts, None)
            if following is not None:
                split.open += 1
                return split, *following
            if not split.exhausted:
                split.exhausted = True
                with self._lock:
                    self._splits.remove(split)
                finished = split.open == 0
            else:
                finished = False
        if finished:
            self._finish(split)
        return None

    def _take(self, split: _Split[T], numbers: list[int], result: PartResult) -> None:
        with split.lock:
            split.plan.take(numbers, result)
            split.open -= 1
            finished = split.exhausted and split.open == 0
        if finished:
            self._finish(split)

    def _finish(self, split: _Split[T]) -> None:
        """Give the answer, when all parts of a plan have been taken in."""
        answer = split.plan.assemble()
        if split.plan.is_large:
            # Before the answer is taken: whoever is to take it may need the room.
            del split.plan, split.parts
            self._leave_room()
        self._results.put(answer)


def _start_worker(command: list[str]) -> subprocess.Popen[bytes]:
    flags = 0
    if sys.platform == "win32":
        flags = subprocess.CREATE_NO_WINDOW | subprocess.CREATE_NEW_PROCESS_GROUP
    blocked = None
    if hasattr(signal, "pthread_sigmask"):
        # Inherited, so that SIGINT cannot end the worker before it ignores it.
        blocked = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        return subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, creationflags=flags, bufsize=-1
        )
    finally:
        if blocked is not None:
            signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
