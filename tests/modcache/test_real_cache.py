"""Real modules, downloaded by the go command: every hash is Go's, and nothing in them is an alarm."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from fastverify import hash_dir, hash_go_mod, hash_zip
from fastverify.engine.protocol import Engine
from tests.making.go import Go
from tests.making.modules import rewrite
from tests.making.realmodules import RealCache
from tests.making.world import check

pytestmark = [pytest.mark.go, pytest.mark.network, pytest.mark.slow]


def sum_lines(project: Path) -> dict[tuple[str, str], str]:
    """The project's go.sum as Go wrote it."""
    lines = (line.split() for line in (project / "go.sum").read_text().splitlines())
    return {(path, version): hash_ for path, version, hash_ in lines}


def test_every_hash_is_that_of_go(engine: Engine, real_cache: RealCache) -> None:
    sums = sum_lines(real_cache.project)
    assert len(real_cache.modules) > 40
    for each in real_cache.modules:
        expected = each.zip.with_suffix(".ziphash").read_text()
        assert expected == each.sum == sums[each.path, each.version]
        assert hash_zip(each.zip, threads=2, engine=engine.name) == expected, each
        assert (
            hash_dir(each.tree, f"{each.path}@{each.version}", threads=2, engine=engine.name) == expected
        ), each
        expected_mod = sums[each.path, each.version + "/go.mod"]
        assert hash_go_mod(each.mod, engine=engine.name) == expected_mod == each.mod_sum, each


def test_every_go_mod_without_a_zip(engine: Engine, real_cache: RealCache) -> None:
    """Most versions of a cache have no more than their go.mod; go.sum has a line for each."""
    outcome = check(real_cache.root, engine=engine.name, projects=[real_cache.project])
    lines = sum_lines(real_cache.project)
    mods = sorted(real_cache.root.rglob("cache/download/**/@v/*.mod"))
    assert outcome.report.counts.mods == len(mods) > len(real_cache.modules)
    held = {(result.module, result.version) for result in outcome.results if result.authority == "gosum"}
    assert held == {(path, version.removesuffix("/go.mod")) for path, version in lines}


@pytest.mark.parametrize("with_project", [True, False])
def test_nothing_is_an_alarm(engine: Engine, real_cache: RealCache, with_project: bool) -> None:
    projects = [real_cache.project] if with_project else []
    outcome = check(real_cache.root, engine=engine.name, projects=projects, threads=2)
    assert outcome.errors_and_warnings() == []
    counts = outcome.report.counts
    zips = list(real_cache.root.rglob("cache/download/**/@v/*.zip"))
    assert counts.zips == counts.trees == len(zips) == len(real_cache.modules)
    assert counts.files == sum(
        len(names) for each in real_cache.modules for _, _, names in os.walk(each.tree)
    )
    verified = {(result.module, result.version) for result in outcome.results if result.verified}
    assert verified >= {(each.path, each.version) for each in real_cache.modules}


def test_go_agrees(go: Go, real_cache: RealCache) -> None:
    done = go.run("mod", "verify", modcache=real_cache.root, cwd=real_cache.project)
    assert (done.returncode, done.stdout) == (0, "all modules verified\n"), done.stderr


def test_one_changed_byte_of_a_real_module_is_found(
    engine: Engine, real_cache: RealCache, tmp_path: Path, nobody_else: None
) -> None:
    """In the biggest file of each of a few modules, copied to a cache of their own."""
    chosen = [each for each in real_cache.modules if each.path.startswith(("golang.org/", "gopkg.in/"))]
    assert len(chosen) >= 5
    names = {}
    for each in chosen:
        for part in (each.zip, each.zip.with_suffix(".ziphash"), each.mod, each.tree):
            target = tmp_path / part.relative_to(real_cache.root)
            target.parent.mkdir(parents=True, exist_ok=True)
            (shutil.copytree if part.is_dir() else shutil.copy2)(part, target)
        tree = tmp_path / each.tree.relative_to(real_cache.root)
        biggest = max(
            (path for path in tree.rglob("*") if path.is_file()), key=lambda path: path.stat().st_size
        )
        content = bytearray(biggest.read_bytes())
        content[len(content) // 2] ^= 1
        rewrite(biggest, bytes(content))
        names[each.path, each.version] = biggest.relative_to(tree).as_posix()
    outcome = check(tmp_path, engine=engine.name, projects=[real_cache.project])
    found = {(f.module, f.version): [(c.path, c.change) for c in f.files] for f in outcome.report.findings}
    assert found == {key: [(name, "modified")] for key, name in names.items()}
    assert {(f.verdict, f.where, f.authority) for f in outcome.report.findings} == {
        ("modified", "dir", "gosum")
    }
