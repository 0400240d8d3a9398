"""Both engines say the same, on real caches, on damaged ones and on bytes that were never a cache."""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import time
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from fastverify.engine.buildcache import (
    ENTRY_BYTES,
    ActionEntry,
    Imports,
    OutputMeasurement,
    OutputsRead,
    Survey,
    ToldOutput,
)
from fastverify.engine.protocol import Engine
from tests.gocache.making import LOW, World, entry_text

Both = tuple[Engine, Engine]
NOW = 1_700_000_000 * 10**9
quick = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


class Answers(NamedTuple):
    """All that an engine says of a cache, in an order of its own."""

    entries: list[ActionEntry]
    survey: Survey
    told: list[ToldOutput]
    outputs: int
    size: int
    vanished: int
    imports: Imports | None


def answers(engine: Engine, root: Path, now_ns: int = NOW) -> Answers:
    """Measure a cache."""
    entries: list[ActionEntry] = []
    surveys: list[Survey] = []
    told: list[ToldOutput] = []
    outputs = size = vanished = 0
    imports: Imports | None = None
    for answer in engine.measure_build_cache(os.fspath(root), now_ns=now_ns, threads=2):
        assert imports is None, "imports come last"
        if isinstance(answer, ActionEntry):
            assert not surveys, "entries come before the survey"
            entries.append(answer)
        elif isinstance(answer, Survey):
            surveys.append(answer)
        elif isinstance(answer, ToldOutput):
            assert surveys, "outputs come behind the survey"
            told.append(answer)
        elif isinstance(answer, Imports):
            imports = answer
        else:
            assert isinstance(answer, OutputsRead)
            outputs += answer.outputs
            size += answer.size
            vanished += answer.vanished
    [survey] = surveys
    return Answers(
        sorted(entries, key=repr), survey, sorted(told, key=repr), outputs, size, vanished, imports
    )


def agree(both: Both, root: Path, now_ns: int = NOW) -> Answers:
    """What both say."""
    native, pure = answers(both[0], root, now_ns), answers(both[1], root, now_ns)
    assert native == pure
    return native


def read(
    both: Both, root: Path, actions: list[bytes], outputs: list[bytes]
) -> OutputMeasurement | ActionEntry:
    """The one answer that both give."""
    native = both[0].measure_build_files(os.fspath(root), actions, outputs, threads=1)
    assert native == both[1].measure_build_files(os.fspath(root), actions, outputs, threads=1)
    assert len(native[0]) == len(actions)
    assert len(native[1]) == len(outputs)
    return native[0][0] if native[0] else native[1][0]


@pytest.mark.go
def test_on_a_real_cache(both_engines: Both, world: World) -> None:
    agree(both_engines, world.cache)
    said = agree(both_engines, world.cache, time.time_ns())
    assert said.outputs == said.survey.outputs > 3
    assert said.survey.hazards == ()
    assert said.told == []


@pytest.mark.go
@pytest.mark.parametrize("seed", range(6))
def test_on_a_cache_in_ruins(both_engines: Both, world: World, seed: int) -> None:
    """Files cut, flipped, exchanged, emptied, removed, renamed, and turned into what is no file."""
    dice = random.Random(seed)
    for path in sorted(world.cache.glob("??/*")):
        match dice.randrange(14):
            case 0:
                path.write_bytes(path.read_bytes()[: dice.randrange(path.stat().st_size + 1)])
            case 1 | 2 if path.stat().st_size:
                changed = bytearray(path.read_bytes())
                changed[dice.randrange(len(changed))] ^= 1 << dice.randrange(8)
                path.write_bytes(changed)
            case 3:
                files = [other for other in sorted(world.cache.glob("??/*-[ad]")) if other.is_file()]
                shutil.copy(dice.choice(files), world.cache / "swap")
                (world.cache / "swap").replace(path)
            case 4:
                path.write_bytes(b"")
            case 5:
                path.unlink()
            case 6:
                path.rename(path.parent / path.name.upper())
            case 7:
                path.unlink()
                dice.choice([os.mkfifo, os.mkdir])(path)
            case 8:
                path.chmod(dice.choice([0o666, 0o660, 0o400, 0o777]))
            case 9:
                os.link(path, world.cache / "00" / f"link{path.name}")
            case 10:
                os.utime(path, (NOW / 1e9 + 7200, NOW / 1e9 + dice.randrange(9000)))
            case 11:
                content = path.read_bytes()
                path.unlink()
                path.mkdir()
                for name in dice.choice([["x"], ["x", "y"], ["a\nb"]]):
                    (path / name).write_bytes(content)
                    (path / name).chmod(dice.choice([0o755, 0o644]))
    agree(both_engines, world.cache)
    # Late enough for all importers to count.
    agree(both_engines, world.cache, time.time_ns() + 10**15)


