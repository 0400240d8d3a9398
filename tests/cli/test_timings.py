"""Where the time of a check goes: ``--timings``, by thread and stage, on both engines."""

from __future__ import annotations

import json
import time

import pytest

from fastverify import Report, check_caches, timings
from fastverify.engine.protocol import EngineName
from fastverify.engine.pure import workers
from fastverify.report.model import Timings
from tests.cli.conftest import Fastverify
from tests.making.modules import ModuleCache, rewrite

NATIVE_STAGES = {"wait", "list", "read zip", "inflate", "read file", "compare", "hash", "answer"}


def checked(cache: ModuleCache, engine: EngineName, *, threads: int = 2, wanted: bool = True) -> Report:
    """The report on `cache`."""
    with check_caches(cache.root, engine=engine, threads=threads, timings=wanted) as check:
        list(check)
    return check.report


def taken(report: Report) -> Timings:
    assert report.timings is not None
    return report.timings


def test_stages_add_up(cache: ModuleCache, engine: EngineName, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "WORTH_WORKERS", 0)
    begun = time.monotonic()
    found = taken(checked(cache, engine))
    took = time.monotonic() - begun
    names = [thread.name for thread in found.threads]
    # One that has ended before the next is started leaves it its name.
    assert names in (["main", "fastverify-0", "fastverify-1"], ["main", "fastverify-0"])
    at_work = names[1:]
    assert found.seconds <= took
    of = {thread.name: thread.stages for thread in found.threads}
    # The stages of this thread are all of its time; a worker lives no longer.
    assert sum(of["main"].values()) == pytest.approx(found.seconds, abs=0.01)
    assert {"begin", "database", "measure", "judge"} <= of["main"].keys()
    for worker in at_work:
        assert 0 < sum(of[worker].values()) <= found.seconds
        assert of[worker].keys() <= (NATIVE_STAGES if engine == "native" else {"wait", "measure"})
    work = {stage: sum(of[worker].get(stage, 0) for worker in at_work) for stage in NATIVE_STAGES}
    if engine == "native":
        # An entry that is what the tree has is not inflated and compared, but held against it.
        assert all(work[stage] > 0 for stage in NATIVE_STAGES - {"compare"})
    else:
        assert sum(of[worker].get("measure", 0) for worker in at_work) > 0


def test_a_second_look_has_its_own_stage(cache: ModuleCache, engine: EngineName) -> None:
    path = cache.places(cache.modules[0]).tree / "go.mod"
    rewrite(path, path.read_bytes() + b"// edited\n")
    main = taken(checked(cache, engine)).threads[0]
    # What is very young is waited for.
    assert main.stages["look again"] > main.stages["judge"]


def test_each_check_has_its_own(cache: ModuleCache, engine: EngineName) -> None:
    first = taken(checked(cache, engine))
    assert checked(cache, engine, wanted=False).timings is None
    second = taken(checked(cache, engine))
    for found in (first, second):
        workers_time = sum(sum(t.stages.values()) for t in found.threads if t.name != "main")
        assert workers_time <= 2 * found.seconds


def test_a_check_that_is_closed_early_has_them(cache: ModuleCache, engine: EngineName) -> None:
    with check_caches(cache.root, engine=engine, timings=True) as check:
        next(check)
    assert not check.report.complete
    assert taken(check.report).seconds > 0


def test_stop_needs_a_start() -> None:
    with pytest.raises(RuntimeError):
        timings.stop()


def test_stages_within_stages(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    timings.start()
    now += 1
    with timings.stage("outer"):
        now += 10
        with timings.stage("inner"):
            now += 100
        now += 20
    now += 2
    watch = timings.worker("w")
    assert watch is not None
    now += 1000
    watch.lap("work")
    found = timings.stop()
    assert found.seconds == 1133
    assert {thread.name: thread.stages for thread in found.threads} == {
        "main": {"other": 1003, "outer": 30, "inner": 100},
        "w": {"work": 1000},
    }


def test_as_text_and_as_json(fastverify: Fastverify, cache: ModuleCache, engine: str) -> None:
    status, out, _ = fastverify("check", cache.root, "--engine", engine, "--timings", "--threads", "1")
    assert status == 0
    lines = out.splitlines()
    at = next(number for number, line in enumerate(lines) if line.startswith("Time "))
    assert lines[at + 1].split()[0] == "main"
    assert "measure " in lines[at + 1]

    # Who asks for it has it, without all else that is no finding.
    status, out, err = fastverify("check", cache.root, "--engine", engine, "--timings", "--quiet")
    assert (status, err) == (0, "")
    assert out.startswith("Time ")
    assert out.splitlines()[1].split()[0] == "main"

    status, out, _ = fastverify("check", cache.root, "--engine", engine, "--timings", "--format", "json")
    assert status == 0
    found = json.loads(out)["timings"]
    assert found["threads"][0]["name"] == "main"
    for thread in found["threads"]:
        assert sum(thread["stages"].values()) == pytest.approx(thread["seconds"], abs=1e-4)

    status, out, _ = fastverify("check", cache.root, "--engine", engine, "--format", "json")
    assert "timings" not in json.loads(out)
