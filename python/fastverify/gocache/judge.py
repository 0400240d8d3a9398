"""What the measurements of a build cache mean, one entry or output at a time."""

from __future__ import annotations

import os
import stat

from fastverify.engine.buildcache import ActionEntry, EntryFlaw, EntryOf, OutputFlaw, ToldOutput
from fastverify.engine.faults import describe
from fastverify.engine.protocol import Fault, FileStat
from fastverify.gocache import advice
from fastverify.gocache.buildid import short_hash
from fastverify.gocache.examine import Examined
from fastverify.gocache.finding import cache_finding
from fastverify.gocache.layout import entry_path, output_path
from fastverify.modcache.changes import kind_of
from fastverify.report.model import Finding, Severity, Verdict, Where

_NOT_EXAMINED = Examined()
#: Entries that a hint names.
_NAMED_ENTRIES = 3

_ENTRY_FLAWS: dict[EntryFlaw, str] = {
    "empty": "it is empty",
    "short": "it is shorter than an entry's 175 bytes",
    "long": "it is longer than an entry's 175 bytes",
    "header": "its frame (version, blanks, end of line) is not that of an entry",
    "action": "the action ID inside is not the one that its name says",
    "hex": "an ID in it is not hexadecimal",
    "size": "the size in it is no number",
    "time": "the time in it is no number",
    "capitals": "its IDs have capital letters",
    "number": "its numbers have a sign or are padded with zeros",
    "zero-time": "its time is 0",
}
_OUTPUT_FLAWS: dict[OutputFlaw, str] = {
    "folder-empty": "the folder of an executable is empty",
    "folder-crowded": "the folder of an executable holds more than the one file that belongs there",
    "not-executable": "the executable may not be executed by anybody",
    "archive-format": "it begins as an archive of Go's compiler, but has not the form of one",
    "content-id": "the build ID in it has not the hash of this content",
    "export-fingerprint": "its export data has not the fingerprint that ends it",
    "object-fingerprint": "its object code belongs to other export data",
    "index-format": "it begins as an index of Go files, but has not the form of one",
}


def judge_entry(root: str, entry: ActionEntry) -> list[Finding]:
    """What is wrong with an action entry by itself."""
    path = entry_path(root, entry.action)
    if entry.fault is not None:
        return [_unreadable("action", path, entry.fault, entry.stat, action=entry.action.hex())]
    if entry.form == "canonical":
        return []
    malformed = entry.form == "malformed"
    return [
        cache_finding(
            "malformed" if malformed else "warning",
            "warning",
            "action",
            path,
            _ENTRY_FLAWS[entry.flaw]
            if malformed
            else f"the go command did not write this entry: {_ENTRY_FLAWS[entry.flaw]}",
            advice.GO_MISSES_ENTRY if malformed else advice.GO_TAKES_ENTRY,
            advice.drop_entries([path], total=1),
            action=entry.action.hex(),
        )
    ]


def judge_output(
    root: str, told: ToldOutput, examined: Examined = _NOT_EXAMINED, *, contents: str = ""
) -> list[Finding]:
    """What is wrong with an output, and with the entries that name it.

    `examined` is what the engine did not look at; `contents` says in words what it holds, where that is
    known.
    """
    measured = told.measured
    path = output_path(root, measured.output)
    if measured.fault is not None:
        where = os.path.join(path, os.fsdecode(measured.fault.name)) if measured.fault.name else path
        found = measured.file_stat if measured.fault.name else measured.stat
        return [_unreadable("output", where, measured.fault, found, output=measured.output.hex())]
    if measured.sha256 is None or "not-executable" in measured.flaws:
        return [_folder(path, told)]
    if measured.sha256 != measured.output:
        found_damage = _modified(root, path, told, contents)
        return [found_damage] if found_damage is not None else []
    built_by = measured.build_id.partition(b"/")[0].decode("ascii") or examined.built_by
    misfits = (_misfit(root, told, entry, built_by) for entry in told.entries)
    findings = [finding for finding in misfits if finding is not None]
    problems = [_OUTPUT_FLAWS[flaw] for flaw in measured.flaws]
    if examined.problem:
        problems.append(examined.problem)
    if problems:
        findings.append(_forged(root, path, told, problems))
    return findings


