"""A comparison of two hash logs, as text for people and as one JSON document."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fastverify.gocache.explain.compare import Cause, Change, Comparison, Difference
from fastverify.gocache.explain.hashlog import HashLog
from fastverify.gocache.explain.words import cure, explained
from fastverify.report import words
from fastverify.report.escape import printable

#: How many names stand in one line of the text.
_NAMED = 5
#: Index blocks say which files a folder has; no action depends on their sums.
_INDEX = "moduleIndex"


def as_text(comparison: Comparison, logs: Mapping[str, HashLog], *, verbose: bool = False) -> Iterator[str]:
    """The lines of the answer; `logs` are the two logs by the names that the user gave them."""
    differing = len(comparison.differences)
    if not (differing or comparison.equal):
        yield "The logs have no action in common."
    elif not differing:
        yield f"{words.count(comparison.equal, 'action')} in both logs, all with equal inputs."
    else:
        total = differing + comparison.equal
        yield f"{words.number(differing)} of {words.count(total, 'action')} in both logs differ."
    for number, cause in enumerate(comparison.causes, 1):
        yield ""
        yield f"{number}. {printable(explained(cause))}"
        yield from (f"   {line}" for line in _consequences(cause))
    if verbose:
        for difference in comparison.differences:
            yield ""
            yield from _whole(difference)
    names = [*logs, *logs]
    for name, only in zip(names, (comparison.only_before, comparison.only_after), strict=False):
        if only:
            yield ""
            yield f"Only in {printable(name)}: {_names(only, len(only) if verbose else _NAMED)}"
    for name, log in logs.items():
        yield from _doubts(name, log)


def as_document(comparison: Comparison, logs: Mapping[str, HashLog]) -> dict[str, Any]:
    """The answer as plain values for JSON."""
    return {
        "logs": [
            {
                "path": name,
                "lines": log.lines,
                "other_lines": log.other_lines,
                "blocks": len(log.blocks),
                "unproved_blocks": log.unproved,
                "unfinished_blocks": log.unfinished,
            }
            for name, log in logs.items()
        ],
        "equal": comparison.equal,
        "causes": [
            {
                **(_change(cause.change) if cause.change is not None else {"kind": "unknown"}),
                "message": explained(cause),
                "cure": cure(cause),
                "where": list(cause.where),
                "affected": list(cause.affected),
            }
            for cause in comparison.causes
        ],
        "differences": [
            {
                "action": difference.name,
                "before": difference.before.sum,
                "after": difference.after.sum,
                "changes": [_change(change) for change in difference.changes],
                "derived": [_change(change) for change in difference.derived],
                "follows": list(difference.follows),
            }
            for difference in comparison.differences
        ],
        "only_before": list(comparison.only_before),
        "only_after": list(comparison.only_after),
    }


def _change(change: Change) -> dict[str, Any]:
    return {
        "kind": change.kind,
        "subject": change.subject,
        "before": change.before,
        "after": change.after,
    }


def _consequences(cause: Cause) -> Iterator[str]:
    yield f"in {_names(cause.where, _NAMED)}"
    here = set(cause.where)
    others = [name for name in cause.affected if name not in here]
    if others:
        yield f"and therefore {_names(others, _NAMED)}"
    advice = cure(cause)
    if advice:
        yield f"To make it equal: {printable(advice)}."


def _whole(difference: Difference) -> Iterator[str]:
    sums = f"{difference.before.sum[:16]} before, {difference.after.sum[:16]} after"
    yield f"{printable(difference.name)}: {sums}"
    for change in difference.changes:
        yield f"   {printable(explained(Cause(change, (), ())))}"
    for name in difference.follows:
        yield f"   the result of {printable(name)}"


def _names(names: Sequence[str], most: int) -> str:
    shown = ", ".join(printable(name) for name in names[:most])
    rest = len(names) - most
    return f"{shown} and {words.number(rest)} more" if rest > 0 else shown


def _doubts(name: str, log: HashLog) -> Iterator[str]:
    unproved = sum(count for block, count in log.unproved.items() if block != _INDEX)
    if unproved:
        yield ""
        yield (
            f"{printable(name)}: {words.count(unproved, 'sum')} could not be computed from the lines of the "
            "log, and nothing above rests on them. Lines of actions that run at once can mix: GOMAXPROCS=1 "
            "keeps them apart."
        )
