"""Digests of many messages or files: by the native engine, or by Python's own hash functions."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol, TypeAlias, cast

from fastverify.engine.protocol import Engine, Fault, MeasurementError
from fastverify.errors import FastverifyError
from fastverify.exhaustion import descriptors_left, refuse_exhaustion
from fastverify.report.escape import printable

if TYPE_CHECKING:
    Message: TypeAlias = bytes | memoryview

Algorithm: TypeAlias = Literal["sha256", "blake3"]

#: The one kernel of the pure engine.
HASHLIB = "hashlib"
#: The pure engine starts no more threads than this.
_MOST_THREADS = 64


class Kernels(NamedTuple):
    """The ways to compute SHA-256 that an engine has on this processor."""

    #: Their names.
    available: tuple[str, ...]
    #: The one that is used where none is asked for.
    used: str


class _Hash(Protocol):
    def update(self, data: Message, /) -> object: ...
    def digest(self) -> bytes: ...


def kernels(engine: Engine) -> Kernels:
    """What `engine` has.  Raises ValueError where ``FASTVERIFY_SHA256`` names what is not there."""
    if engine.name == "pure":
        return Kernels((HASHLIB,), HASHLIB)
    from fastverify import _native

    available, used = _native.sha256_kernels()
    return Kernels(tuple(available), used)


def digest_many(
    engine: Engine, algorithm: Algorithm, messages: Sequence[Message], threads: int, kernel: str | None
) -> list[bytes]:
    """The digests of `messages`, in their order.

    Raises ValueError for a kernel that is not there.
    """
    if engine.name == "pure":
        from fastverify.engine.pure.threads import map_on_threads

        # hashlib lets the GIL go only for more than 2 KiB at a time, so that short messages gain little.
        return map_on_threads(_pure_digest(algorithm, kernel), messages, min(threads, _MOST_THREADS))
    from fastverify import _native

    return _native.digest_many(algorithm, messages, threads, kernel)


def digest_files(
    engine: Engine, algorithm: Algorithm, paths: Sequence[str], threads: int, kernel: str | None
) -> list[bytes]:
    """The digests of the files at `paths`, in their order; links are followed.

    Raises MeasurementError for the first of them that cannot be read or is not a regular file, ValueError
    for a kernel that is not there, and EngineError where there are no descriptors left.
    """
    if engine.name == "pure":
        from fastverify.engine.pure.threads import map_on_threads

        digest = _pure_file_digest(algorithm, kernel)
        most = min(threads, len(paths), _MOST_THREADS)
        if most > 1:  # it takes system calls to say how many files may be open
            most = min(most, descriptors_left())
        answers = map_on_threads(digest, paths, most)
        for answer, path in zip(answers, paths, strict=True):
            if isinstance(answer, Fault):
                raise MeasurementError(answer, path)
        return cast("list[bytes]", answers)
    from fastverify import _native

    found = _native.digest_files(algorithm, paths, threads, kernel)
    if isinstance(found, list):
        return found
    fault, number = found
    refuse_exhaustion(fault[2], paths[number])
    raise MeasurementError(Fault(*fault), paths[number])  # type: ignore[arg-type]


def _hash_function(algorithm: Algorithm, kernel: str | None) -> Callable[[], _Hash]:
    if kernel not in {None, HASHLIB}:
        raise ValueError(f'the pure engine has no SHA-256 kernel "{printable(kernel)}"; it has {HASHLIB}')
    if algorithm == "sha256":
        return hashlib.sha256
    try:
        from blake3 import blake3
    except ImportError:
        raise FastverifyError(
            "the pure engine needs the package blake3 for BLAKE3: pip install blake3,"
            " or install a wheel of fastverify that has the native engine"
        ) from None
    return cast("Callable[[], _Hash]", blake3)


def _pure_digest(algorithm: Algorithm, kernel: str | None) -> Callable[[Message], bytes]:
    function = _hash_function(algorithm, kernel)

    def digest(message: Message) -> bytes:
        state = function()
        state.update(message)
        return state.digest()

    return digest


def _pure_file_digest(algorithm: Algorithm, kernel: str | None) -> Callable[[str], bytes | Fault]:
    from fastverify.engine.pure.faults import FaultError, os_fault
    from fastverify.engine.pure.files import WINDOW, open_regular, read_next

    function = _hash_function(algorithm, kernel)

    def digest(path: str) -> bytes | Fault:
        state = function()
        try:
            fd, found = open_regular(os.fsencode(path))
            try:
                # One byte more than there should be: that it stays away says that the file has ended.
                window = min(found.st_size + 1, WINDOW)
                while part := read_next(fd, window):
                    state.update(part)
                    if len(part) < window:
                        break
            except OSError as error:
                raise os_fault(error) from None
            finally:
                os.close(fd)
        except FaultError as error:
            return Fault(error.code, b"", error.errno)
        return state.digest()

    return digest
