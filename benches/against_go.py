"""Measures ``fastverify check`` against ``go mod verify`` on the same modules, in turn.

``project_against_go`` beside this measures ``fastverify go-mod-verify`` too.

Both read a cache that holds the modules of one large program (see ``real_cache``), with the pages
in memory: right before each run comes one of the same that does not count.  Every run is shown, with what it
read from a disk nevertheless, and the medians of the ratios of neighbouring runs.

    python benches/against_go.py [--engine native|pure] [--threads N] [--pairs N] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from measured_run import Run, peak_of_all_processes, run_warm
from real_cache import (
    PROGRAM,
    RealCache,
    build_list,
    cached_modules,
    count_modules,
    make_real_cache,
)


class Contender(NamedTuple):
    """One of the two commands."""

    name: str
    command: list[str]
    cwd: Path
    environment: dict[str, str]

    def run(self) -> Run:
        """Run it, with what it reads in memory.  The run counts only if it found every module whole."""
        result = run_warm(self.command, cwd=self.cwd, environment=self.environment)
        if result.status != 0:
            raise SystemExit(f"{self.name} ended with status {result.status}:\n{result.output}")
        return result


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the cache, run the pairs, and print what came of it."""
    options = _parse(arguments)
    cache = _cache(options)
    listed, held = build_list(cache), cached_modules(cache)
    if not listed & held:
        raise SystemExit(
            f"{cache.modcache} has none of the {len(listed)} modules of the project's build list"
        )
    of_list = count_modules(cache, listed)
    everything = count_modules(cache, held)
    print(f"Machine: {_cpu_model()}, {_cpus()} CPUs; {_go_version()}; Python {platform.python_version()}")
    print(
        f"Build list: {len(listed)} modules, {of_list.modules} of them in the cache: "
        f"{_mb(of_list.zip_bytes)} of zips, {of_list.tree_files} files of {_mb(of_list.tree_bytes)}"
    )
    print(
        f"Whole cache: {everything.modules} modules: "
        f"{_mb(everything.zip_bytes)} of zips, {everything.tree_files} files of {_mb(everything.tree_bytes)}"
    )
    if not held <= listed:
        print(f"NOTE: fastverify reads {len(held - listed)} modules more than go mod verify.")

    go, fastverify = _contenders(cache, options)
    print(f"\nA: {' '.join(go.command)}\nB: {' '.join(fastverify.command)}\n")
    if os.getloadavg()[0] > _cpus() + 1:
        print(f"NOTE: something else is using this machine (load {os.getloadavg()[0]:.1f}).\n")
    pairs = []
    print(
        f"{'run':>4} {'':2} {'wall s':>8} {'cpu s':>8} {'user s':>8} {'sys s':>8} "
        f"{'peak RSS':>10} {'from disk':>10}"
    )
    for number in range(1, options.pairs + 1):
        pair = []
        for letter, contender in (("A", go), ("B", fastverify)):
            result = contender.run()
            pair.append(result)
            print(
                f"{number:4} {letter:2} {result.wall:8.2f} {result.cpu:8.2f} {result.user:8.2f} "
                f"{result.system:8.2f} {_mb(result.peak_rss):>10} {_mb(result.from_disk):>10}",
                flush=True,
            )
        pairs.append((pair[0], pair[1]))
    wall = statistics.median(a.wall / b.wall for a, b in pairs)
    cpu = statistics.median(a.cpu / b.cpu for a, b in pairs)
    memory = {
        contender.name: peak_of_all_processes(
            contender.command, cwd=contender.cwd, environment=contender.environment
        )
        for contender in (go, fastverify)
    }
    of_pairs = "1 pair" if len(pairs) == 1 else f"{len(pairs)} pairs"
    print(f"\nMedians over {of_pairs}: wall A/B {wall:.2f}, CPU A/B {cpu:.2f}")
    peaks = ", ".join(f"{name} {_mb(bytes_)}" for name, bytes_ in memory.items())
    print(f"Peak memory of all processes together (Pss, every 20 ms of one run more): {peaks}")

    if options.json:
        result_file: dict[str, Any] = {
            "machine": {"cpu": _cpu_model(), "cpus": _cpus()},
            "go": _go_version(),
            "python": platform.python_version(),
            "fastverify": _fastverify_version(),
            "program": options.program if options.modcache is None else None,
            "build_list": {"listed": len(listed), **of_list._asdict()},
            "cache": everything._asdict(),
            "go_command": go.command[1:],
            "fastverify_command": ["fastverify", *fastverify.command[3:4], *fastverify.command[5:]],
            "pairs": [{"go": _run_json(a), "fastverify": _run_json(b)} for a, b in pairs],
            "median_ratio": {"wall": round(wall, 3), "cpu": round(cpu, 3)},
            "peak_memory_of_all_processes": memory,
        }
        Path(options.json).write_text(json.dumps(result_file, indent=1) + "\n", encoding="utf-8")
    return 0


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure fastverify check against go mod verify.")
    parser.add_argument("--engine", choices=["native", "pure"], help="fastverify's engine")
    parser.add_argument("--threads", type=int, help="threads for both (GOMAXPROCS for go)")
    parser.add_argument("--pairs", type=int, default=5, help="runs of each (default 5)")
    parser.add_argument("--json", metavar="FILE", help="write every run to FILE too")
    parser.add_argument("--program", default=PROGRAM, help=f"whose modules (default {PROGRAM})")
    parser.add_argument("--cache", type=Path, default=_default_folder(), help="where to keep the modules")
    parser.add_argument("--modcache", type=Path, help="use this GOMODCACHE as it is; needs --project")
    parser.add_argument("--project", type=Path, help="folder of the go.mod whose modules are in --modcache")
    options = parser.parse_args(arguments)
    if (options.modcache is None) != (options.project is None):
        parser.error("--modcache and --project go together")
    if options.pairs < 1 or (options.threads is not None and options.threads < 1):
        parser.error("--pairs and --threads are at least 1")
    return options


