"""Signed notes, heads, records, tile names and exempt modules, held to golang.org/x/mod."""

from __future__ import annotations

import base64

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from fastverify.engine.protocol import Engine
from fastverify.sumdb import note, tlog
from fastverify.sumdb.arithmetic import load_arithmetic
from fastverify.sumdb.settings import matches_prefix
from tests.making.go import Oracle

pytestmark = pytest.mark.go

many = settings(
    max_examples=500,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

_TEXT = b"go.sum database tree\n5\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"
_PIECES = st.sampled_from(
    [
        *("", "\n", "\n\n", " ", "\t", "\r", "\r\n", "\0", "\x7f", "\x85", "\xa0", "\u2014", "\u2014 ", "- "),
        *("log", "log.example.org", "a+b", "a b", "+", "=", "==", "A", "AA==", "AAAA", "AAAAAAAAAAA="),
        *("go.sum database tree\n", "go.sum database treé\n", "0", "5", "05", "+5", "-5", "-0", "5x", "_"),
        *("9223372036854775807", "9223372036854775808", "-9223372036854775808", "0x5", "5_0", "\uff15"),
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB=",
        "AAAAAAAAAAAAAAAAAAAAAA\nAAAAAAAAAAAAAAAAAAAAA=",
        "example.com/m v1.0.0 h1:AAAA=\n",
    ]
).map(str.encode) | st.sampled_from([b"\xff", b"\xc3", b"\xed\xa0\x80"])
_BYTES = st.lists(_PIECES, max_size=12).map(b"".join) | st.binary(max_size=40)


class Signer:
    """An Ed25519 key of the test's own."""

    def __init__(self, name: str, seed: bytes = b"\1" * 32) -> None:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self.name = name
        public = b"\1" + self._key.public_key().public_bytes_raw()
        self.hash = note.key_hash(name, public)
        self.verifier = f"{name}+{self.hash:08x}+{base64.b64encode(public).decode()}"

    def line(self, text: bytes) -> bytes:
        """A signature line."""
        signature = self.hash.to_bytes(4, "big") + self._key.sign(text)
        return b"\xe2\x80\x94 " + self.name.encode() + b" " + base64.b64encode(signature) + b"\n"


SIGNER, OTHER = Signer("log.example.org"), Signer("other", b"\2" * 32)
#: It says that it is by the key that counts, and is not.
FORGED = SIGNER.line(b"another text\n")
MALFORMED = b"\xe2\x80\x94 log.example.org AAAA\n"


@st.composite
def notes(draw: st.DrawFn) -> bytes:
    """Notes that are good, nearly good, or nothing of the kind."""
    text = draw(st.sampled_from([_TEXT, b"x\n", b"\n", b"a\n\nb\n", b""]) | _BYTES)
    lines = draw(
        st.lists(
            st.sampled_from([SIGNER.line(text), OTHER.line(text), FORGED, MALFORMED]) | _BYTES, max_size=3
        )
    )
    made = text + draw(st.sampled_from([b"\n", b"\n", b"\n", b"", b"\n\n"])) + b"".join(lines)
    if made and draw(st.integers(0, 3)) == 0:
        at = draw(st.integers(0, len(made) - 1))
        made = made[:at] + draw(st.sampled_from([b"", b"\n", b"A", b"\xff"])) + made[at + 1 :]
    return made


@many
@given(message=notes())
@example(message=_TEXT + b"\n" + OTHER.line(_TEXT) * 99 + SIGNER.line(_TEXT))
@example(message=_TEXT + b"\n" + OTHER.line(_TEXT) * 100 + SIGNER.line(_TEXT))
@example(message=_TEXT + b"\n" + FORGED + SIGNER.line(_TEXT))
@example(message=_TEXT + b"\n" + SIGNER.line(_TEXT) + FORGED)
@example(message=_TEXT + b"\n" + SIGNER.line(_TEXT)[:-2] + b"\n")
def test_notes(engine: Engine, oracle: Oracle, message: bytes) -> None:
    key = note.parse_verifier_key(SIGNER.verifier)
    answer = oracle.ask("open_note", Name=SIGNER.verifier, Content=message)
    try:
        ours = note.open_note(message, key, load_arithmetic(engine.name).verify)
    except note.NoteError:
        assert answer["error"]
    else:
        assert (base64.b64decode(answer["bytes"] or ""), answer["error"]) == (ours, "")


@many
@given(
    text=st.sampled_from([SIGNER.verifier, OTHER.verifier, "", "a+b", "x+00000000+AAAA"])
    | st.builds(
        lambda at, piece: SIGNER.verifier[:at] + piece + SIGNER.verifier[at + 1 :],
        st.integers(0, len(SIGNER.verifier)),
        st.sampled_from(["", "A", "+", " ", "=", "\n", "é"]),
    )
)
def test_keys(oracle: Oracle, text: str) -> None:
    answer = oracle.ask("verifier_key", Name=text)
    try:
        ours = str(note.parse_verifier_key(text))
    except note.NoteError:
        assert answer["error"]
    else:
        assert (answer["value"], answer["error"]) == (ours, "")


@many
@given(
    text=_BYTES
    | st.builds(
        lambda size, root, rest: b"go.sum database tree\n" + size + b"\n" + root + rest,
        _PIECES,
        _PIECES,
        st.sampled_from([b"\n", b"", b"\nmore\n"]),
    )
)
@example(text=_TEXT)
def test_heads(oracle: Oracle, text: bytes) -> None:
    answer = oracle.ask("parse_head", Content=text)
    try:
        head = tlog.parse_head(text)
    except tlog.LogError:
        assert answer["error"]
    else:
        assert (answer["value"], answer["error"]) == (f"{head.size} {head.root.hex()}", "")


@many
@given(
    message=_BYTES
    | st.builds(lambda number, text, rest: number + b"\n" + text + b"\n\n" + rest, _PIECES, _BYTES, _BYTES)
)
@example(message=b"5\nexample.com/m v1.0.0 h1:A\n\nrest\n\n")
@example(message=b"-1\nx\n\n")
def test_records(oracle: Oracle, message: bytes) -> None:
    answer = oracle.ask("parse_record", Content=message)
    try:
        record = tlog.parse_record(message)
    except tlog.LogError:
        assert answer["error"]
    else:
        ours = b"%d\0%s\0%s" % (record.number, record.text, record.rest)
        assert (base64.b64decode(answer["bytes"] or ""), answer["error"]) == (ours, "")


_ELEMENTS = st.sampled_from(
    [
        *("tile", "8", "0", "1", "63", "64", "00", "-1", "000", "001", "255", "x000", "x001", "x1", "1000"),
        *("000.p", "001.p", "x001.p", "256", "255.p", "01", "", ".", "999", "x999", "data", "\uff18"),
    ]
)


@many
@given(
    path=st.lists(_ELEMENTS, max_size=4).map("/".join).map("tile/8/{}".format)
    | st.lists(_ELEMENTS, max_size=12).map("/".join)
)
@example(path="tile/8/0/x001/234")
@example(path="tile/8/0/x000/234")
@example(path="tile/8/1/000.p/255")
@example(path="tile/8/1/000.p/256")
@example(path="tile/8/0/x009/x223/x372/x036/x854/x775/807")
@example(path="tile/8/0/x009/x223/x372/x036/x854/x775/808")
def test_tile_names(oracle: Oracle, path: str) -> None:
    answer = oracle.ask("tile_path", Name=path)
    tile = tlog.parse_tile_path(path)
    if tile is None:
        # Go's parser also takes what no tree of the go command has: other heights, records as data
        # (level -1), levels that would need more than 2**63 records.
        height, level = map(int, answer["value"].split()[:2]) if not answer["error"] else (8, -1)
        assert answer["error"] or height != tlog.TILE_HEIGHT or not 0 <= level < 64
    else:
        assert answer["value"] == f"8 {tile.level} {tile.number} {tile.width}"
        assert tile.path == path


_GLOBS = st.sampled_from(
    [
        *("*", "**", "?", "a", "b", "example.com", "*.com", "/", "/*", "[a-c]", "[^a]", "[", "]", "[]", "\\"),
        *("\\*", "[\\]]", "[a-]", "[-a]", "[!a]", "é", ",", " ", "x", "e*m", "..", "corp.example.com/team"),
    ]
)
_TARGETS = st.sampled_from(["a", "b", "/", "/", "example.com", "x.com", "é", "[", "*", "m", "]", "corp", "-"])


@many
@given(
    globs=st.lists(_GLOBS, max_size=8).map("".join),
    target=st.lists(_TARGETS, max_size=6).map("".join),
)
@example(globs="*.corp.example.com,rsc.io/private", target="rsc.io/private/quux")
@example(globs="example.com/", target="example.com/a")
@example(globs="e*m/a", target="example.com/a/b")
def test_exempt_modules(oracle: Oracle, globs: str, target: str) -> None:
    expected = oracle.value("match_prefix", Other=globs, Name=target)
    assert str(matches_prefix(globs, target)).lower() == expected
