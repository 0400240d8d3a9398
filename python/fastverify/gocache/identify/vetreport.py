"""What vet found, as JSON: package, analyzer, and a list of positions with messages."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from fastverify.gocache.content import Content, MalformedError

#: Longer JSON, and JSON that is nested deeper, is not parsed.
_LONGEST = 16 << 20
_DEEPEST = 16


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One thing that vet found."""

    package: str
    analyzer: str
    #: File, line and column.
    position: str
    message: str


def read_report(content: Content) -> tuple[Diagnostic, ...]:
    """The diagnostics; none where vet found nothing.  Raises MalformedError, OSError."""
    if content.size > _LONGEST:
        raise MalformedError(f"a report of {content.size} bytes is longer than any that is read")
    data = content.at(0, content.size)
    if _depth(data) > _DEEPEST:
        raise MalformedError("it is nested deeper than vet's reports are")
    try:
        packages = json.loads(data)
    except (ValueError, RecursionError):
        raise MalformedError("it is not JSON") from None
    if not isinstance(packages, dict):
        raise MalformedError("it is not vet's JSON")
    found: list[Diagnostic] = []
    for package, analyzers in packages.items():
        if not isinstance(analyzers, dict):
            raise MalformedError("it is not vet's JSON")
        for analyzer, results in analyzers.items():
            if isinstance(results, dict):  # {"error": …}: the analyzer failed
                found.append(Diagnostic(package, analyzer, "", _text(results, "error")))
            elif isinstance(results, list):
                found += [_diagnostic(package, analyzer, result) for result in results]
            else:
                raise MalformedError("it is not vet's JSON")
    return tuple(found)


def _diagnostic(package: str, analyzer: str, result: Any) -> Diagnostic:
    if not isinstance(result, dict):
        raise MalformedError("it is not vet's JSON")
    return Diagnostic(package, analyzer, _text(result, "posn"), _text(result, "message"))


def _text(result: dict[str, Any], name: str) -> str:
    value = result.get(name)
    if not isinstance(value, str):
        raise MalformedError(f"a result has no {name}")
    return value


def _depth(data: bytes) -> int:
    """How deep brackets are nested, at most; those in strings may count, too."""
    deepest = depth = 0
    for byte in data.translate(None, delete=_NOT_BRACKETS):
        if byte in b"[{":
            depth += 1
            deepest = max(deepest, depth)
        else:
            depth -= 1
    return deepest


_NOT_BRACKETS = bytes(byte for byte in range(256) if byte not in b"[]{}")
