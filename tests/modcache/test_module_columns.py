"""Module versions in columns, and what is to be measured of them."""

from __future__ import annotations

import os
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import pytest

from fastverify.modcache.inventory import take_inventory
from fastverify.modcache.modulecolumns import Modules, VersionList
from fastverify.modcache.modulefiles import FILE_BITS, TREE, ModuleFiles, file_path, list_path, tree_path
from fastverify.modcache.tasks import CacheTasks, weight

ROOT = os.path.join(os.sep, "mod")


@pytest.fixture
def modules() -> Modules:
    made = Modules(ROOT)
    made.begin("github.com/B/b", is_listed=True)
    made.add("v1.0.0", FILE_BITS["mod"])
    made.add("v1.1.0", FILE_BITS["mod"] | FILE_BITS["zip"] | TREE, 100)
    made.begin("empty.org", is_listed=True)
    made.put(ModuleFiles(ROOT, "a.org", "v0.1.0", TREE))
    made.put(ModuleFiles(ROOT, "a.org", "v0.2.0", FILE_BITS["zip"], 7))
    return made


KEYS = [("github.com/B/b", "v1.0.0"), ("github.com/B/b", "v1.1.0"), ("a.org", "v0.1.0"), ("a.org", "v0.2.0")]


def test_a_version_is_found_by_number_and_by_name(modules: Modules) -> None:
    assert (len(modules), list(modules)) == (len(KEYS), KEYS)
    assert [modules[key] for key in KEYS] == [modules.at(number) for number in range(len(KEYS))]
    assert list(modules.each()) == list(modules.values())
    assert modules.at(1) == (ROOT, *KEYS[1], FILE_BITS["mod"] | FILE_BITS["zip"] | TREE, 100)
    assert modules["a.org", "v0.1.0"] == ModuleFiles(ROOT, "a.org", "v0.1.0", TREE)
    for key in [("a.org", "v1.0.0"), ("empty.org", "v0.1.0"), ("z.org", "v0.1.0"), ("\udcff", "\ud800")]:
        assert key not in modules
    modules.add_parts(2, FILE_BITS["lock"])
    assert modules.at(2).path("lock") == file_path(ROOT, "a.org", "v0.1.0", "lock")


def test_what_is_added_later_is_found(modules: Modules) -> None:
    assert ("c.org", "v1.0.0") not in modules
    modules.put(ModuleFiles(ROOT, "c.org", "v1.0.0", TREE))
    assert modules["c.org", "v1.0.0"].tree == tree_path(ROOT, "c.org", "v1.0.0")


def test_lists_of_versions(modules: Modules) -> None:
    expected = [VersionList(name, list_path(ROOT, name)) for name in ("github.com/B/b", "empty.org")]
    assert (len(modules.lists), list(modules.lists), modules.lists[1]) == (2, expected, expected[1])
    assert modules.lists == tuple(expected)


def test_tasks_come_biggest_first_and_lists_last(modules: Modules) -> None:
    tasks = CacheTasks(modules)
    assert [task.key for task in tasks] == [2, 1, 3, 0, 4, 5]
    assert all(one.weight >= other.weight for one, other in pairwise(tasks))
    assert sum(task.weight for task in tasks[:4]) == weight(modules)
    biggest = tasks[1]
    assert (biggest.prefix, biggest.zip) == (b"github.com/B/b@v1.1.0/", modules.at(1).path("zip"))
    assert (biggest.tree, biggest.ziphash, biggest.info) == (modules.at(1).tree, None, None)
    assert [tasks.list_of(task.key) for task in tasks] == [None] * 4 + list(modules.lists)
    assert [task.info for task in tasks[4:]] == [listed.path for listed in modules.lists]


@contextmanager
def _traced() -> Iterator[None]:
    tracemalloc.start()
    try:
        yield
    finally:
        tracemalloc.stop()


def test_a_version_takes_few_bytes(tmp_path: Path) -> None:
    """A cache of a million of them is still to be checked in little memory."""
    modules, versions = 20, 100
    for number in range(modules):
        folder = tmp_path / "cache" / "download" / "example.com" / f"module{number}" / "@v"
        folder.mkdir(parents=True)
        (folder / "list").touch()
        for version in range(versions):
            for kind in ("mod", "info", "zip"):
                (folder / f"v1.{version}.0.{kind}").touch()
            (tmp_path / "example.com" / f"module{number}@v1.{version}.0").mkdir(parents=True)
    with _traced():
        take_inventory(str(tmp_path))  # what is imported and kept but once
        before, _ = tracemalloc.get_traced_memory()
        inventory = take_inventory(str(tmp_path))
        tasks = CacheTasks(inventory.modules)
        after, _ = tracemalloc.get_traced_memory()
    assert (len(inventory.modules), len(tasks)) == (modules * versions, modules * versions + modules)
    assert all(files.tree and len(files.files) == 3 for files in inventory.modules.each())
    assert after - before < 50 * modules * versions
