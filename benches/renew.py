"""Measures fastverify beside others and writes ``benches/RESULTS.md``.

    python benches/renew.py [--pairs N] [--cache FOLDER] [--warm-cache FOLDER] [--output FILE]

It needs Go and Rust, and downloads the modules of one large program (see ``real_cache``) into the
folder of ``--cache``, once, and into that of ``--warm-cache``, if there is one: on a tmpfs, where the system
takes out of memory within seconds what nobody reads there.  Everything is read right before it is measured,
but where the page cache is to be cold, for which root's right to drop it is needed.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import os
import platform
import statistics
import struct
import subprocess
import sys
import tempfile
import time
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from against_go import _cpu_model, _cpus, _default_folder, _go_version, _mb
from fastverify.hashing import kernels
from measured_run import Run, peak_of_all_processes, run, run_warm
from real_cache import RealCache, build_list, cached_modules, count_modules, make_real_cache

HERE = Path(__file__).parent
SAMPLE_BYTES = 100_000_000
SAMPLE_FILES = 20_000
SAMPLES = 7
SHA256_SIZES = (64, 256, 1024, 4096, 16384, 1 << 20)
#: Those of a processor's features that any of the measured code makes use of.
FEATURES = ("sha_ni", "ssse3", "sse4_1", "avx2", "bmi2", "avx512f", "avx512bw", "vaes", "pclmulqdq", "sha2")


WHAT = (
    "the numbers are those of one machine at one time.  Each cell is a median; in brackets are the least and"
    " the greatest sample, where there are several.  Behind a speed is how many times as fast fastverify is,"
    " in the way that it uses here.  All samples are at the end."
)
NOISE = (
    "More than 1 means that other programs were running, which makes wall times long and all numbers noisy."
)

#: How the name of the kernel ends that is used on this machine.
USED = ", used here"


class Row(NamedTuple):
    """What one contender made of one kind of work."""

    group: str
    size: str
    name: str
    samples: list[float]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure everything and write the file."""
    parser = argparse.ArgumentParser(description="Renew benches/RESULTS.md.")
    parser.add_argument("--pairs", type=int, default=5, help="runs of each whole program (default 5)")
    parser.add_argument("--cache", type=Path, default=_default_folder(), help="where to keep the modules")
    parser.add_argument("--warm-cache", type=Path, help="where to keep the modules for runs in memory")
    parser.add_argument("--output", type=Path, default=HERE / "RESULTS.md", help="the file to write")
    parser.add_argument("--cold", type=int, default=3, help="runs of each with a cold page cache (default 3)")
    parser.add_argument("--without-pure", action="store_true", help="leave out the pure engine, the slowest")
    options = parser.parse_args(arguments)
    cache = make_real_cache(options.cache.resolve())
    warm = make_real_cache((options.warm_cache or options.cache).resolve())
    with tempfile.TemporaryDirectory() as scratch:
        samples = _Samples()
        head = _head(options)
        parts = list(_parts(cache, Path(scratch), samples))
        whole = list(_whole_programs(warm, options, Path(scratch), samples))
        cold = list(_cold(cache, options.cold, samples)) if options.cold else []
        sections = [head, *whole, *cold, *parts, *samples.section()]
    options.output.write_text("\n".join(sections), encoding="utf-8")
    return 0


class _Samples:
    """Every sample, shown as it is taken and kept for the end of the file."""

    def __init__(self) -> None:
        self._lines: list[str] = []

    def add(self, what: str, samples: Iterable[float]) -> None:
        """Note the samples of one cell."""
        line = f"{what}: {' '.join(f'{sample:.2f}' for sample in samples)}"
        print(line, flush=True)
        self._lines.append(line)

    def section(self) -> Iterator[str]:
        yield "## Every sample\n"
        yield "In the order in which they were taken.\n"
        yield "\n".join(["```", *self._lines, "```", ""])


def _head(options: argparse.Namespace) -> str:
    sha256 = kernels()
    command = f"python benches/renew.py --pairs {options.pairs} --cold {options.cold}"
    command += " --warm-cache FOLDER" if options.warm_cache else ""
    return "\n".join(
        [
            "# Results",
            "",
            f"Written by `{command}`; {WHAT}",
            "",
            f"- Processor: {_cpu_model()}, {_cpus()} CPUs; features: {', '.join(_features())}",
            f"- System: {platform.system()} {platform.release()}",
            f"- {_go_version()}, Python {platform.python_version()}",
            f"- SHA-256 kernel: {sha256.used} (of {', '.join(sha256.available)})",
            f"- Load before the first run: {os.getloadavg()[0]:.1f}.  {NOISE}",
            "",
        ]
    )


