"""The Rust core behind :class:`fastverify.sumdb.arithmetic.Arithmetic`."""

from __future__ import annotations

from fastverify import _native
from fastverify.sumdb.note import Verify


class NativeArithmetic:
    """By the Rust core, which always can check signatures."""

    @property
    def verify(self) -> Verify:
        """See :class:`.arithmetic.Arithmetic`."""
        return _native.sumdb_verify

    def fold(self, hashes: bytes, right: bytes | None = None) -> bytes:
        """See :class:`.arithmetic.Arithmetic`."""
        return _native.sumdb_fold(hashes, right)
