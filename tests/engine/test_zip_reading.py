"""A zip is read as Go's archive/zip reads it, and in no other way."""

from __future__ import annotations

import errno
import os
import stat
import struct
import zlib
from pathlib import Path

import pytest

from fastverify.engine.protocol import MAX_ZIP_BYTES, Engine, Fault, FaultCode, MeasurementError
from tests.engine.measuring import PREFIX, measure, measure_zip, task
from tests.making.modules import h1
from tests.making.zips import BZIP2, FLAG_DESCRIPTOR, FLAG_ENCRYPTED, STORED, Archive, Entry, deflate, zip_of

A = PREFIX + b"a.go"
B = PREFIX + b"b.go"
FILES = [(A, b"package a\n" * 50), (B, b"package b\n")]
EMPTY_H1 = "h1:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="


def plain(**changes: object) -> list[Entry]:
    first = Entry(*FILES[0], **changes)  # type: ignore[arg-type]
    return [first, Entry(*FILES[1])]


def wide_extra(*values: int) -> bytes:
    return struct.pack(f"<HH{len(values)}Q", 1, 8 * len(values), *values)


def read_alike() -> dict[str, Archive]:
    described = plain(flags=FLAG_DESCRIPTOR, descriptor="signed")
    return {
        "plain": Archive(plain()),
        "comment": Archive(plain(), comment=b"hello" * 400),
        "comment with a false signature": Archive(plain(), comment=b"PK\x05\x06 short"),
        "leading bytes": Archive(plain(), before=b"#!/bin/sh\n"),
        "leading bytes, counted": Archive(plain(), before=b"#!/bin/sh\n", offsets_count_before=True),
        "trailing bytes": Archive(plain(), after=b"\0" * 64_000),
        "other order": Archive(plain()[::-1]),
        "stored": Archive(plain(method=STORED)),
        "local name, method and CRC are not read": Archive(
            plain(local_name=b"evil", local_method=BZIP2, local_crc=7, local_extra=b"extra")
        ),
        "encryption flag": Archive(plain(flags=FLAG_ENCRYPTED)),
        "descriptor": Archive(described),
        "descriptor without signature": Archive(plain(flags=FLAG_DESCRIPTOR, descriptor="bare")),
        "CRC of zero is not checked": Archive(plain(crc=0)),
        "bytes after the deflate stream": Archive(plain(body=deflate(FILES[0][1]) + b"more")),
        "zip64": Archive(plain(zip64=True), zip64=True),
        "two zip64 fields, the first counts": Archive(
            plain(zip64=True, extra=wide_extra(1, 1, 1)), zip64=True
        ),
        "size field is not believed": Archive(plain(), directory_size=None, comment=b"x"),
        "symlink attribute": Archive(plain(external=0o120777 << 16)),
        "count modulo 65536": Archive(plain(), count=65538),
    }


@pytest.mark.parametrize("name", read_alike())
def test_zips_that_mean_the_same(engine: Engine, tmp_path: Path, name: str) -> None:
    content = read_alike()[name].to_bytes()
    measured = measure_zip(engine, tmp_path, content)
    assert measured.fault is None
    assert measured.h1 == measured.files_h1 == h1(FILES)
    assert measured.entries == 2
    assert measured.unpacked == sum(len(content) for _, content in FILES)
    assert measured.bad_entries == ()
    assert measured.violations == ()
    assert engine.hash_zip(os.fspath(tmp_path / "v1.0.0.zip"), threads=2) == h1(FILES)


