"""What Go says of a project's go.mod and go.work files while it reads them.

Source: ``loadModFile``, ``LoadWorkFile`` and ``makeMainModules`` in ``cmd/go/internal/modload/init.go``,
``ReadModFile`` and ``indexModFile`` in ``modfile.go``.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

from fastverify.errors import FastverifyError
from fastverify.gomod import goversion
from fastverify.gomod.directives import LOOKUP_ADVICE, Replace
from fastverify.gomod.godebug import godebug_fault
from fastverify.gomod.modfile import ModFile, parse_mod_lax
from fastverify.gomod.modulepath import import_path_fault, module_path_fault
from fastverify.gomod.quoting import quote
from fastverify.gomod.reading import read_file
from fastverify.gomod.syntax import Problem
from fastverify.gomod.workfile import WorkFile
from fastverify.goverify.oserrors import GoError, read_as_go
from fastverify.goverify.proxies import DISABLED, info_without_metadata, lookup_words
from fastverify.goverify.refusal import RefusedError, short_path
from fastverify.goverify.settings import Command
from fastverify.modcache import layout
from fastverify.modcache.buildlist import named
from fastverify.modcache.project import MainModule, Project


class _ModFileError(Exception):
    """Why Go does not take one go.mod; `too_new` is its go line where that is why."""

    def __init__(self, text: str, too_new: str = "") -> None:
        super().__init__(text)
        self.too_new = too_new


def check_go_work_is_readable(command: Command) -> None:
    """Raises RefusedError in Go's words where the go.work that it goes by cannot be read."""
    if command.go_work is None:
        return
    try:
        read_as_go(command.go_work, short_path(command.go_work, command.cwd))
    except GoError as error:
        raise RefusedError(f"go: reading go.work: {error}") from None


