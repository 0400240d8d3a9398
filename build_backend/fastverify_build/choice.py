"""Whether the wheel to be built is a native or a pure one."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import NamedTuple

from fastverify_build.toml import load

#: What builds the native engine.
MATURIN = "maturin>=1.9,<2"

#: The first free-threaded Python for which maturin and PyO3 build.
FREE_THREADED_FROM = (3, 14)

#: A rustup that has to look for its toolchain may take a while; one that hangs is not usable.
TOOLCHAIN_SECONDS = 60


class Choice(NamedTuple):
    """Which wheel is built, and why."""

    native: bool
    #: One line for the one who builds.
    reason: str
    #: Whether the environment demands the native engine.
    insisted: bool = False


def choose(root: Path) -> Choice:
    """Choose by ``FASTVERIFY_PURE`` and by the Rust toolchain that is there.

    ``1`` chooses the pure wheel, ``0`` the native one, and raises RuntimeError where it cannot be
    built.  Unset or empty: native where cargo and rustc run and are not older than the
    ``rust-version`` of the workspace in `root`; otherwise pure.
    """
    wish = os.environ.get("FASTVERIFY_PURE", "")
    if wish not in {"", "0", "1"}:
        raise RuntimeError(f"FASTVERIFY_PURE={wish!r}: it is 1 (pure), 0 (native) or unset")
    if wish == "1":
        return Choice(False, "FASTVERIFY_PURE=1: building the pure-Python wheel, without the native engine")
    hindrance, rust = _look_at_toolchain(root)
    insisted = wish == "0"
    if not hindrance:
        return Choice(True, f"building the native engine with Rust {rust}", insisted)
    if insisted:
        raise RuntimeError(f"FASTVERIFY_PURE=0 asks for the native engine, but {hindrance}")
    return Choice(False, f"{hindrance}: building the pure-Python wheel, without the native engine")


def _look_at_toolchain(root: Path) -> tuple[str, str]:
    """What keeps the toolchain from being used, "" where nothing does; and rustc's version."""
    if sysconfig.get_config_var("Py_GIL_DISABLED") and sys.version_info < FREE_THREADED_FROM:
        return "maturin supports free-threaded Python only from 3.14 on", ""
    version = ""
    for program in ("cargo", os.environ.get("RUSTC") or "rustc"):
        if shutil.which(program) is None:
            return f"there is no {program} on the PATH", ""
        try:
            answer = subprocess.run(
                [program, "--version"],
                cwd=root,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=TOOLCHAIN_SECONDS,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            return f"{program} --version does not run ({error})", ""
        if answer.returncode != 0:
            said = (answer.stderr.strip().splitlines() or ["no reason given"])[0]
            return f"{program} --version fails ({said})", ""
        found = re.match(r"\S+ (\d+\.\d+\.\d+)", answer.stdout)
        if found is None:
            return f"{program} --version answers no version", ""
        version = found[1]
    needed = minimum_rust(root)
    if _numbers(version) < _numbers(needed):
        return f"Rust {version} is older than {needed}", version
    return "", version


def minimum_rust(root: Path) -> str:
    """The ``rust-version`` of the Cargo workspace in `root`."""
    workspace = load(root / "Cargo.toml")["workspace"]
    return str(workspace["package"]["rust-version"])


def _numbers(version: str) -> tuple[int, ...]:
    parts = [int(part) for part in version.split(".")]
    return (*parts, 0, 0)[:3]
