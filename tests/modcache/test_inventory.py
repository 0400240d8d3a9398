"""What a module cache holds, by name alone."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from fastverify.modcache import modulefiles
from fastverify.modcache.inventory import Inventory, take_inventory


def _touch(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"")
    return path


def _strays(found: Inventory) -> dict[str, str]:
    return {os.path.relpath(stray.path, found.root): stray.kind for stray in found.strays}


@pytest.mark.parametrize(
    ("escaped", "module", "version"),
    [
        ("github.com/!burnt!sushi/toml@v1.2.0", "github.com/BurntSushi/toml", "v1.2.0"),
        ("gopkg.in/yaml.v2@v2.2.1", "gopkg.in/yaml.v2", "v2.2.1"),
        (
            "gopkg.in/check.v1@v0.0.0-20161208181325-20d25e280405",
            "gopkg.in/check.v1",
            "v0.0.0-20161208181325-20d25e280405",
        ),
        ("github.com/a/b@v2.0.0+incompatible", "github.com/a/b", "v2.0.0+incompatible"),
        ("github.com/a/b/v3@v3.0.0-!r!c.1", "github.com/a/b/v3", "v3.0.0-RC.1"),
        ("example.com@v0.1.0", "example.com", "v0.1.0"),
        (
            "golang.org/toolchain@v0.0.1-go1.25.1.linux-amd64",
            "golang.org/toolchain",
            "v0.0.1-go1.25.1.linux-amd64",
        ),
        ("golang.org/fips140@v1.0.0", "golang.org/fips140", "v1.0.0"),
    ],
)
def test_every_part_of_a_version_is_found(tmp_path: Path, escaped: str, module: str, version: str) -> None:
    path, _, escaped_version = escaped.partition("@")
    (tmp_path / escaped).mkdir(parents=True)
    folder = tmp_path / "cache" / "download" / path / "@v"
    for kind in modulefiles.FILE_KINDS:
        _touch(folder / f"{escaped_version}.{kind}")
    found = take_inventory(str(tmp_path))
    assert list(found.modules) == [(module, version)]
    files = found.modules[module, version]
    assert files.tree == str(tmp_path / escaped) == modulefiles.tree_path(str(tmp_path), module, version)
    assert files.files == {
        kind: modulefiles.file_path(str(tmp_path), module, version, kind) for kind in modulefiles.FILE_KINDS
    }
    assert set(files.files.values()) == {str(path) for path in folder.iterdir()}
    assert found.strays == []


def test_trees_and_downloads_of_a_version_belong_together(tmp_path: Path) -> None:
    """Of each module there may be some versions on one side, and on the other others or none."""
    download = tmp_path / "cache" / "download"
    for tree in ("a.org@v1.0.0", "a.org@v1.1.0", "a.org/sub@v0.1.0", "a.org/sub/!x@v0.2.0-!r!c"):
        (tmp_path / tree).mkdir(parents=True)
    for name in ("a.org/@v/v1.1.0.mod", "a.org/@v/v1.2.0.info", "a.org/sub/!x/@v/v0.2.0-!r!c.zip"):
        _touch(download / name)
    _touch(download / "b.org/only/@v/list")
    found = take_inventory(str(tmp_path))
    assert {key: (files.has_tree, list(files.files)) for key, files in found.modules.items()} == {
        ("a.org", "v1.0.0"): (True, []),
        ("a.org", "v1.1.0"): (True, ["mod"]),
        ("a.org", "v1.2.0"): (False, ["info"]),
        ("a.org/sub", "v0.1.0"): (True, []),
        ("a.org/sub/X", "v0.2.0-RC"): (True, ["zip"]),
    }
    assert [listed.path for listed in found.lists] == [str(download / "b.org/only/@v/list")]
    assert found.strays == []


def test_what_belongs_to_nothing(tmp_path: Path) -> None:
    download = tmp_path / "cache" / "download"
    strays = {
        ".DS_Store": "unknown",
        "github.com/notes.txt": "unknown",
        "github.com/Upper": "unknown",
        "github.com/Upper@v1.0.0": "unknown",
        "github.com/a/b@latest": "unknown",
        "github.com/a/b@v1": "unknown",
        "github.com/a/b@v2.0.0": "mismatch",
        "github.com/a/b@v1.0.0.tmp-12345": "tree-temporary",
        "cache/notes": "unknown",
        "cache/download/github.com/a/b/@latest": "unknown",
        "cache/download/github.com/a/b/@v/v1.0.0.zip123.tmp": "temporary",
        "cache/download/github.com/a/b/@v/v1.0.0.exe": "unknown",
        "cache/download/github.com/a/b/@v/master.info": "unknown",
        "cache/download/github.com/a/b/@v/v3.0.0.mod": "mismatch",
        "cache/download/github.com/a/b/@v/zip": "unknown",
    }
    for name in strays:
        _touch(tmp_path / name)
    _touch(download / "github.com/a/b/@v/list")
    _touch(tmp_path / "cache" / "lock")
    for folder in ("sumdb/sum.golang.org", "../vcs/0123"):
        (download / folder).mkdir(parents=True)
    found = take_inventory(str(tmp_path))
    assert _strays(found) == strays
    assert [listed.module for listed in found.lists] == ["github.com/a/b"]
    assert found.modules == {}
    assert found.sumdb == str(download / "sumdb")
    assert found.vcs == str(tmp_path / "cache" / "vcs")


def test_links_to_folders_are_walked_once(tmp_path: Path) -> None:
    """A part of a cache may lie on another disk; a loop must not."""
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / "a" / "b@v1.0.0").mkdir(parents=True)
    root = tmp_path / "mod"
    root.mkdir()
    (root / "github.com").symlink_to(elsewhere)
    (elsewhere / "loop").symlink_to(root)
    (elsewhere / "dangling").symlink_to(root / "nowhere")
    found = take_inventory(str(root))
    assert list(found.modules) == [("github.com/a/b", "v1.0.0")]
    assert set(_strays(found)) == {"github.com/loop", "github.com/dangling"}


def test_a_link_that_is_replaced_while_it_is_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Others may be at work in the cache: a link that has gone leads nowhere."""
    root, elsewhere = tmp_path / "mod", tmp_path / "elsewhere"
    (elsewhere / "a" / "b@v1.0.0").mkdir(parents=True)
    root.mkdir()
    link = root / "github.com"
    real_path = os.path.realpath

    def replaced(path: str) -> str:
        if os.path.basename(path) != link.name:
            return real_path(path)
        link.unlink()
        raise errors.pop()

    monkeypatch.setattr(os.path, "realpath", replaced)
    errors = [FileNotFoundError(errno.ENOENT, "gone"), OSError(errno.EINVAL, "no link")]
    while errors:
        link.symlink_to(elsewhere)
        found = take_inventory(str(root))
        assert (len(found.modules), found.unreadable) == (0, [])


def test_files_of_a_version_are_seen_again(tmp_path: Path) -> None:
    path = modulefiles.file_path(str(tmp_path), "github.com/A/b", "v1.0.0", "zip")
    _touch(Path(path)).write_bytes(b"12345")
    again = modulefiles.look_again(str(tmp_path), "github.com/A/b", "v1.0.0")
    assert (again.files, again.zip_bytes, again.tree) == ({"zip": path}, 5, None)
