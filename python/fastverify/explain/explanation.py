"""What is known of one module version: plain records, and their JSON form."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from fastverify.explain.diff import Diff
from fastverify.explain.neighbours import Neighbour
from fastverify.modcache import changes
from fastverify.report.model import SCHEMA, FileChange, Finding

#: How many neighbours are listed.
LISTED_NEIGHBOURS = 20


@dataclass(frozen=True, slots=True)
class Part:
    """One file or folder that a module version can have in a cache."""

    #: ``zip``, ``ziphash``, ``mod``, ``info``, ``lock``, ``partial`` or ``dir``.
    kind: str
    path: str
    #: None where it is not there.
    size: int | None = None
    mtime: str | None = None
    owner: str | None = None
    mode: str | None = None

    def to_json(self) -> dict[str, Any]:
        """The JSON form."""
        facts = {"size": self.size, "mtime": self.mtime, "owner": self.owner, "mode": self.mode}
        there = self.mode is not None
        return {"kind": self.kind, "path": self.path, "present": there} | (facts if there else {})


@dataclass(frozen=True, slots=True)
class Word:
    """What one authority says a hash is."""

    #: ``gosum``, ``sumdb``, ``ziphash`` or ``zip``.
    authority: str
    #: The file, and the line of a go.sum.
    source: str
    h1: str
    #: The parts that have this hash, and those that have another.
    agrees: tuple[str, ...]
    differs: tuple[str, ...]
    #: Why it does not count; "" where it does.
    reservation: str = ""

    def to_json(self) -> dict[str, Any]:
        """The JSON form."""
        return {
            "authority": self.authority,
            "source": self.source,
            "h1": self.h1,
            "agrees": list(self.agrees),
            "differs": list(self.differs),
            "reservation": self.reservation,
        }


@dataclass(frozen=True, slots=True)
class Hashes:
    """One hash as it was measured, and as the authorities have it."""

    #: By the part that was measured.
    measured: dict[str, str]
    words: tuple[Word, ...]

    def to_json(self) -> dict[str, Any]:
        """The JSON form."""
        return {"measured": self.measured, "authorities": [word.to_json() for word in self.words]}


@dataclass(frozen=True, slots=True)
class DamagedFile:
    """A file of the tree that is not as the zip has it."""

    change: FileChange
    #: When the file, or for a missing one its folder, was changed last (ctime), RFC 3339.
    changed: str
    diff: Diff

    def to_json(self) -> dict[str, Any]:
        """The JSON form."""
        return self.change.to_json() | {
            "changed": self.changed,
            "diff": {
                "kind": self.diff.kind,
                "lines": list(self.diff.lines),
                "left_out": self.diff.left_out,
            },
        }


@dataclass(frozen=True, slots=True)
class Asking:
    """How a project comes by the module."""

    project: str
    #: The version that the project is built from; "" where it is built from none.
    selected: str
    #: The requirements that lead from a main module to it, ``path@version`` each.
    way: tuple[str, ...]
    #: Modules of the graph that require exactly the version that was asked for.
    required_by: tuple[str, ...]
    #: What is built in its stead; "" where it is itself.
    replaced_by: str = ""
    #: The module that it stands in for; "" for none.
    replaces: str = ""

    def to_json(self) -> dict[str, Any]:
        """The JSON form."""
        return {
            "project": self.project,
            "selected": self.selected,
            "way": list(self.way),
            "required_by": list(self.required_by),
            "replaced_by": self.replaced_by,
            "replaces": self.replaces,
        }


@dataclass(slots=True)
class Explanation:
    """All of it."""

    modcache: str
    module: str
    version: str
    engine: str
    #: ``verified``, ``damaged``, ``unreadable`` or ``untracked``.
    state: str
    authority: str
    #: The file that was asked for, relative to the tree; "" for all.
    file: str = ""
    parts: list[Part] = field(default_factory=list)
    content: Hashes = field(default_factory=lambda: Hashes({}, ()))
    go_mod: Hashes = field(default_factory=lambda: Hashes({}, ()))
    asking: list[Asking] = field(default_factory=list)
    #: What no authority is asked for, and why; a sentence each.
    exempt: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    files: list[DamagedFile] = field(default_factory=list)
    #: How many files beyond those are damaged.
    more_files: int = 0
    neighbours: list[Neighbour] = field(default_factory=list)
    causes: list[str] = field(default_factory=list)
    #: Shell commands that mend it.
    commands: list[str] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """The JSON form; fields are added, never renamed or removed."""
        from fastverify import __version__

        return {
            "schema": SCHEMA,
            "kind": "explanation",
            "fastverify": __version__,
            "engine": self.engine,
            "modcache": self.modcache,
            "module": self.module,
            "version": self.version,
            "file": self.file,
            "state": self.state,
            "authority": self.authority,
            "parts": [part.to_json() for part in self.parts],
            "hashes": {"module": self.content.to_json(), "go.mod": self.go_mod.to_json()},
            "projects": [asking.to_json() for asking in self.asking],
            "exempt": self.exempt,
            "findings": [finding.to_json() for finding in self.findings],
            "files": [file.to_json() for file in self.files],
            "more_files": self.more_files,
            "neighbours": [
                {"module": n.module, "version": n.version, "path": n.path, "changed": time_of(n.at)}
                for n in self.neighbours[:LISTED_NEIGHBOURS]
            ],
            "more_neighbours": max(len(self.neighbours) - LISTED_NEIGHBOURS, 0),
            "causes": self.causes,
            "commands": self.commands,
        }


def time_of(seconds: float) -> str:
    """RFC 3339, UTC."""
    return changes.timestamp(int(seconds * 1e9))
