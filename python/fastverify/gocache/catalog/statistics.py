"""Sums over a build cache: what takes the room, what is used, and what go will remove when."""

from __future__ import annotations

import heapq
import os
import stat
from array import array
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from fastverify.engine.pure.files import OPEN_FLAGS_NO_LINK
from fastverify.gocache.catalog.contents import Contents
from fastverify.gocache.catalog.naming import Names
from fastverify.gocache.catalog.rows import age
from fastverify.gocache.layout import TRIM
from fastverify.report import words
from fastverify.report.escape import printable

_HOUR = 3600 * 10**9
_DAY = 24 * _HOUR
#: ``trimLimit`` and ``mtimeInterval``: go removes what was not used for five days, and an hour.
TRIM_AGE = 5 * _DAY + _HOUR
#: ``trimInterval``: how long go waits from one trim to the next.
TRIM_PAUSE = _DAY
_IMPORTS_SHOWN = 5
_AGES = (("hour", _HOUR), ("day", _DAY), ("2 days", 2 * _DAY), ("5 days", 5 * _DAY))


@dataclass(slots=True)
class Sum:
    """Files and their bytes."""

    files: int = 0
    bytes: int = 0

    def add(self, size: int) -> None:
        """Count one more file of `size` bytes."""
        self.files += 1
        self.bytes += size


@dataclass(slots=True)
class Statistics:
    """What :func:`statistics_of` counts.  An output is counted once, however many entries name it."""

    entries: int = 0
    outputs: Sum = field(default_factory=Sum)
    by_kind: dict[str, Sum] = field(default_factory=lambda: defaultdict(Sum))
    by_package: dict[str, Sum] = field(default_factory=lambda: defaultdict(Sum))
    by_go_version: dict[str, Sum] = field(default_factory=lambda: defaultdict(Sum))
    by_platform: dict[str, Sum] = field(default_factory=lambda: defaultdict(Sum))
    #: By how long ago the output was last used, as its time says.
    by_age: dict[str, Sum] = field(default_factory=lambda: defaultdict(Sum))
    #: Entries that were used again an hour or more after they were written: go marks no earlier use.
    used_again: int = 0
    #: Seconds since 1970 when go last trimmed; None where `trim.txt` does not tell.
    trimmed: int | None = None
    #: What a trim now would remove, and what the trims of the next days would, if nothing is used.
    trim_now: Sum = field(default_factory=Sum)
    trim_by_day: list[Sum] = field(default_factory=list)
    #: The outputs that take the most room: bytes, output, name.
    biggest: list[tuple[int, str, str]] = field(default_factory=list)
    #: Builds of packages that archives were compiled from, and those of them that are not in the cache:
    #: import path, fingerprint, and a package that was compiled from it.
    imported: int = 0
    imports_missing: list[tuple[str, str, str]] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """As plain values."""

        def sums(by: dict[str, Sum]) -> dict[str, dict[str, int]]:
            return {key: {"files": value.files, "bytes": value.bytes} for key, value in by.items()}

        return {
            "entries": self.entries,
            "outputs": self.outputs.files,
            "bytes": self.outputs.bytes,
            "by_kind": sums(self.by_kind),
            "by_package": sums(self.by_package),
            "by_go_version": sums(self.by_go_version),
            "by_platform": sums(self.by_platform),
            "by_last_use": sums(self.by_age),
            "used_again": self.used_again,
            "trimmed": self.trimmed,
            "trim_now": {"files": self.trim_now.files, "bytes": self.trim_now.bytes},
            "trim_by_day": [{"files": day.files, "bytes": day.bytes} for day in self.trim_by_day],
            "biggest": [
                {"bytes": size, "output": output, "package": package}
                for size, output, package in self.biggest
            ],
            "imported_builds": self.imported,
            "imported_builds_missing": [
                {"package": package, "fingerprint": fingerprint, "importer": importer}
                for package, fingerprint, importer in self.imports_missing
            ],
        }


def statistics_of(contents: Contents, names: Names, now: int) -> Statistics:
    """Count; `now` is in nanoseconds since 1970."""
    entries, outputs = contents.entries, contents.outputs
    found = Statistics(
        entries=len(entries),
        trimmed=_last_trim(contents.root),
        imported=contents.imports.named(),
        imports_missing=contents.imports.missing(),
    )
    #: For each output the entry, counted from 1, whose name is its own.
    users = array("I", bytes(4 * len(outputs)))
    for number in range(len(entries)):
        role = names.role(number)
        output = entries.target(number) if role else -1
        # An archive's own entry names it better than one that has the same output by chance.
        if output >= 0 and (not users[output] or role == "build"):
            users[output] = number + 1
        written, used = entries.written(number), entries.used(number)
        if written and used - written >= _HOUR:
            found.used_again += 1
        _expire(found, used, 0, now)

    def sizes() -> Iterator[tuple[int, str, str]]:
        for number, user in enumerate(users):
            output = outputs.at(number)
            identity, size = output.identity, output.size
            name = names.at(user - 1) if user and identity.kind != "empty" else None
            package = identity.package or (name.package if name is not None else "")
            found.outputs.add(size)
            found.by_kind[identity.kind].add(size)
            found.by_package[package].add(size)
            if identity.go_version:
                found.by_go_version[identity.go_version].add(size)
            if identity.goarch:
                found.by_platform[f"{identity.goos}/{identity.goarch}".strip("/")].add(size)
            found.by_age[_age_class(now - output.used)].add(size)
            _expire(found, output.used, size, now)
            yield -size, output.output, package

    found.biggest = [(-size, output, package) for size, output, package in heapq.nsmallest(10, sizes())]
    return found


