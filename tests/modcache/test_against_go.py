"""Both engines against golang.org/x/mod: what it hashes they hash alike, what it refuses they refuse."""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from fastverify.engine.protocol import (
    MAX_GO_MOD_BYTES,
    MAX_LISTED,
    Engine,
    FaultCode,
    MeasurementError,
    ModuleTask,
    TreeMeasurement,
    ViolationCode,
    ZipMeasurement,
)
from tests.making.go import Oracle, OracleError
from tests.making.hostile import ELEMENTS, MODULE, PREFIX, VERSION, archives, contents, names, zip_bytes
from tests.making.zips import BZIP2, DEFLATED, FLAG_DESCRIPTOR, FLAG_ENCRYPTED, STORED, Archive, Entry, zip_of

pytestmark = pytest.mark.go

#: Go's errors by the class that fastverify puts them in.
ZIP_FAULTS: dict[str, FaultCode] = {
    "zip: not a valid zip file": "zip-format",
    "zip: unsupported compression algorithm": "zip-algorithm",
    "zip: checksum error": "zip-checksum",
    "unexpected EOF": "zip-eof",
    "EOF": "zip-eof",
    "readat: negative offset": "zip-format",
    "flate: corrupt input": "zip-corrupt",
    "dirhash: filenames with newlines are not supported": "name-newline",
}
RULES: dict[str, ViolationCode] = {
    "path does not have prefix": "prefix",
    "case-insensitive file name collision": "collision",
    "is both a file and a directory": "file-and-directory",
    "multiple entries for file": "duplicate",
    "go.mod file not in module root": "go-mod-place",
    "go.mod files must have lowercase names": "go-mod-place",
    "go.mod file too large": "go-mod-size",
    "LICENSE file too large": "license-size",
    "file path is not clean": "path",
    "malformed file path": "path",
}
many = settings(
    max_examples=400,
    deadline=None,
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
    ],
)


def class_of(error: str) -> FaultCode:
    """The class that one of Go's zip errors belongs to."""
    found = [code for text, code in ZIP_FAULTS.items() if error == text or error.startswith(text + " ")]
    assert found, f"an error of Go's that no class is known for: {error}"
    return found[0]


def rule_of(error: str) -> ViolationCode:
    """The rule that one of Go's errors about an entry is of."""
    found = [code for text, code in RULES.items() if text in error]
    assert found, f"a rule of Go's that no class is known for: {error}"
    return found[0]


@contextmanager
def on_disk(content: bytes) -> Iterator[Path]:
    """A zip on disk for a while, with an empty folder beside it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "v.zip")
        path.write_bytes(content)
        yield path


#: One class here: where a deflate stream is nonsense *and* cut off, decoders differ in which of the
#: two they meet first.  (The engines do not differ between each other.)
_BROKEN_STREAM = frozenset({"zip-eof", "zip-corrupt"})


def told_apart(answer: str) -> str:
    """An h1 or a class of error, as far as Go's and ours must be the same."""
    return "broken stream" if answer in _BROKEN_STREAM else answer


def go_hash_zip(oracle: Oracle, path: Path) -> str:
    """The h1 that Go gives, or the class of its error."""
    try:
        return oracle.value("hash_zip", Path=path)
    except OracleError as error:
        return told_apart(class_of(str(error)))


def our_hash_zip(engine: Engine, path: Path, threads: int = 2) -> str:
    """The h1 that an engine gives, or the class of its error."""
    try:
        return engine.hash_zip(str(path), threads=threads)
    except MeasurementError as error:
        return told_apart(error.fault.code) if error.path == str(path) else f"the error names {error.path}"


def measured(
    engine: Engine, *, zip_path: Path | None = None, tree: Path | None = None, prefix: bytes = PREFIX
) -> tuple[ZipMeasurement | None, TreeMeasurement | None]:
    """What `measure` says of one zip and one tree."""
    task = ModuleTask(
        key=7,
        prefix=prefix,
        zip=None if zip_path is None else str(zip_path),
        tree=None if tree is None else str(tree),
        mod=None,
        info=None,
        ziphash=None,
        toolchain=False,
        weight=1,
    )
    (result,) = engine.measure([task], threads=2)
    assert result.key == 7
    return result.zip, result.tree


def zip_measurement(engine: Engine, path: Path) -> ZipMeasurement:
    found, _ = measured(engine, zip_path=path)
    assert found is not None
    return found


