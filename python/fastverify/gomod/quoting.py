"""Strings in go.mod files: which characters they may have, Go's quoting, and undoing it.

Text is ``str`` with the bytes that are no UTF-8 as lone surrogates (``surrogateescape``), so that each
of them counts as one character, as it does in Go.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from functools import cache

from fastverify.gomod._printable import PRINTABLE_RANGES

_STARTS = [first for first, _ in PRINTABLE_RANGES]
_ASCII_IDENTIFIER = r"!-'*+\-./0-Z\\^-z|~"
#: The identifier characters of a text that is ASCII.
ASCII_IDENTIFIER = re.compile(f"[{_ASCII_IDENTIFIER}]+")

_NAMED = {"\a": r"\a", "\b": r"\b", "\f": r"\f", "\n": r"\n", "\r": r"\r", "\t": r"\t", "\v": r"\v"}
_SIMPLE_ESCAPES = {
    "a": b"\a",
    "b": b"\b",
    "f": b"\f",
    "n": b"\n",
    "r": b"\r",
    "t": b"\t",
    "v": b"\v",
    "\\": b"\\",
    '"': b'"',
}
_ESCAPE = re.compile(
    r"\\(?:(?P<simple>[abfnrtv\\\"])|x(?P<byte>[0-9A-Fa-f]{2})|(?P<octal>[0-7]{3})"
    r"|u(?P<short>[0-9A-Fa-f]{4})|U(?P<long>[0-9A-Fa-f]{8}))"
)
_PLAIN = re.compile(r'[^"\\\n]+')
#: What makes ``modfile.MustQuote`` ask for quotes, beside characters that cannot be seen.
_NEEDS_QUOTES = re.compile("[ \"'`]|//|/\\*")
_BRACKETS = re.compile(r"[()\[\]{},]")


@cache
def identifier() -> re.Pattern[str]:
    """The identifier characters of any text: what can be seen, but for ``( ) [ ] { } ,`` and blanks.

    A byte that is no UTF-8 is one too: to Go it is U+FFFD, which can be seen.
    """
    spans = "".join(f"\\U{first:08x}-\\U{last:08x}" for first, last in PRINTABLE_RANGES)
    return re.compile(f"[{_ASCII_IDENTIFIER}{spans}\udc80-\udcff]+")


def is_printable(char: str) -> bool:
    """``unicode.IsPrint``; False for a byte that is no UTF-8."""
    code = ord(char)
    if code < 0x80:
        return 0x20 <= code < 0x7F
    at = bisect_right(_STARTS, code) - 1
    return at >= 0 and code <= PRINTABLE_RANGES[at][1]


def quote(text: str) -> str:
    """``strconv.Quote``: `text` as a Go string."""
    return '"' + "".join(_quoted(char, '"') for char in text) + '"'


def quote_character(char: str) -> str:
    """``strconv.QuoteRune``: `char` as a Go rune."""
    return "'" + _quoted(char, "'") + "'"


def _quoted(char: str, mark: str) -> str:
    if char in (mark, "\\"):
        return "\\" + char
    if is_printable(char):
        return char
    if char in _NAMED:
        return _NAMED[char]
    code = ord(char)
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    if code < 0x20 or code == 0x7F:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def unquote(text: str) -> str | None:
    """``strconv.Unquote`` of a string in double quotes; None where that is "invalid syntax".

    As in Go, a byte of the source that is no UTF-8 becomes U+FFFD, and one that an escape makes stays.
    """
    if len(text) < 2 or text[-1] != '"':
        return None
    made = bytearray()
    at, end = 1, len(text) - 1
    while at < end:
        plain = _PLAIN.match(text, at, end)
        if plain is not None:
            made += re.sub("[\udc80-\udcff]", "\ufffd", plain[0]).encode()
            at = plain.end()
            continue
        escape = _ESCAPE.match(text, at, end)
        piece = _unescaped(escape) if escape is not None else None
        if escape is None or piece is None:
            return None
        made += piece
        at = escape.end()
    return made.decode("utf-8", "surrogateescape")


def _unescaped(escape: re.Match[str]) -> bytes | None:
    if escape["simple"]:
        return _SIMPLE_ESCAPES[escape["simple"]]
    if escape["byte"]:
        return bytes([int(escape["byte"], 16)])
    if escape["octal"]:
        code = int(escape["octal"], 8)
        return bytes([code]) if code <= 0xFF else None
    code = int(escape["short"] or escape["long"], 16)
    if code > 0x10FFFF or 0xD800 <= code <= 0xDFFF:
        return None
    return chr(code).encode()


def must_quote(text: str) -> bool:
    """``modfile.MustQuote``: whether `text` needs quotes to be one token of a go.mod file."""
    if not text or _NEEDS_QUOTES.search(text) or (len(text) > 1 and _BRACKETS.search(text)):
        return True
    if text.isascii():
        return not text.isprintable()
    return not all(is_printable(char) or "\udc80" <= char <= "\udcff" for char in text)


def auto_quote(text: str) -> str:
    """``modfile.AutoQuote``: `text` as one token of a go.mod file."""
    return quote(text) if must_quote(text) else text
