"""Colour on a terminal: who wants it, and the few styles that the report uses."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

ColourChoice = Literal["auto", "always", "never"]
Style = Literal["error", "warning", "note", "good", "strong", "faint"]
Paint = Callable[[str, Style], str]

# Only the sixteen colours that every terminal's own theme defines (ECMA-48, SGR).
_SGR: dict[Style, str] = {
    "error": "1;31",
    "warning": "1;33",
    "note": "36",
    "good": "1;32",
    "strong": "1",
    "faint": "2",
}


def wanted(choice: ColourChoice, *, terminal: bool, environ: Mapping[str, str]) -> bool:
    """Whether to colour a stream.

    `choice` (the command line) decides; for ``auto``, NO_COLOR (no-color.org), then FORCE_COLOR and
    CLICOLOR_FORCE, each where it is set and not empty (``0`` forces nothing), then whether the stream
    is a `terminal` that is not dumb.
    """
    if choice != "auto":
        return choice == "always"
    if environ.get("NO_COLOR"):
        return False
    if any(environ.get(name, "") not in ("", "0") for name in ("FORCE_COLOR", "CLICOLOR_FORCE")):
        return True
    return terminal and environ.get("TERM") != "dumb"


def paint(text: str, style: Style) -> str:
    """`text` (already printable) in `style`."""
    return f"\x1b[{_SGR[style]}m{text}\x1b[0m"


def plain(text: str, style: Style) -> str:
    """`text` as it is."""
    del style
    return text
