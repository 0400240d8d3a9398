"""More modules at a time than there are descriptors for."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from fastverify.engine.protocol import Engine
from tests.engine.measuring import PREFIX, measure, plant, task
from tests.making.zips import zip_of

FILES = {"go.mod": b"module example.com/m\n", "m.go": b"package m\n"}


@pytest.mark.skipif(sys.platform == "win32", reason="there is no such limit")
@pytest.mark.parametrize("threads", [1, 3])
def test_many_small_modules_with_few_descriptors(engine: Engine, tmp_path: Path, threads: int) -> None:
    """The native engine hashes many together; that is no reason to keep all of them open."""
    import resource

    zip_path = tmp_path / "v1.0.0.zip"
    zip_path.write_bytes(zip_of([(PREFIX + name.encode(), content) for name, content in FILES.items()]))
    tree = plant(tmp_path / "tree", FILES)
    sound = measure(engine, task(zip=zip_path, tree=tree))
    assert sound.zip is not None
    assert sound.zip.h1 is not None
    tasks = [task(key, zip=zip_path, tree=tree) for key in range(400)]
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    # What a process on macOS has if it asks for no more.
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
    try:
        found = [*engine.measure(tasks, threads=threads)]
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert sorted(one.key for one in found) == [*range(400)]
    assert {one._replace(key=0) for one in found} == {sound}
