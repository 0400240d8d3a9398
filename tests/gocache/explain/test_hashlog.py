"""Reading hash logs: any writes, whole, mixed, cut off, or made up."""

from __future__ import annotations

import io
import random
import time
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastverify.errors import FastverifyError
from fastverify.gocache.explain.actions import actions_of
from fastverify.gocache.explain.compare import compare
from fastverify.gocache.explain.goquote import unquote, words
from fastverify.gocache.explain.hashlog import digest_of, parse_hash_log, read_hash_log, subkey
from fastverify.gocache.explain.inputs import inputs_of
from fastverify.gocache.explain.present import as_document, as_text
from fastverify.gocache.explain.words import explained
from tests.gocache.explain.quoting import go_quote

SALT = b"go1.26.8"
# Go makes no empty write; it would leave no trace in a sum.
writes = st.lists(st.binary(min_size=1, max_size=30).filter(lambda write: write != SALT), max_size=6)
names = st.sampled_from(["build a", "build a [a.test]", "testInputs", "link ]: x", "gccCompilerID"])


def block_lines(name: str, parts: Sequence[bytes], salt: bytes = SALT) -> list[bytes]:
    """A block as ``hash.go`` writes it."""
    whole = [salt, *parts]
    lines = [f"HASH[{name}]".encode()]
    lines += [f"HASH[{name}]: ".encode() + go_quote(part) for part in whole]
    return [*lines, f"HASH[{name}]: {digest_of('', whole)}".encode()]


@given(st.lists(st.tuples(names, writes), max_size=8))
def test_blocks_come_back(blocks: list[tuple[str, list[bytes]]]) -> None:
    lines = [line for name, parts in blocks for line in block_lines(name, parts)]
    log = parse_hash_log(lines)
    assert [(block.name, list(block.writes)) for block in log.blocks] == blocks
    assert {block.salt for block in log.blocks} <= {"go1.26.8"}
    assert (log.unproved, log.unfinished, log.other_lines) == ({}, 0, 0)


@given(st.lists(writes, min_size=2, max_size=3), st.randoms(use_true_random=False))
@settings(max_examples=60)
def test_blocks_of_one_name_that_mix(blocks: list[list[bytes]], shuffle: random.Random) -> None:
    """Whatever is told of mixed lines is right, and each sum is told of or counted."""
    waiting = [block_lines("testInputs", parts) for parts in blocks]
    mixed: list[bytes] = []
    while any(waiting):
        mixed.append(shuffle.choice([lines for lines in waiting if lines]).pop(0))
    log = parse_hash_log(mixed)
    sums = {digest_of("", [SALT, *parts]): parts for parts in blocks}
    for block in log.blocks:
        # Where one write ends and the next begins is not hashed.
        assert b"".join(block.writes) == b"".join(sums[block.sum])
    assert len(log.blocks) + sum(log.unproved.values()) == len(blocks)


def test_two_folders_that_mix() -> None:
    """As the go command's own workers do it with the files of two folders."""
    folders = [
        [
            f"modroot /m{number}\n".encode(),
            f"package /m{number}/p\n".encode(),
            *(f"file {name} t 1\n".encode() for name in names_of),
        ]
        for number, names_of in enumerate([["a.go", "c.go", "e.go"], ["b.go", "c.go", "d.go"]])
    ]
    first, second = (block_lines("moduleIndex", parts) for parts in folders)
    mixed = [line for pair in zip(first, second, strict=True) for line in pair]
    log = parse_hash_log(mixed)
    assert sorted(list(block.writes) for block in log.blocks) == sorted(folders)
    assert log.unproved == {}


@pytest.mark.parametrize("first_ends", [False, True])
def test_a_folder_that_begins_before_another_is_read_whole(first_ends: bool) -> None:
    """Each block is left the salt that it began with, whichever ends first."""
    first = block_lines("moduleIndex", [b"module index go1.26.8 go index v2 /a\n", b"file a.go t 1\n"])
    second = block_lines("moduleIndex", [b"modroot /m\n", b"package /m/p\n", b"file b.go t 1\n"])
    third = block_lines("moduleIndex", [b"modroot /n\n", b"package /n/p\n", b"file c.go t 1\n"])
    begun, rest = first[:3], first[3:]
    mixed = [*begun, *second[:3], *rest, *second[3:]] if first_ends else [*begun, *second, *third, *rest]
    log = parse_hash_log(mixed)
    assert log.unproved == {}
    assert len(log.blocks) == (2 if first_ends else 3)
    assert {block.salt for block in log.blocks} == {"go1.26.8"}


@given(st.lists(st.sampled_from([b"modroot /m\n", b"package a\n", b"file a t 1\n", b"file", SALT, b"x"])))
def test_any_lines_of_folders_can_be_read(parts: list[bytes]) -> None:
    lines = block_lines("moduleIndex", parts, salt=b"package cut off")
    mixed = [
        line for pair in zip(lines, block_lines("moduleIndex", parts[::-1]), strict=True) for line in pair
    ]
    log = parse_hash_log(mixed)
    assert len(log.blocks) + sum(log.unproved.values()) == 2


