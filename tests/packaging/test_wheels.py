"""What is in the wheels: all that belongs there, and nothing else."""

from __future__ import annotations

import sys
import sysconfig
from pathlib import Path

import pytest

from tests.packaging.archives import Wheel, committed_files
from tests.packaging.builds import ROOT, environment, pip_wheel


@pytest.fixture(params=["pure", "native"])
def wheel(request: pytest.FixtureRequest) -> Wheel:
    built = request.getfixturevalue(f"{request.param}_wheel")
    assert isinstance(built, Wheel)
    return built


def native_modules(wheel: Wheel) -> set[str]:
    return {name for name in wheel.names if name.endswith((".so", ".pyd"))}


def test_every_committed_file_of_the_package_is_in_it_and_nothing_else(wheel: Wheel) -> None:
    committed = committed_files()
    if committed is None:
        pytest.skip("this is no git checkout, so nothing says which files are committed")
    package = {name.removeprefix("python/") for name in committed if name.startswith("python/fastverify/")}
    assert wheel.names - native_modules(wheel) == package
    for name in package:
        assert wheel.contents[name] == (ROOT / "python" / name).read_bytes()


def test_record_lists_each_file_with_its_hash_and_size(wheel: Wheel) -> None:
    assert wheel.record_faults() == []


def test_it_brings_the_command_and_the_licence(wheel: Wheel) -> None:
    assert wheel.entry_points == {"console_scripts": {"fastverify": "fastverify.cli:main"}}
    licence = wheel.contents[f"{wheel.dist_info}/licenses/LICENSE"]
    assert licence == (ROOT / "LICENSE").read_bytes()


def test_it_depends_on_click_and_rich_alone(wheel: Wheel) -> None:
    needed = [
        one for one in wheel.metadata.requires_dist or [] if one.marker is None or one.marker.evaluate()
    ]
    assert {requirement.name for requirement in needed} == {"click", "rich"}


def test_the_pure_wheel_is_for_every_python_and_platform(pure_wheel: Wheel) -> None:
    assert pure_wheel.path.name.endswith("-py3-none-any.whl")
    assert pure_wheel.tags == ["py3-none-any"]
    assert native_modules(pure_wheel) == set()


def test_the_native_wheel_has_one_module_for_every_python_from_3_10(native_wheel: Wheel) -> None:
    (native,) = native_modules(native_wheel)
    if sysconfig.get_config_var("Py_GIL_DISABLED"):
        # There is no stable ABI for free-threaded Python yet: its wheel is for one version.
        minor = f"cp3{sys.version_info.minor}"
        assert f"-{minor}-{minor}t-" in native_wheel.path.name
    else:
        assert "-cp310-abi3-" in native_wheel.path.name
        assert native in {"fastverify/_native.abi3.so", "fastverify/_native.pyd"}


def test_both_wheels_have_the_same_metadata(pure_wheel: Wheel, native_wheel: Wheel) -> None:
    pure, native = pure_wheel.metadata, native_wheel.metadata
    for field in (
        "name",
        "version",
        "summary",
        "license_expression",
        "license_files",
        "classifiers",
        "requires_python",
        "requires_dist",
    ):
        assert getattr(pure, field) == getattr(native, field), field
    assert (pure.description or "").rstrip() == (native.description or "").rstrip() != ""
    assert pure.keywords is not None
    assert native.keywords is not None
    assert set(pure.keywords) == set(native.keywords)


def test_without_cargo_on_the_path_the_wheel_is_the_pure_one(pure_wheel: Wheel, tmp_path: Path) -> None:
    nothing = tmp_path / "nothing"
    nothing.mkdir()
    wheel = pip_wheel(ROOT, tmp_path / "wheel", environment(PATH=str(nothing)))
    assert wheel.name == pure_wheel.path.name
    # Equal sources, equal wheel, although it was built anew.
    assert wheel.read_bytes() == pure_wheel.path.read_bytes()


def test_the_pure_wheel_bears_the_time_that_is_asked_for(tmp_path: Path) -> None:
    env = environment(FASTVERIFY_PURE="1", SOURCE_DATE_EPOCH="1700000000")
    wheel = Wheel(pip_wheel(ROOT, tmp_path, env))
    assert {entry.date_time for entry in wheel.entries} == {(2023, 11, 14, 22, 13, 20)}
