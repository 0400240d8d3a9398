"""What has been written is let go of: a report of very many files takes no more memory than one of few."""

from __future__ import annotations

import gc
import json
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from fastverify import CacheCheck, check_caches
from fastverify.engine.differences import Differences
from fastverify.report.model import FileChange, Result
from tests.cli.conftest import Fastverify
from tests.making.modules import ModuleCache, module, rewrite

#: Names no file of any other test.
MARK = "kept-in-memory"
MODULES = 5
FILES = 30


def alive() -> int:
    """How many differences of our files there are in this process, and changes that were made of them."""
    gc.collect()
    things = gc.get_objects()
    changes = sum(isinstance(thing, FileChange) and MARK in thing.path for thing in things)
    packed = [thing for thing in things if isinstance(thing, Differences) and MARK.encode() in thing.made_of]
    return changes + sum(map(len, packed))


class Watched:
    """A check that counts what is left of its results whenever it is asked for another."""

    def __init__(self, check: CacheCheck, counted: list[int]) -> None:
        self._check = check
        self._counted = counted

    def __getattr__(self, name: str) -> Any:
        return getattr(self._check, name)

    def __enter__(self) -> Watched:  # noqa: PYI034 (typing.Self is new in 3.11)
        return self

    def __exit__(self, *_: object) -> None:
        self._check.close()

    def __iter__(self) -> Watched:
        return self

    def __next__(self) -> Result:
        self._counted.append(alive())
        return next(self._check)


@pytest.fixture
def damaged(tmp_path: Path) -> ModuleCache:
    """A cache of modules of which many files differ each."""
    made = ModuleCache(tmp_path / "modcache")
    names = [f"{MARK}{number}.go" for number in range(FILES)]
    made.add(
        *(
            module(f"example.com/m{number}", "v1.0.0", dict.fromkeys(names, b"package m\n"))
            for number in range(MODULES)
        )
    )
    for one in made.modules:
        for name in names:
            rewrite(made.places(one).tree / name, b"package other\n")
    return made


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_finding_that_was_written_is_let_go_of(
    fastverify: Fastverify, damaged: ModuleCache, form: str
) -> None:
    counted: list[int] = []
    with mock.patch(
        "fastverify.cli.check.check_caches",
        side_effect=lambda *paths, **options: Watched(check_caches(*paths, **options), counted),
    ):
        ended = fastverify("check", damaged.root, "--engine", "pure", "--format", form, "--verbose")
    assert ended.status == 1
    if form == "json":
        files = [one for found in json.loads(ended.out)["findings"] for one in found["files"]]
        assert len(files) == MODULES * FILES
    else:
        assert ended.out.count(MARK) == MODULES * FILES
        assert f"{MODULES} of {MODULES} modules" in ended.out
    assert len(counted) > MODULES
    # Those of the last result, which the check still has in its hand.
    assert max(counted) <= FILES
