"""A crew: the worker processes of one measurement, and what is left for them to do.

One thread of this process serves each worker.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Generator, Iterator
from functools import partial
from itertools import islice
from typing import Generic, Protocol, TypeVar, cast

from fastverify.engine.protocol import MeasurementError, ModuleMeasurement
from fastverify.engine.pure.allocator import give_memory_back
from fastverify.engine.pure.contents import Part, PartResult
from fastverify.engine.pure.idle_workers import IdleWorkers, end
from fastverify.engine.pure.plan import ModulePlan
from fastverify.engine.pure.room import ROOM
from fastverify.engine.pure.sources import Job
from fastverify.engine.pure.threads import start_threads
from fastverify.engine.pure.worker import Declined
from fastverify.engine.pure.worker_process import WorkerProcess, can_start
from fastverify.errors import EngineError

#: A module is not split into parts smaller than this.
SMALLEST_PART = 4 << 20
#: A module is split where it is more than a worker's share divided by this.
_SHARE_PARTS = 4
#: A module of more than this (in bytes) is always split, whatever a worker's share is.
_MOST_UNSPLIT = 48 << 20
#: On Windows Ctrl-C does not end a wait, so none is longer (seconds).
_PATIENCE = 0.05 if os.name == "nt" else None


T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Plan(Protocol[T_co]):
    """Contents to read, in parts, for one answer."""

    @property
    def weight(self) -> int:
        """What there is to read, in bytes."""
        ...

    @property
    def memory(self) -> int:
        """About how many bytes of memory it takes."""
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


class _Split(Generic[T]):
    """A plan that is carried out by several workers."""

    def __init__(self, plan: Plan[T], threads: int, memory: int = 0) -> None:
        self.plan = plan
        #: What it holds of the room for plans.
        self.memory = memory
        self.parts = plan.parts(max(plan.weight // (threads * _SHARE_PARTS), SMALLEST_PART))
        self.open = 0
        self.exhausted = False
        self.lock = threading.Lock()


class Crew(Generic[T]):
    """The workers of one measurement, and what is left for them to do."""

    def __init__(self, threads: int, idle: IdleWorkers) -> None:
        """Up to so many workers, which are taken from those that are `idle` if there are such."""
        self._threads = threads
        self._idle = idle
        self._jobs: Iterator[tuple[int, Job]] = iter(())
        #: The first of them, behind those that were declined.
        self._next_jobs: deque[tuple[int, Job]] = deque()
        self._most_unsplit = 0
        #: What has been begun and has parts left, in the order of beginning.
        self._splits: deque[_Split[T]] = deque()
        #: Splits without an answer.
        self._begun: set[_Split[T]] = set()
        #: Jobs that are becoming splits.
        self._planning = 0
        #: Threads that have something to do, or an answer to put down.
        self._active = 0
        self._changed = threading.Condition()
        self._stopped = False
        self._paused = False
        #: Whether the workers are with those that are idle, because of a pause.
        self._resting = False
        self._error: EngineError | MeasurementError | None = None
        #: Answers not yet taken by the caller; and those of them that are there.
        self._left = 0
        self._answers: deque[T] = deque()
        self._workers: list[WorkerProcess] = []
        #: One serves each worker, from when the results are asked for.
        self._servers: list[threading.Thread] = []
        self._is_open = False
        #: How many of them there are still.
        self._serving = 0

    def add_jobs(
        self: Crew[ModuleMeasurement], jobs: Iterator[tuple[int, Job]], count: int, total: int
    ) -> None:
        """Add `count` modules, to be begun in their order; `total` is the sum of their weights."""
        self._jobs = jobs
        self._next_jobs.extend(islice(jobs, 1))
        share = max(total // (self._threads * _SHARE_PARTS), 2 * SMALLEST_PART)
        self._most_unsplit = min(share, _MOST_UNSPLIT)
        self._left += count

    def add_plan(self, plan: Plan[T]) -> None:
        """Add what has been planned already."""
        split = _Split(plan, self._threads)
        self._splits.append(split)
        self._begun.add(split)
        self._left += 1

    def start(self) -> bool:
        """Get workers, and for each a thread that serves it; False where not one of both could be had."""
        give_memory_back()
        idle = self._idle.borrow(self._threads)
        wanted = len(idle) or (self._threads if can_start() else 0)
        try:
            while len(self._workers) < wanted:
                self._workers.append(idle.pop(0) if idle else WorkerProcess(len(self._workers)))
                # One that nobody serves has nothing to do; and it may be what a thread lacks.
                if not self._start_server():
                    idle.insert(0, self._workers.pop())
                    break
        except OSError:
            pass
        except BaseException:
            self.stop()
            end(idle)
            raise
        if not self._idle.give_back(idle):
            end(idle)
        return bool(self._workers)

    def _start_server(self) -> bool:
        before = len(self._servers)
        self._servers.extend(start_threads([partial(self._serve, before)], least=0))
        self._serving = len(self._servers)
        return self._serving > before

    def results(self) -> Generator[T, None, None]:
        """What the workers measure.

        Raises EngineError where one of them fails, and what a plan raises.
        """
        try:
            with self._changed:
                self._is_open = True
                self._changed.notify_all()
            while self._left:
                yield self._next_answer()
        finally:
            self.stop()

    def _next_answer(self) -> T:
        with self._changed:
            if self._paused and not self._answers:
                self._resume()
            while not self._answers and self._error is None:
                self._changed.wait(_PATIENCE)
            if self._error is not None:
                raise self._error
            self._left -= 1
            answer = self._answers.popleft()
            self._changed.notify_all()
            return answer

    def pause(self) -> None:
        """Begin nothing more until all answers have been taken that are there; end what has been begun.

        Until then the workers are with those that are idle.
        """
        with self._changed:
            if self._resting or self._stopped or not self._servers:
                return
            self._paused = True
            self._changed.notify_all()
            while self._error is None and (self._active or self._begun):
                self._changed.wait(_PATIENCE)
            if self._error is None:
                self._resting = True
                workers, self._workers = self._workers, []
                self._idle.pause(workers)

    def _resume(self) -> None:
        if self._resting:
            self._resting = False
            self._workers = self._idle.resume(self._serving)
            try:
                while len(self._workers) < self._serving:
                    self._workers.append(WorkerProcess(len(self._workers)))
            except OSError:
                # Those do it that are there; whoever serves none ends.
                self._serving = len(self._workers)
            if not self._workers:
                raise EngineError("the worker processes of the pure engine cannot be started again")
        self._paused = False
        self._changed.notify_all()

    def stop(self) -> None:
        """End the workers, at once, and wait until they are gone; whoever pauses may have idle ones."""
        with self._changed:
            is_done = not self._left and self._error is None
            self._stopped = True
            self._changed.notify_all()
            if self._resting:
                self._resting = False
                self._workers += self._idle.resume(self._threads)
        if not is_done:
            for worker in self._workers:
                worker.kill()
        for server in self._servers:
            server.join()
        for split in self._begun:
            ROOM.leave(split.memory)
        self._begun.clear()
        self._splits.clear()
        workers, self._workers = self._workers, []
        if not (is_done and self._idle.give_back(workers)):
            end(workers)

    def _serve(self, number: int) -> None:
        """Give one worker its jobs, until there are none."""
        try:
            # Nothing of one task is held while the next one is made.
            while self._serve_one(number):
                pass
        except (EngineError, MeasurementError) as error:
            self._fail(error)
        except Exception as error:  # noqa: BLE001 - told to the caller, whoever is waiting
            self._fail(EngineError(f"the pure engine failed: {type(error).__name__}: {error}"))

    def _fail(self, error: EngineError | MeasurementError) -> None:
        with self._changed:
            self._error = self._error or error
            self._changed.notify_all()

    def _serve_one(self, number: int) -> bool:
        """Give a worker its next job; False where there is none."""
        task = self._next_task(number)
        if task is None:
            return False
        worker = self._workers[number]
        try:
            if isinstance(task, Job):
                answer = worker.ask(task)
                if isinstance(answer, Declined):
                    self._decline(task)
                else:
                    # A worker answers a Job with what this crew was made for.
                    self._put(cast("T", answer))
            else:
                split, numbers, part = task
                self._take(split, numbers, cast("PartResult", worker.ask(part)))
        finally:
            with self._changed:
                self._active -= 1
                self._changed.notify_all()
        return True

    def _decline(self, job: Job) -> None:
        """Let a module be split that a worker takes for too large."""
        with self._changed:
            self._next_jobs.appendleft((self._most_unsplit + 1, job))

    def _put(self, answer: T) -> None:
        """Put an answer where the caller finds it, who may be slow: it can name very many files.

        While the caller pauses what has been begun, nobody waits for that.
        """
        with self._changed:
            while self._answers and not self._paused and not self._stopped:
                self._changed.wait()
            self._answers.append(answer)
            self._changed.notify_all()

    def _next_task(self, number: int) -> Job | tuple[_Split[T], list[int], Part] | None:
        """A part of what has been begun, else a whole module; None when nothing is left for this server.

        Whoever gets one is active from then on.
        """
        while True:
            big = None
            with self._changed:
                while not self._stopped and self._must_wait():
                    self._changed.wait()
                if self._stopped or number >= self._serving:
                    return None
                split = self._splits[0] if self._splits else None
                if split is None and not self._next_jobs:
                    return None
                self._active += 1
                if split is None:
                    weight, job = self._next_jobs.popleft()
                    if not self._next_jobs:
                        self._next_jobs.extend(islice(self._jobs, 1))
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
            with self._changed:
                self._active -= 1
                self._changed.notify_all()

    def _must_wait(self) -> bool:
        """Whether nothing may be done now, though something may be later."""
        if not self._is_open:
            return True
        if self._splits:
            return False
        if self._paused:
            return True
        # A worker may decline what it has, and while one job is planned the next one waits.
        is_small = bool(self._next_jobs) and self._next_jobs[0][0] <= self._most_unsplit
        return (self._planning > 0 and not is_small) or (self._active > 0 and not self._next_jobs)

    def _begin(self, job: Job) -> None:
        """Plan a big module here, for all workers to read; one that has to wait may wait for long."""
        made = None
        entered = False
        memory = 0
        try:
            while not self._stopped and not self._paused and not entered:
                entered = ROOM.enter(0.05)
            if entered:
                plan = cast("Plan[T]", ModulePlan(job))
                memory = plan.memory
                made = _Split(plan, self._threads, memory)
        finally:
            with self._changed:
                if made is not None:
                    self._splits.append(made)
                    self._begun.add(made)
                elif not entered:
                    self._next_jobs.appendleft((self._most_unsplit + 1, job))
                self._planning -= 1
                self._changed.notify_all()
            if entered:
                ROOM.made(memory if made is not None else 0)

    def _next_part(self, split: _Split[T]) -> tuple[_Split[T], list[int], Part] | None:
        with split.lock:
            following = None if split.exhausted else next(split.parts, None)
            if following is not None:
                split.open += 1
                return split, *following
            if not split.exhausted:
                split.exhausted = True
                with self._changed:
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
        # Before the answer is taken: whoever is to take it may need the room.
        del split.plan, split.parts
        with self._changed:
            self._begun.remove(split)
        ROOM.leave(split.memory)
        self._put(answer)
