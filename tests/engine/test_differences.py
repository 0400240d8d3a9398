"""Differences in little memory: as good as a tuple of them."""

from __future__ import annotations

import pickle
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastverify.engine import differences as differences_module
from fastverify.engine.differences import Differences
from fastverify.engine.protocol import Change, Difference, FileStat

U32 = st.integers(0, (1 << 32) - 1)
U64 = st.integers(0, (1 << 64) - 1)
CHANGES: tuple[Change, ...] = ("modified", "missing", "extra", "type", "mode")
CHANGE = st.sampled_from(CHANGES)
DIGEST = st.none() | st.just(bytes(32)) | st.binary(min_size=32, max_size=32)
STAT = st.builds(FileStat, U64, st.integers(-(1 << 127), (1 << 127) - 1), U32, U32)


@st.composite
def differences(draw: st.DrawFn) -> tuple[Difference, ...]:
    def one(path: bytes) -> Difference:
        zip_sha256 = draw(DIGEST)
        zip_size = None if zip_sha256 is None else draw(U64)
        change = draw(CHANGE)
        return Difference(path, change, zip_sha256, zip_size, draw(DIGEST), draw(st.none() | STAT))

    return tuple(map(one, draw(st.lists(st.binary(max_size=300), max_size=5))))


@given(differences(), differences())
def test_like_a_tuple(all_of_them: tuple[Difference, ...], others: tuple[Difference, ...]) -> None:
    packed = Differences.of(all_of_them)
    assert tuple(packed) == all_of_them
    assert packed == all_of_them
    assert all_of_them == packed
    assert packed == Differences.of(list(all_of_them))
    assert pickle.loads(pickle.dumps(packed)) == all_of_them
    assert (len(packed), repr(packed), hash(packed)) == (
        len(all_of_them),
        repr(all_of_them),
        hash(all_of_them),
    )
    assert [packed[index] for index in range(-len(packed), len(packed))] == [*all_of_them, *all_of_them]
    for part in (slice(2), slice(1, None), slice(-2, None), slice(None, None, -2)):
        assert packed[part] == all_of_them[part]
    assert (packed == Differences.of(others)) == (all_of_them == others)
    assert (packed == others) == (all_of_them == others)
    assert packed != list(all_of_them)


def test_no_other_is_made_for_one_that_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    packed = Differences.of(Difference(b"%d" % n, "missing", None, None, None, None) for n in range(100))
    made = []

    def counted(*fields: object) -> Difference:
        made.append(fields)
        return Difference(*fields)  # type: ignore[arg-type]

    monkeypatch.setattr(differences_module, "Difference", counted)
    assert [each.path for each in reversed(packed)] == [b"%d" % n for n in range(99, -1, -1)]
    assert packed[-1].path == b"99"
    assert [each.path for each in packed[10:30:5]] == [b"10", b"15", b"20", b"25"]
    assert len(made) == 100 + 1 + 4


def test_of_what_is_packed_there_is_no_second_one() -> None:
    packed = Differences.of([Difference(b"a", "extra", None, None, bytes(32), FileStat(1, 2, 3, 4))])
    assert Differences.of(packed) is packed


def test_in_little_memory() -> None:
    count = 1000
    packed = Differences.of(
        Difference(b"%03d" % n, "modified", bytes(32), n, bytes(32), FileStat(n, n, n, n))
        for n in range(count)
    )
    assert sys.getsizeof(packed.made_of) < 128 * count
