"""The go command fills and empties a cache while it is checked, over and over: no false alarm."""

from __future__ import annotations

import os
import shutil
import threading
import time
from pathlib import Path

import pytest

from fastverify import FastverifyError
from fastverify.engine.protocol import Engine
from tests.making.go import Go
from tests.making.modules import ModuleCache, Project, module
from tests.making.realmodules import RealCache
from tests.making.world import Outcome, World, check
from tests.modcache.cases import edit_tree

pytestmark = [pytest.mark.go, pytest.mark.slow]

#: How long (seconds) Go and fastverify work on the same cache, for each engine and kind of cache.
DURATION = 10.0


class Writer(threading.Thread):
    """Lets the go command download everything and remove everything, in turn, until it is told to stop."""

    def __init__(self, go: Go, modcache: Path, project: Path, proxy: Path, goflags: str) -> None:
        super().__init__(name="writer")
        self._go, self._modcache, self._project = go, modcache, project
        self._settings = {"GOPROXY": f"file://{proxy}", "GOFLAGS": goflags}
        self._ending = threading.Event()
        self.rounds = 0
        self.failure = ""

    def run(self) -> None:
        while not self._ending.is_set() and not self.failure:
            self._command("mod", "download")
            if not self._ending.is_set():
                self._command("clean", "-modcache")
                self.rounds += 1

    def _command(self, *arguments: str) -> None:
        done = self._go.run(*arguments, modcache=self._modcache, cwd=self._project, settings=self._settings)
        if done.returncode:
            self.failure = f"go {' '.join(arguments)}: {done.stderr}"

    def stop(self) -> None:
        """Let the command under way end, and no other begin."""
        self._ending.set()
        self.join()


def check_again_and_again(engine: Engine, root: Path, project: Path, writer: Writer) -> list[Outcome]:
    """Check the cache until the time is up and at least one whole round of the writer is over."""
    outcomes = []
    end = time.monotonic() + DURATION
    while time.monotonic() < end or not writer.rounds:
        assert not writer.failure, writer.failure
        try:
            outcomes.append(check(root, engine=engine.name, projects=[project], threads=2))
        except FastverifyError:
            time.sleep(0.05)  # there is no cache at this moment, and it says so
    return outcomes


def hold(outcomes: list[Outcome]) -> None:
    """No alarm in any, and they did look at something."""
    alarms = [finding for outcome in outcomes for finding in outcome.errors_and_warnings()]
    kinds = {(finding.verdict, finding.where, finding.message): finding for finding in alarms}
    told = "\n".join(map(str, kinds.values()))
    assert not alarms, f"{len(alarms)} false alarms in {len(outcomes)} checks; of each kind one:\n{told}"
    assert sum(outcome.report.counts.zips for outcome in outcomes) > 0


@pytest.mark.network
@pytest.mark.parametrize("goflags", ["", "-modcacherw"])
def test_real_modules(
    engine: Engine,
    go: Go,
    real_cache: RealCache,
    tmp_path: Path,
    goflags: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("GOFLAGS", goflags)
    modcache = tmp_path / "modcache"
    project = tmp_path / "project"
    shutil.copytree(real_cache.project, project)
    writer = Writer(go, modcache, project, real_cache.root / "cache" / "download", goflags)
    writer.start()
    try:
        outcomes = check_again_and_again(engine, modcache, project, writer)
    finally:
        writer.stop()
    assert not writer.failure, writer.failure
    hold(outcomes)


def test_many_small_modules(engine: Engine, go: Go, tmp_path: Path) -> None:
    """Hundreds of modules of a few files: the go command takes and lets go of many locks."""
    modules = [module(f"example.com/many/number{n}", f"v1.{n}.0") for n in range(200)]
    proxy = ModuleCache(tmp_path / "proxy")
    proxy.add(*modules, parts=("info", "mod", "zip"))
    project = Project.make(tmp_path / "project", modules)
    modcache = tmp_path / "modcache"
    writer = Writer(go, modcache, project.root, proxy.download, "")
    writer.start()
    try:
        outcomes = check_again_and_again(engine, modcache, project.root, writer)
    finally:
        writer.stop()
    assert not writer.failure, writer.failure
    hold(outcomes)


def test_a_cache_that_is_emptied_slowly(engine: Engine, tmp_path: Path) -> None:
    """`go clean -modcache` takes no lock, and may be busy elsewhere: a module lies half removed."""
    first = module("example.com/first", "v1.0.0")
    others = [module(f"example.org/many/number{n}", "v1.0.0") for n in range(12)]
    cache = ModuleCache(tmp_path / "modcache")
    cache.add(first, *others)
    for folder, _, _ in os.walk(cache.root):
        os.chmod(folder, 0o777)
    cache.places(first).zip.unlink()
    cache.places(first).ziphash.unlink()

    def clean() -> None:
        for other in others:
            time.sleep(0.5)  # at first, so that only one module is seen to be half removed
            shutil.rmtree(cache.places(other).tree)
        shutil.rmtree(cache.root)

    cleaning = threading.Thread(target=clean)
    cleaning.start()
    try:
        outcome = check(cache.root, engine=engine.name)
    finally:
        cleaning.join()
    assert outcome.errors_and_warnings() == []


def test_damage_is_told_when_the_cache_is_at_rest(engine: Engine, tmp_path: Path) -> None:
    """What was damaged a moment ago is looked at again, and then told; without the tests' short cuts.

    Where patience is at an end it is told otherwise.
    """
    world = World(tmp_path)
    edit_tree(world)
    (finding,) = world.check(engine.name).report.findings
    assert (finding.verdict, finding.where) == ("modified", "dir")


def test_a_lock_that_is_let_go(engine: Engine, tmp_path: Path) -> None:
    """A tree that is wrong while somebody holds its lock, and right when the lock is let go."""
    fcntl = pytest.importorskip("fcntl", reason="Windows locks files otherwise")
    world = World(tmp_path)
    whole = (world.places.tree / "victim.go").read_bytes()
    edit_tree(world)
    with world.places.lock.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)

        def mend() -> None:
            path = world.places.tree / "victim.go"
            path.chmod(0o644)
            path.write_bytes(whole)
            path.chmod(0o444)
            fcntl.flock(lock, fcntl.LOCK_UN)

        timer = threading.Timer(1.5, mend)
        timer.start()
        outcome = world.check(engine.name)
        timer.join()
    assert outcome.findings == []
    assert outcome.report.counts.verified == 2
