"""What a client has kept of a checksum database, and the modules that the tests' own ones know."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.making.modules import Module, escape, module
from tests.making.sumlog import NAME, SumLog

StartLog = Callable[..., SumLog]

#: They stand in the log after so many others that the first of them is still in the first full tile,
#: and the rest is not.
DECOYS = 252
MODULES = [module(f"example.com/Mod/number{n}", f"v1.{n}.0") for n in range(12)]


@dataclass(frozen=True)
class Cached:
    """What a client has kept of a log: one record after the other, each with the head of its time."""

    modcache: Path
    gopath: Path
    verifier: str

    @property
    def sumdb(self) -> Path:
        """The database's folder in the module cache."""
        return self.modcache / "cache" / "download" / "sumdb" / NAME

    @property
    def latest(self) -> Path:
        """Go's newest head."""
        return self.gopath / "pkg" / "sumdb" / NAME / "latest"

    def record(self, of: Module) -> Path:
        """The record of a module version."""
        return self.sumdb / "lookup" / f"{escape(of.path)}@{escape(of.version)}"

    def files(self) -> list[Path]:
        """Every record, tile and head."""
        return sorted(path for path in (*self.sumdb.rglob("*"), self.latest) if path.is_file())

    def copy(self, folder: Path) -> Cached:
        """The same in another place, to be damaged."""
        made = Cached(folder / "modcache", folder / "gopath", self.verifier)
        shutil.copytree(self.modcache, made.modcache)
        shutil.copytree(self.gopath, made.gopath)
        return made

    def put_into(self, modcache: Path) -> Cached:
        """Put the records and tiles into another module cache."""
        shutil.copytree(self.sumdb, modcache / "cache" / "download" / "sumdb" / NAME)
        return Cached(modcache, self.gopath, self.verifier)

    def use(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Make this process one whose go command uses this database."""
        for name in ("GOPRIVATE", "GONOSUMDB", "GONOPROXY", "GOFLAGS", "GOMODCACHE"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("GOENV", "off")
        monkeypatch.setenv("GOPROXY", "off")
        monkeypatch.setenv("GOSUMDB", self.verifier)
        monkeypatch.setenv("GOPATH", os.fspath(self.gopath))
