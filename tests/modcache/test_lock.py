"""Asking Go's lock files."""

from __future__ import annotations

import fcntl
from pathlib import Path

import pytest

from fastverify.modcache import lock


def test_lock_that_nobody_has(tmp_path: Path) -> None:
    path = tmp_path / "v1.0.0.lock"
    path.touch()
    with lock.shared(str(path)) as state, lock.shared(str(path)) as again:
        assert (state, again) == ("held", "held")


@pytest.mark.parametrize("end", [False, True])
def test_lock_that_a_go_command_has(tmp_path: Path, end: bool) -> None:
    path = tmp_path / "v1.0.0.lock"
    with path.open("w") as writer:
        fcntl.flock(writer, fcntl.LOCK_EX)
        if end:
            fcntl.flock(writer, fcntl.LOCK_UN)
        with lock.shared(str(path)) as state:
            assert state == ("held" if end else "busy")


def test_lock_is_given_back(tmp_path: Path) -> None:
    path = tmp_path / "v1.0.0.lock"
    path.touch()
    with lock.shared(str(path)):
        pass
    with path.open("w") as writer:
        fcntl.flock(writer, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_lock_is_never_made(tmp_path: Path) -> None:
    path = tmp_path / "v1.0.0.lock"
    with lock.shared(str(path)) as state:
        assert state == "absent"
    assert not path.exists()
