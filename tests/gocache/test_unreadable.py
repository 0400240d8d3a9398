"""What another user's cache is to this user: told once, with what the go command will say."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from fastverify import check_caches
from fastverify.engine.protocol import Engine
from fastverify.gocache.check import BuildCheck
from fastverify.report.model import Report
from tests.cli.conftest import Fastverify, fastverify
from tests.gocache.checking import found, report_of, short
from tests.gocache.making import MadeCache, World
from tests.making.users import NOBODY, bound_by_permissions

__all__ = ["fastverify"]
pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no such permissions")


@pytest.fixture
def public_path() -> Iterator[Path]:
    """A temporary folder that other users can reach, unlike pytest's own."""
    made = Path(tempfile.mkdtemp(prefix="fastverify-test-"))
    made.chmod(0o755)
    yield made
    for path in made.rglob("*"):
        path.chmod(0o755)
    shutil.rmtree(made)


def unwritable(report: Report) -> list[str]:
    """What is said of the folders, which are another user's or not."""
    return [f.message for f in report.findings if "may not write into the folder" in f.message]


@pytest.mark.usefixtures("nobody_else")
def test_what_may_not_be_read_is_told_once(engine: Engine, public_path: Path) -> None:
    cache = MadeCache(public_path / "go-build")
    for path in cache.root.glob("??/*"):
        path.chmod(0)
    report = bound_by_permissions(lambda: report_of(cache.root, engine))
    told = [finding for finding in report.findings if finding.severity == "error"]
    assert [short(finding) for finding in told] == ["error unreadable layout"]
    assert "Permission denied, and 5 more" in told[0].message
    assert report.counts.outputs_unreadable == 6


@pytest.mark.usefixtures("nobody_else")
def test_what_may_not_be_read_is_told_when_interrupted(
    engine: Engine, public_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = MadeCache(public_path / "go-build")
    for path in cache.root.glob("??/*"):
        path.chmod(0)

    def interrupted(_: BuildCheck) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(BuildCheck, "_settle", interrupted)

    def check() -> Report:
        with check_caches(cache.root, engine=engine.name) as check, suppress(KeyboardInterrupt):
            for _ in check:
                pass
        return check.report

    report = bound_by_permissions(check)
    assert not report.complete
    assert [short(one) for one in report.findings if one.severity == "error"] == ["error unreadable layout"]
    assert report.counts.outputs_unreadable == 6


@pytest.mark.usefixtures("nobody_else")
def test_a_shard_that_may_not_be_listed(engine: Engine, public_path: Path) -> None:
    cache = MadeCache(public_path / "go-build")
    shard = cache.outputs[0].parent
    shard.chmod(0)
    report = bound_by_permissions(lambda: report_of(cache.root, engine))
    [finding] = [finding for finding in report.findings if finding.severity == "error"]
    assert finding.path == str(shard)
    assert "cannot be listed" in finding.message


@pytest.mark.go
@pytest.mark.usefixtures("nobody_else")
@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root has a second user")
def test_what_go_says_to_a_second_user(engine: Engine, public_path: Path, small: World) -> None:
    """Readable and not writable: where an index has to be written, every command fails."""
    cache, project = public_path / "cache", public_path / "project"
    shutil.copytree(small.cache, cache)
    shutil.copytree(small.project, project)
    report = bound_by_permissions(lambda: report_of(cache, engine))
    assert [short(finding) for finding in found(report)] == ["warning warning layout"]
    assert unwritable(report) == ["this user may not write into the folder, like 256 more"]
    ended = small.go.run(
        "build",
        "./...",
        modcache=public_path / "mod",
        cwd=project,
        user=NOBODY,
        settings={"GOCACHE": str(cache), "GOFLAGS": "-buildvcs=false", "HOME": str(public_path)},
    )
    assert ended.returncode == 1
    assert "-d: permission denied" in ended.stderr


@pytest.mark.parametrize("command", ["ls", "stats"])
def test_a_catalog_says_what_it_is_without(fastverify: Fastverify, public_path: Path, command: str) -> None:
    cache = MadeCache(public_path / "go-build")
    assert fastverify("gocache", command, cache.root).err == ""
    cache.outputs[0].chmod(0)
    cache.outputs[1].parent.chmod(0)
    status, _, err = bound_by_permissions(lambda: fastverify("gocache", command, cache.root))
    assert status == 0
    assert err == (
        f"fastverify: warning: 1 folder and 1 file of {cache.root} cannot be read, "
        "so the answer is without what they hold\n"
    )
