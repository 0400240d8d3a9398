"""Nothing that a stranger names may act upon a terminal."""

from __future__ import annotations

import os
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastverify.report.escape import printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain/name.go", "plain/name.go"),
        ("grüße/日本語.go", "grüße/日本語.go"),
        ("C:\\Users\\a b", "C:\\Users\\a b"),
        ("[bold red]x[/]", "[bold red]x[/]"),
        ("a\nb\r\tc", r"a\nb\r\tc"),
        ("\x1b[31mred\x1b[0m", r"\x1b[31mred\x1b[0m"),
        ("\x1b]0;title\x07", r"\x1b]0;title\x07"),
        ("\x00\x7f", r"\x00\x7f"),
        ("\x9b31m", r"\u009b31m"),
        ("\x85", r"\u0085"),
        ("abc\u202egpj.exe", r"abc\u202egpj.exe"),
        ("\u2066x\u2069", r"\u2066x\u2069"),
        ("\u2028\u2029", r"\u2028\u2029"),
        ("zero\u200bwidth\ufeff", r"zero\u200bwidth\ufeff"),
        ("soft\u00adhyphen", r"soft\u00adhyphen"),
        ("no\u00a0break", r"no\u00a0break"),
        ("tag\U000e0041", r"tag\U000e0041"),
        ("hangul\u3164filler", r"hangul\u3164filler"),
        ("variation\ufe0f", r"variation\ufe0f"),
        ("\ud800", r"\ud800"),
        (os.fsdecode(b"\xff\x80") if os.name != "nt" else "\udcff\udc80", r"\xff\x80"),
    ],
)
def test_shown_as(text: str, shown: str) -> None:
    assert printable(text) == shown


@given(st.text(st.characters()))
def test_never_acts_upon_a_terminal(text: str) -> None:
    shown = printable(text)
    assert all(char == " " or unicodedata.category(char)[0] not in "CZ" for char in shown)
    assert shown.splitlines() in ([shown], [])
    shown.encode("utf-8")


@given(st.text(st.characters(codec="ascii", min_codepoint=32, max_codepoint=126)))
def test_leaves_printable_ascii_alone(text: str) -> None:
    assert printable(text) == text


@given(st.binary())
def test_tells_every_odd_byte(name: bytes) -> None:
    """The bytes can be read off what is shown, where no backslash was in the name."""
    decoded = name.replace(b"\\", b"/").decode("utf-8", "surrogateescape")
    shown = printable(decoded)
    odd = sum(1 for char in decoded if 0xDC80 <= ord(char) <= 0xDCFF)
    assert sum(shown.count(f"\\x{byte:02x}") for byte in range(0x80, 0x100)) == odd
