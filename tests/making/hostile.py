"""Hypothesis strategies for zips and trees that nobody wrote in good faith."""

from __future__ import annotations

from typing import TypeVar

from hypothesis import strategies as st

from tests.making.zips import (
    BZIP2,
    DEFLATED,
    FLAG_DESCRIPTOR,
    FLAG_ENCRYPTED,
    FLAG_UTF8,
    STORED,
    Archive,
    Entry,
)

T = TypeVar("T")

MODULE = "example.com/Hostile"
VERSION = "v1.2.3"
PREFIX = f"{MODULE}@{VERSION}/".encode()

#: Elements of names that stand on either side of a rule of Go's: case folds, Windows devices,
#: characters allowed and not, and go.mod in the wrong dress.
ELEMENTS = [
    *("a", "A", "b", "dir", "Dir", "x.go", "go.mod", "GO.mod", "LICENSE", "license"),
    *("k", "\u212a", "s", "\u017f", "ß", "ss", "\u1e9e", "i", "I", "\u0130", "\u0131"),
    *("\u03c3", "\u03c2", "\u03a3", "\u01c5", "\u01c4", "é", "e\u0301", "日本", "\u10a0", "\u2d00", "\uab70"),
    *("con", "CON.txt", "aux", "com1", "com0", "lpt9.x", "nul.tar.gz", "conx", "x~1", "x~1.go", "~1", "x~a"),
    *(".", "..", "...", "", "a.", ".a", " ", "a b", "a ", "-", "--x", "\u00a0", "\u200b", "😀", "\ufeff"),
    *("a'b", 'a"b', "a*b", "a<b", "a>b", "a?b", "a`b", "a|b", "a\\b", "a:b", "a;b", "!#$%&()+,-.=@[]^_{}~"),
    *("\x00", "a\x00b", "\n", "\x1b[31m", "\x7f", "n" * 300),
]
RAW_ELEMENTS = [
    *(element.encode() for element in ELEMENTS),
    b"\xff",
    b"\xc3",
    b"\xed\xa0\x80",
    b"\xf4\x90\x80\x80",
]


class Blob(bytes):
    """Bytes too many to be shown with a failing example."""

    def __repr__(self) -> str:
        return f"<{len(self)} bytes that begin with {bytes(self[:4])!r}>"


def rarely(usual: T, otherwise: st.SearchStrategy[T]) -> st.SearchStrategy[T]:
    """Mostly `usual`."""
    return st.integers(0, 11).flatmap(lambda drawn: otherwise if drawn == 11 else st.just(usual))


def names() -> st.SearchStrategy[bytes]:
    """Names for entries of a zip: mostly below the prefix, now and then a directory's."""
    elements = st.lists(st.sampled_from(RAW_ELEMENTS), min_size=1, max_size=3).map(b"/".join)
    plain = st.lists(st.sampled_from([b"a", b"b", b"c", b"go.mod"]), min_size=1, max_size=3).map(b"/".join)
    return st.builds(
        lambda start, middle, end: start + middle + end,
        rarely(PREFIX, st.sampled_from([b"", b"/", PREFIX[:-1], PREFIX.lower(), b"../", PREFIX + b"/"])),
        plain | elements,
        rarely(b"", st.sampled_from([b"/", b"//", b"\n"])),
    )


def contents() -> st.SearchStrategy[bytes]:
    """Contents of files, from none to more than one buffer of any reader."""
    return st.one_of(
        st.binary(max_size=40),
        st.sampled_from([b"", b"module example.com/Hostile\n", Blob(70_000), Blob(bytes(range(256)) * 300)]),
    )


def _either(*strategies: st.SearchStrategy[int | None]) -> st.SearchStrategy[int | None]:
    return rarely(None, st.one_of(*strategies))