def _features() -> list[str]:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith(("flags", "Features")):
            words = line.split()
            return [feature for feature in FEATURES if feature in words]
    return []


def _file_system(path: Path) -> str:
    """The kind of file system that `path` is on, where there is a way to know."""
    kinds = {}
    try:
        for line in Path("/proc/self/mounts").read_text().splitlines():
            _, place, kind, *_ = line.split(" ")
            kinds[place] = kind
    except OSError:
        return platform.system()
    places = [str(place) for place in (path, *path.parents)]
    return next((kinds[place] for place in places if place in kinds), platform.system())


class _Program(NamedTuple):
    name: str
    command: list[str]
    cwd: Path
    environment: Mapping[str, str]


def _whole_programs(
    cache: RealCache, options: argparse.Namespace, scratch: Path, samples: _Samples
) -> Iterator[str]:
    pairs: int = options.pairs
    dirhash = _go_program(scratch)
    environment = cache.environment()
    check = [sys.executable, "-m", "fastverify", "check", str(cache.modcache), "--quiet"]
    programs = [
        _Program("`fastverify check`", check, cache.project, environment),
        _Program("`go mod verify`", ["go", "mod", "verify"], cache.project, environment),
        _Program(
            "Go: `HashZip`, `HashDir` of every module",
            [str(dirhash), "dirhash", str(cache.modcache)],
            cache.project,
            environment,
        ),
        _Program(
            "`fastverify check --engine pure`",
            [*check, "--engine", "pure"],
            cache.project,
            environment,
        ),
    ]
    if options.without_pure:
        del programs[-1]
    found: dict[str, list[Run]] = {program.name: [] for program in programs}
    for _ in range(pairs):
        for program in programs:
            found[program.name].append(_once(program, run_warm))
    held = count_modules(cache, cached_modules(cache))
    yield "## Whole programs\n"
    of_list = count_modules(cache, build_list(cache))
    yield (
        f"{held.modules} modules, of which {of_list.modules} are of the build list that"
        f" `go mod verify` looks at: {_mb(held.zip_bytes)} of zips, {held.tree_files} files of"
        f" {_mb(held.tree_bytes)}.  They are in memory ({_file_system(cache.modcache)}): right before each"
        " run comes one of the same that does not count, and what was read from a disk nevertheless is there"
        f" as the median.  {_runs(pairs)} of each in turns.  The last columns say how many times as long as"
        " `fastverify check` it takes, as medians of the ratios of each turn.  The memory is that of all its"
        " processes together (Pss), in one run more.\n"
    )
    columns = ("", "wall s", "CPU s", "peak memory", "from disk", "wall, times ours", "CPU, times ours")
    yield f"| {' | '.join(columns)} |\n{'|---' * len(columns)}|"
    ours = found[programs[0].name]
    for program in programs:
        theirs = found[program.name]
        ratios = [
            f"{statistics.median(value(b) / value(a) for a, b in zip(ours, theirs, strict=True)):.2f}"
            for value in (_wall, _cpu)
        ]
        peak = peak_of_all_processes(program.command, cwd=program.cwd, environment=program.environment)
        samples.add(f"{program.name}, warm, wall s", map(_wall, theirs))
        samples.add(f"{program.name}, warm, CPU s", map(_cpu, theirs))
        from_disk = _mb(int(statistics.median(result.from_disk for result in theirs)))
        cells = [_spread(map(_wall, theirs)), _spread(map(_cpu, theirs)), _mb(peak), from_disk, *ratios]
        yield f"| {program.name} | {' | '.join(cells)} |"
    yield ""


