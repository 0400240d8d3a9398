"""Transparent logs: tree heads, records, and the names of tiles.

Source: ``golang.org/x/mod/sumdb/tlog`` (``note.go``, ``tile.go``, ``tlog.go``) and RFC 6962, section 2.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import NamedTuple

from fastverify.sumdb.note import decode_base64

HASH_BYTES = 32
#: A tile holds 2**8 hashes; the go command knows no other height.
TILE_HEIGHT = 8
TILE_WIDTH = 1 << TILE_HEIGHT
TILE_BYTES = TILE_WIDTH * HASH_BYTES
#: Levels of tiles that a tree of less than 2**63 records can have.
LEVELS = 8
#: ``strconv.ParseInt``'s end.
MAX_NUMBER = (1 << 63) - 1

#: The root of a tree without records.
EMPTY_ROOT = hashlib.sha256(b"").digest()

_HEAD_PREFIX = b"go.sum database tree\n"
_MAX_HEAD_BYTES = 1_000_000
_INTEGER = re.compile(rb"[+-]?[0-9]{1,40}")
_CANONICAL = re.compile(rb"0|[1-9][0-9]{0,18}")
_CONTROL = re.compile(rb"[\x00-\x09\x0b-\x1f]")
_GROUP = re.compile("x?[0-9]{3}")
_WIDTH = re.compile("[1-9][0-9]{0,2}")
_BASE = 1000


class LogError(ValueError):
    """A head or a record that cannot be read; the message says why in a few words."""


class Head(NamedTuple):
    """A tree head: so many records, and the hash over all of them."""

    size: int
    root: bytes


class Record(NamedTuple):
    """A lookup record: its number in the log, its text, and what follows it (a signed head)."""

    number: int
    text: bytes
    rest: bytes


@dataclass(frozen=True, slots=True, order=True)
class Tile:
    """`width` hashes from ``number * 256`` on, of level ``8 * level`` of the tree."""

    level: int
    number: int
    width: int = TILE_WIDTH

    @property
    def path(self) -> str:
        """Where the tile lies: ``tile/8/1/x001/234.p/5``."""
        groups = f"{self.number % _BASE:03}"
        above = self.number // _BASE
        while above:
            groups = f"x{above % _BASE:03}/{groups}"
            above //= _BASE
        partial = f".p/{self.width}" if self.width != TILE_WIDTH else ""
        return f"tile/{TILE_HEIGHT}/{self.level}/{groups}{partial}"


def parse_tile_path(path: str) -> Tile | None:
    """The tile of height 8 that lies at `path` (of :attr:`Tile.path`'s form); None where none does."""
    elements = path.split("/")
    if len(elements) < 4 or elements[:2] != ["tile", str(TILE_HEIGHT)]:
        return None
    width, last = TILE_WIDTH, len(elements) - 1
    if elements[last - 1].endswith(".p"):
        if not _WIDTH.fullmatch(elements[last]):
            return None
        width, last = int(elements[last]), last - 1
        elements[last] = elements[last][: -len(".p")]
    level, groups = elements[2], elements[3 : last + 1]
    # Twenty digits are more than any number of a tile has.
    if not groups or len(groups) > 7 or not all(map(_GROUP.fullmatch, groups)):
        return None
    if not (level.isascii() and level.isdigit() and len(level) <= 2):
        return None
    number = 0
    for group in groups:
        number = number * _BASE + int(group.removeprefix("x"))
    tile = Tile(int(level), number, width)
    return tile if tile.level < 64 and number <= MAX_NUMBER and tile.path == path else None


def edge_tiles(size: int) -> list[Tile]:
    """The tiles, lowest level first, that together hash to the root of a tree of `size` records."""
    tiles = []
    for level in range(LEVELS):
        complete = size >> (TILE_HEIGHT * level)
        width = complete % TILE_WIDTH
        if width:
            tiles.append(Tile(level, complete >> TILE_HEIGHT, width))
    return tiles


def parent(tile: Tile) -> tuple[Tile, int]:
    """The full tile (as far as its place goes) that has the hash of a full `tile`, and where in it."""
    return Tile(tile.level + 1, tile.number >> TILE_HEIGHT), tile.number % TILE_WIDTH


def chain(number: int, size: int) -> list[Tile]:
    """The full tiles, lowest level first, that lead from record `number` to an edge tile of a tree of
    `size` records; empty where the record's own hash stands in an edge tile.
    """
    tiles = []
    for level in range(LEVELS):
        index = number >> (TILE_HEIGHT * (level + 1))
        if size >> (TILE_HEIGHT * (level + 1)) == index:
            break
        tiles.append(Tile(level, index))
    return tiles


def leaf_hash(text: bytes) -> bytes:
    """The hash of a record's text, its last line feed included."""
    return hashlib.sha256(b"\0" + text).digest()


def parse_head(text: bytes) -> Head:
    """``tlog.ParseTree``: read the text of a tree head.  Raises LogError."""
    if not text.startswith(_HEAD_PREFIX) or text.count(b"\n") < 3 or len(text) > _MAX_HEAD_BYTES:
        raise LogError("it is no head of a checksum database")
    _, size, root64, _ = text.split(b"\n", 3)
    if not _CANONICAL.fullmatch(size) or int(size) > MAX_NUMBER:
        raise LogError("the head's size is no number")
    root = decode_base64(root64.decode("ascii", "replace"))
    if root is None or len(root) != HASH_BYTES:
        raise LogError("the head's hash is malformed")
    return Head(int(size), root)


def parse_record(message: bytes) -> Record:
    """``tlog.ParseRecord``: read the record at the start of `message`.  Raises LogError."""
    line, _, rest = message.partition(b"\n")
    if not _INTEGER.fullmatch(line) or not -MAX_NUMBER - 1 <= int(line) <= MAX_NUMBER:
        raise LogError("its first line is no record number")
    end = rest.find(b"\n\n")
    if len(line) == len(message) or end < 0:
        raise LogError("no blank line ends the record")
    text = rest[: end + 1]
    if _CONTROL.search(text):
        raise LogError("the record has control characters")
    try:
        text.decode()
    except UnicodeDecodeError:
        raise LogError("the record is no UTF-8") from None
    return Record(int(line), text, rest[end + 2 :])
