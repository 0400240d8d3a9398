"""A project's side: its go.mod or go.work, its main modules, and the go.sum files that vouch for it.

Source of the rules: ``loadModFile``, ``LoadWorkFile`` and ``makeMainModules`` in
``cmd/go/internal/modload/init.go``.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from fastverify.errors import FastverifyError
from fastverify.gomod import goversion
from fastverify.gomod.directives import VersionFixer, without_lookup
from fastverify.gomod.godebug import godebug_fault
from fastverify.gomod.modfile import ModFile, parse_mod
from fastverify.gomod.modulepath import import_path_fault
from fastverify.gomod.reading import is_absent, read_file
from fastverify.gomod.summary import Module
from fastverify.gomod.syntax import MAX_FILE_BYTES, Problem
from fastverify.gomod.workfile import Use, WorkFile, parse_work
from fastverify.locate import GoVariables, flag_value, installed_toolchain
from fastverify.modcache import gosum, lock
from fastverify.modcache.replacements import Replacements

#: A bound on what is read into memory; the largest real go.sum files have a few megabytes.
MAX_SUM_FILE_BYTES = 256 << 20

#: How long (seconds) a go command may take to write a file of the project, and how often that is asked.
_PATIENCE = 5.0
_POLL = 0.01


@dataclass(frozen=True, slots=True)
class MainModule:
    """A module that is worked on: the project's own, or a member of its workspace."""

    #: The folder, absolute.
    root: str
    file: ModFile

    @property
    def path(self) -> str:
        """The module path; "" where the go.mod has none."""
        return self.file.module or ""


@dataclass(slots=True)
class Project:
    """A module or workspace, as far as its files can be understood."""

    #: The folder with go.work or go.mod.
    root: str
    sums: gosum.SumSet
    #: Files that the go command would read here and that are not there.
    absent: list[str] = field(default_factory=list)
    #: One outside a workspace; in one, those members whose go.mod can be read.
    main_modules: list[MainModule] = field(default_factory=list)
    #: None outside a workspace.
    work: WorkFile | None = None
    #: What the go command would refuse in go.mod and go.work files.
    problems: list[Problem] = field(default_factory=list)
    replacements: Replacements = field(default_factory=lambda: Replacements([], None))
    #: The go lines that are for a newer Go than the one here.
    too_new: list[Problem] = field(default_factory=list)
    #: The godebug lines that the Go here does not take, as far as its sources are here to tell.
    godebugs: list[Problem] = field(default_factory=list)
    #: Whether GOTOOLCHAIN lets the go command switch to that one.
    may_switch: bool = False

    @property
    def excluded(self) -> frozenset[Module]:
        """The module versions that any main module excludes."""
        return frozenset((x.path, x.version) for main in self.main_modules for x in main.file.exclude)

    @property
    def has_replacements(self) -> bool:
        """Whether any module is replaced."""
        return bool(self.work is not None and self.work.replace) or any(
            main.file.replace for main in self.main_modules
        )


def _read_at_rest(path: str, limit: int = MAX_FILE_BYTES) -> bytes:
    """:func:`read_file`, but for a file of a project that a go command may be writing at this moment.

    It does so in place, under a lock on the file itself (``cmd/go/internal/lockedfile``); who reads under
    the same lock never sees half of it.
    """
    deadline = time.monotonic() + _PATIENCE
    # On Windows a lock keeps everybody out, ourselves too.
    while sys.platform != "win32" and os.path.isfile(path):
        with lock.shared(path) as state:
            if state != "busy" or time.monotonic() > deadline:
                return read_file(path, limit)
        time.sleep(_POLL)
    return read_file(path, limit)


def read_sum_file(path: str) -> gosum.SumFile:
    """Read one go.sum.  Raises FastverifyError where that is not possible."""
    try:
        content = _read_at_rest(path, MAX_SUM_FILE_BYTES)
    except OSError as error:
        raise FastverifyError(f"{path} cannot be read: {error.strerror}") from error
    return gosum.parse(path, content)