def _modified(root: str, path: str, told: ToldOutput, contents: str) -> Finding | None:
    measured = told.measured
    if measured.size == 0 and told.entries_total:
        return None  # a full disk; counted with its like
    used = [entry for entry in told.entries if entry.size == measured.size]
    severity: Severity = "error"
    go = advice.GO_USES_OUTPUT
    message = "the content is not what its name says"
    if contents:
        message = f"the content of {contents} is not what its name says"
    if used:
        hint = _drop(root, used, len(used), built_from=True)
    elif told.entries_total:
        severity, go = "warning", advice.GO_MISSES_SIZE
        message += f", and {_plural(told.entries_total, 'entry', 'entries')} of it has another size"
        hint = advice.HINT_LEAVE
    else:
        severity, go = "note", advice.GO_REWRITES_OUTPUT
        message += ", and no entry names it"
        hint = advice.HINT_LEAVE
    return cache_finding(
        "modified",
        severity,
        "output",
        path,
        message,
        go,
        hint,
        action=used[0].action.hex() if used else "",
        output=measured.output.hex(),
        expected=f"sha256:{measured.output.hex()}",
        actual=f"sha256:{measured.sha256.hex()}" if measured.sha256 else "",
    )


def _misfit(root: str, told: ToldOutput, entry: EntryOf, built_by: str) -> Finding | None:
    """An entry that a good output does not fit."""
    measured = told.measured
    path = entry_path(root, entry.action)
    ids = {"action": entry.action.hex(), "output": measured.output.hex()}
    if entry.size != measured.size:
        return cache_finding(
            "malformed",
            "warning",
            "action",
            path,
            "the size in the entry is not that of its output, whose content is right",
            advice.GO_MISSES_SIZE,
            advice.drop_entries([path], total=1),
            expected=str(measured.size),
            actual=str(entry.size),
            **ids,
        )
    expected = short_hash(entry.action)
    if not built_by or built_by == expected:
        return None
    return cache_finding(
        "modified",
        "error",
        "action",
        path,
        "the entry points at what another action made: the output's build ID does not begin with this action",
        advice.GO_USES_REPOINTED,
        advice.drop_entries([path], total=1, built_from=True),
        expected=expected,
        actual=built_by,
        **ids,
    )


def _forged(root: str, path: str, told: ToldOutput, problems: list[str]) -> Finding:
    measured = told.measured
    used = bool(told.entries_total)
    return cache_finding(
        "malformed",
        "error" if used else "note",
        "output",
        path,
        "the content is what its name says, but the go command did not make it: " + "; ".join(problems),
        advice.GO_USES_FORGED if used else advice.GO_REWRITES_OUTPUT,
        _drop(root, told.entries, told.entries_total, built_from=True),
        action=told.entries[0].action.hex() if told.entries else "",
        output=measured.output.hex(),
    )


def _folder(path: str, told: ToldOutput) -> Finding:
    measured = told.measured
    runs = "not-executable" not in measured.flaws
    return cache_finding(
        "malformed",
        "error",
        "output",
        path,
        "; ".join(_OUTPUT_FLAWS[flaw] for flaw in measured.flaws),
        advice.GO_MISSES_FOLDER if runs else advice.GO_CANNOT_RUN,
        advice.drop_when_idle(path),
        action=told.entries[0].action.hex() if told.entries else "",
        output=measured.output.hex(),
    )


def _unreadable(
    where: Where, path: str, fault: Fault, found: FileStat | None, *, action: str = "", output: str = ""
) -> Finding:
    verdict: Verdict = "unreadable"
    message = f"cannot be read, so it is not verified: {describe(fault)}"
    go, hint = advice.GO_CANNOT_READ, advice.HINT_READER
    if fault.code == "link":
        message = "a symbolic link stands in its place; Go makes none, and it is not followed"
        go, hint = advice.GO_FOLLOWS_LINK, advice.drop_when_idle(path)
    elif fault.code == "not-regular":
        kind = kind_of(found)
        message = f"a {kind} stands in its place"
        hangs = found is not None and not stat.S_ISDIR(found.mode)
        go, hint = (advice.GO_HANGS if hangs else advice.GO_MISSES_ENTRY), advice.drop_when_idle(path)
    elif fault.code == "too-large":
        go, hint = advice.GO_USES_OUTPUT, advice.drop_when_idle(path)
    return cache_finding(verdict, "error", where, path, message, go, hint, action=action, output=output)


def _drop(root: str, entries: list[EntryOf] | tuple[EntryOf, ...], total: int, *, built_from: bool) -> str:
    paths = [entry_path(root, entry.action) for entry in entries[:_NAMED_ENTRIES]]
    if not paths:
        return advice.HINT_LEAVE
    return advice.drop_entries(paths, total=total, built_from=built_from)


def _plural(number: int, one: str, several: str) -> str:
    return f"{number} {one if number == 1 else several}"
