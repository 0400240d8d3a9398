"""A check as an iterator: what it owes to whoever ends it early."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from fastverify import check_module_cache
from fastverify.engine.protocol import Engine, Measurements, ModuleMeasurement, ModuleTask
from fastverify.errors import ArgumentError, FastverifyError
from fastverify.modcache import live
from fastverify.sumdb.opening import Opener
from tests.making.modules import rewrite
from tests.making.world import World


def test_what_awaits_a_second_look_is_not_lost(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(tmp_path)
    rewrite(world.places.tree / "victim.go", b"package victim\n\nfunc Evil() {}\n")

    def interrupted(*_: object) -> bool:
        raise KeyboardInterrupt

    monkeypatch.setattr("fastverify.modcache.check.Check._is_at_rest", interrupted)
    monkeypatch.setattr(live, "YOUNG", 3600.0)  # so that every anomaly has to wait
    check = check_module_cache(world.cache.root, engine=engine.name)
    with pytest.raises(KeyboardInterrupt):
        list(check)
    check.close()
    assert [result.module for result in check.unconfirmed] == [world.victim.path]
    assert [finding.verdict for finding in check.report.findings] == ["modified"]
    assert check.report.counts.modules == 2
    assert not check.report.complete


def test_workers_begin_before_the_database_is_opened(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And they are told to stop where it cannot be opened."""
    world = World(tmp_path)
    events: list[str] = []
    kind = type(engine)
    real = kind.measure

    class Watched:
        def __init__(self, measurements: Measurements) -> None:
            self._measurements = measurements

        def __iter__(self) -> Watched:
            return self

        def __next__(self) -> ModuleMeasurement:
            return next(self._measurements)

        def pause(self) -> None:
            self._measurements.pause()

        def close(self) -> None:
            events.append("close")
            self._measurements.close()

    def measure(self: Engine, tasks: Sequence[ModuleTask], *, threads: int, spares: int = 0) -> Watched:
        events.append("measure")
        return Watched(real(self, tasks, threads=threads, spares=spares))

    def fail(*_: object) -> None:
        events.append("open")
        raise FastverifyError("no database")

    monkeypatch.setattr(kind, "measure", measure)
    monkeypatch.setattr(Opener, "open", fail)
    with pytest.raises(FastverifyError, match="no database"):
        list(check_module_cache(world.cache.root, engine=engine.name))
    assert events == ["measure", "open", "close"]


def test_nothing_else_is_measured_while_a_module_is_looked_at_again(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What takes much memory must not take it twice."""
    world = World(tmp_path)
    rewrite(world.places.tree / "victim.go", b"package victim\n\nfunc Evil() {}\n")
    kind = type(engine)
    real = kind.measure
    events: list[str] = []

    def measure(self: Engine, tasks: Sequence[ModuleTask], *, threads: int, spares: int = 0) -> Measurements:
        events.append("measure")
        measurements = real(self, tasks, threads=threads, spares=spares)
        pause = measurements.pause

        def noted() -> None:
            events.append("pause")
            pause()

        monkeypatch.setattr(measurements, "pause", noted)
        return measurements

    monkeypatch.setattr(kind, "measure", measure)
    list(check_module_cache(world.cache.root, engine=engine.name))
    # It is young: the last look comes when nothing is under way any more.
    assert events == ["measure", "pause", "measure", "measure"]


def test_a_module_that_never_comes_to_rest(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is said not to be verified, and not to be damaged."""
    world = World(tmp_path)
    rewrite(world.places.tree / "victim.go", b"package victim\n\nfunc Evil() {}\n")
    monkeypatch.setattr(live, "YOUNG", 3600.0)
    monkeypatch.setattr(live, "PATIENCE", 0.2)
    monkeypatch.setattr("time.sleep", lambda _: None)
    check = check_module_cache(world.cache.root, engine=engine.name)
    (finding,) = [finding for result in check for finding in result.findings]
    assert (finding.verdict, finding.where, finding.module) == ("unreadable", "dir", world.victim.path)
    assert "kept changing" in finding.message
    assert check.report.counts.not_verified_by_reason == {"unreadable": 1}


def test_ending_early_leaves_an_incomplete_report(engine: Engine, tmp_path: Path) -> None:
    world = World(tmp_path)
    with check_module_cache(world.cache.root, engine=engine.name) as check:
        next(check)
    assert check.report.counts.modules == 1
    assert not check.report.complete
    assert list(check) == []


def test_what_cannot_be_checked_is_said_at_once(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="at least one"):
        check_module_cache(tmp_path, threads=0)
    with pytest.raises(TypeError, match="integer"):
        check_module_cache(tmp_path, threads="2")  # type: ignore[arg-type]
    with pytest.raises(FastverifyError, match="does not exist"):
        check_module_cache(tmp_path / "nowhere")
    with pytest.raises(FastverifyError, match="cannot be read"):
        check_module_cache(tmp_path, gosums=[tmp_path / "go.sum"])


def test_an_empty_cache_is_whole(engine: Engine, tmp_path: Path) -> None:
    check = check_module_cache(tmp_path, engine=engine.name)
    assert list(check) == []
    assert (check.report.counts.modules, check.report.complete) == (0, True)
