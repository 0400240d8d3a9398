"""What lies in a module cache and belongs to nothing; several caches; what is no cache at all."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from fastverify import FastverifyError
from fastverify.engine.protocol import Engine
from tests.making.modules import rewrite
from tests.making.world import BYSTANDER, VICTIM, Expected, World, check

pytestmark = pytest.mark.usefixtures("nobody_else")

VERSIONS = "cache/download/example.com/victim/@v"

#: Paths below the cache's root that nothing of Go's makes.  A path that ends in ``/`` is a folder.
STRAYS = [
    "README",
    "Example.com/",
    "example.com/file",
    "example.com/victim@nonsense/",
    "example.com/victim@v2.0.0/",
    "example.com/victim@v1.2/",
    "example.com/Victim@v1.2.3/",
    "example.com/!!victim@v1.2.3/",
    "example.com/victim@v1.2.3.tmp-123456/",
    "example.com/victim@v1.2.3@v1/",
    "con.com/aux/x@v1.0.0/",
    "cache/notes.txt",
    "cache/download/file",
    "cache/download/example.com/victim/file",
    "cache/download/Example.com/@v/v1.0.0.mod",
    f"{VERSIONS}/v1.2.3.exe",
    f"{VERSIONS}/v1.2.3",
    f"{VERSIONS}/.hidden",
    f"{VERSIONS}/main.info",
    f"{VERSIONS}/v2.0.0.mod",
    f"{VERSIONS}/V1.2.3.mod",
    f"{VERSIONS}/v1.2.3.zip17.tmp",
    f"{VERSIONS}/v1.2.3.info999999999.tmp",
    f"{VERSIONS}/\x1b[31m\n",
    "\x1b]0;title\x07",
    "line\nbreak@v1.0.0/",
    "\udcff\udcfe",
]


@pytest.mark.parametrize("stray", STRAYS, ids=ascii)
def test_strays(engine: Engine, tmp_path: Path, stray: str) -> None:
    world = World(tmp_path)
    path = world.cache.root / stray
    if stray.endswith("/"):
        path.mkdir(parents=True)
        (path / "file").write_bytes(b"x")
    else:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    outcome = world.check(engine.name)
    (finding,) = outcome.findings
    # The topmost part that belongs to nothing is what is named.
    assert finding.path == os.fspath(path) or os.fspath(path).startswith(finding.path + os.sep)
    assert (finding.verdict, finding.where, finding.severity) == ("warning", "layout", "warning")
    assert (finding.module, finding.version, finding.files) == ("", "", ())
    assert outcome.report.counts.verified == outcome.report.counts.modules == 2


@pytest.mark.skipif(os.name == "nt", reason="what is told is for a POSIX shell")
@pytest.mark.parametrize("stray", [*STRAYS, "link"], ids=ascii)
def test_what_is_told_removes_strays_alone(tmp_path: Path, stray: str) -> None:
    world = World(tmp_path / "it's a $(cache)")
    path = world.cache.root / stray
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "file").write_bytes(b"x")
    kept.chmod(0o555)
    if stray == "link":
        path.symlink_to(kept)
    elif stray.endswith("/"):
        path.mkdir(parents=True)
        (path / "file").write_bytes(b"x")
        path.chmod(0o555)
    else:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    (finding,) = world.check("pure").report.findings
    sentence, _, command = finding.hint.partition("\n")
    assert sentence.startswith("remove it")
    subprocess.run(["/bin/sh", "-c", command], check=True, stdin=subprocess.DEVNULL)
    assert world.check("pure").findings == []
    assert (kept / "file").exists()
    assert kept.stat().st_mode & 0o777 == 0o555


#: What Go makes beside the modules, and a clone or a database that fastverify does not look into.
def make_sumdb(root: Path) -> None:
    folder = root / "cache/download/sumdb/another.example.org/lookup"
    folder.mkdir(parents=True)
    (folder / "example.com@v1.0.0").write_bytes(b"1\n")


def make_vcs(root: Path) -> None:
    folder = root / "cache/vcs/0123abcd"
    folder.mkdir(parents=True)
    (folder / "HEAD").write_bytes(b"ref: refs/heads/main\n")
    (folder.parent / "0123abcd.info").write_bytes(b"git3:https://example.com/x")
    (folder.parent / "0123abcd.lock").touch()


@pytest.mark.parametrize(("make", "word"), [(make_sumdb, "sumdb"), (make_vcs, "vcs")])
def test_known_rooms_are_no_strays(
    engine: Engine, tmp_path: Path, make: Callable[[Path], None], word: str
) -> None:
    world = World(tmp_path)
    make(world.cache.root)
    outcome = world.check(engine.name)
    assert outcome.findings == []
    assert [word in sentence for sentence in outcome.report.not_checked] == [True]


def test_several_caches(engine: Engine, tmp_path: Path) -> None:
    worlds = [World(tmp_path / name) for name in ("first", "second")]
    rewrite(worlds[1].places.tree / "LICENSE", b"x")
    outcome = check(*(world.cache.root for world in worlds), engine=engine.name)
    (finding,) = outcome.findings
    assert finding.path == str(worlds[1].places.tree)
    assert outcome.report.counts.modules == 4
    assert outcome.report.caches == [("modcache", str(world.cache.root)) for world in worlds]


def test_one_cache_given_twice_is_checked_once(engine: Engine, tmp_path: Path) -> None:
    world = World(tmp_path)
    root = world.cache.root
    outcome = check(root, root / ".." / root.name, engine=engine.name)
    assert outcome.report.counts.modules == 2


def test_a_cache_behind_a_link(engine: Engine, tmp_path: Path) -> None:
    world = World(tmp_path)
    link = tmp_path / "link"
    link.symlink_to(world.cache.root)
    rewrite(world.places.tree / "LICENSE", b"x")
    (finding,) = check(link, engine=engine.name).findings
    assert finding.files == (("LICENSE", "modified"),)


def test_a_tree_behind_a_link_is_no_tree(engine: Engine, tmp_path: Path) -> None:
    """Go's HashDir takes a link to a folder for no folder."""
    world = World(tmp_path)
    tree = world.places.tree
    elsewhere = tmp_path / "elsewhere"
    tree.rename(elsewhere)
    tree.symlink_to(elsewhere)
    assert world.check(engine.name).findings == [world.expect(Expected("malformed", "dir"), project=False)]


def test_every_version_is_accounted_for(engine: Engine, tmp_path: Path) -> None:
    world = World(tmp_path)
    names = {(result.module, result.version) for result in world.check(engine.name).results}
    assert names == {(each.path, each.version) for each in (VICTIM, BYSTANDER)}


@pytest.mark.parametrize("kind", ["absent", "file", "project", "fifo", "tree"])
def test_what_is_no_module_cache(engine: Engine, tmp_path: Path, kind: str) -> None:
    world = World(tmp_path)
    path = {
        "absent": tmp_path / "absent",
        "file": world.project.gosum,
        "project": world.project.root,
        "fifo": tmp_path / "fifo",
        "tree": world.places.tree,
    }[kind]
    if kind == "fifo":
        os.mkfifo(path)
    with pytest.raises(FastverifyError) as caught:
        check(path, engine=engine.name)
    assert str(path) in str(caught.value)
