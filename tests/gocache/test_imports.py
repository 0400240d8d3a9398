"""Importers held to what they import: builds that are named and not there, and what a damaged one leaves."""

from __future__ import annotations

import hashlib
import os
import random
import struct
import time
from pathlib import Path

import pytest

from fastverify.engine.buildcache import Imports
from fastverify.engine.protocol import Engine
from fastverify.gocache.catalog.contents import read_contents
from fastverify.gocache.content import Content
from fastverify.gocache.identify.goarchive import read_archive
from tests.gocache.checking import carriers, found, report_of, short
from tests.gocache.making import (
    HIGH,
    LOW,
    SMALL,
    MadeCache,
    World,
    entry_fields,
    entry_text,
    overwrite,
    signed,
    write_project,
)
from tests.making.go import Go

pytestmark = [pytest.mark.go, pytest.mark.usefixtures("nobody_else")]

PROGRAM = {
    **SMALL,
    # What is inlined leaves no name in a program.
    "low/low.go": (
        'package low\n\nconst Word = "original"\n\n//go:noinline\nfunc Name() string { return Word }\n'
    ),
    "high/high.go": 'package high\n\nimport "example.com/m/low"\n\nvar Said = low.Name() + low.Name()\n',
    "main.go": 'package main\n\nimport "example.com/m/high"\n\nfunc main() { println(high.Said) }\n',
}
#: Long after the tests, so that nothing is too young to count.
LATER = time.time_ns() + 10**15
Both = tuple[Engine, Engine]


@pytest.fixture(scope="module")
def linking(go: Go, tmp_path_factory: pytest.TempPathFactory) -> World:
    """A cache with all that a program needs.  Shared: nobody may change it."""
    folder = tmp_path_factory.mktemp("linking")
    made = World(go, folder / "cache", write_project(folder / "project", PROGRAM))
    status, _, said = made.run("build", "-o", str(folder / "program"), ".", timeout=900)
    assert status == 0, said
    made.packages.update((path, made.package(path)) for path in (LOW, HIGH))
    return made


def settled(cache: Path) -> None:
    """Let everything be as old as what was written some time ago."""
    past = time.time() - 100
    for path in cache.glob("??/*"):
        os.utime(path, (past, past))


def said(engine: Engine, cache: Path) -> Imports | None:
    answers = engine.measure_build_cache(os.fspath(cache), now_ns=LATER, threads=2)
    imports = [answer for answer in answers if isinstance(answer, Imports)]
    return imports[0] if imports else None


def agree(both: Both, cache: Path) -> Imports | None:
    native = said(both[0], cache)
    assert native == said(both[1], cache)
    return native


def with_altered_fingerprint(content: bytes) -> bytes:
    """An archive in whose export data the fingerprint has another bit."""
    end = content.index(b"\n$$\n", content.index(b"\n$$B\nu"))
    return content[: end - 3] + bytes([content[end - 3] ^ 0x10]) + content[end - 2 :]


def test_every_import_of_a_real_cache_is_there(linking: World, both_engines: Both) -> None:
    """As many different ones as the catalog's reader of archives finds, which is another."""
    imports = agree(both_engines, linking.cache)
    assert imports is not None
    named = read_contents(str(linking.cache)).imports.named()
    assert named > 20
    assert imports == Imports(named, 0, (), ())


def test_an_importer_of_a_damaged_fingerprint(linking: World, engine: Engine, tmp_path: Path) -> None:
    """Go never gets over it: the program does not link, also when the archive is sound again."""
    world = linking.copy(tmp_path / "cache")
    settled(world.cache)
    low, program = world.packages[LOW], str(tmp_path / "program")
    good = low.output_path.read_bytes()

    def link() -> tuple[int, str]:
        status, _, text = world.run("build", "-o", program, ".")
        return status, text

    world.packages[HIGH].entry_path.unlink()
    overwrite(low.output_path, with_altered_fingerprint(good))
    status, text = link()
    assert status != 0
    assert "fingerprint mismatch" in text
    settled(world.cache)
    [damage] = found(report_of(world.cache, engine))
    assert short(damage) == "error modified output"
    [carrier] = carriers(report_of(world.cache, engine))
    assert carrier.action == world.package(HIGH).action
    assert "fingerprint mismatch" in carrier.go

    overwrite(low.output_path, good)
    assert "fingerprint mismatch" in link()[1]
    settled(world.cache)
    report = report_of(world.cache, engine)
    assert found(report) == []
    [again] = carriers(report)
    assert again == carrier

    world.package(HIGH).entry_path.unlink()
    assert link() == (0, "")
    assert carriers(report_of(world.cache, engine)) == []


