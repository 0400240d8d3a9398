"""Poison survives repair: which packages were compiled from a damaged archive, and may carry its damage on.

What was compiled from damaged export data is whole by itself, and its action does not change when the
archive is made anew.  What names it is the linker's object, which has the path and the fingerprint of
each package that was imported.  So is a program that was linked from it and kept for ``go run``.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import NamedTuple

from fastverify.engine.buildcache import EntryOf, OutputMeasurement
from fastverify.engine.protocol import MAX_OUTPUT_BYTES
from fastverify.engine.pure.build.entry import parse_entry
from fastverify.engine.pure.faults import FaultError
from fastverify.engine.pure.files import open_regular
from fastverify.gocache import advice
from fastverify.gocache.buildid import BuildId, read_build_id
from fastverify.gocache.content import Content, MalformedError
from fastverify.gocache.finding import cache_finding
from fastverify.gocache.identify.goarchive import GoArchive, read_archive
from fastverify.gocache.layout import SHARDS, entry_path, output_path
from fastverify.report.model import Finding

#: Of one check, at most.
_MOST = 1000


class Package(NamedTuple):
    """A package as those who import it name it."""

    path: str
    fingerprint: bytes


class Damaged(NamedTuple):
    """A damaged archive that the go command would use."""

    package: Package
    #: When its entry was written, in nanoseconds since 1970: nothing older was compiled from it.
    since: int
    #: Of the archive; empty where it is gone or made anew.
    output: bytes
    #: Whether no sound archive has this fingerprint, so that what names it was compiled from this one.
    alone: bool = False


def package_of(root: str, measured: OutputMeasurement) -> Package | None:
    """The package whose archive this output is, where that can still be read."""
    if measured.kind != "archive" or measured.file:
        return None
    read = read_output_archive(root, measured.output)
    if read is None or read.package is None or read.package.path == "main":
        return None
    return Package(read.package.path, read.fingerprint)


def damaged(package: Package, measured: OutputMeasurement, entries: Sequence[EntryOf]) -> Damaged:
    """The archive of `package` that these entries lead to."""
    # Neither what it is the fingerprint of nor the copy of it is as it says: it is what is damaged.
    alone = {"export-fingerprint", "object-fingerprint"} <= set(measured.flaws)
    return Damaged(package, min(entry.time for entry in entries), measured.output, alone)


def importers(root: str, found: Sequence[Damaged]) -> Iterator[Finding]:
    """A finding for each package that was compiled after and from one of the damaged archives."""
    by_package: Mapping[Package, Damaged] = {one.package: one for one in found}
    outputs = {one.output for one in found}
    number = 0
    for path, output in _outputs(root):
        read = None if output in outputs else _read(path)
        if read is None or read.linker_object is None or read.head.build_id is None:
            continue
        wanted = [by_package.get(Package(*imported)) for imported in read.linker_object.imports]
        sources = [one for one in wanted if one is not None]
        entry = _entry(root, read.head.build_id, output) if sources else None
        if entry is None:
            continue
        sources = [one for one in sources if one.since <= entry.time]
        if sources:
            yield _finding(root, output, entry, read, sources[0])
            number += 1
            if number == _MOST:
                return


def programs(root: str, found: Sequence[Damaged]) -> Iterator[Finding]:
    """A finding for each cached program that was linked after and from one of the damaged archives.

    A program does not say from which packages it was linked, but which functions it has, inlined ones apart.
    """
    names = [(one, _beginnings(one.package.path)) for one in found if one.output]
    number = 0
    for path, output in _executables(root) if names else ():
        linked = _linked(path, names)
        entry = _entry(root, linked[0], output) if linked is not None else None
        if linked is None or entry is None:
            continue
        sources = [one for one in linked[1] if one.since <= entry.time]
        if not sources:
            continue
        yield cache_finding(
            "warning",
            "warning",
            "output",
            path,
            f"the program was linked from the damaged archive of {sources[0].package.path}, or from a sound "
            "one before the damage: it may carry the damage on",
            advice.GO_KEEPS_PROGRAMS,
            advice.drop_entries([entry_path(root, entry.action)], total=1),
            action=entry.action.hex(),
            output=output.hex(),
        )
        number += 1
        if number == _MOST:
            return


def _beginnings(path: str) -> tuple[bytes, ...]:
    """How the names of a package's functions begin in a program: as they are, or as the linker has them."""
    whole = path.encode("utf-8", "surrogateescape")
    last = whole.rfind(b"/")
    # objabi.PathToPrefix
    escaped = b"".join(
        b"%%%02x" % byte
        if byte <= 0x20 or byte in b'%"' or byte >= 0x7F or (byte == 0x2E and at > last)
        else bytes([byte])
        for at, byte in enumerate(whole)
    )
    return tuple({b"\0" + whole + b".", b"\0" + escaped + b"."})


