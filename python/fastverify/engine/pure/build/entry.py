"""Action entries: what ``cmd/go/internal/cache`` takes for one, and what it writes."""

from __future__ import annotations

import re
from typing import NamedTuple

from fastverify.engine.buildcache import ENTRY_BYTES, EntryFlaw, EntryForm

#: What strconv.ParseInt takes behind the blanks that Go skips.
_NUMBER = re.compile(rb" *([+-]?[0-9]+)")
#: The same without a sign and without zeros before it, as Go writes it.
_WRITTEN = re.compile(rb" *(?:0|[1-9][0-9]*)")
_MOST = (1 << 63) - 1


class Parsed(NamedTuple):
    """The fields of :class:`~fastverify.engine.buildcache.ActionEntry` that the content gives."""

    form: EntryForm
    flaw: EntryFlaw
    output: bytes = b""
    size: int = 0
    time: int = 0


def parse_entry(content: bytes, action: bytes) -> Parsed:
    """What `content`, of which more than ENTRY_BYTES + 1 bytes need not be given, is for `action`.

    The rules are those of ``DiskCache.get``.
    """
    if len(content) != ENTRY_BYTES:
        too_much: EntryFlaw = "long" if content else "empty"
        return Parsed("malformed", "short" if 0 < len(content) < ENTRY_BYTES else too_much)
    separators = content[67:68] + content[132:133] + content[153:154]
    if content[:3] != b"v1 " or separators != b"   " or content[174:] != b"\n":
        return Parsed("malformed", "header")
    ours, output = _unhex(content[3:67]), _unhex(content[68:132])
    if ours is None:
        return Parsed("malformed", "hex")
    if ours != action:
        return Parsed("malformed", "action")
    if output is None:
        return Parsed("malformed", "hex")
    size, time = _number(content[133:153]), _number(content[154:174])
    if size is None:
        return Parsed("malformed", "size")
    if time is None:
        return Parsed("malformed", "time")
    flaw: EntryFlaw = ""
    if content[3:132] != content[3:132].lower():
        flaw = "capitals"
    elif not (_WRITTEN.fullmatch(content[133:153]) and _WRITTEN.fullmatch(content[154:174])):
        flaw = "number"
    elif time == 0:
        flaw = "zero-time"
    return Parsed("foreign" if flaw else "canonical", flaw, output, size, time)


def _unhex(digits: bytes) -> bytes | None:
    try:
        # Unlike bytes.fromhex this takes no blanks.
        return int(digits, 16).to_bytes(32, "big") if digits.isalnum() else None
    except ValueError:
        return None


def _number(field: bytes) -> int | None:
    """strconv.ParseInt(field without leading blanks, 10, 64), if not negative."""
    match = _NUMBER.fullmatch(field)
    if match is None:
        return None
    value = int(match[1])
    return value if 0 <= value <= _MOST else None
