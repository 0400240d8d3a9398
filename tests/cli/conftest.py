"""Fixtures for the tests of the command line."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from fastverify.cli import main
from fastverify.engine import load_engine
from fastverify.engine.protocol import EngineName
from fastverify.errors import EngineError
from tests.making.go import without
from tests.making.modules import ModuleCache, module


class Ended(NamedTuple):
    """What a command came to."""

    status: int
    out: str
    err: str


Fastverify = Callable[..., Ended]


@pytest.fixture
def fastverify(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Fastverify]:
    """Runs the command line in this process."""
    for name in ("NO_COLOR", "FORCE_COLOR", "CLICOLOR_FORCE", "FASTVERIFY_DEBUG"):
        monkeypatch.delenv(name, raising=False)
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def run(*arguments: str | os.PathLike[str]) -> Ended:
        status = main([os.fspath(argument) for argument in arguments])
        return Ended(status, *capsys.readouterr())

    yield run
    for number, handler in handlers.items():
        signal.signal(number, handler)


@pytest.fixture(params=["pure", "native"])
def engine(request: pytest.FixtureRequest) -> str:
    """The name of each engine in turn; the native one must be there on CI."""
    name: EngineName = request.param
    try:
        load_engine(name)
    except EngineError as error:
        without(str(error))
    return name


@pytest.fixture
def cache(tmp_path: Path) -> ModuleCache:
    """A whole module cache of three modules."""
    made = ModuleCache(tmp_path / "modcache")
    made.add(
        module("example.com/plain", "v1.2.3"),
        module("example.com/Capital", "v0.1.0"),
        module("example.com/major/v3", "v3.0.0"),
    )
    return made
