"""The report for people: each finding as it is made, and a summary at the end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from fastverify.report import words
from fastverify.report.colour import Paint, Style, paint, plain
from fastverify.report.escape import printable
from fastverify.report.model import (
    BuildResult,
    FileChange,
    Finding,
    ModuleResult,
    Report,
    Result,
    Severity,
    at_least,
)
from fastverify.report.summary import (
    kind_words,
    more_lines,
    note_lines,
    reason_words,
    summary_lines,
    trust_line,
    verdict_line,
)
from fastverify.report.timing import timing_lines

if TYPE_CHECKING:
    from fastverify.report.inorder import InOrder

#: How many files are listed without ``verbose`` for one finding: damaged ones, and others.
LISTED_FILES = 20
LISTED_HARMLESS_FILES = 5
#: How many warnings of one kind (verdict and place) are listed without ``verbose``: whoever once ran
#: ``chmod -R`` over a cache has one for each module.
LISTED_WARNINGS = 20

#: Of what belongs to no module version: what lies in a project and not in a cache.
_OF_PROJECTS = frozenset(["mod", "gosum", "vendor"])

_STYLES: dict[Severity, Style] = {"error": "error", "warning": "warning", "note": "note"}


class TextReport:
    """Renders results as they come, and the whole report when it is done.

    Everything goes out through `write`, whole lines at a time.  Findings below `listed`, and warnings if
    many of a kind (unless `all_warnings`), are counted by kind at the end instead of being listed; `verbose`
    lists every finding, every file and every module.  `quiet` leaves only the findings.  `width` is
    the terminal's, for wrapping sentences; None never wraps.  `project_here` says that the present
    folder is one of a Go project, whose go.sum could be given.  `in_order` has the results wait for the
    end, where they are written in an order that is the same each time.
    """

    def __init__(
        self,
        write: Callable[[str], object],
        *,
        colour: bool = False,
        verbose: bool = False,
        quiet: bool = False,
        listed: Severity = "warning",
        all_warnings: bool = False,
        width: int | None = None,
        project_here: bool = False,
        in_order: bool = False,
    ) -> None:
        self._write = write
        self._paint: Paint = paint if colour else plain
        self._verbose = verbose
        self._quiet = quiet
        self._listed: Severity = "note" if verbose else listed
        self._all_warnings = all_warnings
        self._width = width
        self._option = "--project ." if project_here else "--project"
        # What was written last, since a block of findings stands between empty lines.
        self._last: str | None = None
        self._warnings: Counter[tuple[str, str]] = Counter()
        self._waiting: InOrder | None = None
        if in_order:
            # Only now: most reports are read as they come.
            from fastverify.report.inorder import InOrder

            self._waiting = InOrder()

    def result(self, result: Result) -> None:
        """Write the findings of one result; with `verbose` a line for a module version that has none."""
        if self._waiting is not None:
            self._waiting.take(result)
        else:
            self._result(result)

    def _result(self, result: Result) -> None:
        findings = self._to_list(result)
        self._warnings.update(_kind(f) for f in result.findings if f.severity == "warning")
        if findings:
            lines = [line for finding in findings for line in self._finding(finding)]
            kind = "build" if isinstance(result, BuildResult) else "module" if result.module else "cache"
            if kind == "module" or self._last != kind:
                lines.insert(0, self._title(result))
            self._emit(lines, kind)
        elif isinstance(result, ModuleResult) and self._has_line(result):
            self._emit([self._module_line(result)], "line")

    def will_write(self, result: Result) -> bool:
        """Whether :meth:`result` has anything to write for `result`."""
        return bool(self._to_list(result)) or (isinstance(result, ModuleResult) and self._has_line(result))

    def _to_list(self, result: Result) -> list[Finding]:
        return [finding for finding in result.findings if self._is_listed(finding)]

    def _is_listed(self, finding: Finding) -> bool:
        if not at_least(finding.severity, self._listed):
            return False
        # What decides about the exit status is listed whatever it is like.
        few = finding.severity != "warning" or self._verbose or self._all_warnings
        return few or self._warnings[_kind(finding)] < LISTED_WARNINGS

    def _has_line(self, result: ModuleResult) -> bool:
        return self._verbose and not self._quiet and bool(result.module)

    def end(self, report: Report, *, modules_total: int | None = None) -> None:
        """Write what was only counted, the summary, and the answer in words.

        `modules_total` is how many module versions there were to look at, for the words on a check
        that was interrupted.
        """
        for result in self._waiting or ():
            self._result(result)
        if report.timings is not None:
            self._emit(timing_lines(report.timings), "timings")
        if self._quiet:
            return
        trusted = report.project is not None
        notes = note_lines(report.tally(), self._listed, trusted=trusted, option=self._option)
        if not (self._verbose or self._all_warnings):
            notes = [*more_lines(self._warnings, LISTED_WARNINGS), *notes]
        trust = trust_line(report, self._option)
        if trust is not None:
            notes.append(trust)
        if notes:
            wrapped = (
                line
                for note in notes
                for line in self._sentence("note: ", f"{self._paint('note:', 'note')} ", note, indent=" " * 6)
            )
            self._emit(list(wrapped), "notes")
        self._emit(summary_lines(report, self._paint), "summary")
        sentence, style = verdict_line(report, modules_total)
        self._emit([self._paint(sentence, style)], "verdict")

    def _emit(self, lines: Sequence[str], kind: str) -> None:
        apart = self._last is not None and (kind != "line" or self._last != "line")
        self._write(("\n" if apart else "") + "".join(f"{line}\n" for line in lines))
        self._last = kind

    def _title(self, result: Result) -> str:
        if isinstance(result, BuildResult):
            return self._paint("The build cache", "strong")
        if not result.module:
            of_project = all(finding.where in _OF_PROJECTS for finding in result.findings)
            return self._paint("The project" if of_project else "The cache as a whole", "strong")
        return self._paint(printable(f"{result.module}@{result.version}"), "strong")

    def _module_line(self, result: ModuleResult) -> str:
        name = printable(f"{result.module}@{result.version}")
        if result.verified:
            authority = words.AUTHORITIES.get(result.authority, result.authority)
            facts = f"{words.count(result.files, 'file')}, {words.size(result.bytes)}, held to {authority}"
            return f"{self._paint('verified', 'good')}  {name}  {self._paint(facts, 'faint')}"
        reason = f"  {self._paint(reason_words(result.reason), 'faint')}" if result.reason else ""
        return f"{self._paint('not verified', 'warning')}  {name}{reason}"

    def _finding(self, finding: Finding) -> Iterator[str]:
        style = _STYLES[finding.severity]
        what = kind_words(finding.verdict, finding.where)
        label = f"  {finding.severity}: {what}: "
        painted = f"  {self._paint(f'{finding.severity}:', style)} {self._paint(f'{what}:', 'strong')} "
        yield from self._sentence(label, painted, finding.message, indent="    ")
        yield f"    {printable(finding.path)}"
        # With the files named, the hashes of the whole add nothing for a reader.
        if not finding.files or self._verbose:
            yield from self._values(finding)
        yield from self._files(finding.files, damaging=finding.severity == "error")
        for name, sentence in (("go:", finding.go), ("hint:", finding.hint)):
            if sentence:
                label = f"    {name:<6}"
                painted = f"    {self._paint(name, 'note')}{' ' * (6 - len(name))}"
                said, _, line = sentence.partition("\n")
                yield from self._sentence(label, painted, said, indent=" " * 10)
                if line:  # never wrapped, so that it can be copied
                    yield f"          {printable(line)}"

    def _values(self, finding: Finding) -> Iterator[str]:
        if finding.expected:
            source = words.AUTHORITIES.get(finding.authority, finding.authority) if finding.authority else ""
            suffix = f"  ({source})" if source else ""
            yield f"      {self._paint('expected', 'faint')}  {printable(finding.expected)}{suffix}"
        if finding.actual:
            yield f"      {self._paint('found', 'faint')}     {printable(finding.actual)}"

    def _files(self, files: Sequence[FileChange], *, damaging: bool) -> Iterator[str]:
        shown = files if self._verbose else files[: LISTED_FILES if damaging else LISTED_HARMLESS_FILES]
        rows = [_columns(change) for change in shown]
        # One long name must not push the columns of all the others off the screen.
        path_width = max((len(path) for _, path, *_ in rows if len(path) <= 60), default=0)
        size_width = max((len(length) for _, _, length, _ in rows), default=0)
        for change, path, length, rest in rows:
            facts = f"  {length:>{size_width}}  {rest}".rstrip() if length else ""
            row = f"{path:<{path_width}}{self._paint(facts, 'faint')}" if facts else path
            yield f"      {self._paint(f'{change:<8}', _change_style(change))}  {row}"
        if len(shown) < len(files):
            yield f"      and {words.number(len(files) - len(shown))} more (-v lists them all)"

    def _sentence(self, label: str, painted: str, text: str, *, indent: str) -> Iterator[str]:
        """`text` after a label (`painted` is how it looks), wrapped at the terminal's width."""
        safe = printable(text)
        if self._width is None:
            yield painted + safe
            return
        # Only now: most reports go where there is no width, or have nothing to wrap.
        import textwrap

        lines = textwrap.wrap(
            safe,
            max(self._width, 40),
            initial_indent=label,
            subsequent_indent=indent,
            break_long_words=False,
            break_on_hyphens=False,
        ) or [label]
        yield painted + lines[0][len(label) :]
        yield from lines[1:]


def _kind(finding: Finding) -> tuple[str, str]:
    return finding.verdict, finding.where


def _change_style(change: str) -> Style:
    return "warning" if change.strip() == "mode" else "error"


def _columns(change: FileChange) -> tuple[str, str, str, str]:
    """Kind, name, size, and the rest, of one damaged file; the last two empty where it is not there."""
    name = printable(change.path if change.path_hex is None else _exact(change.path_hex))
    length = "" if change.size is None else f"{words.number(change.size)} B"
    rest = [] if change.mtime is None else [change.mtime[:19].replace("T", " ") + "Z"]
    if change.mode is not None and change.change in ("mode", "type"):
        rest.append(change.mode)
    if change.owner is not None:
        rest.append(change.owner)
    return change.change, name, length, printable("  ".join(rest))


def _exact(path_hex: str) -> str:
    """The name that `path_hex` spells, so that its odd bytes are shown as they are."""
    return bytes.fromhex(path_hex).decode("utf-8", "surrogateescape")
