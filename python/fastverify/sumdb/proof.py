"""What a checksum database says of one module version."""

from __future__ import annotations

from typing import Literal, NamedTuple, Protocol

#: ``proved``: the record stands in the log under a signed head.  ``absent``: there is no record.
#: ``unprovable``: nothing is wrong with the record, and what would prove it is not here.  ``failed``:
#: the record is not what the database has, or its own head is not signed.
ProofStatus = Literal["proved", "absent", "unprovable", "failed"]


class Proof(NamedTuple):
    """What the database says of a module version."""

    status: ProofStatus
    #: The record's file; ``""`` where there is none.
    path: str = ""
    #: The hashes that it has.  An authority only where it is proved.
    h1: str | None = None
    go_mod_h1: str | None = None
    #: Its number in the log.
    number: int = -1
    #: How many records the head has that proves it, and the file that the head stands in.
    tree_size: int = 0
    head: str = ""
    #: Why it is not proved.
    reason: str = ""


ABSENT = Proof("absent")


class ModuleProofs(Protocol):
    """A checksum database that can be asked."""

    def prove(self, module: str, version: str) -> Proof:
        """What it says of a module version (unescaped)."""


class _Nothing:
    def prove(self, module: str, version: str) -> Proof:  # noqa: ARG002 (the protocol's)
        return ABSENT


#: Where no checksum database is to be used.
NO_DATABASE: ModuleProofs = _Nothing()
