"""``fastverify check`` on build caches, and on both kinds at once."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from tests.cli.conftest import Fastverify
from tests.cli.running import only_line
from tests.gocache.making import MadeCache
from tests.making.modules import ModuleCache


@pytest.fixture
def build_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MadeCache:
    monkeypatch.setattr("fastverify.gocache.live.YOUNG", 0.001)
    return MadeCache(tmp_path / "go-build")


def test_a_whole_build_cache(fastverify: Fastverify, build_cache: MadeCache, engine: str) -> None:
    status, out, err = fastverify("check", build_cache.root, "--engine", engine)
    assert (status, err) == (0, "")
    assert f"build cache   {build_cache.root}\n" in out
    assert "read          3 entries, 3 outputs, 18 bytes\n" in out
    assert "outputs       3 verified by their names and entries\n" in out
    assert out.splitlines()[-1] == "All 3 build outputs are verified."


def test_a_damaged_output_is_named(fastverify: Fastverify, build_cache: MadeCache, engine: str) -> None:
    damaged = build_cache.outputs[1]
    damaged.write_bytes(b"next 1")
    status, out, err = fastverify("check", build_cache.root, "--engine", engine)
    assert (status, err) == (1, "")
    assert out.startswith("The build cache\n  error: modified output: ")
    assert f"\n    {damaged}\n" in out
    assert f"sha256:{hashlib.sha256(b'next 1').hexdigest()}" in out
    assert "\n    go:   the go command looks at its size only" in out
    assert "\n    hint: delete the entry" in out
    assert out.splitlines()[-1] == "Found 1 error in 1 of 3 build outputs."


def test_both_caches_are_the_default(
    fastverify: Fastverify, cache: ModuleCache, build_cache: MadeCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOMODCACHE", str(cache.root))
    monkeypatch.setenv("GOCACHE", str(build_cache.root))
    for arguments in ([], ["check"]):
        status, out, _ = fastverify(*arguments)
        assert status == 0
        assert f"module cache  {cache.root}\nbuild cache   {build_cache.root}\n" in out
        assert out.splitlines()[-1] == "All 3 modules and 3 build outputs are verified."
    build_cache.outputs[0].write_bytes(b"next 0")
    status, out, _ = fastverify()
    assert status == 1
    assert out.splitlines()[-1] == "Found 1 error in 1 of 3 build outputs."
    status, _, err = fastverify("-o", build_cache.root / "report")
    assert status == 2
    assert "inside the cache" in only_line(err)


def test_one_cache_is_enough(
    fastverify: Fastverify, cache: ModuleCache, build_cache: MadeCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    nowhere = build_cache.root.parent / "nowhere"
    monkeypatch.setenv("GOMODCACHE", str(nowhere))
    monkeypatch.setenv("GOCACHE", str(build_cache.root))
    status, out, _ = fastverify()
    assert status == 0
    assert f"not checked   no module cache: {nowhere} does not exist" in out
    assert out.splitlines()[-1] == "All 3 build outputs are verified."
    monkeypatch.setenv("GOMODCACHE", str(cache.root))
    monkeypatch.setenv("GOCACHE", str(nowhere))
    status, out, _ = fastverify()
    assert status == 0
    assert f"not checked   no build cache: {nowhere} does not exist" in out
    monkeypatch.setenv("GOMODCACHE", str(nowhere))
    status, _, err = fastverify()
    assert status == 2
    assert str(nowhere) in only_line(err)


def test_what_is_called_a_build_cache_and_is_none(
    fastverify: Fastverify, cache: ModuleCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOMODCACHE", str(cache.root))
    monkeypatch.setenv("GOCACHE", str(cache.root))
    status, out, _ = fastverify()
    assert status == 0
    assert "is no build cache: it has not the folders 00 to ff" in out


def test_both_kinds_in_one_report(
    fastverify: Fastverify, cache: ModuleCache, build_cache: MadeCache, engine: str
) -> None:
    build_cache.outputs[2].write_bytes(b"")
    (build_cache.root / "00" / "stray\x1b[2J").write_bytes(b"")
    status, out, _ = fastverify("check", build_cache.root, cache.root, "--format", "json", "--engine", engine)
    assert status == 0
    report = json.loads(out)
    assert report["caches"] == [
        {"kind": "modcache", "path": str(cache.root)},
        {"kind": "gocache", "path": str(build_cache.root)},
    ]
    assert report["complete"] is True
    counts = report["counts"]
    assert (counts["modules"], counts["verified"], counts["outputs"], counts["entries"]) == (3, 3, 3, 3)
    assert {(one["cache"], one["verdict"], one["severity"]) for one in report["findings"]} == {
        ("gocache", "modified", "note"),
        ("gocache", "warning", "note"),
    }


def test_notes_are_listed_when_asked_for(fastverify: Fastverify, build_cache: MadeCache) -> None:
    stray = build_cache.root / "00" / "stray\x1b[2J"
    stray.write_bytes(b"")
    status, out, _ = fastverify("check", build_cache.root, "--verbose")
    assert status == 0
    assert "  note: layout: the go command never makes a name like this here\n" in out
    assert r"stray\x1b[2J" in out
    assert fastverify("check", build_cache.root, "--fail-on", "note").status == 1


def test_a_build_cache_of_nothing(fastverify: Fastverify, tmp_path: Path) -> None:
    for number in range(256):
        (tmp_path / f"{number:02x}").mkdir()
    status, out, _ = fastverify("check", tmp_path)
    assert status == 0
    assert out.splitlines()[-1] == "There is no output in it, so nothing to verify."
