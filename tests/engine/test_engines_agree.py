"""Both engines answer every input, good or hostile, with equal records."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fastverify.engine.protocol import Engine, MeasurementError
from tests.engine.measuring import measure, task
from tests.making.hostile import PREFIX, contents, zip_bytes
from tests.making.zips import zip_of

often = settings(
    max_examples=300,
    deadline=None,
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
    ],
)
Engines = tuple[Engine, Engine]


def hashed(engine: Engine, path: Path) -> object:
    try:
        return engine.hash_zip(os.fspath(path), threads=1)
    except MeasurementError as error:
        return error.fault, error.path


def agree(
    engines: Engines,
    *,
    zip: Path | None = None,  # noqa: A002 - the record's own name
    tree: Path | None = None,
    toolchain: bool = False,
) -> None:
    native, pure = (
        measure(engine, task(prefix=PREFIX, zip=zip, tree=tree, toolchain=toolchain)) for engine in engines
    )
    assert native == pure


@often
@given(content=zip_bytes())
def test_zips(both_engines: Engines, content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "v.zip")
        path.write_bytes(content)
        agree(both_engines, zip=path)
        native, pure = (hashed(engine, path) for engine in both_engines)
        assert native == pure


SEED = zip_of(
    [
        (PREFIX + b"go.mod", b"module example.com/Hostile\n"),
        (PREFIX + b"a.go", b"package a\n" * 30),
        (PREFIX + b"b/", b""),
        (PREFIX + b"b/c", os.urandom(300)),
    ]
)


@often
@given(
    changes=st.lists(st.tuples(st.integers(0, len(SEED) - 1), st.integers(1, 255)), min_size=1, max_size=3)
)
def test_flipped_bits(both_engines: Engines, changes: list[tuple[int, int]]) -> None:
    content = bytearray(SEED)
    for at, mask in changes:
        content[at] ^= mask
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "v.zip")
        path.write_bytes(content)
        agree(both_engines, zip=path)


NAMES = st.lists(
    st.sampled_from(["a", "b", "c.go", "go.mod", "_go.mod", "new\nline", "\udcff", "x" * 200]),
    min_size=1,
    max_size=3,
).map("/".join)
TARGETS = st.sampled_from(
    [
        "a",
        "b",
        "c.go",
        ".",
        "..",
        "../tree/a",
        "a/b",
        "../../etc",
        "/dev/zero",
        "b/../a",
        "nowhere",
        "a/",
        "//",
    ]
)
THINGS = st.one_of(
    st.tuples(st.just("file"), contents(), st.sampled_from([0o444, 0o644, 0o555, 0o4444, 0])),
    st.tuples(st.just("link"), TARGETS, st.just(0)),
    st.tuples(st.just("fifo"), st.just(b""), st.just(0o444)),
    st.tuples(st.just("directory"), st.just(b""), st.just(0o755)),
)


def plant(root: Path, things: dict[str, tuple[str, str | bytes, int]]) -> None:
    root.mkdir()
    for name, (kind, content, mode) in things.items():
        path = root / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if os.path.lexists(path) or path.parent.resolve() != Path(os.path.abspath(path.parent)):
                continue
        except OSError:
            continue  # what should be a folder is a file by now
        if kind == "file":
            assert isinstance(content, bytes)
            path.write_bytes(content)
            path.chmod(mode)
        elif kind == "link":
            path.symlink_to(os.fsdecode(content))
        elif kind == "fifo":
            os.mkfifo(path, mode)
        else:
            path.mkdir()


@often
@given(
    things=st.dictionaries(NAMES, THINGS, max_size=7),
    zipped=st.dictionaries(NAMES, contents(), max_size=3),
    toolchain=st.booleans(),
    broken=st.booleans(),
)
def test_trees(
    both_engines: Engines,
    things: dict[str, tuple[str, str | bytes, int]],
    zipped: dict[str, bytes],
    toolchain: bool,
    broken: bool,
) -> None:
    folder = Path(tempfile.mkdtemp())
    try:
        plant(folder / "tree", things)
        files = dict(zipped)
        for name, (kind, content, _) in things.items():
            if kind == "file" and isinstance(content, bytes):
                files.setdefault(name, content)
        content = zip_of([(PREFIX + os.fsencode(name), content) for name, content in files.items()])
        path = folder / "v.zip"
        path.write_bytes(content[:-1] if broken else content)
        agree(both_engines, zip=path, tree=folder / "tree", toolchain=toolchain)
        agree(both_engines, tree=folder / "tree", toolchain=toolchain)
    finally:
        shutil.rmtree(folder)


@often
@given(content=zip_bytes(), things=st.dictionaries(NAMES, THINGS, max_size=4))
def test_any_zip_with_any_tree(
    both_engines: Engines, content: bytes, things: dict[str, tuple[str, str | bytes, int]]
) -> None:
    folder = Path(tempfile.mkdtemp())
    try:
        plant(folder / "tree", things)
        (folder / "v.zip").write_bytes(content)
        agree(both_engines, zip=folder / "v.zip", tree=folder / "tree")
    finally:
        shutil.rmtree(folder)
