"""On a terminal there is colour and a progress line; elsewhere there is neither."""

from __future__ import annotations

import os
import re
import select
import subprocess
import time
from typing import Any

import pytest

from tests.cli.running import ROOT, TIMEOUT, command, environment, run

pytestmark = pytest.mark.skipif(os.name == "nt", reason="pseudo-terminals are Unix's")

SLOW = {"modules": 12, "damaged": [3, 7], "seconds": 0.05}
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def on_terminal(
    *arguments: str, script: dict[str, Any], streams: str = "both", **changes: str
) -> tuple[int, str, str]:
    """Run with stdout, stderr or both on a terminal; the status, what it showed, what the pipe got."""
    ours, theirs = os.openpty()
    reading, writing = os.pipe()
    process = subprocess.Popen(
        command(*arguments, script=script),
        cwd=ROOT,
        env=environment(**changes),
        stdin=subprocess.DEVNULL,
        stdout=theirs if streams in ("both", "stdout") else writing,
        stderr=theirs if streams in ("both", "stderr") else writing,
    )
    os.close(theirs)
    os.close(writing)
    got: dict[int, bytes] = {ours: b"", reading: b""}
    still = set(got)
    end = time.monotonic() + TIMEOUT
    while still:
        assert time.monotonic() < end
        for descriptor in select.select(list(still), [], [], 1.0)[0]:
            try:
                piece = os.read(descriptor, 65536)
            except OSError:  # a terminal that nobody holds any more (Linux)
                piece = b""
            got[descriptor] += piece
            if not piece:
                still.discard(descriptor)
    os.close(ours)
    os.close(reading)
    return process.wait(), got[ours].decode().replace("\r\n", "\n"), got[reading].decode()


def on_screen(stream: str) -> list[str]:
    """The lines that a terminal shows at the end, for the few sequences that a progress line uses."""
    lines, row, column = [""], 0, 0
    for token in re.findall(r"\x1b\[[?0-9;]*[A-Za-z]|\x1b.|[\s\S]", stream):
        if token == "\n":
            row, column = row + 1, 0
            if row == len(lines):
                lines.append("")
        elif token == "\r":
            column = 0
        elif token.startswith("\x1b["):
            number, kind = token[2:-1], token[-1]
            if kind == "A":
                row -= int(number or 1)
            elif kind == "K":
                lines[row] = "" if number == "2" else lines[row][:column]
            else:
                assert kind in "mhl", token
        else:
            assert token.isprintable(), token
            lines[row] = lines[row][:column].ljust(column) + token + lines[row][column + 1 :]
            column += 1
    return lines


def test_progress_is_shown_and_leaves_the_report_as_it_is() -> None:
    status, shown, _ = on_terminal("--color", "never", script=SLOW)
    assert status == 1
    assert re.search(r"\d+/12 modules", shown)
    assert re.search(r"MB/s", shown)
    piped = run(script=SLOW).stdout
    # A terminal wraps sentences, and has no other words in the end than a pipe.
    assert " ".join(on_screen(shown)).split() == piped.split()


def test_each_line_of_the_report_is_whole_on_the_screen() -> None:
    screen = on_screen(on_terminal("--color", "never", script=SLOW)[1])
    for number in SLOW["damaged"]:  # type: ignore[attr-defined]
        assert screen.count(f"example.com/m{number}@v1.0.0") == 1
    assert not any("12 modules" in line and "Verifying" in line for line in screen)


@pytest.mark.parametrize(
    ("arguments", "changes"), [(["--quiet"], {}), (["--verbose"], {}), ([], {"TERM": "dumb"})]
)
def test_no_progress_where_it_is_not_wanted(arguments: list[str], changes: dict[str, str]) -> None:
    _, shown, _ = on_terminal(*arguments, script=SLOW, **changes)
    assert "Verifying" not in shown
    assert "\r" not in shown
    if "TERM" in changes:
        assert "\x1b" not in shown


def test_no_progress_in_a_pipe() -> None:
    done = run(script=SLOW)
    assert done.stderr == ""
    assert "\x1b" not in done.stdout
    assert "Verifying" not in done.stdout


def test_progress_is_on_stderr_alone() -> None:
    _, shown, piped = on_terminal(script=SLOW, streams="stderr")
    assert "Verifying" in shown
    assert piped == run(script=SLOW).stdout
    assert "m3@v1.0.0" not in shown
    _, shown, piped = on_terminal(script=SLOW, streams="stdout")
    assert piped == ""
    assert "Verifying" not in shown


def test_json_on_a_terminal_is_whole() -> None:
    _, shown, piped = on_terminal("--format", "json", script=SLOW, streams="stderr")
    assert "Verifying" in shown
    assert piped.startswith("{\n")
    assert "\x1b" not in piped


@pytest.mark.parametrize(
    ("arguments", "changes", "coloured"),
    [
        ([], {}, True),
        ([], {"NO_COLOR": "1"}, False),
        ([], {"TERM": "dumb"}, False),
        (["--color", "never"], {}, False),
        (["--color", "always"], {"NO_COLOR": "1"}, True),
    ],
)
def test_colour_on_a_terminal(arguments: list[str], changes: dict[str, str], coloured: bool) -> None:
    _, shown, _ = on_terminal(*arguments, script={"damaged": [1], "modules": 2}, **changes)
    assert bool(COLOUR.search(shown)) is coloured


@pytest.mark.parametrize(
    ("arguments", "changes", "coloured"),
    [
        ([], {}, False),
        ([], {"FORCE_COLOR": "1"}, True),
        ([], {"CLICOLOR_FORCE": "1"}, True),
        ([], {"CLICOLOR_FORCE": "1", "NO_COLOR": "1"}, False),
        (["--color", "always"], {}, True),
    ],
)
def test_colour_in_a_pipe(arguments: list[str], changes: dict[str, str], coloured: bool) -> None:
    done = run(*arguments, script={"damaged": [1], "modules": 2}, **changes)
    assert bool(COLOUR.search(done.stdout)) is coloured


def test_lines_are_as_wide_as_the_terminal() -> None:
    _, shown, _ = on_terminal("--color", "never", script={"damaged": [1]}, COLUMNS="60")
    notes = [line for line in on_screen(shown) if line.startswith(("note:", "      "))]
    assert len(notes) > 1
    assert max(len(line) for line in on_screen(shown) if line.startswith("note:")) <= 60
