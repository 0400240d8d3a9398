"""The same damage through the command line: exit status, text and JSON; and it never hangs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from fastverify.engine.protocol import Engine
from tests.making.modules import rewrite, writable
from tests.making.world import World
from tests.modcache.cases import CASES

#: Far more than any of these checks takes; what blocks on a fifo never ends.
TIMEOUT = 60.0


def fastverify(*arguments: str | Path) -> subprocess.CompletedProcess[bytes]:
    """Run the program as a user does."""
    kept = {name: value for name, value in os.environ.items() if name not in {"NO_COLOR", "FORCE_COLOR"}}
    return subprocess.run(
        [sys.executable, "-m", "fastverify", *(os.fspath(argument) for argument in arguments)],
        check=False,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=TIMEOUT,
        env=kept,
    )


@pytest.mark.parametrize(
    "name",
    [
        "tree: file edited",
        "tree: file renamed",
        "tree: fifo",
        "tree: /dev/zero",
        "zip: fifo",
        "zip: edited, no tree",
        "zip: bad CRC",
        "zip, ziphash and tree: edited alike",
        "mod: edited",
        "info: garbage",
        "go.sum: malformed",
    ],
)
def test_text_and_exit_status(engine: Engine, tmp_path: Path, name: str) -> None:
    case = CASES[name]
    world = case.world(tmp_path)
    case.damage(world)
    expected = case.expected(project=True)
    done = fastverify("check", world.cache.root, "--project", world.project.root, "--engine", engine.name)
    failing = any(each.severity == "error" for each in expected)
    assert done.returncode == (1 if failing else 0), done.stderr
    assert b"Traceback" not in done.stderr
    text = done.stdout.decode()
    for each in expected:
        assert each.module in text
        for path, _ in each.files:
            assert path in text


def test_json(engine: Engine, tmp_path: Path) -> None:
    world = World(tmp_path)
    CASES["tree: several at once"].damage(world)
    arguments = ("--engine", engine.name, "--format", "json")
    done = fastverify("check", world.cache.root, "--project", world.project.root, *arguments)
    assert done.returncode == 1
    report = json.loads(done.stdout)
    assert report["schema"] == "fastverify/1"
    told = world.check(engine.name, project=True).report
    assert report["findings"] == json.loads(json.dumps([finding.to_json() for finding in told.findings]))
    assert report["counts"] == json.loads(json.dumps(told.counts.to_json()))


@pytest.mark.parametrize(("threshold", "status"), [("error", 0), ("warning", 1), ("note", 1)])
def test_fail_on(tmp_path: Path, threshold: str, status: int) -> None:
    world = World(tmp_path)
    CASES["info: garbage"].damage(world)
    assert fastverify("check", world.cache.root, "--fail-on", threshold).returncode == status


HOSTILE = [
    b"new\nline.go",
    b"\x1b[31mred.go",
    b"\xff\xfe.go",
    "\u202egnp.exe".encode(),
    b"\r[ok]",
    b"\x9b2J",
    b"<b>",
]


def test_hostile_names(engine: Engine, tmp_path: Path) -> None:
    world = World(tmp_path)
    tree = os.fsencode(world.places.tree)
    with writable(world.places.tree):
        for name in HOSTILE:
            Path(os.fsdecode(os.path.join(tree, name))).write_bytes(b"x")
    rewrite(world.cache.root / os.fsdecode(b"\x1b]0;stray\x07\n\xff"), b"x")
    done = fastverify("check", world.cache.root, "--engine", engine.name, "--color", "never", "-v")
    assert done.returncode == 1
    for output in (done.stdout, done.stderr):
        text = output.decode()  # what is printed is UTF-8 whatever the names are
        assert not [c for c in text if c != "\n" and (ord(c) < 32 or 127 <= ord(c) < 160 or c == "\u202e")]
        assert "\nline.go" not in text
    done = fastverify("check", world.cache.root, "--engine", engine.name, "--format", "json")
    (finding,) = [each for each in json.loads(done.stdout)["findings"] if each["where"] == "dir"]
    named = {
        bytes.fromhex(f["path_hex"]) if "path_hex" in f else f["path"].encode() for f in finding["files"]
    }
    assert named == set(HOSTILE)
    assert {f["change"] for f in finding["files"]} == {"extra"}
