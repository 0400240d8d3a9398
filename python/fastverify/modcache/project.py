"""A project's side: which go.sum and go.work.sum the go command would hold modules to there."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from fastverify.errors import FastverifyError
from fastverify.modcache import gosum

#: A bound on what is read into memory; the largest real go.sum files have a few megabytes.
MAX_SUM_FILE_BYTES = 256 << 20
MAX_GO_WORK_BYTES = 16 << 20

_GO_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"|`([^`]*)`|([^\s"`]+)')


@dataclass(slots=True)
class Project:
    """A module or workspace that a check trusts."""

    #: The folder with go.work or go.mod.
    root: str
    sums: gosum.SumSet
    #: Files that the go command would read here and that are not there.
    absent: list[str] = field(default_factory=list)


def read_sum_file(path: str) -> gosum.SumFile:
    """Read one go.sum.  Raises FastverifyError where that is not possible."""
    try:
        with open(path, "rb") as stream:
            content = stream.read(MAX_SUM_FILE_BYTES + 1)
    except OSError as error:
        raise FastverifyError(f"{path} cannot be read: {error.strerror}") from error
    if len(content) > MAX_SUM_FILE_BYTES:
        raise FastverifyError(f"{path} is over {MAX_SUM_FILE_BYTES >> 20} MiB; that is no go.sum")
    return gosum.parse(path, content)


def find_project(folder: str, environ: Mapping[str, str] | None = None) -> Project:
    """The project that a go command started in `folder` would work on, with its sum files.

    As in Go, a go.work in the folder or above it makes it a workspace, unless GOWORK is ``off`` or
    names another file.  Raises FastverifyError where there is no project.
    """
    env = os.environ if environ is None else environ
    if not os.path.isdir(folder):
        what = "is not a folder" if os.path.lexists(folder) else "does not exist"
        raise FastverifyError(f"project {folder} {what}; give the folder that holds its go.mod")
    start = os.path.realpath(folder)
    gowork = env.get("GOWORK", "")
    work = gowork if gowork not in ("", "off") else _above(start, "go.work") if not gowork else None
    if work:
        return _workspace(work)
    go_mod = _above(start, "go.mod")
    if go_mod is None:
        raise FastverifyError(
            f"project {folder} has no go.mod, nor has any folder above it; give the folder that has, "
            "or a go.sum with --gosum"
        )
    root = os.path.dirname(go_mod)
    project = Project(root, gosum.SumSet())
    project.sums.main = _read_if_there(project, os.path.join(root, "go.sum"))
    return project


def trusted_sums(projects: Sequence[Project], sum_files: Sequence[str]) -> gosum.TrustedSums:
    """All that `projects` and the go.sum files named on their own can vouch for."""
    sets = [project.sums for project in projects]
    sets += [gosum.SumSet(main=read_sum_file(path)) for path in sum_files]
    return gosum.TrustedSums(sets)


def _workspace(go_work: str) -> Project:
    root = os.path.dirname(os.path.abspath(go_work))
    project = Project(root, gosum.SumSet())
    try:
        with open(go_work, "rb") as stream:
            text = stream.read(MAX_GO_WORK_BYTES).decode("utf-8", "surrogateescape")
    except OSError as error:
        raise FastverifyError(f"{go_work} cannot be read: {error.strerror}") from error
    project.sums.main = _read_if_there(project, os.path.join(root, "go.work.sum"))
    for member in use_directories(text):
        file = _read_if_there(project, os.path.join(root, member, "go.sum"))
        if file is not None:
            project.sums.members.append(file)
    return project


def _read_if_there(project: Project, path: str) -> gosum.SumFile | None:
    path = os.path.normpath(path)
    if not os.path.exists(path):
        project.absent.append(path)
        return None
    return read_sum_file(path)


def use_directories(go_work: str) -> list[str]:
    """The folders that the text of a go.work file names in its ``use`` lines and blocks."""
    folders: list[str] = []
    in_block = ""
    for raw in go_work.split("\n"):
        line = raw.split("//", 1)[0].strip()
        if not line:
            continue
        if in_block:
            if line == ")":
                in_block = ""
            elif in_block == "use":
                folders.append(_unquote(line))
            continue
        verb, _, rest = line.partition(" ")
        verb, rest = (verb[:-1], "(") if verb.endswith("(") else (verb, rest.strip())
        if rest == "(":
            in_block = verb
        elif verb == "use" and rest:
            folders.append(_unquote(rest))
    return folders


def _unquote(text: str) -> str:
    match = _GO_STRING.match(text)
    if match is None:
        return text
    if match[1] is not None:
        return re.sub(r"\\(.)", r"\1", match[1])
    return match[2] if match[2] is not None else match[3]


def _above(folder: str, name: str) -> str | None:
    """The nearest file `name` in `folder` or above it."""
    while True:
        path = os.path.join(folder, name)
        if os.path.isfile(path):
            return path
        parent = os.path.dirname(folder)
        if parent == folder:
            return None
        folder = parent
