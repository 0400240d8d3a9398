"""``fastverify hash``: the h1 of what it is given, told apart by what it is."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.cli.conftest import Fastverify
from tests.cli.running import only_line
from tests.making.modules import ModuleCache


def test_parts_of_a_cache(fastverify: Fastverify, cache: ModuleCache, engine: str) -> None:
    for module in cache.modules:
        places = cache.places(module)
        status, out, err = fastverify("hash", "--engine", engine, places.zip, places.tree, places.mod)
        assert (status, err) == (0, "")
        assert out.splitlines() == [
            f"{module.h1}  {places.zip}",
            f"{module.h1}  {places.tree}",
            f"{module.mod_h1}  {places.mod}",
        ]


def test_a_tree_is_found_in_its_cache_from_anywhere(
    fastverify: Fastverify, cache: ModuleCache, engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = cache.modules[1]
    tree = cache.places(module).tree
    monkeypatch.chdir(tree)
    assert fastverify("hash", "--engine", engine, ".").out == f"{module.h1}  .\n"
    monkeypatch.chdir(tree.parent)
    assert fastverify("hash", "--engine", engine, tree.name).out == f"{module.h1}  {tree.name}\n"


def test_a_copied_tree_needs_its_name(
    fastverify: Fastverify, cache: ModuleCache, engine: str, tmp_path: Path
) -> None:
    module = cache.modules[0]
    copy = tmp_path / "plain@v1.2.3"
    shutil.copytree(cache.places(module).tree, copy)
    status, out, err = fastverify("hash", "--engine", engine, copy)
    assert (status, out) == (1, "")
    assert "--module" in only_line(err)
    assert str(copy) in err
    name = f"{module.path}@{module.version}"
    assert fastverify("hash", "--engine", engine, "--module", name, copy).out == f"{module.h1}  {copy}\n"
    other = fastverify("hash", "--engine", engine, "--module", "example.com/other@v1.0.0", copy)
    assert other.status == 0
    assert module.h1 not in other.out


def test_a_folder_inside_a_tree_is_no_module(fastverify: Fastverify, cache: ModuleCache, engine: str) -> None:
    for folder in (cache.places(cache.modules[0]).tree / "internal", cache.root / "cache", cache.root):
        status, out, err = fastverify("hash", "--engine", engine, folder)
        assert (status, out) == (1, "")
        assert "--module" in only_line(err)


def test_a_zip_by_content_and_by_name(
    fastverify: Fastverify, cache: ModuleCache, engine: str, tmp_path: Path
) -> None:
    module = cache.modules[0]
    content = cache.places(module).zip.read_bytes()
    unnamed, shifted = tmp_path / "archive", tmp_path / "behind-junk.zip"
    unnamed.write_bytes(content)
    shifted.write_bytes(b"junk" + content)
    out = fastverify("hash", "--engine", engine, unnamed, shifted).out
    assert [line.split()[0] for line in out.splitlines()] == [module.h1, module.h1]


def test_a_go_mod_by_its_name(fastverify: Fastverify, engine: str, tmp_path: Path) -> None:
    (tmp_path / "go.mod").write_bytes(b"")
    # The h1 of an empty go.mod, as go.sum files have it.
    expected = "h1:G7mAYYxgmS0lVkHyy2hEOLQCFB0DlQFTMLWggykrydY="
    assert (
        fastverify("hash", "--engine", engine, tmp_path / "go.mod").out == f"{expected}  {tmp_path}/go.mod\n"
    )


def test_one_failure_does_not_hide_the_others(
    fastverify: Fastverify, cache: ModuleCache, engine: str, tmp_path: Path
) -> None:
    module = cache.modules[0]
    broken, text = tmp_path / "broken.zip", tmp_path / "notes.txt"
    broken.write_bytes(b"PK\x03\x04 and no more")
    text.write_text("just text")
    places = cache.places(module)
    paths = [broken, places.zip, tmp_path / "nowhere", text, places.mod]
    status, out, err = fastverify("hash", "--engine", engine, *paths)
    assert status == 1
    assert [line.split("  ")[1] for line in out.splitlines()] == [str(places.zip), str(places.mod)]
    errors = err.splitlines()
    assert len(errors) == 3
    for path, line in zip((broken, tmp_path / "nowhere", text), errors, strict=True):
        assert line.startswith("fastverify: error: ")
        assert str(path) in line


@pytest.mark.skipif(os.name == "nt", reason="fifos are Unix's")
def test_a_fifo_is_refused_at_once(fastverify: Fastverify, engine: str, tmp_path: Path) -> None:
    fifo = tmp_path / "x.zip"
    os.mkfifo(fifo)
    status, out, err = fastverify("hash", "--engine", engine, fifo, os.devnull)
    assert (status, out) == (1, "")
    assert [str(path) in line for path, line in zip((fifo, os.devnull), err.splitlines(), strict=True)] == [
        True,
        True,
    ]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such names")
def test_hostile_names_do_not_act(fastverify: Fastverify, engine: str, tmp_path: Path) -> None:
    folder = tmp_path / "a\x1b[2J\nb"
    folder.mkdir()
    (folder / "go.mod").write_bytes(b"module m\n")
    status, out, err = fastverify("hash", "--engine", engine, folder / "go.mod", folder / "nowhere")
    assert status == 1
    for text in (out, err):
        assert r"a\x1b[2J\nb" in only_line(text)
