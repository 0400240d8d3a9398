"""How fast each engine hashes zips, trees and single files (``make bench``)."""

from __future__ import annotations

import random
import zipfile
from pathlib import Path
from typing import NamedTuple

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from fastverify import EngineError, hash_dir, hash_files, hash_go_mod, hash_zip
from fastverify.engine import load_engine
from fastverify.engine.protocol import EngineName


class Shape(NamedTuple):
    """How many files a module has, and how large each is."""

    files: int
    size: int


#: One of each kind that real caches are made of.
SHAPES = {
    "typical": Shape(files=150, size=9_000),
    "many small": Shape(files=5_000, size=700),
    "one huge": Shape(files=1, size=48_000_000),
}
MODULE_VERSION = "example.com/benched@v1.0.0"
WORDS = (
    "func",
    "return",
    "if",
    "err",
    "nil",
    "package",
    "struct",
    "string",
    "error",
    "range",
    ":=",
    "!=",
    "{",
    "}",
)


class Module(NamedTuple):
    """A module's zip, and the tree that was extracted from it."""

    zip: Path
    tree: Path


def source_text(size: int, seed: int) -> bytes:
    """Text that deflate compresses about as well as Go source."""
    words = random.Random(seed)
    text = " ".join(
        words.choice(WORDS) + str(words.randrange(500)) for _ in range(min(size, 100_000) // 6 + 1)
    )
    return (text.encode() * (size // len(text) + 1))[:size]


@pytest.fixture(scope="session", params=SHAPES)
def module(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Module:
    shape = SHAPES[request.param]
    made = Module(tmp_path_factory.mktemp("zip") / "module.zip", tmp_path_factory.mktemp("tree"))
    with zipfile.ZipFile(made.zip, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(shape.files):
            name = f"folder{number % 40}/file{number}.go"
            content = source_text(shape.size, number)
            archive.writestr(f"{MODULE_VERSION}/{name}", content)
            path = made.tree / name
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(content)
    return made


@pytest.fixture(scope="session", params=["native", "pure"])
def engine(request: pytest.FixtureRequest) -> EngineName:
    name: EngineName = request.param
    try:
        load_engine(name)
    except EngineError as error:
        pytest.skip(str(error))
    return name


@pytest.mark.benchmark(group="zip")
def test_hash_zip(benchmark: BenchmarkFixture, module: Module, engine: EngineName) -> None:
    h1 = benchmark(hash_zip, module.zip, engine=engine)
    assert h1 == hash_dir(module.tree, MODULE_VERSION, engine=engine)


@pytest.mark.benchmark(group="tree")
def test_hash_dir(benchmark: BenchmarkFixture, module: Module, engine: EngineName) -> None:
    h1 = benchmark(hash_dir, module.tree, MODULE_VERSION, engine=engine)
    assert h1 == hash_zip(module.zip, engine=engine)


@pytest.mark.benchmark(group="files")
def test_hash_files(benchmark: BenchmarkFixture, module: Module, engine: EngineName) -> None:
    files = [
        (f"{MODULE_VERSION}/{path.relative_to(module.tree).as_posix()}", path)
        for path in module.tree.rglob("*")
        if path.is_file()
    ]
    h1 = benchmark(hash_files, files, engine=engine)
    assert h1 == hash_zip(module.zip, engine=engine)


@pytest.mark.benchmark(group="go.mod")
def test_hash_go_mod(benchmark: BenchmarkFixture, engine: EngineName, tmp_path: Path) -> None:
    go_mod = tmp_path / "go.mod"
    go_mod.write_bytes(source_text(4_000, 0))
    h1 = benchmark(hash_go_mod, go_mod, engine=engine)
    assert h1 == hash_files([("go.mod", go_mod)], engine=engine)
