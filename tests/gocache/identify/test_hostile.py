"""Outputs that strangers wrote: whatever the bytes, an answer, and soon."""

from __future__ import annotations

import contextlib
import json
import struct
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fastverify.gocache.buildid import BuildId, content_id, read_build_id
from fastverify.gocache.content import Content, MalformedError
from fastverify.gocache.identify import covermeta, goarchive, moduleindex, vetfacts, vetreport
from fastverify.gocache.identify.kinds import identify, kind_of
from fastverify.gocache.identify.origin import Origin, origin_of
from fastverify.gocache.identify.texts import read_source_list, read_test_output
from tests.gocache.making import World


@pytest.fixture(scope="module")
def samples(rich: World) -> list[bytes]:
    """A few real outputs of each kind, the shortest."""
    by_kind: dict[str, list[bytes]] = {}
    for path in sorted(rich.cache.glob("??/*-d"), key=lambda path: path.stat().st_size):
        if path.is_dir() or path.stat().st_size > 200_000:
            continue
        data = path.read_bytes()
        kind = kind_of(Content.of(data), data[: 64 << 10])
        found = by_kind.setdefault(kind, [])
        if data and len(found) < 3:
            found.append(data)
    assert len(by_kind) > 8
    return [data for found in by_kind.values() for data in found]


@pytest.mark.go
@given(st.data())
@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
def test_damaged_outputs(samples: list[bytes], data: st.DataObject) -> None:
    damaged = bytearray(data.draw(st.sampled_from(samples)))
    for _ in range(data.draw(st.integers(0, 6))):
        at = data.draw(st.one_of(st.integers(0, 400), st.integers(0, len(damaged) - 1)))
        if at < len(damaged):
            damaged[at] = data.draw(st.one_of(st.sampled_from(b"\0\1\x7f\x80\xff09"), st.integers(0, 255)))
    end = data.draw(st.one_of(st.just(len(damaged)), st.integers(0, len(damaged))))
    identity = identify(Content.of(bytes(damaged[:end])))
    json.dumps(identity.details)


@pytest.fixture(scope="module")
def programs(executables: list[Path]) -> list[bytes]:
    """One of each form."""
    return [path.read_bytes() for path in executables]


@pytest.mark.go
@given(st.data())
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_damaged_programs(programs: list[bytes], data: st.DataObject) -> None:
    """Mostly in the headers, where the counts and offsets are."""
    damaged = bytearray(data.draw(st.sampled_from(programs)))
    numbers = st.sampled_from([0, 1, 0x7F, 0xFFFF, 0xFFFFFFFF, 0x7FFFFFFFFFFFFFFF, 0xFFFFFFFFFFFFFFFF])
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.one_of(st.integers(0, 120), st.integers(0, 4096), st.integers(0, len(damaged) - 9)))
        number = data.draw(st.one_of(numbers, st.integers(0, 2**64 - 1)))
        width = data.draw(st.sampled_from([1, 2, 4, 8]))
        damaged[at : at + width] = number.to_bytes(8, "little")[:width]
    end = data.draw(st.one_of(st.just(len(damaged)), st.integers(0, len(damaged))))
    content = Content.of(bytes(damaged[:end]))
    identify(content)
    with contextlib.suppress(MalformedError):
        found = read_build_id(content)
        content_id(content, found or BuildId("x/y"))


@pytest.mark.go
def test_each_form_of_a_program_is_among_them(programs: list[bytes]) -> None:
    assert {identify(Content.of(program)).details["form"] for program in programs} == {
        "ELF",
        "PE",
        "Mach-O",
        "wasm",
    }


def _ends_of_members(archive: bytes) -> set[int]:
    """Where an archive may end: behind each member, with the byte that evens the next place or without."""
    at, ends = 8, set()
    while at < len(archive):
        at += 60 + int(archive[at + 48 : at + 58])
        ends |= {at, at + at % 2}
        at += at % 2
    return ends


