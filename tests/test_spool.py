"""What a spool keeps comes back, wherever it was kept."""

from __future__ import annotations

import sys
import tempfile
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from fastverify.spool import SortedSpool, Spool

BODIES = [bytes([number]) * size for number, size in enumerate([3, 90, 8, 0, 4000, 2, 70])]


def kept_by(spool: Spool) -> list[bytes]:
    """What comes back of BODIES, the last first."""
    kept = [spool.put(body) for body in BODIES]
    return [one.read() for one in reversed(kept)]


@pytest.mark.parametrize("in_memory", [0, 10, 100, 1 << 20])
def test_what_is_kept_comes_back(in_memory: int) -> None:
    assert kept_by(Spool(in_memory)) == BODIES[::-1]


def test_only_so_much_stays_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    file = BytesIO()
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda **_: file)
    spool = Spool(100)
    kept_by(spool)
    # 3, 90 and 2 bytes have room, and nothing.
    assert file.getvalue() == BODIES[2] + BODIES[4] + BODIES[6]


def test_nothing_is_written_where_memory_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "TemporaryFile", None)
    assert kept_by(Spool()) == BODIES[::-1]


def test_without_room_for_a_file_everything_stays_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: object) -> Any:
        raise FileNotFoundError(2, "No usable temporary directory found")

    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    assert kept_by(Spool(10)) == BODIES[::-1]


def test_a_full_disk_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    class Full(BytesIO):
        """Takes a hundred bytes, as a disk does: part of what does not fit, and then none."""

        def write(self, body: Any, /) -> int:
            room = 100 - self.tell()
            if room <= 0:
                raise OSError(28, "No space left on device")
            return super().write(body[:room])

    monkeypatch.setattr(tempfile, "TemporaryFile", lambda **_: Full())
    assert kept_by(Spool(0)) == BODIES[::-1]


def test_the_file_has_no_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    spool = Spool(0)
    kept = spool.put(b"a secret")
    assert kept.read() == b"a secret"
    del spool, kept
    assert not list(tmp_path.iterdir())


def test_what_is_in_memory_goes_with_whoever_keeps_it() -> None:
    spool = Spool()
    body = bytes(1000)
    references = sys.getrefcount(body)
    kept = spool.put(body)
    assert kept.is_in_memory
    del kept
    assert sys.getrefcount(body) == references


@pytest.mark.parametrize("in_memory", [0, 100, 1 << 20])
def test_they_come_back_by_their_places_and_more_than_once(in_memory: int) -> None:
    spool = SortedSpool(in_memory)
    for number, body in enumerate(BODIES):
        spool.put("cab"[number % 3], body)
    for _ in range(2):
        assert list(spool) == [BODIES[number] for number in (1, 4, 2, 5, 0, 3, 6)]
