"""Fixtures for the tests of what is said in Go's words."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from fastverify.cli import main
from fastverify.modcache import live
from tests.making.go import Go, Oracle, build_oracle
from tests.making.world import World


@pytest.fixture(scope="session")
def go(tmp_path_factory: pytest.TempPathFactory) -> Go:
    """The go command."""
    shared = tmp_path_factory.mktemp("go")
    return Go(gocache=shared / "gocache", gopath=shared / "gopath")


@pytest.fixture(scope="session")
def oracle(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Oracle]:
    """golang.org/x/mod."""
    asked = Oracle(build_oracle(tmp_path_factory.mktemp("oracle")))
    yield asked
    asked.close()


@dataclass(frozen=True)
class Said:
    """What a command wrote, and its exit status."""

    status: int
    out: str
    err: str


@dataclass
class Both:
    """Runs ``go mod verify`` and ``fastverify go-mod-verify`` in the same folder on the same cache."""

    go: Go
    engine: str
    capsys: pytest.CaptureFixture[str]
    monkeypatch: pytest.MonkeyPatch

    def of_fastverify(
        self, cache: Path, folder: Path, *options: str, settings: dict[str, str] | None = None
    ) -> Said:
        environment = self.go.environment(cache, settings or {"GOFLAGS": ""})
        for name in os.environ.keys() - environment.keys():
            self.monkeypatch.delenv(name)
        for name, value in environment.items():
            self.monkeypatch.setenv(name, value)
        self.monkeypatch.chdir(folder)
        self.capsys.readouterr()
        status = main(["go-mod-verify", "--engine", self.engine, "--threads", "1", *options])
        return Said(status, *self.capsys.readouterr())

    def of_go(self, cache: Path, folder: Path, settings: dict[str, str] | None = None) -> Said:
        done = self.go.run("mod", "verify", modcache=cache, cwd=folder, settings=settings or {"GOFLAGS": ""})
        return Said(done.returncode, done.stdout, done.stderr)

    def agree(self, cache: Path, folder: Path, settings: dict[str, str] | None = None) -> Said:
        """What both say, which must be the same to the byte."""
        ours = self.of_fastverify(cache, folder, settings=settings)
        assert ours == self.of_go(cache, folder, settings)
        return ours

    def agree_on(self, world: World, settings: dict[str, str] | None = None) -> Said:
        return self.agree(world.cache.root, world.project.root, settings)


@pytest.fixture
def both(
    go: Go, engine_name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Both:
    """Both commands, fastverify's with each engine in turn."""
    monkeypatch.setattr(live, "YOUNG", 0.01)
    return Both(go, engine_name, capsys, monkeypatch)


@pytest.fixture(params=["native", "pure"])
def engine_name(request: pytest.FixtureRequest, both_engines: object) -> str:
    """The name of each engine in turn."""
    name: str = request.param
    return name
