"""Checking whole module caches: inventory, measure and judge, one module version after the other.

Everything streams: a module version is judged and given out as soon as it is measured.  An anomaly is
looked at again before it is given out (see :mod:`fastverify.modcache.live`).
"""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from types import TracebackType
from typing import TYPE_CHECKING, Literal

from fastverify import timings
from fastverify.engine.protocol import Engine, EngineName, Measurements, ModuleMeasurement, ModuleTask
from fastverify.modcache import live, lock
from fastverify.modcache.gosum import TrustedSums
from fastverify.modcache.inventory import Inventory, Stray
from fastverify.modcache.judge import judge_module
from fastverify.modcache.layoutfindings import (
    busy_finding,
    changing_finding,
    list_finding,
    lock_finding,
    removed_finding,
    stray_finding,
    unreadable_folder_finding,
)
from fastverify.modcache.modulecolumns import VersionList
from fastverify.modcache.modulefiles import ModuleFiles, download_dir, file_path, hidden_folders
from fastverify.modcache.suspects import Suspect
from fastverify.modcache.tasks import CacheTasks, task_of, task_of_list, weight
from fastverify.report.model import Counts, Finding, ModuleResult, Report
from fastverify.spool import Spool
from fastverify.sumdb.opening import Opener
from fastverify.sumdb.proof import NO_DATABASE

if TYPE_CHECKING:
    from fastverify.vendor.folder import VendorFolder

#: What a second look at a suspect says.
_Look = Literal["gone", "busy", "moving", "settled"]


