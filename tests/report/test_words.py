"""Numbers as people read them."""

from __future__ import annotations

import pytest

from fastverify.report import words


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (999, "999 bytes"),
        (1000, "1.00 kB"),
        (12_345, "12.3 kB"),
        (999_499, "999 kB"),
        (999_500, "1.00 MB"),
        (123_456_789, "123 MB"),
        (4_210_000_000, "4.21 GB"),
        (5 * 10**12, "5.00 TB"),
        (12_345 * 10**15, "12,345 PB"),
    ],
)
def test_size(value: int, text: str) -> None:
    assert words.size(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.004, "0.00 s"),
        (9.994, "9.99 s"),
        (9.996, "10.0 s"),
        (59.94, "59.9 s"),
        (59.96, "1 min 00 s"),
        (245.2, "4 min 05 s"),
        (7384, "2 h 03 min"),
    ],
)
def test_duration(seconds: float, text: str) -> None:
    assert words.duration(seconds) == text


def test_count() -> None:
    assert words.count(1, "zip") == "1 zip"
    assert words.count(0, "zip") == "0 zips"
    assert words.count(2, "entry", "entries") == "2 entries"
