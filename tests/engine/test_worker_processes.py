"""The pure engine's worker processes: they end with their parent, and their death is told."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

import fastverify
from fastverify.engine.protocol import ModuleMeasurement, ModuleTask
from fastverify.engine.pure import PureEngine, workers
from fastverify.errors import EngineError
from tests.engine.measuring import all_ended, plant, stored_modules, task

posix = pytest.mark.skipif(os.name != "posix", reason="signals and process groups")


@pytest.fixture(scope="module")
def tasks(tmp_path_factory: pytest.TempPathFactory) -> list[ModuleTask]:
    """Work for a while: two modules of 64 MB, and small ones."""
    return stored_modules(tmp_path_factory.mktemp("modules"), 8, megabytes=64)


def by_key(measurements: object) -> list[ModuleMeasurement]:
    return sorted(measurements, key=lambda measured: measured.key)  # type: ignore[call-overload, no-any-return]


def test_workers_are_started_where_they_are_worth_it(
    tasks: list[ModuleTask], started: list[subprocess.Popen[bytes]]
) -> None:
    alone = by_key(PureEngine().measure(tasks, threads=1))
    assert started == []
    assert by_key(PureEngine().measure(tasks[2:], threads=4)) == alone[2:]
    assert started == []
    assert by_key(PureEngine().measure(tasks, threads=3)) == alone
    assert len(started) == 3
    assert all_ended(started)


def test_closing_ends_them_at_once(tasks: list[ModuleTask], started: list[subprocess.Popen[bytes]]) -> None:
    measurements = PureEngine().measure(tasks, threads=2)
    next(measurements)
    begun = time.monotonic()
    measurements.close()
    assert time.monotonic() - begun < 5
    assert len(started) == 2
    assert all_ended(started)


def test_a_slow_caller_holds_no_lock(tasks: list[ModuleTask], started: list[subprocess.Popen[bytes]]) -> None:
    """More results than wait to be taken; then nobody takes them."""
    many = [each._replace(key=number) for number, each in enumerate(tasks * 8)]
    measurements = PureEngine().measure(many, threads=2)
    next(measurements)
    time.sleep(0.5)
    measurements.close()
    assert all_ended(started)


@posix
def test_a_killed_worker_is_told(tasks: list[ModuleTask], started: list[subprocess.Popen[bytes]]) -> None:
    measurements = PureEngine().measure(tasks * 20, threads=2)
    next(measurements)
    os.kill(started[0].pid, signal.SIGKILL)
    with pytest.raises(EngineError, match=r"ended before its work was done \(killed by signal 9\)"):
        list(measurements)
    assert all_ended(started)


def test_no_processes_to_be_had(tasks: list[ModuleTask], monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    expected = by_key(PureEngine().measure(tasks, threads=1))
    monkeypatch.setattr(subprocess, "Popen", refuse)
    assert by_key(PureEngine().measure(tasks, threads=4)) == expected
    monkeypatch.setattr(sys, "executable", None)
    assert by_key(PureEngine().measure(tasks, threads=4)) == expected


def test_many_callers_at_once(tasks: list[ModuleTask]) -> None:
    found: list[list[ModuleMeasurement]] = []
    callers = [
        threading.Thread(target=lambda: found.append(by_key(PureEngine().measure(tasks, threads=2))))
        for _ in range(3)
    ]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert found == [by_key(PureEngine().measure(tasks, threads=1))] * 3


PROGRAM = """
import sys
from pathlib import Path
from fastverify.engine.protocol import ModuleTask
from fastverify.engine.pure import PureEngine, worker_process
start = worker_process._start_process
def tell(command):
    worker = start(command)
    print(worker.pid, flush=True)
    return worker
worker_process._start_process = tell
tasks = [
    ModuleTask(number, b"", path, None, None, None, None, False, 64 << 20)
    for number, path in enumerate(sys.argv[1:] * 50)
]
try:
    for measured in PureEngine().measure(tasks, threads=2):
        print("measured", flush=True)
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""


@pytest.mark.parametrize(("room", "expected"), [(0, 0), (1, 0), (2, 2)])
def test_no_more_workers_than_threads_can_serve(
    tasks: list[ModuleTask],
    started: list[subprocess.Popen[bytes]],
    monkeypatch: pytest.MonkeyPatch,
    room: int,
    expected: int,
) -> None:
    monkeypatch.setattr(workers, "room_for_threads", lambda: room)
    assert len(by_key(PureEngine().measure(tasks, threads=4))) == len(tasks)
    assert len(started) == expected


def run_program(tasks: list[ModuleTask]) -> tuple[subprocess.Popen[str], list[int]]:
    """A process of its own that measures, in a group of its own; and the ids of its workers."""
    environment = {**os.environ, "PYTHONPATH": str(Path(fastverify.__file__).parents[1])}
    program = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *(each.zip or "" for each in tasks[:2])],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert program.stdout is not None
    pids = [int(program.stdout.readline()) for _ in range(2)]
    return program, pids


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] == "Z"


def wait_until_gone(pids: list[int]) -> None:
    end = time.monotonic() + 10
    while not all(gone(pid) for pid in pids):
        assert time.monotonic() < end, "a worker was left over"
        time.sleep(0.02)


@posix
@pytest.mark.parametrize("after", ["start", "result"])
def test_ctrl_c_reaches_the_caller_alone(tasks: list[ModuleTask], after: str) -> None:
    program, pids = run_program(tasks)
    assert program.stdout is not None
    if after == "result":
        assert program.stdout.readline() == "measured\n"
    os.killpg(program.pid, signal.SIGINT)  # as a terminal does
    out, err = program.communicate(timeout=20)
    assert out.endswith("interrupted\n")
    assert err == ""
    wait_until_gone(pids)


@posix
def test_no_worker_outlives_a_killed_parent(tasks: list[ModuleTask]) -> None:
    program, pids = run_program(tasks)
    assert program.stdout is not None
    assert program.stdout.readline() == "measured\n"
    program.kill()
    program.communicate()
    wait_until_gone(pids)


def test_the_callers_main_module_is_not_imported_again(tasks: list[ModuleTask], tmp_path: Path) -> None:
    """No ``if __name__ == '__main__'`` is needed, unlike with multiprocessing."""
    script = tmp_path / "script.py"
    script.write_text("print('begun', flush=True)\n" + PROGRAM.replace("* 50", "* 2"))
    ran = subprocess.run(
        [sys.executable, str(script), *(each.zip or "" for each in tasks[:2])],
        check=True,
        env={**os.environ, "PYTHONPATH": str(Path(fastverify.__file__).parents[1])},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ran.stdout.count("begun") == 1
    assert ran.stdout.count("measured") == 4


def test_files_are_not_read_by_a_worker_of_another_python_path(tmp_path: Path) -> None:
    """The workers take this very package, whatever lies in the current directory."""
    (tmp_path / "fastverify.py").write_text("raise SystemExit('the wrong one')\n")
    (tmp_path / "zlib.py").write_text("raise SystemExit('the wrong one')\n")
    root = plant(tmp_path / "tree", {f"{number}": bytes(100_000) for number in range(300)})
    here = Path.cwd()
    os.chdir(tmp_path)
    try:
        (measured,) = PureEngine().measure([task(tree=root, weight=100 << 20)], threads=2)
    finally:
        os.chdir(here)
    assert measured.tree is not None
    assert measured.tree.files == 300
    assert measured.tree.fault is None
