"""The pure engine's crews: they pause, and whoever measures meanwhile has their workers."""

from __future__ import annotations

import os
import signal
import struct
import subprocess
import threading
from contextlib import closing
from pathlib import Path

import pytest

from fastverify.engine.protocol import Fault, MeasurementError, ModuleMeasurement, ModuleTask
from fastverify.engine.pure import PureEngine, crew, worker, worker_process
from fastverify.engine.pure.plan import ModulePlan, measure_module
from fastverify.engine.pure.sources import Job
from fastverify.errors import EngineError
from tests.engine.measuring import PREFIX, all_ended, stored_modules, task

posix = pytest.mark.skipif(os.name != "posix", reason="signals")


@pytest.fixture(scope="module")
def tasks(tmp_path_factory: pytest.TempPathFactory) -> list[ModuleTask]:
    """Work for a while, in large and in small pieces."""
    return stored_modules(tmp_path_factory.mktemp("modules"), 12, megabytes=24)


def alone(number: int, tasks: list[ModuleTask]) -> ModuleMeasurement:
    return measure_module(Job.of(tasks[number]))


def measured_twice(tasks: list[ModuleTask], threads: int) -> list[ModuleMeasurement]:
    """All of them, each once more during a pause, by itself."""
    engine = PureEngine()
    seen = []
    with closing(engine.measure(tasks, threads=threads)) as measurements:
        for measured in measurements:
            seen.append(measured)
            measurements.pause()
            # The first of them are enough for workers, the others are not.
            with closing(engine.measure([tasks[measured.key]], threads=threads)) as again:
                assert next(again) == measured
    assert sorted(each.key for each in seen) == list(range(len(tasks)))
    return seen


def test_whoever_measures_during_a_pause_has_the_workers(
    tasks: list[ModuleTask], started: list[subprocess.Popen[bytes]]
) -> None:
    seen = measured_twice(tasks, threads=2)
    assert all(each == alone(each.key, tasks) for each in seen)
    assert len(started) == 2
    assert all_ended(started)


def test_nothing_is_under_way_during_a_pause(
    tasks: list[ModuleTask], monkeypatch: pytest.MonkeyPatch
) -> None:
    asking = 0
    lock = threading.Lock()
    ask = worker_process.WorkerProcess.ask

    def watched(self: worker_process.WorkerProcess, request: object) -> object:
        nonlocal asking
        with lock:
            asking += 1
        try:
            return ask(self, request)  # type: ignore[arg-type]
        finally:
            with lock:
                asking -= 1

    monkeypatch.setattr(worker_process.WorkerProcess, "ask", watched)
    with closing(PureEngine().measure(tasks * 3, threads=2)) as measurements:
        for taken, _ in enumerate(measurements):
            measurements.pause()
            assert asking == 0
            if taken % 4 == 3:
                measurements.pause()
    assert taken == 3 * len(tasks) - 1


def test_without_a_pause_others_are_started(
    tasks: list[ModuleTask], started: list[subprocess.Popen[bytes]]
) -> None:
    engine = PureEngine()
    with closing(engine.measure(tasks, threads=2)) as measurements:
        next(measurements)
        assert len(list(engine.measure(tasks[:2], threads=2))) == 2
    assert len(started) == 4
    assert all_ended(started)


def test_closing_during_a_pause_ends_the_workers(
    tasks: list[ModuleTask], started: list[subprocess.Popen[bytes]]
) -> None:
    engine = PureEngine()
    measurements = engine.measure(tasks, threads=2)
    next(measurements)
    measurements.pause()
    assert not all_ended(started)
    measurements.close()
    assert all_ended(started)
    measurements.pause()
    assert len(list(engine.measure(tasks, threads=2))) == len(tasks)
    assert len(started) == 4


def test_workers_that_are_stopped_are_started_again(
    tasks: list[ModuleTask], started: list[subprocess.Popen[bytes]]
) -> None:
    """By whoever had them meanwhile, in the middle of the work."""
    engine = PureEngine()
    with closing(engine.measure(tasks, threads=2)) as measurements:
        first = next(measurements)
        measurements.pause()
        others = engine.measure(tasks, threads=2)
        next(others)
        others.close()
        assert len(started) == 2
        assert all_ended(started)
        left = list(measurements)
    assert sorted([first.key, *(each.key for each in left)]) == list(range(len(tasks)))
    assert len(started) == 4
    assert all_ended(started)


