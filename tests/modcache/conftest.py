"""Fixtures for the tests of the module cache."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from fastverify.modcache import live
from tests.making.go import Go, Oracle, build_oracle
from tests.making.realmodules import RealCache, download


@pytest.fixture
def nobody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    """For caches on which nobody works: a check need not wait for them to come to rest."""
    monkeypatch.setattr(live, "YOUNG", 0.01)
    monkeypatch.setattr(live, "CLEAN_REST", 0.02)
    monkeypatch.setattr(live, "POLL", 0.002)


@pytest.fixture(scope="session")
def go(tmp_path_factory: pytest.TempPathFactory) -> Go:
    """The go command; one build cache for all the tests, so that nothing is compiled twice."""
    shared = tmp_path_factory.mktemp("go")
    return Go(gocache=shared / "gocache", gopath=shared / "gopath")


@pytest.fixture(scope="session")
def real_cache(go: Go, tmp_path_factory: pytest.TempPathFactory) -> RealCache:
    """A few dozen real modules.  Shared: nobody may change it."""
    return download(go, tmp_path_factory.mktemp("real"))


@pytest.fixture(scope="session")
def oracle(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Oracle]:
    """golang.org/x/mod."""
    asked = Oracle(build_oracle(tmp_path_factory.mktemp("oracle")))
    yield asked
    asked.close()