class Check:
    """A check under way: an iterator of results, with the report that grows with them."""

    def __init__(
        self,
        inventories: Sequence[Inventory],
        *,
        sums: TrustedSums,
        opener: Opener,
        report: Report,
        engine: Engine,
        threads: int,
        spares: int = 0,
        modcacherw: bool,
        first: Sequence[Finding] = (),
        vendors: Sequence[VendorFolder] = (),
        vendored_from: str = "",
    ) -> None:
        self.report = report
        #: Results that a check which was closed early had not looked at a second time.
        self.unconfirmed: list[ModuleResult] = []
        self._engine = engine
        self._sums = sums
        self._opener = opener
        self._threads = threads
        self._spares = spares
        self._modcacherw = modcacherw
        self._first = first
        self._vendors = vendors
        self._vendored_from = vendored_from
        self._begun = time.monotonic()
        report.engine = engine.name
        report.complete = False
        self._inventories = {inventory.root: inventory for inventory in inventories}
        # Asked for with every result, so reckoned once.
        self._bytes_total = sum(weight(inventory.modules) for inventory in inventories)
        self._database = NO_DATABASE
        #: Of the cache that is being checked, while they are under way.
        self._measurements: Measurements | None = None
        self._suspects: list[Suspect] = []
        self._aside = Spool()
        #: Lists of versions that were not as Go writes them, before they are looked at again.
        self._odd_lists: list[tuple[VersionList, Finding]] = []
        self._results = self._run()

    @property
    def engine(self) -> EngineName:
        """The name of the engine at work."""
        return self._engine.name

    @property
    def modules_total(self) -> int:
        """How many module versions there are to look at."""
        return sum(len(inventory.modules) for inventory in self._inventories.values())

    @property
    def bytes_total(self) -> int:
        """About how many bytes there are to read."""
        return self._bytes_total

    def __iter__(self) -> Iterator[ModuleResult]:
        return self

    def __next__(self) -> ModuleResult:
        try:
            result = next(self._results)
        finally:
            self.report.seconds = time.monotonic() - self._begun
        self._take(result)
        return result

    def _take(self, result: ModuleResult) -> None:
        """Enter a result into the report."""
        _count(self.report.counts, result)
        self.report.take(result.findings)

    def close(self) -> None:
        """End the check early.  The report keeps what was found, marked as not complete.

        That includes what was to be looked at once more; :attr:`unconfirmed` has it too.
        """
        self._results.close()
        waiting = [suspect.result for suspect in self._suspects]
        waiting += [_of_cache(finding) for _, finding in self._odd_lists]
        self._suspects, self._odd_lists = [], []
        for result in waiting:
            self._take(result)
        self.unconfirmed += waiting

    def __enter__(self) -> Check:  # noqa: PYI034 - typing.Self came with Python 3.11
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _run(self) -> Generator[ModuleResult, None, None]:
        yield from map(_of_cache, self._first)
        for inventory in self._inventories.values():
            yield from self._check_cache(inventory)
        for vendor in self._vendors:
            yield from self._check_vendor(vendor)
        self.report.complete = True

    def _check_vendor(self, vendor: VendorFolder) -> Iterator[ModuleResult]:
        root = self._vendored_from
        sumdb = os.path.join(download_dir(root), "sumdb")
        database, _ = self._opener.open(
            sumdb if os.path.isdir(sumdb) else None, [module.source for module in vendor.modules]
        )
        # Only now: most checks have none.
        from fastverify.vendor.check import check_vendor

        yield from check_vendor(
            vendor,
            root=root,
            sums=self._sums,
            database=database,
            engine=self._engine,
            threads=self._threads,
            spares=self._spares,
        )

    def _check_cache(self, inventory: Inventory) -> Iterator[ModuleResult]:
        root = inventory.root
        tasks = CacheTasks(inventory.modules)
        measuring = self._engine.measure(tasks, threads=self._threads, spares=self._spares)
        with closing(measuring) as measurements:
            self._measurements = measurements
            # Only now, when there are workers that go on meanwhile.
            self.report.not_checked += self._not_checked(inventory)
            yield from timings.each("database", self._open_database(inventory))
            for measured in timings.each("measure", measurements):
                listed = tasks.list_of(measured.key)
                if listed is not None:
                    finding = list_finding(listed, measured.info)
                    if finding is not None:
                        self._odd_lists.append((listed, finding))
                    continue
                files = inventory.modules.at(measured.key)
                suspect = Suspect(files, self._judge(root, files, measured))
                # Not held beside what a second look measures: it can name very many files.
                del measured
                yield from self._clear(root, suspect)
        self._measurements = None
        yield from timings.each("look again", self._settle(inventory))
        yield from self._settle_lists()
        for stray in _lasting(inventory.strays):
            yield _of_cache(stray_finding(stray))

    def _clear(self, root: str, suspect: Suspect) -> Iterator[ModuleResult]:
        """Give out what is known of a module version, or let it wait for a later look."""
        if _is_anomalous(suspect.result):
            self._suspects.append(suspect)
            with timings.stage("look again"):
                look = self._look(root, suspect)
            if look != "settled":
                suspect.set_aside(self._aside)
                return
            self._suspects.remove(suspect)
        yield from _with_lock_finding(suspect.result, suspect.files)

    def _open_database(self, inventory: Inventory) -> Iterator[ModuleResult]:
        """Open what may hold the modules of a cache, and tell what is wrong with it and with folders."""
        for folder, number in dict.fromkeys(inventory.unreadable):
            yield _of_cache(unreadable_folder_finding(folder, number))
        self._database, findings = self._opener.open(inventory.sumdb, inventory.modules)
        for told in findings:
            if inventory.is_whole or not told.module or _key(told) in inventory.modules:
                yield _of_cache(told)

    def _judge(self, root: str, files: ModuleFiles, measured: ModuleMeasurement) -> ModuleResult:
        with timings.stage("judge"):
            proof = self._database.prove(files.module, files.version)
            result = judge_module(root, files, measured, self._sums, proof)
            return self._with_hidden(result, root, files) if files.hidden else result

    def _with_hidden(self, result: ModuleResult, root: str, files: ModuleFiles) -> ModuleResult:
        """With the folders that hide parts of a module version, but for those that are told by themselves."""
        told = self._inventories[root].closed
        untold = [
            unreadable_folder_finding(folder, number)
            for folder, number in hidden_folders(root, files)
            if not os.path.join(folder, "").startswith(told)
        ]
        return result._replace(findings=(*untold, *result.findings)) if untold else result

    def _measure_one(self, task: ModuleTask) -> ModuleMeasurement:
        if self._measurements is not None:
            # Both together may not take more memory than one.
            self._measurements.pause()
        with closing(self._engine.measure([task], threads=self._threads)) as measurements:
            return next(iter(measurements))

    def _look(self, root: str, suspect: Suspect, *, at_rest: bool = False) -> _Look:
        """Look at a suspect again, under Go's lock, and put what is seen now in its place.

        `at_rest` says that nothing has changed around it for long enough.
        """
        module, version = suspect.files.module, suspect.files.version
        marks = live.fingerprint(live.places(root, suspect.files))
        # Asked before the marks are compared: what has vanished since shows no mode any more.
        cleaned = self._looks_cleaned(root, suspect)
        with lock.shared(file_path(root, module, version, "lock")) as state:
            if state == "busy":
                return "busy"
            before, seen = suspect.result, suspect.files
            result = before
            suspect.files = self._inventories[root].look_again(module, version)
            if not suspect.files.parts:
                return "gone"
            if suspect.files != seen or not _is_about_absence(before):
                measured = self._measure_one(task_of(0, suspect.files))
                result = self._judge(root, suspect.files, measured)
                if result != before:
                    suspect.result = result
        if not _is_anomalous(result):
            return "settled"
        if result.findings != before.findings:
            return "moving"
        if at_rest:
            return "settled"
        if live.is_young(marks) or marks != live.fingerprint(live.places(root, suspect.files)):
            return "moving"
        return "moving" if cleaned else "settled"

    def _settle(self, inventory: Inventory) -> Iterator[ModuleResult]:
        """Look at the suspects until each is cleared, gone, or seen to be wrong while it is at rest."""
        root = inventory.root
        around = live.Stillness()
        deadline = time.monotonic() + live.PATIENCE
        for suspect in self._suspects:
            suspect.looked = time.monotonic()
        while self._suspects:
            time.sleep(live.POLL)
            if inventory.has_download and not os.path.isdir(download_dir(root)):
                self.report.counts.vanished += len(self._suspects)
                self._suspects = []
                yield _of_cache(removed_finding(root))
                return
            emptying = self._emptying(root, inventory, around)
            last = time.monotonic() >= deadline
            waiting = deque(self._suspects)
            while waiting:
                # Taken away, so that nothing holds what has been settled.
                suspect = waiting.popleft()
                at_rest = self._is_at_rest(root, suspect, emptying)
                if at_rest or last or time.monotonic() - suspect.looked >= live.GLANCE:
                    yield from self._settle_one(root, suspect, at_rest=at_rest, last=last)

    def _settle_one(
        self, root: str, suspect: Suspect, *, at_rest: bool, last: bool
    ) -> Iterator[ModuleResult]:
        """Look at a suspect, and let go of it where that tells enough or is the last look."""
        look = self._look(root, suspect, at_rest=at_rest)
        suspect.looked = time.monotonic()
        suspect.was_free |= look != "busy"
        if look in ("busy", "moving") and not last:
            suspect.set_aside(self._aside)
            return
        self._suspects.remove(suspect)
        if look == "gone":
            self.report.counts.vanished += 1
        elif look == "settled":
            yield from _with_lock_finding(suspect.result, suspect.files)
        else:
            yield _restless(root, suspect)

    def _emptying(self, root: str, inventory: Inventory, around: live.Stillness) -> float:
        """For how many seconds no module version has vanished; looked at only if one looks as if it might."""
        if any(self._looks_cleaned(root, suspect) for suspect in self._suspects):
            return around.seconds(live.remains(root, inventory.modules))
        return 0.0

    def _is_at_rest(self, root: str, suspect: Suspect, emptying: float) -> bool:
        cleaned = self._looks_cleaned(root, suspect)
        seconds = suspect.stillness.seconds(live.places(root, suspect.files))
        return min(seconds, emptying) >= live.CLEAN_REST if cleaned else seconds >= live.YOUNG

    def _looks_cleaned(self, root: str, suspect: Suspect) -> bool:
        return live.looks_cleaned(root, suspect.files, modcacherw=self._modcacherw)

    def _not_checked(self, inventory: Inventory) -> list[str]:
        """What a cache holds beside what is checked, in sentences."""
        said = self._opener.not_checked(inventory.sumdb)
        if inventory.vcs is not None:
            said.append(f"repositories in {inventory.vcs} are not looked into")
        return said

    def _settle_lists(self) -> Iterator[ModuleResult]:
        """Look at the odd lists once more: they are rewritten in place."""
        if self._odd_lists:
            time.sleep(live.POLL / 2)
        while self._odd_lists:
            listed, _ = self._odd_lists[-1]
            again = self._measure_one(task_of_list(0, listed.path))
            self._odd_lists.pop()
            finding = list_finding(listed, again.info)
            if finding is not None:
                yield _of_cache(finding)


