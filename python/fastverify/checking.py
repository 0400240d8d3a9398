"""Checking caches of every kind, one after the other, for one report."""

from __future__ import annotations

import os
import time
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING

from fastverify import timings as clock
from fastverify.engine import checked_threads, default_threads, load_engine
from fastverify.engine.protocol import Engine, EngineName
from fastverify.errors import FastverifyError
from fastverify.gocache.recognise import is_build_cache, names_in, refuse_part
from fastverify.locate import GoSettings, build_cache, go_settings, module_cache
from fastverify.modcache.begin import StrPath, check_module_cache
from fastverify.modcache.changes import timestamp
from fastverify.modcache.check import Check
from fastverify.modcache.recognise import is_vendor_folder, require_module_cache
from fastverify.report.model import BuildResult, Counts, Report, Result

if TYPE_CHECKING:
    from fastverify.gocache.check import BuildCheck


def check_caches(
    *paths: StrPath,
    projects: StrPath | Sequence[StrPath] = (),
    gosums: StrPath | Sequence[StrPath] = (),
    threads: int | None = None,
    engine: EngineName | None = None,
    sumdb: str | None = None,
    only_build_list: bool = False,
    timings: bool = False,
) -> CacheCheck:
    """Check the caches and vendor folders `paths`; without any, both of the go command's own caches.

    A build cache is recognised by its 256 folders.  Everything else is as in
    :func:`~fastverify.modcache.check.check_module_cache`; with `only_build_list` and no path, the go
    command's build cache is left alone.  With `timings` the report says where the time went; that is
    recorded for one check of a process at a time.

    Returns an iterator of results; its ``report`` is complete when it ends.  Nothing is written into a
    cache.  Raises FastverifyError where the check cannot be made; what is wrong inside a cache is a
    finding, never an exception.
    """
    if threads is not None:
        threads = checked_threads(threads)
    loaded = load_engine(engine)
    if timings:
        clock.start()
    chosen = _named(paths) if paths else _own(builds=not only_build_list)
    if (projects or gosums) and not chosen.modules:
        raise FastverifyError(
            "--project and --gosum are about modules, and there is no module cache to check"
        )
    module_check = None
    if chosen.modules:
        with clock.stage("begin"):
            module_check = check_module_cache(
                *chosen.modules,
                projects=projects,
                gosums=gosums,
                threads=threads,
                engine=engine,
                sumdb=sumdb,
                only_build_list=only_build_list,
            )
        report = module_check.report
    else:
        report = Report(engine=engine or "pure", started=timestamp(time.time_ns()), caches=[])
    report.caches += [("gocache", root) for root in chosen.builds]
    report.not_checked += chosen.not_checked
    workers = threads or default_threads()
    return CacheCheck(report, module_check, chosen.builds, loaded, workers, timings=timings)


@dataclass(slots=True)
class _Chosen:
    """What is to be checked."""

    #: Module caches and vendor folders.
    modules: list[str] = field(default_factory=list)
    builds: list[str] = field(default_factory=list)
    #: Why one of the go command's own caches is not.
    not_checked: list[str] = field(default_factory=list)


def _named(paths: Sequence[StrPath]) -> _Chosen:
    chosen = _Chosen()
    for given in paths:
        name = os.fspath(given)
        path = os.path.abspath(name) if name else ""
        if os.path.isdir(path) and is_build_cache(names_in(path)):
            if path not in chosen.builds:
                chosen.builds.append(path)
            continue
        if path and not is_vendor_folder(path):
            refuse_part(path)
        chosen.modules.append(path)
    return chosen


def _own(*, builds: bool) -> _Chosen:
    """The go command's own caches, the build cache only if `builds` is set.

    Raises FastverifyError where there is none of them, for the module cache.
    """
    settings = go_settings()
    chosen = _Chosen()
    first: FastverifyError | None = None
    try:
        root = module_cache(settings)
        require_module_cache(root)
        chosen.modules.append(root)
    except FastverifyError as error:
        first = error
        chosen.not_checked.append(f"no module cache: {error}")
    if builds:
        try:
            chosen.builds.append(_own_build_cache(settings))
        except FastverifyError as error:
            chosen.not_checked.append(f"no build cache: {error}")
    if not (chosen.modules or chosen.builds) and first is not None:
        raise first
    return chosen


def _own_build_cache(settings: GoSettings) -> str:
    root = build_cache(settings)
    if not os.path.isdir(root):
        raise FastverifyError(f"{root} does not exist; the go command makes its build cache when it builds")
    if (names := names_in(root)) and not is_build_cache(names):
        raise FastverifyError(f"{root} is no build cache: it has not the folders 00 to ff")
    return root


class CacheCheck:
    """A check under way: an iterator of results, with the report that grows with them."""

    def __init__(
        self,
        report: Report,
        modules: Check | None,
        builds: Sequence[str],
        engine: Engine,
        threads: int,
        *,
        timings: bool = False,
    ) -> None:
        self.report = report
        #: Results that a check which was closed early had not looked at a second time.
        self.unconfirmed: list[Result] = []
        self._modules = modules
        self._builds = _build_checks(builds, engine, threads)
        self._begun = time.monotonic()
        self._timed = timings
        report.engine = engine.name
        report.complete = False
        self._results = self._run()

    @property
    def engine(self) -> EngineName:
        """The name of the engine at work."""
        return self.report.engine

    @property
    def modules_total(self) -> int:
        """How many module versions there are to look at."""
        return self._modules.modules_total if self._modules is not None else 0

    @property
    def bytes_total(self) -> int:
        """About how many bytes there are to read; those of a build cache are known when it is begun."""
        modules = self._modules.bytes_total if self._modules is not None else 0
        return modules + sum(build.bytes_total for build in self._builds)

    def __iter__(self) -> Iterator[Result]:
        return self

    def __next__(self) -> Result:
        try:
            return next(self._results)
        finally:
            self.report.seconds = time.monotonic() - self._begun

    def close(self) -> None:
        """End the check early.  The report keeps what was found, marked as not complete."""
        self._results.close()
        if self._modules is not None:
            complete = self.report.complete
            self._modules.close()
            self.unconfirmed += self._modules.unconfirmed
            self._modules.unconfirmed = []
            self.report.complete = complete
        for build in self._builds:
            for result in build.close():
                self._take(result)
                self.unconfirmed.append(result)
        self._stop_clock()

    def __enter__(self) -> CacheCheck:  # noqa: PYI034 - typing.Self came with Python 3.11
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _run(self) -> Generator[Result, None, None]:
        if self._modules is not None:
            yield from self._modules
            self.report.complete = False
        for build in self._builds:
            for result in build:
                self._take(result)
                yield result
        self.report.complete = True
        self._stop_clock()

    def _stop_clock(self) -> None:
        if self._timed:
            self._timed = False
            self.report.timings = clock.stop()

    def _take(self, result: BuildResult) -> None:
        _count(self.report.counts, result)
        self.report.take(result.findings)


def _build_checks(roots: Sequence[str], engine: Engine, threads: int) -> list[BuildCheck]:
    if not roots:
        # Who checks none need not wait for what knows them.
        return []
    from fastverify.gocache.check import BuildCheck

    return [BuildCheck(root, engine, threads) for root in roots]


def _count(counts: Counts, result: BuildResult) -> None:
    counts.entries += result.entries
    counts.outputs += result.outputs
    counts.outputs_damaged += result.damaged
    counts.outputs_unreadable += result.unreadable
    counts.outputs_vanished += result.vanished
    counts.bytes += result.bytes
    counts.fuzz_values += result.values
