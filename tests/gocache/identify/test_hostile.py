"""Outputs that strangers wrote: whatever the bytes, an answer, and soon."""

from __future__ import annotations

import json
import struct
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

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


@pytest.mark.go
def test_every_truncated_archive_is_told(samples: list[bytes]) -> None:
    archive = next(data for data in samples if data.startswith(b"!<arch>\n"))
    assert identify(Content.of(archive)).flaw == ""
    for end in range(8, len(archive), max(len(archive) // 300, 1)):
        assert identify(Content.of(archive[:end])).flaw, end


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


ABSURD: list[tuple[str, Callable[[Content], object], bytes]] = [
    ("index: packages", moduleindex.read_index, _index(0xFFFFFFFF, 20)),
    ("index: strings outside", moduleindex.read_index, _index(0, 0xFFFFFFFF)),
    ("index: offset outside", moduleindex.read_index, _index(1, 28, struct.pack("<II", 0, 0xFFFFFFF0))),
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
