"""Findings about the cache as a whole, and about trusted files, rather than a module's content."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator, Sequence

from fastverify.engine.faults import describe
from fastverify.engine.protocol import MAX_SMALL_FILE_BYTES, SmallFile
from fastverify.modcache import advice, gosum, versionfiles
from fastverify.modcache.gosum import TrustedSums
from fastverify.modcache.inventory import Stray
from fastverify.modcache.modulecolumns import VersionList
from fastverify.modcache.modulefiles import ModuleFiles
from fastverify.removal import remove
from fastverify.report.model import Finding

_STRAYS = {
    "unknown": ("this belongs to no module version: Go never makes a name like this here", "remove it"),
    "temporary": ("a download that was killed left this behind", "remove it when no go command runs"),
    "tree-temporary": (
        "an extraction by a Go before 1.16 that was killed left this behind",
        "remove it when no go command runs",
    ),
    "mismatch": ("a module of this path cannot have this version", "remove it"),
}

#: How many malformed lines are named.
_LISTED_LINES = 10


def stray_finding(stray: Stray) -> Finding:
    """Something that belongs to no module version."""
    message, what_to_do = _STRAYS[stray.kind]
    hint = remove(stray.path, what_to_do)
    return Finding("warning", "warning", "layout", stray.path, message, advice.GO_IGNORES, hint)


def unreadable_folder_finding(folder: str, number: int) -> Finding:
    """A folder of the cache that could not be listed, so that what it holds is unknown."""
    return Finding(
        "unreadable",
        "error",
        "layout",
        folder,
        f"the folder cannot be listed, so nothing in it is verified: {os.strerror(number)}",
        advice.GO_CANNOT_READ,
        advice.REPLACE_LOOP if number == errno.ELOOP else advice.READ_FOLDER,
    )


def removed_finding(root: str) -> Finding:
    """The downloads went away under the check."""
    return Finding(
        "missing",
        "note",
        "layout",
        root,
        "the downloads were removed while they were read, as go clean -modcache does",
        "the go command downloads again what it needs",
        "nothing has to be done",
    )


def list_finding(listed: VersionList, small: SmallFile | None) -> Finding | None:
    """A ``list`` file that is not as Go writes it."""
    if small is None or small.stat is None:
        return None
    if small.fault is not None:
        problem = describe(small.fault)
    else:
        content = small.content
        if len(content) > MAX_SMALL_FILE_BYTES:
            # The cut is not the file's; but one line as long as that is no version.
            content = content[: content.rfind(b"\n") + 1] or content
        problem = versionfiles.list_problem(content)
    if not problem:
        return None
    return Finding(
        "malformed",
        "warning",
        "list",
        listed.path,
        f"the list of known versions is not as Go writes it: {problem}",
        advice.GO_REWRITES_LIST,
        remove(listed.path),
        module=listed.module,
    )


def lock_finding(files: ModuleFiles) -> Finding | None:
    """A lock file that holds something; Go only ever makes it empty."""
    path = files.path("lock")
    try:
        status = os.lstat(path) if path is not None else None
    except OSError:
        status = None
    if path is None or status is None or not status.st_size:
        return None
    is_directory = stat.S_ISDIR(status.st_mode)
    return Finding(
        "malformed" if is_directory else "warning",
        "warning",
        "lock",
        path,
        "the lock is no file but a directory"
        if is_directory
        else f"the lock file holds {status.st_size} bytes, and Go never writes into it",
        advice.GO_CANNOT_LOCK if is_directory else advice.GO_IGNORES,
        remove(path) if is_directory else "empty it, or look for who writes into the cache",
        module=files.module,
        version=files.version,
    )


def busy_finding(files: ModuleFiles, path: str, seconds: float) -> Finding:
    """A go command that does not let go of its lock."""
    return Finding(
        "unreadable",
        "error",
        "lock",
        path,
        f"another process has held the lock for {seconds:.0f} seconds, so what was found wrong here "
        "could not be looked at again",
        "other go commands wait for the lock too",
        "end that process, or check again when it is done",
        module=files.module,
        version=files.version,
    )


def changing_finding(files: ModuleFiles, last: Finding, seconds: float) -> Finding:
    """A module version that was never seen at rest, and looked like `last` when patience ran out."""
    return Finding(
        "unreadable",
        "error",
        last.where,
        last.path,
        f"something kept changing here for {seconds:.0f} seconds, so this could not be looked at at rest "
        f"(at the end: {last.message})",
        "go commands that run now may be the cause",
        "check again when nothing writes into the cache",
        module=files.module,
        version=files.version,
    )


def sum_file_findings(sums: TrustedSums, absent: Sequence[str]) -> Iterator[Finding]:
    """What is wrong with the trusted go.sum files themselves."""
    for path in absent:
        if os.path.basename(path) != "go.work.sum":  # most workspaces need none
            yield Finding(
                "missing",
                "note",
                "gosum",
                path,
                "the project has no go.sum, so it vouches for nothing",
                "go build asks for go mod tidy where the project has dependencies",
                "run go mod tidy in the project",
            )
    for file in sums.files():
        if file.malformed:
            first = file.malformed[0]
            numbers = [str(line.number) for line in file.malformed]
            more = f" and {len(numbers) - _LISTED_LINES} more" if len(numbers) > _LISTED_LINES else ""
            lines = "lines" if len(numbers) > 1 else "line"
            named = f"{lines} {', '.join(numbers[:_LISTED_LINES])}{more}"
            yield Finding(
                "malformed",
                "error",
                "gosum",
                file.path,
                f"line {first.number} has {first.fields} fields where go.sum has 3"
                + (f"; malformed are {named}" if len(numbers) > 1 else "")
                + "; the other lines are used",
                advice.GO_STOPS_AT_SUM,
                f"mend {named}, or restore the file from version control",
            )
        for (module, version), deciding, odd in gosum.conflicts(file):
            yield Finding(
                "warning",
                "warning",
                "gosum",
                file.path,
                f"line {odd.number} has another hash than line {deciding.number} for the same version; "
                "the first one decides",
                "the go command takes the first of the two lines",
                "find out which of the two is right, and remove the other",
                module=module,
                version=version.removesuffix(gosum.GO_MOD_SUFFIX),
                authority="gosum",
                expected=deciding.hash,
                actual=odd.hash,
            )
