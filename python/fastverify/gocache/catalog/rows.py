"""The entries of a build cache as rows: to be chosen, sorted and shown."""

from __future__ import annotations

import fnmatch
from array import array
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any, Literal

from fastverify.gocache.catalog.contents import Contents
from fastverify.gocache.catalog.naming import Name, Names
from fastverify.gocache.identify.kinds import Kind
from fastverify.report import words
from fastverify.report.escape import printable

Order = Literal["age", "used", "size", "kind", "package"]
ORDERS: tuple[Order, ...] = ("age", "used", "size", "kind", "package")
_ID_SHOWN = 12
_NUMBER_BITS, _TIME_BITS = 32, 64
_NUMBER_MASK = (1 << _NUMBER_BITS) - 1


@dataclass(frozen=True, slots=True)
class Row:
    """One entry with its output, or an output that no entry names."""

    #: 64 hex digits each; ``""`` where there is none.
    action: str
    output: str
    #: ``missing`` where the output is not there, ``malformed`` where go would not take the entry.
    kind: Kind | Literal["missing", "malformed"]
    size: int
    #: Nanoseconds since 1970; 0 where there is no entry.
    written: int
    used: int
    name: Name

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return {
            "action": self.action,
            "output": self.output,
            "kind": self.kind,
            "size": self.size,
            "written_ns": self.written,
            "used_ns": self.used,
            "role": self.name.role,
            "package": self.name.package,
            "module": self.name.module,
            "version": self.name.version,
            "goos": self.name.goos,
            "goarch": self.name.goarch,
            "go_version": self.name.go_version,
        }


_NAMELESS = Name("")


class Rows:
    """A row for each entry, then for each output without one; each is made when it is asked for."""

    def __init__(self, contents: Contents, names: Names) -> None:
        self._entries, self._outputs = contents.entries, contents.outputs
        self._names = names
        named = bytearray(len(self._outputs))
        for number in range(len(self._entries)):
            output = self._entries.target(number)
            if output >= 0:
                named[output] = 1
        self._orphans = array("I", (number for number, used in enumerate(named) if not used))
        #: The numbers of the rows in their order: of an entry its own, of another output what follows those.
        self._numbers = array("I", range(len(self._entries) + len(self._orphans)))

    def __len__(self) -> int:
        return len(self._numbers)

    def __iter__(self) -> Iterator[Row]:
        return map(self._row, self._numbers)

    def choose(self, *, kinds: Iterable[str] = (), package: str = "") -> None:
        """Keep those that are `chosen`."""
        wanted = frozenset(kinds)
        if wanted or package:
            self._numbers = array(
                "I", (number for number in self._numbers if chosen(self._row(number), wanted, package))
            )

    def sort(self, order: Order) -> None:
        """Bring them in an order: the newest, the last used or the biggest first; kinds, packages by name."""
        keys = self._keys(order)
        total = len(self._entries) + len(self._orphans)
        # Of equal ones outputs without an entry come first, but for packages.
        shift = 0 if order == "package" else len(self._orphans)
        # In one number what decides and which row it is: the least that can be sorted.
        marked = [
            (key << _NUMBER_BITS) + (number + shift) % total
            for key, number in zip(keys, self._numbers, strict=True)
        ]
        marked.sort()
        self._numbers = array("I", (((mark & _NUMBER_MASK) - shift) % total for mark in marked))

    def _keys(self, order: Order) -> Iterator[int]:
        """For each row what decides of its place; entries of the same rank come the newest first."""
        if order in ("age", "used", "size"):
            value = {"age": self._written, "used": self._used, "size": self._size}[order]
            return (-value(number) for number in self._numbers)

        def rank(row: Row) -> tuple[str | bool, ...]:
            package = row.name.package
            return (row.kind, package) if order == "kind" else (package == "", package, row.name.role)

        ranks = {one: number for number, one in enumerate(sorted({rank(row) for row in self}))}
        return ((ranks[rank(row)] << _TIME_BITS) - row.written for row in self)

    def _written(self, number: int) -> int:
        return self._entries.written(number) if number < len(self._entries) else 0

    def _used(self, number: int) -> int:
        entries = len(self._entries)
        if number < entries:
            return self._entries.used(number)
        return self._outputs.used(self._orphans[number - entries])

    def _size(self, number: int) -> int:
        entries = len(self._entries)
        if number >= entries:
            return self._outputs.size(self._orphans[number - entries])
        output = self._entries.target(number)
        return self._outputs.size(output) if output >= 0 else 0

    def _row(self, number: int) -> Row:
        if number >= len(self._entries):
            return self._orphan(self._orphans[number - len(self._entries)])
        entry = self._entries.at(number)
        output = self._entries.target(number)
        kind: Kind | Literal["missing", "malformed"]
        if entry.form == "malformed":
            kind = "malformed"
        else:
            kind = self._outputs.kind(output) if output >= 0 else "missing"
        size = self._outputs.size(output) if output >= 0 else 0
        name = self._names.at(number) or _NAMELESS
        return Row(entry.action, entry.output, kind, size, entry.written, entry.used, name)

    def _orphan(self, number: int) -> Row:
        output = self._outputs.at(number)
        identity = output.identity
        name = Name(
            "",
            identity.package,
            identity.module,
            identity.version,
            identity.goos,
            identity.goarch,
            identity.go_version,
        )
        return Row("", output.output, identity.kind, output.size, 0, output.used, name)