@pytest.mark.go
def test_the_reading_of_single_files(both_engines: Both, world: World) -> None:
    low = world.packages[LOW]
    ids = [bytes.fromhex(low.action), bytes(32)], [bytes.fromhex(low.output), bytes(32)]
    first = both_engines[0].measure_build_files(os.fspath(world.cache), *ids, threads=1)
    assert first == both_engines[1].measure_build_files(os.fspath(world.cache), *ids, threads=1)
    (entry, no_entry), (output, no_output) = first
    assert entry.output == bytes.fromhex(low.output)
    assert output.sha256 == output.output
    assert output.kind == "archive"
    assert no_entry.stat is None
    assert no_output.fault is not None
    assert no_output.fault.code == "os"


def test_where_there_is_no_cache(both_engines: Both, tmp_path: Path) -> None:
    [fault] = agree(both_engines, tmp_path / "nowhere").survey.faults
    assert (fault.code, fault.name) == ("os", b"")
    read(both_engines, tmp_path / "nowhere", [bytes(32)], [])
    read(both_engines, tmp_path / "nowhere", [], [bytes(32)])


ACTION = hashlib.sha256(b"an action").digest()
GOOD = entry_text(ACTION.hex(), "ab" * 32, 1234, NOW)


@st.composite
def entries(draw: st.DrawFn) -> bytes:
    """An entry with a few bytes changed, cut out or put in."""
    content = bytearray(GOOD)
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(content)))
        match draw(st.sampled_from(["set", "set", "set", "cut", "add", "field"])):
            case "set" if at < len(content):
                content[at] = draw(st.sampled_from(b" \t\n\r\0+-_0123456789abcdefABCDEFxgG\xff"))
            case "cut":
                del content[at : at + draw(st.integers(0, 3))]
            case "add":
                content[at:at] = draw(st.binary(max_size=3))
            case "field":
                start = draw(st.sampled_from([133, 154]))
                content[start : start + 20] = draw(
                    st.from_regex(rb"[ 0]{0,3}[+-]?[0-9_]{0,20}", fullmatch=True)
                ).rjust(20)[:20]
    return bytes(content)


