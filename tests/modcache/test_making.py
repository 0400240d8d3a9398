"""The caches that the other tests damage are the ones that the go command makes."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from tests.making.go import Go, Oracle
from tests.making.modules import Module, ModuleCache, Project, module

pytestmark = pytest.mark.go

MODULES = [
    module("example.com/plain", "v1.2.3"),
    module("example.com/Capital/LETTERS", "v0.1.0"),
    module("example.com/old", "v2.0.1+incompatible"),
    module("example.com/major/v3", "v3.0.0-rc.1"),
    module("gopkg.in/dotted.v2", "v2.4.0"),
    module("example.com/pseudo", "v0.0.0-20240102030405-0123456789ab"),
    module("example.com/bare", "v1.0.0", {"bare.go": b'package bare\n\nconst Name = "bare"\n'}),
]
#: Of one module: semver's order is not that of the names, and a capital keeps a version out of the list.
MORE_VERSIONS = [
    module("example.com/plain", version)
    for version in ("v1.10.0", "v1.9.0", "v1.9.0-rc.10", "v1.9.0-rc.9", "v1.9.0-rc", "v1.9.0-RC.1", "v0.1.0")
]


def modes(root: Path) -> dict[str, int]:
    """The mode of every file and directory."""
    found = {}
    for folder, names, files in os.walk(root):
        for name in names + files:
            path = os.path.join(folder, name)
            found[os.path.relpath(path, root)] = stat.S_IMODE(os.lstat(path).st_mode)
    return found


def go_made(go: Go, tmp_path: Path, modules: list[Module], made: ModuleCache) -> Path:
    """Let the go command download and extract `modules` from the cache `made`, served as a proxy.

    The project has no go.sum before, and Go's own afterwards.
    """
    theirs = tmp_path / "theirs"
    project = Project.make(tmp_path / "project", modules, sums="")
    proxy = f"file://{made.download}"
    # More versions of one module than a build list can hold, in an order that is not semver's.
    extra = [f"{each.path}@{each.version}" for each in MORE_VERSIONS]
    for arguments in (
        ("mod", "download"),
        ("build", "./..."),
        *(("mod", "download", name) for name in extra),
    ):
        done = go.run(*arguments, modcache=theirs, cwd=project.root, settings={"GOPROXY": proxy})
        assert done.returncode == 0, done.stderr
    return theirs


@pytest.mark.parametrize("umask", [0o022, 0o077])
def test_the_go_command_makes_the_same_cache(go: Go, tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        ours = ModuleCache(tmp_path / "ours")
        ours.add(*MODULES, *MORE_VERSIONS)
        theirs = go_made(go, tmp_path, MODULES, ours)
    finally:
        os.umask(before)
    assert ours.contents() == ModuleCache(theirs).contents()
    assert modes(ours.root) == modes(theirs)
    sums = "".join(each.sums for each in MODULES)
    assert sorted((tmp_path / "project" / "go.sum").read_text().splitlines()) == sorted(sums.splitlines())


def test_the_go_command_is_content_with_it(go: Go, tmp_path: Path) -> None:
    cache = ModuleCache(tmp_path / "cache")
    cache.add(*MODULES)
    project = Project.make(tmp_path / "project", MODULES)
    for arguments, said in ((("mod", "verify"), "all modules verified\n"), (("build", "./..."), "")):
        done = go.run(*arguments, modcache=cache.root, cwd=project.root)
        assert (done.returncode, done.stdout) == (0, said), done.stderr


def test_hashes_are_those_of_go(oracle: Oracle, tmp_path: Path) -> None:
    cache = ModuleCache(tmp_path / "cache")
    cache.add(*MODULES)
    for each in MODULES:
        places = cache.places(each)
        assert oracle.value("hash_zip", Path=places.zip) == each.h1
        assert oracle.value("hash_dir", Path=places.tree, Name=each.prefix[:-1]) == each.h1
        assert oracle.value("hash_go_mod", Path=places.mod) == each.mod_h1
