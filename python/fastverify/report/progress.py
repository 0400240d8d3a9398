"""The progress line on a terminal: how far the check is, and how long it will take."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn
from rich.table import Column
from rich.text import Text

from fastverify.report import words
from fastverify.report.model import BuildResult, Result


class ProgressLine:
    """One line at the bottom of a terminal, redrawn until it is closed, then gone without a trace.

    `modules` and `bytes_expected` are what there is to do; the second may be a guess.  Use as a
    context manager.
    """

    def __init__(self, stream: IO[str], *, modules: int, bytes_expected: int, colour: bool) -> None:
        self._modules = modules
        self._bytes_expected = bytes_expected
        self._modules_done = 0
        self._bytes_done = 0
        self._outputs_done = 0
        console = Console(
            file=stream, force_terminal=True, no_color=not colour, markup=False, emoji=False, highlight=False
        )
        # The streams are not redirected: rich would send what is for stdout to this console.
        self._progress = Progress(
            TextColumn("Verifying", markup=False),
            BarColumn(bar_width=20, complete_style="green", finished_style="green"),
            _State(self),
            console=console,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._task = self._progress.add_task("", total=1.0)

    def __enter__(self) -> ProgressLine:  # noqa: PYI034 (typing.Self is new in 3.11)
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Take the line away."""
        self._progress.stop()

    def expect(self, bytes_expected: int) -> None:
        """Say anew how much there is to do."""
        self._bytes_expected = bytes_expected

    def advance(self, result: Result) -> None:
        """Count `result` as done."""
        if isinstance(result, BuildResult):
            self._outputs_done += result.outputs
        elif result.module:
            self._modules_done += 1
        self._bytes_done += result.bytes
        self._progress.update(self._task, completed=self._fraction())

    @contextmanager
    def hidden(self) -> Iterator[None]:
        """Take the line away while something else is written to the same terminal."""
        self._progress.stop()
        try:
            yield
        finally:
            self._progress.start()

    def _fraction(self) -> float:
        # The biggest modules come first, so bytes tell the time left better than modules do; but
        # their number is a guess, and the number of modules is not.
        by_bytes = self._bytes_done / self._bytes_expected if self._bytes_expected else 0.0
        by_modules = self._modules_done / self._modules if self._modules else 0.0
        if self._outputs_done:
            return min(by_bytes, 1.0)
        return min(max(by_bytes, by_modules), 1.0)

    def describe(self, elapsed: float) -> str:
        """What the line says `elapsed` seconds after the beginning."""
        parts = []
        if self._modules or not self._outputs_done:
            parts.append(f"{words.number(self._modules_done)}/{words.number(self._modules)} modules")
        if self._outputs_done:
            parts.append(words.count(self._outputs_done, "output"))
        fraction = self._fraction()
        # The first moments say nothing yet about the rest.
        if self._bytes_done and elapsed > 0:
            parts.append(words.size(self._bytes_done))
            parts.append(f"{words.size(self._bytes_done / elapsed)}/s")
            if elapsed >= 1 and fraction < 1:
                parts.append(f"{_clock(elapsed * (1 - fraction) / fraction)} left")
        elif elapsed >= 1:
            # The biggest modules come first: until one is done, only the clock shows that work goes on.
            parts.append(_clock(elapsed))
        return "  ".join(parts)


class _State(ProgressColumn):
    """The words beside the bar, worked out at each redraw, so that the time left goes on."""

    def __init__(self, line: ProgressLine) -> None:
        super().__init__(Column(no_wrap=True))
        self._line = line

    def render(self, task: Task) -> Text:
        """The words, never taken for markup."""
        return Text(self._line.describe(task.elapsed or 0.0))


def _clock(seconds: float) -> str:
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60}:{whole % 60:02}"
    return f"{whole // 3600}:{whole % 3600 // 60:02}:{whole % 60:02}"