def find_project(
    folder: str,
    environ: Mapping[str, str] | None = None,
    *,
    fix: VersionFixer = without_lookup,
    needs_sums: bool = True,
) -> Project:
    """The project that a go command started in `folder` would work on, with its sum files.

    As in Go, a go.work in the folder or above it makes it a workspace, unless GOWORK is ``off`` or
    names another file; and where GOFLAGS has ``-modfile``, that file stands in for the go.mod, and the
    .sum file beside it for the go.sum.  What is wrong inside its go.mod and go.work files is among the
    ``problems``.  Raises FastverifyError where there is no project, or where its go.work cannot be read.

    `fix` makes versions in go.mod files canonical.  A go.sum outside a workspace that cannot be read is an
    error, too; unless it `needs_sums`, it counts as empty, as it does for the go command.
    """
    variables = GoVariables(environ)
    if not os.path.isdir(folder):
        what = "is not a folder" if os.path.lexists(folder) else "does not exist"
        raise FastverifyError(f"project {folder} {what}; give the folder that holds its go.mod")
    start = working_folder(folder, variables.environ)
    modfile = flag_value(variables.get("GOFLAGS"), "modfile")
    work = find_go_work(start, variables)
    if work:
        if modfile:
            raise FastverifyError(f"GOFLAGS has -modfile={modfile}, which no workspace can have ({work})")
        return _with_too_new(_workspace(work, fix), variables)
    go_mod = find_go_mod(start)
    if go_mod is None:
        raise FastverifyError(
            f"project {folder} has no go.mod, nor has any folder above it; give the folder that has, "
            "or a go.sum with --gosum"
        )
    root = os.path.dirname(go_mod)
    if modfile:
        if not modfile.endswith(".mod"):
            raise FastverifyError(f"GOFLAGS has -modfile={modfile}, but the name has to end with .mod")
        go_mod = os.path.normpath(os.path.join(start, modfile))
    project = Project(root, gosum.SumSet())
    try:
        main = _main_module(project, root, go_mod, _read_at_rest(go_mod), fix)
    except OSError as error:
        project.problems.append(Problem(go_mod, 0, 0, f"cannot be read: {error.strerror}"))
        main = MainModule(root, ModFile(go_mod, is_unread=True))
    project.main_modules = [main]
    project.replacements = Replacements([(root, main.file)], None)
    project.problems += project.replacements.problems
    go_sum = f"{go_mod.removesuffix('.mod')}.sum"
    if needs_sums or not _is_closed(go_sum):
        project.sums.main = _read_if_there(project, go_sum)
    return _with_too_new(project, variables)


def _with_too_new(project: Project, variables: GoVariables) -> Project:
    """`project`, with what the Go that is installed here is too old for."""
    version = goversion.of_toolchain(installed_toolchain(variables.environ))
    setting = variables.get("GOTOOLCHAIN", "local")
    project.may_switch = setting in ("auto", "path") or setting.endswith(("+auto", "+path"))
    running = goversion.of_toolchain(setting.partition("+")[0]) or version
    files: list[ModFile | WorkFile] = [main.file for main in project.main_modules]
    if project.work is not None:
        files.insert(0, project.work)
    for file in files:
        if version and file.go is not None and goversion.is_before(running, file.go):
            message = f"go {file.go} is newer than the go command here, which is go {running}"
            project.too_new.append(Problem(file.file, file.go_line, 1, message))
        project.godebugs += _godebug_problems(file, version, variables.goroot)
    return project


def _godebug_problems(file: ModFile | WorkFile, version: str, goroot: str) -> Iterator[Problem]:
    for line in file.godebug:
        try:
            fault = godebug_fault(line, version, goroot)
        except FastverifyError:  # no Go is here that could say
            continue
        if fault:
            yield Problem(file.file, line.line, 1, fault)


def working_folder(folder: str, environ: Mapping[str, str]) -> str:
    """The folder that a go command works in which is started in `folder` (``os.Getwd``).

    In the current folder that is what PWD calls it, which may be through symbolic links.
    """
    if folder not in ("", os.curdir):
        return os.path.realpath(folder)
    named = environ.get("PWD", "")
    try:
        if os.path.isabs(named) and os.path.samefile(named, os.curdir):
            return os.path.normpath(named)
    except OSError:
        pass
    return os.getcwd()


def find_go_work(folder: str, variables: GoVariables) -> str | None:
    """``modload.FindGoWork``: the go.work that a go command in `folder` goes by, if any.

    Raises FastverifyError where GOWORK names none that Go would take.
    """
    gowork = variables.get("GOWORK")
    if gowork == "off":
        return None
    if gowork not in ("", "auto"):
        if not os.path.isabs(gowork):
            raise FastverifyError(f"GOWORK is {gowork}, but the go command takes only an absolute path")
        return os.path.normpath(gowork)
    return _above(folder, "go.work", variables.goroot)


def find_go_mod(folder: str) -> str | None:
    """``modload.findModuleRoot``: the go.mod of the module that `folder` is in, if any."""
    return _above(folder, "go.mod", None)


