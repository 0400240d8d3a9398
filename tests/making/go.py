"""Runs the go command on a cache, and asks golang.org/x/mod through the program in ``go_oracle``."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

_NONE: Mapping[str, str] = {}
#: A go command that takes longer than this is taken to hang.
TIMEOUT = 120.0


def without(what: str) -> None:
    """Say that something the tests need is not there: a failure on CI, a visible skip elsewhere."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"{what}, and CI must have it")
    pytest.skip(what)


def need_go() -> str:
    """The go command's path."""
    found = shutil.which("go")
    if found is None:
        without("no go command on the PATH")
    assert found is not None
    return found


@dataclass(frozen=True)
class Go:
    """The go command with settings of its own: nothing from the user's, and by default no network."""

    gocache: Path
    gopath: Path
    command: str = field(default_factory=need_go)

    def environment(self, modcache: Path, settings: Mapping[str, str]) -> dict[str, str]:
        """The variables it runs with."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("GO")}
        return kept | {
            "GOENV": "off",
            "GOFLAGS": "-mod=mod",
            "GOPROXY": "off",
            "GOSUMDB": "off",
            "GOTOOLCHAIN": "local",
            "GOVCS": "*:off",
            "GOWORK": "off",
            "GOPATH": str(self.gopath),
            "GOCACHE": str(self.gocache),
            "GOMODCACHE": str(modcache),
            **settings,
        }

    def run(
        self,
        *arguments: str,
        modcache: Path,
        cwd: Path,
        timeout: float = TIMEOUT,
        user: int | None = None,
        as_user: bool = False,
        settings: Mapping[str, str] = _NONE,
    ) -> subprocess.CompletedProcess[str]:
        """Run it and hand back what it said.

        `user`: give up root for this one.  `as_user`: with the settings of whoever runs the tests.
        """
        identity: dict[str, Any] = {} if user is None else {"user": user, "group": user, "extra_groups": []}
        return subprocess.run(
            [self.command, *arguments],
            check=False,
            cwd=cwd,
            env=None if as_user else self.environment(modcache, settings),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="surrogateescape",
            timeout=timeout,
            **identity,
        )


class OracleError(Exception):
    """Go's own error text."""


def _coded(value: str | bytes | os.PathLike[str]) -> str:
    return base64.b64encode(os.fsencode(value)).decode()


class Oracle:
    """golang.org/x/mod, asked through one long-running program."""

    def __init__(self, program: Path) -> None:
        self._program = subprocess.Popen(
            [os.fspath(program)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=sys.stderr
        )

    def close(self) -> None:
        """End the program."""
        self._program.communicate()

    def ask(self, operation: str, **fields: str | bytes | os.PathLike[str]) -> dict[str, Any]:
        """One question; the fields are those of the program's ``request``."""
        assert self._program.stdin is not None
        assert self._program.stdout is not None
        request = {"Op": operation} | {name: _coded(value) for name, value in fields.items()}
        self._program.stdin.write(json.dumps(request).encode() + b"\n")
        self._program.stdin.flush()
        answer: dict[str, Any] = json.loads(self._program.stdout.readline())
        return answer

    def value(self, operation: str, **fields: str | bytes | os.PathLike[str]) -> str:
        """One question whose answer is a text.  Raises OracleError with Go's error."""
        answer = self.ask(operation, **fields)
        if answer["error"]:
            raise OracleError(answer["error"])
        text: str = answer["value"]
        return text

    def raw(self, operation: str, **fields: str | bytes | os.PathLike[str]) -> bytes:
        """One question whose answer need not be UTF-8; of no bytes where Go has an error."""
        return base64.b64decode(self.ask(operation, **fields)["bytes"] or "")

    def error(self, operation: str, **fields: str | bytes | os.PathLike[str]) -> str:
        """Go's error; the empty text where it has none."""
        text: str = self.ask(operation, **fields)["error"]
        return text

    def check_zip(self, path: Path, module: str, version: str) -> tuple[list[tuple[bytes, str]], str]:
        """The entries that ``zip.CheckZip`` forbids, each with the rule, and its error about the whole."""
        answer = self.ask("check_zip", Path=path, Module=module, Version=version)
        names = [base64.b64decode(name) for name in answer["names"] or ()]
        return list(zip(names, answer["rules"] or (), strict=True)), answer["error"]


def build_oracle(directory: Path, package: str = ".") -> Path:
    """Build the program, or another one beside it.

    Its one dependency is fetched through the module proxy as any module is.
    """
    program = directory / ("go_oracle" if package == "." else Path(package).name)
    source = Path(__file__).parents[1] / "go_oracle"
    kept = {name: value for name, value in os.environ.items() if name not in {"GOFLAGS", "GOWORK"}}
    built = subprocess.run(
        [need_go(), "build", "-buildvcs=false", "-mod=readonly", "-o", os.fspath(program), package],
        check=False,
        cwd=source,
        env=kept | {"GOWORK": "off"},
        capture_output=True,
        text=True,
        timeout=600,
    )
    if built.returncode != 0:
        without(f"the Go oracle could not be built: {built.stderr}")
    return program
