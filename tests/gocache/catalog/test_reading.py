"""Reading a catalog: entries as go reads them, names as all entries together tell them."""

from __future__ import annotations

import os
import tracemalloc
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fastverify.engine.pure.build.entry import parse_entry
from fastverify.gocache.catalog import details
from fastverify.gocache.catalog.compact import Entries, Entry
from fastverify.gocache.catalog.contents import Contents, read_contents
from fastverify.gocache.catalog.naming import name_entries
from fastverify.gocache.catalog.rows import Rows
from tests.gocache.making import MadeCache, World, entry_text

ACTION, OUTPUT = "ab" * 32, "0123456789abcdef" * 4
NUMBERS = st.one_of(
    st.sampled_from([0, 1, 10**17, 10**18, 10**19, (1 << 63) - 1, 1 << 63, 10**20 - 1]),
    st.integers(0, 10**20 - 1),
)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty cache."""
    root: Path = tmp_path_factory.mktemp("reading") / "cache"
    for path in MadeCache(root).root.glob("??/*"):
        path.unlink()
    return root


@given(
    NUMBERS, NUMBERS, st.lists(st.tuples(st.integers(0, 175), st.sampled_from(b"\0 +-0aAf9\n\t")), max_size=2)
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_entries_are_read_as_the_engines_read_them(
    root: Path, size: int, time: int, changes: list[tuple[int, int]]
) -> None:
    text = bytearray(entry_text(ACTION, OUTPUT, size, time))
    for at, byte in changes:
        text[at : at + 1] = bytes([byte])
    (root / "ab" / f"{ACTION}-a").write_bytes(text)
    entry = read_contents(str(root), shards=("ab",)).entries[ACTION]
    parsed = parse_entry(bytes(text), bytes.fromhex(ACTION))
    assert (entry.form, entry.flaw, entry.output) == (parsed.form, parsed.flaw, parsed.output.hex())
    assert (entry.size, entry.written) == (parsed.size, parsed.time)


def test_a_million_entries_fit(tmp_path: Path) -> None:
    """An entry with its output takes little, and what many have in common nothing more."""
    made = MadeCache(tmp_path / "cache")

    def taken(number: int) -> int:
        for one in range(number):
            made.add(b"./a%d.go\n" % (one + 10 * number))
        tracemalloc.start()
        try:
            contents = read_contents(str(made.root))
            rows = Rows(contents, name_entries(contents))
            rows.sort("age")
            assert len(rows) == len(contents.entries) == len(contents.outputs)
            return tracemalloc.get_traced_memory()[0]
        finally:
            tracemalloc.stop()

    before = taken(200)
    assert (taken(2000) - before) / 2000 < 250


ENTRIES = st.builds(
    Entry,
    st.binary(min_size=32, max_size=32).map(bytes.hex),
    st.binary(min_size=32, max_size=32).map(bytes.hex),
    st.integers(0, 1 << 63),
    st.integers(0, (1 << 63) - 1),
    st.integers(-(1 << 70), 1 << 70),
    st.just("canonical"),
    st.just(""),
)


@given(st.lists(ENTRIES, unique_by=lambda entry: entry.action), st.binary(min_size=32, max_size=32))
def test_what_is_kept_is_found_again(listed: list[Entry], other: bytes) -> None:
    """IDs that begin alike, too."""
    alike = [replace(entry, action=entry.action[:16] + entry.action[16:][::-1]) for entry in listed]
    known = {entry.action: entry for entry in [*listed, *alike]}
    entries = Entries()
    for action in sorted(known):
        entries.add(known[action])
    assert list(entries) == sorted(known)
    assert dict(entries) == known
    assert [*entries.values()] == [known[action] for action in sorted(known)]
    assert (other.hex() in entries) == (other.hex() in known)


@pytest.mark.go
def test_one_entry_has_the_name_that_all_together_give_it(
    rich: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = str(rich.cache)
    contents = read_contents(root)
    names = name_entries(contents)
    by_kind: dict[str, str] = {}
    for action, entry in contents.entries.items():
        by_kind.setdefault(contents.outputs[entry.output].identity.kind, action)
    assert len(by_kind) > 10
    reads: list[tuple[str, ...]] = []

    def counted(
        root: str, *, shards: tuple[str, ...] = (), outputs: bool = True, imports: bool = True
    ) -> Contents:
        reads.append(shards)
        return read_contents(root, shards=shards, outputs=outputs) if shards else contents

    monkeypatch.setattr(details, "read_contents", counted)
    for kind, action in by_kind.items():
        reads.clear()
        told = details.details_of_prefix(root, action)
        name = names.get(action)
        expected = f"{name.role} {name.package}".strip() if name is not None else None
        assert told["entry"].get("for") == expected, kind
        # An archive says itself what it is.
        assert kind != "archive" or reads == [(action[:2],)]
    [tested] = [key for key, output in contents.outputs.items() if output.identity.kind == "executable"][:1]
    assert details.details_of_prefix(root, tested)["entries_total"] == len(
        [entry for entry in contents.entries.values() if entry.output == tested]
    )


def test_an_entry_whose_output_is_gone(tmp_path: Path) -> None:
    made = MadeCache(tmp_path / "cache")
    output = made.add(b"gone")
    [action] = [
        entry.action
        for entry in read_contents(str(made.root)).entries.values()
        if entry.output == output.name[:64]
    ]
    os.unlink(output)
    told = details.details_of_prefix(str(made.root), action)
    assert told["output"]["problem"].startswith("it is not there")
