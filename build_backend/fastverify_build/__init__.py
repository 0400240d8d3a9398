"""The build backend of fastverify (PEP 517 and PEP 660).

Where there is a usable Rust toolchain the wheel is maturin's: Python files and the native engine.
Where there is none, or where ``FASTVERIFY_PURE=1`` asks for it, the wheel is written here: the same
Python files and no native engine.  A Rust build that fails is an error and never quietly a pure
wheel.  The sdist is written here in either case, so that it is the same with and without Rust.

Frontends call these functions with the project's root as the current directory.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from fastverify_build import pure, sdist
from fastverify_build.choice import MATURIN, Choice, choose
from fastverify_build.metadata import read_project

__all__ = [
    "build_editable",
    "build_sdist",
    "build_wheel",
    "get_requires_for_build_editable",
    "get_requires_for_build_sdist",
    "get_requires_for_build_wheel",
    "prepare_metadata_for_build_editable",
    "prepare_metadata_for_build_wheel",
]

ConfigSettings = Mapping[str, Any] | None


def get_requires_for_build_wheel(config_settings: ConfigSettings = None) -> list[str]:
    """What must be installed to build a wheel: maturin for a native one, nothing for a pure one."""
    choice = _announced_choice()
    return [MATURIN] if choice.native else []


def get_requires_for_build_editable(config_settings: ConfigSettings = None) -> list[str]:
    """As for a wheel."""
    return get_requires_for_build_wheel(config_settings)


def get_requires_for_build_sdist(config_settings: ConfigSettings = None) -> list[str]:
    """Nothing: an sdist is made without maturin."""
    return []


def prepare_metadata_for_build_wheel(metadata_directory: str, config_settings: ConfigSettings = None) -> str:
    """Write the ``.dist-info`` folder that `build_wheel` would pack; return its name."""
    choice = choose(Path.cwd())
    if choice.native:
        return _with_maturin(
            choice, "prepare_metadata_for_build_wheel", metadata_directory, _as_dict(config_settings)
        )
    return pure.write_dist_info(read_project(Path.cwd()), Path(metadata_directory))


def prepare_metadata_for_build_editable(
    metadata_directory: str, config_settings: ConfigSettings = None
) -> str:
    """As for a wheel."""
    return prepare_metadata_for_build_wheel(metadata_directory, config_settings)


def build_wheel(
    wheel_directory: str, config_settings: ConfigSettings = None, metadata_directory: str | None = None
) -> str:
    """Write a wheel into `wheel_directory`; return its name."""
    choice = _announced_choice()
    if choice.native:
        return _with_maturin(
            choice, "build_wheel", wheel_directory, _as_dict(config_settings), metadata_directory
        )
    return pure.write_wheel(read_project(Path.cwd()), Path(wheel_directory))


def build_editable(
    wheel_directory: str, config_settings: ConfigSettings = None, metadata_directory: str | None = None
) -> str:
    """Write a wheel that makes an installation use the files of this checkout; return its name."""
    choice = _announced_choice()
    if choice.native:
        return _with_maturin(
            choice, "build_editable", wheel_directory, _as_dict(config_settings), metadata_directory
        )
    return pure.write_editable_wheel(read_project(Path.cwd()), Path(wheel_directory))


def build_sdist(sdist_directory: str, config_settings: ConfigSettings = None) -> str:
    """Write a source distribution into `sdist_directory`; return its name."""
    return sdist.write_sdist(read_project(Path.cwd()), Path(sdist_directory))


def _announced_choice() -> Choice:
    choice = choose(Path.cwd())
    print(f"fastverify: {choice.reason}", file=sys.stderr, flush=True)
    return choice


def _as_dict(config_settings: ConfigSettings) -> dict[str, Any] | None:
    return None if config_settings is None else dict(config_settings)


def _with_maturin(choice: Choice, hook: str, *args: Any) -> str:
    """Run one of maturin's own hooks; where it fails, say what the user can do, and fail too."""
    try:
        name: str = getattr(_maturin(), hook)(*args)
    except (Exception, SystemExit):
        way_on = (
            "FASTVERIFY_PURE=0 asks for the native engine"
            if choice.insisted
            else "set FASTVERIFY_PURE=1 to install fastverify with its pure-Python engine only"
        )
        print(
            f"\nfastverify: the native engine could not be built; the reason stands above.\n"
            f"fastverify: {way_on}.",
            file=sys.stderr,
            flush=True,
        )
        raise
    return name


def _maturin() -> ModuleType:
    try:
        return importlib.import_module("maturin")
    except ImportError as error:
        raise RuntimeError(
            f"the native engine is built by maturin, which is not installed here: "
            f"install '{MATURIN}', or build with isolation"
        ) from error