def _lasting(strays: Sequence[Stray]) -> Iterator[Stray]:
    """The strays that are no go command's work of this moment: a download's temporary file is."""
    marks = [live.fingerprint([stray.path]) for stray in strays]
    if any(live.is_young(mark) for mark in marks):
        time.sleep(live.YOUNG)
    for stray, mark in zip(strays, marks, strict=True):
        if mark != (None,) and mark == live.fingerprint([stray.path]) and not _is_being_written(stray):
            yield stray


def _is_being_written(stray: Stray) -> bool:
    """Whether a go command holds the lock under which it makes such a file."""
    if stray.lock is None:
        return False
    with lock.shared(stray.lock) as state:
        return state == "busy"


def _is_anomalous(result: ModuleResult) -> bool:
    """Whether there is anything that a go command at work could be the cause of."""
    return any(finding.severity != "note" and not _is_about_modes(finding) for finding in result.findings)


def _is_about_modes(finding: Finding) -> bool:
    """Permission bits of files: Go sets them once and for all when it makes the file."""
    return bool(finding.files) and all(change.change == "mode" for change in finding.files)


def _is_about_absence(result: ModuleResult) -> bool:
    """Whether a look at which files there are, without their content, is a second look."""
    return all(finding.verdict in ("missing", "untracked") for finding in result.findings)


