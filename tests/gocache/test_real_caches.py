"""Caches that the go command has just made in every way it makes them: no false alarm on any."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from fastverify.engine.protocol import Engine
from tests.gocache.checking import report_of
from tests.gocache.making import World

pytestmark = pytest.mark.go


def test_no_false_alarm(rich: World, engine: Engine) -> None:
    report = report_of(rich.cache, engine)
    assert [(finding.severity, finding.message, finding.path) for finding in report.findings] == []
    outputs = list(rich.cache.glob("??/*-d"))
    assert report.counts.outputs == len(outputs) > 200
    assert report.counts.entries == len(list(rich.cache.glob("??/*-a"))) > 200
    assert report.counts.outputs_damaged == report.counts.outputs_unreadable == 0
    assert any(path.is_dir() for path in outputs)


def test_nothing_is_written(rich: World, engine: Engine) -> None:
    """Neither content nor times change, but for the times of reading, which the system keeps."""

    def state() -> dict[str, tuple[int, ...]]:
        found: dict[str, tuple[int, ...]] = {}
        for path in [rich.cache, *rich.cache.rglob("*")]:
            status = path.lstat()
            found[str(path)] = (status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
        return found

    before = state()
    report_of(rich.cache, engine)
    assert state() == before


def test_every_kind_of_file_flipped(rich: World, tmp_path: Path, engine: Engine) -> None:
    """One bit of the first and the last byte of one output of each kind: each is told, and nothing else."""
    cache = tmp_path / "cache"
    shutil.copytree(rich.cache, cache, symlinks=True)
    chosen: dict[bytes, Path] = {}
    for path in sorted(cache.glob("??/*-d")):
        file = next(path.iterdir()) if path.is_dir() else path
        head = file.read_bytes()[:6]
        if head:
            chosen.setdefault(head, file)
    assert len(chosen) > 8
    for number, file in enumerate(chosen.values()):
        content = bytearray(file.read_bytes())
        content[0 if number % 2 else -1] ^= 0x80
        file.write_bytes(content)
        status = file.stat()
        os.utime(file, (status.st_atime, status.st_mtime - 100))
    report = report_of(cache, engine)
    told = {finding.output for finding in report.findings if finding.severity == "error"}
    wrong = {next(part for part in file.parts if part.endswith("-d"))[:64] for file in chosen.values()}
    assert told == wrong
