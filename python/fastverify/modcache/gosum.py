"""go.sum and go.work.sum: reading them and asking them, as the go command does.

Source of the rules: ``readGoSum`` and ``haveModSumLocked`` in ``cmd/go/internal/modfetch/fetch.go``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from fastverify.report.model import Authority

#: The hash of an empty go.mod, which an old Go wrote by mistake; the go command drops such lines.
EMPTY_GO_MOD_H1 = "h1:G7mAYYxgmS0lVkHyy2hEOLQCFB0DlQFTMLWggykrydY="
#: What Go appends to the version for the hash of the go.mod file alone.
GO_MOD_SUFFIX = "/go.mod"

#: What ``unicode.IsSpace`` holds for white space (``str.split`` takes U+001C..U+001F too).
BLANKS = "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))


class Line(NamedTuple):
    """One hash as a file has it."""

    hash: str
    number: int


class MalformedLine(NamedTuple):
    """A line that makes the go command give up on the file."""

    number: int
    fields: int


@dataclass(slots=True)
class SumFile:
    """One go.sum or go.work.sum."""

    path: str
    #: By module path and version, the latter with ``/go.mod`` for the hash of the go.mod file; in
    #: the order of the file.
    lines: dict[tuple[str, str], list[Line]] = field(default_factory=dict)
    malformed: list[MalformedLine] = field(default_factory=list)


def parse(path: str, content: bytes) -> SumFile:
    """Read the `content` of the go.sum at `path`; malformed lines are kept apart."""
    file = SumFile(path)
    for number, raw in enumerate(content.split(b"\n"), start=1):
        if raw.isascii():
            fields = raw.decode("ascii").split(None) if not _has_separators(raw) else _split(raw)
        else:
            fields = _split(raw)
        if not fields:
            continue
        if len(fields) != 3:
            file.malformed.append(MalformedLine(number, len(fields)))
        elif fields[2] != EMPTY_GO_MOD_H1:
            file.lines.setdefault((fields[0], fields[1]), []).append(Line(fields[2], number))
    return file


def strip_blanks(text: str) -> str:
    """`text` without white space at its ends, as ``strings.TrimSpace`` leaves it."""
    return text.strip(BLANKS)


def _has_separators(raw: bytes) -> bool:
    """Whether there are characters that Python splits at and Go does not."""
    return any(byte in raw for byte in (b"\x1c", b"\x1d", b"\x1e", b"\x1f"))


def _split(raw: bytes) -> list[str]:
    text = raw.decode("utf-8", "surrogateescape")
    return [part for part in re.split(f"[{BLANKS}]+", text) if part]


class Expectation(NamedTuple):
    """What a trusted file says a hash must be."""

    h1: str
    file: str
    #: Of a go.sum; a record of the checksum database is taken as a whole.
    line: int
    authority: Authority = "gosum"

    @property
    def source(self) -> str:
        """Who says so, for a sentence."""
        if self.authority == "sumdb":
            return f"the proved record {self.file} of the checksum database"
        return f"line {self.line} of {self.file}"


@dataclass(slots=True)
class SumSet:
    """The files that one go command would hold a module to.

    Outside a workspace that is one go.sum.  In a workspace it is go.work.sum, whose first ``h1:``
    for a key decides, and then the go.sum of every member, of which none may differ.
    """

    main: SumFile | None = None
    members: list[SumFile] = field(default_factory=list)

    def expectations(self, key: tuple[str, str]) -> list[Expectation]:
        """All hashes that `key` is held to, the deciding one first; more than one differ."""
        found: list[Expectation] = []
        if self.main is not None:
            first = _first_h1(self.main, key)
            if first is not None:
                # A match here accepts, and a mismatch refuses: the members are never asked.
                return [first]
        for member in self.members:
            for line in member.lines.get(key, ()):
                if line.hash.startswith("h1:") and line.hash not in {e.h1 for e in found}:
                    found.append(Expectation(line.hash, member.path, line.number))
        return found

    def files(self) -> list[SumFile]:
        """Every file of the set, in the order in which Go asks them."""
        return ([self.main] if self.main is not None else []) + self.members


def _first_h1(file: SumFile, key: tuple[str, str]) -> Expectation | None:
    for line in file.lines.get(key, ()):
        if line.hash.startswith("h1:"):
            return Expectation(line.hash, file.path, line.number)
    return None


def conflicts(file: SumFile) -> list[tuple[tuple[str, str], Line, Line]]:
    """Keys that one file gives two different ``h1:`` hashes, with the first and the odd line."""
    found = []
    for key, lines in file.lines.items():
        hashes = [line for line in lines if line.hash.startswith("h1:")]
        odd = next((line for line in hashes if line.hash != hashes[0].hash), None)
        if odd is not None:
            found.append((key, hashes[0], odd))
    return found


class TrustedSums:
    """Every go.sum and go.work.sum that a check was told to trust."""

    def __init__(self, sets: Sequence[SumSet] = ()) -> None:
        self.sets = list(sets)

    def __bool__(self) -> bool:
        """Whether anything was given that can vouch for a module."""
        return bool(self.sets)

    def of_module(self, module: str, version: str) -> list[Expectation]:
        """Hashes that the module's zip and tree are held to; the deciding one first."""
        return self._distinct((module, version))

    def of_go_mod(self, module: str, version: str) -> list[Expectation]:
        """Hashes that the module's go.mod is held to; the deciding one first."""
        return self._distinct((module, version + GO_MOD_SUFFIX))

    def files(self) -> Iterable[SumFile]:
        """Every file once."""
        seen = set()
        for trusted in self.sets:
            for file in trusted.files():
                if file.path not in seen:
                    seen.add(file.path)
                    yield file

    def _distinct(self, key: tuple[str, str]) -> list[Expectation]:
        if not self.sets:
            return []
        found: dict[str, Expectation] = {}
        for trusted in self.sets:
            for expectation in trusted.expectations(key):
                found.setdefault(expectation.h1, expectation)
        return list(found.values())