@given(content=entries() | st.binary(max_size=ENTRY_BYTES + 3))
@example(GOOD)
@example(GOOD[:133] + b"%20d" % (2**63 - 1) + GOOD[153:])
@example(GOOD[:133] + b"%20d" % 2**63 + GOOD[153:])
@example(GOOD[:133] + b"%20d" % 10**19 + GOOD[153:])
@example(GOOD[:133] + b"9" * 20 + GOOD[153:])
@example(GOOD[:133] + b"%20s" % b"-0" + GOOD[153:])
@example(GOOD[:133] + b"%20s" % b"+" + GOOD[153:])
@example(GOOD[:3] + b"\xb2" + GOOD[4:])
@quick
def test_on_any_entry(both_engines: Both, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / ACTION.hex()[:2] / f"{ACTION.hex()}-a"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    entry = read(both_engines, tmp_path, [ACTION], [])
    assert isinstance(entry, ActionEntry)
    assert (entry.form == "canonical") == (
        entry.flaw == "" and entry_text(ACTION.hex(), entry.output.hex(), entry.size, entry.time) == content
    )


ARCHIVE = (
    b"!<arch>\n__.PKGDEF       0           0     0     644     %-10d`\n"
    b'go object linux amd64 go1.26.8 X:none\nbuild id "%s/%s"\n\n\n$$B\nu'
)


@st.composite
def archives(draw: st.DrawFn) -> bytes:
    """Something like an archive, whose parts fit each other or do not."""
    part = st.binary(min_size=20, max_size=20).map(lambda b: bytes(97 + c % 26 for c in b))
    action, content_id = draw(part), draw(part)
    export = draw(st.sampled_from([0, 1, 2, 3])).to_bytes(4, "little") + draw(st.binary(max_size=40))
    digest = hashlib.md5 if export[0] < 2 else hashlib.sha256
    fingerprint = draw(st.sampled_from([digest(export).digest()[:8], b"notright"]))
    text = ARCHIVE[ARCHIVE.index(b"go object") :] % (action, content_id) + export + fingerprint + b"\n$$\n"
    size = len(text) + draw(st.sampled_from([0, 0, 0, -1, 1, 5, 10**9]))
    made = ARCHIVE[: ARCHIVE.index(b"go object")] % max(size, 0) + text
    made += b"\n" * (len(text) % 2)
    body = b"go object linux\n\n!\n\0go120ld" + draw(st.sampled_from([fingerprint, b"another!", b""]))
    made += b"_go_.o          0           0     0     644     %-10d`\n" % len(body) + body
    if draw(st.booleans()):
        from fastverify.engine.pure.build.archive import content_part

        made = made.replace(content_id, content_part(made, action + b"/" + content_id))
    for _ in range(draw(st.integers(0, 2))):
        at = draw(st.integers(0, len(made) - 1))
        made = made[:at] + draw(st.binary(max_size=2)) + made[at + draw(st.integers(0, 2)) :]
    return made[: draw(st.sampled_from([len(made), len(made), draw(st.integers(0, len(made)))]))]


@st.composite
def indexes(draw: st.DrawFn) -> bytes:
    """Something like an index of Go files."""
    body = bytearray(
        b"go index v" + draw(st.sampled_from([b"2\n", b"1\n", b"2"])) + draw(st.binary(max_size=30))
    )
    if len(body) >= 16:
        body[12:16] = draw(st.integers(0, len(body) + 2)).to_bytes(4, "little")
    return bytes(body) + draw(st.sampled_from([b"\xff", b"\0\xff", b""]))


BEGINNINGS = [
    b"\x7fELF",
    b"MZ",
    b"\0asm",
    b"\xcf\xfa\xed\xfe",
    b"\x0d\xff\x81\x02\x01\x02\xff\x82\x00\x01\xff\x80\x00\x00",
    b"{",
    b"# test log\n",
    b"mode: ",
    b"!<arch>\n",
]


@given(
    content=archives()
    | indexes()
    | st.binary(max_size=100)
    | st.builds(lambda head, rest: head + rest, st.sampled_from(BEGINNINGS), st.binary(max_size=40)),
    truly_named=st.booleans(),
    folder=st.booleans(),
)
@quick
def test_on_any_output(
    both_engines: Both, tmp_path: Path, content: bytes, truly_named: bool, folder: bool
) -> None:
    output = hashlib.sha256(content).digest() if truly_named else bytes(32)
    path = tmp_path / output.hex()[:2] / f"{output.hex()}-d"
    shutil.rmtree(path.parent, ignore_errors=True)
    path.parent.mkdir(parents=True)
    if folder:
        path.mkdir()
        path /= "program"
    path.write_bytes(content)
    measured = read(both_engines, tmp_path, [], [output])
    assert isinstance(measured, OutputMeasurement)
    assert measured.sha256 == hashlib.sha256(content).digest()
    assert measured.size == len(content)


def test_closing_ends_the_work(engine: Engine, tmp_path: Path) -> None:
    for number in range(300):
        content = b"%d" % number * 200_000
        output = hashlib.sha256(content).hexdigest()
        (tmp_path / output[:2]).mkdir(exist_ok=True)
        (tmp_path / output[:2] / f"{output}-d").write_bytes(content)
    measurements = engine.measure_build_cache(os.fspath(tmp_path), now_ns=NOW, threads=2)
    first = next(measurements)
    assert isinstance(first, Survey)
    assert first.orphans == 300
    begun = time.monotonic()
    measurements.close()
    assert time.monotonic() - begun < 2
    assert list(measurements) == []


@pytest.mark.slow
def test_a_long_output_is_read_in_pieces(both_engines: Both, tmp_path: Path) -> None:
    """Longer than what is held in memory whole."""
    block = random.Random(7).randbytes(1 << 20)
    digest = hashlib.sha256()
    path = tmp_path / "long"
    with path.open("wb") as file:
        for piece in [*[block] * 64, b"end"]:
            file.write(piece)
            digest.update(piece)
    output = digest.digest()
    (tmp_path / output.hex()[:2]).mkdir()
    path.rename(tmp_path / output.hex()[:2] / f"{output.hex()}-d")
    measured = read(both_engines, tmp_path, [], [output])
    assert isinstance(measured, OutputMeasurement)
    assert (measured.sha256, measured.size) == (output, (64 << 20) + 3)
