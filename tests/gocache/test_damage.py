"""The table of damage: what is done to a build cache, what fastverify says, and what the go command does."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import pytest

from fastverify.engine.protocol import Engine
from fastverify.engine.pure import PureEngine
from fastverify.report.model import Finding
from tests.gocache.checking import carriers, found, report_of, short
from tests.gocache.making import (
    HIGH,
    LOW,
    OTHER,
    Package,
    World,
    entry_fields,
    entry_text,
    overwrite,
    point,
    signed,
)

pytestmark = [pytest.mark.go, pytest.mark.usefixtures("nobody_else")]

#: Whether the go command takes the package from the cache, compiles it anew, or never comes back.
Reaction = Literal["hit", "miss", "hang"]
Damage = Callable[[World, Package], object]


@dataclass(frozen=True)
class Case:
    """One row."""

    damage: Damage
    go: Reaction
    #: What is found, notes apart.
    found: tuple[str, ...]
    #: A part of what the finding says.
    says: str = ""
    #: Whether a second build finds the damage gone.
    heals: bool = True


def flipped(content: bytes, what: bytes = b"original") -> bytes:
    """`content` with one bit changed in the first `what`."""
    at = content.index(what)
    return content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]


def change_output(change: Callable[[bytes], bytes]) -> Damage:
    return lambda _, low: overwrite(low.output_path, change(low.output_path.read_bytes()))


def change_entry(change: Callable[[bytes], bytes]) -> Damage:
    return lambda _, low: overwrite(low.entry_path, change(low.entry_path.read_bytes()))


def forge(change: Callable[[bytes], bytes]) -> Damage:
    """Other content under its right name, with an entry for it."""
    return lambda world, low: point(world, low, change(low.output_path.read_bytes()))


def remove_output(world: World, low: Package) -> None:
    low.output_path.unlink()


def repoint_to_older(world: World, low: Package) -> None:
    """The archive that an earlier state of the same package had."""
    source = world.project / "low" / "low.go"
    kept = source.read_text()
    source.write_text(kept.replace("original", "outdated"))
    try:
        older = world.package(LOW)
    finally:
        source.write_text(kept)
        os.utime(source, (1_600_000_000, 1_600_000_000))
    _, output, size, _ = entry_fields(older.entry_path)
    overwrite(low.entry_path, entry_text(low.action, output, size, entry_fields(low.entry_path)[3]))


def repoint_to_other(world: World, low: Package) -> None:
    _, output, size, _ = entry_fields(world.packages[OTHER].entry_path)
    overwrite(low.entry_path, entry_text(low.action, output, size, entry_fields(low.entry_path)[3]))


def folder(*names: str) -> Damage:
    """A folder in place of the archive, with copies of it under these names."""

    def damage(world: World, low: Package) -> None:
        content = low.output_path.read_bytes()
        low.output_path.unlink()
        low.output_path.mkdir()
        for name in names:
            (low.output_path / name).write_bytes(content)

    return damage


def link_output(world: World, low: Package) -> None:
    elsewhere = world.cache.parent / "elsewhere"
    shutil.move(low.output_path, elsewhere)
    low.output_path.symlink_to(elsewhere)


def link_entry(world: World, low: Package) -> None:
    elsewhere = world.cache.parent / "elsewhere"
    shutil.move(low.entry_path, elsewhere)
    low.entry_path.symlink_to(elsewhere)


def fifo_entry(world: World, low: Package) -> None:
    low.entry_path.unlink()
    os.mkfifo(low.entry_path)


def folder_entry(world: World, low: Package) -> None:
    low.entry_path.unlink()
    low.entry_path.mkdir()


def cut(content: bytes) -> bytes:
    return content[:-100]


def wrong_fingerprint(content: bytes) -> bytes:
    """Other export data, the build ID made right for it."""
    return signed(flipped(content))


def export_of(content: bytes) -> tuple[int, int]:
    """Where export data begins, and where its fingerprint does."""
    start = content.index(b"\n$$B\nu") + 6
    return start, content.index(b"\n$$\n", start) - 8


def wrong_object(content: bytes) -> bytes:
    """Other export data, with the build ID and the export data's fingerprint made right for it."""
    changed = flipped(content)
    start, end = export_of(changed)
    fingerprint = hashlib.sha256(changed[start:end]).digest()[:8]
    return signed(changed[:end] + fingerprint + changed[end + 8 :])