class TestZips:
    @many
    @given(content=zip_bytes())
    @example(b"")
    @example(b"PK\x05\x06" + b"\0" * 18)
    def test_hash_of_any_zip(self, engine: Engine, oracle: Oracle, content: bytes) -> None:
        with on_disk(content) as path:
            expected = go_hash_zip(oracle, path)
            assert our_hash_zip(engine, path) == expected
            found = zip_measurement(engine, path)
            if found.fault is None or found.fault.code != "zip-too-large":
                assert (found.h1 or (found.fault and told_apart(found.fault.code))) == expected

    @many
    @given(archive=archives())
    def test_rules_of_extraction(self, engine: Engine, oracle: Oracle, archive: Archive) -> None:
        with on_disk(archive.to_bytes()) as path:
            self.hold_rules(engine, oracle, path)

    @many
    @given(entry_names=st.lists(names(), min_size=1, max_size=12))
    def test_rules_of_names(self, engine: Engine, oracle: Oracle, entry_names: list[bytes]) -> None:
        with on_disk(zip_of([(name, b"") for name in entry_names])) as path:
            self.hold_rules(engine, oracle, path)

    @many
    @given(texts=st.lists(st.text(min_size=1, max_size=3), min_size=1, max_size=40))
    def test_rules_of_any_characters(self, engine: Engine, oracle: Oracle, texts: list[str]) -> None:
        encoded = [PREFIX + text.encode("utf-8", "surrogatepass") for text in texts]
        with on_disk(zip_of([(name, b"") for name in encoded])) as path:
            self.hold_rules(engine, oracle, path)

    @pytest.mark.parametrize("plane", range(17))
    def test_every_character(self, engine: Engine, oracle: Oracle, tmp_path: Path, plane: int) -> None:
        """Each code point alone and doubled with its folds, a plane at a time, 1,000 names to a zip."""
        points = [point for point in range(plane << 16, (plane + 1) << 16) if not 0xD800 <= point <= 0xDFFF]
        letters = [point for point in points if chr(point).isalnum()] if plane > 2 else points
        path = tmp_path / "v.zip"
        step = 1000
        for start in range(0, len(letters), step):
            part = letters[start : start + step]
            path.write_bytes(zip_of([(PREFIX + b"%x" % point + chr(point).encode(), b"") for point in part]))
            self.hold_rules(engine, oracle, path, extract=False)

    def test_every_case_fold(self, engine: Engine, oracle: Oracle, tmp_path: Path) -> None:
        """Characters that Python or Go hold equal but for case, all in one zip: which collide?"""
        related = {
            other
            for point in range(0x110000)
            if chr(point).isalpha()
            for other in {chr(point), chr(point).lower(), chr(point).upper(), chr(point).casefold()}
            if len({chr(point).lower(), chr(point).upper(), chr(point).casefold(), chr(point)}) > 1
        }
        listed = sorted(related)
        path = tmp_path / "v.zip"
        for start in range(256):
            # Folds lie near each other or far apart: group by what Python folds to.
            part = [text for text in listed if sum(text.casefold().encode()) % 256 == start]
            path.write_bytes(zip_of([(PREFIX + text.encode(), b"") for text in part]))
            self.hold_rules(engine, oracle, path, extract=False)

    @staticmethod
    def hold_rules(engine: Engine, oracle: Oracle, path: Path, *, extract: bool = True) -> None:
        """Go's CheckZip and Unzip, and the engine, must agree on `path`."""
        found = zip_measurement(engine, path)
        expected = oracle.check_zip(path, MODULE, VERSION)
        broken, whole = expected
        code = found.fault.code if found.fault is not None else None
        if "too large" in whole:
            assert code == "zip-too-large"
        elif whole:
            # No directory can be read.
            assert (code, found.violations) == (class_of(whole), ())
        if code == "zip-too-large":
            # Go counts the sizes of what it would extract, so it may have refused for a name before.
            assert whole or broken
        if "zip file is too large" not in whole:
            assert [(v.name, v.code) for v in found.violations] == [
                (name, rule_of(rule)) for name, rule in broken[:MAX_LISTED]
            ]
        if not extract:
            return
        target = path.parent / "tree"
        refused = oracle.error("unzip", Path=path, Target=target, Module=MODULE, Version=VERSION)
        try:
            if refused:
                # Names that only this machine's file system does not take are none of Go's rules.
                assert found.fault or found.violations or "file name too long" in refused, refused
            else:
                assert not found.violations
                if found.fault is None:
                    tree = (
                        oracle.value("hash_dir", Path=target, Name=PREFIX[:-1]) if target.exists() else None
                    )
                    assert tree in {found.files_h1, None}
                    mod = target / "go.mod"
                    assert found.has_go_mod == mod.is_file()
                    expected_mod = oracle.value("hash_go_mod", Path=mod) if mod.is_file() else None
                    assert found.go_mod_h1 == expected_mod
        finally:
            shutil.rmtree(target, ignore_errors=True)

    @pytest.mark.parametrize("name", ELEMENTS, ids=ascii)
    def test_each_class_of_names(self, engine: Engine, oracle: Oracle, tmp_path: Path, name: str) -> None:
        path = tmp_path / "v.zip"
        raw = name.encode("utf-8", "surrogatepass")
        for place in (raw, b"dir/" + raw, raw + b"/below", raw + b"/", raw + b".go"):
            path.write_bytes(zip_of([(PREFIX + place, b"x")]))
            self.hold_rules(engine, oracle, path)


