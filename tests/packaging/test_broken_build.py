"""A Rust build that fails is an error that tells the way on, and never quietly a pure wheel."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tests.packaging.builds import ROOT, environment, run

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the toolchain here is a shell script")


@pytest.fixture
def breaking_cargo(tmp_path: Path) -> str:
    """A PATH with a toolchain that has a version and builds nothing."""
    for program in ("cargo", "rustc"):
        path = tmp_path / program
        path.write_text(
            "#!/bin/sh\n"
            f'[ "$*" = --version ] && echo "{program} 9.0.0 (0123abcd 2026-01-01)" && exit\n'
            "echo 'error: this cargo is broken' >&2\n"
            "exit 101\n"
        )
        path.chmod(0o755)
    return f"{tmp_path}{os.pathsep}{environment()['PATH']}"


def test_it_fails_and_names_the_way_on(breaking_cargo: str, tmp_path: Path) -> None:
    wheels = tmp_path / "wheels"
    done = run(
        [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "-w", wheels, ROOT],
        env=environment(PATH=breaking_cargo),
    )
    assert done.returncode != 0
    assert "this cargo is broken" in done.stdout
    assert "set FASTVERIFY_PURE=1 to install fastverify with its pure-Python engine only" in done.stdout
    assert list(wheels.glob("*")) == []


def test_the_pure_wheel_is_built_beside_a_broken_toolchain(breaking_cargo: str, tmp_path: Path) -> None:
    done = run(
        [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "-w", tmp_path, ROOT],
        env=environment(PATH=breaking_cargo, FASTVERIFY_PURE="1"),
    )
    assert done.returncode == 0, done.stdout
    assert [path.suffix for path in tmp_path.glob("*.whl")] == [".whl"]
