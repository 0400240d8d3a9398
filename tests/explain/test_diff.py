"""Diffs: what they say is what changed."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from fastverify.explain.diff import MAX_LINES, Copies, compare

_lines = st.lists(st.sampled_from(["a", "b", "c", "", "two words", "ü\u2028x", "\r"]), max_size=30)
_texts = st.builds(lambda lines, end: "\n".join(lines) + end, _lines, st.sampled_from(["", "\n"]))


def apply(old: str, lines: tuple[str, ...]) -> str:
    """The text that a unified diff makes of `old`: an own reading of the format."""
    before = old.split("\n")
    made: list[str] = []
    at = 0
    for line in lines:
        if line.startswith("@@"):
            first, _, count = line.split()[1][1:].partition(",")
            start = int(first) - (0 if count == "0" else 1)
            made += before[at:start]
            at = start
        elif line[0] in " -":
            assert before[at] == line[1:].removesuffix("  (no newline at the end)")
            at += 1
        if not line.startswith("@@") and line[0] in " +":
            made.append(line[1:].removesuffix("  (no newline at the end)"))
    return "\n".join(made + before[at:])


@given(old=_texts, new=_texts)
def test_a_diff_leads_from_one_to_the_other(old: str, new: str) -> None:
    diff = compare(Copies(old.encode(), new.encode()), limit=10**6)
    assert (diff.kind, diff.left_out) == ("text", 0)
    assert apply(old, diff.lines).rstrip("\n") == new.rstrip("\n")
    assert bool(diff.lines) == (old != new)


def test_far_into_a_long_file() -> None:
    lines = [f"line {n}" for n in range(20_000)]
    changed = lines.copy()
    changed[15_000] = "other"
    changed[15_200] = "another"
    old, new = "\n".join(lines), "\n".join(changed)
    diff = compare(Copies(old.encode(), new.encode()), limit=100)
    assert diff.lines[0] == "@@ -14998,7 +14998,7 @@"
    assert apply(old, diff.lines) == new


def test_more_than_can_be_matched() -> None:
    chance = random.Random(1)
    old = "\n".join(str(chance.random()) for _ in range(MAX_LINES * 4))
    new = "\n".join(str(chance.random()) for _ in range(MAX_LINES * 4))
    diff = compare(Copies(old.encode(), new.encode()), limit=10**6)
    assert apply(old, diff.lines) == new
