"""Measures a project's side: ``fastverify go-mod-verify`` beside ``go mod verify`` and ``fastverify check``.

All three read the same modules, those of one large program (see ``real_cache``), in turn.  Beside them the
build list is worked out again and again, for its share in ``fastverify go-mod-verify``.

    python benches/project_against_go.py [--engine native|pure] [--threads N] [--rounds N] [--cache FOLDER]
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from against_go import Contender, _cpu_model, _cpus, _default_folder, _go_version, _mb
from fastverify.modcache.buildlist import build_list as work_out
from fastverify.modcache.project import find_project
from measured_run import Run
from real_cache import PROGRAM, RealCache, build_list, cached_modules, count_modules, make_real_cache

GO, VERIFY, CHECK = "go mod verify", "fastverify go-mod-verify", "fastverify check"


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the cache, run the rounds, and print what came of them."""
    options = _parse(arguments)
    cache = make_real_cache(options.cache.resolve(), options.program)
    listed, held = build_list(cache), cached_modules(cache)
    if held - listed:
        print(f"NOTE: fastverify check reads {len(held - listed)} modules more than the others.")
    counted = count_modules(cache, held)
    print(f"Machine: {_cpu_model()}, {_cpus()} CPUs; {_go_version()}; Python {platform.python_version()}")
    print(
        f"{counted.modules} modules: {_mb(counted.zip_bytes)} of zips, "
        f"{counted.tree_files} files of {_mb(counted.tree_bytes)}\n"
    )
    contenders = _contenders(cache, options)
    if os.getloadavg()[0] > _cpus() + 1:
        print(f"NOTE: something else is using this machine (load {os.getloadavg()[0]:.1f}).\n")
    runs: dict[str, list[Run]] = {contender.name: [] for contender in contenders}
    lists: list[tuple[float, float]] = []
    print(f"{'round':>5}  {'':26} {'wall s':>8} {'cpu s':>8} {'peak RSS':>10}")
    for number in range(1, options.rounds + 1):
        for contender in contenders:
            result = contender.run()
            runs[contender.name].append(result)
            print(
                f"{number:5}  {contender.name:26} {result.wall:8.2f} {result.cpu:8.2f} "
                f"{_mb(result.peak_rss):>10}",
                flush=True,
            )
        lists.append(_time_of_list(cache))
        print(f"{number:5}  {'the build list':26} {lists[-1][0]:8.2f} {lists[-1][1]:8.2f}", flush=True)
    print(f"\nMedians over {options.rounds} rounds:")
    for one, other in ((GO, VERIFY), (GO, CHECK), (VERIFY, CHECK)):
        pairs = list(zip(runs[one], runs[other], strict=True))
        wall = statistics.median(a.wall / b.wall for a, b in pairs)
        cpu = statistics.median(a.cpu / b.cpu for a, b in pairs)
        print(f"  {one} / {other}: wall {wall:.2f}, CPU {cpu:.2f}")
    shares = [(wall / run.wall, cpu / run.cpu) for (wall, cpu), run in zip(lists, runs[VERIFY], strict=True)]
    wall, cpu = (statistics.median(share[number] for share in shares) for number in (0, 1))
    print(f"  the build list in {VERIFY}: {wall:.1%} of the wall time, {cpu:.1%} of the CPU time")
    return 0


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure fastverify go-mod-verify against go mod verify.")
    parser.add_argument("--engine", choices=["native", "pure"], help="fastverify's engine")
    parser.add_argument("--threads", type=int, help="threads for all (GOMAXPROCS for go)")
    parser.add_argument("--rounds", type=int, default=5, help="runs of each (default 5)")
    parser.add_argument("--program", default=PROGRAM, help=f"whose modules (default {PROGRAM})")
    parser.add_argument("--cache", type=Path, default=_default_folder(), help="where to keep the modules")
    options = parser.parse_args(arguments)
    if options.rounds < 1 or (options.threads is not None and options.threads < 1):
        parser.error("--rounds and --threads are at least 1")
    return options


def _contenders(cache: RealCache, options: argparse.Namespace) -> list[Contender]:
    environment = cache.environment()
    more = []
    if options.engine:
        more += ["--engine", options.engine]
    if options.threads:
        more += ["--threads", str(options.threads)]
        environment["GOMAXPROCS"] = str(options.threads)
    fastverify = [sys.executable, "-m", "fastverify"]
    commands = {
        GO: ["go", "mod", "verify"],
        VERIFY: [*fastverify, "go-mod-verify", *more],
        CHECK: [*fastverify, "check", str(cache.modcache), "--quiet", *more],
    }
    return [Contender(name, command, cache.project, environment) for name, command in commands.items()]


def _time_of_list(cache: RealCache) -> tuple[float, float]:
    """How long the build list takes, from the project's files on: seconds of wall and of CPU time."""
    wall, cpu = time.perf_counter(), time.process_time()
    project = find_project(os.fspath(cache.project), cache.environment())
    if not work_out(project, os.fspath(cache.modcache)).modules:
        raise SystemExit("the build list is empty")
    return time.perf_counter() - wall, time.process_time() - cpu


if __name__ == "__main__":
    sys.exit(main())