def test_workers_that_cannot_be_started_again(
    tasks: list[ModuleTask], monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = PureEngine()
    with closing(engine.measure(tasks, threads=2)) as measurements:
        next(measurements)
        measurements.pause()
        others = engine.measure(tasks, threads=2)
        next(others)
        others.close()

        def refuse(*_: object) -> None:
            raise BlockingIOError(11, "Resource temporarily unavailable")

        monkeypatch.setattr(worker_process, "_start_process", refuse)
        with pytest.raises(EngineError, match="cannot be started again"):
            list(measurements)


class Places:
    """As many as the system gives, for threads and worker processes together."""

    def __init__(self, count: int, monkeypatch: pytest.MonkeyPatch) -> None:
        self.most = count
        self._processes: list[subprocess.Popen[bytes]] = []
        self._threads = threading.active_count()
        self._start_process = worker_process._start_process
        self._start_thread = threading.Thread.start
        monkeypatch.setattr(worker_process, "_start_process", self.start_process)

        def start(thread: threading.Thread) -> None:
            self.start_thread(thread)

        monkeypatch.setattr(threading.Thread, "start", start)

    def _are_taken(self) -> bool:
        running = [process for process in self._processes if process.returncode is None]
        return len(running) + threading.active_count() - self._threads >= self.most

    def start_process(self, command: list[str]) -> subprocess.Popen[bytes]:
        if self._are_taken():
            raise BlockingIOError(11, "Resource temporarily unavailable")
        self._processes.append(self._start_process(command))
        return self._processes[-1]

    def start_thread(self, thread: threading.Thread) -> None:
        if self._are_taken():
            raise RuntimeError("can't start new thread")
        self._start_thread(thread)

    def are_free(self) -> bool:
        return all_ended(self._processes) and threading.active_count() == self._threads


@pytest.mark.parametrize("count", range(6))
def test_few_processes_and_threads(
    tasks: list[ModuleTask], monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    places = Places(count, monkeypatch)
    measured_twice(tasks, threads=8)
    assert places.are_free()


def test_fewer_workers_than_before_a_pause(tasks: list[ModuleTask], monkeypatch: pytest.MonkeyPatch) -> None:
    places = Places(6, monkeypatch)
    engine = PureEngine()
    with closing(engine.measure(tasks, threads=3)) as measurements:
        seen = [next(measurements)]
        measurements.pause()
        places.most = 8
        others = engine.measure(tasks, threads=3)
        next(others)
        # Ends the workers that it has in the middle of their work.
        others.close()
        places.most = 5
        seen.extend(measurements)
    assert sorted(each.key for each in seen) == list(range(len(tasks)))
    assert places.are_free()


@posix
def test_a_worker_that_is_killed_during_a_pause(
    tasks: list[ModuleTask], started: list[subprocess.Popen[bytes]]
) -> None:
    engine = PureEngine()
    with closing(engine.measure(tasks, threads=2)) as measurements:
        next(measurements)
        measurements.pause()
        os.kill(started[0].pid, signal.SIGKILL)
        with pytest.raises(EngineError, match=r"killed by signal 9"):
            list(engine.measure(tasks, threads=2))
    assert all_ended(started)


@posix
def test_a_worker_that_is_killed_before_a_pause(
    tasks: list[ModuleTask], started: list[subprocess.Popen[bytes]]
) -> None:
    measurements = PureEngine().measure(tasks * 9, threads=2)
    next(measurements)
    os.kill(started[1].pid, signal.SIGKILL)

    def take_all() -> None:
        while True:
            measurements.pause()
            next(measurements)

    with pytest.raises(EngineError, match=r"killed by signal 9"):
        take_all()
    assert all_ended(started)


def _many_entries(count: int) -> bytes:
    """A zip of which all entries have the content of one."""
    name = PREFIX + b"00000"
    common = struct.pack("<HHHHIIIHH", 0, 0, 0, 0, 0, 0, 0, len(name), 0)
    local = b"PK\x03\x04" + struct.pack("<H", 20) + common + name
    central = bytearray()
    for number in range(count):
        central += b"PK\x01\x02" + struct.pack("<HH", 20, 20) + common
        central += struct.pack("<HHHII", 0, 0, 0, 0, 0) + PREFIX + b"%05d" % number
    kept = count & 0xFFFF
    end = struct.pack("<HHHHIIH", 0, 0, kept, kept, len(central), len(local), 0)
    return local + bytes(central) + b"PK\x05\x06" + end


def test_a_module_of_very_many_names_is_no_workers_own(
    tasks: list[ModuleTask], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "many.zip"
    path.write_bytes(_many_entries(70_000))
    large = task(99, zip=path, weight=1)
    planned: list[int] = []

    class Watched(ModulePlan):
        def __init__(self, job: Job) -> None:
            planned.append(job.key)
            super().__init__(job)

    monkeypatch.setattr(crew, "ModulePlan", Watched)
    found = {each.key: each for each in PureEngine().measure([*tasks, large], threads=2)}
    assert found[99] == measure_module(Job.of(large))
    assert found[99].zip is not None
    assert found[99].zip.entries == 70_000
    assert planned.count(99) == 1
    assert worker.run(Job.of(large)) == worker.Declined()
    assert len(found) == len(tasks) + 1


def test_what_a_plan_raises_is_raised(tmp_path: Path) -> None:
    large = tmp_path / "large"
    large.write_bytes(bytes(32 << 20))
    files = [(b"a", os.fspath(large)), (b"b", os.fspath(tmp_path))]
    with pytest.raises(MeasurementError) as caught:
        PureEngine().hash_files(files, threads=2)
    assert caught.value.fault == Fault("not-regular", b"b")
