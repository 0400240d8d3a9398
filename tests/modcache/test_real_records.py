"""Records that a real go command has cached: of the public checksum database, and of a log of our own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from fastverify import check_module_cache
from fastverify.engine.protocol import Engine
from fastverify.report.model import Report
from tests.making.go import Go, build_oracle
from tests.making.modules import Module, ModuleCache, Project, module
from tests.making.realmodules import RealCache, user_settings
from tests.making.sumlog import NAME, SumLog, write_sums

pytestmark = [pytest.mark.go, pytest.mark.slow, pytest.mark.usefixtures("nobody_else")]


def check(engine: Engine, modcache: Path) -> Report:
    with check_module_cache(modcache, engine=engine.name, threads=1) as made:
        list(made)
    return made.report


@pytest.mark.network
def test_the_public_database(
    engine: Engine, go: Go, real_cache: RealCache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The go command was given no go.sum, so it asked about every module; all of that is proved offline."""
    if user_settings(go, tmp_path)["GOSUMDB"] != "sum.golang.org":
        pytest.skip("this user's go command does not ask sum.golang.org")
    for name in ("GOPRIVATE", "GONOSUMDB", "GOSUMDB", "GOFLAGS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GOENV", "off")
    monkeypatch.setenv("GOPATH", os.fspath(go.gopath))
    report = check(engine, real_cache.root)
    assert not [finding for finding in report.findings if finding.where == "sumdb"]
    assert report.counts.by_authority == {"sumdb": report.counts.modules}
    assert report.counts.modules >= len(real_cache.modules)


MODULES = [module(f"example.com/Logged/m{n}", f"v1.{n}.0-rc.{n}") for n in range(5)]
PRIVATE = module("corp.example.com/secret", "v0.1.0")


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SumLog]:
    """A log that grows while it is asked."""
    folder = tmp_path_factory.mktemp("log")
    program = build_oracle(folder, "./sumlog")
    running = SumLog(program, write_sums(folder / "sums", MODULES), decoys=254)
    yield running
    running.close()


def download(go: Go, folder: Path, log: SumLog, modules: list[Module]) -> tuple[ModuleCache, Path]:
    """A module cache that the go command has filled, asking the log about each module."""
    proxy = ModuleCache(folder / "proxy")
    proxy.add(*modules, parts=("info", "mod", "zip"))
    project = Project.make(folder / "project", modules, sums="")
    made, gopath = ModuleCache(folder / "modcache"), folder / "gopath"
    done = go.run(
        "mod",
        "download",
        modcache=made.root,
        cwd=project.root,
        settings={
            "GOPROXY": proxy.download.as_uri(),
            "GOSUMDB": f"{log.verifier} {log.url}",
            "GOPATH": os.fspath(gopath),
            "GOPRIVATE": "corp.example.com",
            "GONOPROXY": "none",
        },
    )
    assert done.returncode == 0, done.stderr
    return made, gopath


def test_a_log_of_our_own(
    engine: Engine, go: Go, log: SumLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, gopath = download(go, tmp_path, log, [*MODULES, PRIVATE])
    assert not any("secret" in path for path in log.asked)
    monkeypatch.setenv("GOENV", "off")
    monkeypatch.setenv("GOPATH", os.fspath(gopath))
    monkeypatch.setenv("GOSUMDB", log.verifier)
    monkeypatch.setenv("GOPRIVATE", "corp.example.com")
    report = check(engine, made.root)
    assert report.findings == []
    assert report.counts.by_authority == {"sumdb": len(MODULES), "ziphash": 1}
    # The go command keeps its files where they are looked for, so that damage is found.
    latest = gopath / "pkg" / "sumdb" / NAME / "latest"
    latest.write_bytes(latest.read_bytes().replace(b"\n", b"\n1", 1))
    record = next((made.download / "sumdb" / NAME / "lookup").rglob("m3@*"))
    record.write_bytes(record.read_bytes().replace(b"h1:", b"h1:x", 1))
    found = {(f.path, f.verdict, f.where, f.severity) for f in check(engine, made.root).findings}
    assert found == {
        (os.fspath(latest), "modified", "sumdb", "error"),
        (os.fspath(record), "modified", "sumdb", "error"),
    }
