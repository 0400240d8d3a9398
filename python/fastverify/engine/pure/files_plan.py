"""A list of files anywhere, and the h1 over them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

from fastverify.engine.protocol import Fault, MeasurementError
from fastverify.engine.pure.contents import Part, PartResult, Reason
from fastverify.engine.pure.dirhash import hash1

_DIGEST = 32
_MOST_FILES = 16384


class FilesPlan:
    """``dirhash.Hash1`` over ``(name, path on disk)`` pairs, in parts."""

    def __init__(self, files: Sequence[tuple[bytes, str]]) -> None:
        self._files = sorted(files, key=lambda file: file[0])
        self._sizes = [_size(path) for _, path in self._files]
        self._digests = bytearray(_DIGEST * len(files))
        self._faults: dict[int, Reason] = {}

    @property
    def weight(self) -> int:
        """The sizes of all files together, in bytes."""
        return sum(self._sizes)

    @property
    def memory(self) -> int:
        """There is never another besides."""
        return 0

    def parts(self, weight: int = 1 << 62) -> Iterator[tuple[list[int], Part]]:
        """The files to read, in parts of about `weight`."""
        numbers: list[int] = []
        left = weight
        for number, size in enumerate(self._sizes):
            numbers.append(number)
            left -= size
            if left <= 0 or len(numbers) == _MOST_FILES:
                yield numbers, self._part(numbers)
                numbers, left = [], weight
        if numbers:
            yield numbers, self._part(numbers)

    def _part(self, numbers: list[int]) -> Part:
        paths = [os.fsencode(self._files[number][1]) for number in numbers]
        return Part(None, b"", [(None, path) for path in paths], True, 0, False)

    def take(self, numbers: list[int], result: PartResult) -> None:
        """Take in what came of a part."""
        for at, number in enumerate(numbers):
            digest = result.digests[at * _DIGEST : (at + 1) * _DIGEST]
            self._digests[number * _DIGEST : (number + 1) * _DIGEST] = digest
        self._faults.update((numbers[at], reason) for at, reason in result.file_faults.items())

    def assemble(self) -> str:
        """The h1.  Raises MeasurementError for the first file, by name, that cannot be read."""
        for number, (name, path) in enumerate(self._files):
            if b"\n" in name:
                raise MeasurementError(Fault("name-newline", name), path)
            if number in self._faults:
                code, errno = self._faults[number]
                raise MeasurementError(Fault(code, name, errno), path)
        return hash1(
            (bytes(self._digests[number * _DIGEST : (number + 1) * _DIGEST]), name)
            for number, (name, _) in enumerate(self._files)
        )


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size
    except (OSError, ValueError):
        return 0  # reading it will say why
