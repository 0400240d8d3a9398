"""Vendor folders that the real go command makes of real programs: nothing is found in them."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from fastverify import check_module_cache
from fastverify.engine.protocol import Engine
from fastverify.report.model import Report
from tests.making.go import Go, without
from tests.making.programs import PROGRAMS
from tests.making.realmodules import user_settings

pytestmark = [pytest.mark.go, pytest.mark.slow]

#: Small ones.
KINDS = ("pruned", "with many tools")


@pytest.fixture(scope="module", params=KINDS)
def vendored(request: pytest.FixtureRequest, go: Go, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a program, its vendor folder, and beside it the module cache.  Shared: restore it."""
    folder = tmp_path_factory.mktemp("vendored")
    settings = user_settings(go, folder) | {"GOFLAGS": "-modcacherw"}
    modcache, program = folder / "modcache", PROGRAMS[request.param]
    told = go.run("mod", "download", "-json", program, modcache=modcache, cwd=folder, settings=settings)
    if told.returncode:
        without(f"{program} cannot be downloaded: {told.stdout}{told.stderr}")
    shutil.copytree(json.loads(told.stdout)["Dir"], folder / "program")
    made = go.run("mod", "vendor", modcache=modcache, cwd=folder / "program", settings=settings)
    if made.returncode:
        without(f"the modules of {program} cannot be vendored: {made.stderr}")
    return folder


def checked(vendored: Path, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Report:
    for name, value in {"GOENV": "off", "GOSUMDB": "off", "GOFLAGS": "", "GOWORK": "off"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("GOMODCACHE", os.fspath(vendored / "modcache"))
    with check_module_cache(vendored / "program" / "vendor", engine=engine.name) as made:
        results = [result for result in made if result.module]
    assert len(results) > 10
    return made.report


def test_as_go_makes_it(vendored: Path, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    report = checked(vendored, engine, monkeypatch)
    assert [f for f in report.findings if f.severity != "note"] == []
    assert report.counts.not_verified == 0


def test_what_goes_missing(vendored: Path, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """One file of each folder that holds any is taken away, and each is missed."""
    folder = vendored / "program" / "vendor"
    away = []
    for place, _, names in sorted(os.walk(folder)):
        if names and Path(place) != folder:
            away.append(Path(place, min(names)))
    assert len(away) > 50
    contents = {path: path.read_bytes() for path in away}
    for path in away:
        path.unlink()
    try:
        report = checked(vendored, engine, monkeypatch)
    finally:
        for path, content in contents.items():
            path.write_bytes(content)
    missed = {
        Path(finding.path, change.path): change.change
        for finding in report.findings
        for change in finding.files
    }
    assert missed == dict.fromkeys(away, "missing")