def chosen(row: Row, kinds: Collection[str], package: str) -> bool:
    """Whether a row is of one of `kinds`, if there are any, and of `package`, if it is given.

    That is an import path, or one with ``*``, or with ``/...`` at its end for all packages below.
    """
    return (not kinds or row.kind in kinds) and (not package or _matches(row.name.package, package))


def table(rows: Iterable[Row], now: int) -> Iterator[str]:
    """The rows as lines of a table, ages counted from `now` (nanoseconds since 1970)."""
    titles = ("ACTION", "AGE", "SIZE", "KIND", "OS/ARCH", "GO", "PACKAGE")
    widths = [len(title) for title in titles]
    # Twice, so that a million rows are not held as text.
    for row in rows:
        widths = [max(pair) for pair in zip(widths, map(len, _cells(row, now)), strict=True)]
    for line in chain([titles], (_cells(row, now) for row in rows)):
        left = [
            text.rjust(width) if column in (1, 2) else text.ljust(width)
            for column, (text, width) in enumerate(zip(line[:-1], widths, strict=False))
        ]
        yield "  ".join([*left, line[-1]]).rstrip()


def age(then: int, now: int) -> str:
    """How long ago: ``5 min``, ``3 h``, ``12 d``; ``future`` where it is ahead."""
    seconds = (now - then) // 10**9
    if then == 0:
        return "-"
    if seconds < 0:
        return "future"
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        return f"{seconds // 60} min"
    return f"{seconds // 3600} h" if seconds < 48 * 3600 else f"{seconds // 86400} d"


def label(name: Name) -> str:
    """What an entry is for, in a few words; already printable."""
    package = name.package
    if name.version and name.module:
        below = package.removeprefix(name.module)
        package = f"{name.module}@{name.version}{below}" if package.startswith(name.module) else package
    role = "" if name.role in ("build", "") else f" ({name.role})"
    return printable(f"{package}{role}".strip())


def _cells(row: Row, now: int) -> tuple[str, ...]:
    platform = f"{row.name.goos}/{row.name.goarch}" if row.name.goarch else ""
    return (
        row.action[:_ID_SHOWN] or f"-{row.output[: _ID_SHOWN - 1]}",
        age(row.written or row.used, now),
        words.size(row.size),
        row.kind,
        printable(platform.strip("/")),
        printable(row.name.go_version.removeprefix("go")),
        label(row.name),
    )


def _matches(package: str, pattern: str) -> bool:
    if pattern.endswith("/..."):
        above = pattern[:-4]
        return package == above or package.startswith(f"{above}/")
    return package == pattern or fnmatch.fnmatchcase(package, pattern)
