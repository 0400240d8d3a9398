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
SOUND = [
    # Nothing is known of any package: a list of none.
    vetfacts.MAGIC + b"\x04\xff\x82\x00\x00",
    b"{}\n",
    b'{"p": {"printf": [{"posn": "a.go:1:2", "message": "[[[[[[[[[[[[[[[[[[[[ {{ \\" ["}]}}\n',
    b'{"p": {"printf": {"error": "failed"}}}',
    b"# test log\ngetenv HOME\nopen a b\n",
    PROFILE,
    b"mode: atomic\n",
    # What a test prints begins as the test likes.
    b"{ not JSON\nok  \texample.com/p\t0.003s\n",
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
