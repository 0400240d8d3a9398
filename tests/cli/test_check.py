"""``fastverify check`` on real caches: what it prints, its statuses, its JSON."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from fastverify import Report
from tests.cli.conftest import Fastverify
from tests.cli.running import only_line, run
from tests.making.modules import Module, ModuleCache, Project, remove, rewrite, writable
from tests.report.test_json import COUNT_FIELDS, FINDING_FIELDS, REPORT_FIELDS


def age(cache: ModuleCache) -> None:
    """Let nothing look as if it was being written: a check waits for what is very young."""
    past = time.time() - 3600
    for folder, names, files in os.walk(cache.root):
        for name in [*names, *files]:
            os.utime(os.path.join(folder, name), (past, past), follow_symlinks=False)


def source(of: Module) -> str:
    """The name of a Go file of `of`."""
    return next(name for name in of.files if name.endswith(".go"))


def edit(cache: ModuleCache, of: Module) -> Path:
    """Change a Go file in the tree of `of`."""
    path = cache.places(of).tree / source(of)
    rewrite(path, path.read_bytes() + b"// edited\n")
    age(cache)
    return path


def document(text: str) -> Any:
    return json.loads(text)


def test_a_whole_cache_is_verified(fastverify: Fastverify, cache: ModuleCache, engine: str) -> None:
    status, out, err = fastverify("check", cache.root, "--engine", engine)
    assert (status, err) == (0, "")
    assert out.splitlines()[-1] == "All 3 modules are verified."
    assert f"{engine} engine" in out
    assert str(cache.root) in out
    assert "error" not in out


def test_a_damaged_file_is_named(fastverify: Fastverify, cache: ModuleCache, engine: str) -> None:
    damaged = cache.modules[1]
    edit(cache, damaged)
    status, out, err = fastverify("check", cache.root, "--engine", engine)
    assert (status, err) == (1, "")
    assert "example.com/Capital@v0.1.0\n  error: modified dir: " in out
    [row] = [line for line in out.splitlines() if line.split()[:1] == ["modified"]]
    assert row.split()[1] == source(damaged)
    assert out.splitlines()[-1] == "Found 1 error in 1 of 3 modules."


def test_the_go_commands_own_cache_is_the_default(
    fastverify: Fastverify, cache: ModuleCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOMODCACHE", str(cache.root))
    monkeypatch.setenv("GOCACHE", "off")
    for arguments in ([], ["check"], ["--format", "text"]):
        status, out, _ = fastverify(*arguments)
        assert status == 0
        assert str(cache.root) in out
        assert "not checked   no build cache: GOCACHE is off" in out


def test_several_caches_are_one_report(fastverify: Fastverify, cache: ModuleCache, tmp_path: Path) -> None:
    other = ModuleCache(tmp_path / "other")
    other.add(Module("example.com/other", "v1.0.0", {"a.go": b"package a\n"}))
    status, out, _ = fastverify("check", cache.root, other.root, "--format", "json")
    report = document(out)
    assert status == 0
    assert [one["path"] for one in report["caches"]] == [str(cache.root), str(other.root)]
    assert report["counts"]["verified"] == 4


def test_a_cache_that_is_given_twice_is_one(fastverify: Fastverify, cache: ModuleCache, engine: str) -> None:
    given = (cache.root, f"{cache.root}/", cache.root)
    report = document(fastverify("check", *given, "--json", "--engine", engine).out)
    assert [one["path"] for one in report["caches"]] == [str(cache.root)]
    assert report["counts"]["modules"] == len(cache.modules)


def test_json_is_the_contract(fastverify: Fastverify, cache: ModuleCache, engine: str) -> None:
    edit(cache, cache.modules[0])
    status, out, err = fastverify("check", cache.root, "--format", "json", "--engine", engine)
    assert (status, err) == (1, "")
    report = document(out)
    assert set(report) >= REPORT_FIELDS
    assert set(report["counts"]) >= COUNT_FIELDS
    assert report["engine"] == engine
    assert report["complete"] is True
    assert report["caches"] == [{"kind": "modcache", "path": str(cache.root)}]
    [one] = report["findings"]
    assert set(one) >= FINDING_FIELDS
    assert (one["module"], one["version"]) == ("example.com/plain", "v1.2.3")
    assert (one["verdict"], one["where"], one["severity"]) == ("modified", "dir", "error")
    [change] = one["files"]
    assert (change["path"], change["change"]) == (source(cache.modules[0]), "modified")
    counts = report["counts"]
    assert counts["verified"] + counts["not_verified"] == counts["modules"] == 3
    assert counts["by_verdict"] == {"modified": 1}


def test_an_output_file_holds_what_stdout_would(
    fastverify: Fastverify, cache: ModuleCache, tmp_path: Path
) -> None:
    edit(cache, cache.modules[0])
    target = tmp_path / "report.json"
    printed = document(fastverify("check", cache.root, "--format", "json").out)
    status, out, err = fastverify("check", cache.root, "--format", "json", "-o", target)
    assert (status, out) == (1, "")
    assert only_line(err).endswith(f"The report is in {target}.")
    filed = document(target.read_text())
    for report in (printed, filed):
        del report["started"], report["seconds"]
    assert filed == printed
    assert sorted(path.name for path in tmp_path.iterdir()) == ["modcache", "report.json"]


def test_a_text_in_a_file_is_in_order(
    fastverify: Fastverify, cache: ModuleCache, tmp_path: Path, engine: str
) -> None:
    for module in cache.modules:
        edit(cache, module)
    target = tmp_path / "report.txt"
    arguments = ("check", cache.root, "--engine", engine, "--threads", "1")
    printed = fastverify(*arguments).out
    fastverify(*arguments, "-o", target)
    filed = target.read_text()
    titles = [line for line in filed.splitlines() if line in {f"{m.path}@{m.version}" for m in cache.modules}]
    assert titles == sorted(titles)
    assert len(titles) == len(cache.modules) > 1
    of_findings = [[line for line in text.splitlines() if "time  " not in line] for text in (filed, printed)]
    assert sorted(of_findings[0]) == sorted(of_findings[1])


def test_an_output_file_that_cannot_be_written_is_told_before_the_check(
    fastverify: Fastverify, cache: ModuleCache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object, **__: object) -> Report:
        raise AssertionError("the check was started")

    monkeypatch.setattr("fastverify.cli.check.check_caches", never)
    status, out, err = fastverify("check", cache.root, "-o", tmp_path / "no" / "such" / "report")
    assert (status, out) == (2, "")
    assert str(tmp_path / "no" / "such" / "report") in only_line(err)


def test_nothing_is_written_into_the_cache(
    fastverify: Fastverify, cache: ModuleCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = cache.contents()
    for arguments in (["check", cache.root], ["check"]):
        monkeypatch.setenv("GOMODCACHE", str(cache.root))
        status, _, err = fastverify(*arguments, "-o", cache.root / "report")
        assert status == 2
        assert "inside the cache" in only_line(err)
    assert cache.contents() == before


def test_a_failed_check_leaves_the_old_report(fastverify: Fastverify, tmp_path: Path) -> None:
    target = tmp_path / "report"
    target.write_text("before")
    status, _, _ = fastverify("check", tmp_path / "nowhere", "-o", target)
    assert status == 2
    assert target.read_text() == "before"
    assert [path.name for path in tmp_path.iterdir()] == ["report"]


@pytest.mark.parametrize(
    ("severity", "statuses"),
    [
        ("note", {"error": 0, "warning": 0, "note": 1}),
        ("warning", {"error": 0, "warning": 1, "note": 1}),
        ("error", {"error": 1, "warning": 1, "note": 1}),
    ],
)
def test_fail_on(fastverify: Fastverify, cache: ModuleCache, severity: str, statuses: dict[str, int]) -> None:
    first, second, _ = cache.modules
    if severity == "error":
        edit(cache, first)
    elif severity == "warning":
        with writable(cache.places(first).tree):
            (cache.places(first).tree / "empty").mkdir()
    else:
        for part in ("tree", "zip", "ziphash"):
            remove(getattr(cache.places(second), part))
    age(cache)
    for threshold, status in statuses.items():
        ended = fastverify("check", cache.root, "--fail-on", threshold)
        assert ended.status == status, (threshold, ended)
    report = document(fastverify("check", cache.root, "--format", "json").out)
    assert {one["severity"] for one in report["findings"]} == {severity}


def test_notes_that_fail_a_check_are_listed(fastverify: Fastverify, cache: ModuleCache) -> None:
    places = cache.places(cache.modules[0])
    for part in (places.tree, places.zip, places.ziphash):
        remove(part)
    age(cache)
    assert "example.com/plain" not in fastverify("check", cache.root).out
    assert "example.com/plain@v1.2.3\n  note: " in fastverify("check", cache.root, "--fail-on", "note").out
    assert "example.com/plain@v1.2.3\n  note: " in fastverify("check", cache.root, "-v").out


def test_a_project_is_trusted(fastverify: Fastverify, cache: ModuleCache, tmp_path: Path) -> None:
    project = Project.make(tmp_path / "project", cache.modules)
    for arguments in (["--project", project.root], ["--gosum", project.gosum]):
        status, out, _ = fastverify("check", cache.root, *arguments)
        assert status == 0
        assert "3, all by go.sum" in out
        assert "a .ziphash lies in the cache" not in out
    forged = project.gosum.read_text().replace(cache.modules[0].h1, cache.modules[1].h1)
    project.gosum.write_text(forged)
    status, out, _ = fastverify("check", cache.root, "--project", project.root)
    assert status == 1
    assert "error: modified gosum: " in out
    assert cache.modules[0].h1 in out
    assert cache.modules[1].h1 in out


def test_verbose_lists_every_module(fastverify: Fastverify, cache: ModuleCache) -> None:
    out = fastverify("check", cache.root, "--verbose").out
    verified = [line for line in out.splitlines() if line.startswith("verified  example.com/")]
    assert len(verified) == 3


def test_quiet_says_nothing_of_a_whole_cache(fastverify: Fastverify, cache: ModuleCache) -> None:
    assert fastverify("check", cache.root, "-q") == (0, "", "")


def test_threads_do_not_change_the_answer(fastverify: Fastverify, cache: ModuleCache) -> None:
    edit(cache, cache.modules[2])
    reports = []
    for threads in ("1", "3"):
        report = document(fastverify("check", cache.root, "--format", "json", "--threads", threads).out)
        del report["started"], report["seconds"]
        reports.append(report)
    assert reports[0] == reports[1]


@pytest.mark.parametrize(
    "arguments", [["check", "{0}/nowhere"], ["check", "{0}"], ["check", "--project", "{0}/p"]]
)
def test_what_cannot_be_checked_is_one_line(
    fastverify: Fastverify, tmp_path: Path, arguments: list[str]
) -> None:
    (tmp_path / "file").write_text("not a cache")
    status, out, err = fastverify(*(word.format(tmp_path) for word in arguments))
    assert (status, out) == (2, "")
    line = only_line(err)
    assert line.startswith("fastverify: error: ")
    assert str(tmp_path) in line


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such names")
def test_hostile_names_do_not_act(cache: ModuleCache) -> None:
    names = [b"a\x1b[2Jb.go", b"new\nline.go", b"\xff\xfe.go", "rtl\u202eog.go".encode(), b"tab\there"]
    tree = cache.places(cache.modules[0]).tree
    with writable(tree):
        for name in names:
            Path(os.fsdecode(os.path.join(os.fsencode(tree), name))).write_bytes(b"x")
    age(cache)
    done = run("check", str(cache.root), "--color", "always")
    assert done.returncode == 1
    # The colours are the only escapes.
    assert "\x1b[2J" not in done.stdout
    assert "\u202e" not in done.stdout
    for shown in (r"a\x1b[2Jb.go", r"\xff\xfe.go", r"rtl\u202eog.go"):
        assert shown in done.stdout
    as_json = run("check", str(cache.root), "--format", "json")
    assert as_json.stdout.isascii()
    found = {
        bytes.fromhex(change["path_hex"]) if "path_hex" in change else change["path"].encode()
        for one in json.loads(as_json.stdout)["findings"]
        for change in one["files"]
    }
    assert found >= {name for name in names if b"\n" not in name}


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such names")
def test_a_hostile_path_in_an_error_does_not_act(tmp_path: Path) -> None:
    done = run("check", str(tmp_path / "no\x1b[2J\nsuch\u202e"))
    assert done.returncode == 2
    line = only_line(done.stderr)
    assert line.isprintable()
    assert r"no\x1b[2J\nsuch\u202e" in line
