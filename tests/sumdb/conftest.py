"""Fixtures for the tests of the checksum database: Go's client and server code, and cached logs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.making.go import Go, Oracle, build_oracle
from tests.making.modules import Module
from tests.making.sumlog import Client, SumLog, write_sums
from tests.making.world import BYSTANDER, VICTIM
from tests.modcache.conftest import nobody_else  # noqa: F401 (a fixture)
from tests.sumdb.logs import DECOYS, MODULES, Cached, StartLog


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


@pytest.fixture(scope="session")
def start_log(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartLog]:
    """Starts checksum databases, which end with the tests."""
    folder = tmp_path_factory.mktemp("sumlog")
    program = build_oracle(folder, "./sumlog")
    with ExitStack() as running:

        def start(modules: list[Module], **options: str | int) -> SumLog:
            sums = write_sums(tmp_path_factory.mktemp("sums") / "sums", modules)
            log = SumLog(program, sums, **options)  # type: ignore[arg-type]
            running.callback(log.close)
            return log

        yield start


@pytest.fixture(scope="session")
def grown(start_log: StartLog, oracle: Oracle, tmp_path_factory: pytest.TempPathFactory) -> Cached:
    """A log that grew while it was asked for `MODULES`.  Shared: nobody may change it."""
    folder = tmp_path_factory.mktemp("grown")
    log = start_log(MODULES, decoys=DECOYS)
    cached = Cached(folder / "modcache", folder / "gopath", log.verifier)
    Client(oracle, log.verifier, cached.modcache, cached.gopath).lookup_all(MODULES, log.url)
    return cached


@pytest.fixture(scope="session")
def small(start_log: StartLog, oracle: Oracle, tmp_path_factory: pytest.TempPathFactory) -> Cached:
    """The records of the modules that a `World` has.  Shared: nobody may change it."""
    folder = tmp_path_factory.mktemp("small")
    log = start_log([VICTIM, BYSTANDER], decoys=3)
    cached = Cached(folder / "modcache", folder / "gopath", log.verifier)
    Client(oracle, log.verifier, cached.modcache, cached.gopath).lookup_all([VICTIM, BYSTANDER], log.url)
    return cached
