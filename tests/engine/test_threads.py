"""The pure engine's threads, and what becomes of the work where the system gives few of them or none."""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
import threading
from pathlib import Path
from typing import Protocol

import pytest

from fastverify.engine.protocol import Engine
from fastverify.engine.pure import threads
from fastverify.engine.pure.threads import map_on_threads, start_threads
from fastverify.errors import EngineError
from fastverify.exhaustion import room_for_threads
from tests.cli.running import environment


class Give(Protocol):
    def __call__(self, most: int, then: type[BaseException] = ...) -> None: ...


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> Give:
    """Lets the system give so many threads from now on, and then none."""
    start = threading.Thread.start

    def give(most: int, then: type[BaseException] = RuntimeError) -> None:
        left = [None] * most

        def start_or_refuse(thread: threading.Thread) -> None:
            if not left:
                raise then("can't start new thread")
            left.pop()
            start(thread)

        monkeypatch.setattr(threading.Thread, "start", start_or_refuse)

    return give


@pytest.mark.parametrize("most", [0, 1, 2, 5, 1000])
def test_answers_in_order(most: int) -> None:
    assert map_on_threads(str, range(500), most) == [str(number) for number in range(500)]
    assert map_on_threads(str, [], most) == []


def test_threads_work_at_the_same_time() -> None:
    together = threading.Barrier(3, timeout=20)
    assert sorted(map_on_threads(lambda _: together.wait(), range(3), 3)) == [0, 1, 2]


@pytest.mark.parametrize("most", [1, 3])
def test_what_is_raised_ends_the_work(most: int) -> None:
    done = []

    def work(number: int) -> None:
        done.append(number)
        if number == 10:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        map_on_threads(work, range(1_000_000), most)
    assert 11 <= len(done) < 1_000_000


def test_who_is_interrupted_while_threads_start_ends_those(given: Give) -> None:
    before = threading.active_count()
    given(2, then=KeyboardInterrupt)
    done: list[int] = []
    with pytest.raises(KeyboardInterrupt):
        map_on_threads(done.append, range(1_000_000), 5)
    assert len(done) < 1_000_000
    assert threading.active_count() == before


@pytest.mark.parametrize("most", [0, 1, 3])
def test_fewer_threads_do_the_same_work(given: Give, most: int) -> None:
    given(most)
    found = set()

    def work(number: int) -> int:
        found.add(threading.current_thread())
        return -number

    assert map_on_threads(work, range(1000), 8) == [-number for number in range(1000)]
    assert len(found) <= most + 1


def test_threads_that_are_started(given: Give) -> None:
    ended = threading.Semaphore(0)
    works = [ended.release] * 5
    assert len(list(start_threads(works))) == 5
    given(2)
    assert len(list(start_threads(works))) == 2
    for _ in range(7):
        assert ended.acquire(timeout=20)
    assert list(start_threads(works, least=0)) == []
    with pytest.raises(EngineError, match="the system gives this process no thread"):
        list(start_threads(works))


@pytest.mark.parametrize("room", [0, 2])
def test_no_more_threads_than_there_is_room_for(monkeypatch: pytest.MonkeyPatch, room: int) -> None:
    monkeypatch.setattr(threads, "room_for_threads", lambda: room)
    works = [threading.Event().set] * 5
    assert len(list(start_threads(works))) == max(room, 1)
    assert len(list(start_threads(works, least=0))) == room


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nothing is known of it")
def test_room_for_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    import resource

    in_use = re.search(r"VmSize:\s*(\d+) kB", Path("/proc/self/status").read_text())
    assert in_use is not None
    for room in (0, 1, 5):
        # What is left alone, and of one thread more about the half.
        limit = (int(in_use[1]) << 10) + (64 + 36 + 72 * room << 20)
        monkeypatch.setattr(resource, "getrlimit", lambda _, limit=limit: (limit, limit))
        assert room_for_threads() == room
    monkeypatch.setattr(resource, "getrlimit", lambda _: (1 << 20, 1 << 20))
    assert room_for_threads() == 0
    monkeypatch.setattr(resource, "getrlimit", lambda _: (resource.RLIM_INFINITY,) * 2)
    assert room_for_threads() == sys.maxsize


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there is no such limit")
@pytest.mark.parametrize("kbytes", [100_000, 400_000])
def test_digests_of_files_in_little_address_space(engine: Engine, tmp_path: Path, kbytes: int) -> None:
    contents = [bytes([number]) * ((1 << 20) + number) for number in range(64)]
    for number, content in enumerate(contents):
        (tmp_path / f"{number:02}").write_bytes(content)
    program = (
        "import os, sys; from fastverify.hashing import sha256_files\n"
        f"digests = sha256_files(sorted(os.listdir()), threads=200, engine={engine.name!r})\n"
        "print(*(digest.hex() for digest in digests))"
    )
    ended = subprocess.run(
        ["/bin/sh", "-c", f'ulimit -v {kbytes} && exec "$@"', "sh", sys.executable, "-c", program],
        check=False,
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.split() == [hashlib.sha256(content).hexdigest() for content in contents]