def _cold(cache: RealCache, runs: int, samples: _Samples) -> Iterator[str]:
    """The same with nothing in memory, where this process may see to that."""
    yield "## Cold page cache\n"
    if not _drop_page_cache():
        yield "Not measured: only root may drop the page cache, and not in every container.\n"
        return
    environment = cache.environment()
    check = [sys.executable, "-m", "fastverify", "check", str(cache.modcache), "--quiet"]
    programs = [
        _Program("`go mod verify`", ["go", "mod", "verify"], cache.project, environment),
        _Program("`fastverify check`", check, cache.project, environment),
        _Program(
            "`FASTVERIFY_READING=plain fastverify check`",
            check,
            cache.project,
            {**environment, "FASTVERIFY_READING": "plain"},
        ),
        *(
            _Program(
                f"`fastverify check --threads {threads}`",
                [*check, "--threads", str(threads)],
                cache.project,
                environment,
            )
            for threads in (2, 8, 16)
        ),
    ]
    found: dict[str, list[Run]] = {program.name: [] for program in programs}
    for _ in range(runs):
        for program in programs:
            _drop_page_cache()
            found[program.name].append(_once(program))
    yield (
        f"The same modules ({_file_system(cache.modcache)}), {_runs(runs)} of each in turns; before each the"
        " page cache, with all inodes and directories, is dropped.  The last column says how many times as"
        " long as it `go mod verify` takes.\n"
    )
    yield "| | wall s | CPU s | peak RSS | `go mod verify`, times this |\n|---|---|---|---|---|"
    go = found[programs[0].name]
    for program in programs:
        ours = found[program.name]
        ratio = statistics.median(a.wall / b.wall for a, b in zip(go, ours, strict=True))
        peak = _mb(max(result.peak_rss for result in ours))
        samples.add(f"{program.name}, cold, wall s", map(_wall, ours))
        samples.add(f"{program.name}, cold, CPU s", map(_cpu, ours))
        cells = [_spread(map(_wall, ours)), _spread(map(_cpu, ours)), peak, f"{ratio:.2f}"]
        yield f"| {program.name} | {' | '.join(cells)} |"
    yield ""


def _drop_page_cache() -> bool:
    """Forget what is in memory of files; false where this process may not (proc_sys_vm(5))."""
    os.sync()
    try:
        Path("/proc/sys/vm/drop_caches").write_text("3\n")
    except OSError:
        return False
    return True


def _runs(number: int) -> str:
    return f"{number} run" if number == 1 else f"{number} runs"


def _wall(result: Run) -> float:
    return result.wall


def _cpu(result: Run) -> float:
    return result.cpu


def _once(program: _Program, how: Callable[..., Run] = run) -> Run:
    result = how(program.command, cwd=program.cwd, environment=program.environment)
    if result.status != 0:
        raise SystemExit(f"{program.name} ended with status {result.status}:\n{result.output}")
    print(f"{program.name}: {result.wall:.2f} s, CPU {result.cpu:.2f} s", flush=True)
    return result


def _parts(cache: RealCache, scratch: Path, samples: _Samples) -> Iterator[str]:
    bench = _rust_program()
    go = _go_program(scratch)
    entries = scratch / "entries"
    zips = sorted((cache.modcache / "cache" / "download").rglob("*.zip"))
    sampled = _write_entries(zips, entries)
    trees = scratch / "trees"
    trees.write_text("".join(f"{tree}\n" for tree in _sample_trees(cache)))

    rows = [*_rows([str(bench), "sha256"]), *_hashlib_rows(), *_rows([str(go), "sha256"])]
    yield "## SHA-256 by message size, GB/s on one core\n"
    yield "Messages of one size, 2 MiB of them or more; fastverify takes them all in one call.\n"
    yield _table(rows, [str(size) for size in SHA256_SIZES], samples)
    rows = [
        *_rows([str(bench), "inflate", str(entries)]),
        *_zlib_rows(sampled),
        *_rows([str(go), "inflate", str(entries)]),
    ]
    yield "## Inflating, GB/s on one core\n"
    yield f"{len(sampled)} entries of real zips, {_mb(sum(size for _, size in sampled))} unpacked.\n"
    yield _table(rows, ["real entries"], samples)
    rows = [*_rows([str(bench), "trees", str(trees)]), *_rows([str(go), "trees", str(trees)])]
    yield "## Listing trees and reading every file, thousands of files a second of CPU time\n"
    yield _table(rows, [rows[0].size], samples)


def _rust_program() -> Path:
    command = ["cargo", "build", "--release", "--quiet", "--manifest-path", str(HERE / "rust" / "Cargo.toml")]
    subprocess.run(command, check=True)
    return HERE / "rust" / "target" / "release" / "fastverify-bench"


