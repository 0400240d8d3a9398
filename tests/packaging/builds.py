"""Runs the frontends that users build and install with, on this checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

#: Long enough for a first Rust build on a slow machine.
BUILD_SECONDS = 900


def environment(**changes: str) -> dict[str, str]:
    """The environment of the tests, less what would let this checkout in by a side door, with `changes`."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name
        not in {"FASTVERIFY_PURE", "FASTVERIFY_ENGINE", "PYTHONPATH", "SOURCE_DATE_EPOCH", "VIRTUAL_ENV"}
    }
    # Crates are compiled once for all builds, those from an unpacked sdist among them.
    kept["CARGO_TARGET_DIR"] = str(ROOT / "target")
    # A build without isolation looks for the program maturin on the PATH.
    kept["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{kept['PATH']}"
    return {**kept, **changes}


def run(
    command: list[str | Path],
    *,
    env: Mapping[str, str],
    cwd: Path | None = None,
    seconds: float = BUILD_SECONDS,
) -> subprocess.CompletedProcess[str]:
    """Run `command`, keeping what it prints (both streams as one); it may fail."""
    return subprocess.run(
        command,
        cwd=cwd,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
        timeout=seconds,
        check=False,
    )


def succeed(command: list[str | Path], *, env: Mapping[str, str], cwd: Path | None = None) -> str:
    """Run `command`, which must succeed; return what it printed."""
    done = run(command, env=env, cwd=cwd)
    assert done.returncode == 0, f"{command} ended with {done.returncode}:\n{done.stdout}"
    return done.stdout


def pip_wheel(source: Path, folder: Path, env: Mapping[str, str]) -> Path:
    """``pip wheel`` of `source` (a checkout, or an sdist) into `folder`: the one wheel that it makes.

    Without isolation, so that the maturin of the development environment is used.
    """
    succeed(
        [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "-w", folder, source],
        env=env,
    )
    (wheel,) = folder.glob("*.whl")
    return wheel


class CleanVenv:
    """A virtual environment of its own, with nothing in it but pip."""

    def __init__(self, folder: Path) -> None:
        venv.create(folder, with_pip=True)
        self._scripts = folder / ("Scripts" if os.name == "nt" else "bin")
        self._elsewhere = folder / "elsewhere"
        self._elsewhere.mkdir()
        self._environment = environment()

    def install(self, *arguments: str | Path, **changes: str) -> None:
        """``pip install`` with `arguments`; what fastverify depends on comes from the package index."""
        command = [self._scripts / "python", "-m", "pip", "install", *arguments]
        succeed(list(command), env={**self._environment, **changes})

    def python(self, code: str) -> str:
        """Run `code` in it, from a folder that is not the checkout."""
        command: list[str | Path] = [self._scripts / "python", "-c", code]
        return succeed(command, env=self._environment, cwd=self._elsewhere).strip()

    def fastverify(self, *arguments: str) -> str:
        """Run the installed command from a folder that is not the checkout."""
        command: list[str | Path] = [self._scripts / "fastverify", *arguments]
        return succeed(command, env=self._environment, cwd=self._elsewhere)
