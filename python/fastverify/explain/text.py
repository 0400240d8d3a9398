"""An explanation for people."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from fastverify.explain.diff import Diff
from fastverify.explain.explanation import (
    LISTED_NEIGHBOURS,
    Asking,
    DamagedFile,
    Explanation,
    Hashes,
    Part,
    Word,
    time_of,
)
from fastverify.report import words
from fastverify.report.colour import Paint, Style, paint, plain
from fastverify.report.escape import printable
from fastverify.report.model import ModuleResult
from fastverify.report.text import TextReport

_STATES = {
    "verified": "It is what its strongest authority says",
    "damaged": "It is damaged",
    "unreadable": "Part of it cannot be read, so it is not verified",
    "untracked": "Nothing vouches for part of it, so it is not verified",
}
_PARTS = {"dir": "extracted tree", "mod": "go.mod"}
_DIFF_STYLES: dict[str, Style] = {"-": "error", "+": "good", "@": "note"}
#: How many requirers are named.
_LISTED = 10


def write_text(made: Explanation, write: Callable[[str], object], *, colour: bool, width: int | None) -> None:
    """Write the explanation, every part of it escaped."""
    painted: Paint = paint if colour else plain
    for line in _Text(made, painted).lines():
        write(f"{line}\n")
    if made.findings:
        write(f"\n{painted('Findings', 'strong')}\n")
        text = TextReport(write, colour=colour, quiet=True, listed="note", all_warnings=True, width=width)
        text.result(ModuleResult(made.module, made.version, tuple(made.findings)))
    for line in _Text(made, painted).advice():
        write(f"{line}\n")


class _Text:
    def __init__(self, made: Explanation, painted: Paint) -> None:
        self._made = made
        self._paint = painted

    def lines(self) -> Iterator[str]:
        """What comes before the findings."""
        made = self._made
        yield self._paint(printable(f"{made.module}@{made.version}"), "strong")
        state = _STATES.get(made.state, made.state)
        if made.authority:
            state += f": {words.AUTHORITIES.get(made.authority, made.authority)}"
        yield self._paint(f"{state}.", "good" if made.state == "verified" else "error")
        yield from self._heading(f"Where it is: {made.modcache}")
        for part in made.parts:
            yield self._part(part)
        yield from self._heading("Its hash")
        yield from self._hashes(made.content)
        yield from self._heading("The hash of its go.mod")
        yield from self._hashes(made.go_mod)
        for asking in made.asking:
            yield from self._heading(f"Who asks for it: {asking.project}")
            yield from (f"  {printable(line)}" for line in self._asking(asking))
        if made.exempt:
            yield from self._heading("Who is not asked")
            yield from (f"  {printable(line)}" for line in made.exempt)

    def advice(self) -> Iterator[str]:
        """What comes after them."""
        made = self._made
        if made.file and not made.files:
            yield ""
            yield f"{printable(made.file)} itself is as the zip has it, as far as that can be compared."
        for file in made.files:
            yield from self._file(file)
        if made.more_files:
            yield ""
            yield f"Not shown here: {words.count(made.more_files, 'more damaged file')}."
        if made.causes:
            yield from self._heading("What may have done it")
            yield from (f"  {printable(cause)}" for cause in made.causes)
        if made.neighbours:
            yield from self._heading("Other versions that were changed within a minute of it")
            for near in made.neighbours[:LISTED_NEIGHBOURS]:
                yield f"  {time_of(near.at)}  {printable(f'{near.module}@{near.version}')}"
            more = len(made.neighbours) - LISTED_NEIGHBOURS
            if more > 0:
                yield f"  and {words.number(more)} more"
        if made.commands:
            yield from self._heading("What mends it, with Go alone")
            yield from (f"  {printable(command)}" for command in made.commands)

    def _heading(self, text: str) -> Iterator[str]:
        yield ""
        yield self._paint(printable(text), "strong")

    def _part(self, part: Part) -> str:
        name = f"  {part.kind:<8}"
        if part.mode is None:
            return f"{name}{self._paint('not there', 'faint')}  {printable(part.path)}"
        facts = f"{part.mode}  {part.mtime}  {part.owner}"
        if part.kind != "dir":
            facts += f"  {words.number(part.size or 0)} B"
        return f"{name}{printable(part.path)}  {self._paint(printable(facts), 'faint')}"

    def _hashes(self, hashes: Hashes) -> Iterator[str]:
        for part, h1 in hashes.measured.items():
            yield f"  {'measured: ' + _PARTS.get(part, part):<26}{printable(h1)}"
        if not hashes.measured:
            yield "  nothing of it could be measured"
        for word in hashes.words:
            yield self._word(word)
        if not hashes.words:
            yield "  no authority at hand has it"

    def _word(self, word: Word) -> str:
        if word.reservation:
            verdict = self._paint(f"does not count, {printable(word.reservation)}", "warning")
        elif word.differs:
            parts = ", ".join(_PARTS.get(part, part) for part in word.differs)
            verdict = self._paint(f"differs: {parts}", "error")
        else:
            verdict = self._paint("agrees", "good") if word.agrees else "nothing to compare"
        return f"  {word.authority:<26}{printable(word.h1)}  {verdict}  ({printable(word.source)})"

    def _asking(self, asking: Asking) -> Iterator[str]:
        made = self._made
        if asking.replaces:
            yield f"it stands in for {asking.replaces} (replace)"
        elif not asking.selected:
            yield "the project is not built from any version of it"
            return
        elif asking.selected != made.version:
            yield f"the project is built from {asking.selected} instead"
        else:
            yield "the project is built from it"
        if asking.replaced_by:
            yield f"what is built in its stead is {asking.replaced_by} (replace)"
        if asking.way:
            yield "the shortest way of requirements: " + " -> ".join(asking.way)
        if asking.required_by:
            more = len(asking.required_by) - _LISTED
            named = ", ".join(asking.required_by[:_LISTED])
            yield f"exactly {made.version} is required by {named}" + (
                f" and {words.number(more)} more" if more > 0 else ""
            )

    def _file(self, file: DamagedFile) -> Iterator[str]:
        change = file.change
        name = change.path
        if change.path_hex is not None:
            name = bytes.fromhex(change.path_hex).decode("utf-8", "surrogateescape")
        yield from self._heading(f"{change.change}: {name}")
        facts = []
        if change.mtime is not None:
            facts.append(f"written {change.mtime}")
        if file.changed:
            facts.append(
                f"its folder changed {file.changed}"
                if change.change == "missing"
                else f"changed {file.changed}"
            )
        facts += [text for text in (change.owner and f"owner {change.owner}", change.mode) if text]
        yield f"  {printable(', '.join(facts))}"
        yield from self._diff(file.diff)

    def _diff(self, diff: Diff) -> Iterator[str]:
        if diff.kind != "text":
            yield f"  not shown line by line: it is {diff.kind}"
            return
        if diff.lines:
            yield "  --- zip"
            yield "  +++ tree"
        for line in diff.lines:
            safe = "\t".join(map(printable, line.split("\t")))
            style = _DIFF_STYLES.get(line[:1])
            yield f"  {safe if style is None else self._paint(safe, style)}"
        if diff.left_out:
            yield f"  and {words.number(diff.left_out)} more lines (--lines shows more)"
