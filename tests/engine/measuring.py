"""Measures one thing at a time, for the tests of the engines."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from fastverify.engine.protocol import (
    Engine,
    ModuleMeasurement,
    ModuleTask,
    TreeMeasurement,
    ZipMeasurement,
)
from tests.making.zips import STORED, Archive, Entry

PREFIX = b"example.com/m@v1.0.0/"


def task(
    key: int = 0,
    *,
    zip: Path | None = None,  # noqa: A002 - the record's own name
    tree: Path | None = None,
    mod: Path | None = None,
    info: Path | None = None,
    ziphash: Path | None = None,
    prefix: bytes = PREFIX,
    toolchain: bool = False,
    weight: int = 0,
) -> ModuleTask:
    def named(path: Path | None) -> str | None:
        return None if path is None else os.fspath(path)

    return ModuleTask(
        key,
        prefix,
        zip=named(zip),
        tree=named(tree),
        mod=named(mod),
        info=named(info),
        ziphash=named(ziphash),
        toolchain=toolchain,
        weight=weight,
    )


def measure(engine: Engine, one: ModuleTask, threads: int = 1) -> ModuleMeasurement:
    (measured,) = engine.measure([one], threads=threads)
    return measured


def measure_zip(engine: Engine, folder: Path, content: bytes, prefix: bytes = PREFIX) -> ZipMeasurement:
    path = folder / "v1.0.0.zip"
    path.write_bytes(content)
    measured = measure(engine, task(zip=path, prefix=prefix)).zip
    assert measured is not None
    return measured


def measure_tree(engine: Engine, root: Path) -> TreeMeasurement:
    measured = measure(engine, task(tree=root)).tree
    assert measured is not None
    return measured


def plant(root: Path, files: dict[str, bytes], mode: int = 0o444) -> Path:
    """Files below `root`, as Go extracts them."""
    root.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        path.chmod(mode)
    return root


def stored_modules(folder: Path, count: int, *, megabytes: int) -> list[ModuleTask]:
    """Zips in `folder` to be measured: two of so many MiB, the others of two."""
    content = bytes(1 << 20)
    made = []
    for number in range(count):
        path = folder / f"{number}.zip"
        names = range(megabytes if number < 2 else 2)
        path.write_bytes(
            Archive([Entry(PREFIX + b"%d" % name, content, STORED) for name in names]).to_bytes()
        )
        made.append(task(number, zip=path, weight=path.stat().st_size))
    return made


def all_ended(processes: list[subprocess.Popen[bytes]]) -> bool:
    """Whether each of them has ended, and somebody has waited for it."""
    return all(process.returncode is not None for process in processes)
