"""Who decides about colour."""

from __future__ import annotations

import pytest

from fastverify.report.colour import wanted


@pytest.mark.parametrize(
    ("environ", "on_terminal", "elsewhere"),
    [
        ({}, True, False),
        ({"TERM": "xterm"}, True, False),
        ({"TERM": "dumb"}, False, False),
        ({"NO_COLOR": "1"}, False, False),
        ({"NO_COLOR": ""}, True, False),
        ({"NO_COLOR": "1", "FORCE_COLOR": "1"}, False, False),
        ({"FORCE_COLOR": "1"}, True, True),
        ({"FORCE_COLOR": "0"}, True, False),
        ({"FORCE_COLOR": "1", "TERM": "dumb"}, True, True),
        ({"CLICOLOR_FORCE": "1"}, True, True),
    ],
)
def test_auto(environ: dict[str, str], on_terminal: bool, elsewhere: bool) -> None:
    assert wanted("auto", terminal=True, environ=environ) is on_terminal
    assert wanted("auto", terminal=False, environ=environ) is elsewhere


def test_the_command_line_decides() -> None:
    for terminal in (True, False):
        assert wanted("always", terminal=terminal, environ={"NO_COLOR": "1", "TERM": "dumb"})
        assert not wanted("never", terminal=terminal, environ={"FORCE_COLOR": "1"})