def consistent(content: bytes) -> bytes:
    """Forged through and through: nothing in the cache can tell."""
    start, end = export_of(content)
    before = content[end : end + 8]
    changed = flipped(content)
    fingerprint = hashlib.sha256(changed[start:end]).digest()[:8]
    assert changed.count(before) == 2
    return signed(changed.replace(before, fingerprint))


def time_of(content: bytes, time: int) -> bytes:
    return content[:154] + f"{time:20d}\n".encode()


def field(start: int, end: int, text: bytes) -> Damage:
    """Other text in the entry's bytes from `start` to `end`."""
    assert len(text) == end - start
    return change_entry(lambda content: content[:start] + text + content[end:])


def size_as(form: str) -> Damage:
    return change_entry(
        lambda content: content[:133] + form.format(int(content[133:153])).encode() + content[153:]
    )


HIT_FOREIGN = ("warning warning action",)
MISS = ("warning malformed action",)

CASES = {
    # Outputs.
    "a flipped bit": Case(
        change_output(flipped), "hit", ("error modified output",), "not what its name says", heals=False
    ),
    "a flipped bit in the object code": Case(
        change_output(lambda content: content[:-9] + bytes([content[-9] ^ 4]) + content[-8:]),
        "hit",
        ("error modified output",),
        heals=False,
    ),
    "cut off": Case(change_output(cut), "miss", ("warning modified output",), "another size"),
    "longer": Case(change_output(lambda c: c + b"more"), "miss", ("warning modified output",)),
    "emptied": Case(change_output(lambda _: b""), "miss", ()),
    "missing": Case(remove_output, "miss", ()),
    "forged, not signed": Case(
        forge(flipped), "hit", ("error malformed output",), "has not the hash of this content", heals=False
    ),
    "forged, signed": Case(
        forge(wrong_fingerprint), "hit", ("error malformed output",), "has not the fingerprint", heals=False
    ),
    "forged, signed, export data closed": Case(
        forge(wrong_object), "hit", ("error malformed output",), "object code belongs to other", heals=False
    ),
    "forged through and through": Case(forge(consistent), "hit", (), heals=False),
    "no archive any more": Case(
        forge(lambda c: c.replace(b"go object ", b"no object ")),
        "hit",
        ("error malformed output",),
        heals=False,
    ),
    "an empty folder": Case(folder(), "miss", ("error malformed output",), "is empty", heals=False),
    "a folder with two files": Case(
        folder("a", "b"), "miss", ("error malformed output",), "more than the one", heals=False
    ),
    "a folder with the archive": Case(
        folder("a"), "hit", ("error malformed output",), "may not be executed", heals=False
    ),
    "a link": Case(link_output, "hit", ("error unreadable output",), "symbolic link", heals=False),
    # Entries.
    "the entry of an older build": Case(
        repoint_to_older, "hit", ("error modified action",), "what another action made", heals=False
    ),
    "the entry of another package": Case(
        repoint_to_other, "hit", ("error modified action",), "what another action made", heals=False
    ),
    "entry is a link": Case(link_entry, "hit", ("error unreadable action",), "symbolic link", heals=False),
    "entry is a fifo": Case(fifo_entry, "hang", ("error unreadable action",), "fifo", heals=False),
    "entry is a folder": Case(folder_entry, "miss", ("error unreadable action",), "directory", heals=False),
    "entry of nothing": Case(change_entry(lambda _: b""), "miss", ()),
    "entry too short": Case(change_entry(lambda c: c[:-1]), "miss", MISS, "shorter"),
    "entry too long": Case(change_entry(lambda c: c + b"\n"), "miss", MISS, "longer"),
    "entry much too long": Case(change_entry(lambda c: c * 1000), "miss", MISS, "longer"),
    "entry of version 2": Case(field(0, 3, b"v2 "), "miss", MISS, "frame"),
    "entry with a tab": Case(field(67, 68, b"\t"), "miss", MISS, "frame"),
    "entry with a return": Case(field(174, 175, b"\r"), "miss", MISS, "frame"),
    "entry of another action": Case(field(3, 5, b"zz"), "miss", MISS, "hexadecimal"),
    "entry with another ID": Case(field(3, 67, b"0" * 64), "miss", MISS, "not the one"),
    "entry with no ID of an output": Case(field(68, 132, b"x" * 64), "miss", MISS, "hexadecimal"),
    "size padded on the right": Case(size_as("{:<20d}"), "miss", MISS, "size"),
    "size after tabs": Case(size_as("{:\t>20d}"), "miss", MISS, "size"),
    "size after NULs": Case(size_as("{:\0>20d}"), "miss", MISS, "size"),
    "no size": Case(field(133, 153, b" " * 20), "miss", MISS, "size"),
    "negative size": Case(field(133, 153, b"%20d" % -5), "miss", MISS, "size"),
    "size in hex": Case(size_as("{:#20x}"), "miss", MISS, "size"),
    "size with underscores": Case(size_as("{:20_d}"), "miss", MISS, "size"),
    "size too large for any": Case(field(133, 153, b"%20d" % (1 << 63)), "miss", MISS, "size"),
    "another size": Case(field(133, 153, b"%20d" % 7), "miss", MISS, "not that of its output"),
    "negative time": Case(change_entry(lambda c: time_of(c, -1)), "miss", MISS, "time"),
    "no time": Case(field(154, 174, b"yesterday, very late"), "miss", MISS, "time"),
    "capital letters": Case(
        change_entry(lambda c: c[:3] + c[3:132].upper() + c[132:]), "hit", HIT_FOREIGN, "capital", heals=False
    ),
    "size padded with zeros": Case(size_as("{:020d}"), "hit", HIT_FOREIGN, "zeros", heals=False),
    "size with a sign": Case(size_as("{:+20d}"), "hit", HIT_FOREIGN, "sign", heals=False),
    "time 0": Case(change_entry(lambda c: time_of(c, 0)), "hit", HIT_FOREIGN, "time is 0", heals=False),
    "the last time there is": Case(change_entry(lambda c: time_of(c, (1 << 63) - 1)), "hit", (), heals=False),
}


