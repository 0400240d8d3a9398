"""Lines for go.mod files that the go command needs in a go.sum, and that are not there.

Source of the rules: ``goModSummary``, ``mustHaveSums`` and ``setDefaultBuildMod`` in
``cmd/go/internal/modload``, ``HaveSum`` in ``cmd/go/internal/modfetch/fetch.go``.

Only what is certain is told.  A line for a module's content is needed where a package of it is, which the
build list does not say; many modules of a build list never need one.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable, Iterator

from fastverify.gomod import goversion
from fastverify.locate import flag_value
from fastverify.modcache.buildlist import BuildList, NeededGoMod, named
from fastverify.modcache.gosum import GO_MOD_SUFFIX, SumFile
from fastverify.modcache.project import Project
from fastverify.report.model import Finding, Severity
from fastverify.vendor.folder import VendorFolder

#: How many missing lines are told one by one.
LISTED = 20
#: From this go line on a vendor folder is used where there is one.
_VENDORING = "1.14"


def needs_lines(project: Project, goflags: str, vendors: Iterable[VendorFolder]) -> bool:
    """Whether the go command stops in `project` where a go.sum lacks a line (``mustHaveSums``).

    `vendors` has the project's vendor folder, if there is one.  In a workspace the lines are added to its
    go.work.sum.
    """
    if project.work is not None or project.problems:
        return False  # of files that it refuses it needs no sums
    mode = flag_value(goflags, "mod")
    if mode:
        return mode == "readonly"
    vendor = next((vendor for vendor in vendors if vendor.project is project), None)
    if vendor is None:
        return True
    go = project.main_modules[0].file.go
    if go is None or goversion.is_before(go, _VENDORING):
        return True
    return vendor.txt is not None and vendor.txt.workspace


def needed_line_findings(modules: BuildList) -> Iterator[Finding]:
    """A finding for each line that the go.sum of a project lacks and that loading its module graph takes.

    Above :data:`LISTED` of them, and without any go.sum, one finding tells of the rest.  The project is one
    that :func:`needs_lines`.
    """
    sums = modules.project.sums.main
    lacking = [one for one in modules.needed_go_mods() if sums is None or not _has_line(sums, one)]
    if not lacking:
        return
    if sums is None:
        # There is no place that it could have but the one where it was looked for.
        path, listed = modules.project.absent[0], 0
    else:
        path, listed = sums.path, LISTED
    for one in lacking[:listed]:
        message = f"there is no line {_key(one)}, of a go.mod that the build list follows from"
        if one.required_by:
            message += f" ({named(one.required_by)} requires it)"
        yield _finding(modules, path, message, f"go mod download {shlex.quote(one.module[0])} adds it", one)
    rest = lacking[listed:]
    if rest:
        first = f"{_key(rest[0])}" + (f" and {len(rest) - 1:,} more" if len(rest) > 1 else "")
        message = (
            f"there is no go.sum, and the build list follows from go.mod files that need lines in it: {first}"
            if sums is None
            else f"more lines are missing: {first}"
        )
        yield _finding(modules, path, message, "go mod tidy adds them")


def _finding(
    modules: BuildList, path: str, message: str, hint: str, one: NeededGoMod | None = None
) -> Finding:
    root = modules.project.root
    severity: Severity = "warning"
    go = (
        "go list -m all stops with: missing go.sum entry for go.mod file; so does go build where it needs "
        "that go.mod"
    )
    if not modules.is_pruned:
        # Without pruning there is nothing that a go command could leave unread.
        severity = "error"
        go = "go build stops with: missing go.sum entry for go.mod file"
    return Finding(
        "missing",
        severity,
        "gosum",
        path,
        message,
        go,
        f"{hint}, in {os.path.abspath(root)}",
        module=one.source[0] if one is not None else "",
        version=one.source[1] if one is not None else "",
    )


def _key(one: NeededGoMod) -> str:
    path, version = one.source
    return f"{path} {version}{GO_MOD_SUFFIX}"


def _has_line(sums: SumFile, one: NeededGoMod) -> bool:
    path, version = one.source
    return any(line.hash.startswith("h1:") for line in sums.lines.get((path, version + GO_MOD_SUFFIX), ()))