def _go_program(scratch: Path) -> Path:
    program = scratch / "go-bench"
    if not program.exists():
        environment = {**os.environ, "GOTOOLCHAIN": "local", "GOWORK": "off"}
        subprocess.run(["go", "build", "-o", str(program), "."], cwd=HERE / "go", env=environment, check=True)
    return program


def _rows(command: Sequence[str]) -> Iterator[Row]:
    print(" ".join(command[1:2]), Path(command[0]).name, flush=True)
    output = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
    for line in output.splitlines():
        yield Row(**json.loads(line))


def _measured(work: float, call: Callable[[], object]) -> list[float]:
    samples = []
    call()
    for _ in range(SAMPLES):
        begun = time.thread_time()
        call()
        samples.append(work / (time.thread_time() - begun))
    return samples


def _hashlib_rows() -> Iterator[Row]:
    for size in SHA256_SIZES:
        messages = [bytes(size)] * max((4 << 20) // size, 4)

        def call(messages: list[bytes] = messages) -> None:
            for message in messages:
                hashlib.sha256(message).digest()

        samples = _measured(size * len(messages) / 1e9, call)
        yield Row("sha256", str(size), "Python's hashlib", samples)


def _zlib_rows(entries: list[tuple[bytes, int]]) -> Iterator[Row]:
    def call() -> None:
        for data, size in entries:
            zlib.decompress(data, -15, size)

    total = sum(size for _, size in entries)
    yield Row("inflate", "real entries", "Python's zlib", _measured(total / 1e9, call))


def _write_entries(zips: Sequence[Path], path: Path) -> list[tuple[bytes, int]]:
    """Deflated entries from zips all over the cache: written to `path`, and returned."""
    entries: list[tuple[bytes, int]] = []
    total = 0
    for zip_path in zips[:: max(len(zips) // 100, 1)]:
        for data, size in _deflated(zip_path.read_bytes()):
            if total < SAMPLE_BYTES and size <= 4 << 20:
                entries.append((data, size))
                total += size
    path.write_bytes(b"".join(struct.pack("<II", len(data), size) + data for data, size in entries))
    return entries


def _deflated(archive: bytes) -> Iterator[tuple[bytes, int]]:
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        for info in opened.infolist():
            if info.compress_type == zipfile.ZIP_DEFLATED:
                names = struct.unpack_from("<HH", archive, info.header_offset + 26)
                start = info.header_offset + 30 + sum(names)
                yield archive[start : start + info.compress_size], info.file_size


def _sample_trees(cache: RealCache) -> list[Path]:
    """Trees from all over the cache that together hold some thousand files."""
    download = cache.modcache / "cache" / "download"
    trees = [
        cache.modcache / f"{path.parent.parent.relative_to(download)}@{path.stem}"
        for path in sorted(download.rglob("*.zip"))
    ]
    chosen = []
    files = 0
    for tree in filter(Path.is_dir, trees[::5]):
        if files < SAMPLE_FILES:
            chosen.append(tree)
            files += sum(len(names) for _, _, names in os.walk(tree))
    return chosen


def _table(rows: Sequence[Row], sizes: Sequence[str], samples: _Samples) -> str:
    """A table of speeds, each with how many times as fast fastverify is."""
    names = list(dict.fromkeys(row.name for row in rows))
    cells = {(row.name, row.size): row.samples for row in rows}
    ours = next(name for name in names if name == "fastverify" or name.endswith(USED))
    lines = [f"| | {' | '.join(sizes)} |", "|---" * (len(sizes) + 1) + "|"]
    for name in names:
        written = []
        for size in sizes:
            found = cells.get((name, size))
            if found is None:
                written.append("")
                continue
            samples.add(f"{rows[0].group}, {size}, {name}", found)
            times = statistics.median(cells[ours, size]) / statistics.median(found)
            written.append(_spread(found) + ("" if name == ours else f"; {times:.2f}"))
        lines.append(f"| {name} | {' | '.join(written)} |")
    return "\n".join(lines) + "\n"


def _spread(samples: Iterable[float]) -> str:
    kept = list(samples)
    spread = f" ({min(kept):.2f}-{max(kept):.2f})" if len(kept) > 1 else ""
    return f"{statistics.median(kept):.2f}{spread}"


if __name__ == "__main__":
    sys.exit(main())