@pytest.mark.go
def test_every_truncated_archive_is_told(samples: list[bytes]) -> None:
    archive = next(data for data in samples if data.startswith(b"!<arch>\n"))
    assert identify(Content.of(archive)).flaw == ""
    ends = _ends_of_members(archive)
    for end in {*range(8, len(archive), max(len(archive) // 300, 1)), *ends}:
        # What is cut behind a member is an archive, too, of fewer.
        assert bool(identify(Content.of(archive[:end])).flaw) == (end not in ends), end


@given(st.binary(max_size=300))
def test_any_bytes(data: bytes) -> None:
    identify(Content.of(data))


_BEGINNINGS = st.sampled_from(
    [
        b"!<arch>\n",
        moduleindex.MAGIC,
        vetfacts.MAGIC,
        covermeta.MAGIC,
        b"\x7fELF\x02\x01",
        b"MZ",
        b"\xcf\xfa\xed\xfe",
        b"{\n",
        b"# test log\n",
        b"mode: set\n",
    ]
)


@given(_BEGINNINGS, st.binary(max_size=300))
def test_any_bytes_behind_a_beginning(beginning: bytes, rest: bytes) -> None:
    identify(Content.of(beginning + rest))


def _index(packages: int, strings_at: int, body: bytes = b"") -> bytes:
    return moduleindex.MAGIC + struct.pack("<II", strings_at, packages) + body + b"\0\xff"


def _cover(length: int, entries: int) -> bytes:
    return covermeta.MAGIC + struct.pack("<IQQ", 1, length, entries) + bytes(32)


def _member(name: bytes, size: int, body: bytes = b"") -> bytes:
    return name.ljust(48) + str(size).encode().ljust(10) + b"`\n" + body


def _export(body: bytes) -> bytes:
    text = b'go object linux amd64 go1.26 X:none\nbuild id "a/b"\n\n\n$$B\nu' + body + b"\n$$\n"
    return b"!<arch>\n" + _member(b"__.PKGDEF", len(text), text)


def _shared_files(packages: int, files: int) -> bytes:
    """An index in which all packages have the same files."""
    at = 20 + 8 * packages
    file_at = at + 12 + 4 * files
    strings_at = file_at + 20
    return b"".join(
        [
            moduleindex.MAGIC,
            struct.pack("<II", strings_at, packages),
            struct.pack("<II", 0, at) * packages,
            struct.pack("<III", 0, 0, files),
            struct.pack("<I", file_at) * files,
            bytes(20),
            b"\0\xff",
        ]
    )


def _long_name(files: int) -> bytes:
    """An index in which all files have the same name, of 500,000 bytes."""
    data = _shared_files(1, files)
    # There is room for so many files.
    return data[:-2] + b"\xa0\xc2\x1e" + b"n" * 500_000 + b"\0\xff"


def _index_of(data: bytes, room: int) -> bytes:
    """The same with `room` bytes before the strings."""
    strings_at = struct.unpack_from("<I", data, 12)[0]
    return b"".join(
        [data[:12], struct.pack("<I", strings_at + room), data[16:strings_at], bytes(room), data[strings_at:]]
    )


def _same_package(packages: int) -> bytes:
    """Coverage of packages that are all the same one."""
    head = covermeta.MAGIC + struct.pack("<IQQ", 1, 0, packages) + bytes(32)
    at = 56 + 16 * packages
    body = bytes(44) + b"\x80\x80\x04" + bytes(1 << 16)
    whole = bytearray(head + struct.pack("<Q", at) * packages + bytes(8 * packages) + body)
    struct.pack_into("<Q", whole, 8, len(whole))
    return bytes(whole)


def _same_name(imports: int) -> bytes:
    """A linker's object that names the same package again and again."""
    name = b"p" * 60_000
    fixed = 20 + 4 * 19
    names_at = fixed
    blocks_at = names_at + len(name)
    ends = blocks_at + 16 * imports
    offsets = struct.pack("<19I", blocks_at, *[ends] * 18)
    blocks = struct.pack("<II8x", len(name), names_at) * imports
    object_ = b"\0go120ld" + bytes(8) + struct.pack("<I", 0) + offsets + name + blocks
    head = b'go object linux amd64 go1.26 X:none\nbuild id "a/b"\n\n'
    text = head + b"\n!\n" + object_
    export = struct.pack("<12I", 2, 0, 1, 2, 2, *[3] * 7) + struct.pack("<III", 0, 4, 9)
    # One empty string; the root, which names the package; and that, which has the string twice.
    export += b"\1\3\0\0" + b"\1\0\0\0\0" + bytes(8)
    first = head + b"\n$$B\nu" + export + b"\n$$\n"
    archive = b"!<arch>\n" + _member(b"__.PKGDEF", len(first), first)
    archive += b"\n" * (len(archive) & 1)
    return archive + _member(b"_go_.o", len(text), text)


def _segments(count: int, size: int) -> bytes:
    """A program of `count` note segments that are all the same `size` bytes."""
    head = bytearray(64)
    head[:6] = b"\x7fELF\2\1"
    struct.pack_into("<Q", head, 32, 64)
    struct.pack_into("<HH", head, 54, 56, count)
    segment = struct.pack("<IIQQQQQQ", 4, 0, 64, 0, 0, size, size, 0)
    return bytes(head) + segment * count + bytes(size)


def _empty_facts(size: int, count: int = 100_000) -> bytes:
    """Facts of one byte each."""
    value = b"\xff\x82\0" + b"\xfc" + count.to_bytes(4, "big") + bytes(size)
    return vetfacts.MAGIC + b"\xfc" + len(value).to_bytes(4, "big") + value


ABSURD: list[tuple[str, Callable[[Content], object], bytes]] = [
    ("index: packages", moduleindex.read_index, _index(0xFFFFFFFF, 20)),
    ("index: strings outside", moduleindex.read_index, _index(0, 0xFFFFFFFF)),
    ("index: offset outside", moduleindex.read_index, _index(1, 28, struct.pack("<II", 0, 0xFFFFFFF0))),
    ("index: shared files", moduleindex.read_index, _shared_files(200_000, 200_000)),
    ("index: shared name", moduleindex.read_index, _index_of(_long_name(20_000), 1_000_000)),
    ("cover: shared packages", covermeta.read_cover_meta, _same_package(100_000)),
    ("object: shared name", goarchive.read_archive, _same_name(500_000)),
    ("program: segments", read_build_id, _segments(60_000, 1 << 20)),
    ("program: notes", read_build_id, _segments(1000, 1 << 20)),
    ("facts: nothing", vetfacts.read_facts, _empty_facts(1_000_000)),
    ("facts: many", vetfacts.read_facts, _empty_facts(8_000_000, 8_000_000)),
    ("cover: packages", covermeta.read_cover_meta, _cover(60, 1 << 60)),
    ("cover: length", covermeta.read_cover_meta, _cover(1 << 60, 0)),
    ("archive: size", goarchive.read_archive, b"!<arch>\n" + _member(b"__.PKGDEF", 9_999_999_999)),
    ("archive: no size", goarchive.read_archive, b"!<arch>\n" + b" " * 58 + b"`\n"),
    ("export: elements", goarchive.read_archive, _export(struct.pack("<12I", 2, 0, *[0xFFFFFFFF] * 10))),
    ("export: sections", goarchive.read_archive, _export(struct.pack("<12I", 2, 0, *range(10, 0, -1)))),
    ("export: version", goarchive.read_archive, _export(struct.pack("<12I", 99, *[0] * 11))),
    ("facts: message", vetfacts.read_facts, vetfacts.MAGIC + b"\xf8" + b"\xff" * 8),
    ("facts: count", vetfacts.read_facts, vetfacts.MAGIC + b"\x08\xff\x82\x00\xfc\x7f\xff\xff\xff"),
    ("report: depth", vetreport.read_report, b'{"a":' * 100_000),
    ("report: lists", vetreport.read_report, b"[" * 1_000_000),
    ("report: number", vetreport.read_report, b'{"a":' + b"9" * 5_000 + b"}"),
    ("report: other JSON", vetreport.read_report, b'{"a":{"b":[{"posn":1}]}}'),
]


@pytest.mark.parametrize(("read", "data"), [case[1:] for case in ABSURD], ids=[case[0] for case in ABSURD])
def test_absurd_counts(read: Callable[[Content], object], data: bytes) -> None:
    began = time.monotonic()
    with pytest.raises(MalformedError):
        read(Content.of(data))
    assert time.monotonic() - began < 5


def test_what_the_bombs_hold() -> None:
    """They are refused for their size alone: a few of the same are read."""
    assert len(moduleindex.read_index(Content.of(_index_of(_shared_files(2, 3), 1000)))) == 2
    with pytest.raises(MalformedError, match="share"):
        moduleindex.read_index(Content.of(_shared_files(200, 200)))
    with pytest.raises(MalformedError, match="more often"):
        moduleindex.read_index(Content.of(_index_of(_long_name(20_000), 1_000_000)))
    archive = goarchive.read_archive(Content.of(_same_name(1)))
    assert archive.linker_object is not None
    assert [len(name) for name, _ in archive.linker_object.imports] == [60_000]
    with pytest.raises(MalformedError, match="more often"):
        goarchive.read_archive(Content.of(_same_name(500)))
    assert read_build_id(Content.of(_segments(3, 1000))) is None


def test_many_identifiers_of_a_program() -> None:
    """Only the first UUID counts as zero, as for go."""
    command = struct.pack("<II", 0x1B, 24) + b"u" * 16
    commands = command * 40_000
    data = b"\xcf\xfa\xed\xfe" + struct.pack("<IIIIII", 0, 0, 0, 40_000, len(commands), 0) + bytes(4)
    began = time.monotonic()
    first = content_id(Content.of(data + commands + bytes(8 << 20)), BuildId("x" * 41))
    assert time.monotonic() - began < 5
    changed = data + command[:8] + b"v" * 16 + commands[24:] + bytes(8 << 20)
    assert content_id(Content.of(changed), BuildId("x" * 41)) == first


def test_a_huge_sparse_output(tmp_path: Path) -> None:
    """Nothing of it is read but its beginning."""
    path = tmp_path / "x"
    for beginning in (
        b"!<arch>\n",
        moduleindex.MAGIC,
        vetfacts.MAGIC,
        covermeta.MAGIC,
        b"{\n",
        b"mode: set\n",
    ):
        with path.open("wb") as file:
            file.write(beginning)
            file.truncate(100 << 30)
        began = time.monotonic()
        with path.open("rb") as file:
            assert identify(Content.of_file(file)).flaw
        assert time.monotonic() - began < 5


def test_text_that_begins_as_something_else() -> None:
    """A test may print anything; its last line says what it is."""
    for start in (b"{\n", b"package x\n", b"# x\n", b"main.go\n"):
        data = start + b"ok  \texample.com/p\t0.003s\n"
        assert identify(Content.of(data)).kind == "test-output"
    output = read_test_output(Content.of(b"x\nok  \texample.com/p\t0.003s\tcoverage: 50.0% of statements\n"))
    assert output is not None
    assert (output.package, output.took, output.remark, output.lines) == (
        "example.com/p",
        "0.003s",
        "coverage: 50.0% of statements",
        1,
    )
    for failed in (b"FAIL\texample.com/p\t0.1s\n", b"ok  \texample.com/p\n", b"ok  \ta\t0.1s"):
        assert read_test_output(Content.of(failed)) is None


def test_lists_of_source_files() -> None:
    assert read_source_list(Content.of(b"./a.go\n_cgo_gotypes.go\nx.cgo1.go\n")) == (
        "./a.go",
        "_cgo_gotypes.go",
        "x.cgo1.go",
    )
    for other in (b"", b"./a.go", b"../a.go\n", b"/etc/a.go\n", b"a b\n", b"a.go\n\n"):
        assert read_source_list(Content.of(other)) is None


def test_long_text_takes_no_long_time() -> None:
    began = time.monotonic()
    for piece in (
        b"/* */",
        b"//\n",
        b"/*",
        b"package ",
        b"a.go\n",
        b"ok  \t",
        b"mode: set\n",
        b"# x\n",
        b"\0a",
    ):
        identify(Content.of(piece * (2_000_000 // len(piece))))
    assert time.monotonic() - began < 20


def test_paths_of_older_compilers() -> None:
    # As go1.21 writes them.
    assert goarchive.source_path("gofile../src/app/main.go") == "/src/app/main.go"
    assert goarchive.source_path("gofile..$GOROOT/src/fmt/print.go") == "$GOROOT/src/fmt/print.go"
    assert goarchive.source_path("/src/app/main.go") == "/src/app/main.go"


@pytest.mark.parametrize(
    ("sources", "package", "expected"),
    [
        (
            ["/home/u/go/pkg/mod/golang.org/x/text@v0.14.0/language/tags.go"],
            "golang.org/x/text/language",
            Origin("golang.org/x/text", "v0.14.0", "golang.org/x/text/language", "*"),
        ),
        (
            ["/m/github.com/!burnt!sushi/toml@v1.3.2/parse.go"],
            "github.com/BurntSushi/toml",
            Origin("github.com/BurntSushi/toml", "v1.3.2", "github.com/BurntSushi/toml", "*"),
        ),
        (
            ["github.com/BurntSushi/toml@v1.3.2/cmd/tomlv/main.go"],
            "",
            Origin("github.com/BurntSushi/toml", "v1.3.2", "github.com/BurntSushi/toml/cmd/tomlv", "*"),
        ),
        (
            ["<autogenerated>", "$GOROOT/src/fmt/print.go", "/src/app/main.go"],
            "",
            Origin(folder="/src/app"),
        ),
        # What is inlined comes from elsewhere.
        (
            ["/src/app/p/p.go", "/m/golang.org/x/text@v0.14.0/language/tags.go"],
            "example.com/app/p",
            Origin("", "", "example.com/app/p", "/src/app/p"),
        ),
        (
            ["C:/Users/u/go/pkg/mod/rsc.io/quote/v3@v3.1.0/quote.go"],
            "rsc.io/quote/v3",
            Origin("rsc.io/quote/v3", "v3.1.0", "rsc.io/quote/v3", "*"),
        ),
        (["/a/b@c/d.go"], "x", Origin("", "", "x", "/a/b@c")),
    ],
)
def test_where_source_lay(sources: list[str], package: str, expected: Origin) -> None:
    found = origin_of(sources, package)
    assert (found.module, found.version, found.package) == (
        expected.module,
        expected.version,
        expected.package,
    )
    if expected.folder != "*":
        assert found.folder == expected.folder