def test_a_program_that_was_linked_from_a_damaged_archive(
    linking: World, engine: Engine, tmp_path: Path
) -> None:
    """Go keeps it for go run, and runs it also when the archive is sound again."""
    world = linking.copy(tmp_path / "cache")
    low = world.packages[LOW]
    # Now, and not when the cache was made.
    action, output, size, _ = entry_fields(low.entry_path)
    overwrite(low.entry_path, entry_text(action, output, size, time.time_ns()))

    def run() -> str:
        status, _, said = world.run("run", ".")
        assert status == 0, said
        return said.strip()

    settled(world.cache)
    good = low.output_path.read_bytes()
    overwrite(low.output_path, good.replace(b"original", b"poisoned"))
    assert carriers(report_of(world.cache, engine)) == []
    assert run() == "poisonedpoisoned"
    settled(world.cache)
    [program] = carriers(report_of(world.cache, engine))
    assert LOW in program.message
    assert "go run" in program.go

    low.entry_path.unlink()
    assert world.built("./low") == [LOW]
    assert low.output_path.read_bytes() == good
    assert run() == "poisonedpoisoned"
    (world.cache / program.action[:2] / f"{program.action}-a").unlink()
    assert run() == "originaloriginal"


def test_what_trim_has_removed_is_one_note(linking: World, engine: Engine, tmp_path: Path) -> None:
    world = linking.copy(tmp_path / "cache")
    settled(world.cache)
    before = report_of(world.cache, engine).findings
    world.packages[LOW].output_path.unlink()
    world.package("internal/abi").output_path.unlink()
    report = report_of(world.cache, engine)
    assert found(report) == []
    new = [finding for finding in report.findings if finding not in before and "entr" not in finding.message]
    assert [short(finding) for finding in new] == ["note missing layout"]
    assert "nor is another" in new[0].message
    assert LOW in new[0].message or "internal/abi" in new[0].message
    assert str(world.cache) in new[0].path
    # The go command makes them the same again.
    assert sorted(world.built(".")) == [LOW, "internal/abi"]
    assert report_of(world.cache, engine).findings == before


def test_what_is_written_meanwhile_names_what_was_not_listed(world: World, engine: Engine) -> None:
    """An importer that is younger than the check may have been listed, and what it imports not."""
    world.packages[LOW].output_path.unlink()
    for age, missing in ((-(10**9), []), (10**9, []), (3 * 10**9, [1])):
        os.utime(world.packages[HIGH].output_path, ns=(0, LATER - age))
        imports = said(engine, world.cache)
        assert ([imports.missing] if imports is not None else []) == missing


def test_an_importer_that_no_entry_names_does_not_count(world: World, both_engines: Both) -> None:
    world.packages[LOW].output_path.unlink()
    imports = agree(both_engines, world.cache)
    assert imports is not None
    assert [one.importer.hex() for one in imports.examples] == [world.packages[HIGH].output]
    high = read_archive(Content.of(world.packages[HIGH].output_path.read_bytes())).linker_object
    assert high is not None
    assert (LOW, imports.examples[0].fingerprint) in high.imports
    world.packages[HIGH].entry_path.unlink()
    assert agree(both_engines, world.cache) is None


def test_a_fingerprint_of_zero_is_any(world: World, both_engines: Both) -> None:
    high = world.packages[HIGH]
    content = high.output_path.read_bytes()
    linked = read_archive(Content.of(content)).linker_object
    assert linked is not None
    [(_, mark)] = [one for one in linked.imports if one[0] == LOW]
    _put(world.cache, high.output_path, content.replace(mark, bytes(8)))
    assert agree(both_engines, world.cache) is None


