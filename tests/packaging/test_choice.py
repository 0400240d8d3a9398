"""Which wheel the backend chooses to build, by the toolchain that it finds."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from fastverify_build.choice import choose, minimum_rust
from tests.packaging.builds import ROOT

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the toolchains here are shell scripts")


@pytest.fixture
def toolchain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder on the PATH, empty."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.delenv("FASTVERIFY_PURE", raising=False)
    monkeypatch.delenv("RUSTC", raising=False)
    return folder


def put(folder: Path, program: str, script: str) -> None:
    path = folder / program
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def put_rust(folder: Path, version: str) -> None:
    for program in ("cargo", "rustc"):
        put(folder, program, f"echo '{program} {version} (0123abcd 2026-01-01)'")


def test_rust_that_is_new_enough_gives_the_native_wheel(toolchain: Path) -> None:
    put_rust(toolchain, f"{minimum_rust(ROOT)}.0")
    assert choose(ROOT).native


def test_without_cargo_the_wheel_is_pure(toolchain: Path) -> None:
    choice = choose(ROOT)
    assert not choice.native
    assert choice.reason.startswith("there is no cargo on the PATH: building the pure-Python wheel")


def test_cargo_without_rustc_is_no_toolchain(toolchain: Path) -> None:
    put(toolchain, "cargo", "echo 'cargo 9.0.0 (0123abcd 2026-01-01)'")
    assert choose(ROOT).reason.startswith("there is no rustc on the PATH")


def test_rust_that_is_too_old_gives_the_pure_wheel_and_says_so(toolchain: Path) -> None:
    put_rust(toolchain, "1.63.0")
    choice = choose(ROOT)
    assert not choice.native
    assert f"Rust 1.63.0 is older than {minimum_rust(ROOT)}" in choice.reason


def test_version_numbers_are_compared_as_numbers(toolchain: Path) -> None:
    put_rust(toolchain, "1.9.0")
    assert not choose(ROOT).native
    put_rust(toolchain, "1.1000.0-nightly")
    assert choose(ROOT).native


def test_rustup_without_a_toolchain_gives_the_pure_wheel_and_says_so(toolchain: Path) -> None:
    put_rust(toolchain, "9.0.0")
    put(toolchain, "cargo", "echo 'error: rustup could not choose a version of cargo to run' >&2; exit 1")
    choice = choose(ROOT)
    assert not choice.native
    assert "rustup could not choose a version of cargo to run" in choice.reason


def test_what_calls_itself_cargo_but_has_no_version_is_not_used(toolchain: Path) -> None:
    put_rust(toolchain, "9.0.0")
    put(toolchain, "cargo", "echo hello")
    assert "answers no version" in choose(ROOT).reason


def test_free_threaded_python_gets_the_native_wheel_from_the_first_that_can_have_it(
    toolchain: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_rust(toolchain, "9.0.0")
    monkeypatch.setattr("sysconfig.get_config_var", {"Py_GIL_DISABLED": 1}.get)
    monkeypatch.setattr("sys.version_info", (3, 13, 1))
    choice = choose(ROOT)
    assert not choice.native
    assert "free-threaded Python only from 3.14 on" in choice.reason
    monkeypatch.setattr("sys.version_info", (3, 14, 0))
    assert choose(ROOT).native


def test_the_pure_wheel_can_be_asked_for(toolchain: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_rust(toolchain, "9.0.0")
    monkeypatch.setenv("FASTVERIFY_PURE", "1")
    assert not choose(ROOT).native


def test_the_native_wheel_can_be_insisted_on(toolchain: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FASTVERIFY_PURE", "0")
    with pytest.raises(RuntimeError, match="there is no cargo on the PATH"):
        choose(ROOT)
    put_rust(toolchain, "9.0.0")
    assert choose(ROOT).native


def test_a_wish_that_is_not_understood_is_an_error(toolchain: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FASTVERIFY_PURE", "yes")
    with pytest.raises(RuntimeError, match="FASTVERIFY_PURE='yes'"):
        choose(ROOT)
