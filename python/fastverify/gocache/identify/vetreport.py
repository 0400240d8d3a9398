"""What vet found, as JSON: package, analyzer, and a list of positions with messages."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from fastverify.gocache.content import Content, MalformedError

#: Longer JSON, and JSON that is nested deeper, is not parsed.
_LONGEST = 16 << 20
_DEEPEST = 16
_TOKEN = re.compile(rb'\\.|["\[\]{}]', re.DOTALL)


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
    if is_deep(data):
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


def is_deep(data: bytes) -> bool:
    """Whether brackets nest deeper than in any report, strings apart.  It takes time in step with `data`."""
    depth = 0
    within = False
    for match in _TOKEN.finditer(data):
        token = match[0]
        if token == b'"':
            within = not within
        elif within or len(token) > 1:
            continue
        elif token in b"[{":
            depth += 1
            if depth > _DEEPEST:
                return True
        else:
            depth -= 1
    return False