def bad_entries() -> dict[str, tuple[Entry, FaultCode]]:
    name, content = FILES[0]
    half = deflate(os.urandom(4000))[:2000]
    return {
        "less than declared": (Entry(name, content, size=501), "zip-eof"),
        "more than declared": (Entry(name, content, size=499), "zip-format"),
        "stored, less": (Entry(name, content, STORED, size=501), "zip-eof"),
        "stored, more": (Entry(name, content, STORED, size=499), "zip-format"),
        "CRC": (Entry(name, content, crc=1), "zip-checksum"),
        "size before CRC": (Entry(name, content, crc=1, size=499), "zip-format"),
        "stream cut short": (Entry(name, body=half, size=4000, crc=1), "zip-eof"),
        "garbage": (Entry(name, body=b"\xff" * 20, size=4000), "zip-corrupt"),
        "nothing": (Entry(name, body=b"", size=0, crc=0), "zip-eof"),
        "bzip2": (Entry(name, content, BZIP2), "zip-algorithm"),
        "method before data": (Entry(name, body=b"\xff", method=99), "zip-algorithm"),
        "local signature": (Entry(name, content, local_signature=b"PK\x03\x05"), "zip-format"),
        "local signature before method": (
            Entry(name, content, 99, local_signature=b"PK\x03\x05"),
            "zip-format",
        ),
        "local header behind the end": (Entry(name, content, offset_shift=1 << 20), "zip-eof"),
        "descriptor's CRC": (
            Entry(name, content, flags=FLAG_DESCRIPTOR, descriptor="signed", descriptor_crc=1),
            "zip-checksum",
        ),
        "no CRC at all, but a descriptor": (
            Entry(name, content, flags=FLAG_DESCRIPTOR, descriptor="signed", crc=0, descriptor_crc=0),
            "zip-checksum",
        ),
        "one TB declared": (Entry(name, content, zip64=True, size=1 << 40), "zip-too-large"),
        "directory with content": (Entry(PREFIX + b"d/", b"x", STORED), "zip-format"),
        "newline": (Entry(PREFIX + b"a\nb", content), "name-newline"),
    }


@pytest.mark.parametrize("name", bad_entries())
def test_bad_entries(engine: Engine, tmp_path: Path, name: str) -> None:
    entry, code = bad_entries()[name]
    measured = measure_zip(engine, tmp_path, Archive([Entry(*FILES[1]), entry]).to_bytes())
    assert measured.h1 is None
    assert measured.fault is not None
    assert measured.fault.code == code
    if code == "zip-too-large":
        assert measured.bad_entries == ()
        return
    assert measured.fault == Fault(code, entry.name)
    # An entry whose name cannot be in the hash can be read all the same.
    assert measured.bad_entries == (() if code == "name-newline" else (measured.fault,))
    with pytest.raises(MeasurementError) as caught:
        engine.hash_zip(os.fspath(tmp_path / "v1.0.0.zip"), threads=1)
    assert caught.value.fault == measured.fault


def test_a_declared_terabyte_is_read_by_hash_zip_and_ends_with_the_data(
    engine: Engine, tmp_path: Path
) -> None:
    path = tmp_path / "v.zip"
    path.write_bytes(Archive([Entry(A, b"abc", zip64=True, size=1 << 40)]).to_bytes())
    with pytest.raises(MeasurementError) as caught:
        engine.hash_zip(os.fspath(path), threads=1)
    assert caught.value.fault == Fault("zip-eof", A)


def test_the_first_bad_entry_by_name_is_the_fault(engine: Engine, tmp_path: Path) -> None:
    entries = [Entry(PREFIX + name, b"x", crc=1) for name in (b"c", b"a", b"b")]
    measured = measure_zip(engine, tmp_path, Archive(entries).to_bytes())
    assert [fault.name for fault in measured.bad_entries] == [PREFIX + name for name in (b"a", b"b", b"c")]
    assert measured.fault == measured.bad_entries[0]


def bad_archives() -> dict[str, tuple[bytes, FaultCode]]:
    good = Archive(plain()).to_bytes()
    end = good.rindex(b"PK\x05\x06")
    return {
        "empty file": (b"", "zip-format"),
        "no end record": (good[:end], "zip-format"),
        "cut within the end record": (good[:-1], "zip-format"),
        "comment longer than the file": (Archive(plain(), comment_length=1).to_bytes(), "zip-format"),
        "70 KiB behind the end": (good + b"\0" * 70_000, "zip-format"),
        "one entry too many": (Archive(plain(), count=3, comment=b"c" * 24).to_bytes(), "zip-format"),
        "one entry too few": (Archive(plain(), count=1, comment=b"c" * 24).to_bytes(), "zip-format"),
        # Too little is left for one more header, which is what Go then says.
        "one entry too many, at the end": (Archive(plain(), count=3).to_bytes(), "zip-eof"),
        "directory before the file": (Archive(plain(), directory_size=1 << 20).to_bytes(), "zip-format"),
        "zip64 record behind the end": (
            good[:end] + struct.pack("<4sIQI", b"PK\x06\x07", 0, 1 << 40, 1) + _end(0xFFFF),
            "zip-eof",
        ),
        "zip64 record is none": (
            good[:end] + struct.pack("<4sIQI", b"PK\x06\x07", 0, 0, 1) + _end(0xFFFF),
            "zip-format",
        ),
    }


def _end(count: int) -> bytes:
    return struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, count, count, 0, 0, 0)


