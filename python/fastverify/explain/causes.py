"""What may have done the damage: guesses, each from something that can be seen."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from fastverify.engine.protocol import Difference
from fastverify.explain.diff import Copies

_EDITOR = re.compile(r"(^|/)(#.*#|\.#.*|4913|\..*\.sw[a-p]|.*~|.*\.(orig|rej|bak|tmp))$")
_MADE = re.compile(
    r"(^|/)(zz_generated.*|mock_.*\.go|.*_mock\.go|.*\.pb\.go|.*_string\.go|.*\.test|.*\.out|.*\.prof"
    r"|coverage.*|.*\.o|.*\.a|.*\.exe|vendor/.*|bin/.*|\.DS_Store|Thumbs\.db|desktop\.ini)$"
)
#: What is written within this many seconds belongs together.
TOGETHER = 60.0


class Damage(NamedTuple):
    """One damaged file, with what could be read of it."""

    difference: Difference
    copies: Copies


def guess(damages: Sequence[Damage], *, extracted: float | None, touched: int, partial: bool) -> list[str]:
    """Sentences on what may be the cause, the likeliest first.

    `extracted` is when the module was extracted (seconds since the epoch; None where unknown), `touched`
    how many other module versions were changed around the same time.
    """
    found: list[str] = []
    if not damages:
        return found
    changes = {damage.difference.change for damage in damages}
    times = [d.difference.stat.mtime_ns / 1e9 for d in damages if d.difference.stat is not None]
    at_extraction = extracted is not None and any(abs(at - extracted) <= TOGETHER for at in times)
    if partial or (at_extraction and any(map(_is_cut, damages))):
        found.append("the extraction was cut off: a crash, a full disk, or a process that was killed")
    elif any(map(_is_cut, damages)):
        found.append("a file ends too early or holds only zeros: a full disk, a crash, or a failing disk")
    if any(map(_is_bit_flip, damages)):
        found.append("a single bit of a file differs: failing memory or a failing disk")
    if any(map(_has_other_line_ends, damages)):
        found.append("only line ends differ: a tool that turns LF into CRLF, or back")
    names = [damage.difference.path.decode("utf-8", "replace") for damage in damages]
    if _any(_EDITOR, names):
        found.append("an editor or a patch tool leaves files of such names behind")
    if _any(_MADE, names):
        found.append("files of such names are written by generators, builds, test runs or file managers")
    if changes == {"mode"}:
        found.append("only permission bits differ: a chmod, or a copy that did not keep them")
    if touched > 5:
        found.append(
            f"{touched:,} other versions were changed at about the same time: something went over the whole "
            "cache, such as chmod -R, a search and replace, a restored backup"
        )
    if not found and changes & {"modified", "extra", "missing"}:
        found.append(
            "the files were changed after the module was extracted, by hand or by a tool that ran there"
        )
    return found


def _any(pattern: re.Pattern[str], names: Iterable[str]) -> bool:
    return any(pattern.search(name) for name in names)


def _is_cut(damage: Damage) -> bool:
    old, new = damage.copies
    if damage.difference.change != "modified" or old is None or new is None or not old:
        return False
    return (len(new) < len(old) and old.startswith(new)) or (not new.strip(b"\0") and bool(old.strip(b"\0")))


def _is_bit_flip(damage: Damage) -> bool:
    old, new = damage.copies
    if old is None or new is None or len(old) != len(new) or old == new:
        return False
    wrong = [a ^ b for a, b in zip(old, new, strict=True) if a != b]
    return len(wrong) == 1 and wrong[0] & (wrong[0] - 1) == 0


def _has_other_line_ends(damage: Damage) -> bool:
    old, new = damage.copies
    if old is None or new is None or old == new or b"\0" in old:
        return False
    return old.replace(b"\r\n", b"\n") == new.replace(b"\r\n", b"\n")
