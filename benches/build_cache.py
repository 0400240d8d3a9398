"""Measures ``fastverify check`` on a build cache against ``sha256sum`` over the same outputs.

The cache is this machine's own, or what ``--cache`` names (``GOCACHE=DIR go build std`` and the like make
one); nobody should be building meanwhile.  Both read it with the pages in memory after a first run of
each that does not count; ``sha256sum`` runs on as many processors as fastverify, by way of ``xargs -P``.
Beside the ratio of the two this prints how far fastverify is from the best throughput of its own SHA-256,
and how long 100,000 small entries take; in CPU time too, which says something on a busy machine as well.

How far is counted in two ways.  Every output is hashed once because of its name.  An archive is hashed
again with its build ID zeroed, whose last part is that digest, and its export data once more for the
fingerprint: no digest follows from another.  "Bytes of outputs" counts each byte once though the check
hashes most of them twice; "bytes to hash" counts what goes into all digests.

    python benches/build_cache.py [--cache DIR] [--engine native|pure] [--threads N] [--pairs N]
"""

from __future__ import annotations

import argparse
import hashlib
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from fastverify.engine import load_engine
from fastverify.engine.buildcache import Survey
from fastverify.engine.protocol import Engine
from fastverify.hashing import sha256_many
from fastverify.locate import go_settings
from measured_run import Run, run

