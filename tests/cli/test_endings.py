"""However a check ends, what was found is told once, whole, and without a traceback."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from fastverify import __version__
from tests.cli.running import ROOT, TIMEOUT, command, environment, only_line, run

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals and pipes as Unix has them")


def start(*arguments: str, script: dict[str, Any], **options: Any) -> subprocess.Popen[str]:
    """Start the command line on a script, its outputs in pipes, ready for Ctrl-C."""
    values: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options
    return subprocess.Popen(
        command(*arguments, script=script),
        cwd=ROOT,
        env=environment(),
        stdin=subprocess.DEVNULL,
        text=True,
        **values,
    )


def wait_for(path: Path) -> None:
    """Until `path` is there."""
    end = time.monotonic() + TIMEOUT
    while not path.exists():
        assert time.monotonic() < end, f"{path} was never made"
        time.sleep(0.01)


@pytest.fixture
def reached(tmp_path: Path) -> Path:
    return tmp_path / "reached"


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_what_was_found_before_an_interruption_is_told(reached: Path, number: int, status: int) -> None:
    process = start(script={"damaged": [1], "hangs": True, "announce": str(reached)})
    wait_for(reached)
    process.send_signal(number)
    out, err = process.communicate(timeout=TIMEOUT)
    assert process.returncode == status
    assert out.count("example.com/m1@v1.0.0") == 1
    assert (
        out.splitlines()[-1] == "Incomplete: stopped after all 5 modules, before the end, 1 error until then."
    )
    assert only_line(err) == ("fastverify: interrupted" if status == 130 else "fastverify: terminated")


#: Two signals, of one kind and of both.
PAIRS = [
    (signal.SIGINT, signal.SIGINT),
    (signal.SIGTERM, signal.SIGTERM),
    (signal.SIGINT, signal.SIGTERM),
    (signal.SIGTERM, signal.SIGINT),
]


@pytest.mark.parametrize("gap", [0, 0.001, 0.02])
@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_two_signals_at_once_are_one(
    reached: Path, first: signal.Signals, second: signal.Signals, gap: float
) -> None:
    """`timeout -s INT` sends two."""
    process = start(script={"damaged": [1], "hangs": True, "announce": str(reached)})
    wait_for(reached)
    process.send_signal(first)
    time.sleep(gap)
    process.send_signal(second)
    out, err = process.communicate(timeout=TIMEOUT)
    # Those that come together may be taken in any order.
    statuses = {128 + first, 128 + second} if gap == 0 else {128 + first}
    assert process.returncode in statuses
    only_line(err)
    assert (
        out.splitlines()[-1] == "Incomplete: stopped after all 5 modules, before the end, 1 error until then."
    )


def test_an_interrupted_json_report_is_whole(reached: Path, tmp_path: Path) -> None:
    for arguments in ((), ("-o", str(tmp_path / "out.json"))):
        reached.unlink(missing_ok=True)
        process = start(
            "--format",
            "json",
            *arguments,
            script={"damaged": [1], "hangs": True, "announce": str(reached)},
        )
        wait_for(reached)
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=TIMEOUT)
        assert process.returncode == 130
        document = json.loads((tmp_path / "out.json").read_text() if arguments else out)
        assert document["complete"] is False
        assert [one["module"] for one in document["findings"]] == ["example.com/m1"]


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_a_second_interruption_ends_it_at_once(
    tmp_path: Path, first: signal.Signals, second: signal.Signals
) -> None:
    """Here it is the writing of the report that hangs, on a fifo that nobody reads."""
    fifo, reached = tmp_path / "fifo", tmp_path / "reached"
    os.mkfifo(fifo)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    script = {"modules": 3000, "damaged": "all", "hangs": True, "announce": str(reached)}
    process = start("--format", "json", "-o", str(fifo), script=script)
    try:
        wait_for(reached)
        process.send_signal(first)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(timeout=1)
        process.send_signal(second)
        assert process.wait(timeout=TIMEOUT) == -second
    finally:
        process.kill()
        process.communicate()
        os.close(reader)


def test_an_ignored_interruption_stays_ignored() -> None:
    process = start(script={"modules": 20, "seconds": 0.05, "damaged": [0], "ignores_interrupt": True})
    assert process.stdout is not None
    process.stdout.readline()
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=TIMEOUT)
    assert process.returncode == 1
    assert out.splitlines()[-1] == "Found 1 error in 1 of 20 modules."


def test_a_reader_who_goes_ends_it_quietly() -> None:
    process = start(script={"modules": 100_000, "damaged": "all"})
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    assert process.stderr.read() == ""
    # Not 0: that would say that nothing was found.
    assert process.wait(timeout=TIMEOUT) == 141
    process.stderr.close()


@pytest.mark.parametrize("arguments", [["--help"], ["check", "--help"], ["--version"]])
def test_a_reader_who_was_never_there(arguments: list[str]) -> None:
    ends = os.pipe()
    os.close(ends[0])
    process = start(*arguments, script={}, stdout=ends[1])
    os.close(ends[1])
    _, err = process.communicate(timeout=TIMEOUT)
    assert process.returncode == 141
    assert err == ""


def test_nothing_is_lost_in_a_file_when_stdout_is_gone(tmp_path: Path) -> None:
    ends = os.pipe()
    os.close(ends[0])
    target = tmp_path / "out.txt"
    process = start("check", "-o", str(target), script={"damaged": [3]}, stdout=ends[1], stderr=ends[1])
    os.close(ends[1])
    assert process.wait(timeout=TIMEOUT) == 1
    assert "example.com/m3@v1.0.0" in target.read_text()
    assert "Found 1 error" in target.read_text().splitlines()[-1]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full")
@pytest.mark.parametrize("arguments", [[], ["--format", "json"], ["--version"], ["check", "-o", "/dev/full"]])
def test_a_full_disk_is_an_error(arguments: list[str]) -> None:
    with open("/dev/full", "w", encoding="ascii") as full:
        process = start(*arguments, script={}, stdout=full)
        _, err = process.communicate(timeout=TIMEOUT)
    assert process.returncode == 2
    assert "No space left on device" in only_line(err)


# A panic of the native engine's is a BaseException.
@pytest.mark.parametrize("raised", ["RuntimeError", "BaseException"])
def test_a_bug_is_one_line_and_nothing_is_lost(tmp_path: Path, raised: str) -> None:
    target = tmp_path / "out.json"
    script = {"damaged": [2], "raises": raised}
    done = run("--format", "json", "-o", str(target), script=script)
    assert done.returncode == 2
    said = done.stderr.splitlines()
    assert said[-1].startswith(f"fastverify: error: unexpected {raised}: out of\\nthe script")
    assert "FASTVERIFY_DEBUG=1" in said[-1]
    assert not any("Traceback" in line for line in said)
    document = json.loads(target.read_text())
    assert document["complete"] is False
    assert len(document["findings"]) == 1


def test_a_bug_shows_its_traceback_when_asked() -> None:
    done = run(script={"raises": "RuntimeError"}, FASTVERIFY_DEBUG="1")
    assert done.returncode == 2
    assert "Traceback (most recent call last)" in done.stderr


def test_the_exit_status_is_that_of_the_worst_finding() -> None:
    assert run(script={}).returncode == 0
    assert run(script={"damaged": [0]}).returncode == 1


def test_findings_are_told_as_they_are_made() -> None:
    process = start(script={"modules": 3, "damaged": [0], "hangs": True})
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "example.com/m0@v1.0.0\n"
        assert process.poll() is None
    finally:
        process.kill()
        process.communicate()


def test_the_file_says_what_stdout_would_and_stderr_says_where(tmp_path: Path) -> None:
    target = tmp_path / "out.txt"
    plain = run(script={"damaged": [0]})
    filed = run("-o", str(target), script={"damaged": [0]})
    assert target.read_text() == plain.stdout
    assert filed.stdout == ""
    assert filed.returncode == 1
    assert only_line(filed.stderr) == f"Found 1 error in 1 of 5 modules. The report is in {target}."
    assert run("-q", "-o", str(target), script={}).stderr == ""


def test_an_ascii_stdout_is_no_error() -> None:
    done = run("--version", script={}, PYTHONIOENCODING="ascii")
    assert done.stdout == f"fastverify {__version__}\n"
    done = run("--help", script={}, PYTHONIOENCODING="ascii:strict")
    assert done.returncode == 0
