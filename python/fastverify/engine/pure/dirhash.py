"""Go's ``h1:`` hash over named contents (``golang.org/x/mod/sumdb/dirhash``, ``Hash1``)."""

from __future__ import annotations

import binascii
import hashlib
from collections.abc import Iterable
from itertools import islice

_LINES_AT_ONCE = 4096


def hash1(files: Iterable[tuple[bytes, bytes]]) -> str:
    """The h1 of ``(SHA-256 of the content, name)`` pairs, which come sorted by name."""
    summary = hashlib.sha256()
    pairs = iter(files)
    hexlify = binascii.hexlify
    while lines := [b"%b  %b\n" % (hexlify(digest), name) for digest, name in islice(pairs, _LINES_AT_ONCE)]:
        summary.update(b"".join(lines))
    return "h1:" + binascii.b2a_base64(summary.digest(), newline=False).decode("ascii")
