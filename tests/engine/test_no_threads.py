"""A system that gives a process no thread."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from fastverify.exhaustion import NO_THREAD
from tests.cli.running import run_words
from tests.conftest import engine_or_skip

#: As a user without root's rights, who has one process more than that may.
_PROGRAM = """
import os, resource, sys, time
from fastverify.engine import load_engine, native_build
from fastverify.errors import EngineError

engine, path = load_engine("native"), sys.argv[1]
if os.geteuid() == 0:
    os.setuid(65534)
resource.setrlimit(resource.RLIMIT_NPROC, (1, 1))
for start in (
    lambda: engine.measure([], threads=2),
    lambda: engine.hash_zip(path, threads=2),
    lambda: engine.hash_dir(path, b"m@v1", threads=2),
    lambda: engine.hash_files([(b"a", path)], threads=2),
    lambda: engine.measure_build_cache(path, now_ns=time.time_ns(), threads=2),
):
    try:
        start()
    except EngineError as error:
        print(error)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the limit counts threads there")
def test_it_is_said_what_to_do(tmp_path: Path) -> None:
    engine_or_skip("native")
    done = run_words([sys.executable, "-c", _PROGRAM, str(tmp_path)])
    assert (done.stdout.splitlines(), done.stderr) == ([NO_THREAD] * 5, "")
