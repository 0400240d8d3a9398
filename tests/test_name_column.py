"""Names in a column."""

from __future__ import annotations

import pytest

from fastverify import name_column
from fastverify.name_column import NameColumn

NAMES = [b"m@v/b", b"", b"m@v/", b"other", b"m@v", b"m@v/a/b", b"m@v/b", b"\xff\0"]


def column(prefix: bytes) -> NameColumn:
    made = NameColumn(prefix)
    for name in NAMES:
        made.append(name)
    return made


@pytest.mark.parametrize("prefix", [b"", b"m@v/"])
def test_names_come_back_as_they_were_added(prefix: bytes) -> None:
    made = column(prefix)
    assert (len(made), list(made), made[2:5]) == (len(NAMES), NAMES, NAMES[2:5])
    assert {type(name) for name in made} == {bytes}
    assert isinstance(made.quickest(), list)
    assert made.quickest() == NAMES


def test_places_grow_wide(monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder that is hashed may have names of more bytes than 32 bits can count."""
    monkeypatch.setattr(name_column, "_PLACE", "H")
    made = NameColumn()
    names = [bytes([number]) * 30_000 for number in range(5)]
    for name in names:
        made.append(name)
    assert list(made) == names


def test_runs_are_short_in_names_and_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(name_column, "_RUN", 3)
    assert [list(run) for run in column(b"").runs()] == [[0, 1, 2], [3, 4, 5], [6, 7]]
    monkeypatch.setattr(name_column, "_RUN_BYTES", 10)
    for prefix in (b"", b"m@v/"):
        made = column(prefix)
        runs = [list(run) for run in made.runs()]
        assert [at for run in runs for at in run] == list(range(len(NAMES)))
        assert all(len(run) == 1 or sum(len(NAMES[at]) for at in run) <= 10 for run in runs)
        assert made.quickest() is made
