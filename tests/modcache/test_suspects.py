"""What waits for a second look does not wait in memory."""

from __future__ import annotations

import gc
import time
from pathlib import Path

import pytest

from fastverify import check_module_cache
from fastverify.engine.differences import Differences
from fastverify.engine.protocol import Engine
from fastverify.modcache import check as checking
from fastverify.modcache import live
from fastverify.spool import Spool
from tests.making.modules import ModuleCache, module, rewrite

MARK = "waiting"
MODULES = 4
FILES = 25


@pytest.fixture
def just_damaged(tmp_path: Path) -> ModuleCache:
    """A cache in which somebody has been at work a moment ago."""
    made = ModuleCache(tmp_path / "modcache")
    names = [f"{MARK}{number}.go" for number in range(FILES)]
    for number in range(MODULES):
        made.add(module(f"example.com/m{number}", "v1.0.0", dict.fromkeys(names, b"package m\n")))
    for one in made.modules:
        for name in names:
            rewrite(made.places(one).tree / name, b"package other\n")
    return made


@pytest.mark.parametrize("in_memory", [0, 1 << 20])
def test_findings_wait_in_a_spool(
    engine: Engine, just_damaged: ModuleCache, monkeypatch: pytest.MonkeyPatch, in_memory: int
) -> None:
    counted: list[int] = []
    sleep = time.sleep

    def count_and_sleep(seconds: float) -> None:
        gc.collect()
        things = gc.get_objects()
        counted.append(
            sum(isinstance(thing, Differences) and MARK.encode() in thing.made_of for thing in things)
        )
        sleep(seconds)

    monkeypatch.setattr(time, "sleep", count_and_sleep)
    monkeypatch.setattr(checking, "Spool", lambda: Spool(in_memory))
    # However long it takes to get here, the trees are young.
    monkeypatch.setattr(live, "YOUNG", 3.0)
    with check_module_cache(just_damaged.root, engine=engine.name, threads=1) as check:
        found = []
        for result in check:
            found.append([change.path for finding in result.findings for change in finding.files])
            check.report.forget()
    assert [len(set(files)) for files in found] == [FILES] * MODULES
    assert counted
    assert max(counted) == 0


def test_what_waits_is_told_when_the_check_is_closed(
    engine: Engine, just_damaged: ModuleCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(time, "sleep", interrupt)
    monkeypatch.setattr(live, "YOUNG", 1000.0)
    with check_module_cache(just_damaged.root, engine=engine.name, threads=1) as check:
        with pytest.raises(KeyboardInterrupt):
            next(check)
        check.close()
        told = [change.path for one in check.unconfirmed for found in one.findings for change in found.files]
    assert len(told) == MODULES * FILES
    assert len(set(told)) == FILES
    assert [len(found.files) for found in check.report.findings] == [FILES] * MODULES
