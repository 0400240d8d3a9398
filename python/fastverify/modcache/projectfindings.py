"""Findings about a project's own files, and about what its build list lacks."""

from __future__ import annotations

import os
from collections.abc import Container, Iterator, Mapping, Sequence
from typing import Literal

from fastverify.gomod.modfile import ModFile
from fastverify.gomod.modulepath import import_path_fault
from fastverify.gomod.summary import Module
from fastverify.gomod.syntax import Problem
from fastverify.gomod.workfile import WorkFile
from fastverify.modcache.buildlist import AbsentGoMod, BuildList, named
from fastverify.modcache.project import Project
from fastverify.report.model import Finding

#: How many replaced modules a sentence names.
_NAMED = 3


def project_findings(project: Project, folders: Mapping[str, Problem]) -> Iterator[Finding]:
    """What the go command would refuse in a project's go.mod and go.work files.

    `folders` are those of :func:`missing_folders`.
    """
    for problem in project.problems:
        yield _refused(
            problem,
            "the go command stops with this error",
            "mend it, or restore the file from version control; all else was checked",
        )
    for line in project.too_new:
        if project.may_switch:
            yield Finding(
                "warning",
                "note",
                "mod",
                line.file,
                f"{_place(line)}{line.message}",
                "the go command switches to a Go that is new enough, which it may have to fetch",
                "nothing has to be done",
            )
        else:
            yield _refused(
                line,
                "the go command stops with this error, as GOTOOLCHAIN does not let it switch to another Go",
                "install that Go, or set GOTOOLCHAIN=auto",
            )
    for problem in [*refused_lines(project), *folders.values()]:
        yield _refused(problem, "the go command stops with an error", "mend the line; all else was checked")


def _refused(problem: Problem, go: str, hint: str) -> Finding:
    message = f"{_place(problem)}{problem.message}"
    return Finding("malformed", "error", "mod", problem.file, message, go, hint)


def refused_lines(project: Project) -> Iterator[Problem]:
    """Lines that are well-formed, and that the go command refuses all the same: unknown godebug settings,
    and tools that cannot be imported (``module.CheckImportPath``).
    """
    yield from project.godebugs
    for main in project.main_modules:
        for tool in main.file.tool:
            if fault := import_path_fault(tool):
                yield Problem(main.file.file, 0, 0, f"tool {tool}: malformed path: {fault}")


def missing_folders(project: Project) -> dict[str, Problem]:
    """Folders without a go.mod that stand in for required modules: the missing go.mod, and the line."""
    files: list[ModFile | WorkFile] = [*_go_mods(project)]
    if project.work is not None:
        files.insert(0, project.work)
    lines: dict[str, tuple[str, int]] = {}
    for file in files:
        for line in file.replace:
            if not line.with_version:
                lines.setdefault(line.path, (file.file, line.line))
    required = {line.path for file in _go_mods(project) for line in file.require}
    found = {}
    for path, folder in project.replacements.folders():
        go_mod = os.path.join(folder, "go.mod")
        if path not in required or os.path.lexists(go_mod):
            continue
        what = "has no go.mod" if os.path.isdir(folder) else "does not exist"
        message = f"{path} is replaced by {folder}, which {what}"
        in_file, number = lines[path]
        found[go_mod] = Problem(in_file, number, 1, message)
    return found


def _go_mods(project: Project) -> list[ModFile]:
    return [main.file for main in project.main_modules]


def _place(problem: Problem) -> str:
    if not problem.line:
        return ""
    column = f", column {problem.column}" if problem.column > 1 else ""
    return f"line {problem.line}{column}: "


def build_list_findings(
    modules: BuildList, checked: Container[Module], folders: Container[str]
) -> Iterator[Finding]:
    """The go.mod files that a build list lacks, and so perhaps modules that it should have.

    An unreadable one of the `checked` modules is told where they are judged, and one of `folders` that is
    missing among the :func:`project_findings`.
    """
    for absent in modules.missing:
        go = "the go command fetches it, and stops where it may not"
        yield _absent(absent, "missing", go, f"go mod graph fetches it, in {modules.project.root}")
    for absent in modules.errors:
        if absent.file in folders:
            continue
        go = "the go command stops with an error"
        yield _absent(absent, "malformed", go, "mend the file, or the requirement that leads to it")
    for absent in modules.unreadable:
        if (absent.path, absent.version) not in checked:
            hint = "run fastverify as a user who may read it, or delete what lies there"
            go = "the go command takes it as not there and fetches it, and stops where it may not"
            yield _absent(absent, "unreadable", go, hint)


def unknown_requirements(modules: BuildList) -> list[str]:
    """A sentence on each go.mod that could not be read: what its module needs is not in the list."""
    return [
        f"what {named(absent.unloaded.source)} needs, as its go.mod cannot be read"
        for absent in modules.unreadable
    ]


def _absent(
    absent: AbsentGoMod, verdict: Literal["missing", "malformed", "unreadable"], go: str, hint: str
) -> Finding:
    asking = f", which {named(absent.required_by[0])} requires" if absent.required_by else ""
    return Finding(
        verdict,
        "error",
        "mod",
        absent.file or absent.unloaded.module[0],
        f"{absent.unloaded.message}: what {named(absent.unloaded.source)}{asking}, needs is not known",
        go,
        hint,
        module=absent.path,
        version=absent.version,
    )


def replaced_by_folders(project: Project) -> str | None:
    """One sentence about the modules that folders stand in for; None where there are none.

    No authority knows the content of such a folder, and Go never verifies it.
    """
    folders = project.replacements.folders()
    if not folders:
        return None
    shown = [f"{path} by {os.path.relpath(folder, project.root)}" for path, folder in folders[:_NAMED]]
    more = f", and {len(folders) - _NAMED} more" if len(folders) > _NAMED else ""
    return (
        f"modules of {project.root} that folders replace, which nothing vouches for: "
        f"{', '.join(shown)}{more} (where go mod verify says of one that its ziphash is missing, "
        "that is no damage: it was never downloaded)"
    )


def scope_sentences(lists: Sequence[BuildList], absent: int) -> list[str]:
    """What a check of build lists leaves out."""
    roots = ", ".join(dict.fromkeys(modules.project.root for modules in lists))
    said = [f"modules of the cache that are not in the build list of {roots}"]
    if absent:
        modules = "1 module" if absent == 1 else f"{absent:,} modules"
        said.append(f"{modules} of the build list, of which the cache has neither zip nor tree")
    return said
