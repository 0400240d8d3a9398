"""The values for fuzzing beside a build cache: what go writes, what damage is told, and what go does then."""

from __future__ import annotations

import hashlib
import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastverify import check_caches
from fastverify.engine.protocol import Engine
from fastverify.gocache import corpus, live
from fastverify.gocache.content import MalformedError
from fastverify.gocache.identify.fuzzvalue import check_value
from tests.gocache.checking import found, report_of, short
from tests.gocache.making import MadeCache, World, write_project
from tests.making.go import Go

FUZZED = {
    "go.mod": "module example.com/fuzzed\n\ngo 1.21\n",
    "f_test.go": """package fuzzed

import "testing"

func FuzzAll(f *testing.F) {
	f.Add("s", []byte("b"), 1, int8(1), int16(1), rune('r'), int64(1), uint(1), byte(1), uint16(1),
		uint32(1), uint64(1), float32(1), 1.0, true)
	f.Fuzz(func(t *testing.T, s string, b []byte, i int, i8 int8, i16 int16, r rune, i64 int64, u uint,
		c byte, u16 uint16, u32 uint32, u64 uint64, f32 float32, f64 float64, yes bool) {
		n := 0
		for k := 0; k < 12; k++ {
			if len(s) > 3*k || len(b) > 5*k {
				n++
			}
		}
		if i < 0 { n++ }
		if i8 < 0 { n++ }
		if i16 > 100 { n++ }
		if r > 1000 { n++ }
		if i64 < 0 { n++ }
		if u > 1000 { n++ }
		if c > 127 { n++ }
		if u16 > 1000 { n++ }
		if u32 > 1000 { n++ }
		if u64 > 1000 { n++ }
		if f32 < 0 { n++ }
		if f64 > 100 { n++ }
		if yes { n++ }
		if len(s) > 2 && s[0] > 127 { n++ }
		if len(b) > 2 && b[0] < 32 { n++ }
	})
}
""",
    "text/t_test.go": (
        'package text\n\nimport "testing"\n\n'
        "func FuzzText(f *testing.F) { f.Fuzz(func(t *testing.T, s string) {}) }\n"
    ),
}
GOOD = (
    'string("")',
    'string("a\\x00\\u00e9\\"\\n")',
    '[]byte("\\xff\'")',
    "byte('\\x00')",
    "byte('\\'')",
    "rune('世')",
    "rune('\\U0010ffff')",
    "int32(-1)",
    "uint64(18446744073709551615)",
    "bool(true)",
    "float32(1e+06)",
    "float64(-0)",
    "float64(NaN)",
    "float32(+Inf)",
    "math.Float32frombits(0x7fc00001)",
)
#: Go refuses to parse these.
BAD = (
    'string("a"',
    "string('a')",
    'string("\\q")',
    "[]int(1)",
    "byte('世界')",
    "int(1.5)",
    "bool(maybe)",
    "float64(one)",
    "complex64(1)",
    "1",
    "math.Pi(3)",
)
#: Go takes these, and never writes them.
LAX = ("int(0x10)", 'string( "a" )', "string(`a`)", 'string("a") ')


def put(root: Path, content: bytes, name: str | None = None, target: str = "FuzzText") -> Path:
    """A value under its right name, or another, long unchanged."""
    folder = root / "fuzz" / "example.com" / "fuzzed" / "text" / target
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / (hashlib.sha256(content).hexdigest()[:16] if name is None else name)
    path.write_bytes(content)
    os.utime(path, (1_600_000_000, 1_600_000_000))
    return path


def value(*lines: str) -> bytes:
    return "".join(f"{line}\n" for line in ("go test fuzz v1", *lines)).encode()


@pytest.fixture
def made(tmp_path: Path, nobody_else: None) -> MadeCache:
    return MadeCache(tmp_path / "cache")


@pytest.fixture(scope="session")
def fuzzed(go: Go, tmp_path_factory: pytest.TempPathFactory) -> World:
    """A cache with values that the go command found.  Shared: nobody may change it."""
    folder = tmp_path_factory.mktemp("fuzzed")
    made = World(go, go.gocache, write_project(folder / "project", FUZZED))
    status, out, said = made.run("test", "-fuzz=FuzzAll", "-fuzztime=20000x", timeout=600)
    assert status == 0, out + said
    return made


