"""Zips and trees with names that are long together."""

from __future__ import annotations

import os
from pathlib import Path

from fastverify.engine.protocol import BYTES_BESIDE_NAME
from tests.making.zips import STORED, Archive, Entry

_ELEMENT = "d" * 240
#: A folder in which paths are more than 3 KB long, and how many folders it takes.
FOLDER = "/".join([_ELEMENT] * 13)
DEPTH = 13
#: Of a file's name in it.
NAME_LENGTH = 200
PATH_LENGTH = len(FOLDER) + 1 + NAME_LENGTH


def room_of_folders() -> int:
    """What the names of the folders alone need."""
    lengths = [len(_ELEMENT) * depth + depth - 1 for depth in range(1, DEPTH + 1)]
    return sum(lengths) + BYTES_BESIDE_NAME * DEPTH


def add_long_paths(tree: Path, count: int, start: int = 0) -> list[bytes]:
    """Add empty files to the folder below `tree`, and give their paths."""
    folder = tree / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder, os.O_RDONLY)
    names = [f"{number:06}".ljust(NAME_LENGTH, "x") for number in range(start, start + count)]
    for name in names:
        os.close(os.open(name, os.O_CREAT | os.O_WRONLY, 0o444, dir_fd=descriptor))
    os.close(descriptor)
    return [os.fsencode(f"{FOLDER}/{name}") for name in names]


def more_than(room: int) -> int:
    """So many long paths need more than `room`."""
    return room // (PATH_LENGTH + BYTES_BESIDE_NAME) + 1


def zip_of_long_paths(prefix: str, count: int) -> bytes:
    """A zip that Go takes, of empty files."""
    names = (f"{prefix}{FOLDER}/{number:06}".ljust(len(prefix) + PATH_LENGTH, "x") for number in range(count))
    return Archive([Entry(name.encode(), b"", STORED) for name in names]).to_bytes()
