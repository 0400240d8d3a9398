"""A system that gives a process no thread."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

from fastverify.exhaustion import NO_THREAD
from tests.cli.running import ROOT, environment, run_words
from tests.conftest import engine_or_skip
from tests.engine.measuring import stored_modules

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


#: As a user that nothing else runs as, with the threads that are given.
_PAUSING = """
import os, pickle, resource, sys
from contextlib import closing
from fastverify.engine import load_engine

engine, tasks = load_engine("native"), pickle.load(sys.stdin.buffer)
os.setuid(50_000 + os.getpid() % 10_000)
resource.setrlimit(resource.RLIMIT_NPROC, (int(sys.argv[1]) + 1,) * 2)
with closing(engine.measure(tasks, threads=8)) as measurements:
    for measured in measurements:
        measurements.pause()
        with closing(engine.measure([tasks[measured.key]], threads=8)) as again:
            print(measured.key, next(again) == measured)
"""


@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="only root can be such a user")
@pytest.mark.parametrize("threads", [1, 3])
def test_who_measures_during_a_pause_has_the_threads(public_path: Path, threads: int) -> None:
    engine_or_skip("native")
    tasks = stored_modules(public_path, 20, megabytes=2)
    done = subprocess.run(
        [sys.executable, "-c", _PAUSING, str(threads)],
        input=pickle.dumps(tasks),
        env=environment(),
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    said = sorted(done.stdout.decode().splitlines())
    assert (said, done.stderr) == (sorted(f"{number} True" for number in range(20)), b"")


@pytest.mark.skipif(sys.platform != "linux", reason="the limit counts threads there")
def test_it_is_said_what_to_do(tmp_path: Path) -> None:
    engine_or_skip("native")
    done = run_words([sys.executable, "-c", _PROGRAM, str(tmp_path)])
    assert (done.stdout.splitlines(), done.stderr) == ([NO_THREAD] * 5, "")
