"""The progress line: what it says, and that it leaves nothing behind."""

from __future__ import annotations

import io
import re

from fastverify.report.progress import ProgressLine
from tests.report.making import result


def line(**changes: int) -> tuple[ProgressLine, io.StringIO]:
    stream = io.StringIO()
    values = {"modules": 1000, "bytes_expected": 8_000_000} | changes
    return ProgressLine(stream, **values, colour=False), stream


def test_it_tells_modules_bytes_rate_and_time_left() -> None:
    progress, _ = line()
    progress.advance(result(bytes=2_000_000))
    assert progress.describe(10.0) == "1/1,000 modules  2.00 MB  200 kB/s  0:30 left"


def test_it_makes_no_promise_before_it_can() -> None:
    progress, _ = line()
    assert progress.describe(0.5) == "0/1,000 modules"
    assert progress.describe(5.0) == "0/1,000 modules  0:05"
    progress.advance(result(bytes=2_000_000))
    assert "left" not in progress.describe(0.5)


def test_more_bytes_than_guessed_do_no_harm() -> None:
    progress, _ = line(modules=2)
    progress.advance(result(bytes=9_000_000))
    assert "left" not in progress.describe(10.0)
    none, _ = line(modules=0, bytes_expected=0)
    assert none.describe(0.1) == "0/0 modules"


def test_long_times_have_hours() -> None:
    progress, _ = line(modules=10_000, bytes_expected=3_601_000_000)
    progress.advance(result(bytes=1_000_000))
    assert progress.describe(1.0).endswith("1:00:00 left")


def test_findings_on_the_cache_are_no_modules() -> None:
    progress, _ = line()
    progress.advance(result(module="", bytes=0))
    assert progress.describe(0.1) == "0/1,000 modules"


def test_it_clears_itself() -> None:
    progress, stream = line()
    with progress:
        progress.advance(result())
        with progress.hidden():
            stream.write("FINDING\n")
    text = stream.getvalue()
    assert "1/1,000 modules" in text
    # Before the finding, and at the end, the line is erased (EL) from its beginning.
    before, after = text.split("FINDING\n")
    for part in (before, after):
        assert re.search(r"\x1b\[1?A?\x1b?\[?2K|\x1b\[2K", part[part.rindex("modules") :])


def test_without_colour_there_is_none() -> None:
    progress, stream = line()
    with progress:
        progress.advance(result())
    assert not re.search(r"\x1b\[[0-9;]*m", stream.getvalue())