class ProjectFiles:
    """The files of a project as one go command sees them.

    `said` is what Go says and yet goes on, and `status` how it will exit for that.
    """

    def __init__(self, project: Project, command: Command, modcache: str) -> None:
        self._project = project
        self._modcache = modcache
        self._command = command
        self.said: list[str] = []
        self.status = 0

    def check(self) -> None:
        """Raises RefusedError in Go's words where it gives up.

        And FastverifyError where it would ask the network what a version stands for.
        """
        work = self._project.work
        folders = [main.root for main in self._project.main_modules]
        if work is not None:
            folders = self._check_work(work)
        mains = {main.root: main for main in self._project.main_modules}
        errors: list[str] = []
        for folder in folders:
            errors += self._errors_of(folder, mains.get(folder), work)
        if errors:
            raise RefusedError("\n".join(f"go: {error}" for error in errors))
        self._check_together(work)
        if work is None:
            main = self._project.main_modules[0].file
            excluded = self._project.excluded
            for require in main.require:
                if (require.path, require.version) in excluded:
                    self.said.append(
                        f"go: dropping requirement on excluded version {require.path} {require.version}"
                    )

    def _short(self, path: str) -> str:
        return short_path(path, self._command.cwd)

    def _check_work(self, work: WorkFile) -> list[str]:
        """``LoadWorkFile``: the folders of the members."""
        file = self._short(work.file)
        if work.problems:
            lines = [
                str(Problem(file, p.line, p.column, p.message.replace(work.file, file)))
                for p in work.problems
            ]
            raise RefusedError("go: errors parsing go.work:\n" + "\n".join(lines))
        running = self._command.running
        if work.go is not None and running.is_too_old_for(work.go):
            raise RefusedError(f"go: {running.too_old(file, work.go)}")
        folders: list[str] = []
        for use in work.use:
            folder = os.path.normpath(os.path.join(self._project.root, use.folder))
            if folder in folders:
                raise RefusedError(
                    f"go: error loading go.work:\n{file}:{use.line}: "
                    f"path {folder} appears multiple times in workspace"
                )
            folders.append(folder)
        for line in work.godebug:
            fault = godebug_fault(line, running.version, self._command.variables.goroot)
            if fault:
                raise RefusedError(f"go: error loading go.work:\n{file}:{line.line}: {fault}")
        return folders

    def _errors_of(self, folder: str, main: MainModule | None, work: WorkFile | None) -> Iterator[str]:
        """What Go has against one main module."""
        go_mod = os.path.join(folder, "go.mod")
        if main is not None:
            go_mod = main.file.file
        try:
            file = self._read(go_mod, main)
        except _ModFileError as error:
            if work is None:
                yield str(error)
            elif error.too_new:
                yield self._work_too_old(folder, work, error.too_new)
            else:
                yield f"cannot load module {self._short(folder)} listed in go.work file: {error}"
            return
        if work is not None:
            asked = file.go_version
            if not goversion.is_before(asked, goversion.STRICT) and goversion.is_before(
                work.go_version, asked
            ):
                yield self._work_too_old(folder, work, asked)
                return
        else:
            faults = list(self._godebug_errors(file))
            if faults:
                yield from faults
                return
        _check_conflicts(file.replace)
        path = file.module or ""
        fault = import_path_fault(path)
        if fault:
            yield f"malformed module path {quote(path)}: {fault}"

    def _read(self, go_mod: str, main: MainModule | None) -> ModFile:
        """``ReadModFile``."""
        shown = self._command.modfile or self._short(go_mod)
        if main is None or main.file.is_unread:
            try:
                read_as_go(go_mod, self._command.modfile or (go_mod if main is not None else shown))
            except GoError as error:
                raise _ModFileError(str(error)) from None
            raise FastverifyError(f"{go_mod} has just changed; run the command once more")
        file = main.file
        running = self._command.running
        if file.problems:
            self._check_parsed_laxly(file, shown)
            lines = [str(Problem(shown, p.line, p.column, self._message(file, p))) for p in file.problems]
            raise _ModFileError(f"errors parsing {shown}:\n" + "\n".join(lines))
        if file.go is not None and running.is_too_old_for(file.go):
            raise _ModFileError(running.too_old(shown, file.go), file.go)
        if file.module is None:
            raise _ModFileError(
                f"error reading {shown}: missing module declaration. To specify the module path:\n"
                "\tgo mod edit -module=example.com/mod"
            )
        if goversion.is_pseudo_module(file.module):
            raise _ModFileError(f"error reading {shown}: invalid module path: {quote(file.module)}")
        return file

    def _check_parsed_laxly(self, file: ModFile, shown: str) -> None:
        """Where a go.mod may be of a future Go, that is what is said of it."""
        running = self._command.running
        if not running.version:
            return
        try:
            lax = parse_mod_lax(file.file, read_file(file.file))
        except OSError:
            return
        if not lax.problems and lax.go is not None and running.is_too_old_for(lax.go):
            raise _ModFileError(running.too_old(shown, lax.go), lax.go)

    def _message(self, file: ModFile, problem: Problem) -> str:
        """What Go says of a version that it would have to look up."""
        if not problem.message.endswith(LOOKUP_ADVICE):
            return problem.message.replace(file.file, self._command.modfile or file.file)
        module = problem.message.split(" is no exact version", 1)[0]
        path, _, version = module.rpartition("@")
        known = {replace.path for replace in file.replace} | {file.module}
        words = lookup_words(self._command.settings, path)
        if words not in (None, DISABLED):
            return words  # no proxy, no answer, not even from the module cache
        if path not in known and not goversion.is_pseudo_module(path):
            # Before any proxy is asked, and so before it matters that none may be.
            fault = module_path_fault(path)
            if fault:
                return f"malformed module path {quote(path)}: {fault}"
        info = info_without_metadata(self._modcache, path, version)
        # A commit, or a version with build metadata, may be found in the module cache.
        is_local = path in known or _is_commit(version) or (info is not None and os.path.lexists(info))
        if words is None or is_local or not layout.is_module_path(path):
            raise FastverifyError(str(problem))
        return words

    def _work_too_old(self, folder: str, work: WorkFile, version: str) -> str:
        verb = "lists" if work.go is not None else "implicitly requires"
        return (
            f"module {self._short(folder)} listed in go.work file requires go >= {version}, "
            f"but go.work {verb} go {work.go_version}; to update it:\n\tgo work use"
        )

    def _godebug_errors(self, file: ModFile) -> Iterator[str]:
        shown = self._command.modfile or self._short(file.file)
        for line in file.godebug:
            fault = godebug_fault(line, self._command.running.version, self._command.variables.goroot)
            if fault:
                yield f"error loading go.mod:\n{shown}:{line.line}: {fault}"

    def _check_together(self, work: WorkFile | None) -> None:
        """``makeMainModules``."""
        if work is not None:
            _check_conflicts(work.replace)
        paths: set[str] = set()
        for main in self._project.main_modules:
            if main.path in paths:
                self._error(f"go: module {main.path} appears multiple times in workspace")
            paths.add(main.path)
        replaced: dict[tuple[str, str], str] = {}
        decided: set[str] = set()
        for replace in work.replace if work is not None else ():
            if replace.path in paths and not replace.version:
                self._error(
                    f"go: workspace module {replace.path} is replaced at all versions in the go.work file. "
                    "To fix, remove the replacement from the go.work file or specify the version at which "
                    "to replace the module."
                )
            decided.add(replace.path)
            replaced[replace.path, replace.version] = named((replace.with_path, replace.with_version))
        for main in self._project.main_modules:
            self._check_against_others(main, decided, replaced, in_workspace=work is not None)
            for tool in main.file.tool:
                fault = import_path_fault(tool)
                if fault:
                    self._refuse(f"go: malformed tool path {quote(tool)}: {fault}")

    def _check_against_others(
        self,
        main: MainModule,
        decided: set[str],
        replaced: dict[tuple[str, str], str],
        *,
        in_workspace: bool,
    ) -> None:
        own: set[tuple[str, str]] = set()
        for replace in main.file.replace:
            if replace.path in decided:
                continue
            key = replace.path, replace.version
            by = named((replace.with_path, replace.with_version))
            if in_workspace and not replace.with_version and not os.path.isabs(replace.with_path):
                by = os.path.normpath(os.path.join(main.root, replace.with_path))
            earlier = replaced.get(key, by)
            if key not in own and earlier != by:
                old = named(key)
                self._refuse(
                    f"go: conflicting replacements for {old}:\n\t{earlier}\n\t{by}\n"
                    f'use "go work edit -replace {old}=[override]" to resolve'
                )
            own.add(key)
            replaced[key] = by

    def _error(self, text: str) -> None:
        """``base.Errorf``: Go goes on, but will exit with status 1."""
        self.said.append(text)
        self.status = 1

    def _refuse(self, text: str) -> None:
        raise RefusedError("\n".join([*self.said, text]))


def _check_conflicts(replaces: Sequence[Replace]) -> None:
    """``indexModFile`` and ``toReplaceMap``: no file may replace one module twice."""
    seen: dict[tuple[str, str], str] = {}
    for replace in replaces:
        key = replace.path, replace.version
        by = named((replace.with_path, replace.with_version))
        earlier = seen.setdefault(key, by)
        if earlier != by:
            raise RefusedError(f"go: conflicting replacements for {named(key)}:\n\t{earlier}\n\t{by}")


def _is_commit(version: str) -> bool:
    return len(version) >= 12 and all(char in "0123456789abcdef" for char in version)
