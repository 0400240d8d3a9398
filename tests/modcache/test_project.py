"""Which sum files a project brings, as the go command would choose them."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from fastverify.errors import FastverifyError
from fastverify.modcache.buildlist import build_list
from fastverify.modcache.neededlines import needed_line_findings
from fastverify.modcache.project import find_project, trusted_sums
from fastverify.modcache.projectfindings import build_list_findings, missing_folders, project_findings
from tests.making.work import lines_run

_H1 = "h1:" + "A" * 43 + "="


def _module(folder: Path, key: str | None) -> Path:
    folder.mkdir(parents=True)
    (folder / "go.mod").write_text("module example.com/x\n")
    if key is not None:
        (folder / "go.sum").write_text(f"{key} v1.0.0 {_H1}\n")
    return folder


def _keys(folder: Path, **environ: str) -> set[str]:
    return {
        path
        for file in trusted_sums([find_project(str(folder), environ)], []).files()
        for path, _ in file.lines
    }


def test_project_is_found_from_a_folder_inside(tmp_path: Path) -> None:
    root = _module(tmp_path / "m", "a.example/a")
    inside = root / "cmd" / "x"
    inside.mkdir(parents=True)
    project = find_project(str(inside), {})
    assert project.root == str(root.resolve())
    assert _keys(inside) == {"a.example/a"}


def test_project_without_go_sum_says_so(tmp_path: Path) -> None:
    project = find_project(str(_module(tmp_path / "m", None)), {})
    assert project.absent == [str((tmp_path / "m" / "go.sum").resolve())]


def test_workspace_brings_its_members(tmp_path: Path) -> None:
    one, _ = _module(tmp_path / "one", "a.example/a"), _module(tmp_path / "two words", "b.example/b")
    _module(tmp_path / "three", "c.example/c")
    (tmp_path / "go.work").write_text('go 1.24\n\nuse ./one // first\nuse (\n\t"./two words"\n)\n')
    (tmp_path / "go.work.sum").write_text(f"w.example/w v1.0.0 {_H1}\n")
    assert _keys(one) == {"a.example/a", "b.example/b", "w.example/w"}
    assert _keys(one, GOWORK="off") == {"a.example/a"}
    other = tmp_path / "three" / "go.work"
    other.write_text("go 1.24\nuse .\n")
    assert _keys(one, GOWORK=str(other)) == {"c.example/c"}


def test_errors_name_the_path(tmp_path: Path) -> None:
    with pytest.raises(FastverifyError, match="nowhere does not exist"):
        find_project(str(tmp_path / "nowhere"), {})
    with pytest.raises(FastverifyError, match=r"has no go\.mod"):
        find_project(str(tmp_path), {})
    with pytest.raises(FastverifyError, match=r"missing\.sum cannot be read"):
        trusted_sums([], [str(tmp_path / "missing.sum")])


@pytest.mark.skipif(os.name == "nt", reason="a lock keeps everybody out there")
@pytest.mark.parametrize("name", ["go.mod", "go.sum", "go.work", "go.work.sum"])
def test_what_a_go_command_is_writing_is_waited_for(tmp_path: Path, name: str) -> None:
    import fcntl

    root = _module(tmp_path / "m", "a.example/a")
    (root / "go.work").write_text("go 1.24\n\nuse .\n")
    (root / "go.work.sum").write_text(f"w.example/w v1.0.0 {_H1}\n")
    path = root / name
    whole = path.read_bytes()
    with path.open("r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.truncate(3)

        def finish() -> None:
            file.seek(0)
            file.write(whole)
            file.flush()
            fcntl.flock(file, fcntl.LOCK_UN)

        timer = threading.Timer(0.2, finish)
        timer.start()
        project = find_project(str(root), {"GOWORK": "" if "work" in name else "off"})
        timer.join()
    assert project.problems == []
    assert project.main_modules[0].path == "example.com/x"
    assert [file.malformed for file in project.sums.files()] == [[] for _ in project.sums.files()]


_LINES = {
    "required": "require example.com/m{n} v1.0.0\n",
    "excluded": "require example.com/m{n} v1.0.0\nexclude example.com/m{n} v1.0.1\n",
    "replaced by folders": "require example.com/m{n} v1.0.0\nreplace example.com/m{n} => ../gone{n}\n",
    "replaced by modules": "require example.com/m{n} v1.0.0\nreplace example.com/m{n} => x.com/f{n} v1.0.0\n",
    "replaced twice": "replace example.com/m => example.com/f{n} v1.0.0\n",
}


@pytest.mark.parametrize("kind", _LINES)
def test_work_grows_with_the_lines_and_no_faster(tmp_path: Path, kind: str) -> None:
    """However many lines of one kind a go.mod has."""

    def work(lines: int) -> int:
        root = tmp_path / str(lines)
        root.mkdir()
        text = "".join(_LINES[kind].replace("{n}", str(number)) for number in range(lines))
        (root / "go.mod").write_text(f"module example.com/x\n\ngo 1.21\n\n{text}")
        project = find_project(str(root), {"GOWORK": "off"})

        def judge() -> None:
            list(project_findings(project, missing_folders(project)))
            modules = build_list(project, str(tmp_path / "modcache"))
            list(build_list_findings(modules, set(), set()))
            list(needed_line_findings(modules))

        return lines_run(judge)

    work(1)  # imports and caches are filled
    assert work(200) < 2.2 * work(100)
