"""What endangers a build cache as a whole: its permissions, owners and clocks, and what does not belong."""

from __future__ import annotations

import errno
import os
import shlex
import stat
from collections.abc import Iterator

from fastverify.engine.buildcache import FUTURE_NS, Hazard, HazardCode, Stray, StrayKind, Survey
from fastverify.engine.faults import describe
from fastverify.gocache import advice
from fastverify.gocache.filesystem import filesystem_findings
from fastverify.gocache.finding import cache_finding
from fastverify.gocache.layout import SHARDS, TEST_EXPIRE, TRIM, inside
from fastverify.modcache.changes import kind_of, owner_name, timestamp
from fastverify.removal import remove
from fastverify.report.model import Finding, Severity, Verdict

_STRAYS: dict[StrayKind, tuple[Verdict, Severity, str, str]] = {
    "unknown": ("warning", "note", "the go command never makes a name like this here", advice.GO_IGNORES),
    "capitals": ("warning", "note", "the go command writes IDs in small letters", advice.GO_IGNORES),
    "shard": ("warning", "note", "this ID belongs into another folder", advice.GO_IGNORES),
    "link": (
        "malformed",
        "error",
        "a symbolic link stands in place of this folder, and what it leads to is not verified",
        advice.GO_FOLLOWS_LINK,
    ),
    "not-folder": (
        "malformed",
        "error",
        "this should be a folder",
        "every go command that opens the cache fails: not a directory",
    ),
}
#: No time stamp file is longer.
_LONGEST_STAMP = 64


def survey_findings(root: str, survey: Survey, now_ns: int) -> Iterator[Finding]:
    """What there is to say of the cache as a whole."""
    for fault in survey.faults:
        if fault.code == "os" and fault.errno == errno.ENOENT:
            if not fault.name:
                yield _gone(root)
            continue  # go clean -cache removes shards
        yield cache_finding(
            "unreadable",
            "error",
            "layout",
            inside(root, fault.name),
            f"the folder cannot be listed, so nothing in it is verified: {describe(fault)}",
            advice.GO_CANNOT_READ,
            advice.HINT_READER,
        )
    for stray in survey.strays:
        yield _stray(root, stray)
    if survey.strays_total > len(survey.strays):
        yield cache_finding(
            "warning",
            "note",
            "layout",
            root,
            f"{survey.strays_total - len(survey.strays)} more names that the go command never makes",
            advice.GO_IGNORES,
            advice.HINT_LEAVE,
        )
    if survey.hollow:
        yield cache_finding(
            "modified",
            "note",
            "layout",
            inside(root, survey.hollow_examples[0]),
            f"{_these(survey.hollow, 'output holds', 'outputs hold')} nothing under the name of something, "
            "as a full disk leaves it",
            advice.GO_MISSES_SIZE,
            "see that the disk has room; the files can go when no go command runs",
        )
    for hazard in survey.hazards:
        yield _hazard(root, hazard)
    yield from _owners(root, survey)
    yield from _folders(root)
    yield from filesystem_findings(root)
    yield from _stamps(root, now_ns)


def counts_findings(root: str, survey: Survey) -> Iterator[Finding]:
    """What is normal, and worth a number: trim removes entries and outputs separately."""
    if survey.dangling:
        yield cache_finding(
            "missing",
            "note",
            "layout",
            root,
            f"{_these(survey.dangling, 'entry whose output is', 'entries whose outputs are')} not there, as "
            "trim leaves it",
            advice.GO_MISSES_ENTRY,
            advice.HINT_LEAVE,
        )
    if survey.orphans:
        yield cache_finding(
            "untracked",
            "note",
            "layout",
            root,
            f"{_these(survey.orphans, 'output', 'outputs')} ({survey.orphan_bytes} bytes) that no entry "
            "names, as trim leaves it",
            advice.GO_IGNORES,
            "trim removes it in time",
        )


def unreadable_finding(paths: list[str], reason: str) -> Finding:
    """Entries and outputs that may not be read, told as one."""
    first = paths[0]
    others = f", and {len(paths) - 1} more" if len(paths) > 1 else ""
    return cache_finding(
        "unreadable",
        "error",
        "layout",
        first,
        f"cannot be read, so it is not verified: {reason}{others}",
        advice.GO_CANNOT_READ,
        advice.HINT_READER,
    )


def _gone(root: str) -> Finding:
    return cache_finding(
        "missing",
        "note",
        "layout",
        root,
        "the cache was removed before it could be read",
        "the go command makes the cache anew when it next builds",
        advice.HINT_LEAVE,
    )


def _stray(root: str, stray: Stray) -> Finding:
    verdict, severity, message, go = _STRAYS[stray.kind]
    path = inside(root, stray.name)
    return cache_finding(verdict, severity, "layout", path, message, go, remove(path))


_HAZARDS: dict[HazardCode, tuple[Severity, str, str]] = {
    "world-writable": ("warning", "may be written by everybody", advice.GO_BELIEVES_WRITERS),
    "group-writable": ("note", "may be written by its group", advice.GO_BELIEVES_WRITERS),
    "hard-link": ("warning", "has other names beside this one (hard links)", advice.GO_WRITES_IN_PLACE),
    "future": ("note", "has a time in the future", advice.GO_KEEPS_FUTURE),
}


