"""Fixtures for the tests of explanations."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fastverify.cli import main
from tests.making.go import Go

Explain = Callable[..., dict[str, Any]]
Told = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="session")
def go(tmp_path_factory: pytest.TempPathFactory) -> Go:
    """The go command."""
    shared = tmp_path_factory.mktemp("go")
    return Go(gocache=shared / "gocache", gopath=shared / "gopath")


@pytest.fixture(params=["native", "pure"])
def told(request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str], both_engines: object) -> Told:
    """Runs ``fastverify explain`` with each engine in turn: exit status, stdout and stderr."""
    del both_engines

    def run(*arguments: str | Path) -> tuple[int, str, str]:
        capsys.readouterr()
        status = main(["explain", "--engine", request.param, "--threads", "1", *map(str, arguments)])
        return status, *capsys.readouterr()

    return run


@pytest.fixture
def explain(told: Told) -> Explain:
    """The JSON form of an explanation."""

    def run(*arguments: str | Path) -> dict[str, Any]:
        status, out, err = told(*arguments, "--json")
        assert err == ""
        made: dict[str, Any] = json.loads(out)
        assert status == int(any(finding["severity"] == "error" for finding in made["findings"]))
        return made

    return run


def words_of(command: str) -> list[str]:
    """A shell command's words."""
    return shlex.split(command)