def entries() -> st.SearchStrategy[Entry]:
    """One entry, true in most fields and lying in a few."""
    small = st.integers(0, 80)
    any_u32 = st.sampled_from([0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF]) | small
    flags = st.lists(
        st.sampled_from([FLAG_DESCRIPTOR, FLAG_ENCRYPTED, FLAG_UTF8, 1 << 6, 1 << 15]),
        max_size=2,
        unique=True,
    ).map(sum)
    extras = rarely(
        b"",
        st.binary(max_size=12)
        | st.sampled_from(
            [b"\x01\x00\x08\x00" + b"\x05" + b"\0" * 7, b"\x01\x00\x00\x00", b"\x01\x00\xff\xff", b"\x01"]
        ),
    )
    return st.builds(
        Entry,
        name=names(),
        content=contents(),
        method=rarely(DEFLATED, st.sampled_from([STORED, STORED, STORED, BZIP2, 14, 93, 99])),
        flags=rarely(0, flags),
        body=rarely(None, st.binary(max_size=60)),
        crc=_either(any_u32),
        size=_either(any_u32, st.just(70_000), st.just(1 << 40)),
        compressed_size=_either(any_u32),
        descriptor=st.sampled_from(["", "", "", "signed", "bare"]),
        descriptor_crc=_either(any_u32),
        zip64=rarely(False, st.just(True)),
        external=rarely(0, st.sampled_from([0o120777 << 16, 0o040755 << 16, 0x10])),
        extra=extras,
        comment=rarely(b"", st.binary(max_size=10)),
        local_name=rarely(None, st.binary(max_size=30)),
        local_method=_either(st.sampled_from([STORED, BZIP2])),
        local_crc=_either(any_u32),
        local_extra=rarely(b"", st.binary(max_size=20)),
        local_signature=rarely(b"PK\x03\x04", st.sampled_from([b"PK\x03\x05", b"\0\0\0\0"])),
        shares=_either(st.integers(0, 5)),
        offset_shift=rarely(0, st.sampled_from([-1, 1, 30, 1 << 20, -(1 << 20)])),
    )


def described() -> st.SearchStrategy[Entry]:
    """Entries with a data descriptor, right and wrong."""
    return st.builds(
        Entry,
        name=names(),
        content=contents(),
        flags=st.just(FLAG_DESCRIPTOR),
        method=st.sampled_from([STORED, DEFLATED]),
        descriptor=st.sampled_from(["signed", "bare", ""]),
        crc=_either(st.just(0), st.just(0x08074B50)),
        descriptor_crc=_either(st.just(0), st.just(0x08074B50)),
        zip64=rarely(False, st.just(True)),
    )


def archives() -> st.SearchStrategy[Archive]:
    """Whole zips, with a few lies in the end record."""
    off = st.integers(-3, 3)
    number = st.sampled_from([0, 1, 0xFFFF, 0xFFFF_FFFF, 0x10001]) | st.integers(0, 300)
    return st.builds(
        Archive,
        entries=st.lists(
            st.builds(Entry, name=names(), content=contents()) | entries() | described(), max_size=6
        ),
        comment=rarely(
            b"", st.binary(max_size=30) | st.sampled_from([b"PK\x05\x06", b"PK\x05\x06" + b"\0" * 18])
        ),
        before=rarely(b"", st.binary(min_size=1, max_size=50)),
        after=rarely(b"", st.sampled_from([b"x", Blob(900), Blob(66_000), Blob(70_000), b"PK\x05\x06"])),
        offsets_count_before=st.booleans(),
        zip64=rarely(False, st.just(True)),
        count=_either(number),
        directory_size=_either(number),
        directory_offset=_either(number),
        comment_length=_either(off, number),
    )


@st.composite
def zip_bytes(draw: st.DrawFn) -> bytes:
    """The bytes of a zip, some of them changed, cut off or put in afterwards."""
    content = bytearray(draw(archives()).to_bytes())
    for _ in range(draw(st.sampled_from([0, 0, 0, 1, 2]))):
        if not content:
            break
        # Counted from the end too: the headers lie there.
        place = draw(st.integers(0, min(len(content), 400)))
        at = draw(st.sampled_from([place, len(content) - 1 - place])) % len(content)
        match draw(st.sampled_from(["flip", "set", "cut", "insert", "delete"])):
            case "flip":
                content[at] ^= 1 << draw(st.integers(0, 7))
            case "set":
                content[at] = draw(st.sampled_from([0, 1, 0xFF, 0x50]))
            case "cut":
                del content[at:]
            case "insert":
                content[at:at] = draw(st.binary(min_size=1, max_size=4))
            case "delete":
                del content[at : at + draw(st.integers(1, 4))]
    return bytes(content)