#: Zips that Go hashes in spite of their looks, and zips that it refuses in spite of theirs.  What Go
#: says of each is asked of Go; the number says only whether it has an h1.
_FILE = Entry(PREFIX + b"a.go", b"package a\n" * 50)
_DESCRIBED = Entry(PREFIX + b"a.go", b"package a\n" * 50, flags=FLAG_DESCRIPTOR, descriptor="signed")
PARTICULAR: dict[str, tuple[Archive, bool]] = {
    "no entries": (Archive(), True),
    "comment": (Archive([_FILE], comment=b"a comment"), True),
    "comment with a signature that fits": (Archive([_FILE], comment=b"PK\x05\x06" + b"\0" * 18), True),
    "comment with a signature that does not fit": (
        Archive([_FILE], comment=b"PK\x05\x06\x01" + b"\xff" * 18),
        False,
    ),
    "comment longer than the file": (Archive([_FILE], comment_length=9), False),
    "longest comment": (Archive([_FILE], comment=b"c" * 65_535), True),
    "leading bytes": (Archive([_FILE], before=b"#!/bin/sh\n"), True),
    "leading bytes that offsets count": (
        Archive([_FILE], before=b"#!/bin/sh\n", offsets_count_before=True),
        True,
    ),
    "trailing bytes": (Archive([_FILE], after=b"x"), True),
    "60 KiB trailing": (Archive([_FILE], after=b"\0" * (60 << 10)), True),
    "70 KiB trailing": (Archive([_FILE], after=b"\0" * (70 << 10)), False),
    "zip64 end record": (Archive([_FILE], zip64=True), True),
    "zip64 end record and leading bytes": (Archive([_FILE], zip64=True, before=b"junk"), False),
    "zip64 entry": (Archive([Entry(PREFIX + b"a", b"x", zip64=True)]), True),
    "sixteen bits of a directory size": (Archive([_FILE], directory_size=0xFFFF), False),
    "count of one too many": (Archive([_FILE], count=2), False),
    "count of one too few": (Archive([_FILE, Entry(PREFIX + b"b")], count=1), False),
    "count modulo 65,536": (Archive([_FILE], count=0x10001), True),
    "size of directory too small": (Archive([_FILE], directory_size=1), True),
    "duplicate names": (Archive([_FILE, Entry(_FILE.name, b"last")]), True),
    "directory entry": (Archive([_FILE, Entry(PREFIX + b"dir/", method=STORED)]), True),
    "directory entry with content": (Archive([_FILE, Entry(PREFIX + b"dir/", b"x")]), False),
    "symlink by its mode": (Archive([Entry(PREFIX + b"a", b"/etc/passwd", external=0o120777 << 16)]), True),
    "name with a newline": (Archive([Entry(PREFIX + b"a\nb")]), False),
    "name with NUL": (Archive([Entry(PREFIX + b"a\0b", b"x")]), True),
    "name that is not UTF-8": (Archive([Entry(PREFIX + b"\xff\xfe", b"x")]), True),
    "name with a backslash": (Archive([Entry(PREFIX + b"a\\b", b"x")]), True),
    "empty name": (Archive([Entry(b"", b"x")]), True),
    "absolute name": (Archive([Entry(b"/etc/passwd", b"x")]), True),
    "name that climbs": (Archive([Entry(PREFIX + b"../../x", b"x")]), True),
    "encryption flag": (Archive([Entry(_FILE.name, b"x", flags=FLAG_ENCRYPTED)]), True),
    "bzip2": (Archive([Entry(_FILE.name, b"x", method=BZIP2)]), False),
    "wrong local name": (Archive([Entry(_FILE.name, b"x", local_name=b"other")]), True),
    "wrong local method": (Archive([Entry(_FILE.name, b"x", local_method=BZIP2)]), True),
    "wrong local crc": (Archive([Entry(_FILE.name, b"x", local_crc=1)]), True),
    "wrong local signature": (Archive([Entry(_FILE.name, b"x", local_signature=b"PK\x03\x05")]), False),
    "local extra": (Archive([Entry(_FILE.name, b"x", local_extra=b"e" * 500)]), True),
    "shared data": (Archive([_FILE, Entry(PREFIX + b"b.go", shares=0)]), True),
    "bad crc": (Archive([Entry(_FILE.name, b"x", crc=1)]), False),
    "crc of zero": (Archive([Entry(_FILE.name, b"x", crc=0)]), True),
    "crc of zero with a descriptor": (
        Archive([Entry(_FILE.name, b"x", crc=0, flags=FLAG_DESCRIPTOR, descriptor="signed")]),
        False,
    ),
    "descriptor with its signature": (Archive([_DESCRIBED]), True),
    "descriptor without": (
        Archive([Entry(_FILE.name, b"x", flags=FLAG_DESCRIPTOR, descriptor="bare")]),
        True,
    ),
    "descriptor that is not there": (Archive([Entry(_FILE.name, b"x", flags=FLAG_DESCRIPTOR)]), False),
    "descriptor with another crc": (
        Archive([Entry(_FILE.name, b"x", flags=FLAG_DESCRIPTOR, descriptor="signed", descriptor_crc=1)]),
        False,
    ),
    "size too small": (Archive([Entry(_FILE.name, b"xyz", size=2)]), False),
    "size too large": (Archive([Entry(_FILE.name, b"xyz", size=4)]), False),
    "a terabyte declared": (Archive([Entry(_FILE.name, b"xyz", size=1 << 40, zip64=True)]), False),
    "stored, body cut": (Archive([Entry(_FILE.name, b"xyz", STORED, compressed_size=2)]), False),
    "deflate, body cut": (Archive([Entry(_FILE.name, b"xyz" * 99, compressed_size=4)]), False),
    "deflate, bytes after its end": (
        Archive([Entry(_FILE.name, b"x", body=b"\x4b\x04\x00" + b"junk")]),
        False,
    ),
    "deflate, garbage": (Archive([Entry(_FILE.name, b"xyz", body=b"\xff" * 20)]), False),
    "offset past the end": (Archive([Entry(_FILE.name, b"x", offset_shift=1 << 20)]), False),
    "negative offset": (Archive([Entry(_FILE.name, b"x", offset_shift=-(1 << 20), zip64=True)]), False),
    "extra field cut off": (Archive([Entry(_FILE.name, b"x", extra=b"\x01\x00\xff\xff")]), True),
}