def _linked(
    path: str, names: Sequence[tuple[Damaged, tuple[bytes, ...]]]
) -> tuple[BuildId, list[Damaged]] | None:
    """The build ID of a program and those whose functions it has; None where it is no program of Go's."""
    try:
        fd, _ = open_regular(os.fsencode(path))
        with open(fd, "rb") as file:
            content = Content.of_file(file)
            build_id = read_build_id(content)
            if build_id is None or not build_id.is_go_cache_form or content.size > MAX_OUTPUT_BYTES:
                return None
            longest = max(len(name) for _, beginnings in names for name in beginnings)
            sources: list[Damaged] = []
            before = b""
            for piece in content.pieces():
                window = before + piece
                sources += [
                    one
                    for one, beginnings in names
                    if one not in sources and any(name in window for name in beginnings)
                ]
                before = window[-longest:]
            return build_id, sources
    except (OSError, FaultError, MalformedError):
        return None


def _finding(root: str, output: bytes, entry: EntryOf, read: GoArchive, source: Damaged) -> Finding:
    name = read.package.path if read.package is not None else "a package"
    message = (
        f"{name} was compiled from the damaged archive of {source.package.path}, or from a sound one before "
        "the damage: it may carry the damage on"
    )
    go = advice.GO_KEEPS_IMPORTERS
    if source.alone:
        message = (
            f"{name} was compiled from a damaged archive of {source.package.path}, whose fingerprint "
            f"({source.package.fingerprint.hex()}) it has: it may carry the damage on"
        )
        go = advice.GO_REFUSES_IMPORTERS
    return cache_finding(
        "warning",
        "warning",
        "output",
        output_path(root, output),
        message,
        go,
        advice.drop_entries([entry_path(root, entry.action)], total=1),
        action=entry.action.hex(),
        output=output.hex(),
    )


def _executables(root: str) -> Iterator[tuple[str, bytes]]:
    """Path and ID of each file that lies alone in the folder of an executable."""
    for path, output in _outputs(root):
        if os.path.isdir(path) and not os.path.islink(path):
            with suppress(OSError):
                names = os.listdir(path)
                if len(names) == 1 and not os.path.islink(os.path.join(path, names[0])):
                    yield os.path.join(path, names[0]), output


def _outputs(root: str) -> Iterator[tuple[str, bytes]]:
    """Path and ID of each output."""
    for shard in SHARDS:
        try:
            names = sorted(os.listdir(os.path.join(root, shard)))
        except OSError:
            continue
        for name in names:
            if name.endswith("-d") and len(name) == 66 and name[:2] == shard:
                try:
                    output = bytes.fromhex(name[:64])
                except ValueError:
                    continue
                yield os.path.join(root, shard, name), output


def read_output_archive(root: str, output: bytes) -> GoArchive | None:
    """The archive that an output is; None where it is none, or cannot be read."""
    return _read(output_path(root, output))


def _read(path: str) -> GoArchive | None:
    try:
        if os.path.islink(path):
            return None
        fd, _ = open_regular(os.fsencode(path))
        with open(fd, "rb") as file:
            return read_archive(Content.of_file(file))
    except (OSError, FaultError, MalformedError):
        return None


def _entry(root: str, build_id: BuildId, output: bytes) -> EntryOf | None:
    """The entry that made an archive, found by the beginning of the action ID that a build ID has."""
    try:
        beginning = base64.urlsafe_b64decode(build_id.action).hex()
        names = os.listdir(os.path.join(root, beginning[:2]))
    except (OSError, ValueError):
        return None
    for name in names:
        if name.startswith(beginning) and name.endswith("-a"):
            try:
                action = bytes.fromhex(name[:-2])
                fd, _ = open_regular(os.fsencode(entry_path(root, action)))
                with open(fd, "rb") as file:
                    parsed = parse_entry(file.read(176), action)
            except (OSError, FaultError, ValueError):
                continue
            if parsed.output == output:
                return EntryOf(action, parsed.size, parsed.time)
    return None
