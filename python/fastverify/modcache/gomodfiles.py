"""The go.mod files of a project's dependencies: from a module cache, or from replacement folders.

Source of the rules: ``goModSummary`` and ``rawGoModSummary`` in ``cmd/go/internal/modload/modfile.go``.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from fastverify.gomod import goversion
from fastverify.gomod.reading import is_absent, read_file
from fastverify.gomod.summary import Module, Summarizer, Summary
from fastverify.modcache import layout
from fastverify.modcache.modulefiles import file_path
from fastverify.modcache.project import Project
from fastverify.modcache.replacements import Replacement

#: ``missing``: there is none in the module cache, and the network would have it.  ``unreadable``: it is
#: there and cannot be read, which to the go command is the same.
UnloadedKind = Literal["missing", "unreadable", "refused"]

#: How a go.mod begins that an early Go made up; the go command takes it as not there.
_MADE_UP = b"//vgo 0.0."


class LoadedGoMod(NamedTuple):
    """A go.mod that was read from the module cache, under the name that go.sum has it under."""

    path: str
    version: str
    #: The ``.mod`` file.
    file: str


@dataclass(frozen=True, slots=True)
class UnloadedGoMod:
    """A go.mod that should count and does not."""

    #: The module that is required, and its replacement, which then is the one concerned.
    module: Module
    replacement: Replacement | None
    #: Where the go.mod should be; "" where no file can have the name.
    file: str
    kind: UnloadedKind
    message: str

    @property
    def source(self) -> Module:
        """The module whose go.mod it is; for a folder, with the version ""."""
        if self.replacement is None:
            return self.module
        return self.replacement.path, self.replacement.version


class Contribution(NamedTuple):
    """What a module adds to the graph."""

    require: Sequence[Module]
    pruned: bool


class GoModFiles:
    """Reads each go.mod once."""

    def __init__(self, project: Project, modcache: str) -> None:
        self._project = project
        self._modcache = modcache
        self._summarizer = Summarizer()
        self._excluded = project.excluded
        self._replaces = project.has_replacements
        self._contributions: dict[Module, Contribution | None] = {}
        self._summaries: dict[Module, Summary | UnloadedGoMod] = {}
        self._members = {main.path: main for main in project.main_modules}
        self.loaded: list[LoadedGoMod] = []
        self.unloaded: dict[Module, UnloadedGoMod] = {}

    def contribution(self, module: Module) -> Contribution | None:
        """What `module` adds to the graph; None where its go.mod is among the ``unloaded``."""
        try:
            return self._contributions[module]
        except KeyError:
            made = self._contributions[module] = self._contribution(module)
            return made

    def _contribution(self, module: Module) -> Contribution | None:
        path, version = module
        if goversion.is_pseudo_module(path):
            needs_toolchain = path == goversion.GO and not goversion.is_before(version, goversion.STRICT)
            return Contribution([(goversion.TOOLCHAIN, f"go{version}")] if needs_toolchain else [], False)
        if not version and path in self._members:
            file = self._members[path].file
            summary = Summary(path, file.go or "", tuple((r.path, r.version) for r in file.require))
        else:
            replacement = self._project.replacements.of(path, version) if self._replaces else None
            found = self._load(module, replacement)
            if isinstance(found, UnloadedGoMod):
                self.unloaded[module] = found
                return None
            summary = found
        require: Sequence[Module] = summary.require
        if summary.go and not goversion.is_before(summary.go, goversion.STRICT):
            require = [*require, (goversion.GO, summary.go)]
        if self._excluded:
            require = [requirement for requirement in require if requirement not in self._excluded]
        return Contribution(require, summary.pruned)

    def _load(self, module: Module, replacement: Replacement | None) -> Summary | UnloadedGoMod:
        source = module if replacement is None else (replacement.path, replacement.version)
        if replacement is not None and replacement.folder:
            file = os.path.join(replacement.folder, "go.mod")
            key = replacement.folder, ""
        elif not (layout.is_module_path(source[0]) and layout.is_version(source[1])):
            return UnloadedGoMod(
                module, replacement, "", "refused", "the go command refuses this module path"
            )
        else:
            file = file_path(self._modcache, *source, "mod")
            key = source
        if key not in self._summaries:
            self._summaries[key] = self._read(module, replacement, file)
        found = self._summaries[key]
        if isinstance(found, UnloadedGoMod):
            return UnloadedGoMod(module, replacement, file, found.kind, found.message)
        if not (replacement is not None and replacement.folder):
            fault = _name_fault(found.module, module[0], source[0])
            if fault:
                return UnloadedGoMod(module, replacement, file, "refused", fault)
        return found

    def _read(self, module: Module, replacement: Replacement | None, file: str) -> Summary | UnloadedGoMod:
        in_folder = replacement is not None and bool(replacement.folder)
        try:
            content = read_file(file)
        except OSError as error:
            if is_absent(error) and not in_folder:
                return UnloadedGoMod(module, replacement, file, "missing", "no go.mod in the module cache")
            what = error.strerror or str(error)
            kind: UnloadedKind = "refused" if in_folder else "unreadable"
            return UnloadedGoMod(module, replacement, file, kind, f"go.mod cannot be read: {what}")
        if not in_folder:
            if content.startswith(_MADE_UP):
                message = "the go.mod in the module cache was made up by an early Go and does not count"
                return UnloadedGoMod(module, replacement, file, "missing", message)
            source = module if replacement is None else (replacement.path, replacement.version)
            self.loaded.append(LoadedGoMod(*source, file))
        summary = self._summarizer.summarize("go.mod", content)
        if summary.problems:
            others = len(summary.problems) - 1
            message = f"{summary.problems[0]}" + (f" (and {others} more)" if others else "")
            return UnloadedGoMod(module, replacement, file, "refused", message)
        return summary


def _name_fault(declared: str, required: str, source: str) -> str:
    """Why a go.mod that says it is of the module `declared` cannot be that of `required`; "" if it can."""
    if not declared:
        return "go.mod has no module line"
    if declared not in (required, source):
        return f"go.mod declares its path as {declared}, but it was required as {required}"
    return ""
