"""Which of several go.sum lines and files decides, as the go command has it."""

from __future__ import annotations

from pathlib import Path

import pytest

from fastverify.engine.protocol import Engine
from tests.making.go import Go
from tests.making.modules import Project, h1
from tests.making.world import BYSTANDER, VICTIM, World, check

pytestmark = pytest.mark.usefixtures("nobody_else")

WRONG = h1([(b"wrong", b"")])
RIGHT_LINE = f"{VICTIM.path} {VICTIM.version} {VICTIM.h1}\n"
WRONG_LINE = RIGHT_LINE.replace(VICTIM.h1, WRONG)
MOD_LINE = f"{VICTIM.path} {VICTIM.version}/go.mod {VICTIM.mod_h1}\n"
H2_LINE = RIGHT_LINE.replace(VICTIM.h1, "h2:" + VICTIM.h1[3:])

#: Texts of a go.sum, whether the go command builds with it (`go build`, readonly), and the
#: ``(verdict, severity)`` of what is found about it.
SUMS: dict[str, tuple[str, bool, list[tuple[str, str]]]] = {
    "right": (RIGHT_LINE + MOD_LINE, True, []),
    "right twice": (RIGHT_LINE + RIGHT_LINE + MOD_LINE, True, []),
    "right, then wrong": (RIGHT_LINE + WRONG_LINE + MOD_LINE, True, [("warning", "warning")]),
    "wrong, then right": (
        WRONG_LINE + RIGHT_LINE + MOD_LINE,
        False,
        [("modified", "error"), ("warning", "warning")],
    ),
    "h2, then right": (H2_LINE + RIGHT_LINE + MOD_LINE, True, []),
    "h2 alone": (H2_LINE + MOD_LINE, False, [("untracked", "note")]),
    "CRLF": ((RIGHT_LINE + MOD_LINE).replace("\n", "\r\n"), True, []),
    "blank lines and tabs": ("\n \n" + RIGHT_LINE.replace(" ", "\t") + "\n" + MOD_LINE, True, []),
    "no-break spaces": (RIGHT_LINE.replace(" ", "\u00a0") + MOD_LINE, True, []),
    "other separators are none": (
        RIGHT_LINE.replace(" ", "\x1c") + RIGHT_LINE + MOD_LINE,
        False,
        [("malformed", "error")],
    ),
    "no line end at the end": ((MOD_LINE + RIGHT_LINE)[:-1], True, []),
    "byte order mark": ("\ufeff" + RIGHT_LINE + MOD_LINE, False, [("untracked", "note")]),
    "comment": ("// sums\n" + RIGHT_LINE + MOD_LINE, False, [("malformed", "error")]),
    "hash of an empty go.mod is dropped": (
        RIGHT_LINE + MOD_LINE.replace(VICTIM.mod_h1, h1([(b"go.mod", b"")])) + MOD_LINE,
        True,
        [],
    ),
}


@pytest.mark.parametrize("name", SUMS)
def test_lines_of_one_file(engine: Engine, tmp_path: Path, name: str) -> None:
    text, _, found = SUMS[name]
    world = World(tmp_path, required=(VICTIM,))
    world.project.gosum.write_text(text)
    outcome = world.check(engine.name, project=True)
    assert sorted((f.verdict, f.severity) for f in outcome.report.findings) == found
    assert all(f.where == "gosum" for f in outcome.report.findings)


@pytest.mark.go
@pytest.mark.slow
@pytest.mark.parametrize("name", SUMS)
def test_go_takes_the_same_lines(go: Go, tmp_path: Path, name: str) -> None:
    text, builds, _ = SUMS[name]
    world = World(tmp_path, required=(VICTIM,))
    world.project.gosum.write_text(text)
    done = go.run(
        "build", "./...", modcache=world.cache.root, cwd=world.project.root, settings={"GOFLAGS": ""}
    )
    assert (done.returncode == 0) == builds, done.stderr


def test_malformed_lines_are_told_with_file_and_line(engine: Engine, tmp_path: Path) -> None:
    world = World(tmp_path)
    world.project.gosum.write_text(BYSTANDER.sums + "one two\n" + VICTIM.sums + "a b c d\n")
    outcome = world.check(engine.name, project=True)
    (finding,) = outcome.report.findings
    assert finding.path == str(world.project.gosum)
    assert "line 3 has 2 fields" in finding.message
    assert "malformed are lines 3, 6" in finding.message
    assert finding.hint.startswith("mend lines 3, 6, or")
    # The rest of the file is still good for something.
    assert outcome.report.counts.by_authority == {"gosum": 2}
    world.project.gosum.write_text("x\n" * 30)
    (finding, *_) = world.check(engine.name, project=True).report.findings
    assert "lines 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 and 20 more; " in finding.message


