"""How much memory the engines take for zips with very many entries."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
import tracemalloc
import zlib
from pathlib import Path

import pytest

from fastverify import name_column
from fastverify.engine.protocol import ModuleMeasurement
from fastverify.engine.pure import plan, zip_content, zip_directory
from fastverify.engine.pure.sources import Job
from tests.cli.running import ROOT, environment
from tests.conftest import engine_or_skip
from tests.engine.measuring import PREFIX
from tests.making.zips import Archive, Entry

ENTRIES = 400_000
THREADS = 4

#: Measures modules of the zips that it is given, and says how many entries they have, and how many bytes of
#: memory the process has had at most.  (`ru_maxrss` also counts what its parent had.)
MEASURE = f"""
import sys
from pathlib import Path
from fastverify.engine import load_engine
from tests.engine.measuring import task

tasks = [task(number, zip=Path(path)) for number, path in enumerate(sys.argv[1:])]
entries = [measured.zip.entries for measured in load_engine("native").measure(tasks, threads={THREADS})]
(peak,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM:"))
print(sum(entries), int(peak.split()[1]) * 1024)
"""


#: The same, and measures each once more as soon as it has been.
MEASURE_AGAIN = MEASURE.replace(
    "entries = ",
    """
engine, entries = load_engine("native"), []
under_way = engine.measure(tasks, threads=THREADS)
for measured in under_way:
    under_way.pause()
    (again,) = engine.measure([tasks[measured.key]], threads=THREADS)
    assert again == measured
    entries.append(measured.zip.entries)
#""".replace("THREADS", str(THREADS)),
)


def _zip(entries: int) -> bytes:
    """A zip of so many files, with little that tells one from the other."""
    content = b"package x\n"
    crc = zlib.crc32(content)
    local, central = bytearray(), bytearray()
    for number in range(entries):
        name = PREFIX + b"directory/%040d.go" % number
        common = struct.pack("<HHIIIIHH", 0, 0, 0, crc, len(content), len(content), len(name), 0)
        central += b"PK\x01\x02" + struct.pack("<HH", 20, 20) + common
        central += struct.pack("<HHHII", 0, 0, 0, 0, len(local)) + name
        local += b"PK\x03\x04" + struct.pack("<H", 20) + common + name + content
    end = struct.pack("<HHHHIIH", 0, 0, entries & 0xFFFF, entries & 0xFFFF, len(central), len(local), 0)
    return bytes(local + central) + b"PK\x05\x06" + end


@pytest.mark.skipif(sys.platform != "linux", reason="reads Linux' account of a process's memory")
def test_zips_of_very_many_entries_are_not_held_at_once(tmp_path: Path) -> None:
    engine_or_skip("native")
    large, small = tmp_path / "large.zip", tmp_path / "small.zip"
    large.write_bytes(_zip(ENTRIES))
    small.write_bytes(_zip(2))

    def peak(*zips: str, measure: str = MEASURE) -> int:
        command = [sys.executable, "-c", measure, *(os.fspath(tmp_path / name) for name in zips)]
        answer = subprocess.run(
            command, check=True, capture_output=True, text=True, cwd=ROOT, env=environment()
        )
        entries, peak = map(int, answer.stdout.split())
        assert entries == sum(2 if name == "small.zip" else ENTRIES for name in zips)
        return peak

    nothing, one, many = peak("small.zip"), peak("large.zip"), peak(*["large.zip"] * THREADS)
    # Much more than a thread's buffers.
    assert one - nothing > 32 * ENTRIES
    # Not even two: beside what one takes there is what an allocator keeps of what has been freed.
    assert many - one < one - nothing
    # Neither are they when a check looks again.
    again = peak(*["large.zip"] * THREADS, measure=MEASURE_AGAIN)
    assert again - one < one - nothing


@pytest.mark.skipif(sys.platform != "linux", reason="what a thread takes of it is known of Linux")
def test_little_address_space_means_fewer_threads(tmp_path: Path) -> None:
    """An allocation that fails would end the process."""
    engine_or_skip("native")
    large = tmp_path / "large.zip"
    large.write_bytes(_zip(ENTRIES))
    measure = MEASURE.replace(f"threads={THREADS}", "threads=8")
    assert measure != MEASURE
    ended = subprocess.run(
        ["/bin/sh", "-c", 'ulimit -v 350000 && exec "$@"', "sh", sys.executable, "-c", measure]
        + [os.fspath(large)] * 3,
        check=False,
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=environment(),
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    assert int(ended.stdout.split()[0]) == 3 * ENTRIES


@pytest.mark.skipif(sys.platform != "linux", reason="reads Linux' account of a process's memory")
@pytest.mark.parametrize("more", [8, 16, 24])
def test_no_memory_for_the_names_of_a_zip(tmp_path: Path, more: int) -> None:
    """That is an error of Python's own, and no end of the process."""
    engine_or_skip("native")
    large = tmp_path / "large.zip"
    large.write_bytes(_zip(ENTRIES))
    limit = f"""
import resource
from fastverify.engine.native import NativeEngine
used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + {more << 20},) * 2)
entries = """
    ended = subprocess.run(
        [sys.executable, "-c", MEASURE.replace("entries = ", limit), os.fspath(large)],
        check=False,
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=environment(),
    )
    assert (ended.returncode, ended.stderr.splitlines()[-1]) == (1, "MemoryError")


def test_the_pure_engine_holds_little_more_than_the_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entries = 20_000
    monkeypatch.setattr(name_column, "_RUN", 1000)
    monkeypatch.setattr(zip_directory, "_PIECE", 4096)
    archive = _zip(entries)
    path = tmp_path / "large.zip"
    path.write_bytes(archive)
    directory = len(archive) - archive.index(b"PK\x01\x02")
    # The buffers do not count here: only what there is of each entry.
    monkeypatch.setattr(plan, "_MOST_PAIRS", 100)
    monkeypatch.setattr(zip_content, "_READ_AHEAD", 64 << 10)
    measured, peak = _measured_with_peak(path)
    assert measured.zip is not None
    assert measured.zip.h1 is not None
    # Of each entry the name without the prefix, a digest and a few numbers; and what is read at once.
    names = directory - entries * (46 + len(PREFIX))
    assert peak < names + 128 * entries + (1 << 20)


def test_the_pure_engine_holds_nothing_of_extras_and_comments(tmp_path: Path) -> None:
    content = [Entry(PREFIX + b"%d" % at, extra=bytes(60_000), comment=bytes(60_000)) for at in range(100)]
    path = tmp_path / "wide.zip"
    path.write_bytes(Archive(content).to_bytes())
    measured, peak = _measured_with_peak(path)
    assert measured.zip is not None
    assert (measured.zip.fault, measured.zip.entries) == (None, 100)
    assert peak < path.stat().st_size // 2


def _measured_with_peak(path: Path) -> tuple[ModuleMeasurement, int]:
    """What the pure engine says of a zip, and how many bytes it has held at most."""
    # What is made but once is made before.
    small = path.with_name("small.zip")
    small.write_bytes(_zip(2))
    plan.measure_module(Job(0, PREFIX, os.fsencode(small), None))
    tracemalloc.start()
    try:
        measured = plan.measure_module(Job(0, PREFIX, os.fsencode(path), None))
        return measured, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