def test_a_block_that_never_ends_does_not_hide_the_next() -> None:
    lost = block_lines("moduleIndex", [b"modroot /lost\n", b"package /lost\n", b"file a t 1\n"])[:-1]
    kept = block_lines("moduleIndex", [b"modroot /kept\n", b"package /kept\n", b"file a t 1\n"])
    log = parse_hash_log([*lost, *kept])
    assert [block.writes[0] for block in log.blocks] == [b"modroot /kept\n"]
    assert log.unfinished == 1


def test_a_changed_line_proves_nothing() -> None:
    lines = block_lines("build p", [b"compile\n", b"file a.go AAAAAAAAAAAAAAAAAAAA\n"])
    lines[-2] = lines[-2].replace(b"AAAA", b"BBBB")
    log = parse_hash_log(lines)
    assert log.blocks == []
    assert log.unproved == {"build p": 1}


def test_the_compilers_block_goes_on_after_its_sum() -> None:
    first, second = b'gccCompilerID "/usr/bin/gcc"', b'gccCompilerID ["/usr/bin/gcc"] "13"\n'
    lines = block_lines("gccCompilerID", [first])
    lines.append(b"HASH[gccCompilerID]: " + go_quote(second))
    lines.append(f"HASH[gccCompilerID]: {digest_of('', [SALT, first, second])}".encode())
    log = parse_hash_log([*lines, *block_lines("gccCompilerID", [b"other"])])
    assert [block.writes for block in log.blocks] == [(first,), (first, second), (b"other",)]
    assert log.unproved == {}


def test_lines_that_others_put_words_before() -> None:
    lines = [b"2026-11-21T15:00:00.0000000Z " + line for line in block_lines("build p", [b"compile\n"])]
    lines.insert(1, b"# example.com/p")
    lines.insert(2, b"./main.go:3:1: HASHes are no log")
    log = parse_hash_log(lines)
    assert [block.name for block in log.blocks] == ["build p"]
    assert log.other_lines == 2


def test_subkeys_and_files() -> None:
    parent = "ab" * 32
    good, bad = subkey(parent, 'a "b"'), "cd" * 32
    log = parse_hash_log(
        [
            f'HASH subkey {parent} "a \\"b\\"" = {good}'.encode(),
            f'HASH subkey {parent} "stdout" = {bad}'.encode(),
            f"HASH /a b: c/file.go: {bad}".encode(),
            b"HASH /gone: open /gone: no such file or directory",
        ]
    )
    assert log.subkeys == {good: (parent, 'a "b"')}
    assert log.false_subkeys == 1
    assert log.files == {"/a b: c/file.go": bad}


def test_long_lines_take_no_long_time() -> None:
    """Each would take hours where a pattern or a loop went over the line once more for each quote."""
    many = b'\\"\\" ' * 100_000
    lines = [
        b"HASH[" + b']: "' * 300_000,
        *block_lines("build p", [])[:-1],
        b'HASH[build p]: "CC=[' + many[:-1] + b'] []"',
        b'HASH[build p]: "compile x [' + many + b'"',
    ]
    whole = [SALT, b"CC=[" + b'"" ' * 99_999 + b'""] []', b"compile x [" + b'"" ' * 100_000]
    log = parse_hash_log([*lines, f"HASH[build p]: {digest_of('', whole)}".encode()])
    (block,) = log.blocks
    assert inputs_of(block)


def test_many_mixed_lines_take_no_long_time() -> None:
    """Sums that fit nothing, over lines that all look alike; and what comes after them is still read."""
    lines = [b"HASH[open]"] * 3000
    for number in range(3000):
        lines += [b'HASH[open]: "go1.26.8"', b'HASH[open]: "stat"', f"HASH[open]: {number:064x}".encode()]
    began = time.monotonic()
    log = parse_hash_log([*lines, *block_lines("open", [b"stat\n"]), *block_lines("other", [b"x"])])
    assert time.monotonic() - began < 30
    assert log.unproved == {"open": 3000}
    assert [block.name for block in log.blocks] == ["open", "other"]


def test_another_release_is_one_cause() -> None:
    """Other imports, files and tools come with another release of Go, and are not told as causes."""
    logs = []
    for salt, imported in (("go1.21.13", "old"), ("go1.23.12", "new")):
        blocks = {
            "build top": [
                b'omitdebug false standard true local false prefix ""\n',
                f"compile compile version {salt} [] []\n".encode(),
                f"file top.go {salt:A<20}\n".encode(),
                f"import {imported} {'B' * 20}\n".encode(),
            ],
            f"build {imported}": [b'omitdebug false standard true local false prefix ""\n'],
        }
        lines = [line for name, parts in blocks.items() for line in block_lines(name, parts, salt.encode())]
        logs.append(parse_hash_log(lines))
    comparison = compare(*(actions_of(log) for log in logs))
    assert [cause.change.kind for cause in comparison.causes if cause.change] == ["go-version"]
    assert len(comparison.causes) == 1
    assert (comparison.only_before, comparison.only_after) == (("build old",), ("build new",))