@pytest.mark.go
def test_what_go_writes_is_sound(fuzzed: World) -> None:
    paths = list((fuzzed.cache / "fuzz").rglob("FuzzAll/*"))
    assert len(paths) > 3
    results = list(corpus.CorpusCheck(str(fuzzed.cache)))
    assert [finding for result in results for finding in result.findings] == []
    assert sum(result.values for result in results) == len(
        [path for path in (fuzzed.cache / "fuzz").rglob("*") if path.is_file()]
    )
    assert sum(result.bytes for result in results) >= sum(path.stat().st_size for path in paths)


@pytest.mark.go
def test_what_go_parses(fuzzed: World) -> None:
    """Go refuses what is called malformed, but for what it takes and never writes."""
    folder = fuzzed.project / "text" / "testdata" / "fuzz" / "FuzzText"
    folder.mkdir(parents=True)
    lines = (*GOOD, *BAD, *LAX)
    try:
        for number, line in enumerate(lines):
            (folder / f"n{number}").write_bytes(value(line))
        status, out, said = fuzzed.run("test", "-run=FuzzText", "./text")
    finally:
        for path in folder.iterdir():
            path.unlink()
        folder.rmdir()
    assert status != 0
    refused = {line for number, line in enumerate(lines) if f'FuzzText/n{number}": unmarshal: ' in out + said}
    assert refused == set(BAD)
    for line in lines:
        if line in GOOD:
            check_value(value(line))
        else:
            with pytest.raises(MalformedError, match="line 2 is no value"):
                check_value(value(line))


@pytest.mark.go
def test_what_go_does_with_damage(fuzzed: World) -> None:
    """It passes over what it cannot parse, and fails or waits for ever where it cannot read."""
    ran = ("test", "-fuzz=FuzzText", "-fuzztime=5x", "./text")
    path = put(fuzzed.cache, value("nonsense"))
    try:
        assert fuzzed.run(*ran)[0] == 0
        path.unlink()
        path.symlink_to("nowhere")
        status, out, said = fuzzed.run(*ran)
        assert status != 0
        assert "failed to read corpus file" in out + said
        path.unlink()
        os.mkfifo(path)
        with pytest.raises(subprocess.TimeoutExpired):
            fuzzed.run(*ran, timeout=8)
        # The test's own program is still waiting: its end of the fifo is closed.
        os.close(os.open(path, os.O_WRONLY | os.O_NONBLOCK))
    finally:
        path.unlink()


def test_a_sound_corpus(made: MadeCache, engine: Engine) -> None:
    for number in range(3):
        put(made.root, value(f"int({number})"))
    report = report_of(made.root, engine)
    assert report.findings == []
    assert report.not_checked == []
    assert report.counts.fuzz_values == 3
    assert report.to_json()["counts"]["fuzz_values"] == 3


@pytest.mark.parametrize(
    ("content", "verdict", "says"),
    [
        (b"", "malformed", "does not begin with the line"),
        (b"go test fuzz v2\nint(1)\n", "malformed", "does not begin with the line"),
        (b"go test fuzz v1\n", "malformed", "holds no value"),
        (b"go test fuzz v1", "malformed", "holds no value"),
        (b"go test fuzz v1\nint(1)", "malformed", "does not end"),
        (value("int(1)", ""), "malformed", "line 3"),
        (value("int(1)", "int(x)"), "malformed", "line 3"),
        (b"\xff\x1b[2J\n", "malformed", "does not begin"),
    ],
)
def test_what_is_malformed(made: MadeCache, engine: Engine, content: bytes, verdict: str, says: str) -> None:
    path = put(made.root, content)
    [finding] = report_of(made.root, engine).findings
    assert short(finding) == f"warning {verdict} layout"
    assert says in finding.message
    assert finding.path == str(path)


def test_what_is_not_what_its_name_says(made: MadeCache, engine: Engine) -> None:
    path = put(made.root, value("int(1)"), name="0123456789abcdef")
    [finding] = found(report_of(made.root, engine))
    assert (short(finding), finding.path) == ("warning modified layout", str(path))
    assert (finding.authority, finding.expected) == ("name", "sha256:0123456789abcdef")
    assert finding.actual == f"sha256:{hashlib.sha256(value('int(1)')).hexdigest()[:16]}"


def test_names_that_go_never_gives(made: MadeCache, engine: Engine) -> None:
    put(made.root, value("int(1)"), name="mine")
    put(made.root, value("int(2)"), target="notes")
    assert sorted(finding.message for finding in report_of(made.root, engine).findings) == [
        "the go command never gives a value such a name",
        "the go command never makes a file here",
    ]


def loop(path: Path) -> None:
    path.symlink_to(path.name)


