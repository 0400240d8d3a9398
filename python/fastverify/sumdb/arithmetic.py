"""Ed25519 signatures and RFC 6962 hashes, by the Rust core or in Python."""

from __future__ import annotations

import hashlib
from typing import Protocol

from fastverify.engine.protocol import EngineName
from fastverify.sumdb.note import Verify
from fastverify.sumdb.tlog import HASH_BYTES


class Arithmetic(Protocol):
    """What proving is made of."""

    @property
    def verify(self) -> Verify | None:
        """``ed25519.Verify`` of Go: key, message, signature; None where there is nothing to do it."""

    def fold(self, hashes: bytes, right: bytes | None = None) -> bytes:
        """The hash over the subtrees whose hashes, 32 bytes each, stand in a tile.

        As in the tree, they are gathered into complete subtrees, as large as can be from the left;
        `right` is the hash of all that stands to the right of them, from lower tiles.  At least one
        of the two must hold something.  Of a full tile without `right` it is the hash that stands in
        the tile's parent.
        """


def load_arithmetic(engine: EngineName) -> Arithmetic:
    """That which goes with `engine`."""
    if engine == "native":
        from fastverify.sumdb.arithmetic_native import NativeArithmetic

        return NativeArithmetic()
    return PureArithmetic()


class PureArithmetic:
    """In Python; signatures by the package ``cryptography`` where that is installed."""

    def __init__(self) -> None:
        self._verify = _cryptography_verify()

    @property
    def verify(self) -> Verify | None:
        """See :class:`Arithmetic`."""
        return self._verify

    def fold(self, hashes: bytes, right: bytes | None = None) -> bytes:
        """See :class:`Arithmetic`."""
        width = len(hashes) // HASH_BYTES
        end = width
        while end:
            # The smallest complete subtree is the last one.
            leaves = end & -end
            left = _complete(hashes[(end - leaves) * HASH_BYTES : end * HASH_BYTES])
            right = left if right is None else hashlib.sha256(b"\1" + left + right).digest()
            end -= leaves
        if right is None:
            raise ValueError("nothing to fold")
        return right


def _complete(hashes: bytes) -> bytes:
    """The hash of a complete subtree over a power of two of hashes."""
    sha256, pair = hashlib.sha256, 2 * HASH_BYTES
    while len(hashes) > HASH_BYTES:
        hashes = b"".join(
            sha256(b"\1" + hashes[at : at + pair]).digest() for at in range(0, len(hashes), pair)
        )
    return hashes


def _cryptography_verify() -> Verify | None:
    try:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    except ImportError:
        return None

    def verify(key: bytes, message: bytes, signature: bytes) -> bool:
        try:
            Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
        except (InvalidSignature, ValueError):
            return False
        return True

    return verify
