"""Values for fuzzing, as ``internal/fuzz/encoding.go`` writes them: a version, then a line an argument."""

from __future__ import annotations

import re

from fastverify.gocache.content import MalformedError

_VERSION = b"go test fuzz v1"


def _escape(mark: bytes) -> bytes:
    return rb"\\(?:[abfnrtv\\" + mark + rb"]|x[0-9a-f]{2}|u[0-9a-f]{4}|U[0-9a-f]{8})"


_PLAIN = rb'[^\\\n"]*'
# Each alternative begins with another word and none can match in two ways, so that no text takes long.
_VALUE = re.compile(
    rb"(?:string|\[\]byte)\(\"" + _PLAIN + rb"(?:" + _escape(b'"') + _PLAIN + rb")*\"\)"
    # A character has up to four bytes.
    rb"|(?:byte|rune)\('(?:[^\\\n']|" + _escape(b"'") + rb"){1,4}'\)"
    rb"|bool\((?:true|false)\)"
    rb"|u?int(?:8|16|32|64|)\(-?[0-9]{1,20}\)"
    rb"|float(?:32|64)\((?:-?[0-9]+(?:\.[0-9]+)?(?:e[+-][0-9]+)?|NaN|[+-]Inf)\)"
    rb"|math\.Float(?:32|64)frombits\(0x[0-9a-f]{1,16}\)"
)


def check_value(text: bytes) -> None:
    """Raise MalformedError where the go command did not write `text`, a whole file of a corpus."""
    version, end, rest = text.partition(b"\n")
    if version != _VERSION:
        raise MalformedError("it does not begin with the line: go test fuzz v1")
    if not end or not rest:
        raise MalformedError("it holds no value")
    if not rest.endswith(b"\n"):
        raise MalformedError("its last line does not end")
    for number, line in enumerate(rest[:-1].split(b"\n"), 2):
        if not _VALUE.fullmatch(line):
            raise MalformedError(f"line {number} is no value as go writes it")
