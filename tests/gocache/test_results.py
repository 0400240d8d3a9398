"""The small results of vet and of tests: under their right names, and not in the form that go writes."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from fastverify.engine.protocol import Engine
from fastverify.engine.pure import PureEngine
from fastverify.gocache.identify import vetfacts
from tests.gocache.checking import report_of, short
from tests.gocache.making import MadeCache

pytestmark = pytest.mark.usefixtures("nobody_else")

NO_FACTS = vetfacts.MAGIC + b"\x05\xff\x82\x00\x00\x00"
PROFILE = b"mode: set\nexample.com/m/a.go:1.2,3.4 5 6\n"
#: What `go test -cover` of Go 1.26 wrote for a package of one function.
COVER_META = bytes.fromhex(
    "0063766d01000000bc000000000000000100000000000000ec0dc7ccca88ad7792e5a41dae3f58f84800000002000000"
    "01010000000000004a000000000000007200000000000000010072000000020000000100000003000000ec0dc7ccca88"
    "ad7792e5a41dae3f58f80000000006000000010000006900000006000f6578616d706c652e636f6d2f632f6101610d65"
    "78616d706c652e636f6d2f630146146578616d706c652e636f6d2f632f612f612e676f010405030e031a0100"
)
SOUND = [
    # Nothing is known of any package: a list of none.
    vetfacts.MAGIC + b"\x04\xff\x82\x00\x00",
    b"{}\n",
    b'{"p": {"printf": [{"posn": "a.go:1:2", "message": "[[[[[[[[[[[[[[[[[[[[ {{ \\" ["}]}}\n',
    b'{"p": {"printf": {"error": "failed"}}}',
    b"# test log\ngetenv HOME\nopen a b\n",
    PROFILE,
    b"mode: atomic\n",
    b"GO PREPROFILE V1\n",
    b"GO PREPROFILE V1\nmain.main\nmain.(*T).f\n3 17\nmain.f\nmain.g\n-1 2\n",
    COVER_META,
    # What a test prints begins as the test likes.
    b"{ not JSON\nok  \texample.com/p\t0.003s\n",
    b"\0cvm\nok  \texample.com/p\t0.003s\n",
    b"mode: none\nok  \texample.com/p\t0.003s\n",
]
BROKEN = [
    (NO_FACTS, "facts of vet"),
    (vetfacts.MAGIC + b"\x04\xff\x82\x00\x09", "facts of vet"),
    (b'{"p": {"printf": [}}', "no JSON"),
    (b'{"p": [1]}', "not the form"),
    (b'{"p": {"printf": 1}}', "not the form"),
    (b'{"a":' * 50, "nested too deeply"),
    (b"# test log\nunlink /\n", "line that no test writes"),
    (PROFILE[:-3], "line that no test writes"),
    (COVER_META[:-1], "meta-data of coverage"),
    (COVER_META[:30], "meta-data of coverage"),
    (COVER_META[:16] + b"\xff" + COVER_META[17:], "meta-data of coverage"),
    (b"GO PREPROFILE V1\nmain.main\nmain.f\n", "not a whole one"),
    (b"GO PREPROFILE V1\nmain.main\nmain.f\n3 17", "not a whole one"),
    (b"GO PREPROFILE V1\nmain.main\nmain.f\n3 x\n", "not a whole one"),
    (b"mode: sometimes\n", "line that no test writes"),
]


def test_sound_ones(tmp_path: Path, engine: Engine) -> None:
    made = MadeCache(tmp_path / "cache")
    for content in SOUND:
        made.add(content)
    assert report_of(made.root, engine).findings == []


@pytest.mark.parametrize(("content", "says"), BROKEN)
def test_broken_ones(tmp_path: Path, engine: Engine, content: bytes, says: str) -> None:
    made = MadeCache(tmp_path / "cache")
    path = made.add(content)
    [finding] = report_of(made.root, engine).findings
    assert (short(finding), finding.path) == ("error malformed output", str(path))
    assert says in finding.message


@pytest.mark.parametrize(
    "content",
    [
        b'{"' + b'\\"' * 1_000_000,
        b'{"' * 1_000_000,
        b"{" + b"[]" * 1_000_000,
        b"{" + b"[" * 2_000_000,
        vetfacts.MAGIC + b"\xfc\x00\x80\x00\x08\xff\x82\x00\xfc\x00\x10\x00\x00" + bytes(0x800000),
        b"mode: set\n" + b"a:1.1," * 1_000_000 + b"\n",
        b"# test log\n" + b"open a\n" * 1_000_000 + b"x\n",
    ],
)
def test_long_ones_take_no_long_time(tmp_path: Path, content: bytes) -> None:
    made = MadeCache(tmp_path / "cache")
    made.add(content)
    began = time.process_time()
    [finding] = report_of(made.root, PureEngine()).findings
    assert time.process_time() - began < 10
    assert short(finding) == "error malformed output"
