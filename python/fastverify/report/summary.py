"""What a check comes to: what was read, who vouched for it, what stays open, and the answer in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from fastverify.report import words
from fastverify.report.colour import Paint, Style
from fastverify.report.escape import printable
from fastverify.report.model import CacheKind, Counts, Report, Severity, at_least
from fastverify.report.tally import Tally

# One and many of what an unlisted note is about, by verdict and place.
_NOTES: dict[tuple[str, str], tuple[str, str]] = {
    ("untracked", "mod"): ("go.mod file that nothing vouches for", "go.mod files that nothing vouches for"),
    ("untracked", "gosum"): (
        "module that is in none of the go.sum files given",
        "modules that are in none of the go.sum files given",
    ),
    ("untracked", "dir"): ("tree that nothing vouches for", "trees that nothing vouches for"),
    ("untracked", "zip"): ("zip that nothing vouches for", "zips that nothing vouches for"),
    ("untracked", "sumdb"): (
        "record of the checksum database that cannot be proved here",
        "records of the checksum database that cannot be proved here",
    ),
    ("untracked", "info"): (
        ".info file that nothing can vouch for",
        ".info files that nothing can vouch for",
    ),
}
_CACHES: dict[CacheKind, str] = {"modcache": "module cache", "gocache": "build cache"}
# Places of which a go.sum would know.
_IN_GOSUM = frozenset(["mod", "zip", "gosum"])

_REASONS = {"damaged": "damaged", "unreadable": "unreadable", "untracked": "not vouched for"}

_LABEL_WIDTH = 14


def more_lines(kinds: Mapping[tuple[str, str], int], listed: int) -> list[str]:
    """How many findings there are of each kind beyond those that were listed, a line each."""
    return [
        f'{words.number(many - listed)} more like "warning: {kind_words(verdict, where)}" (-v lists them)'
        for (verdict, where), many in kinds.items()
        if many > listed
    ]


def kind_words(verdict: str, where: str) -> str:
    """A kind of finding behind its severity: "warning: dir", not "warning: warning dir"."""
    return where if verdict == "warning" else f"{verdict} {where}"


def note_lines(tally: Tally, listed: Severity, *, trusted: bool, option: str = "--project") -> list[str]:
    """The findings below `listed`, counted by kind, a line each; most frequent first.

    `trusted` says whether a go.sum was given, so that nobody is told to do what they have done, and
    `option` how one is given.
    """
    kinds: Counter[tuple[str, str]] = Counter()
    examples: dict[tuple[str, str], str] = {}
    for (severity, verdict, where), many in tally.kinds.items():
        if not at_least(severity, listed):
            kinds[verdict, where] += many
            examples.setdefault((verdict, where), tally.first[severity, verdict, where])
    lines = []
    for (verdict, where), many in sorted(kinds.items(), key=lambda pair: (-pair[1], pair[0])):
        advice = "-v lists them" if many > 1 else "-v names it"
        if (verdict, where) not in _NOTES:
            # Of the rare ones the first speaks for all.
            example = examples[verdict, where]
            lines.append(
                f"{words.number(many)} notes, the first of which is: {example} ({advice})"
                if many > 1
                else f"{example} ({advice})"
            )
            continue
        if verdict == "untracked" and where in _IN_GOSUM and not trusted:
            advice = f"give {option} to hold {'them' if many > 1 else 'it'} to a go.sum; {advice}"
        lines.append(f"{words.count(many, *_NOTES[verdict, where])} ({advice})")
    return lines


def trust_line(report: Report, option: str = "--project") -> str | None:
    """What is worth knowing of the authorities; None where there is nothing to add.

    `option` is how a go.sum is given.
    """
    by_cache = report.counts.by_authority.get("ziphash", 0) + report.counts.by_authority.get("zip", 0)
    if report.project is not None or not by_cache:
        return None
    return (
        "a .ziphash lies in the cache itself: it shows an accident, but not a module that was replaced "
        f"together with it (give {option} to hold modules to a go.sum)"
    )


def reason_words(reason: str) -> str:
    """A key of ``not_verified_by_reason``, as the end of "not verified: …"."""
    return _REASONS.get(reason) or printable(reason)


def summary_lines(report: Report, paint: Paint) -> list[str]:
    """The table that closes a report, a line each."""
    counts = report.counts
    rows: list[tuple[str, str]] = []
    for kind, path in report.caches:
        rows.append((_CACHES.get(kind, kind), printable(path)))
    read = []
    if _has(report, "modcache"):
        read += [
            words.count(counts.modules - counts.vendored, "module"),
            words.count(counts.zips, "zip"),
            # Each vendored module counts as a tree.
            words.count(counts.trees - counts.vendored, "tree"),
            words.count(counts.mods, "go.mod file"),
        ]
    if counts.vendored:
        read.append(words.count(counts.vendored, "vendored module"))
    if _has_modules(report):
        read.append(words.count(counts.files, "file"))
    if _has(report, "gocache"):
        read += [words.count(counts.entries, "entry", "entries"), words.count(counts.outputs, "output")]
    rows.append(("read", ", ".join([*read, words.size(counts.bytes)])))
    rate = f", {words.size(counts.bytes / report.seconds)}/s" if report.seconds > 0 and counts.bytes else ""
    rows.append(("time", f"{words.duration(report.seconds)}{rate}, {report.engine} engine"))
    if _has_modules(report):
        rows.append(("verified", _verified(report)))
    if counts.not_verified:
        reasons = sorted(counts.not_verified_by_reason.items(), key=lambda pair: (-pair[1], pair[0]))
        why = [f"{words.number(many)} {reason_words(reason)}" for reason, many in reasons]
        if len(reasons) == 1 and reasons[0][1] == counts.not_verified:
            why = [reason_words(reasons[0][0])]
        suffix = f" ({', '.join(why)})" if why else ""
        rows.append(("not verified", f"{words.number(counts.not_verified)}{suffix}"))
    if counts.vanished:
        rows.append(("vanished", f"{words.number(counts.vanished)} went away while they were read"))
    if _has(report, "gocache"):
        rows.append(("outputs", _outputs(report)))
    if counts.fuzz_values:
        rows.append(("fuzzing", f"{words.count(counts.fuzz_values, 'value')} read"))
    for number, sentence in enumerate(report.not_checked):
        rows.append(("not checked" if number == 0 else "", printable(sentence)))
    return [f"{paint(f'{label:<{_LABEL_WIDTH}}', 'faint')}{text}" for label, text in rows]


def _has(report: Report, kind: CacheKind) -> bool:
    return any(cache == kind for cache, _ in report.caches)


def _has_modules(report: Report) -> bool:
    """Whether modules were looked for: those of a cache, or those that a vendor folder has."""
    return _has(report, "modcache") or _has(report, "vendor")


def _modules(counts: Counts) -> str:
    """How many modules there are, and how many of them are vendored."""
    if counts.vendored == counts.modules > 0:
        return words.count(counts.modules, "vendored module")
    vendored = f" ({words.number(counts.vendored)} of them vendored)" if counts.vendored else ""
    return f"{words.count(counts.modules, 'module')}{vendored}"


def _modules_seen(seen: int, total: int | None) -> str:
    """How many modules were looked at before the check was stopped, of how many."""
    if seen == total:
        return {0: "no module", 1: "the only module"}.get(seen, f"all {words.number(seen)} modules")
    return f"{words.number(seen)}{f' of {words.number(total)}' if total is not None else ''} modules"


def _outputs(report: Report) -> str:
    counts = report.counts
    parts = [f"{words.number(_verified_outputs(report))} verified by their names and entries"]
    if counts.outputs_damaged:
        parts.append(f"{words.number(counts.outputs_damaged)} damaged")
    if counts.outputs_unreadable:
        parts.append(f"{words.number(counts.outputs_unreadable)} unreadable")
    if counts.outputs_vanished:
        parts.append(f"{words.number(counts.outputs_vanished)} went away while they were read")
    return ", ".join(parts)


def _verified_outputs(report: Report) -> int:
    counts = report.counts
    return max(counts.outputs - counts.outputs_damaged - counts.outputs_unreadable, 0)


def _verified(report: Report) -> str:
    by_authority = report.counts.by_authority
    ranked = [name for name in words.AUTHORITIES if by_authority.get(name)]
    ranked += sorted(name for name, many in by_authority.items() if many and name not in words.AUTHORITIES)
    if len(ranked) == 1 and by_authority[ranked[0]] == report.counts.verified:
        return f"{words.number(report.counts.verified)}, all by {words.AUTHORITIES.get(ranked[0], ranked[0])}"
    held = [f"{words.number(by_authority[name])} by {words.AUTHORITIES.get(name, name)}" for name in ranked]
    return words.number(report.counts.verified) + (f" ({', '.join(held)})" if held else "")


def verdict_line(report: Report, modules_total: int | None = None) -> tuple[str, Style]:
    """The answer in one sentence, and how it should look.

    `modules_total` is how many module versions there were to look at, where the check may not have
    come to its end.
    """
    counts = report.counts
    tally = report.tally()
    errors, warnings = tally.of_severity("error"), tally.of_severity("warning")
    found = [words.count(errors, "error")] if errors else []
    if warnings:
        found.append(words.count(warnings, "warning"))
    beside = f"; {words.count(warnings, 'warning')}" if warnings else ""
    calm: Style = "warning" if warnings else "good"
    if not report.complete:
        stages = [_modules_seen(counts.modules, modules_total)] if _has_modules(report) else []
        if _has(report, "gocache"):
            stages.append(words.count(counts.outputs, "output"))
        so_far = " and ".join(found) or "no damage"
        # There is more to do when the last module has been measured: second looks, and the projects.
        beyond = ", before the end" if _has_modules(report) and counts.modules == modules_total else ""
        return f"Incomplete: stopped after {' and '.join(stages)}{beyond}, {so_far} until then.", "warning"
    modules = _modules(counts)
    outputs = words.count(counts.outputs, "build output")
    if errors:
        damaged = len(tally.damaged)
        # A module that a project asks for may be at fault without being in the cache.
        of_all = damaged <= counts.not_verified
        share = f"{words.number(damaged)} of {modules}" if of_all else words.count(damaged, "module")
        places = [share] if damaged else []
        if counts.outputs_damaged:
            places.append(f"{words.number(counts.outputs_damaged)} of {outputs}")
        place = f" in {' and '.join(places)}" if places else ""
        return f"Found {found[0]}{place}{beside}.", "error"
    if not counts.modules and not counts.outputs:
        thing = "module" if _has(report, "modcache") else "output"
        return f"There is no {thing} in it, so nothing to verify{beside}.", calm
    verified_outputs = _verified_outputs(report)
    if counts.not_verified or verified_outputs < counts.outputs:
        shares = [_module_share(report)] if counts.modules else []
        if counts.outputs:
            shares.append(f"{words.number(verified_outputs)} of {outputs} verified")
        # What go mends by itself is a warning, and damage all the same.
        nothing = "no error" if warnings else "no damage"
        return f"Found {nothing}: {'; '.join(shares)}{beside}.", calm
    if counts.outputs:
        everything = f"All {modules} and {outputs} are" if counts.modules else f"All {outputs} are"
    elif counts.modules == 1:
        everything = "The only vendored module is" if counts.vendored else "The only module is"
    else:
        everything = f"All {modules} are"
    return f"{everything} verified{beside}.", calm


def _module_share(report: Report) -> str:
    """How many modules are verified, where not all are."""
    counts = report.counts
    only_mod = sum(many for kind, many in report.tally().kinds.items() if kind[1:] == ("untracked", "mod"))
    if counts.not_verified and only_mod == counts.not_verified:
        # Versions that were only compared while a build list was made: no code of theirs is here.
        whole = f"{words.count(counts.verified, 'module')} verified" if counts.verified else "no code here"
        others = (
            words.count(only_mod, "more version") if counts.verified else words.count(only_mod, "version")
        )
        return f"{whole}; of {others} only go.mod is there, not vouched for"
    verified, others = words.number(counts.verified), words.number(counts.not_verified)
    return f"{verified} of {_modules(counts)} verified, {others} not"
