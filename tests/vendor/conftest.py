"""Fixtures for the tests of vendor folders, which the real go command makes."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from fastverify import check_module_cache
from fastverify.engine.protocol import EngineName
from fastverify.report.model import Finding, Report
from tests.making.go import Go
from tests.making.modules import Module, ModuleCache


@pytest.fixture(scope="session")
def go(tmp_path_factory: pytest.TempPathFactory) -> Go:
    """The go command."""
    shared = tmp_path_factory.mktemp("go")
    return Go(gocache=shared / "gocache", gopath=shared / "gopath")


@dataclass
class Vendored:
    """A project with a vendor folder, and the cache that it was made from."""

    go: Go
    engine: EngineName
    cache: ModuleCache
    root: Path
    monkeypatch: pytest.MonkeyPatch
    workspace: bool = False

    @property
    def folder(self) -> Path:
        return self.root / "vendor"

    def vendor(self, *, begins: bool = False) -> None:
        """Let the go command make the folder; with `begins` it may stop before it is done."""
        shutil.rmtree(self.folder, ignore_errors=True)
        done = self._go("work" if self.workspace else "mod", "vendor")
        assert begins or done.returncode == 0, done.stderr

    def _go(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        settings = {"GOFLAGS": ""} | ({"GOWORK": ""} if self.workspace else {})
        return self.go.run(*arguments, modcache=self.cache.root, cwd=self.root, settings=settings)

    def complaints_of_go(self) -> list[str]:
        """What the go command finds inconsistent."""
        done = self._go("list", "-mod=vendor", "./...")
        lines = [line.strip() for line in done.stderr.splitlines() if line.startswith("\t")]
        return [line for line in lines if "modules.txt" in line]

    def check(self, *, project: bool = False) -> Report:
        """Check the folder alone, or the whole project with the cache."""
        for name in ("GOFLAGS", "GOPRIVATE", "GONOSUMDB", "GOWORK"):
            self.monkeypatch.delenv(name, raising=False)
        self.monkeypatch.setenv("GOENV", "off")
        self.monkeypatch.setenv("GOSUMDB", "off")
        self.monkeypatch.setenv("GOMODCACHE", os.fspath(self.cache.root))
        paths = [] if project else [self.folder]
        projects = [self.root] if project else []
        made = check_module_cache(*paths, projects=projects, engine=self.engine, threads=1)
        with made:
            results = list(made)
        report = made.report
        assert report.complete
        assert sum(bool(result.module) for result in results) == report.counts.modules
        assert report.counts.modules == report.counts.verified + report.counts.not_verified
        return report

    def findings(self) -> list[Finding]:
        """Those of the folder alone that are more than notes."""
        return [finding for finding in self.check().findings if finding.severity != "note"]

    def files(self) -> list[tuple[str, str, str]]:
        """``(module, path, change)`` of all files that are found wrong."""
        return sorted(
            (finding.module, change.path, change.change)
            for finding in self.findings()
            for change in finding.files
        )


@dataclass
class Maker:
    """Makes projects with a vendor folder."""

    go: Go
    engine: EngineName
    folder: Path
    monkeypatch: pytest.MonkeyPatch

    def __call__(
        self,
        modules: Sequence[Module],
        imports: Sequence[str],
        *,
        go_mod: str = "",
        version: str = "1.22",
        required: Sequence[Module] | None = None,
        files: Mapping[str, str] | None = None,
        begins: bool = False,
    ) -> Vendored:
        """A project that requires `modules` (or `required` of them) and imports the packages."""
        cache = ModuleCache(self.folder / "cache")
        cache.add(*modules)
        root = self.folder / "project"
        root.mkdir()
        for name, text in (files or {}).items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        needed = modules if required is None else required
        lines = "".join(f"\t{each.path} {each.version}\n" for each in needed)
        (root / "go.mod").write_text(
            f"module example.org/project\n\ngo {version}\n\nrequire (\n{lines})\n{go_mod}\n"
        )
        (root / "go.sum").write_text("".join(each.sums for each in modules))
        listed = "".join(f'import _ "{package}"\n' for package in imports)
        (root / "project.go").write_text(f"package project\n\n{listed}")
        made = Vendored(self.go, self.engine, cache, root, self.monkeypatch)
        made.vendor(begins=begins)
        return made


@pytest.fixture(params=["native", "pure"])
def make(
    request: pytest.FixtureRequest,
    go: Go,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    both_engines: object,
) -> Maker:
    """Makes projects with vendor folders, to be checked by each engine in turn."""
    del both_engines
    return Maker(go, request.param, tmp_path, monkeypatch)