@pytest.mark.parametrize("name", bad_archives())
def test_bad_archives(engine: Engine, tmp_path: Path, name: str) -> None:
    content, code = bad_archives()[name]
    measured = measure_zip(engine, tmp_path, content)
    assert measured.fault == Fault(code)
    assert (measured.h1, measured.files_h1, measured.entries, measured.unpacked) == (None, None, 0, 0)
    assert not measured.has_go_mod


def test_a_zip_without_entries(engine: Engine, tmp_path: Path) -> None:

    measured = measure_zip(engine, tmp_path, b"any bytes" + _end(0))
    assert (measured.h1, measured.files_h1, measured.entries) == (EMPTY_H1, EMPTY_H1, 0)


def test_names_are_bytes(engine: Engine, tmp_path: Path) -> None:
    files = [(PREFIX + name, b"x" + name) for name in (b"\xff", b"a\\b", b"a\0b", "日本".encode(), b"\xc3(")]
    assert measure_zip(engine, tmp_path, zip_of(files)).h1 == h1(files)


def test_directory_entries_are_lines_of_the_zip_alone(engine: Engine, tmp_path: Path) -> None:
    directories = [(PREFIX + b"d/", b""), (PREFIX, b"")]
    measured = measure_zip(engine, tmp_path, zip_of(FILES + directories))
    assert measured.h1 == h1(FILES + directories)
    assert measured.files_h1 == h1(FILES)


def test_every_line_of_a_double_name_has_the_last_content(engine: Engine, tmp_path: Path) -> None:
    measured = measure_zip(engine, tmp_path, zip_of([(A, b"first"), (B, b"b"), (A, b"last")]))
    assert measured.h1 == h1([(A, b"last"), (A, b"last"), (B, b"b")])
    assert measured.entries == 3


def test_the_last_of_a_double_name_alone_is_read(engine: Engine, tmp_path: Path) -> None:
    archive = Archive([Entry(A, b"first", crc=1), Entry(A, b"last")])
    measured = measure_zip(engine, tmp_path, archive.to_bytes())
    assert measured.h1 == h1([(A, b"last"), (A, b"last")])


def test_shared_data(engine: Engine, tmp_path: Path) -> None:
    archive = Archive([Entry(A, b"same"), Entry(B, shares=0)])
    assert measure_zip(engine, tmp_path, archive.to_bytes()).h1 == h1([(A, b"same"), (B, b"same")])


def test_go_mod_of_the_zip(engine: Engine, tmp_path: Path) -> None:
    content = b"module example.com/m\n"
    measured = measure_zip(engine, tmp_path, zip_of([(PREFIX + b"go.mod", content), *FILES]))
    assert measured.has_go_mod
    assert measured.go_mod_h1 == h1([(b"go.mod", content)])
    measured = measure_zip(engine, tmp_path, zip_of([(PREFIX + b"x/go.mod", content), *FILES]))
    assert (measured.has_go_mod, measured.go_mod_h1) == (False, None)
    measured = measure_zip(engine, tmp_path, Archive([Entry(PREFIX + b"go.mod", content, crc=1)]).to_bytes())
    assert (measured.has_go_mod, measured.go_mod_h1) == (True, None)


