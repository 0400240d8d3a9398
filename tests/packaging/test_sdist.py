"""The sdist: everything that is committed, and enough to build the same wheels from."""

from __future__ import annotations

from pathlib import Path

import pytest
from packaging.metadata import Metadata

from fastverify_build.metadata import read_project
from tests.packaging.archives import Wheel, committed_files, sdist_contents
from tests.packaging.builds import ROOT, environment, pip_wheel


def test_it_holds_every_committed_file_and_nothing_else(built_sdist: Path) -> None:
    committed = committed_files()
    if committed is None:
        pytest.skip("this is no git checkout, so nothing says which files are committed")
    stem = read_project(ROOT).stem
    assert built_sdist.name == f"{stem}.tar.gz"
    contents = sdist_contents(built_sdist)
    assert set(contents) == {f"{stem}/{name}" for name in committed} | {f"{stem}/PKG-INFO"}
    assert contents[f"{stem}/Cargo.lock"] == (ROOT / "Cargo.lock").read_bytes()


def test_its_metadata_is_that_of_the_wheel(built_sdist: Path, pure_wheel: Wheel) -> None:
    pkg_info = sdist_contents(built_sdist)[f"{read_project(ROOT).stem}/PKG-INFO"]
    Metadata.from_email(pkg_info, validate=True)
    assert pkg_info == pure_wheel.contents[f"{pure_wheel.dist_info}/METADATA"]


def test_the_pure_wheel_from_it_is_the_pure_wheel_of_the_checkout(
    built_sdist: Path, pure_wheel: Wheel, tmp_path: Path
) -> None:
    wheel = pip_wheel(built_sdist, tmp_path, environment(FASTVERIFY_PURE="1"))
    assert wheel.read_bytes() == pure_wheel.path.read_bytes()


def test_the_native_wheel_from_it_has_the_files_of_the_native_wheel_of_the_checkout(
    built_sdist: Path, native_wheel: Wheel, tmp_path: Path
) -> None:
    wheel = Wheel(pip_wheel(built_sdist, tmp_path, environment()))
    assert wheel.path.name == native_wheel.path.name
    assert wheel.names == native_wheel.names
    assert wheel.record_faults() == []
