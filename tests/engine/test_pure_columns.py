"""The columns in which the pure engine keeps what it knows of very many files."""

from __future__ import annotations

import errno
import os
import random
from io import FileIO
from itertools import accumulate
from pathlib import Path

import pytest

from fastverify import name_column
from fastverify.engine.protocol import Fault, FaultCode, FileStat
from fastverify.engine.pure import digest_column, gravest, odd_files, pair_columns
from fastverify.engine.pure.contents import Reason
from fastverify.engine.pure.digest_column import DigestColumn
from fastverify.engine.pure.gravest import LISTED_FIRST, Changes
from fastverify.engine.pure.odd_files import OddFiles
from fastverify.engine.pure.pair_columns import (
    DIFFERS,
    HAS_STAT,
    ODD_MODE,
    FaultColumn,
    FewStats,
    PairColumns,
    pack_stat,
    unpack_stat,
)
from fastverify.engine.pure.tree_listing import DirectoryFaults
from fastverify.spool import temporary_file

DIGESTS = [bytes([number]) * 32 for number in range(1, 100)]


def stat_of(number: int) -> FileStat:
    return FileStat(number, number, number, 0o100644)


@pytest.mark.parametrize("many", [0, 9, 10, 11, 20, 21, 95])
def test_the_gravest_are_listed(many: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gravest, "MAX_DIFFERENCES", 10)
    changes = Changes(2 * many)
    found = [(2 * number, LISTED_FIRST[number % 5]) for number in range(many)]
    for pair, change in found:
        changes.set(pair, change)
    inorder = sorted(found, key=lambda each: (LISTED_FIRST.index(each[1]), each[0]))
    listed, more = changes.gravest(lambda pair: b"%03d" % pair)
    assert list(listed) == sorted(pair for pair, _ in inorder[:10])
    assert more == max(many - 10, 0)
    assert [changes.get(pair) for pair, _ in found] == [change for _, change in found]


@pytest.mark.parametrize("room", [0, 3, 29, 30, 100, 1000])
def test_few_bytes_of_paths_are_listed(room: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gravest, "MAX_DIFFERENCES_BYTES", room)
    paths = [b"%02d" % at + b"x" * (at * 7 % 11) for at in range(60)]
    changes = Changes(60)
    for at in range(60):
        changes.set(at, LISTED_FIRST[at % 5])
    inorder = sorted(range(60), key=lambda at: (at % 5, at))
    fit = sum(total <= room for total in accumulate(len(paths[at]) for at in inorder))
    listed, more = changes.gravest(paths.__getitem__)
    assert (list(listed), more) == (sorted(inorder[:fit]), 60 - fit)


def test_stats_are_given_back() -> None:
    # Before 1970, and beyond what 64 bits of nanoseconds can say.
    early, late = FileStat(0, -1, 0, 0o100644), FileStat(1 << 40, (1 << 64) + 7, (1 << 32) - 2, 0o104755)
    assert [unpack_stat(pack_stat(each)) for each in (early, late)] == [early, late]


def test_no_more_stats_are_held_than_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pair_columns, "MAX_DIFFERENCES", 8)
    stats = FewStats()
    every = [(rank, pair) for rank in range(5) for pair in range(20)]
    random.Random(1).shuffle(every)
    for rank, pair in every:
        stats.set(rank, pair, stat_of(100 * rank + pair))
        assert len(stats._packed) <= 10
    assert [stats.get(0, pair) for pair in range(8)] == [stat_of(pair) for pair in range(8)]
    assert stats.get(4, 19) is None


def test_pairs_give_back_what_was_noted() -> None:
    columns = PairColumns(4)
    columns.set_digests(0, DIGESTS[0] + DIGESTS[1])
    columns.set_digests(2, DIGESTS[2] + DIGESTS[3])
    before = columns.differ
    columns.set_differing(2, DIGESTS[6])
    columns.set_flags(2, HAS_STAT)
    columns.set_flags(0, ODD_MODE)
    assert (before, columns.differ) == (False, True)
    assert [columns.digest(pair) for pair in range(4)] == DIGESTS[:4]
    assert [columns.file_digest(pair) for pair in range(4)] == [*DIGESTS[:2], DIGESTS[6], DIGESTS[3]]
    assert [columns.flags(pair) for pair in range(4)] == [ODD_MODE, 0, DIFFERS | HAS_STAT, 0]


@pytest.mark.parametrize("in_memory", [0, 1000])
@pytest.mark.parametrize("window", [1, 3, 1000])
def test_digests_are_given_back(in_memory: int, window: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digest_column, "_IN_MEMORY", in_memory)
    monkeypatch.setattr(digest_column, "_WINDOW", window)
    column = DigestColumn(20)
    assert column.get(19) == bytes(32)
    column.set(3, b"".join(DIGESTS[3:7]))
    assert column.get(4) == DIGESTS[4]
    column.set(4, DIGESTS[50])
    expected = [bytes(32)] * 3 + [DIGESTS[3], DIGESTS[50], *DIGESTS[5:7]] + [bytes(32)] * 13
    assert [column.get(number) for number in range(20)] == expected
    assert (column._file is not None) == (in_memory == 0)