@pytest.mark.parametrize(("make", "severity"), [(os.mkfifo, "error"), (loop, "warning")])
def test_what_is_no_file(
    made: MadeCache, engine: Engine, make: Callable[[Path], object], severity: str
) -> None:
    path = put(made.root, b"x")
    path.unlink()
    make(path)
    [finding] = report_of(made.root, engine).findings
    assert (short(finding), finding.path) == (f"{severity} malformed layout", str(path))


def test_no_link_is_followed(made: MadeCache, engine: Engine, tmp_path: Path) -> None:
    """Neither one to a folder of values nor one in place of all of them."""
    elsewhere = put(tmp_path / "elsewhere", b"secret").parent
    target = put(made.root, value("int(1)"), target="FuzzKept").parent / "FuzzLinked"
    target.symlink_to(elsewhere)
    [finding] = report_of(made.root, engine).findings
    assert (finding.path, finding.verdict) == (str(target), "malformed")
    (made.root / "fuzz").rename(tmp_path / "moved")
    (made.root / "fuzz").symlink_to(tmp_path / "moved")
    report = report_of(made.root, engine)
    assert [finding.path for finding in report.findings] == [str(made.root / "fuzz")]
    assert report.counts.fuzz_values == 0


def test_a_long_one_is_not_read(made: MadeCache, engine: Engine) -> None:
    path = put(made.root, b"go test fuzz v1\n")
    os.truncate(path, 100 << 30)
    os.utime(path, (1_600_000_000, 1_600_000_000))
    begun = time.monotonic()
    [finding] = report_of(made.root, engine).findings
    assert time.monotonic() - begun < 5
    assert "more than any value" in finding.message


def test_deep_folders(made: MadeCache, engine: Engine) -> None:
    folder = made.root / "fuzz"
    for _ in range(300):
        folder /= "d"
    folder.mkdir(parents=True)
    [finding] = report_of(made.root, engine).findings
    assert "nothing in it was read" in finding.message


def test_many_are_counted(made: MadeCache, engine: Engine) -> None:
    for number in range(1500):
        put(made.root, b"%d" % number)
    report = report_of(made.root, engine)
    assert len(report.findings) == 1001
    assert report.findings[-1].message.startswith("500 more values")
    assert report.counts.fuzz_values == 1500


def test_what_is_being_written_is_waited_for(
    made: MadeCache, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second look finds it whole."""
    monkeypatch.setattr(live, "YOUNG", 1.0)
    whole = value("int(1)")
    path = put(made.root, whole)
    path.write_bytes(whole[:10])
    looked = corpus._look

    def slow(path: str) -> corpus._Found:
        answer = looked(path)
        Path(path).write_bytes(whole)
        return answer

    monkeypatch.setattr(corpus, "_look", slow)
    assert report_of(made.root, engine).findings == []


@pytest.mark.parametrize("looks", [0, 1, 2])
def test_what_waits_for_its_second_look_is_told_when_interrupted(
    made: MadeCache, engine: Engine, monkeypatch: pytest.MonkeyPatch, looks: int
) -> None:
    """After so many second looks; each thing once, and all that was read counted."""
    wrong = [put(made.root, value(f"int({number})"), "0" * 15 + str(number)) for number in range(3)]
    put(made.root, value("int(1)"))
    (made.root / "fuzz" / "stray").write_text("")
    looked, left = corpus._look, [4 + looks]

    def interrupted(path: str) -> corpus._Found:
        if not left[0]:
            raise KeyboardInterrupt
        left[0] -= 1
        return looked(path)

    monkeypatch.setattr(corpus, "_look", interrupted)
    with check_caches(made.root, engine=engine.name) as check, pytest.raises(KeyboardInterrupt):
        for _ in check:
            pass
    assert not check.report.complete
    assert sorted(finding.path for finding in check.report.findings) == sorted(
        [*map(str, wrong), str(made.root / "fuzz" / "stray")]
    )
    assert check.report.counts.fuzz_values == 4


@given(st.lists(st.one_of(st.sampled_from(GOOD + BAD + LAX), st.text(max_size=40)), max_size=5))
def test_any_text_is_judged(lines: list[str]) -> None:
    text = value(*lines)
    well = bool(lines) and all(line in GOOD for line in lines)
    try:
        check_value(text)
    except MalformedError:
        assert not well


@pytest.mark.parametrize("line", ['string("' + "\\" * 1_000_000, "int(" + "9" * 1_000_000 + ")", "(" * 10**6])
def test_long_lines_take_no_time(line: str) -> None:
    begun = time.monotonic()
    with pytest.raises(MalformedError):
        check_value(value(line))
    assert time.monotonic() - begun < 2