@pytest.mark.parametrize("name", CASES)
def test_damage(name: str, world: World, engine: Engine) -> None:
    """What is found, on each engine."""
    case = CASES[name]
    case.damage(world, world.packages[LOW])
    findings = found(report_of(world.cache, engine))
    assert tuple(short(finding) for finding in findings) == case.found
    assert all(case.says in finding.message for finding in findings)
    assert all(finding.cache == "gocache" and finding.go and finding.hint for finding in findings)


@pytest.mark.parametrize("name", CASES)
def test_what_go_does(name: str, world: World) -> None:
    """What the go command does, and whether that heals it.

    Where fastverify found nothing, it finds nothing then.
    """
    case = CASES[name]
    case.damage(world, world.packages[LOW])
    if case.go == "hang":
        with pytest.raises(subprocess.TimeoutExpired):
            world.run("build", "./low", timeout=5)
        return
    assert world.built("./low") == ([LOW] if case.go == "miss" else [])
    after = tuple(short(finding) for finding in found(report_of(world.cache, PureEngine())))
    assert after == (() if case.heals else case.found)


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.found and not case.heals])
def test_the_hint_cures(name: str, world: World) -> None:
    """Doing what the hint says, and building, leaves nothing to be found."""
    case = CASES[name]
    case.damage(world, world.packages[LOW])
    for finding in found(report_of(world.cache, PureEngine())):
        command = finding.hint.partition("\n")[2]
        assert command.startswith(("rm -f ", "rm -rf ")), finding.hint
        assert str(world.cache) in command
        subprocess.run(["sh", "-c", command], check=True)
    assert world.built("./low") == [LOW]
    assert found(report_of(world.cache, PureEngine())) == []