SMALL_ENTRIES = 100_000
#: What the microbenchmark hashes: so many bytes in memory, as messages of these lengths; the best counts.
HASHED = 256 << 20
MESSAGES = (16 << 10, 1 << 20, 4 << 20)


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the cache, run the pairs, and print what came of it."""
    options = _parse(arguments)
    cache = options.cache.resolve()
    files = [str(path) for path in sorted(cache.glob("??/*-d"))]
    files = [file for path in files for file in (_inside(path) if os.path.isdir(path) else [path])]
    if not files:
        raise SystemExit(f"{cache}: there is no output in it; is it a build cache?")
    size = sum(os.path.getsize(file) for file in files)
    print(f"{cache}: {len(files)} outputs of {size / 1e6:.0f} MB; {options.threads} threads")

    environment = dict(os.environ)
    check = [sys.executable, "-m", "fastverify", "check", str(cache), "--quiet"]
    check += ["--engine", options.engine, "--threads", str(options.threads)]
    with tempfile.NamedTemporaryFile() as listed:
        listed.write(b"\0".join(os.fsencode(file) for file in files))
        listed.flush()
        sha256sum = ["xargs", "-0", "-a", listed.name, "-P", str(options.threads), "-n", "32", "sha256sum"]
        pairs = []
        print(f"A: xargs -P {options.threads} sha256sum\nB: fastverify check --engine {options.engine}\n")
        print(f"{'run':>4} {'':2} {'wall s':>8} {'cpu s':>8} {'peak RSS':>10}")
        for number in range(options.pairs + 1):
            pair = []
            for letter, command in (("A", sha256sum), ("B", check)):
                result = run(command, cwd=cache, environment=environment)
                if result.status != 0:
                    raise SystemExit(f"{command[0]} ended with status {result.status}:\n{result.output}")
                pair.append(result)
                if number:
                    _show(number, letter, result)
            if number:  # the first pair only fetches the pages
                pairs.append((pair[0], pair[1]))
    wall = statistics.median(a.wall / b.wall for a, b in pairs)
    cpu = statistics.median(a.cpu / b.cpu for a, b in pairs)
    print(f"\nMedians over {len(pairs)} pairs: wall A/B {wall:.2f}, CPU A/B {cpu:.2f}")

    engine = load_engine(options.engine)
    _show_hashing(engine, cache, files, options.threads)
    _small_entries(engine, options.threads)
    return 0


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure fastverify check on a build cache.")
    own = Path(go_settings().gocache)
    parser.add_argument("--cache", type=Path, default=own, help=f"which build cache (default {own})")
    parser.add_argument("--engine", choices=["native", "pure"], default="native")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--pairs", type=int, default=5, help="runs of each (default 5)")
    return parser.parse_args(arguments)


def _inside(folder: str) -> list[str]:
    return [os.path.join(folder, name) for name in os.listdir(folder)]


def _show(number: int, letter: str, result: Run) -> None:
    print(
        f"{number:4} {letter:2} {result.wall:8.2f} {result.cpu:8.2f} {result.peak_rss / 1e6:7.0f} MB",
        flush=True,
    )


class Took(NamedTuple):
    """Seconds of wall time, and of CPU time of all threads."""

    wall: float
    cpu: float


def _took(work: Callable[[], object]) -> Took:
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return Took(time.perf_counter() - wall, time.process_time() - cpu)


def _least(runs: Iterable[Took]) -> Took:
    """The least of each kind that any of the runs took."""
    walls, cpus = zip(*runs, strict=True)
    return Took(min(walls), min(cpus))


def _show_hashing(engine: Engine, cache: Path, files: Sequence[str], threads: int) -> None:
    """Print how the time for all outputs stands to that for hashing as many bytes in memory."""
    bytes_to_hash = sum(_bytes_to_hash(file) for file in files)
    size = sum(os.path.getsize(file) for file in files)
    # Copies, because equal messages that are one in memory would lie in the processor's caches.
    sets = [
        [bytes(bytearray(message)) for message in [os.urandom(length)] * (HASHED // length)]
        for length in MESSAGES
    ]
    works: list[Callable[[], object]] = [
        partial(_measure, engine, cache, threads),
        *(partial(sha256_many, messages, threads=threads, engine=engine.name) for messages in sets),
    ]
    # In turns, so that what disturbs one disturbs all.
    rounds = [[_took(work) for work in works] for _ in range(6)]
    measured, *hashed = (_least(runs) for runs in zip(*rounds, strict=True))
    best = Took(HASHED / min(took.wall for took in hashed), HASHED / min(took.cpu for took in hashed))
    for unit, seconds, rate in (("s", measured.wall, best.wall), ("CPU s", measured.cpu, best.cpu)):
        print(
            f"Outputs measured in {seconds:.2f} {unit}; the best SHA-256 of messages in memory is "
            f"{rate / 1e9:.2f} GB/{unit}.  That is the time for\n"
            f"  {size / 1e6:.0f} MB, bytes of outputs, {seconds * rate / size:.2f} times;\n"
            f"  {bytes_to_hash / 1e6:.0f} MB, bytes to hash, {seconds * rate / bytes_to_hash:.2f} times"
        )


def _bytes_to_hash(file: str) -> int:
    """What goes into the digests of an output: its own, that of its build ID and that of its export data."""
    content = Path(file).read_bytes()
    if not content.startswith(b"!<arch>\n__.PKGDEF"):
        return len(content)
    definition = content[: 68 + int(content[56:66])]
    export = definition.rfind(b"\n$$\n") - definition.find(b"\n$$B\nu")
    return 2 * len(content) + max(0, export - 14)


def _measure(engine: Engine, cache: Path, threads: int) -> Survey:
    """Measure the whole cache, without starting Python."""
    answers = engine.measure_build_cache(str(cache), now_ns=time.time_ns(), threads=threads)
    [survey] = [answer for answer in answers if isinstance(answer, Survey)]
    return survey


def _small_entries(engine: Engine, threads: int) -> None:
    """Print how long listing and checking many entries takes."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for number in range(256):
            (root / f"{number:02x}").mkdir()
        output = hashlib.sha256(b"").hexdigest()
        (root / output[:2] / f"{output}-d").write_bytes(b"")
        for number in range(SMALL_ENTRIES):
            action = hashlib.sha256(b"%d" % number).hexdigest()
            text = f"v1 {action} {output} {0:20d} {time.time_ns():20d}\n"
            (root / action[:2] / f"{action}-a").write_text(text)
        survey = _measure(engine, root, threads)
        if (survey.actions, survey.dangling) != (SMALL_ENTRIES, 0):
            raise SystemExit(f"not every entry was read: {survey}")
        took = _least([_took(partial(_measure, engine, root, threads)) for _ in range(4)])
    spent = f"{took.wall:.2f} s ({took.cpu:.2f} CPU s)"
    print(f"{SMALL_ENTRIES:,} small entries: listed, read and checked in {spent}")


if __name__ == "__main__":
    sys.exit(main())