def trusted_sums(projects: Sequence[Project], sum_files: Sequence[str]) -> gosum.TrustedSums:
    """All that `projects` and the go.sum files named on their own can vouch for."""
    sets = [project.sums for project in projects]
    sets += [gosum.SumSet(main=read_sum_file(path)) for path in sum_files]
    return gosum.TrustedSums(sets)


def _workspace(go_work: str, fix: VersionFixer) -> Project:
    root = os.path.dirname(go_work)
    try:
        work = parse_work(go_work, _read_at_rest(go_work))
    except OSError as error:
        raise FastverifyError(f"{go_work} cannot be read: {error.strerror}") from error
    project = Project(root, gosum.SumSet(), work=work, problems=list(work.problems))
    project.sums.main = _read_if_there(project, f"{go_work}.sum")
    seen: dict[str, Use] = {}
    for use in work.use:
        folder = os.path.normpath(os.path.join(root, use.folder))
        if folder in seen:
            message = f"{use.folder} is the folder of line {seen[folder].line} again"
            project.problems.append(Problem(go_work, use.line, 1, message))
            continue
        seen[folder] = use
        _add_member(project, work, use, folder, fix)
    if not work.use:
        project.problems.append(Problem(go_work, 0, 0, "the workspace has no modules; go work use adds them"))
    _check_members(project, work)
    project.replacements = Replacements(
        [(main.root, main.file) for main in project.main_modules], (root, work)
    )
    project.problems += project.replacements.problems
    return project


def _add_member(project: Project, work: WorkFile, use: Use, folder: str, fix: VersionFixer) -> None:
    """Take in the member that the go.work names in `use`."""
    go_mod = os.path.join(folder, "go.mod")
    try:
        content = _read_at_rest(go_mod)
    except OSError as error:
        what = "there is no go.mod" if is_absent(error) else f"go.mod cannot be read: {error.strerror}"
        project.problems.append(Problem(work.file, use.line, 1, f"use {use.folder}: {what} in {folder}"))
    else:
        project.main_modules.append(_main_module(project, folder, go_mod, content, fix))
    file = _read_if_there(project, os.path.join(folder, "go.sum"))
    if file is not None:
        project.sums.members.append(file)


def _main_module(project: Project, root: str, go_mod: str, content: bytes, fix: VersionFixer) -> MainModule:
    file = parse_mod(go_mod, content, fix)
    main = MainModule(root, file)
    project.problems += file.problems
    if file.module is None:
        if not file.problems:
            project.problems.append(
                Problem(go_mod, 0, 0, "there is no module line; go mod edit -module sets it")
            )
        return main
    fault = import_path_fault(main.path)
    if goversion.is_pseudo_module(main.path):
        fault = "the name is reserved"
    if fault:
        message = f"no module can have the path {main.path}: {fault}"
        project.problems.append(Problem(go_mod, file.module_line, 1, message))
    return main


def _check_members(project: Project, work: WorkFile) -> None:
    """What the go command asks of the members of a workspace together."""
    seen: dict[str, MainModule] = {}
    for main in project.main_modules:
        earlier = seen.setdefault(main.path, main)
        if main.path and earlier is not main:
            message = f"{main.path} is also the module in {earlier.root}; a workspace has each only once"
            project.problems.append(Problem(main.file.file, main.file.module_line, 1, message))
        asked = main.file.go_version
        strict = not goversion.is_before(asked, goversion.STRICT)
        if strict and goversion.is_before(work.go_version, asked):
            message = f"needs go {asked}, but the go.work is for go {work.go_version}; go work use raises it"
            project.problems.append(Problem(main.file.file, main.file.go_line, 1, message))
    for replace in work.replace:
        if not replace.version and replace.path in seen:
            message = f"{replace.path} is a member of the workspace and cannot be replaced at every version"
            project.problems.append(Problem(work.file, replace.line, 1, message))


def _is_closed(path: str) -> bool:
    """Whether it is a folder, or a file that may not be read."""
    return os.path.isdir(path) or (os.path.exists(path) and not os.access(path, os.R_OK))


def _read_if_there(project: Project, path: str) -> gosum.SumFile | None:
    path = os.path.normpath(path)
    if not os.path.exists(path):
        project.absent.append(path)
        return None
    return read_sum_file(path)


def _above(folder: str, name: str, goroot: str | None) -> str | None:
    """The nearest file `name` in `folder` or above it, but not in or beyond `goroot` seen from inside."""
    while True:
        path = os.path.join(folder, name)
        if os.path.exists(path) and not os.path.isdir(path):
            return path
        parent = os.path.dirname(folder)
        if parent == folder or (goroot and parent == goroot):
            return None
        folder = parent