def heal(findings: list[Finding]) -> None:
    """Do what the hints say."""
    for finding in findings:
        subprocess.run(["sh", "-c", finding.hint.partition("\n")[2]], check=True)


def poison(world: World) -> Package:
    """Damage low's archive, and have high compiled from it; high's archive."""
    low = world.packages[LOW]
    world.packages[HIGH].entry_path.unlink()
    overwrite(low.output_path, low.output_path.read_bytes().replace(b"original", b"poisoned"))
    world.built("./high")
    high = world.package(HIGH)
    assert b"poisoned" in high.output_path.read_bytes()
    return high


def test_poison_survives_repair(world: World, engine: Engine) -> None:
    """What was compiled from a damaged archive is not damaged itself, and stays as it is."""
    high = poison(world)
    heal(found(report_of(world.cache, engine)))
    assert world.built("./low") == [LOW]
    assert world.built("./high") == []
    assert b"poisoned" in high.output_path.read_bytes()
    assert found(report_of(world.cache, engine)) == []


def test_what_may_carry_the_poison_is_named(world: World, engine: Engine) -> None:
    """As long as the damage is there; and the hints cure that, too."""
    high = poison(world)
    report = report_of(world.cache, engine)
    [carrier] = carriers(report)
    assert (carrier.action, carrier.output) == (high.action, high.output)
    assert HIGH in carrier.message
    assert LOW in carrier.message
    heal([*found(report), carrier])
    assert sorted(world.built("./high")) == [HIGH, LOW]
    assert b"poisoned" not in world.package(HIGH).output_path.read_bytes()
    assert carriers(report_of(world.cache, engine)) == []


def test_what_was_compiled_before_is_no_carrier(world: World, engine: Engine) -> None:
    low, high = world.packages[LOW], world.packages[HIGH]
    action, output, size, _ = entry_fields(low.entry_path)
    after = entry_fields(high.entry_path)[3] + 1
    overwrite(low.entry_path, entry_text(action, output, size, after))
    overwrite(low.output_path, flipped(low.output_path.read_bytes()))
    report = report_of(world.cache, engine)
    assert len(found(report)) == 1
    assert carriers(report) == []


def test_notes_on_what_is_normal(world: World, engine: Engine) -> None:
    """Trim leaves entries without outputs and outputs without entries; a full disk empty outputs."""
    low, other = world.packages[LOW], world.packages[OTHER]
    before = found(report_of(world.cache, engine), notes=True)
    low.entry_path.unlink()
    other.output_path.unlink()
    world.packages[HIGH].output_path.write_bytes(b"")
    report = report_of(world.cache, engine)
    assert found(report) == []
    new = [finding for finding in report.findings if finding not in before]
    assert sorted(short(finding) for finding in new) == [
        "note missing layout",
        "note modified layout",
        "note untracked layout",
    ]


def test_what_a_killed_go_command_leaves(world: World, engine: Engine) -> None:
    """It makes the file of an entry before it writes it; no damage, and told all the same."""
    world.packages[LOW].entry_path.write_bytes(b"")
    report = report_of(world.cache, engine)
    assert found(report) == []
    [note] = [finding for finding in report.findings if finding.where == "action"]
    assert short(note) == "note malformed action"
    assert "empty" in note.message


def test_an_output_that_no_entry_names(world: World, engine: Engine) -> None:
    low = world.packages[LOW]
    low.entry_path.unlink()
    overwrite(low.output_path, flipped(low.output_path.read_bytes()))
    report = report_of(world.cache, engine)
    assert found(report) == []
    assert "note modified output" in {short(finding) for finding in report.findings}


def test_dangling_link_writes_outside(world: World, engine: Engine) -> None:
    """Through a link that leads nowhere Go writes a file outside of the cache."""
    low = world.packages[LOW]
    outside = world.cache.parent / "outside"
    low.output_path.unlink()
    low.output_path.symlink_to(outside)
    [finding] = found(report_of(world.cache, engine))
    assert short(finding) == "error unreadable output"
    assert not outside.exists()
    world.built("./low")
    assert outside.exists()
