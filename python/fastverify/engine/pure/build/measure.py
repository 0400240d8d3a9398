"""Measuring a build cache in Python: the survey, then every output, on threads.

hashlib lets go of the interpreter while it hashes, so that threads are enough.
"""

from __future__ import annotations

import errno
import os
import queue
import threading
from collections.abc import Generator, Iterator, Sequence
from contextlib import suppress

from fastverify.engine.buildcache import (
    MAX_ENTRIES,
    TOLD_KINDS,
    ActionEntry,
    BuildAnswer,
    EntryOf,
    OutputMeasurement,
    OutputsRead,
    ToldOutput,
)
from fastverify.engine.pure.build.archive import PART, short
from fastverify.engine.pure.build.files import read_entry, read_output
from fastverify.engine.pure.build.imports import Noted
from fastverify.engine.pure.build.survey import Found, Surveying
from fastverify.engine.pure.threads import start_threads
from fastverify.exhaustion import descriptors_left

#: Outputs that are told as read at once, at most.
_BATCH = 64
_MOST_THREADS = 64


def measure_build_cache(root: str, now_ns: int, threads: int) -> Generator[BuildAnswer, None, None]:
    """See :meth:`fastverify.engine.protocol.Engine.measure_build_cache`."""
    place = os.fsencode(root)
    surveying = Surveying(place, now_ns, lambda: False)
    yield from surveying.entries()
    yield surveying.survey()
    # The biggest first, so that no thread is left alone with one at the end.
    waiting = sorted(surveying.outputs.items(), key=lambda pair: -pair[1].size)
    if not waiting:
        return
    noted = Noted(now_ns)
    yield from _read_all(place, waiting, min(threads, _MOST_THREADS, max(descriptors_left(), 1)), noted)
    imports = noted.join()
    if imports.named:
        yield imports


def measure_build_files(
    root: str, actions: Sequence[bytes], outputs: Sequence[bytes]
) -> tuple[tuple[ActionEntry, ...], tuple[OutputMeasurement, ...]]:
    """See :meth:`fastverify.engine.protocol.Engine.measure_build_files`."""
    place = os.fsencode(root)
    return (
        tuple(read_entry(place, action) for action in actions),
        tuple(read_output(place, output)[0] for output in outputs),
    )


def _read_all(
    root: bytes, waiting: Sequence[tuple[bytes, Found]], threads: int, noted: Noted
) -> Generator[BuildAnswer, None, None]:
    stop = threading.Event()
    # Bounded, so that the threads wait for a caller who is slow.
    answers: queue.Queue[list[BuildAnswer] | BaseException | None] = queue.Queue(4 * threads)
    following = iter(waiting)
    lock = threading.Lock()

    def work() -> None:
        ended: BaseException | None = None
        try:
            while not stop.is_set():
                with lock:
                    batch = _next_batch(following)
                if not batch:
                    break
                answers.put(_read_batch(root, batch, stop, noted))
        except BaseException as error:  # noqa: BLE001 - raised again where the answers are taken
            ended = error
        answers.put(ended)

    crew: list[threading.Thread] = []
    try:
        crew.extend(start_threads([work] * threads))
        left = len(crew)
        while left:
            try:
                answer = answers.get(timeout=0.1)  # short, so that Ctrl-C is noticed on Windows
            except queue.Empty:
                continue
            if isinstance(answer, BaseException):
                raise answer
            if answer is None:
                left -= 1
            else:
                yield from answer
    finally:
        stop.set()
        while any(thread.is_alive() for thread in crew):
            with suppress(queue.Empty):
                answers.get(timeout=0.01)


def _next_batch(following: Iterator[tuple[bytes, Found]]) -> list[tuple[bytes, Found]]:
    batch = []
    size = 0
    for pair in following:
        batch.append(pair)
        size += pair[1].size
        if len(batch) == _BATCH or size >= 1 << 20:
            break
    return batch


def _read_batch(
    root: bytes, batch: Sequence[tuple[bytes, Found]], stop: threading.Event, noted: Noted
) -> list[BuildAnswer]:
    answers: list[BuildAnswer] = []
    count = size = vanished = 0
    for output, found in batch:
        if stop.is_set():
            break
        measured, builds = read_output(root, output, stop.is_set)
        if measured.stat is None and measured.fault is not None and measured.fault.errno == errno.ENOENT:
            vanished += 1
            continue
        count += 1
        size += measured.size
        if builds.own:
            noted.note(measured, builds, found.entries)
        misfits = [entry for entry in found.entries if not fits(measured, entry)]
        if misfits or is_told(measured):
            fitting = [entry for entry in found.entries if fits(measured, entry)]
            listed = (misfits + fitting)[:MAX_ENTRIES]
            answers.append(ToldOutput(measured, tuple(listed), len(found.entries)))
    answers.append(OutputsRead(count, size, vanished))
    return answers


def is_told(measured: OutputMeasurement) -> bool:
    """Whether an output is told of whatever its entries say."""
    return (
        measured.fault is not None
        or bool(measured.flaws)
        or measured.sha256 != measured.output
        or measured.kind in TOLD_KINDS
    )


def fits(measured: OutputMeasurement, entry: EntryOf) -> bool:
    """Whether an output is what the entry says: of its size, and built by its action."""
    if measured.sha256 is None:
        return True
    return measured.size == entry.size and (
        not measured.build_id or measured.build_id[:PART] == short(entry.action)
    )
