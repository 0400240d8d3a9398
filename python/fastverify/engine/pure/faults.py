"""The exception that carries a fault inside the engine, until it stands in a record."""

from __future__ import annotations

from fastverify.engine.protocol import Fault, FaultCode
from fastverify.exhaustion import refuse_exhaustion


class FaultError(Exception):
    """Something cannot be read, for the reason that `code` (and `errno`) gives."""

    def __init__(self, code: FaultCode, errno: int = 0) -> None:
        super().__init__(code, errno)
        self.code: FaultCode = code
        self.errno = errno

    def fault(self, name: bytes = b"") -> Fault:
        """The record for it, naming the entry or file `name`."""
        return Fault(self.code, name, self.errno)


def os_fault(error: OSError) -> FaultError:
    """The fault for an error of the operating system.

    Raises EngineError for one that says nothing of the file, as there are no descriptors left.
    """
    refuse_exhaustion(error.errno, error.filename)
    return FaultError("os", error.errno or 0)
