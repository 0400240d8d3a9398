"""How fast a project's side is: its build list, its go.sum, and proofs of the checksum database."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from fastverify.engine.protocol import EngineName
from fastverify.modcache import gosum
from fastverify.modcache.buildlist import build_list
from fastverify.modcache.project import find_project
from tests.conftest import engine_or_skip
from tests.making.go import Oracle, build_oracle
from tests.making.graphs import MAIN, GoMod, World
from tests.making.sumlog import Client, SumLog
from tests.sumdb.logs import Cached
from tests.sumdb.opening import open_cached

RECORDS = 10_000
LINES = 200_000
MODULES = 850


@pytest.fixture(scope="session")
def records(tmp_path_factory: pytest.TempPathFactory) -> Cached:
    """What Go's client keeps of a log whose records it has all asked for."""
    folder = tmp_path_factory.mktemp("records")
    (folder / "sums").write_text("")
    log = SumLog(build_oracle(folder, "./sumlog"), folder / "sums", decoys=RECORDS)
    oracle = Oracle(build_oracle(folder))
    cached = Cached(folder / "modcache", folder / "gopath", log.verifier)
    client = Client(oracle, log.verifier, cached.modcache, cached.gopath)
    for number in range(RECORDS):
        _, error = client.lookup(f"decoy.example/m{number}", "v1.0.0", log.url)
        assert not error, error
    oracle.close()
    log.close()
    return cached


@pytest.mark.benchmark(group="proving 10,000 records of the checksum database")
@pytest.mark.parametrize("engine", ["native", "pure"])
def test_proofs(benchmark: BenchmarkFixture, engine: EngineName, records: Cached) -> None:
    engine_or_skip(engine)
    database = benchmark(open_cached, records, engine)
    assert sum(proof.status == "proved" for proof in database.proofs.values()) == RECORDS


@pytest.mark.benchmark(group="reading a go.sum of 200,000 lines")
def test_go_sum(benchmark: BenchmarkFixture) -> None:
    h1 = "h1:" + "A" * 43 + "="
    lines = (f"example.com/m{n // 2} v1.{n % 97}.0{'/go.mod' if n % 2 else ''} {h1}\n" for n in range(LINES))
    content = "".join(lines).encode()
    file = benchmark(gosum.parse, "go.sum", content)
    assert len(file.lines) == LINES


@pytest.mark.benchmark(group="the build list of a program with 850 modules")
def test_build_list(benchmark: BenchmarkFixture, tmp_path: Path) -> None:
    """Each module requires two dozen others, at versions of their own; all are pruned and all count."""
    chance = random.Random(5)
    paths = [f"example.com/owner{n % 90}/module{n}" for n in range(MODULES)]
    published = {}
    for path in paths:
        for minor in range(2):
            required = sorted(chance.sample(paths, 24))
            published[path, f"v1.{minor}.0"] = GoMod(
                path, "1.20", require=tuple((other, f"v1.{chance.randrange(2)}.0") for other in required)
            )
    main = GoMod(MAIN, "1.20", require=tuple((path, "v1.1.0") for path in paths))
    world = World(published, (main,))
    world.publish(tmp_path / "modcache")
    start = world.write_project(tmp_path / "project")

    def listed() -> int:
        project = find_project(os.fspath(start), {"GOWORK": "off"})
        return len(build_list(project, os.fspath(tmp_path / "modcache")).modules)

    assert benchmark(listed) == 1 + MODULES
