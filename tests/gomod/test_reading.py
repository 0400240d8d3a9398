"""Reading files that are too large, or no files: which one it is stands in the error."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from fastverify.errors import FastverifyError
from fastverify.gomod.reading import read_file
from fastverify.gomod.syntax import MAX_FILE_BYTES
from fastverify.modcache.project import MAX_SUM_FILE_BYTES, read_sum_file


def large(path: Path, size: int) -> str:
    """A file of `size` bytes that takes no room."""
    with path.open("wb") as stream:
        stream.truncate(size)
    return os.fspath(path)


@pytest.mark.parametrize("name", ["go.mod", "v1.0.0.mod"])
def test_a_go_mod_that_go_would_refuse(tmp_path: Path, name: str) -> None:
    assert len(read_file(large(tmp_path / name, MAX_FILE_BYTES))) == MAX_FILE_BYTES
    with pytest.raises(OSError, match="Over 16 MiB, which no go\\.mod may be"):
        read_file(large(tmp_path / name, MAX_FILE_BYTES + 1))


@pytest.mark.parametrize("name", ["modules.txt", "go.work"])
def test_other_files(tmp_path: Path, name: str) -> None:
    with pytest.raises(OSError, match=f"Over 16 MiB, which is more than is read of {name}"):
        read_file(large(tmp_path / name, MAX_FILE_BYTES + 1))


@pytest.mark.parametrize("name", ["go.sum", "go.work.sum"])
def test_sum_files(tmp_path: Path, name: str) -> None:
    path = large(tmp_path / name, MAX_SUM_FILE_BYTES + 1)
    with pytest.raises(FastverifyError, match=f"{name} cannot be read: Over 256 MiB, .* read of {name}$"):
        read_sum_file(path)
