"""Help, and what is said to a command line that cannot be followed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Fastverify
from tests.cli.running import only_line

COMMANDS = ("check", "hash", "demo")


@pytest.mark.parametrize("arguments", [["--help"], ["-h"], *([name, "--help"] for name in COMMANDS)])
def test_help_fits_a_terminal(
    fastverify: Fastverify, arguments: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    status, out, err = fastverify(*arguments)
    assert (status, err) == (0, "")
    assert out.startswith("Usage: fastverify")
    assert max(len(line) for line in out.splitlines()) <= 80


def test_help_names_every_command(fastverify: Fastverify) -> None:
    out = fastverify("--help").out
    for name in COMMANDS:
        assert f"\n  {name} " in out


def test_help_of_check_names_every_option(fastverify: Fastverify) -> None:
    out = fastverify("check", "--help").out
    for option in (
        "--project",
        "--gosum",
        "--format",
        "-o, --output",
        "--threads",
        "--engine",
        "--fail-on",
        "--color",
        "-q, --quiet",
        "-v, --verbose",
    ):
        assert option in out


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["check", "--nonsense"], "--nonsense"),
        (["--nonsense"], "--nonsense"),
        (["nonsense"], "nonsense"),
        (["check", "--threads", "0"], "--threads"),
        (["check", "--threads", "many"], "--threads"),
        (["check", "--engine", "steam"], "steam"),
        (["check", "--format", "xml"], "xml"),
        (["check", "--fail-on", "mood"], "mood"),
        (["hash"], "PATHS"),
        (["hash", "--module", "example.com/m", "."], "PATH@VERSION"),
        (["hash", "--module", "@v1.0.0", "."], "PATH@VERSION"),
        (["check", "--bad\x1b[2J\nname"], r"\x1b[2J"),
    ],
)
def test_wrong_usage_is_one_line(fastverify: Fastverify, arguments: list[str], named: str) -> None:
    status, out, err = fastverify(*arguments)
    line = only_line(err)
    assert (status, out) == (2, "")
    assert line.startswith("fastverify: error: ")
    assert named in line
    assert line.isprintable()


def test_a_path_for_a_command_is_told_how_to_be_checked(fastverify: Fastverify, tmp_path: Path) -> None:
    status, _, err = fastverify(tmp_path)
    assert status == 2
    assert f"fastverify check {tmp_path}" in only_line(err)


@pytest.mark.parametrize("options", [["-q"], ["--color", "never"], ["--threads", "2", "--fail-on=note"]])
def test_options_may_come_before_the_command(
    fastverify: Fastverify, tmp_path: Path, options: list[str]
) -> None:
    missing = str(tmp_path / "nowhere")
    assert fastverify(*options, "check", missing) == fastverify("check", *options, missing)
    assert missing in fastverify(*options, "check", missing).err


def test_a_misspelled_command_is_guessed(fastverify: Fastverify) -> None:
    assert "did you mean check?" in fastverify("chekc").err


def test_a_version_needs_its_v(fastverify: Fastverify, tmp_path: Path) -> None:
    status, _, err = fastverify("hash", "--module", "example.com/m@1.2.3", str(tmp_path))
    assert status == 2
    assert "PATH@VERSION" in only_line(err)
