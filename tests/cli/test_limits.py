"""How many files the program may have open: raised for itself, and for nobody else."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Fastverify
from tests.cli.running import command, run_words
from tests.making.descriptors import descriptors
from tests.making.modules import ModuleCache

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there is no such limit")

#: What a shell does before it becomes the program.
SOFT, HARD = "ulimit -S -n 64", "ulimit -S -n 64 && ulimit -H -n 200"
#: The program, which says what its limit is when it ends.
PROGRAM = """
import resource, sys
from fastverify.cli import main
status = main()
print(*resource.getrlimit(resource.RLIMIT_NOFILE))
sys.exit(status)
"""


def shell(before: str, *words: str, **changes: str) -> subprocess.CompletedProcess[str]:
    return run_words(["/bin/sh", "-c", f'{before} && exec "$@"', "sh", *words], **changes)


def test_the_soft_limit_is_raised_as_far_as_it_may_be(cache: ModuleCache) -> None:
    def limits(before: str) -> list[int]:
        ended = shell(before, sys.executable, "-c", PROGRAM, "check", "-q", str(cache.root))
        assert (ended.returncode, ended.stderr) == (0, "")
        return [int(word) for word in ended.stdout.split()]

    soft, hard = limits(SOFT)
    assert soft == min(hard, 10_240)
    assert limits(HARD) == [200, 200]
    # One that suffices stays as it is.
    if hard > 20_000:
        assert limits("ulimit -S -n 20000") == [20_000, hard]


def test_a_host_program_keeps_its_limits(fastverify: Fastverify, cache: ModuleCache) -> None:
    import resource

    with descriptors(64):
        assert fastverify("check", "-q", cache.root) == (0, "", "")
        assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == 64


def test_a_go_command_has_the_limit_that_was_found(tmp_path: Path) -> None:
    go = tmp_path / "bin" / "go"
    go.parent.mkdir()
    go.write_text("#!/bin/sh\nulimit -S -n >&2\nexit 1\n")
    go.chmod(0o755)
    (tmp_path / "cache").mkdir()
    changes = {"PATH": f"{go.parent}:{os.environ['PATH']}", "GOCACHE": str(tmp_path / "cache")}
    ended = shell(SOFT, *command("gocache", "why"), **changes)
    assert ended.returncode == 2
    assert ended.stderr == "fastverify: error: go build -n failed: 64\n"


@pytest.mark.parametrize("threads", ["1", "64"])
@pytest.mark.parametrize("limit", [24, 64])
def test_a_sound_cache_with_few_descriptors(
    cache: ModuleCache, tmp_path: Path, engine: str, threads: str, limit: int
) -> None:
    """The report is written, and the status is the check's."""
    report = tmp_path / "report"
    words = command(
        "check", str(cache.root), "--engine", engine, "--threads", threads, "-q", "-o", str(report)
    )
    ended = shell(f"ulimit -n {limit}", *words)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
    assert report.read_text() == ""


def test_no_descriptors_left_ends_with_one_line(
    fastverify: Fastverify, cache: ModuleCache, engine: str
) -> None:
    assert fastverify("check", "-q", cache.root, "--engine", engine) == (0, "", "")
    with descriptors(64, 0):
        status, out, err = fastverify("check", "-q", cache.root, "--engine", engine)
    assert (status, out) == (2, "")
    assert err.startswith("fastverify: error: ")
    assert err.endswith(
        "this process may have no more files open than 64 at a time; raise that limit (ulimit -n), "
        "or use fewer --threads\n"
    )
    assert err.count("\n") == 1