def nine_digests(monkeypatch: pytest.MonkeyPatch, kind: type[FileIO] | None) -> DigestColumn:
    """A column that was given nine digests and has them, with a temporary file of this kind, or none."""

    def file_of_the_kind() -> FileIO:
        if kind is None:
            raise FileNotFoundError
        with temporary_file() as file:
            return kind(os.dup(file.fileno()), "rb+")

    monkeypatch.setattr(digest_column, "_IN_MEMORY", 0)
    monkeypatch.setattr(digest_column, "temporary_file", file_of_the_kind)
    column = DigestColumn(9)
    for number in range(9):
        column.set(number, DIGESTS[number])
    assert [column.get(number) for number in range(9)] == DIGESTS[:9]
    return column


def test_digests_where_no_file_can_be_made(monkeypatch: pytest.MonkeyPatch) -> None:
    assert nine_digests(monkeypatch, None)._memory is not None


@pytest.mark.parametrize("room", [0, 2])
def test_digests_for_which_there_is_no_room(room: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a disk that gets full: what is there already is kept."""
    left = room

    class Full(FileIO):
        def write(self, body: bytes) -> int:  # type: ignore[override]
            nonlocal left
            left -= 1
            if left < 0:
                return super().write(body[:5])
            return super().write(body)

    assert nine_digests(monkeypatch, Full)._memory is not None


def test_digests_where_no_file_may_be_so_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """As with a limit on the size of files."""

    class Short(FileIO):
        def truncate(self, size: int | None = None) -> int:
            raise OSError(errno.EFBIG, os.strerror(errno.EFBIG), size)

    assert nine_digests(monkeypatch, Short)._memory is not None


def test_a_file_that_has_lost_digests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digest_column, "_IN_MEMORY", 0)
    column = DigestColumn(9)
    column.set(0, DIGESTS[0])
    assert column._file is not None
    column._file.truncate(0)
    with pytest.raises(OSError, match="not there any more"):
        column.get(0)


@pytest.mark.parametrize("block", [1, 3, 1024])
def test_fault_columns_give_back_what_was_noted(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pair_columns, "_BLOCK", block)
    faults = FaultColumn(5)
    assert (list(faults.all()), 3 in faults) == ([], False)
    reasons: dict[int, Reason] = {4: ("os", 13), 1: ("zip-eof", 0), 3: ("os", 2)}
    for pair, reason in reasons.items():
        faults.set(pair, reason)
    assert list(faults.all()) == sorted(reasons.items())
    assert [pair in faults for pair in range(5)] == [False, True, False, True, True]


def test_odd_files_give_back_what_was_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(odd_files, "MAX_DIFFERENCES", 2)
    none = OddFiles(0)
    assert (bool(none), none.is_marked(7), list(none.faults())) == (False, False, [])
    link, regular = FileStat(1, 1, 1, 0o120777), stat_of(1)
    odd = OddFiles(6)
    code: FaultCode = "link-outside"
    odd.set(4, link, b"target", None)
    odd.set(2, link, None, Fault(code))
    odd.set(1, link, b"target", None)
    odd.set(0, regular, b"itself", None)
    odd.set(3, None, None, Fault("os", b"", 36))
    assert [odd.is_marked(number) for number in range(6)] == [True] * 5 + [False]
    assert [odd.is_irregular(number) for number in range(6)] == [False, True, True, False, True, False]
    assert [odd.leads(number) for number in range(6)] == [True, True, False, False, True, False]
    assert [odd.stat(number) for number in range(5)] == [None, None, link, None, link]
    assert list(odd.faults()) == [(2, (code, 0)), (3, ("os", 36))]


@pytest.mark.parametrize("run", [1, 1000])
def test_what_is_in_directories_that_cannot_be_listed(run: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(name_column, "_RUN", run)
    faults = DirectoryFaults()
    assert (faults.first(), faults.hidden()(b"a")) == (None, False)
    # One in another: that could be listed in part.
    for number, path in enumerate([b"d", b"b/c", b"a-", b"a", b"a/b", b"d/x/y"]):
        faults.add(path, number)
    assert faults.first() == Fault("os", b"a", 3)
    assert {fault.name: fault.errno for fault in faults} == {
        b"d": 0,
        b"b/c": 1,
        b"a-": 2,
        b"a": 3,
        b"a/b": 4,
        b"d/x/y": 5,
    }
    hidden = faults.hidden()
    there = [b"a", b"a/b", b"a/c/d", b"a-/x", b"b/c", b"b/c/d", b"d/x/y/z", b"d/z"]
    assert [path for path in there if not hidden(path)] == []
    apart = [b"", b"a.", b"a--", b"a0", b"b", b"b/cc", b"b/b", b"c", b"d-", b"dd", b"e"]
    assert [path for path in apart if hidden(path)] == []


def test_no_temporary_file_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digest_column, "_IN_MEMORY", 0)
    monkeypatch.setenv("TMPDIR", os.fspath(tmp_path))
    column = DigestColumn(9)
    column.set(0, DIGESTS[0])
    assert column._file is not None
    descriptor = column._file.fileno()
    del column
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(OSError, match="descriptor"):
        os.fstat(descriptor)