def test_a_line_for_the_go_mod_vouches_for_no_content(engine: Engine, tmp_path: Path) -> None:
    world = World(tmp_path, required=(VICTIM,))
    world.project.gosum.write_text(MOD_LINE)
    outcome = world.check(engine.name, project=True)
    assert outcome.report.counts.by_authority == {"ziphash": 1}


def workspace(world: World, *, work_sum: str, first: str, second: str) -> Path:
    """A workspace of two members, of which the first uses both modules."""
    root = world.folder / "work"
    Project.make(root / "first", [VICTIM, BYSTANDER], sums=first)
    (root / "second").mkdir()
    (root / "second" / "go.mod").write_text("module example.org/second\n\ngo 1.20\n")
    (root / "second" / "go.sum").write_text(second)
    (root / "go.work").write_text("go 1.20\n\nuse (\n\t./first\n\t./second // the other\n)\n")
    (root / "go.work.sum").write_text(work_sum)
    return root


ALL = VICTIM.sums + BYSTANDER.sums
REST = MOD_LINE + BYSTANDER.sums
WORKSPACES: dict[str, tuple[str, str, str, bool]] = {
    "first member has all": ("", ALL, "", True),
    "go.work.sum has all": (ALL, "", "", True),
    "spread over the files": (RIGHT_LINE, REST, "", True),
    "second member disagrees": ("", ALL, WRONG_LINE, False),
    "go.work.sum is right, second member disagrees": (RIGHT_LINE, REST, WRONG_LINE, True),
    "go.work.sum disagrees": (WRONG_LINE, ALL, "", False),
}


@pytest.mark.parametrize("name", WORKSPACES)
@pytest.mark.parametrize("given", [".", "first", "second"])
def test_workspaces(engine: Engine, tmp_path: Path, name: str, given: str) -> None:
    work_sum, first, second, builds = WORKSPACES[name]
    world = World(tmp_path)
    root = workspace(world, work_sum=work_sum, first=first, second=second)
    outcome = check(world.cache.root, engine=engine.name, projects=[root / given])
    if builds:
        assert outcome.findings == []
        assert outcome.report.counts.by_authority == {"gosum": 2}
    else:
        (finding,) = outcome.report.findings
        assert (finding.verdict, finding.where, finding.severity) == ("modified", "gosum", "error")
        assert (finding.module, finding.version) == (VICTIM.path, VICTIM.version)


@pytest.mark.go
@pytest.mark.slow
@pytest.mark.parametrize("name", WORKSPACES)
def test_go_takes_the_same_workspaces(go: Go, tmp_path: Path, name: str) -> None:
    work_sum, first, second, builds = WORKSPACES[name]
    world = World(tmp_path)
    root = workspace(world, work_sum=work_sum, first=first, second=second)
    done = go.run(
        "build", "./first", modcache=world.cache.root, cwd=root, settings={"GOFLAGS": "", "GOWORK": ""}
    )
    assert (done.returncode == 0) == builds, done.stderr


def test_projects_that_disagree(engine: Engine, tmp_path: Path) -> None:
    world = World(tmp_path)
    other = Project.make(tmp_path / "other", [VICTIM], sums=WRONG_LINE + MOD_LINE)
    outcome = check(world.cache.root, engine=engine.name, projects=[world.project.root, other.root])
    (finding,) = outcome.report.findings
    assert (finding.verdict, finding.where, finding.severity) == ("modified", "gosum", "error")
    assert (finding.path, finding.actual) == (str(other.gosum), WRONG)


def test_several_sum_files(engine: Engine, tmp_path: Path) -> None:
    """Each vouches for what it has a line of."""
    world = World(tmp_path)
    files = [tmp_path / "a.sum", tmp_path / "b.sum"]
    files[0].write_text(VICTIM.sums)
    files[1].write_text(BYSTANDER.sums)
    outcome = check(world.cache.root, engine=engine.name, gosums=files)
    assert outcome.findings == []
    assert outcome.report.counts.by_authority == {"gosum": 2}