def lines_of(found: Statistics, now: int) -> Iterator[str]:
    """The statistics as text."""
    yield (
        f"{words.count(found.entries, 'entry', 'entries')}, {words.count(found.outputs.files, 'output')}, "
        f"{words.size(found.outputs.bytes)}"
    )
    for title, by, most in (
        ("kind", found.by_kind, 20),
        ("package", found.by_package, 10),
        ("Go version", found.by_go_version, 10),
        ("platform", found.by_platform, 10),
    ):
        yield from _ranked(title, by, most)
    yield ""
    yield "Last used (go marks a use at most once an hour)"
    for title, _ in _AGES:
        yield from _counted(f"within the last {title}", found.by_age.get(f"within {title}"))
    yield from _counted("longer ago", found.by_age.get("longer"))
    again = words.count(found.used_again, "entry was", "entries were")
    yield f"  {again} used again an hour or more after it was written"
    yield ""
    yield "Trim (go removes what was not used for five days and an hour, at most once a day)"
    if found.trimmed is None:
        yield "  trim.txt tells of no trim: the next go build, run, test or vet trims"
    else:
        then = found.trimmed * 10**9
        left = then + TRIM_PAUSE - now
        when = f"in {words.duration(left / 10**9)}" if 0 < left <= TRIM_PAUSE + _HOUR else "now"
        yield f"  last: {age(then, now)} ago; due {when}, at the end of a go build, run, test or vet"
    yield f"  due for removal now: {_sum(found.trim_now)}"
    for number, day in enumerate(found.trim_by_day, 1):
        if day.files:
            yield f"  within {words.count(number, 'day')} more, if not used: {_sum(day)}"
    yield from _imports(found)
    if found.biggest:
        yield ""
        yield "Biggest"
        for size, output, package in found.biggest:
            yield f"  {words.size(size):>10}  {output[:12]}  {printable(package)}".rstrip()


def _imports(found: Statistics) -> Iterator[str]:
    """An importer keeps the fingerprint of what it was compiled from, which may be gone without harm."""
    if not found.imports_missing:
        return
    missing = len(found.imports_missing)
    yield ""
    yield (
        f"Imports: {words.number(missing)} of the {words.count(found.imported, 'build')} that archives were "
        "compiled from are not here"
    )
    yield "  (trimmed, damaged, or replaced by another archive for the same inputs)"
    for package, fingerprint, importer in found.imports_missing[:_IMPORTS_SHOWN]:
        yield f"  {fingerprint}  {printable(package)}, imported by {printable(importer)}"
    if missing > _IMPORTS_SHOWN:
        yield f"  and {words.number(missing - _IMPORTS_SHOWN)} more (--json lists them)"


def _age_class(nanoseconds: int) -> str:
    for title, limit in _AGES:
        if nanoseconds < limit:
            return f"within {title}"
    return "longer"


def _expire(found: Statistics, used: int, size: int, now: int) -> None:
    """Count what `used` means for trims: now, or after so many days."""
    if not found.trim_by_day:
        found.trim_by_day = [Sum() for _ in range(6)]
    left = used + TRIM_AGE - now
    if left < 0:
        found.trim_now.add(size)
        return
    day = left // _DAY
    if day < len(found.trim_by_day):
        found.trim_by_day[day].add(size)


def _last_trim(root: str) -> int | None:
    try:
        path = os.path.join(root, TRIM)
        # Never waiting for the writer of a fifo.
        descriptor = os.open(path, OPEN_FLAGS_NO_LINK)
        with open(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                return None
            text = file.read(64).strip()
    except OSError:
        return None
    return int(text) if text.isdigit() and len(text) < 19 else None


def _ranked(title: str, by: dict[str, Sum], most: int) -> Iterator[str]:
    if not by:
        return
    yield ""
    yield f"By {title}"
    ranked = sorted(by.items(), key=lambda one: (-one[1].bytes, -one[1].files, one[0]))
    for name, counted in ranked[:most]:
        yield from _counted(name or "(not known)", counted)
    rest = Sum()
    for _, counted in ranked[most:]:
        rest.files += counted.files
        rest.bytes += counted.bytes
    if rest.files:
        yield from _counted(f"{len(ranked) - most} more", rest)


def _counted(title: str, counted: Sum | None) -> Iterator[str]:
    if counted is not None:
        yield f"  {words.size(counted.bytes):>10}  {words.number(counted.files):>7}  {printable(title)}"


def _sum(counted: Sum) -> str:
    return f"{words.count(counted.files, 'file')}, {words.size(counted.bytes)}"
