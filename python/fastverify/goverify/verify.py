"""``go mod verify`` from beginning to end: ``runVerify`` in ``cmd/go/internal/modcmd/verify.go``."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import NamedTuple

from fastverify.engine.protocol import Engine, Measurements, ModuleMeasurement, ModuleTask
from fastverify.errors import FastverifyError
from fastverify.goverify import graph
from fastverify.goverify.modules import Parts, errors_of, in_brief, look_at, needs_measuring, task
from fastverify.goverify.projectfiles import ProjectFiles, check_go_work_is_readable
from fastverify.goverify.proxies import without_network
from fastverify.goverify.refusal import RefusedError
from fastverify.goverify.settings import Command, begin
from fastverify.locate import GoSettings, GoVariables, module_cache
from fastverify.modcache import live, lock
from fastverify.modcache.buildlist import BuildList, BuildModule, build_list, named
from fastverify.modcache.gosum import GO_MOD_SUFFIX
from fastverify.modcache.judge import judge_module
from fastverify.modcache.modulefiles import download_dir, file_path, look_again
from fastverify.modcache.project import Project, find_project, trusted_sums, working_folder
from fastverify.modcache.tasks import biggest_first, task_of
from fastverify.report.inorder import InOrder
from fastverify.report.model import Result
from fastverify.sumdb.opening import Opener
from fastverify.sumdb.proof import NO_DATABASE, ModuleProofs
from fastverify.sumdb.settings import SumdbSettings, sumdb_settings

#: What Go writes to stdout where it finds nothing.
SUCCESS = "all modules verified"

#: Stands for a module cache in which there is nothing: below a file no file can be.
_NOWHERE = os.path.join(os.devnull, "modcache")


@dataclass(slots=True)
class Verification:
    """What ``go mod verify`` says, and what fastverify knows beyond it."""

    #: Lines, or blocks of lines, for stderr, each without its last newline.
    errors: list[str] = field(default_factory=list)
    #: Whether Go finds all in order; it then writes :data:`SUCCESS`.
    verified: bool = False
    #: How Go exits.
    status: int = 1
    #: With `explain`: what fastverify finds in the modules of the build list, replacements among them.
    explained: Iterable[Result] = ()
    #: With `explain`: sentences on what Go's words stand for.
    remarks: list[str] = field(default_factory=list)


class _Workers(NamedTuple):
    """An engine, how many threads of it work, and how many more while a disk makes those wait."""

    engine: Engine
    threads: int
    spares: int

    def measuring(self, tasks: Sequence[ModuleTask]) -> closing[Measurements]:
        """The measurements of `tasks`, which end with the block."""
        ordered = biggest_first(tasks)
        return closing(self.engine.measure(ordered, threads=self.threads, spares=self.spares))


def verify_as_go(
    folder: str,
    settings: GoSettings,
    engine: Engine,
    threads: int,
    *,
    spares: int = 0,
    explain: bool = False,
    environ: Mapping[str, str] | None = None,
) -> Verification:
    """Verify the build list of the project that a go command in `folder` would work on.

    It takes `threads` workers, and `spares` more while a disk makes those wait.

    Raises FastverifyError where Go would go on by fetching something, or by what fastverify does not know.
    """
    variables = GoVariables(environ)
    done = Verification()
    workers = _Workers(engine, threads, spares)
    try:
        command = begin(working_folder(folder, variables.environ), variables, settings)
        done.errors += command.warnings
        check_go_work_is_readable(command)
        root = _usable(settings)
        fix = without_network(command.settings, root)
        project = find_project(folder, environ, fix=fix, needs_sums=False)
        files = ProjectFiles(project, command, root)
        files.check()
    except RefusedError as refused:
        done.errors.append(refused.text)
        done.status = refused.status
        return done
    done.errors += files.said
    modules = build_list(project, root)
    try:
        loading = _load(modules, command, root, workers)
    except FastverifyError:
        if root == _NOWHERE:
            raise FastverifyError(
                f"{module_cache(settings)} is no folder, and go mod verify would fetch every go.mod; "
                "correct the setting or give the cache's path"
            ) from None
        raise
    done.errors += loading.words
    if loading.ended:
        if explain and loading.mismatch is not None:
            one = loading.mismatch
            done.explained = _judged(project, root, [(one.path, one.version)], workers)
        return done
    if loading.unproved:
        one = loading.unproved[0]
        more = f" and {len(loading.unproved) - 1} more" if len(loading.unproved) > 1 else ""
        raise FastverifyError(
            f"the go.mod of {one.path}@{one.version}{more} is in no go.sum, and go mod verify would ask the "
            "checksum database, which fastverify does not; go mod tidy adds it, or with GOSUMDB=off nobody "
            "is asked"
        )
    if root == _NOWHERE:
        found = list(_without_cache(modules, command))
        done.errors += found
        done.verified = not found
        done.status = files.status if done.verified else 1
        return done
    verifier = _Verifier(modules, root, workers, explain=explain)
    done.errors += verifier.errors()
    done.verified = not verifier.failed
    done.status = files.status if done.verified else 1
    if explain:
        done.explained = verifier.explained
        done.remarks = verifier.remarks
    return done


def _usable(settings: GoSettings) -> str:
    """The module cache that can be used (``checkCacheDir``), or one that cannot be there."""
    path = settings.gomodcache
    if not os.path.isabs(path):
        return _NOWHERE
    try:
        is_folder = stat.S_ISDIR(os.stat(path).st_mode)
    except FileNotFoundError:
        is_folder = True  # Go makes it
    except (OSError, ValueError):
        is_folder = False
    return os.path.normpath(path) if is_folder else _NOWHERE


def _without_cache(modules: BuildList, command: Command) -> Iterator[str]:
    """What Go says of the modules of a build list while it has no module cache (``verifyMod``)."""
    for module in modules.modules:
        if module.is_main:
            continue
        # The name of the ziphash then is the end of one, without any folder.
        if os.path.lexists(os.path.join(command.cwd, "hash")):
            raise FastverifyError(
                f"there is no module cache, and go mod verify takes {command.cwd}/hash for hashes of "
                "modules; correct the setting"
            )
        yield f"{module.path} {module.version}: missing ziphash: open hash: no such file or directory"


def _load(modules: BuildList, command: Command, root: str, workers: _Workers) -> graph.Loading:
    loaded = modules.go_mods_loaded
    tasks = [
        ModuleTask(key, b"", None, None, one.file, None, None, False, 1) for key, one in enumerate(loaded)
    ]
    hashes: list[str | None] = [None] * len(tasks)
    with workers.measuring(tasks) as measurements:
        for measured in measurements:
            hashes[measured.key] = measured.mod.h1 if measured.mod is not None else None
    settings = _sumdb(command.settings)
    database: ModuleProofs = NO_DATABASE
    if settings is not None and settings.key is not None and _asks_database(modules):
        folder = os.path.join(download_dir(root), "sumdb")
        database, _ = Opener(command.settings, workers.engine.name, roots=[root]).open(folder, [])
    return graph.load(modules, hashes, command=command, sumdb=settings, database=database)


def _sumdb(go: GoSettings) -> SumdbSettings | None:
    try:
        return sumdb_settings(go)
    except FastverifyError:
        return None  # Go stops only where it has to ask


def _asks_database(modules: BuildList) -> bool:
    files = modules.project.sums.files()
    return any(
        not any((one.path, one.version + GO_MOD_SUFFIX) in file.lines for file in files)
        for one in modules.go_mods_loaded
    )


class _Verifier:
    """The second half: every module of the build list."""

    def __init__(self, modules: BuildList, root: str, workers: _Workers, *, explain: bool) -> None:
        self._project = modules.project
        self._modules = [module for module in modules.modules if not module.is_main]
        self._root = root
        self._workers = workers
        self._explain = explain
        self.failed = False
        self.explained: Iterable[Result] = ()
        self.remarks: list[str] = []

    def errors(self) -> Iterator[str]:
        """Go's lines, in its order: the build list's."""
        parts = [look_at(self._root, module.path, module.version) for module in self._modules]
        measured = self._measure(parts)
        for number, (module, part) in enumerate(zip(self._modules, parts, strict=True)):
            found = self._errors_of(part, measured.get(number))
            if found:
                found = self._look_again(part)
            self.failed = self.failed or bool(found)
            yield from found
            if found and module.replacement is not None:
                self.remarks.append(_about_replaced(module))
        if self._explain:
            self.explained = _judged(
                self._project,
                self._root,
                [module.source for module in self._modules if module.source is not None],
                self._workers,
            )

    def _measure(self, parts: Sequence[Parts]) -> dict[int, ModuleMeasurement]:
        tasks = [task(key, part) for key, part in enumerate(parts) if needs_measuring(part)]
        with self._workers.measuring(tasks) as measurements:
            return {measured.key: in_brief(measured) for measured in measurements}

    def _errors_of(self, part: Parts, measured: ModuleMeasurement | None) -> list[str]:
        return errors_of(part, measured, self._workers.engine, self._workers.threads)

    def _look_again(self, part: Parts) -> list[str]:
        """What Go says once no go command is at work on the module: one that is may be the cause."""
        path = file_path(self._root, part.module, part.version, "lock")
        deadline = time.monotonic() + live.PATIENCE
        while True:
            with lock.shared(path) as state:
                if state != "busy" or time.monotonic() > deadline:
                    again = look_at(self._root, part.module, part.version)
                    return self._errors_of(again, self._measure([again]).get(0))
            time.sleep(live.YOUNG / 5)


def _about_replaced(module: BuildModule) -> str:
    replacement = module.replacement
    place = named((replacement.path, replacement.version)) if replacement is not None else ""
    return (
        f"{module.path} {module.version} is replaced by {place}: go mod verify looks for it under "
        "its old name, which nothing is built from; this is no damage"
    )


def _judged(
    project: Project, root: str, modules: Iterable[tuple[str, str]], workers: _Workers
) -> Iterable[Result]:
    """What fastverify finds in `modules`, in their order; those without any findings are left out."""
    sums = trusted_sums([project], [])
    found = [look_again(root, *module) for module in dict.fromkeys(modules)]
    there = [files for files in found if files.has_tree or files.has_files]
    tasks = [task_of(key, files) for key, files in enumerate(there)]
    results = InOrder()
    with workers.measuring(tasks) as measurements:
        for measured in measurements:
            result = judge_module(root, there[measured.key], measured, sums)
            if result.findings:
                results.take(result, f"{measured.key:09}")
    return results
