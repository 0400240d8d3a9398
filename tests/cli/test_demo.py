"""``fastverify demo``, and the module cache that it makes."""

from __future__ import annotations

import os
import re
import signal
import stat
import subprocess
import tempfile
from pathlib import Path

import pytest

from fastverify.cli import demo, demo_cache
from tests.cli.conftest import Fastverify
from tests.cli.running import ROOT, TIMEOUT, command, environment
from tests.making.modules import Module, ModuleCache


def snapshot(cache: Path) -> dict[str, tuple[int, bytes]]:
    """Mode and content of everything; the bytes of a zip are the writer's own affair."""
    found = {}
    for folder, names, files in os.walk(cache):
        for name in [*names, *files]:
            path = Path(folder, name)
            content = path.read_bytes() if path.is_file() and path.suffix != ".zip" else b""
            found[str(path.relative_to(cache))] = (stat.S_IMODE(path.stat().st_mode), content)
    return found


@pytest.mark.skipif(os.name == "nt", reason="modes as Unix has them")
def test_its_cache_is_like_one_that_go_made(tmp_path: Path) -> None:
    """The tests' own cache is held to the go command's; this one is held to that."""
    files = {
        "go.mod": b"module example.com/Some/Thing\n",
        "a.go": b"package a\n",
        "b/c/d.go": b"package c\n",
        "b/e.go": b"",
        "B.go": b"package a\n",
    }
    made = demo_cache.Module("example.com/Some/Thing", "v1.2.3-rc.1", files)
    other = Module(made.path, made.version, files)
    assert (made.h1(), made.go_mod_h1(), made.go_sum_lines()) == (other.h1, other.mod_h1, other.sums)
    demo_cache.write_cache(str(tmp_path / "made"), [made])
    reference = ModuleCache(tmp_path / "reference")
    reference.add(other)
    ours, theirs = snapshot(tmp_path / "made"), snapshot(reference.root)
    # Beside modules: go takes this lock when it writes a go.sum.
    theirs.pop(os.path.join("cache", "lock"))
    for name in [name for name in ours if name.endswith(".info")]:
        assert b'"Version":"v1.2.3-rc.1"' in ours.pop(name)[1]
        theirs.pop(name)
    assert ours == theirs


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that temporary folders are made in."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def test_every_damage_is_found_and_nothing_is_left(
    fastverify: Fastverify, temporary: Path, engine: str
) -> None:
    status, out, err = fastverify("demo", "--engine", engine)
    assert (status, err) == (0, "")
    whole, *damages = re.split(r"^\d\. .*$", out, flags=re.MULTILINE)
    assert "All 7 modules are verified." in whole
    assert "error" not in whole
    kinds = [re.findall(r"error: (\w+ \w+):", text) for text in damages]
    assert kinds == [
        ["modified dir"],
        ["modified dir"],
        ["modified dir"],
        ["malformed zip"],
        ["modified gosum"],
        ["malformed ziphash"],
    ]
    rows = [re.findall(r"^ +(modified|missing|extra) +(\S+)", text, re.MULTILINE) for text in damages[:3]]
    assert rows == [
        [("modified", "greet.go")],
        [("missing", "LICENSE")],
        [("extra", "internal/deep/extra.go")],
    ]
    assert out.splitlines()[-1] == "Found 6 errors in 6 of 7 modules."
    assert list(temporary.iterdir()) == []


def test_the_cache_is_kept_when_asked(fastverify: Fastverify, temporary: Path) -> None:
    status, out, _ = fastverify("demo", "--keep")
    [folder] = temporary.iterdir()
    assert status == 0
    *_, last = out.splitlines()
    words = last.split()
    assert words[:3] == ["fastverify", "check", "--project"]
    again = fastverify(*words[1:])
    assert again.status == 1
    assert again.out.splitlines()[-1] == "Found 6 errors in 6 of 7 modules."
    demo_cache.make_writable(str(folder))


def test_a_damage_that_is_not_found_is_a_failure(
    fastverify: Fastverify, temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    damages = demo._damages

    def harmless(modules: tuple[demo_cache.Module, ...]) -> list[demo._Damage]:
        return [demo._Damage("Nothing at all", lambda *_: None, modules[-1]), *damages(modules)]

    monkeypatch.setattr(demo, "_damages", harmless)
    status, out, _ = fastverify("demo")
    assert status == 1
    assert "not found: " in out
    assert list(temporary.iterdir()) == []


@pytest.mark.skipif(os.name == "nt", reason="signals as Unix has them")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_nothing_is_left_after_an_interruption(temporary: Path, number: int) -> None:
    process = subprocess.Popen(
        command("demo", script={}),
        cwd=ROOT,
        env=environment(TMPDIR=str(temporary)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    while process.stdout.readline() != "1. A source file edited in an extracted tree\n":
        assert process.poll() is None
    assert len(list(temporary.iterdir())) == 1
    process.send_signal(number)
    _, err = process.communicate(timeout=TIMEOUT)
    assert process.returncode == {signal.SIGINT: 130, signal.SIGTERM: 143}[signal.Signals(number)]
    assert "Traceback" not in err
    assert list(temporary.iterdir()) == []