class TestParticularZips:
    @pytest.mark.parametrize("name", PARTICULAR)
    def test_hash(self, engine: Engine, oracle: Oracle, tmp_path: Path, name: str) -> None:
        archive, accepted = PARTICULAR[name]
        path = tmp_path / "v.zip"
        path.write_bytes(archive.to_bytes())
        expected = go_hash_zip(oracle, path)
        assert expected.startswith("h1:") == accepted, f"the case is not what its name says: {expected}"
        assert our_hash_zip(engine, path) == expected

    @pytest.mark.parametrize("name", PARTICULAR)
    def test_rules(self, engine: Engine, oracle: Oracle, tmp_path: Path, name: str) -> None:
        path = tmp_path / "v.zip"
        path.write_bytes(PARTICULAR[name][0].to_bytes())
        TestZips.hold_rules(engine, oracle, path)

    def test_every_cut(self, engine: Engine, oracle: Oracle, tmp_path: Path) -> None:
        """A small zip, cut off after each of its bytes."""
        whole = Archive(
            [Entry(PREFIX + b"a", b"abc"), Entry(PREFIX + b"b", flags=FLAG_DESCRIPTOR, descriptor="signed")]
        )
        content = whole.to_bytes()
        path = tmp_path / "v.zip"
        for length in range(len(content)):
            path.write_bytes(content[:length])
            assert our_hash_zip(engine, path) == go_hash_zip(oracle, path), length

    def test_every_bit(self, engine: Engine, oracle: Oracle, tmp_path: Path) -> None:
        """A small zip with each of its bits turned."""
        content = Archive([Entry(PREFIX + b"a", b"abc"), Entry(PREFIX + b"b", b"bcd", STORED)]).to_bytes()
        path = tmp_path / "v.zip"
        for bit in range(len(content) * 8):
            changed = bytearray(content)
            changed[bit // 8] ^= 1 << bit % 8
            path.write_bytes(changed)
            assert our_hash_zip(engine, path) == go_hash_zip(oracle, path), f"byte {bit // 8}, bit {bit % 8}"

    @pytest.mark.parametrize("method", [STORED, DEFLATED])
    @pytest.mark.parametrize("content", [b"", b"x"])
    @pytest.mark.parametrize("compressed", [1 << 63, (1 << 63) + 3, (1 << 64) - 1, 1 << 62])
    def test_compressed_sizes_beyond_all(
        self,
        engine: Engine,
        oracle: Oracle,
        tmp_path: Path,
        method: int,
        content: bytes,
        compressed: int,
    ) -> None:
        """Go takes such a size for a negative one, and that for no limit."""
        entry = Entry(PREFIX + b"a", content, method, zip64=True, compressed_size=compressed)
        path = tmp_path / "v.zip"
        path.write_bytes(Archive([entry]).to_bytes())
        assert our_hash_zip(engine, path) == go_hash_zip(oracle, path)


class TestLimits:
    """Go's limits on sizes, tried with declared sizes and with holes instead of real bytes."""

    @pytest.mark.parametrize("name", ["go.mod", "LICENSE", "license", "sub/LICENSE", "other"])
    @pytest.mark.parametrize("over", [0, 1])
    def test_root_files(self, engine: Engine, oracle: Oracle, tmp_path: Path, name: str, over: int) -> None:
        path = tmp_path / "v.zip"
        path.write_bytes(
            Archive([Entry(PREFIX + name.encode(), b"x", size=MAX_GO_MOD_BYTES + over)]).to_bytes()
        )
        TestZips.hold_rules(engine, oracle, path)

    @pytest.mark.parametrize("over", [0, 1])
    def test_declared_sum(self, engine: Engine, oracle: Oracle, tmp_path: Path, over: int) -> None:
        half = 250 << 20
        path = tmp_path / "v.zip"
        entries = [Entry(PREFIX + b"a", b"x", size=half), Entry(PREFIX + b"b", b"x", size=half + over)]
        path.write_bytes(Archive(entries).to_bytes())
        TestZips.hold_rules(engine, oracle, path)

    @pytest.mark.parametrize("over", [0, 1])
    def test_archive(self, engine: Engine, oracle: Oracle, tmp_path: Path, over: int) -> None:
        """A zip of 500 MiB that is a hole all through, but for its end."""
        content = zip_of([(PREFIX + b"a", b"x")])
        path = tmp_path / "v.zip"
        with path.open("wb") as file:
            file.seek((500 << 20) + over - len(content))
            file.write(content)
        TestZips.hold_rules(engine, oracle, path, extract=False)


#: Names of files and folders in random trees: whatever a file system takes.
_TREE_NAMES = st.one_of(
    st.sampled_from(
        [b"a", b"b", b"c.go", b"go.mod", b"A", b"\xff", b"a b", b"a\\b", b"\x1b[2J", b"-", b"a.", b"..a"]
    ),
    st.sampled_from([b"\n", b"a\nb"]),
    st.binary(min_size=1, max_size=4).filter(lambda raw: raw not in {b".", b".."} and not set(raw) & {0, 47}),
)
_TREE_PATHS = st.lists(_TREE_NAMES, min_size=1, max_size=4).map(b"/".join)


def plant(root: Path, files: dict[bytes, bytes], folders: list[bytes], links: dict[bytes, bytes]) -> None:
    """Make a tree.  What has no place (a file or dangling link is where a folder is due) is left out."""
    root.mkdir()
    base = os.fsencode(root)
    for path in folders:
        with suppress(OSError):
            os.makedirs(os.path.join(base, path), exist_ok=True)
    for path, content in files.items():
        full = os.path.join(base, path)
        with suppress(OSError):
            os.makedirs(os.path.dirname(full), exist_ok=True)
            with open(full, "xb") as file:
                file.write(content)
    for path, target in links.items():
        full = os.path.join(base, path)
        with suppress(OSError):
            os.makedirs(os.path.dirname(full), exist_ok=True)
            os.symlink(target, full)


class TestTrees:
    @many
    @given(
        files=st.dictionaries(_TREE_PATHS, contents(), max_size=8),
        folders=st.lists(_TREE_PATHS, max_size=3),
        links=st.dictionaries(
            _TREE_PATHS, st.sampled_from([b"a", b"b", b"c.go", b"./a", b"nowhere"]), max_size=2
        ),
    )
    def test_hash_of_any_tree(
        self,
        engine: Engine,
        oracle: Oracle,
        files: dict[bytes, bytes],
        folders: list[bytes],
        links: dict[bytes, bytes],
    ) -> None:
        with tempfile.TemporaryDirectory() as made:
            root = Path(made, "tree")
            plant(root, files, folders, links)
            _, found = measured(engine, tree=root)
            assert found is not None
            try:
                ours = engine.hash_dir(str(root), PREFIX[:-1], threads=2)
            except MeasurementError as error:
                ours = error.fault.code
                assert found.fault is not None
                assert found.fault.code == ours
            else:
                assert found.h1 == ours
            answer = oracle.ask("hash_dir", Path=root, Name=PREFIX[:-1])
            if not answer["error"]:
                assert ours == answer["value"]
            elif "newlines" in answer["error"] and not links:
                assert ours == "name-newline"
            else:
                # The operating system's refusal, or a link of which ours has more to say.
                assert not ours.startswith("h1:"), answer["error"]

    @pytest.mark.parametrize("threads", [1, 2, 5])
    def test_many_files(self, engine: Engine, oracle: Oracle, tmp_path: Path, threads: int) -> None:
        root = tmp_path / "tree"
        files = {b"%d/%d/f%d" % (n % 7, n % 31, n): b"%d" % n * (n % 400) for n in range(1500)}
        plant(root, files, [], {})
        assert engine.hash_dir(str(root), b"m@v", threads=threads) == oracle.value(
            "hash_dir", Path=root, Name="m@v"
        )

    @pytest.mark.parametrize("prefix", ["m@v", "a/b@v1.0.0", "gopkg.in/x.v1@v1.0.0-é", "x y"])
    def test_prefixes(self, engine: Engine, oracle: Oracle, tmp_path: Path, prefix: str) -> None:
        root = tmp_path / "tree"
        plant(root, {b"a/b": b"1", b"a.b": b"2", b"a": b"", b"B": b"3"}, [b"empty"], {})
        ours = engine.hash_dir(str(root), prefix.encode(), threads=1)
        assert ours == oracle.value("hash_dir", Path=root, Name=prefix)

    def test_root_that_is_no_directory(self, engine: Engine, oracle: Oracle, tmp_path: Path) -> None:
        plant(tmp_path / "tree", {b"a": b"1"}, [], {})
        (tmp_path / "file").write_bytes(b"x")
        (tmp_path / "link").symlink_to("tree")
        for name, code in (("file", "not-directory"), ("link", "not-directory"), ("absent", "os")):
            assert oracle.error("hash_dir", Path=tmp_path / name, Name="m@v")
            with pytest.raises(MeasurementError) as caught:
                engine.hash_dir(str(tmp_path / name), b"m@v", threads=1)
            assert caught.value.fault.code == code

    @pytest.mark.parametrize(
        "target", ["/etc/passwd", "../outside", "dir/../../outside", "/dev/null", "/dev/zero"]
    )
    def test_links_out_of_the_tree_are_not_followed(
        self, engine: Engine, tmp_path: Path, target: str
    ) -> None:
        """Go follows them, and hangs on some; here they are named and left alone."""
        (tmp_path / "outside").write_bytes(b"secret")
        plant(tmp_path / "tree", {b"dir/a": b"1"}, [], {b"link": target.encode()})
        with pytest.raises(MeasurementError) as caught:
            engine.hash_dir(str(tmp_path / "tree"), b"m@v", threads=1)
        assert (caught.value.fault.code, caught.value.fault.name) == ("link-outside", b"link")

    def test_what_would_block_is_refused(self, engine: Engine, tmp_path: Path) -> None:
        for name in ("fifo", "socket"):
            root = tmp_path / name
            plant(root, {b"a": b"1"}, [], {})
            if name == "fifo":
                os.mkfifo(root / "odd")
            else:
                before = os.getcwd()
                os.chdir(root)  # a socket's path must be short
                try:
                    with socket.socket(socket.AF_UNIX) as made:
                        made.bind("odd")
                finally:
                    os.chdir(before)
            with pytest.raises(MeasurementError) as caught:
                engine.hash_dir(str(root), b"m@v", threads=1)
            assert (caught.value.fault.code, caught.value.fault.name) == ("not-regular", b"odd")
