"""``fastverify gocache ls``, ``show`` and ``stats``."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fastverify.gocache.catalog.contents import opened, read_contents
from fastverify.gocache.catalog.naming import Name, name_entries
from fastverify.gocache.catalog.rows import ORDERS, Row, age, chosen
from fastverify.gocache.catalog.statistics import statistics_of
from fastverify.gocache.identify.goarchive import read_archive
from tests.cli.conftest import Fastverify, fastverify
from tests.gocache.making import HIGH, LOW, OTHER, World, entry_fields, entry_text

__all__ = ["fastverify"]
pytestmark = pytest.mark.go

HOUR, DAY = 3600 * 10**9, 86400 * 10**9


def _ls(fastverify: Fastverify, *arguments: str | os.PathLike[str]) -> list[dict[str, Any]]:
    status, out, err = fastverify("gocache", "ls", "--json", *arguments)
    assert (status, err) == (0, "")
    found: list[dict[str, Any]] = json.loads(out)["entries"]
    return found


def test_every_entry_and_output_has_its_row(fastverify: Fastverify, small: World) -> None:
    rows = _ls(fastverify, small.cache)
    actions = {path.name[:64] for path in small.cache.glob("??/*-a")}
    outputs = {path.name[:64] for path in small.cache.glob("??/*-d")}
    assert {row["action"] for row in rows} == actions
    assert {row["output"] for row in rows} == outputs
    by_action = {row["action"]: row for row in rows}
    for path, package in small.packages.items():
        row = by_action[package.action]
        _, output, size, written = entry_fields(package.entry_path)
        assert (row["package"], row["kind"], row["role"]) == (path, "archive", "build")
        assert (row["output"], row["size"], row["written_ns"]) == (output, size, written)
        assert row["used_ns"] == package.entry_path.stat().st_mtime_ns


def test_choosing_and_sorting(fastverify: Fastverify, small: World) -> None:
    rows = _ls(fastverify, small.cache, "--kind", "archive", "--package", "example.com/m/...")
    assert {row["package"] for row in rows} == {LOW, HIGH, OTHER}
    sizes = [row["size"] for row in _ls(fastverify, small.cache, "--sort", "size")]
    assert sizes == sorted(sizes, reverse=True)
    written = [row["written_ns"] for row in _ls(fastverify, small.cache)]
    assert written == sorted(written, reverse=True)
    _, out, _ = fastverify("gocache", "ls", "--kind", "archive", "--package", LOW, small.cache)
    titles, line = out.splitlines()
    assert titles.split() == ["ACTION", "AGE", "SIZE", "KIND", "OS/ARCH", "GO", "PACKAGE"]
    assert line.startswith(small.packages[LOW].action[:12])
    assert line.endswith(LOW)


def test_patterns() -> None:
    rows = [Row("", "", "archive", 0, 0, 0, Name("build", package)) for package in ("a", "a/b", "ab", "")]

    def packages(pattern: str) -> list[str]:
        return [row.name.package for row in rows if chosen(row, (), pattern)]

    assert packages("a") == ["a"]
    assert packages("a/...") == ["a", "a/b"]
    assert packages("a*") == ["a", "a/b", "ab"]


#: What the rows of each order are sorted by; equal ones keep their order, that of actions or outputs.
SORTED_BY: dict[str, Callable[[dict[str, Any]], tuple[Any, ...]]] = {
    "age": lambda row: (-row["written_ns"], row["action"]),
    "used": lambda row: (-row["used_ns"], row["action"]),
    "size": lambda row: (-row["size"], row["action"]),
    "kind": lambda row: (row["kind"], row["package"], -row["written_ns"], row["action"]),
    "package": lambda row: (row["package"] == "", row["package"], row["role"], -row["written_ns"]),
}


@pytest.mark.parametrize("order", ORDERS)
def test_orders(fastverify: Fastverify, world: World, order: str) -> None:
    """Of entries and of outputs without one, some of them with equal times."""
    entries = sorted(world.cache.glob("??/*-a"))
    for path in entries[::3]:
        os.utime(path, ns=(0, 10**18))
    # Several entries may name one output: it is without an entry when none of them is left.
    named = Counter(entry_fields(path)[1] for path in entries)
    named_once = [path for path in entries if named[entry_fields(path)[1]] == 1]
    for path in named_once[:3]:
        path.write_bytes(b"")
    world.packages[OTHER].entry_path.unlink()
    os.utime(world.packages[LOW].output_path, ns=(0, -(10**9)))
    rows = _ls(fastverify, world.cache, "--sort", order)
    first = sorted((row for row in rows if row["action"]), key=lambda row: row["action"])
    without = sorted((row for row in rows if not row["action"]), key=lambda row: row["output"])
    assert len(first) > 10
    assert len(without) > 2
    assert rows == sorted([*first, *without], key=SORTED_BY[order])


def test_what_go_would_not_take(fastverify: Fastverify, world: World) -> None:
    low, high, other = (world.packages[path] for path in (LOW, HIGH, OTHER))
    low.entry_path.write_bytes(b"v1 nonsense\n")
    high.output_path.unlink()
    other.entry_path.unlink()
    rows = _ls(fastverify, world.cache)
    by_action = {row["action"]: row for row in rows if row["action"]}
    assert by_action[low.action]["kind"] == "malformed"
    assert by_action[high.action]["kind"] == "missing"
    orphans = {row["output"]: row for row in rows if not row["action"]}
    assert {low.output, other.output} <= set(orphans)
    assert orphans[other.output]["package"] == OTHER


def test_strange_things_are_not_followed(fastverify: Fastverify, world: World, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b"# secret\n")
    name = hashlib.sha256(b"# secret\n").hexdigest()
    (world.cache / name[:2] / f"{name}-d").symlink_to(secret)
    (world.cache / "aa" / f"{'aa' * 32}-a").symlink_to(secret)
    os.mkfifo(world.cache / "ab" / f"{'ab' * 32}-d")
    os.mkfifo(world.cache / "ab" / f"{'ab' * 32}-a")
    (world.cache / "ac" / f"{'ac' * 32}-d").mkdir()
    (world.cache / "ad" / f"{'ae' * 32}-d").write_bytes(b"in the wrong shard")
    (world.cache / "af" / f"{'AF' * 32}-d").write_bytes(b"in capitals")
    (world.cache / "trim.txt").unlink()
    os.mkfifo(world.cache / "trim.txt")
    status, out, err = fastverify("gocache", "ls", "--json", world.cache)
    rows = {row["output"]: row for row in json.loads(out)["entries"]}
    assert (status, "4 files of" in err) == (0, True)
    assert "ae" * 32 not in rows
    assert "AF" * 32 not in rows
    for output in (name, "ab" * 32, "ac" * 32):
        assert (rows[output]["kind"], rows[output]["package"]) == ("unknown", "")
    assert fastverify("gocache", "stats", world.cache).status == 0
    for output in (name, "ac" * 32):
        status, out, _ = fastverify("gocache", "show", output, "--cache", world.cache)
        assert status == 0
        assert "problem: " in out
        assert "secret" not in out


def test_nothing_is_written(fastverify: Fastverify, world: World) -> None:
    def times() -> dict[Path, tuple[int, int]]:
        return {path: (path.stat().st_mtime_ns, path.stat().st_size) for path in world.cache.rglob("*")}

    before = times()
    for command in (["ls"], ["stats"]):
        assert fastverify("gocache", *command, world.cache).status == 0
    assert fastverify("gocache", "show", world.packages[LOW].action, "--cache", world.cache).status == 0
    assert times() == before


def test_show_by_each_of_its_names(fastverify: Fastverify, small: World) -> None:
    package = small.packages[LOW]
    for what in (package.action, package.output, package.action[:16].upper()):
        status, out, err = fastverify("gocache", "show", "--json", "--cache", small.cache, what)
        assert (status, err) == (0, "")
        shown = json.loads(out)
        assert (shown["kind"], shown["package"], shown["folder"]) == (
            "archive",
            LOW,
            str(small.project / "low"),
        )
        assert shown["build_id"]["content_agrees"] is True
        assert shown["build_id"]["action_agrees_with_entry"] is True
    _, out, _ = fastverify("gocache", "show", "--json", package.output_path)
    assert json.loads(out)["package"] == LOW
    _, out, _ = fastverify("gocache", "show", "--json", package.entry_path)
    assert json.loads(out)["entry"]["output"] == package.output


def test_show_tells_of_damage(fastverify: Fastverify, world: World) -> None:
    low, high = world.packages[LOW], world.packages[HIGH]
    data = low.output_path.read_bytes()
    low.output_path.write_bytes(data.replace(b"original", b"0riginal"))
    _, out, _ = fastverify("gocache", "show", "--json", "--cache", world.cache, low.action)
    assert json.loads(out)["build_id"]["content_agrees"] is False
    # An entry that names another package's archive.
    _, output, size, written = entry_fields(low.entry_path)
    high.entry_path.write_bytes(entry_text(high.action, output, size, written))
    _, out, _ = fastverify("gocache", "show", "--json", "--cache", world.cache, high.action)
    assert json.loads(out)["build_id"]["action_agrees_with_entry"] is False


def test_what_an_archive_was_compiled_from(fastverify: Fastverify, world: World) -> None:
    """Where another archive stands in for it, its importers still have the fingerprint of the first."""
    document = json.loads(fastverify("gocache", "stats", "--json", world.cache).out)
    assert document["imported_builds"] > 0
    assert document["imported_builds_missing"] == []
    assert "Imports" not in fastverify("gocache", "stats", world.cache).out
    low = world.packages[LOW]
    with opened(str(low.output_path)) as archive:
        mark = read_archive(archive).fingerprint.hex()
    source = world.project / "low" / "low.go"
    kept = source.read_text()
    source.write_text(kept.replace("original", "outdated"))
    try:
        newer = world.package(LOW)
    finally:
        source.write_text(kept)
        os.utime(source, (1_600_000_000, 1_600_000_000))
    low.output_path.unlink()
    document = json.loads(fastverify("gocache", "stats", "--json", world.cache).out)
    assert newer.output_path.exists()
    assert document["imported_builds_missing"] == [{"package": LOW, "fingerprint": mark, "importer": HIGH}]
    out = fastverify("gocache", "stats", world.cache).out
    assert f"  {mark}  {LOW}, imported by {HIGH}\n" in out


@pytest.mark.parametrize("what", ["ffffffffffffffffffff", "0", "zz", "", "/nowhere/x-d", os.devnull])
def test_show_what_is_not_there(fastverify: Fastverify, small: World, what: str) -> None:
    status, out, err = fastverify("gocache", "show", "--cache", small.cache, what)
    assert (status, out) == (2, "")
    assert err.startswith("fastverify: error: ")
    assert err.count("\n") == 1


def test_a_huge_program_is_not_hashed(fastverify: Fastverify, tmp_path: Path) -> None:
    """What it is, its beginning says."""
    path = tmp_path / "program"
    mark = b'\xff Go build ID: "a/b"\n \xff'
    path.write_bytes(b"\0asm\1\0\0\0" + mark)
    os.truncate(path, 100 << 30)
    begun = time.monotonic()
    status, out, _ = fastverify("gocache", "show", "--json", path)
    assert time.monotonic() - begun < 10
    assert status == 0
    assert json.loads(out)["build_id"]["content_problem"] == "it is larger than 4 GiB, and was not read"


def test_an_ambiguous_beginning(fastverify: Fastverify, world: World) -> None:
    action = world.packages[LOW].action
    other = action[:10] + ("0" if action[10] != "0" else "1") * 54
    (world.cache / other[:2] / f"{other}-d").write_bytes(b"x")
    status, _, err = fastverify("gocache", "show", "--cache", world.cache, action[:10])
    assert status == 2
    assert f"2 IDs begin with {action[:10]}" in err
    assert fastverify("gocache", "show", "--cache", world.cache, action[:11]).status == 0


def test_sums(small: World) -> None:
    contents = read_contents(str(small.cache))
    now = time.time_ns()
    found = statistics_of(contents, name_entries(contents), now)
    sizes = [path.stat().st_size for path in small.cache.glob("??/*-d") if path.is_file()]
    assert (found.outputs.files, found.outputs.bytes) == (len(sizes), sum(sizes))
    for by in (found.by_kind, found.by_package, found.by_age):
        assert sum(one.bytes for one in by.values()) == sum(sizes)
    assert found.by_package[LOW].bytes >= small.packages[LOW].output_path.stat().st_size
    assert found.biggest[0][0] == max(sizes)
    assert found.trim_now.files == 0


def test_what_trim_removes_is_what_go_removes(world: World) -> None:
    """Go itself trims a cache of which a part is old; what it removes was foretold."""
    old, young = world.packages[LOW], world.packages[OTHER]
    now = time.time_ns()
    for path in (old.entry_path, old.output_path):
        os.utime(path, ns=(now - 5 * DAY - 2 * HOUR,) * 2)
    for path in (young.entry_path, young.output_path):
        os.utime(path, ns=(now - 5 * DAY,) * 2)
    (world.cache / "trim.txt").write_text(str(now // 10**9 - 2 * 86400))
    contents = read_contents(str(world.cache))
    found = statistics_of(contents, name_entries(contents), now)
    size = old.output_path.stat().st_size
    assert (found.trim_now.files, found.trim_now.bytes) == (2, size)
    assert found.trim_by_day[0].files == 2
    assert found.trimmed == now // 10**9 - 2 * 86400
    before = set(world.cache.glob("??/*"))
    # Not of what is old: a build would mark it as used.
    world.built("./other")
    assert before - set(world.cache.glob("??/*")) == {old.entry_path, old.output_path}


def test_stats_on_the_command_line(fastverify: Fastverify, small: World) -> None:
    status, out, err = fastverify("gocache", "stats", small.cache)
    assert (status, err) == (0, "")
    for title in ("By kind", "By package", "By Go version", "By platform", "Last used", "Trim", "Biggest"):
        assert f"\n{title}" in out
    document = json.loads(fastverify("gocache", "stats", "--json", small.cache).out)
    assert document["outputs"] == len(list(small.cache.glob("??/*-d")))


def test_each_document_says_what_it_is(fastverify: Fastverify, small: World) -> None:
    status, version, _ = fastverify("--version")
    assert status == 0
    action = small.packages[LOW].action
    for name, arguments in (
        ("ls", [small.cache]),
        ("stats", [small.cache]),
        ("show", ["--cache", small.cache, action]),
    ):
        document = json.loads(fastverify("gocache", name, "--json", *arguments).out)
        assert list(document)[:2] == ["schema", "fastverify"]
        assert document["schema"] == f"fastverify-gocache-{name}/1"
        assert document["fastverify"] in version


@pytest.mark.parametrize("command", ["ls", "stats"])
def test_what_is_no_cache(fastverify: Fastverify, tmp_path: Path, command: str) -> None:
    for path in (tmp_path, tmp_path / "nowhere"):
        status, out, err = fastverify("gocache", command, path)
        assert (status, out) == (2, "")
        assert str(path) in err


def test_the_command_alone(fastverify: Fastverify) -> None:
    for arguments in ([], ["nothing"]):
        status, out, err = fastverify("gocache", *arguments)
        assert (status, out) == (2, "")
        assert "command" in err
        assert err.count("\n") == 1
        assert len(err) < 120
    status, out, _ = fastverify("gocache", "--help")
    assert status == 0
    for name in ("ls", "show", "stats", "diff", "why"):
        assert f"\n  {name} " in out
        assert fastverify("gocache", name, "--help").status == 0


def test_ages() -> None:
    now = 10 * DAY
    assert age(now - 59 * 10**9, now) == "59 s"
    assert age(now - 61 * 10**9, now) == "1 min"
    assert age(now - 47 * HOUR, now) == "47 h"
    assert age(now - 49 * HOUR, now) == "2 d"
    assert age(now + 10**9, now) == "future"


def test_foreign_names_do_not_act(fastverify: Fastverify, world: World, tmp_path: Path) -> None:
    listed = tmp_path / "list.json"
    start = json.dumps({"ImportPath": "a\x1b[2J\nb", "BuildID": _build_id(world)})
    listed.write_text(start)
    _, out, _ = fastverify("gocache", "ls", "--golist", listed, world.cache)
    assert "\x1b" not in out
    assert r"a\x1b[2J\nb" in out
    listed.write_text('{"ImportPath": ' * 50_000)
    status, _, err = fastverify("gocache", "ls", "--golist", listed, world.cache)
    assert (status, err.count("\n")) == (2, 1)
    listed.write_text("[1]")
    assert fastverify("gocache", "ls", "--actiongraph", listed, world.cache).status == 2


def _build_id(world: World) -> str:
    data = world.packages[LOW].output_path.read_bytes()
    start = data.index(b'build id "') + len(b'build id "')
    return data[start : data.index(b'"', start)].decode()
