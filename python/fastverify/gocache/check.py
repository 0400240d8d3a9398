"""Checking a build cache: survey, read every output, judge, and look again at what is wrong."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from itertools import chain

from fastverify.engine.buildcache import (
    MAX_ENTRIES,
    ActionEntry,
    EntryOf,
    Imports,
    OutputMeasurement,
    OutputsRead,
    Survey,
    ToldOutput,
)
from fastverify.engine.protocol import Engine
from fastverify.gocache import hazards, live
from fastverify.gocache.corpus import CorpusCheck
from fastverify.gocache.examine import Examined, examine
from fastverify.gocache.imports import altered, missing_finding
from fastverify.gocache.judge import judge_entry, judge_output
from fastverify.gocache.layout import entry_path, output_path
from fastverify.gocache.suspects import Damaged, damaged, importers, package_of, programs
from fastverify.report.model import BuildResult, Finding

_DENIED = (errno.EACCES, errno.EPERM)


@dataclass(slots=True)
class _Suspect:
    """An entry or an output that was found wanting, until a second look confirms or clears it."""

    entry: ActionEntry | None
    told: ToldOutput | None
    findings: list[Finding]
    marks: live.Fingerprint = ()


@dataclass(slots=True)
class _Denied:
    """What this user may not read; told as one finding."""

    paths: list[str] = field(default_factory=list)
    number: int = 0


class BuildCheck:
    """A check of one build cache under way: an iterator of results."""

    def __init__(self, root: str, engine: Engine, threads: int) -> None:
        self._root = root
        self._engine = engine
        self._threads = threads
        #: Bytes of outputs to be read, as soon as it is known.
        self.bytes_total = 0
        self._suspects: list[_Suspect] = []
        self._denied = _Denied()
        self._damaged: list[Damaged] = []
        self._imports: Imports | None = None
        self._corpus = CorpusCheck(root)
        self._results = self._run()

    def __iter__(self) -> Iterator[BuildResult]:
        return self

    def __next__(self) -> BuildResult:
        return next(self._results)

    def close(self) -> list[BuildResult]:
        """End the check early.  Returns what was found and is not told, looked at once more or not."""
        self._results.close()
        left = [self._result(suspect) for suspect in self._suspects]
        self._suspects = []
        return [*left, *self._unreadable(), *self._corpus.close()]

    def _run(self) -> Generator[BuildResult, None, None]:
        now = time.time_ns()
        measurements = self._engine.measure_build_cache(self._root, now_ns=now, threads=self._threads)
        with closing(measurements):
            for answer in measurements:
                if isinstance(answer, Survey):
                    self.bytes_total = answer.size
                    yield BuildResult(entries=answer.actions)
                    for finding in hazards.survey_findings(self._root, answer, now):
                        yield BuildResult((finding,))
                    for finding in hazards.counts_findings(self._root, answer):
                        yield BuildResult((finding,))
                elif isinstance(answer, OutputsRead):
                    yield BuildResult(outputs=answer.outputs, bytes=answer.size, vanished=answer.vanished)
                elif isinstance(answer, Imports):
                    self._imports = answer
                else:
                    yield from self._take(answer)
        yield from self._settle()
        yield from self._importers()
        yield from self._unreadable()
        yield from self._corpus

    def _unreadable(self) -> Iterator[BuildResult]:
        """What this user may not read, as one finding."""
        denied, self._denied = self._denied, _Denied()
        if denied.paths:
            finding = hazards.unreadable_finding(denied.paths, os.strerror(denied.number))
            yield BuildResult((finding,), unreadable=len(denied.paths))

    def _importers(self) -> Iterator[BuildResult]:
        """What was compiled from damaged archives, and from such as are not there."""
        found, self._damaged = self._damaged, []
        imports, self._imports = self._imports, None
        if imports is not None:
            known = {one.package for one in found}
            found += [one for one in altered(self._root, imports) if one.package not in known]
        for finding in chain(importers(self._root, found), programs(self._root, found)) if found else ():
            yield BuildResult((finding,))
        missing = missing_finding(self._root, imports) if imports is not None else None
        if missing is not None:
            yield BuildResult((missing,))

    def _take(self, answer: ActionEntry | ToldOutput) -> Iterator[BuildResult]:
        suspect = self._judged(answer)
        if not suspect.findings:
            return
        suspect.marks = live.fingerprint(self._places(suspect))
        if self._is_denied(suspect):
            return
        again = self._look_again(suspect)
        if again is not None and not self._is_moving(suspect, again):
            yield self._confirmed(again)
        else:
            self._suspects.append(suspect)

    def _is_denied(self, suspect: _Suspect) -> bool:
        measured = suspect.entry or (suspect.told.measured if suspect.told else None)
        fault = measured.fault if measured is not None else None
        if fault is None or fault.code != "os" or fault.errno not in _DENIED:
            return False
        self._denied.paths.append(suspect.findings[0].path)
        self._denied.number = fault.errno
        return True

    def _settle(self) -> Iterator[BuildResult]:
        """Look at the suspects until each is gone, well, or still as it was."""
        deadline = time.monotonic() + live.PATIENCE
        while self._suspects:
            time.sleep(live.YOUNG / 5)
            late = time.monotonic() >= deadline
            for suspect in list(self._suspects):
                again = self._look_again(suspect)
                if again is not None and again.findings and self._is_moving(suspect, again) and not late:
                    suspect.findings, suspect.marks = again.findings, again.marks
                    continue
                self._suspects.remove(suspect)
                if again is None:
                    yield BuildResult(vanished=1)
                elif again.findings:
                    yield self._confirmed(again)

    @staticmethod
    def _is_moving(before: _Suspect, again: _Suspect) -> bool:
        return before.findings != again.findings or before.marks != again.marks or live.is_young(again.marks)

    def _look_again(self, suspect: _Suspect) -> _Suspect | None:
        """The suspect as it is now; None where it is gone."""
        marks = live.fingerprint(self._places(suspect))
        if suspect.entry is not None:
            (entry,), _ = self._engine.measure_build_files(
                self._root, [suspect.entry.action], [], threads=self._threads
            )
            if entry.stat is None:
                return None
            fresh = self._judged(entry)
        elif suspect.told is not None:
            actions = [entry.action for entry in suspect.told.entries]
            entries, (measured,) = self._engine.measure_build_files(
                self._root, actions, [suspect.told.measured.output], threads=self._threads
            )
            if measured.stat is None and _is_absent(measured):
                return None
            fresh = self._judged(_told(measured, entries, suspect.told))
        else:
            return None
        fresh.marks = marks
        return fresh

    def _judged(self, answer: ActionEntry | ToldOutput) -> _Suspect:
        if isinstance(answer, ActionEntry):
            return _Suspect(answer, None, judge_entry(self._root, answer))
        measured = answer.measured
        whole = measured.fault is None and measured.sha256 == measured.output
        examined = examine(self._root, measured) if whole else Examined()
        package = package_of(self._root, measured) if measured.sha256 and not whole else None
        contents = f"the archive of {package.path}" if package is not None else ""
        return _Suspect(None, answer, judge_output(self._root, answer, examined, contents=contents))

    def _places(self, suspect: _Suspect) -> list[str]:
        if suspect.entry is not None:
            return [entry_path(self._root, suspect.entry.action)]
        if suspect.told is None:
            return []
        measured = suspect.told.measured
        path = output_path(self._root, measured.output)
        inner = [os.path.join(path, os.fsdecode(measured.file))] if measured.file else []
        return [path, *inner, *(entry_path(self._root, entry.action) for entry in suspect.told.entries)]

    def _confirmed(self, suspect: _Suspect) -> BuildResult:
        """The result of what was seen twice; what the go command would compile from is remembered."""
        told = suspect.told
        if told is not None and told.entries and any(one.severity == "error" for one in suspect.findings):
            package = package_of(self._root, told.measured)
            if package is not None:
                self._damaged.append(damaged(package, told.measured, told.entries))
        return self._result(suspect)

    @staticmethod
    def _result(suspect: _Suspect) -> BuildResult:
        findings = tuple(suspect.findings)
        unreadable = any(finding.verdict == "unreadable" for finding in findings)
        of_output = suspect.told is not None and any(finding.where == "output" for finding in findings)
        return BuildResult(
            findings,
            damaged=int(of_output and not unreadable),
            unreadable=int(of_output and unreadable),
        )


def _told(measured: OutputMeasurement, entries: Sequence[ActionEntry], before: ToldOutput) -> ToldOutput:
    """An output with the entries that name it now."""
    naming = [
        EntryOf(entry.action, entry.size, entry.time)
        for entry in entries
        if entry.form != "malformed" and entry.output == measured.output
    ]
    gone = len(before.entries) - len(naming)
    return ToldOutput(measured, tuple(naming[:MAX_ENTRIES]), before.entries_total - gone)


def _is_absent(measured: OutputMeasurement) -> bool:
    fault = measured.fault
    return fault is not None and fault.code == "os" and fault.errno == errno.ENOENT