@pytest.mark.parametrize("size", [(1 << 20) - 1, 1 << 20, (1 << 20) + 1, 5 << 20])
@pytest.mark.parametrize("method", [STORED, 8])
def test_long_contents(engine: Engine, tmp_path: Path, size: int, method: int) -> None:
    """Around the window that contents are held in."""
    content = (b"0123456789abcdef" * (size // 16 + 1))[:size]
    entries = [Entry(A, content, method), Entry(B, content, method, FLAG_DESCRIPTOR, descriptor="signed")]
    good = measure_zip(engine, tmp_path, Archive(entries).to_bytes())
    assert good.h1 == h1([(A, content), (B, content)])
    for change, code in (
        ({"size": size + 1}, "zip-eof"),
        ({"size": size - 1}, "zip-format"),
        ({"crc": 1}, "zip-checksum"),
    ):
        bad = measure_zip(engine, tmp_path, Archive([Entry(A, content, method, **change)]).to_bytes())  # type: ignore[arg-type]
        assert bad.fault == Fault(code, A)  # type: ignore[arg-type]
    cut = Entry(
        A, body=(content if method == STORED else deflate(content))[:-9], method=method, size=size, crc=1
    )
    assert measure_zip(engine, tmp_path, Archive([cut]).to_bytes()).fault == Fault("zip-eof", A)


def test_a_bomb_is_not_inflated_beyond_what_it_declares(engine: Engine, tmp_path: Path) -> None:
    body = deflate(b"\0" * (64 << 20))
    measured = measure_zip(engine, tmp_path, Archive([Entry(A, body=body, size=10, crc=0)]).to_bytes())
    assert measured.fault == Fault("zip-format", A)


def test_the_declared_sum_is_limited(engine: Engine, tmp_path: Path) -> None:
    sizes = [MAX_ZIP_BYTES - 3, 3]
    entries = [Entry(name, b"abc", size=size) for (name, _), size in zip(FILES, sizes, strict=True)]
    at_limit = measure_zip(engine, tmp_path, Archive(entries).to_bytes())
    assert at_limit.fault == Fault("zip-eof", A)
    entries.append(Entry(PREFIX + b"bad name?", b"x", size=1))
    over = measure_zip(engine, tmp_path, Archive(entries).to_bytes())
    assert over.fault == Fault("zip-too-large")
    assert (over.entries, over.unpacked, over.h1) == (3, MAX_ZIP_BYTES + 1, None)
    assert [violation.code for violation in over.violations] == ["path"]


def test_an_archive_over_the_limit_is_not_inflated(engine: Engine, tmp_path: Path) -> None:
    content = zip_of(FILES)
    path = tmp_path / "v1.0.0.zip"
    with path.open("wb") as file:
        file.seek(MAX_ZIP_BYTES + 1 - len(content))  # a hole
        file.write(content)
    measured = measure(engine, task(zip=path)).zip
    assert measured is not None
    assert measured.fault == Fault("zip-too-large")
    assert measured.entries == 2
    assert engine.hash_zip(os.fspath(path), threads=1) == h1(FILES)


def test_a_directory_over_the_limit_is_not_held(engine: Engine, tmp_path: Path) -> None:
    header = struct.pack("<4s24xHHH12x", b"PK\x01\x02", 1, 0xFFFF, 0xFFFF)
    entry = header + b"n" + b"\0" * 2 * 0xFFFF
    count = (128 << 20) // len(entry) + 1
    path = tmp_path / "v1.0.0.zip"
    with path.open("wb") as file:
        for _ in range(count):
            file.write(entry)
        file.write(struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, count, count, count * len(entry), 0, 0))
    measured = measure(engine, task(zip=path)).zip
    assert measured is not None
    assert measured.fault == Fault("zip-directory-too-large")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no fifos here")
def test_what_is_not_a_file(engine: Engine, tmp_path: Path) -> None:
    fifo, folder, missing, loop = (tmp_path / name for name in ("fifo", "folder", "missing", "loop"))
    os.mkfifo(fifo)
    folder.mkdir()
    loop.symlink_to(loop)
    expected = {
        fifo: Fault("not-regular"),
        folder: Fault("not-regular"),
        Path(os.devnull): Fault("not-regular"),
        missing: Fault("os", b"", errno.ENOENT),
        loop: Fault("os", b"", errno.ELOOP),
        fifo / "below": Fault("os", b"", errno.ENOTDIR),
    }
    for path, fault in expected.items():
        measured = measure(engine, task(zip=path)).zip
        assert measured is not None
        assert measured.fault == fault, path
        assert (measured.stat is None) == (fault.code == "os" and path != loop)
        with pytest.raises(MeasurementError) as caught:
            engine.hash_zip(os.fspath(path), threads=1)
        assert (caught.value.fault, caught.value.path) == (fault, os.fspath(path))


def test_a_link_to_a_zip_is_followed_and_shown(engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "real.zip").write_bytes(zip_of(FILES))
    link = tmp_path / "link.zip"
    link.symlink_to("real.zip")
    measured = measure(engine, task(zip=link)).zip
    assert measured is not None
    assert measured.h1 == h1(FILES)
    assert measured.stat is not None
    assert stat.S_ISLNK(measured.stat.mode)


def test_stat(engine: Engine, tmp_path: Path) -> None:
    path = tmp_path / "v1.0.0.zip"
    path.write_bytes(zip_of(FILES))
    os.utime(path, ns=(1, 1_700_000_000_123_456_789))
    measured = measure(engine, task(zip=path)).zip
    assert measured is not None
    found = path.stat()
    assert measured.stat == (found.st_size, found.st_mtime_ns, found.st_uid, found.st_mode)


def test_crc_is_that_of_the_content() -> None:
    """What the entries above rely on."""
    assert zlib.crc32(b"123456789") == 0xCBF43926
