"""The report for people: every fact of a finding is there, and nothing that a stranger wrote acts."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastverify.report.model import BuildResult, Counts, FileChange, Finding, Report, Result
from fastverify.report.summary import verdict_line
from fastverify.report.text import LISTED_FILES, LISTED_HARMLESS_FILES, LISTED_WARNINGS, TextReport
from tests.report.making import HASHES, MODIFIED, finding, note, report, result

HOSTILE = "a\x1b[2Jb\nc\u202ed\udcff"
SHOWN = r"a\x1b[2Jb\nc\u202ed\xff"


def rendered(*results: Result, whole: Report | None = None, **options: Any) -> str:
    """What `results`, and then the `whole` report, look like."""
    written: list[str] = []
    text = TextReport(written.append, **options)
    for one in results:
        assert text.will_write(one) == bool(_grown(written, text, one))
    if whole is not None:
        text.end(whole)
    return "".join(written)


def _grown(written: list[str], text: TextReport, one: Result) -> bool:
    before = len(written)
    text.result(one)
    return len(written) > before


def test_a_finding_tells_everything() -> None:
    text = rendered(result(finding()))
    for fact in (
        "golang.org/x/text@v0.14.0",
        "error: modified dir: one file differs from the zip",
        "/go/pkg/mod/golang.org/x/text@v0.14.0",
        "go:   go build compiles it",
        "hint: extract it again",
    ):
        assert fact in text
    [row] = [line for line in text.splitlines() if "tables.go" in line]
    assert row.split() == [
        "modified",
        "unicode/norm/tables.go",
        "18,231",
        "B",
        "2026-03-04",
        "05:06:07Z",
        "mallory",
    ]


def test_hashes_are_shown_where_no_file_is_named() -> None:
    named = rendered(result(finding()))
    unnamed = rendered(result(finding(files=(), authority="gosum")))
    assert not any(h1 in named for h1 in HASHES)
    assert re.search(
        rf"expected +{re.escape(HASHES[0])} +\(go\.sum\)\n +found +{re.escape(HASHES[1])}\n", unnamed
    )
    assert all(h1 in rendered(result(finding()), verbose=True) for h1 in HASHES)


def test_a_missing_file_has_no_facts_and_a_mode_is_shown() -> None:
    changes = (
        FileChange("gone.go", "missing"),
        FileChange("run.sh", "mode", size=5, mode="-rwxr-xr-x", mtime="2026-03-04T05:06:07Z", owner="root"),
    )
    text = rendered(result(finding(files=changes)))
    rows = {line.split()[1]: line for line in text.splitlines() if re.match(" +(missing|mode) ", line)}
    assert rows["gone.go"].split() == ["missing", "gone.go"]
    assert "-rwxr-xr-x" in rows["run.sh"]
    assert not any(line.endswith(" ") for line in text.splitlines())


def test_many_files_are_cut_unless_verbose() -> None:
    changes = tuple(FileChange(f"f{n:04}.go", "extra", size=n) for n in range(1500))
    short, full = (rendered(result(finding(files=changes)), verbose=verbose) for verbose in (False, True))
    assert len(re.findall(r"f\d{4}\.go", short)) == LISTED_FILES
    assert f"and {1500 - LISTED_FILES:,} more" in short
    assert len(re.findall(r"f\d{4}\.go", full)) == 1500
    assert " more" not in full


@pytest.mark.parametrize("verbose", [False, True])
@pytest.mark.parametrize("width", [None, 60])
def test_hostile_words_are_shown_and_do_not_act(verbose: bool, width: int | None) -> None:
    words: dict[str, Any] = dict.fromkeys(
        ("path", "message", "go", "hint", "module", "version", "expected", "actual"), HOSTILE
    )
    change = FileChange(HOSTILE, "modified", size=1, owner=HOSTILE, mtime=HOSTILE, mode=HOSTILE)
    for files in ((), (change,)):
        bad = finding(**words, files=files)
        whole = report(
            bad,
            caches=[("modcache", HOSTILE)],
            not_checked=[HOSTILE],
            counts=Counts(not_verified_by_reason={HOSTILE: 1}, not_verified=1),
        )
        text = rendered(result(bad), result(module=HOSTILE), whole=whole, verbose=verbose, width=width)
        assert SHOWN in text
        assert not set(text) - {"\n"} & set("\x1b\u202e\udcff")
        assert all(line.isprintable() for line in text.split("\n"))


def test_a_name_that_is_no_utf8_is_shown_byte_for_byte() -> None:
    change = FileChange("a\ufffd.go", "extra", path_hex=b"a\xfe.go".hex())
    assert r"extra     a\xfe.go" in rendered(result(finding(files=(change,))))


def test_markup_is_no_markup() -> None:
    text = rendered(result(finding(message="[red]x[/red]", module="[bold]m")), colour=True)
    assert "[red]x[/red]" in text
    assert "[bold]m" in text


def test_colour_only_adds_colour() -> None:
    bad, whole = finding(files=(MODIFIED, FileChange("gone", "missing"))), report(finding(), note())
    for verbose in (False, True):
        for width in (None, 60):
            plain, coloured = (
                rendered(
                    result(bad),
                    result(),
                    result(note()),
                    whole=whole,
                    colour=colour,
                    verbose=verbose,
                    width=width,
                )
                for colour in (False, True)
            )
            assert "\x1b" not in plain
            assert "\x1b[" in coloured
            assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == plain


def test_sentences_are_wrapped_at_the_width_and_no_word_is_lost() -> None:
    sentence = " ".join(f"word{n}" for n in range(60))
    long_path = "/" + "x" * 200
    bad = finding(message=sentence, go=sentence, hint=f"{sentence} {long_path}", path=long_path, files=())
    narrow, wide = rendered(result(bad), width=72), rendered(result(bad))
    assert wide.count(sentence) == 3
    assert narrow.split() == wide.split()
    assert all(len(line) <= 72 for line in narrow.splitlines() if long_path not in line and "h1:" not in line)
    assert narrow.count(long_path) == 2


def test_notes_are_counted_and_listed_when_asked() -> None:
    notes = [note(n) for n in range(1933)]
    whole = report(*notes)
    results = [result(one, reason="untracked") for one in notes]
    short = rendered(*results, whole=whole)
    assert "note: 1,933 go.mod files that nothing vouches for (give --project" in short
    assert "example.com/n7" not in short
    given = rendered(*results, whole=report(*notes, project={"projects": ["/p"], "gosums": []}))
    assert "--project" not in given
    assert "1,933 go.mod files" in given
    for options in ({"verbose": True}, {"listed": "note"}):
        full = rendered(*results, whole=whole, **options)
        assert full.count("note: untracked mod:") == 1933
        assert "1,933 go.mod files" not in full


def test_one_note_is_singular_and_rare_ones_speak_for_themselves() -> None:
    newer = note(verdict="warning", message=f"go 1.99 is newer {HOSTILE}")
    text = rendered(whole=report(note(), newer, note(where="vendor"), note(1, where="vendor")))
    assert "1 go.mod file that nothing vouches for" in text
    assert f"note: go 1.99 is newer {SHOWN} (-v names it)\n" in text
    assert "2 notes, the first of which is: only the go.mod is here, and nothing" in text
    assert "warning mod" not in text
    assert "untracked vendor" not in text


def test_vendored_modules_are_told_apart() -> None:
    def said(whole: Report) -> list[str]:
        return rendered(whole=whole).splitlines()

    only = Counts(modules=3, vendored=3, verified=3, trees=3, files=40, bytes=500, by_authority={"gosum": 3})
    folder = ("vendor", "/svc/vendor")
    lines = said(report(caches=[folder], counts=only))
    assert lines[1] == "read          3 vendored modules, 40 files, 500 bytes"
    assert lines[3] == "verified      3, all by go.sum"
    assert lines[-1] == "All 3 vendored modules are verified."
    one = Counts(modules=1, vendored=1, verified=1, by_authority={"gosum": 1})
    assert said(report(caches=[folder], counts=one))[-1] == "The only vendored module is verified."
    both = Counts(modules=9, vendored=2, verified=9, zips=7, trees=8, mods=7, by_authority={"gosum": 9})
    caches = [("modcache", "/go/pkg/mod"), folder]
    lines = said(report(caches=caches, counts=both, project={}))
    assert "7 modules, 7 zips, 6 trees, 7 go.mod files, 2 vendored modules" in lines[2]
    assert lines[-1] == "All 9 modules (2 of them vendored) are verified."
    both.verified, both.not_verified = 8, 1
    lines = said(report(finding(), caches=caches, counts=both))
    assert lines[-1] == "Found 1 error in 1 of 9 modules (2 of them vendored)."
    lines = said(report(caches=caches, counts=both))
    assert lines[-1] == "Found no damage: 8 of 9 modules (2 of them vendored) verified, 1 not."


def test_what_is_at_fault_without_being_checked_is_no_part_of_it() -> None:
    """A module that a project needs and that is not here; and the lines that a go.sum lacks."""
    whole = Counts(modules=9, verified=9, by_authority={"gosum": 9})
    absent = finding(verdict="missing", where="mod")
    assert rendered(whole=report(absent, counts=whole)).endswith("\nFound 1 error in 1 module.\n")
    lines = [finding(verdict="missing", where="gosum", version=f"v1.0.{n}") for n in range(2)]
    assert rendered(whole=report(*lines, counts=whole)).endswith("\nFound 2 errors.\n")


def test_verbose_has_a_line_for_each_module() -> None:
    text = rendered(
        result(),
        result(module="example.com/open", verified=False, authority="", reason="untracked"),
        verbose=True,
    )
    verified, unverified = text.splitlines()
    assert verified.startswith("verified")
    assert all(fact in verified for fact in ("golang.org/x/text@v0.14.0", "412 files", "3.20 MB", ".ziphash"))
    assert unverified.split("  ") == ["not verified", "example.com/open@v0.14.0", "not vouched for"]
    assert rendered(result()) == ""


def test_many_warnings_of_a_kind_are_counted() -> None:
    warnings = [
        finding(verdict="warning", severity="warning", files=(), module=f"example.com/w{n}")
        for n in range(50)
    ]
    other = finding(verdict="missing", severity="warning", where="zip", files=(), module="example.com/other")
    errors = [finding(module=f"example.com/e{n}") for n in range(50)]
    results = [result(one) for one in [*warnings, other, *errors]]
    whole = report(*warnings, other, *errors)
    short = rendered(*results, whole=whole)
    assert short.count("warning: dir:") == LISTED_WARNINGS
    assert f'{50 - LISTED_WARNINGS} more like "warning: dir" (-v lists them)' in short
    assert short.count("warning: missing zip:") == 1
    assert short.count("error: modified dir:") == 50
    for options in ({"verbose": True}, {"all_warnings": True}):
        full = rendered(*results, whole=whole, **options)
        assert full.count("warning: dir:") == 50
        assert "more like" not in full


@given(st.permutations(range(7)))
def test_the_order_may_wait_for_the_end(order: list[int]) -> None:
    missing = finding(module="example.com/b", version="v1.0.0", verdict="missing")
    stray = finding(module="", version="", where="layout", path="/go/pkg/mod/stray")
    output = finding(module="", version="", cache="gocache", where="output", path="/build/00/0-d")
    results: list[Result] = [
        result(stray),
        result(stray._replace(path="/go/pkg/mod/stray2")),
        result(finding(module="example.com/a")),
        result(missing, finding(module="example.com/b", version="v1.0.0")),
        result(finding(module="example.com/b", version="v1.1.0")),
        result(module="example.com/c"),
        BuildResult((output,)),
    ]
    whole = report()
    told = rendered(*results, whole=whole, verbose=True)
    written: list[str] = []
    text = TextReport(written.append, verbose=True, in_order=True)
    for number in order:
        text.result(results[number])
    assert not written
    text.end(whole)
    assert "".join(written) == told


def test_harmless_files_take_less_room() -> None:
    changes = tuple(FileChange(f"f{n}.go", "mode", size=n) for n in range(30))
    text = rendered(result(finding(verdict="warning", severity="warning", files=changes)))
    assert text.count(".go ") == LISTED_HARMLESS_FILES
    assert f"and {30 - LISTED_HARMLESS_FILES} more" in text


def test_quiet_leaves_only_findings() -> None:
    whole = report(finding(), note())
    loud = rendered(result(finding()), result(note()), whole=whole)
    quiet = rendered(result(finding()), result(note()), whole=whole, quiet=True)
    assert loud.startswith(quiet)
    assert quiet == rendered(result(finding()))
    assert rendered(result(), result(note()), whole=report(note()), quiet=True, verbose=True) == rendered(
        result(note()), verbose=True
    )


def test_a_finding_on_the_cache_has_its_own_title() -> None:
    text = rendered(result(finding(module="", version="", where="layout"), zips=0))
    assert text.splitlines()[0] == "The cache as a whole"
    for where in ("mod", "gosum", "vendor"):
        text = rendered(result(finding(module="", version="", where=where), zips=0))
        assert text.splitlines()[0] == "The project"
    stray = result(finding(module="", version="", where="layout"), zips=0)
    text = rendered(stray, stray, result(finding()), stray)
    assert text.count("The cache as a whole\n") == 2
    assert text.count("error: modified layout") == 3


def test_the_summary_tells_what_was_read_and_by_whom_it_is_vouched() -> None:
    text = rendered(whole=report(finding(), not_checked=["no records", "no clones"]))
    for fact in (
        "/go/pkg/mod",
        "1,021 modules, 1,000 zips, 990 trees, 1,021 go.mod files, 310,223 files, 4.21 GB",
        "3.25 s, 1.30 GB/s, pure engine",
        "1,020 (700 by go.sum, 320 by the cache's own .ziphash)",
        "1 (damaged)",
        "no records",
        "no clones",
    ):
        assert fact in text
    assert text.endswith("\nFound 1 error in 1 of 1,021 modules.\n")


def test_a_ziphash_alone_is_told_to_be_weak() -> None:
    assert "a .ziphash lies in the cache itself" in rendered(whole=report())
    assert "a .ziphash lies in" not in rendered(whole=report(project={"projects": ["/p"], "gosums": []}))


def test_vanished_modules_are_told() -> None:
    whole = report()
    whole.counts.vanished = 3
    assert re.search(r"vanished +3 went away", rendered(whole=whole))


WARNING = finding(verdict="warning", severity="warning", where="partial", files=())


@pytest.mark.parametrize(
    ("whole", "answer"),
    [
        (report(), "All 1,021 modules are verified."),
        (report(WARNING), "All 1,021 modules are verified; 1 warning."),
        (report(finding()), "Found 1 error in 1 of 1,021 modules."),
        (
            report(finding(), finding(where="zip"), WARNING),
            "Found 2 errors in 1 of 1,021 modules; 1 warning.",
        ),
        (report(finding(module="", version="")), "Found 1 error."),
        (
            report(finding(verdict="missing"), finding(module="example.com/m"), counts=Counts(modules=1)),
            "Found 2 errors in 2 modules.",
        ),
        (
            report(note(1), note(2)),
            (
                "Found no damage: 1,019 modules verified; "
                "of 2 more versions only go.mod is there, not vouched for."
            ),
        ),
        (report(counts=Counts()), "There is no module in it, so nothing to verify."),
        (report(counts=Counts(modules=1, verified=1)), "The only module is verified."),
        (report(complete=False), "Incomplete: stopped after 1,021 of 2,000 modules, no damage until then."),
        (
            report(finding(), complete=False),
            "Incomplete: stopped after 1,021 of 2,000 modules, 1 error until then.",
        ),
    ],
)
def test_the_answer_in_words(whole: Report, answer: str) -> None:
    assert verdict_line(whole, 2000)[0] == answer


@pytest.mark.parametrize(
    ("seen", "total", "where"),
    [
        (5, 7, "after 5 of 7 modules"),
        (5, None, "after 5 modules"),
        (5, 5, "after all 5 modules, before the end"),
        (1, 1, "after the only module, before the end"),
        (0, 7, "after 0 of 7 modules"),
    ],
)
def test_where_a_check_was_stopped(seen: int, total: int | None, where: str) -> None:
    stopped = report(counts=Counts(modules=seen), complete=False)
    assert verdict_line(stopped, total)[0] == f"Incomplete: stopped {where}, no damage until then."
    built = report(counts=Counts(outputs=seen), caches=[("gocache", "/build")], complete=False)
    outputs = "1 output" if seen == 1 else f"{seen} outputs"
    assert verdict_line(built, 0)[0] == f"Incomplete: stopped after {outputs}, no damage until then."


@pytest.mark.parametrize("severity", ["error", "warning"])
def test_no_answer_calls_findings_good(severity: Any) -> None:
    bad: Finding = finding(severity=severity)
    for complete in (True, False):
        assert verdict_line(report(bad, complete=complete))[1] != "good"


@pytest.mark.parametrize("complete", [True, False])
@pytest.mark.parametrize("forgotten", [1, 5, 9])
def test_a_summary_needs_no_finding(forgotten: int, complete: bool) -> None:
    found = [
        note(1),
        note(2, where="info", message="a rare one"),
        finding(),
        finding(where="zip"),
        finding(module="example.com/other", severity="warning", verdict="warning"),
        finding(module="example.com/third", verdict="missing", where="gosum"),
        note(3),
        note(4, where="layout", message="the first speaks for all"),
        note(5, where="layout", message="and not the second"),
    ]
    whole, rest = report(*found, complete=complete), report(*found, complete=complete)
    rest.findings = found[:forgotten]
    rest.forget()
    assert rest.findings == []
    rest.findings = found[forgotten:]
    assert rendered(whole=rest) == rendered(whole=whole)
    assert "the first speaks for all" in rendered(whole=rest)
    assert rest.worst() == whole.worst() == "error"
