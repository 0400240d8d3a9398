"""The set-up behind ``make``: which Python it takes, and what it says where there is none."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.packaging.builds import ROOT, environment, run

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="make and sh are not there")

SCRIPT = ROOT / "tools" / "make_venv.sh"


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """The only folder on the PATH, empty."""
    folder = tmp_path / "bin"
    folder.mkdir()
    return folder


def put(path: Path, script: str) -> None:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def make_venv(programs: Path, *arguments: str | Path) -> tuple[int, str]:
    done = run(["/bin/sh", SCRIPT, *arguments], env=environment(PATH=str(programs)))
    return done.returncode, done.stdout


def test_no_python_is_one_clear_line(programs: Path, tmp_path: Path) -> None:
    status, said = make_venv(programs, tmp_path / "venv")
    assert status == 1
    assert said == (
        "No Python 3.10 or newer was found on the PATH: "
        "install one, or name it with make PYTHON=/path/to/python3.\n"
    )


def test_a_python_that_is_too_old_is_passed_over(programs: Path, tmp_path: Path) -> None:
    put(programs / "python3", 'case "$2" in *version_info*) exit 1;; esac')
    (programs / "python3.12").symlink_to(sys.executable)
    status, said = make_venv(programs, tmp_path / "a venv")
    assert status == 0, said
    assert (tmp_path / "a venv" / "bin" / "python").exists()


def test_a_python_without_ensurepip_is_named_with_what_to_install(programs: Path, tmp_path: Path) -> None:
    put(programs / "python3", 'case "$2" in *ensurepip*) exit 1;; esac')
    status, said = make_venv(programs, tmp_path / "venv")
    assert status == 1
    assert said.startswith("python3 cannot make virtual environments: install its venv module")
    assert said.count("\n") == 1


def test_the_python_that_is_asked_for_is_the_only_one_tried(programs: Path, tmp_path: Path) -> None:
    (programs / "python3").symlink_to(sys.executable)
    status, said = make_venv(programs, tmp_path / "venv", "/no/such/python")
    assert status == 1
    assert said.startswith("/no/such/python is no Python 3.10 or newer")
    assert not (tmp_path / "venv").exists()
