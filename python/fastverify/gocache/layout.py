"""Names in a build cache: ``cmd/go/internal/cache/cache.go``, ``DiskCache.fileName``."""

from __future__ import annotations

import os

#: What the go command makes in the root of a build cache beside the 256 shards.
README, TRIM, TEST_EXPIRE, FUZZ, LOG = "README", "trim.txt", "testexpire.txt", "fuzz", "log.txt"
SHARDS = tuple(f"{number:02x}" for number in range(256))


def entry_path(root: str, action: bytes) -> str:
    """Where the entry of this action ID (32 bytes) lies."""
    return _path(root, action, "a")


def output_path(root: str, output: bytes) -> str:
    """Where the output of this ID (32 bytes) lies: a file, or an executable's folder."""
    return _path(root, output, "d")


def inside(root: str, name: bytes) -> str:
    """The path of what an engine calls `name`."""
    return os.path.join(root, *os.fsdecode(name).split("/")) if name else root


def _path(root: str, name: bytes, kind: str) -> str:
    digits = name.hex()
    return os.path.join(root, digits[:2], f"{digits}-{kind}")