def _hazard(root: str, hazard: Hazard) -> Finding:
    severity, message, go = _HAZARDS[hazard.code]
    first = inside(root, hazard.examples[0])
    hints = {
        "world-writable": f"take the right from others: chmod -R o-w {shlex.quote(root)}",
        "group-writable": "see that the group is one whose members you trust",
        "hard-link": "copy the cache instead of linking it (cp -r, not cp -l)",
        "future": f"set the clock right, then: touch {shlex.quote(first)}",
    }
    if hazard.files > 1:
        message += f", like {hazard.files - 1} more"
    return cache_finding("warning", severity, "layout", first, message, go, hints[hazard.code])


def _owners(root: str, survey: Survey) -> Iterator[Finding]:
    if len(survey.owners) < 2:
        return
    many = sorted(survey.owners, key=lambda pair: -pair[1])
    listed = ", ".join(f"{owner_name(uid)} {number}" for uid, number in many[:5])
    yield cache_finding(
        "warning",
        "warning",
        "layout",
        root,
        f"the files belong to {len(many)} users ({listed})",
        "a go command that may not write to another user's files drops what it makes without a word, or "
        "fails with: permission denied",
        f"give each user a cache (GOCACHE), or all files to one: chown -R "
        f"{shlex.quote(owner_name(many[0][0]))} {shlex.quote(root)}",
    )


def _folders(root: str) -> Iterator[Finding]:
    """Folders that this user cannot write, or everybody can."""
    closed, opened, missing = [], [], []
    for name in ("", *SHARDS):
        path = os.path.join(root, name) if name else root
        try:
            mode = os.stat(path).st_mode
        except OSError:
            missing.append(path)
            continue
        if not stat.S_ISDIR(mode):
            continue
        # Asked for again, because what is gone may not be written either.
        if not os.access(path, os.W_OK | os.X_OK) and os.path.isdir(path):
            closed.append(path)
        if os.name == "posix" and mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
            opened.append(path)
    if closed:
        more = f", like {len(closed) - 1} more" if len(closed) > 1 else ""
        yield cache_finding(
            "warning",
            "warning",
            "layout",
            closed[0],
            f"this user may not write into the folder{more}",
            advice.GO_FAILS_UNWRITABLE,
            "give the folders to the user who builds (chown -R), or set GOCACHE to a folder of that user",
        )
    if opened:
        more = f", like {len(opened) - 1} more" if len(opened) > 1 else ""
        yield cache_finding(
            "warning",
            "warning",
            "layout",
            opened[0],
            f"everybody may write into the folder{more}",
            advice.GO_BELIEVES_WRITERS,
            f"take the right from others: chmod -R o-w {shlex.quote(root)}",
        )
    if missing and len(missing) < len(SHARDS) and not os.access(root, os.W_OK):
        yield cache_finding(
            "warning",
            "warning",
            "layout",
            missing[0],
            f"{_these(len(missing), 'shard is', 'shards are')} not there, and this user may not make them",
            "every go command that needs the cache fails: failed to initialize build cache",
            "give the cache to the user who builds (chown -R), or set GOCACHE to a folder of that user",
        )


def _stamps(root: str, now_ns: int) -> Iterator[Finding]:
    """``trim.txt`` and ``testexpire.txt``."""
    path = os.path.join(root, TRIM)
    content, problem = _read_stamp(path)
    if problem is not None:
        yield problem
    elif content is not None:
        seconds = _number(content.strip())
        if seconds is None or seconds * 10**9 > now_ns + FUTURE_NS:
            what = "is no time" if seconds is None else f"lies in the future ({timestamp(seconds * 10**9)})"
            yield cache_finding(
                "malformed" if seconds is None else "warning",
                "note",
                "layout",
                path,
                f"the time of the last trim {what}",
                advice.GO_REWRITES_TRIM,
                advice.HINT_LEAVE,
            )
    path = os.path.join(root, TEST_EXPIRE)
    content, problem = _read_stamp(path)
    if problem is not None:
        yield problem
    elif content is not None and content.endswith(b"\n"):
        nanoseconds = _number(content[:-1])
        if nanoseconds is not None and nanoseconds > now_ns + 60 * 10**9:
            yield cache_finding(
                "warning",
                "warning",
                "layout",
                path,
                f"test results count as expired until {timestamp(nanoseconds)}",
                advice.GO_RERUNS_TESTS,
                f"rm -f {shlex.quote(path)}",
            )


def _read_stamp(path: str) -> tuple[bytes | None, Finding | None]:
    """The content of a time stamp file; None where it is absent; a finding where it is no plain file."""
    try:
        found = os.lstat(path)
        if not stat.S_ISREG(found.st_mode):
            from fastverify.engine.pure.files import file_stat

            link = stat.S_ISLNK(found.st_mode)
            return None, cache_finding(
                "malformed",
                "error",
                "layout",
                path,
                f"a {kind_of(file_stat(found))} stands in place of this file",
                advice.GO_FOLLOWS_LINK if link else advice.GO_HANGS,
                advice.drop_when_idle(path),
            )
        with open(path, "rb") as file:
            return file.read(_LONGEST_STAMP), None
    except FileNotFoundError:
        return None, None
    except OSError as error:
        return None, unreadable_finding([path], error.strerror or str(error))


def _number(text: bytes) -> int | None:
    digits = text[1:] if text[:1] in (b"+", b"-") else text
    if not digits.isdigit() or int(digits) >= 1 << 63:
        return None
    return int(text)


def _these(number: int, one: str, several: str) -> str:
    return f"{number:,} {one if number == 1 else several}"
