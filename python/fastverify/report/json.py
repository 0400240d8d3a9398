"""The report as one JSON document, ``schema: fastverify/1``.

The text is ASCII and holds no lone surrogate, so that strict parsers take it.  A path that is no
UTF-8 is given with U+FFFD in place of each byte that is none, and the exact bytes beside it, as hex
digits, under ``path_hex``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import chain
from json.encoder import encode_basestring_ascii
from typing import Any

from fastverify.report.model import FileChange, Finding, Report
from fastverify.spool import SortedSpool

#: What begins a line of a finding, and what stands before one.
_LINE = "\n    "
_SEPARATOR = "," + _LINE
_SURROGATE = re.compile("[\ud800-\udfff]")
_BLOCK = 1 << 16
#: What holds no other values.
_PLAIN = (str, int, float, type(None))

_other_text = json.JSONEncoder(ensure_ascii=True, allow_nan=False).encode


class JsonReport:
    """Takes the findings of a report as they come, and writes the document when it is done.

    In the document the counts stand before the findings, which meanwhile wait in a spool, as text.  There
    they are in the order of modules and paths, and not as threads came upon them: two reports on the
    same cache can be compared line by line.
    """

    def __init__(self, write: Callable[[str], object]) -> None:
        self._write = write
        self._findings = SortedSpool()

    def take(self, report: Report) -> None:
        """Take in what `report` has of findings, and let it forget them."""
        self._keep(report.findings)
        report.forget()

    def end(self, report: Report) -> None:
        """Write the document, in pieces, ending with a newline; `report` may have findings not taken in."""
        self._keep(report.findings)
        document = replace(report, findings=[]).to_json()
        document["findings"] = _Encoded(self._texts())
        _write_pieces(_pieces(document), self._write)

    def _keep(self, findings: Iterable[Finding]) -> None:
        for finding in findings:
            place = _place(finding)
            for text in _blocks(chain([_SEPARATOR], _pieces(_lazily(finding), _LINE))):
                self._findings.put(place, text.encode())

    def _texts(self) -> Iterator[str]:
        for number, body in enumerate(self._findings):
            text = body.decode()
            yield text if number else text.removeprefix(",")


def _place(finding: Finding) -> str:
    """Where it stands in the document: what is about no module comes first, by path."""
    module = f"{finding.module}\0{finding.version}" if finding.module else f"\0{finding.path}"
    return f"{finding.cache}\0{module}"


def write_json(report: Report, write: Callable[[str], object]) -> None:
    """Write `report` through `write`, in pieces, ending with a newline."""
    JsonReport(write).end(report)


def write_document(document: Any, write: Callable[[str], object]) -> None:
    """Write any `document` in the same form.  An iterator in it is written as the list of its members."""
    _write_pieces(_pieces(document), write)


def write_list(
    document: dict[str, Any], name: str, members: Iterable[Any], write: Callable[[str], object]
) -> None:
    """Write `document` with the list of `members` as its last field, `name`, a member at a time."""
    write_document({**document, name: iter(members)}, write)


class _Encoded:
    """A list whose members are text already, each behind what separates it from the one before."""

    def __init__(self, texts: Iterator[str]) -> None:
        self.texts = texts


def _lazily(finding: Finding) -> dict[str, Any]:
    """The JSON form of `finding`, whose files come one by one."""
    document = finding._replace(files=()).to_json()
    document["files"] = map(FileChange.to_json, finding.files)
    return document


def _write_pieces(pieces: Iterable[str], write: Callable[[str], object]) -> None:
    for block in _blocks(chain(pieces, "\n")):
        write(block)


def _blocks(pieces: Iterable[str]) -> Iterator[str]:
    """`pieces` put together to blocks that are not small."""
    pending: list[str] = []
    size = 0
    for piece in pieces:
        pending.append(piece)
        size += len(piece)
        if size > _BLOCK:
            yield "".join(pending)
            pending.clear()
            size = 0
    if pending:
        yield "".join(pending)


def _pieces(value: Any, line: str = "\n") -> Iterator[str]:
    """The text of `value` as :mod:`json` writes it with two spaces a level; `line` begins its lines.

    There is no lone surrogate in it anywhere, and ``path_hex`` stands beside each path that had one.
    """
    inner = f"{line}  "
    if isinstance(value, dict):
        # As few pieces as can be: most documents are lists of very many that hold nothing but words.
        text = "{"
        before = inner
        for key, member in _members(value):
            text += f"{before}{_text(key)}: "
            if isinstance(member, _PLAIN):
                text += _text(member)
            else:
                yield text
                yield from _pieces(member, inner)
                text = ""
            before = "," + inner
        yield text + line + "}" if value else "{}"
    elif isinstance(value, (list, tuple, Iterator)):
        before = "[" + inner
        for member in value:
            yield before
            yield from _pieces(member, inner)
            before = "," + inner
        yield line + "]" if before[0] == "," else "[]"
    elif isinstance(value, _Encoded):
        first = next(value.texts, None)
        if first is None:
            yield "[]"
        else:
            yield "[" + first
            yield from value.texts
            yield line + "]"
    else:
        yield _text(value)


def _members(value: dict[str, Any]) -> Iterable[tuple[str, Any]]:
    path = value.get("path")
    if isinstance(path, str) and "path_hex" not in value and _SURROGATE.search(path):
        return {**value, "path_hex": _bytes_of(path).hex()}.items()
    return value.items()


def _text(value: object) -> str:
    """A text, a number, or one of the three words."""
    if not isinstance(value, str):
        return repr(value) if type(value) is int else _other_text(value)
    return encode_basestring_ascii(value if value.isascii() else _SURROGATE.sub("\ufffd", value))


def _bytes_of(path: str) -> bytes:
    """The bytes that :func:`os.fsdecode` made `path` of."""
    try:
        return path.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # a name of Windows, which may hold any 16-bit unit
        return path.encode("utf-8", "surrogatepass")
