"""Replacements of modules, in a main module or in a workspace.

Source of the rules: ``replacementFrom`` and ``canonicalizeReplacePath`` in
``cmd/go/internal/modload/modfile.go``, ``makeMainModules`` in ``init.go``.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

from fastverify.gomod.directives import Replace, is_folder
from fastverify.gomod.modfile import ModFile
from fastverify.gomod.syntax import Problem
from fastverify.gomod.workfile import WorkFile


@dataclass(frozen=True, slots=True)
class Replacement:
    """What stands in for a module."""

    #: A module path, or a folder as the go command prints it.
    path: str
    #: "" for a folder.
    version: str
    #: The folder's absolute path; "" for a module.
    folder: str
    #: The go.mod or go.work that says so, and where.
    file: str
    line: int


class _Table:
    """The replacements of one file."""

    def __init__(self, file: str, replace: Sequence[Replace], folder: str, printed_from: str) -> None:
        self.by_version: dict[tuple[str, str], Replacement] = {}
        self.problems: list[Problem] = []
        for one in replace:
            made = _replacement(file, one, folder, printed_from)
            earlier = self.by_version.setdefault((one.path, one.version), made)
            if (earlier.path, earlier.version) != (made.path, made.version):
                self.problems.append(Problem(file, one.line, 1, _conflict(one, earlier)))

    def of(self, path: str, version: str) -> Replacement | None:
        return self.by_version.get((path, version)) or self.by_version.get((path, ""))


def _replacement(file: str, one: Replace, folder: str, printed_from: str) -> Replacement:
    if one.with_version:
        return Replacement(one.with_path, one.with_version, "", file, one.line)
    absolute = os.path.normpath(os.path.join(folder, one.with_path))
    printed = one.with_path
    if folder != printed_from and not os.path.isabs(printed):
        # The file of a member: what it says is relative to the member, what is printed to the go.work.
        printed = os.path.relpath(absolute, printed_from).replace(os.sep, "/")
        printed = printed if is_folder(printed) else f"./{printed}"
    return Replacement(printed, "", absolute, file, one.line)


def _conflict(one: Replace, earlier: Replacement) -> str:
    what = f"{one.path}@{one.version}" if one.version else one.path
    return f"{what} is replaced by {one.with_path} here, but by {earlier.path} in line {earlier.line}"


class Replacements:
    """All replacements of a project.

    `modules` are the main modules' folders and go.mod files; `work` is the workspace's folder and
    go.work, or None outside one.
    """

    def __init__(self, modules: Sequence[tuple[str, ModFile]], work: tuple[str, WorkFile] | None) -> None:
        self._work: _Table | None = None
        self.problems: list[Problem] = []
        if work is not None:
            self._work = _Table(work[1].file, work[1].replace, work[0], work[0])
        self._modules = [
            _Table(file.file, file.replace, folder, folder if work is None else work[0])
            for folder, file in modules
        ]
        for table in [self._work, *self._modules]:
            if table is not None:
                self.problems += table.problems
        self._compare_members()

    def of(self, path: str, version: str) -> Replacement | None:
        """What stands in for the module; None where it stands for itself.

        The exact version goes before all versions, and go.work before its members.
        """
        if self._work is not None:
            found = self._work.of(path, version)
            if found is not None:
                return found
        for table in reversed(self._modules):
            found = table.of(path, version)
            if found is not None:
                return found
        return None

    def folders(self) -> list[tuple[str, str]]:
        """The modules that folders stand in for, each with the folder, by module path."""
        tables = [table for table in (self._work, *self._modules) if table is not None]
        found = {
            path: made.folder
            for table in reversed(tables)
            for (path, _), made in table.by_version.items()
            if made.folder
        }
        return sorted(found.items())

    def _compare_members(self) -> None:
        """Members that replace one module differently, which only go.work can decide."""
        decided = {path for path, _ in self._work.by_version} if self._work is not None else set()
        seen: dict[tuple[str, str], Replacement] = {}
        for table in self._modules:
            for key, made in table.by_version.items():
                earlier = seen.setdefault(key, made)
                if key[0] in decided or _same(earlier, made):
                    continue
                what = "@".join(filter(None, key))
                self.problems.append(
                    Problem(
                        made.file,
                        made.line,
                        1,
                        f"{what} is replaced by {made.path} here, but by {earlier.path} in {earlier.file}; "
                        "a replace line in go.work would decide",
                    )
                )


def _same(one: Replacement, other: Replacement) -> bool:
    return (one.folder or one.path, one.version) == (other.folder or other.path, other.version)
