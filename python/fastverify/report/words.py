"""Numbers, sizes, times and the contract's keys, as a person reads them."""

from __future__ import annotations

#: ``by_authority`` keys, as the object of "held to".
AUTHORITIES = {
    "gosum": "go.sum",
    "sumdb": "the checksum database",
    "ziphash": "the cache's own .ziphash",
    "zip": "the zip beside it",
    "baseline": "the baseline",
    "name": "its own name",
    "": "nothing",
}


def number(value: int) -> str:
    """``1234567`` as ``1,234,567``."""
    return f"{value:,}"


def count(value: int, singular: str, plural: str | None = None) -> str:
    """``1 zip``, ``1,021 zips``."""
    return f"{value:,} {singular if value == 1 else plural or singular + 's'}"


def size(value: float) -> str:
    """Bytes in decimal units, three digits where there are as many: ``812 bytes``, ``4.21 GB``."""
    if value < 1000:
        return count(int(value), "byte")
    units = ("kB", "MB", "GB", "TB", "PB")
    amount, unit = value / 1000, 0
    while amount >= 999.5 and unit < len(units) - 1:
        amount, unit = amount / 1000, unit + 1
    digits = 2 if amount < 9.995 else 1 if amount < 99.95 else 0
    return f"{amount:,.{digits}f} {units[unit]}"


def duration(seconds: float) -> str:
    """``0.84 s``, ``12.3 s``, ``4 min 05 s``, ``2 h 03 min``."""
    if seconds < 9.995:
        return f"{seconds:.2f} s"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02} min"