def _restless(root: str, suspect: Suspect) -> ModuleResult:
    """The result for a module version that somebody was at work on for as long as there was patience."""
    files = suspect.files
    if suspect.was_free:
        finding = changing_finding(files, suspect.result.findings[0], live.PATIENCE)
    else:
        finding = busy_finding(files, file_path(root, files.module, files.version, "lock"), live.PATIENCE)
    return ModuleResult(files.module, files.version, (finding,), reason="unreadable")


def _with_lock_finding(result: ModuleResult, files: ModuleFiles) -> Iterator[ModuleResult]:
    yield result
    finding = lock_finding(files)
    if finding is not None:
        yield _of_cache(finding)


def _key(finding: Finding) -> tuple[str, str]:
    return finding.module, finding.version


def _of_cache(finding: Finding) -> ModuleResult:
    """A result that stands for no module version and is counted as none."""
    return ModuleResult("", "", (finding,))


def _count(counts: Counts, result: ModuleResult) -> None:
    if not result.module:
        return
    counts.modules += 1
    counts.vendored += result.vendored
    counts.zips += result.zips
    counts.trees += result.trees
    counts.mods += result.mods
    counts.files += result.files
    counts.bytes += result.bytes
    if result.verified:
        counts.verified += 1
        counts.by_authority[result.authority] = counts.by_authority.get(result.authority, 0) + 1
    else:
        counts.not_verified += 1
        reasons = counts.not_verified_by_reason
        reasons[result.reason] = reasons.get(result.reason, 0) + 1
