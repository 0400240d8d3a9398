"""Caches at work: what a go command does meanwhile is no damage, and what is damage is found all the same."""

from __future__ import annotations

import itertools
import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest

from fastverify import check_caches
from fastverify.engine.buildcache import OutputsRead, Survey, ToldOutput
from fastverify.engine.protocol import Engine
from fastverify.errors import FastverifyError
from fastverify.gocache import live
from fastverify.report.model import BuildResult
from tests.gocache.checking import found, report_of, short
from tests.gocache.making import LOW, World, overwrite

pytestmark = pytest.mark.go


@contextmanager
def meanwhile(work: Callable[[], object]) -> Iterator[None]:
    """Do `work` again and again until the block ends; at least once."""
    ended = threading.Event()
    errors: list[Exception] = []

    def again() -> None:
        try:
            while True:
                work()
                if ended.is_set():
                    return
        except Exception as error:  # noqa: BLE001 - told below
            errors.append(error)

    worker = threading.Thread(target=again)
    worker.start()
    try:
        yield
    finally:
        ended.set()
        worker.join()
    assert not errors, errors


def builds(world: World) -> Callable[[], None]:
    """A build that has to compile everything, and one that finds it."""

    def work() -> None:
        for flags in ("", "-trimpath"):
            world.run("build", "-gcflags=-N -l -d=ssa/check/on", "./...", GOFLAGS=f"-buildvcs=false {flags}")
        world.run("build", "-a", "./...")

    return work


def cleaning(world: World) -> Callable[[], None]:
    """``go clean -cache``, and a build into what is left."""

    def work() -> None:
        world.run("clean", "-cache")
        world.run("build", "./...")

    return work


def trimming(world: World) -> Callable[[], None]:
    """Every file is long unused, and the next build trims."""

    def work() -> None:
        past = time.time() - 30 * 86400
        for path in world.cache.glob("??/*"):
            with suppress(FileNotFoundError):
                os.utime(path, (past, past))
        (world.cache / "trim.txt").write_text("0")
        world.run("build", "./low")

    return work


def killing(world: World) -> Callable[[], None]:
    """Builds that are killed at any time, and results of tests that are given up."""
    flags = (f"-gcflags=-l -c={number}" for number in itertools.count(1))

    def work() -> None:
        for seconds in (0.005, 0.02, 0.08, 0.2, 0.5):
            environ = world.go.environment(world.go.gopath / "mod", {"GOCACHE": str(world.cache)})
            command = [world.go.command, "build", "-buildvcs=false", next(flags), "./..."]
            with subprocess.Popen(
                command,
                cwd=world.project,
                env=environ,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            ) as build:
                try:
                    build.wait(seconds)
                except subprocess.TimeoutExpired:
                    # The compilers, too.
                    os.killpg(build.pid, signal.SIGKILL)
        world.run("clean", "-testcache")

    return work


@pytest.mark.parametrize("work", [builds, cleaning, trimming, killing])
def test_a_go_command_at_work_raises_no_alarm(
    world: World, engine: Engine, work: Callable[[World], Callable[[], None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "YOUNG", 0.3)
    until = time.monotonic() + 3
    checks = 0
    with meanwhile(work(world)):
        while time.monotonic() < until or checks < 3:
            with suppress(FastverifyError):  # it is no cache at this moment, and that is said
                assert found(report_of(world.cache, engine)) == []
                checks += 1


def test_damage_is_found_beside_a_go_command_at_work(
    world: World, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "YOUNG", 0.3)
    low = world.packages[LOW]
    overwrite(low.output_path, low.output_path.read_bytes().replace(b"original", b"poisoned"))
    with meanwhile(lambda: world.run("build", "./other", "-trimpath")):
        assert [short(finding) for finding in found(report_of(world.cache, engine))] == [
            "error modified output"
        ]


class Scripted:
    """An engine that lets something happen right after its survey."""

    def __init__(self, engine: Engine, event: Callable[[], object]) -> None:
        self._engine = engine
        self._event = event
        self.name = engine.name
        self.measure_build_files = engine.measure_build_files

    def measure_build_cache(self, root: str, *, now_ns: int, threads: int) -> Iterator[object]:
        for answer in self._engine.measure_build_cache(root, now_ns=now_ns, threads=threads):
            if isinstance(answer, ToldOutput | OutputsRead):
                self._event()
            yield answer
            if isinstance(answer, Survey):
                time.sleep(0.05)


def test_what_is_healed_before_the_second_look_is_no_damage(
    world: World, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Go rewrites a bad output in place; what was seen half written is looked at again."""
    monkeypatch.setattr(live, "YOUNG", 0.2)
    low = world.packages[LOW]
    good = low.output_path.read_bytes()
    low.output_path.write_bytes(good.replace(b"original", b"poisoned"))
    scripted = Scripted(engine, lambda: low.output_path.write_bytes(good))
    monkeypatch.setattr("fastverify.checking.load_engine", lambda _: scripted)
    assert found(report_of(world.cache, engine)) == []


def test_what_goes_away_is_counted(world: World, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    low = world.packages[LOW]
    low.output_path.write_bytes(low.output_path.read_bytes().replace(b"original", b"poisoned"))
    scripted = Scripted(engine, lambda: low.output_path.unlink(missing_ok=True))
    monkeypatch.setattr("fastverify.checking.load_engine", lambda _: scripted)
    report = report_of(world.cache, engine)
    assert found(report) == []
    assert report.counts.outputs_vanished == 1


def test_a_cache_that_goes_away_altogether(
    world: World, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    scripted = Scripted(engine, lambda: shutil.rmtree(world.cache, ignore_errors=True))
    monkeypatch.setattr("fastverify.checking.load_engine", lambda _: scripted)
    assert found(report_of(world.cache, engine)) == []


def test_an_early_end_keeps_what_was_found(world: World, engine: Engine) -> None:
    """What waits for its second look is in the report as well."""
    low = world.packages[LOW]
    # Just written, so that it is looked at again later.
    low.output_path.write_bytes(low.output_path.read_bytes().replace(b"original", b"poisoned"))
    with check_caches(world.cache, engine=engine.name) as check:
        for result in check:
            if isinstance(result, BuildResult) and result.outputs:
                break
    assert not check.report.complete
    assert [short(finding) for finding in found(check.report)] in ([], ["error modified output"])
    with check_caches(world.cache, engine=engine.name) as check:
        while not check._builds[0]._suspects:
            next(check)
    assert [short(finding) for finding in found(check.report)] == ["error modified output"]
    assert len(check.unconfirmed) == 1
