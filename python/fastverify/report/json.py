"""The report as one JSON document, ``schema: fastverify/1``.

The text is ASCII and holds no lone surrogate, so that strict parsers take it.  A path that is no
UTF-8 is given with U+FFFD in place of each byte that is none, and the exact bytes beside it, as hex
digits, under ``path_hex``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from typing import Any

from fastverify.report.model import Report

_SURROGATE = re.compile("[\ud800-\udfff]")


def write_json(report: Report, write: Callable[[str], object]) -> None:
    """Write `report` through `write`, in pieces, ending with a newline."""
    write_document(report.to_json(), write)


def write_document(document: Any, write: Callable[[str], object]) -> None:
    """Write any `document` in the same form."""
    encoder = json.JSONEncoder(ensure_ascii=True, allow_nan=False, indent=2)
    pending: list[str] = []
    size = 0
    for piece in encoder.iterencode(_strict(document)):
        pending.append(piece)
        size += len(piece)
        if size > 1 << 16:
            write("".join(pending))
            pending.clear()
            size = 0
    write("".join(pending) + "\n")


def write_list(
    document: dict[str, Any], name: str, members: Iterable[Any], write: Callable[[str], object]
) -> None:
    """Write `document` with the list of `members` as its last field, `name`, a member at a time."""
    whole = json.dumps(_strict({**document, name: []}), ensure_ascii=True, allow_nan=False, indent=2)
    end = "]\n}"
    pieces = [whole.removesuffix(end)]
    size = 0
    empty = True
    for member in members:
        text = json.dumps(_strict(member), ensure_ascii=True, allow_nan=False, indent=2)
        pieces.append(f"{'' if empty else ','}\n    " + text.replace("\n", "\n    "))
        empty = False
        size += len(pieces[-1])
        if size > 1 << 16:
            write("".join(pieces))
            pieces.clear()
            size = 0
    pieces.append(f"{end}\n" if empty else f"\n  {end}\n")
    write("".join(pieces))


def _strict(value: Any) -> Any:
    """`value` without a lone surrogate anywhere, and ``path_hex`` beside each path that had one."""
    if isinstance(value, str):
        return _SURROGATE.sub("\ufffd", value)
    if isinstance(value, dict):
        strict = {_strict(key): _strict(member) for key, member in value.items()}
        path = value.get("path")
        if isinstance(path, str) and "path_hex" not in value and _SURROGATE.search(path):
            strict["path_hex"] = _bytes_of(path).hex()
        return strict
    if isinstance(value, (list, tuple)):
        return [_strict(member) for member in value]
    return value


def _bytes_of(path: str) -> bytes:
    """The bytes that :func:`os.fsdecode` made `path` of."""
    try:
        return path.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # a name of Windows, which may hold any 16-bit unit
        return path.encode("utf-8", "surrogatepass")