def test_an_import_more_is_told_where_nothing_else_is() -> None:
    logs = [
        parse_hash_log(block_lines("build p", [f"import {name} {'A' * 20}\n".encode() for name in imports]))
        for imports in (["a"], ["a", "b"])
    ]
    comparison = compare(*(actions_of(log) for log in logs))
    (cause,) = comparison.causes
    assert explained(cause) == "the import of b was added"


def test_equal_inputs_and_another_result() -> None:
    """The import gave another result, though nothing that go hashes for it differs."""
    logs = [
        parse_hash_log(
            [
                *block_lines("build low", [b"compile\n"]),
                *block_lines("build top", [f"import low {mark * 20}\n".encode()]),
            ]
        )
        for mark in "AB"
    ]
    comparison = compare(*(actions_of(log) for log in logs))
    (cause,) = comparison.causes
    assert (cause.change, cause.where) == (None, ("build low",))
    assert "gave another result from equal inputs" in explained(cause)


def test_what_is_no_log() -> None:
    with pytest.raises(FastverifyError, match="GODEBUG=gocachehash=1"):
        read_hash_log(io.BytesIO(b"ok  \texample.com/p\t0.1s\n"), "x.log")


@given(st.binary(max_size=40))
def test_quoting(data: bytes) -> None:
    assert unquote(go_quote(data)) == data


@given(st.text(max_size=10))
def test_quoting_of_any_character(text: str) -> None:
    data = text.encode("utf-8", "surrogatepass")
    assert unquote(go_quote(data)) == data


def test_small_and_capital_letters_differ_in_quotes() -> None:
    assert unquote(rb'"\u2028\U000400001"') == "\u2028\U000400001".encode()
    assert unquote(rb'"\N"') is None


@pytest.mark.parametrize("quoted", [b"", b'"', b'"a', b'a"', rb'"\q"', rb'"\x1"', rb'"\ud800"', b'"a"b"'])
def test_what_go_does_not_quote_so(quoted: bytes) -> None:
    assert unquote(quoted) is None


def test_lists_of_words() -> None:
    assert words(b"[]") == []
    assert words(rb'["a b" "c\"]"]') == ["a b", 'c"]']
    assert words(b'["a""b"]') is None
    assert words(b'["a" ]') is None


lines_of_any_kind = st.lists(
    st.one_of(
        st.binary(max_size=60),
        st.sampled_from(
            [
                b"HASH[build p]",
                b'HASH[build p]: "go1.26.8"',
                b'HASH[build p]: "import q AAAAAAAAAAAAAAAAAAAA\\n"',
                b'HASH[build p]: "modinfo \\"\\n"',
                b'HASH[build p]: "CC=[\\"a\\" [\\n"',
                b'HASH[build p]: "compile x [[\\n"',
                b"HASH[build p]: " + b"0" * 64,
                b"HASH subkey x",
            ]
        ),
    ),
    max_size=30,
)


@given(lines_of_any_kind)
def test_nothing_in_a_log_escapes(lines: list[bytes]) -> None:
    log = parse_hash_log(lines)
    assert log.lines + log.other_lines == len(lines)


@given(st.lists(st.binary(max_size=50)), st.lists(st.binary(max_size=50)))
def test_any_writes_can_be_compared(first: list[bytes], second: list[bytes]) -> None:
    logs = [parse_hash_log(block_lines("build p", parts)) for parts in (first, second)]
    for log in logs:
        for block in log.blocks:
            assert inputs_of(block)
    comparison = compare(*(actions_of(log) for log in logs))
    named = dict(zip(["a", "b"], logs, strict=True))
    assert all(line.isprintable() for line in as_text(comparison, named, verbose=True))
    assert as_document(comparison, named)["equal"] == comparison.equal


@given(
    st.lists(
        st.sampled_from(
            [
                "file a.go {}\n",
                "import q {}\n",
                "dir /{}\n",
                'modinfo "build\\t-tags={}\\n"\n',
                'CC=["gcc"] ["{}"] [] []\n',
                'pkg "{}"\n',
                "packagefile q={}\n",
            ]
        ),
        min_size=1,
        unique=True,
    ),
    st.data(),
)
def test_what_differs_is_named(forms: list[str], data: st.DataObject) -> None:
    """Two builds with one other write each time: it alone is told."""
    value = "A" * 20
    changed = data.draw(st.sampled_from(forms))
    logs = [
        parse_hash_log(
            block_lines(
                "build p", [form.format(other if form == changed else value).encode() for form in forms]
            )
        )
        for other in (value, "B" * 20)
    ]
    comparison = compare(*(actions_of(log) for log in logs))
    (difference,) = comparison.differences
    assert len(difference.changes) + len(difference.derived) == 1
