"""Reading go.sum and asking it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastverify.modcache import gosum
from fastverify.modcache.gosum import Line, MalformedLine, SumFile, SumSet, TrustedSums

_A, _B = "h1:" + "A" * 43 + "=", "h1:" + "B" * 43 + "="
_KEY = ("example.com/m", "v1.0.0")


def _parse(text: str | bytes, path: str = "go.sum") -> SumFile:
    return gosum.parse(path, text.encode() if isinstance(text, str) else text)


def test_lines_keep_order_and_number() -> None:
    file = _parse(f"example.com/m v1.0.0 {_B}\n\nexample.com/m v1.0.0 {_A}\nexample.com/m v1.0.0/go.mod {_A}")
    assert file.lines[_KEY] == [Line(_B, 1), Line(_A, 3)]
    assert file.lines["example.com/m", "v1.0.0/go.mod"] == [Line(_A, 4)]
    assert file.malformed == []


@pytest.mark.parametrize(
    "blank", [" ", "\t", "\r", "\v", "\f", "\u00a0", "\u0085", "\u2003", "\u3000", " \t ", "\u2028"]
)
def test_white_space_is_unicodes(blank: str) -> None:
    file = _parse(f"{blank}example.com/m{blank}v1.0.0{blank}{_A}{blank}\n")
    assert file.lines == {_KEY: [Line(_A, 1)]}


@pytest.mark.parametrize("other", ["\x1c", "\x1f", "\u200b", "\ufeff", "\u180e"])
def test_what_go_takes_for_no_white_space(other: str) -> None:
    file = _parse(f"example.com/m{other}v1.0.0 {_A}\n")
    assert file.malformed == [MalformedLine(1, 2)]


def test_byte_order_mark_belongs_to_the_first_path() -> None:
    assert _parse(f"\ufeffexample.com/m v1.0.0 {_A}\n").lines == {
        ("\ufeffexample.com/m", "v1.0.0"): [Line(_A, 1)]
    }


def test_malformed_lines_are_kept_apart() -> None:
    conflict = f"<<<<<<< HEAD\nexample.com/m v1.0.0 {_A}\n=======\nexample.com/m v1.0.0 {_B}\n>>>>>>> a b c\n"
    file = _parse(conflict)
    assert file.malformed == [MalformedLine(1, 2), MalformedLine(3, 1), MalformedLine(5, 4)]
    assert file.lines[_KEY] == [Line(_A, 2), Line(_B, 4)]


def test_hash_of_an_empty_go_mod_is_dropped() -> None:
    assert _parse(f"example.com/m v1.0.0/go.mod {gosum.EMPTY_GO_MOD_H1}\n").lines == {}


@given(st.binary(max_size=200))
def test_every_line_is_accounted_for(content: bytes) -> None:
    file = gosum.parse("go.sum", content)
    kept = sum(len(lines) for lines in file.lines.values())
    assert kept + len(file.malformed) <= content.count(b"\n") + 1
    assert all(line.fields not in (0, 3) for line in file.malformed)


def test_first_h1_of_the_main_file_decides() -> None:
    trusted = SumSet(
        main=_parse(f"example.com/m v1.0.0 h2:x\nexample.com/m v1.0.0 {_B}\nexample.com/m v1.0.0 {_A}\n")
    )
    assert [e.h1 for e in trusted.expectations(_KEY)] == [_B]
    assert trusted.expectations(_KEY)[0].line == 2


def test_unknown_hashes_alone_count_as_none() -> None:
    assert SumSet(main=_parse("example.com/m v1.0.0 h2:x\n")).expectations(_KEY) == []


def test_workspace_asks_its_own_file_first_and_then_every_member() -> None:
    line_a, line_b = f"example.com/m v1.0.0 {_A}\n", f"example.com/m v1.0.0 {_B}\n"
    members = [_parse(line_a, "one"), _parse(line_b, "two")]
    assert [e.h1 for e in SumSet(_parse(line_b, "work"), members).expectations(_KEY)] == [_B]
    assert [(e.h1, e.file) for e in SumSet(_parse("", "work"), members).expectations(_KEY)] == [
        (_A, "one"),
        (_B, "two"),
    ]


def test_conflicts_name_both_lines() -> None:
    file = _parse(f"example.com/m v1.0.0 {_A}\nexample.com/m v1.0.0 {_A}\nexample.com/m v1.0.0 {_B}\n")
    assert gosum.conflicts(file) == [(_KEY, Line(_A, 1), Line(_B, 3))]


def test_trusted_sums_of_several_projects() -> None:
    one = SumSet(_parse(f"example.com/m v1.0.0 {_A}\n", "one"))
    two = SumSet(_parse(f"example.com/m v1.0.0 {_B}\nexample.com/m v1.0.0/go.mod {_A}\n", "two"))
    sums = TrustedSums([one, two])
    assert [(e.h1, e.file) for e in sums.of_module(*_KEY)] == [(_A, "one"), (_B, "two")]
    assert [e.file for e in sums.of_go_mod(*_KEY)] == ["two"]
    assert sums.of_module("example.com/other", "v1.0.0") == []
    assert not TrustedSums()
