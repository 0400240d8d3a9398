"""Which packages go would build anew and why, as text and as one JSON document."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import Any

from fastverify.gocache.catalog.rows import age
from fastverify.gocache.explain.why import NOTHING_TOLD, Answer, Miss, Trial
from fastverify.gocache.layout import entry_path
from fastverify.report import words
from fastverify.report.escape import printable

_SHOWN = 5
_KINDS = {
    "other-inputs": "the cache has it only for other inputs",
    "never": "the cache has no build of it: never built with this cache, or trimmed",
    "malformed": "its entry is there, and is not in a form that go takes",
    "output-missing": "its entry is there; its output is not, or not whole",
    "follows": "an import would be compiled (if that gives the same bytes, this is taken from the cache)",
}


def as_text(found: Answer, tried: Sequence[Trial], now: int, *, verbose: bool = False) -> Iterator[str]:
    """The lines of the answer; ages are counted from `now`, nanoseconds since 1970."""
    total = len(found.hits) + len(found.misses)
    yield from _foreign(found)
    if not found.misses:
        yield f"Nothing would be compiled: {words.count(total, 'package')} in the cache."
        return
    yield f"{words.number(len(found.misses))} of {words.count(total, 'package')} would be compiled."
    groups: dict[tuple[str, tuple[str, ...]], list[Miss]] = {}
    for miss in found.misses:
        told = miss.evidence[0].differences or (NOTHING_TOLD,) if miss.evidence else ()
        groups.setdefault((miss.kind, told), []).append(miss)
    for (kind, told), misses in groups.items():
        yield ""
        yield f"{_names(misses, all_of=verbose)}: {_KINDS[kind]}"
        if misses[0].evidence:
            entry = misses[0].evidence[0].entry
            yield f"   the build most like it is {age(entry.written, now)} old (entry {entry.action[:12]}):"
        yield from (f"   - {printable(difference)}" for difference in told)
    for trial in tried:
        yield ""
        yield (
            f"Without {printable(trial.left_out)}, {words.number(len(trial.hits))} of them would be in the "
            "cache."
        )


def _foreign(found: Answer) -> Iterator[str]:
    """What would be taken from the cache, and does not fit what it would be linked with."""
    for one in found.disagreements:
        name = entry_path("", bytes.fromhex(one.action)).lstrip(os.sep)
        yield (
            f"{printable(one.package)} would be taken from the cache, but was compiled from another build of "
            f"{printable(one.imported)} than it would be linked with"
        )
        # ld.addlibpath: zeros stand for any.
        go = "links it all the same" if not one.recorded.strip("0") else "fails with: fingerprint mismatch"
        yield f"   (fingerprint {one.recorded}, not {one.expected}); go {go}."
        yield f"   Delete the entry {name} in the cache; go then compiles it anew."
        yield ""


def as_document(found: Answer, tried: Sequence[Trial]) -> dict[str, Any]:
    """The answer as plain values for JSON."""
    return {
        "hits": [_package(action.name) for action in found.hits],
        "misses": [
            {
                "package": _package(miss.action.name),
                "action": miss.action.sum,
                "kind": miss.kind,
                "because_of": list(miss.because_of),
                "evidence": [
                    {
                        "action": one.entry.action,
                        "output": one.entry.output,
                        "written_ns": one.entry.written,
                        "differences": list(one.differences),
                    }
                    for one in miss.evidence
                ],
            }
            for miss in found.misses
        ],
        "disagreements": [
            {
                "package": one.package,
                "action": one.action,
                "output": one.output,
                "import": one.imported,
                "import_output": one.imported_output,
                "recorded": one.recorded,
                "expected": one.expected,
            }
            for one in found.disagreements
        ],
        "trials": [{"left_out": trial.left_out, "hits": list(trial.hits)} for trial in tried],
    }


def _package(name: str) -> str:
    return name.partition(" ")[2]


def _names(misses: list[Miss], *, all_of: bool = False) -> str:
    names = [printable(_package(miss.action.name)) for miss in misses]
    shown = names if all_of else names[:_SHOWN]
    rest = len(names) - len(shown)
    return ", ".join(shown) + (f" and {words.number(rest)} more" if rest else "")
