"""The ways in which the native engine reads the files of a tree: all with the same answers."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from fastverify.cli import main
from fastverify.engine.native import NativeEngine
from tests.cli.running import ROOT, environment
from tests.conftest import engine_or_skip
from tests.engine.measuring import PREFIX
from tests.making.zips import Archive, Entry

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there is only the plain way")

#: What Docker keeps from programs in a container: io_uring_setup, io_uring_enter and io_uring_register.  They
#: have these numbers on every processor.
SETUP, ENTER, REGISTER = 425, 426, 427

#: Has the kernel answer calls of these numbers with EPERM, or kill the process (seccomp(2), linux/filter.h).
REFUSE = """
import ctypes, errno, struct

def refuse(*numbers, kill=False):
    load, equal, answer = 0x20, 0x15, 0x06
    refusal = 0x80000000 if kill else 0x50000 | errno.EPERM
    steps = [(load, 0, 0, 0)]
    for number in numbers:
        steps += [(equal, 0, 1, number), (answer, 0, 0, refusal)]
    steps.append((answer, 0, 0, 0x7FFF0000))
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in steps))
    program = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(steps), ctypes.addressof(code)))
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.prctl(38, 1, 0, 0, 0) == 0, ctypes.get_errno()
    assert libc.prctl(22, 2, program, 0, 0) == 0, ctypes.get_errno()
"""

MEASURE = """
import sys
from pathlib import Path
from fastverify.engine import load_engine
from tests.engine.measuring import task
zip, tree = Path(sys.argv[1], "v1.0.0.zip"), Path(sys.argv[1], "tree")
tasks = [task(1, zip=zip, tree=tree), task(2, tree=tree)]
measured = sorted(load_engine("native").measure(tasks, threads=2), key=lambda one: one.key)
print(*map(repr, measured), sep="\\n")
"""


def run(program: str, *arguments: str | Path, reading: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program, *map(str, arguments)],
        check=False,
        cwd=ROOT,
        env=environment(FASTVERIFY_READING=reading),
        capture_output=True,
        text=True,
        timeout=60,
    )


def said(program: str, *arguments: str | Path, reading: str = "") -> str:
    """What a program of its own prints."""
    done = run(program, *arguments, reading=reading)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module", autouse=True)
def native() -> NativeEngine:
    engine = engine_or_skip("native")
    assert isinstance(engine, NativeEngine)
    return engine


@pytest.fixture(scope="module")
def io_uring(native: NativeEngine) -> str:
    """The way's name; without it a test would be about nothing."""
    name = "io-uring"
    if name not in native.reading_ways()[0]:
        pytest.skip("this system has no io_uring, or keeps it from this process")
    return name


@pytest.fixture(scope="module")
def damaged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A zip of many files, and a tree in which some of them are not as they should be."""
    folder = tmp_path_factory.mktemp("damaged")
    contents = {f"d{number % 7}/{number:03}": bytes([number % 251]) * (number * 7) for number in range(400)}
    entries = [Entry(PREFIX + name.encode(), content) for name, content in contents.items()]
    (folder / "v1.0.0.zip").write_bytes(Archive(entries).to_bytes())
    for name, content in contents.items():
        path = folder / "tree" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    tree = folder / "tree"
    (tree / "d0/007").write_bytes(b"other")
    (tree / "d1/008").write_bytes(contents["d1/008"] + b"more")
    (tree / "d2/009").write_bytes(contents["d2/009"][:-1])
    (tree / "d3/010").unlink()
    (tree / "d4/011").chmod(0o4755)
    (tree / "d5/012").unlink()
    (tree / "d5/012").symlink_to("../d6/013")
    (tree / "d6/extra").write_bytes(b"extra")
    return folder


def test_every_way_gives_the_same(damaged: Path, io_uring: str) -> None:
    plain = said(MEASURE, damaged, reading="plain")
    for change in ("modified", "missing", "extra", "mode"):
        assert f"'{change}'" in plain
    assert said(MEASURE, damaged, reading=io_uring) == plain
    assert said(MEASURE, damaged) == plain


def test_a_forced_way_is_used(damaged: Path, io_uring: str) -> None:
    fatal = f"{REFUSE}\nrefuse({ENTER}, kill=True)\n{MEASURE}"
    assert run(fatal, damaged, reading=io_uring).returncode == -signal.SIGSYS
    assert run(fatal, damaged, reading="plain").returncode == 0


def test_with_few_descriptors(damaged: Path, io_uring: str) -> None:
    """Those for reading ahead are never the ones that are missing elsewhere."""
    plain = said(MEASURE, damaged, reading="plain")
    for limit in (40, 140, 200):
        limited = (
            f"import resource; resource.setrlimit(resource.RLIMIT_NOFILE, ({limit}, {limit}))\n{MEASURE}"
        )
        assert said(limited, damaged, reading=io_uring) == plain


WAYS = "from fastverify.engine.native import NativeEngine; print(NativeEngine().reading_ways())"
FAILS = """
from fastverify.engine import load_engine
from fastverify.errors import EngineError
try: load_engine("native")
except EngineError as error: print(error)
"""


@pytest.mark.parametrize("number", [SETUP, REGISTER])
def test_where_io_uring_is_refused(damaged: Path, number: int) -> None:
    refused = f"{REFUSE}\nrefuse({number})\n"
    assert said(refused + WAYS) == "(('plain',), None)\n"
    assert said(refused + MEASURE, damaged) == said(MEASURE, damaged, reading="plain")
    assert said(refused + FAILS, reading="io-uring") == (
        'FASTVERIFY_READING: this system does not let files be read by "io-uring"; there is plain;'
        " unset FASTVERIFY_READING for the default\n"
    )


def test_a_ring_that_breaks_at_work(damaged: Path, io_uring: str) -> None:
    """It can be made, and nothing can be asked of it."""
    refused = f"{REFUSE}\nrefuse({ENTER})\n"
    assert said(refused + WAYS) == f"(('plain', '{io_uring}'), None)\n"
    assert said(refused + MEASURE, damaged, reading=io_uring) == said(MEASURE, damaged, reading="plain")


def test_an_unknown_way() -> None:
    assert said(FAILS, reading="steam").startswith(
        'FASTVERIFY_READING: there is no way to read files called "steam"; there is plain'
    )


def test_the_verbose_version_tells(
    native: NativeEngine, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    available = ", ".join(native.reading_ways()[0])
    monkeypatch.delenv("FASTVERIFY_ENGINE", raising=False)
    for forced, used in (("plain", "plain"), ("", "io-uring")):
        monkeypatch.setenv("FASTVERIFY_READING", forced)
        assert main(["--version", "-v"]) == 0
        expected = used if "io-uring" in available else "plain"
        assert f"\nreading {expected} (of {available})\n" in capsys.readouterr().out
    monkeypatch.setenv("FASTVERIFY_ENGINE", "pure")
    assert main(["--version", "-v"]) == 0
    assert "\nreading plain\n" in capsys.readouterr().out
