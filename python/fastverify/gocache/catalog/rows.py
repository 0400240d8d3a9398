"""The entries of a build cache as rows: to be chosen, sorted and shown."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any, Literal

from fastverify.gocache.catalog.contents import Contents
from fastverify.gocache.catalog.naming import Name
from fastverify.gocache.identify.kinds import Kind
from fastverify.report import words
from fastverify.report.escape import printable

Order = Literal["age", "used", "size", "kind", "package"]
ORDERS: tuple[Order, ...] = ("age", "used", "size", "kind", "package")
_ID_SHOWN = 12


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


def rows_of(contents: Contents, names: dict[str, Name]) -> Iterator[Row]:
    """A row for each entry, then for each output without one."""
    named: set[str] = set()
    nameless = Name("")
    for action, entry in contents.entries.items():
        output = contents.outputs.get(entry.output)
        named.add(entry.output)
        kind: Kind | Literal["missing", "malformed"]
        if entry.form == "malformed":
            kind = "malformed"
        else:
            kind = output.identity.kind if output is not None else "missing"
        size = output.size if output is not None else 0
        name = names.get(action, nameless)
        yield Row(action, entry.output, kind, size, entry.written, entry.used, name)
    for key, output in contents.outputs.items():
        if key not in named:
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
            yield Row("", key, identity.kind, output.size, 0, output.used, name)


def chosen(rows: Iterable[Row], *, kinds: Iterable[str] = (), package: str = "") -> Iterator[Row]:
    """Those of one of `kinds`, if any is given, and of `package`.

    That is an import path, or one with ``*``, or with ``/...`` at its end for all packages below.
    """
    wanted = frozenset(kinds)
    for row in rows:
        if (not wanted or row.kind in wanted) and (not package or _matches(row.name.package, package)):
            yield row


def ordered(rows: Iterable[Row], order: Order) -> list[Row]:
    """Sorted: the newest, the last used or the biggest first; kinds and packages by name."""
    keys = {
        "age": lambda row: (-row.written, row.action),
        "used": lambda row: (-row.used, row.action),
        "size": lambda row: (-row.size, row.action),
        "kind": lambda row: (row.kind, row.name.package, -row.written, row.action),
        "package": lambda row: (row.name.package == "", row.name.package, row.name.role, -row.written),
    }
    return sorted(rows, key=keys[order])


def table(rows: list[Row], now: int) -> Iterator[str]:
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
