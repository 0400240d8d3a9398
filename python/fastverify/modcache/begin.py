"""Beginning a check: which caches, whose projects, which authorities."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence

from fastverify.engine import checked_threads, default_spares, default_threads, load_engine
from fastverify.engine.protocol import EngineName
from fastverify.errors import FastverifyError
from fastverify.locate import go_settings, module_cache
from fastverify.modcache import changes
from fastverify.modcache.check import Check
from fastverify.modcache.gosum import TrustedSums
from fastverify.modcache.inventory import take_inventory
from fastverify.modcache.recognise import is_vendor_folder, require_module_cache
from fastverify.report.model import Report
from fastverify.sumdb.opening import Opener

StrPath = str | os.PathLike[str]


def check_module_cache(
    *paths: StrPath,
    projects: StrPath | Sequence[StrPath] = (),
    gosums: StrPath | Sequence[StrPath] = (),
    threads: int | None = None,
    engine: EngineName | None = None,
    sumdb: str | None = None,
    only_build_list: bool = False,
) -> Check:
    """Check every module version in the module caches `paths`; without any, the go command's own.

    A ``vendor`` folder among them is held to the modules in the first module cache, or where there is
    none to those in the go command's own, which is then not checked itself.  The vendor folders of
    `projects` are checked as well.

    `projects` are folders whose go.sum (in a workspace: go.work.sum and each member's go.sum) is
    trusted, `gosums` are go.sum files that are; one or several of each.  `threads` is the number of
    workers (default: one a core that this process may use, and more while they wait for a disk), `engine`
    the engine (default: FASTVERIFY_ENGINE, else native where it is installed).

    With `only_build_list` nothing is looked at but what the `projects` are built from: the modules that
    ``go list -m all`` names, their replacements, and each go.mod that the list follows from.

    Records of the checksum database that Go has cached hold modules too.  `sumdb` is where missing ones
    may be fetched from, into a folder of fastverify's own: a URL, or ``proxy`` for where the go command
    would ask.  That server is told the names of the modules, but of those that GONOSUMDB or GOPRIVATE
    exempt; nothing goes to the network without it.

    Returns an iterator of :class:`~fastverify.report.model.ModuleResult`, one for each module
    version as it is done and one for each finding about the cache as a whole; its ``report`` is
    complete when it ends.  Nothing is written into a cache.

    Raises FastverifyError at once where the check cannot be made: no such path, a folder that is no
    module cache, no such project, a build list without a project, an unreadable go.sum, fewer threads
    than one, no such engine, a `sumdb` that does not answer.  What is wrong inside a cache, a go.mod or
    a go.sum is a finding, never an exception.

    >>> import fastverify
    >>> for result in fastverify.check_module_cache("/shared/gomodcache"):  # doctest: +SKIP
    ...     for finding in result.findings:
    ...         print(finding.module, finding.version, finding.message)
    """
    if threads is not None:
        threads = checked_threads(threads)
    projects, gosums = _one_or_more(projects), _one_or_more(gosums)
    if only_build_list and not projects:
        raise FastverifyError("only a build list is asked for, but of no project: name one with --project")
    settings = go_settings()
    named = [os.fspath(path) for path in paths]
    named = list(dict.fromkeys(os.path.abspath(path) if path else "" for path in named))
    vendored = [path for path in named if path and is_vendor_folder(path)]
    roots = [path for path in named if path not in vendored]
    if not roots and (projects or not vendored):
        roots = [module_cache(settings)]
    for root in roots:
        require_module_cache(root)
    side = None
    if projects or gosums or vendored:
        # Only now: who names none of them need not wait for what reads them.
        from fastverify.modcache.projectside import open_projects

        side = open_projects(projects, gosums, vendored)
    report = Report(
        engine=engine or "pure",
        started=changes.timestamp(time.time_ns()),
        caches=[("modcache", root) for root in roots],
    )
    first = side.begin(report, roots, settings.goflags) if side is not None else []
    inventories = []
    for root in roots:
        if side is not None and only_build_list:
            inventory, findings = side.inventory_of(root, report)
            inventories.append(inventory)
            first += findings
        else:
            inventories.append(take_inventory(root))
    loaded = load_engine(engine)
    vendors = side.vendors if side is not None else []
    return Check(
        inventories,
        sums=side.sums if side is not None else TrustedSums(),
        opener=Opener(settings, loaded.name, fetch_from=sumdb, roots=roots),
        report=report,
        engine=loaded,
        threads=threads or default_threads(),
        spares=default_spares(threads),
        modcacherw=settings.modcacherw,
        first=first,
        vendors=vendors,
        vendored_from=roots[0] if roots or not vendors else module_cache(settings),
    )


def _one_or_more(paths: StrPath | Sequence[StrPath]) -> Sequence[StrPath]:
    """A single path is as good as a sequence of one: a str is a sequence too, but of characters."""
    return [paths] if isinstance(paths, (str, os.PathLike)) else paths
