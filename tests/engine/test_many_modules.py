"""More modules and threads at a time than there are descriptors for."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from fastverify.engine import many
from fastverify.engine.buildcache import OutputsRead, ToldOutput
from fastverify.engine.protocol import Engine, ModuleMeasurement, ModuleTask
from fastverify.errors import EngineError
from fastverify.exhaustion import describe_exhaustion
from tests.engine.measuring import PREFIX, measure, plant, task
from tests.gocache.making import MadeCache
from tests.making.descriptors import descriptors
from tests.making.zips import zip_of

FILES = {"go.mod": b"module example.com/m\n", "m.go": b"package m\n"}
#: More bytes than the pure engine reads without workers.
MUCH = 1 << 30

unix = pytest.mark.skipif(sys.platform == "win32", reason="there is no such limit")


@pytest.fixture
def module(tmp_path: Path) -> ModuleTask:
    zip_path = tmp_path / "v1.0.0.zip"
    zip_path.write_bytes(zip_of([(PREFIX + name.encode(), content) for name, content in FILES.items()]))
    return task(zip=zip_path, tree=plant(tmp_path / "tree", FILES), weight=MUCH)


def measured_alone(engine: Engine, module: ModuleTask) -> ModuleMeasurement:
    sound = measure(engine, module)
    assert sound.zip is not None
    assert sound.zip.h1 is not None
    return sound


@unix
@pytest.mark.parametrize("threads", [1, 3, 32])
@pytest.mark.parametrize("limit", [64, 256])
def test_many_small_modules_with_few_descriptors(
    engine: Engine, module: ModuleTask, threads: int, limit: int
) -> None:
    """The native engine hashes many together; that is no reason to keep all of them open."""
    sound = measured_alone(engine, module)
    tasks = [module._replace(key=key) for key in range(400)]
    found = []
    # Other tests of this process may keep some.
    with descriptors(limit + len(os.listdir("/dev/fd"))):
        for one in engine.measure(tasks, threads=threads):
            # The caller has some, too.
            with ExitStack() as others:
                for _ in range(10):
                    others.enter_context(open(os.devnull, "rb"))
            found.append(one)
    assert sorted(one.key for one in found) == [*range(400)]
    assert {one._replace(key=0) for one in found} == {sound}


@unix
@pytest.mark.parametrize("left", range(4))
def test_no_descriptors_left_is_no_fault_of_a_file(engine: Engine, module: ModuleTask, left: int) -> None:
    sound = measured_alone(engine, module)
    found: list[ModuleMeasurement] = []
    told = ""
    with descriptors(64, left):
        try:
            found += engine.measure([module._replace(weight=1)], threads=2)
        except EngineError as error:
            told = str(error)
    # There may have been enough of them, but not where there was none.
    assert found == ([] if told else [sound])
    if told or left == 0:
        assert "no more files open than 64 at a time; raise that limit" in told
        assert os.path.dirname(module.zip or "") in told


@unix
def test_no_descriptors_left_for_workers(engine: Engine, module: ModuleTask) -> None:
    with descriptors(64, 0), pytest.raises(EngineError, match="no more files open than 64 at a time"):
        [*engine.measure([module._replace(key=key) for key in range(9)], threads=8)]


@unix
def test_no_descriptors_left_for_a_hash(engine: Engine, module: ModuleTask) -> None:
    zip_path, tree = module.zip or "", module.tree or ""
    path = os.path.join(tree, "m.go")
    hashes: list[Callable[[], object]] = [
        lambda: engine.hash_zip(zip_path, threads=2),
        lambda: engine.hash_dir(tree, b"m", threads=2),
        lambda: engine.hash_files([(b"m.go", path)], threads=2),
        lambda: many.digest_files(engine, "sha256", [path], 2, None),
    ]
    for hashed in hashes:
        hashed()
        with descriptors(64, 0), pytest.raises(EngineError, match="no more files open than 64 at a time"):
            hashed()


@unix
@pytest.mark.parametrize("threads", [1, 40])
def test_a_build_cache_with_few_descriptors(engine: Engine, tmp_path: Path, threads: int) -> None:
    cache = MadeCache(tmp_path / "go-build")
    sizes = [len(cache.add(b"%d " % number * 40_000).read_bytes()) for number in range(120)]

    def outputs_read() -> tuple[int, int]:
        answers = [*engine.measure_build_cache(str(cache.root), now_ns=10**18, threads=threads)]
        assert not any(isinstance(answer, ToldOutput) for answer in answers)
        read = [answer for answer in answers if isinstance(answer, OutputsRead)]
        return sum(answer.outputs for answer in read), sum(answer.size for answer in read)

    with descriptors(64):
        outputs, size = outputs_read()
    assert outputs == len(sizes) + len(cache.outputs)
    assert size > sum(sizes)
    with descriptors(64, 0), pytest.raises(EngineError, match="no more files open than 64 at a time"):
        outputs_read()


def test_what_else_can_be_used_up() -> None:
    assert describe_exhaustion(errno.ENOENT, "m.zip") is None
    memory, files = describe_exhaustion(errno.ENOMEM, b"m.zip"), describe_exhaustion(errno.ENFILE)
    assert memory is not None
    assert memory.startswith("m.zip cannot be read: there is no memory left for it; ")
    assert files is not None
    assert files.startswith("the system can have no more files open; ")