def _default_folder() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser() / "fastverify-bench"


def _cache(options: argparse.Namespace) -> RealCache:
    if options.modcache is not None:
        if not (options.project / "go.mod").is_file():
            raise SystemExit(f"{options.project}: there is no go.mod in this folder")
        if not options.modcache.is_dir():  # the go command would make it
            raise SystemExit(f"{options.modcache}: there is no such folder")
        return RealCache(options.project.resolve(), options.modcache.resolve())
    return make_real_cache(options.cache.resolve(), options.program)


def _contenders(cache: RealCache, options: argparse.Namespace) -> tuple[Contender, Contender]:
    environment = cache.environment()
    check = [sys.executable, "-m", "fastverify", "check", str(cache.modcache), "--quiet"]
    if options.engine:
        check += ["--engine", options.engine]
    if options.threads:
        check += ["--threads", str(options.threads)]
        environment["GOMAXPROCS"] = str(options.threads)
    return (
        Contender("go mod verify", ["go", "mod", "verify"], cache.project, environment),
        Contender("fastverify", check, cache.project, environment),
    )


def _run_json(result: Run) -> dict[str, float | int]:
    return {
        "wall": round(result.wall, 3),
        "user": round(result.user, 3),
        "system": round(result.system, 3),
        "peak_rss": result.peak_rss,
        "from_disk": result.from_disk,
    }


def _fastverify_version() -> str:
    from fastverify import __version__

    return __version__


def _go_version() -> str:
    return subprocess.run(["go", "version"], capture_output=True, text=True, check=True).stdout.strip()


def _cpu_model() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _cpus() -> int:
    return len(os.sched_getaffinity(0))


def _mb(count: int) -> str:
    return f"{count / 1e6:.0f} MB"


if __name__ == "__main__":
    sys.exit(main())
