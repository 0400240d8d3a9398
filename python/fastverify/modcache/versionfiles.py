"""The files beside a zip that no hash covers: is ``.info`` or ``list`` what Go would have written?"""

from __future__ import annotations

import json
import re

from fastverify.engine.protocol import MAX_SMALL_FILE_BYTES, Violation, ViolationCode
from fastverify.modcache import changes, layout

#: RFC 3339 as Go's time.Time reads it from JSON.
_TIME = re.compile(
    r"[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"
    r"(\.[0-9]+)?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])"
)
_RULES: dict[ViolationCode, str] = {
    "prefix": "does not begin with the module's path and version",
    "path": "is no name that a module's file can have",
    "duplicate": "is there twice",
    "collision": "differs from another name only in case",
    "file-and-directory": "is both a file and a directory",
    "go-mod-place": "is a go.mod that is not the root's",
    "go-mod-size": "is over 16 MiB",
    "license-size": "is over 16 MiB",
}


def violation_text(violation: Violation) -> str:
    """The broken rule in words, with the entry's name."""
    return f"its entry {changes.shown(violation.name)} {_RULES[violation.code]}"


def _refuse(constant: str) -> None:
    raise ValueError(constant)


#: JSON as Go takes it: without NaN.
_JSON = json.JSONDecoder(parse_constant=_refuse)


def info_problem(content: bytes, version: str) -> str:
    """What is wrong with a ``.info`` file of `version`; "" where nothing is.

    Source: ``modfetch.RevInfo`` and ``readDiskStat``.
    """
    if len(content) > MAX_SMALL_FILE_BYTES:
        return "the file is far longer than what Go writes there"
    if not content.strip(b"\0"):
        return "the file is empty; its writing was cut off" if not content else "the file holds only NULs"
    try:
        # Go takes UTF-8 only (json.loads would guess others).
        record = _JSON.decode(content.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return "the file is no JSON"
    if not isinstance(record, dict):
        return "the file is JSON, and no version's record"
    if record.get("Version") != version:
        return f"the file is of another version: {record.get('Version')!r}"
    time = record.get("Time")
    if time is not None and not (isinstance(time, str) and _is_time(time)):
        return f"its time is no RFC 3339 time: {time!r}"
    return ""


def _is_time(text: str) -> bool:
    """Whether it is written as RFC 3339 has it, of a day that there is."""
    if _TIME.fullmatch(text) is None:
        return False
    if text[8:10] <= "28":
        return True
    # Only now: every month has a 28th.
    import calendar

    year, month, day = (int(part) for part in text[:10].split("-"))
    return day <= calendar.monthrange(year, month)[1]


def list_problem(content: bytes) -> str:
    """What is wrong with a ``list`` file; "" where nothing is.

    Source: ``rewriteVersionList`` in ``modfetch/cache.go``: a canonical version a line.
    """
    if b"\0" in content:
        return "the list holds NULs; its writing was cut off"
    for number, line in enumerate(content.split(b"\n"), start=1):
        if line and not layout.is_version(line.decode("utf-8", "replace")):
            return f"line {number} is no version"
    return ""
