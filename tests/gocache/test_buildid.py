"""Build IDs, held to ``go tool buildid`` and to what the go command itself computed."""

from __future__ import annotations

import os
import struct
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastverify.gocache.buildid import BuildId, action_part, content_id, read_build_id, short_hash
from fastverify.gocache.content import Content, MalformedError
from tests.making.go import need_go

pytestmark = pytest.mark.go


def test_executables_of_each_kind(executables: list[Path]) -> None:
    for path in executables:
        told = subprocess.run(
            [need_go(), "tool", "buildid", str(path)], check=True, capture_output=True, text=True
        ).stdout.strip()
        with path.open("rb") as file:
            content = Content.of_file(file)
            found = read_build_id(content)
            assert found == BuildId(told)
            assert found.is_go_cache_form
            assert found.main is not None
            assert content_id(content, found) == found.content, path


def test_one_flipped_bit_changes_the_content_part(executables: list[Path]) -> None:
    for path in executables:
        data = bytearray(path.read_bytes())
        # Far from the headers, and where no signature or UUID is.
        data[len(data) // 2] ^= 1
        content = Content.of(bytes(data))
        found = read_build_id(content)
        assert found is not None
        assert content_id(content, found) != found.content, path


def test_every_archive_of_a_cache(executables: list[Path]) -> None:
    cache = executables[0].parent / "cache"
    archives = 0
    for entry in cache.glob("??/*-a"):
        _, action, output, _, _ = entry.read_text().split()
        data = (cache / output[:2] / f"{output}-d").read_bytes()
        if not data.startswith(b"!<arch>\n"):
            continue
        content = Content.of(data)
        found = read_build_id(content)
        assert found is not None
        assert found.action == action_part(action)
        assert found.content == content_id(content, found)
        archives += 1
    assert archives > len(executables)


def test_short_hash_is_gos() -> None:
    # Base64 of RFC 4648 section 5, which the function's comment in Go names; 15 bytes need no padding.
    assert short_hash(bytes(range(32))) == "AAECAwQFBgcICQoLDA0O"
    assert short_hash(b"\xff" * 32) == "_" * 20


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"!<arch>\n",
        b"!<arch>\n__.PKGDEF `\ngo object linux amd64 go1.26 X:none\n",
        b'!<arch>\n__.PKGDEF `\ngo object linux amd64 go1.26 X:none\nbuild id "a/b\n',
        b'!<arch>\n__.PKGDEF `\ngo object linux amd64 go1.26 X:none\nbuild id "a\\x"\n',
        b"\x7fELF",
        b"\x7fELF\x02\x01" + b"\xff" * 58,
        b"\xcf\xfa\xed\xfe" + b"\xff" * 60,
        b"MZ" + b'\xff Go build ID: "never ends',
        b"plain text",
    ],
)
def test_broken_heads_are_malformed(data: bytes) -> None:
    with pytest.raises(MalformedError):
        read_build_id(Content.of(data))


def test_a_note_segment_of_absurd_length() -> None:
    header = bytearray(64)
    header[:6] = b"\x7fELF\x02\x01"
    struct.pack_into("<Q", header, 32, 64)
    struct.pack_into("<HH", header, 54, 56, 1)
    segment = struct.pack("<IIQQQQQQ", 4, 0, 0, 0, 0, 1 << 62, 0, 4)
    with pytest.raises(MalformedError):
        read_build_id(Content.of(bytes(header) + segment))


@given(st.data())
def test_damaged_heads_never_escape(executables: list[Path], data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(executables))
    head = bytearray(path.read_bytes()[:8192])
    for _ in range(data.draw(st.integers(1, 8))):
        head[data.draw(st.integers(0, 511))] = data.draw(st.sampled_from([0, 1, 4, 0x7F, 0x80, 0xFF]))
    content = Content.of(bytes(head[: data.draw(st.integers(0, len(head)))]))
    try:
        found = read_build_id(content)
    except MalformedError:
        return
    try:
        content_id(content, found or BuildId("a/b"))
    except MalformedError:
        return


def test_it_is_zeroed_across_pieces(tmp_path: Path) -> None:
    """An ID that lies across the border of two pieces that are read is zeroed like any other."""
    text = "A" * 20 + "/" + "B" * 20
    places = ((1 << 20) - 7, (2 << 20) - 40, 3 << 20)
    data = bytearray(os.urandom(1) * ((3 << 20) + len(text)))
    zeroed = bytearray(data)
    for place in places:
        data[place : place + len(text)] = text.encode()
        zeroed[place : place + len(text)] = bytes(len(text))
    (tmp_path / "x").write_bytes(data)
    with (tmp_path / "x").open("rb") as file:
        ours = content_id(Content.of_file(file), BuildId(text))
    assert ours == content_id(Content.of(bytes(zeroed)), BuildId("unused/unused"))
