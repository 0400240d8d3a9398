"""Go's quoting of strings, as ``%q`` writes it (``strconv.Quote``), read back."""

from __future__ import annotations

import re

_ESCAPE = re.compile(rb"\\(?:([abfnrtv\\\"'])|x([0-9a-f]{2})|u([0-9a-f]{4})|U([0-9a-f]{8}))|(\\)")
_PLAIN = {
    b"a": b"\a",
    b"b": b"\b",
    b"f": b"\f",
    b"n": b"\n",
    b"r": b"\r",
    b"t": b"\t",
    b"v": b"\v",
    b"\\": b"\\",
    b'"': b'"',
    b"'": b"'",
}
_QUOTED = re.compile(rb'"((?:[^"\\]|\\.)*)"')


def unquote(quoted: bytes) -> bytes | None:
    """The bytes that `quoted` (with its quotes) stands for; None where Go would not have written it."""
    if not _QUOTED.fullmatch(quoted):
        return None
    return _unescaped(quoted[1:-1])


def leading(text: bytes) -> tuple[bytes, bytes] | None:
    """The quoted string that `text` begins with, unquoted, and what follows; None where there is none."""
    match = _QUOTED.match(text)
    if match is None:
        return None
    inner = _unescaped(match[1])
    return None if inner is None else (inner, text[match.end() :])


def words(text: bytes) -> list[str] | None:
    """A list of strings as ``%q`` writes it, ``["a" "b"]``; None where `text` is no such list."""
    listed = list_at(text, 0)
    return listed[0] if listed is not None and listed[1] == len(text) else None


def list_at(text: bytes, at: int) -> tuple[list[str], int] | None:
    """The list of strings that begins at `at`, and where it ends; None where there is none."""
    if text[at : at + 1] != b"[":
        return None
    at += 1
    found: list[str] = []
    while (match := _QUOTED.match(text, at)) is not None:
        inner = _unescaped(match[1])
        if inner is None:
            return None
        found.append(inner.decode("utf-8", "surrogateescape"))
        at = match.end()
        if text[at : at + 1] != b" ":
            break
        at += 1
        if text[at : at + 1] != b'"':
            return None
    return (found, at + 1) if text[at : at + 1] == b"]" else None


def _unescaped(inner: bytes) -> bytes | None:
    if b"\\" not in inner:
        return inner
    bad = False

    def replaced(match: re.Match[bytes]) -> bytes:
        nonlocal bad
        plain, byte, short, long, stray = match.groups()
        if plain is not None:
            return _PLAIN[plain]
        if byte is not None:
            return bytes([int(byte, 16)])
        if stray is not None:
            bad = True
            return b""
        code = int(short or long, 16)
        if code > 0x10FFFF or 0xD800 <= code < 0xE000:
            bad = True
            return b""
        return chr(code).encode()

    whole = _ESCAPE.sub(replaced, inner)
    return None if bad else whole
