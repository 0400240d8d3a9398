"""Fixtures for the tests of the build cache."""

from __future__ import annotations

from pathlib import Path

import pytest

from fastverify.gocache import live
from tests.gocache.making import HIGH, LOW, OTHER, World, write_project
from tests.making.go import Go


@pytest.fixture(scope="session")
def go(tmp_path_factory: pytest.TempPathFactory) -> Go:
    """The go command; one build cache for all the tests, so that nothing is compiled twice."""
    shared = tmp_path_factory.mktemp("go")
    return Go(gocache=shared / "gocache", gopath=shared / "gopath")


@pytest.fixture
def nobody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    """For caches on which nobody works: a check need not wait for them to come to rest."""
    monkeypatch.setattr(live, "YOUNG", 0.001)


@pytest.fixture(scope="session")
def small(go: Go, tmp_path_factory: pytest.TempPathFactory) -> World:
    """A cache of three packages.  Shared: nobody may change it."""
    folder = tmp_path_factory.mktemp("small")
    made = World(go, folder / "cache", write_project(folder / "project"))
    assert set(made.built("./...")) >= {LOW, HIGH, OTHER}
    made.packages.update((path, made.package(path)) for path in (LOW, HIGH, OTHER))
    return made


@pytest.fixture
def world(small: World, tmp_path: Path) -> World:
    """A cache to be damaged."""
    return small.copy(tmp_path / "cache")