def _put(cache: Path, before: Path, content: bytes) -> str:
    """Another content with its right name in place of an output; its ID."""
    content = signed(content)
    output = hashlib.sha256(content).hexdigest()
    old = before.name[:64]
    before.unlink()
    path = cache / output[:2] / f"{output}-d"
    path.write_bytes(content)
    for entry in cache.glob("??/*-a"):
        action, named, _, written = entry_fields(entry)
        if named == old:
            entry.write_text(f"v1 {action} {output} {len(content):20d} {written:20d}\n")
    return output


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("longer", [False, True], ids=["short", "long"])
def test_on_archives_in_ruins(
    small: World, both_engines: Both, tmp_path: Path, seed: int, longer: bool
) -> None:
    """Bytes changed where names, numbers and fingerprints stand; in outputs read whole and in windows."""
    dice = random.Random(seed)
    sources = [small.packages[path].output_path.read_bytes() for path in (LOW, HIGH)]
    made = MadeCache(tmp_path / "cache")
    made.add(sources[0])
    for _ in range(120):
        content = bytearray(sources[dice.randrange(2)])
        export, linked = content.index(b"\n$$B\nu") + 6, content.index(b"\0go120ld")
        block = linked + struct.unpack_from("<I", content, linked + 20)[0]
        places = [export, linked, linked + 96, block, block + 8]
        for _ in range(dice.randrange(1, 3)):
            at = min(dice.choice(places) + int(dice.expovariate(1 / 12)), len(content) - 1)
            content[at] = dice.choice([0, 1, 0x7F, 0x80, 0xFF, content[at] ^ 1 << dice.randrange(8)])
        if longer:
            content += b"\n" * (len(content) % 2)
            content += b"%-48s%-10d`\n" % (b"more.o", 70_000) + bytes(70_000)
        made.add(bytes(content))
    imports = agree(both_engines, made.root)
    assert imports is not None
    assert imports.named > 10
    assert imports.missing > 5
    assert imports.altered


@pytest.mark.parametrize("gap", [0, 20_000, 200_000])
def test_names_far_from_the_beginning(small: World, both_engines: Both, tmp_path: Path, gap: int) -> None:
    """Names may stand anywhere before the block of imports; a long archive's are first looked for nearby."""
    content = small.packages[HIGH].output_path.read_bytes()
    at = content.index(b"\0go120ld")
    name, mark = b"example.com/m/faraway", b"\x01\x02\x03\x04\x05\x06\x07\x08"
    names = bytes(96 + gap) + name
    block = struct.pack("<II8s", len(name), 96 + gap, mark)
    start = len(names)
    head = content[at : at + 20] + struct.pack("<19I", start, *[start + 16] * 18)
    linked = head + names[96:] + block + bytes(80_000)
    # The header of the member stands 60 bytes before its text.
    member = content.index(b"_go_.o")
    text = content[member + 60 : at]
    size = b"%-10d" % (len(text) + len(linked))
    made = MadeCache(tmp_path / "cache")
    path = made.add(content[: member + 48] + size + content[member + 58 : member + 60] + text + linked)
    imports = agree(both_engines, made.root)
    assert imports is not None
    assert (imports.named, imports.missing) == (1, 1)
    assert imports.examples[0] == (bytes.fromhex(path.name[:64]), mark)


@pytest.mark.parametrize("count", [1 << 16, (1 << 16) + 1])
def test_no_more_imports_than_any_package_has(
    small: World, both_engines: Both, tmp_path: Path, count: int
) -> None:
    content = small.packages[HIGH].output_path.read_bytes()
    at, member = content.index(b"\0go120ld"), content.index(b"_go_.o")
    block = b"".join(struct.pack("<II8s", 1, 96, b"%08d" % number) for number in range(count))
    start = 100
    head = content[at : at + 20] + struct.pack("<19I", start, *[start + len(block)] * 18) + b"name"
    text = content[member + 60 : at]
    size = b"%-10d" % (len(text) + len(head) + len(block))
    made = MadeCache(tmp_path / "cache")
    made.add(content[: member + 48] + size + content[member + 58 : member + 60] + text + head + block)
    imports = agree(both_engines, made.root)
    assert (imports.named if imports is not None else 0) == (count if count <= 1 << 16 else 0)
