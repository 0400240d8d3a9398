"""What the go command does about each row of the table of tampering, shown by running it.

This is what makes fastverify's sentences on Go true: the signs beside each case in ``cases`` are Go's own.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.making.go import Go
from tests.making.world import World
from tests.modcache.cases import CASES, Sign, edit_tree

pytestmark = [pytest.mark.go, pytest.mark.slow]

COMMANDS = (("mod", "verify"), ("build", "./..."), ("mod", "download"))
#: How long a go command may be silent before it is held to hang; the others take far under a second.
HANGS_AFTER = 5.0


def sign_of(
    go: Go, world: World, command: tuple[str, ...], whole: dict[str, bytes | None], *, hangs: bool
) -> Sign:
    """Run one go command on the damaged cache, with the go command's own default settings."""
    timeout = HANGS_AFTER if hangs else 120.0
    try:
        done = go.run(
            *command,
            modcache=world.cache.root,
            cwd=world.project.root,
            timeout=timeout,
            settings={"GOFLAGS": ""},
        )
    except subprocess.TimeoutExpired:
        return "∞"
    if done.returncode:
        return "✗"
    return "↻" if world.cache.contents() == whole else "✓"


@pytest.mark.parametrize("name", CASES)
def test_what_go_does(go: Go, tmp_path: Path, name: str) -> None:
    case = CASES[name]
    signs = []
    for number, (command, expected) in enumerate(zip(COMMANDS, case.go, strict=True)):
        world = case.world(tmp_path / str(number))
        whole = world.cache.contents()
        case.damage(world)
        # A cache in which nothing looks different cannot be seen to be repaired.
        whole = {} if world.cache.contents() == whole else whole
        signs.append(sign_of(go, world, command, whole, hangs=expected == "∞"))
    assert tuple(signs) == case.go


def test_go_compiles_an_edited_tree(go: Go, tmp_path: Path) -> None:
    """The first row in full: what was edited runs."""
    world = World(tmp_path)
    edit_tree(world)
    main = world.project.root / "cmd"
    main.mkdir()
    (main / "main.go").write_text(
        'package main\n\nimport "example.com/victim"\n\nfunc main() { println(victim.Name) }\n'
    )
    done = go.run("run", "./cmd", modcache=world.cache.root, cwd=world.project.root, settings={"GOFLAGS": ""})
    assert (done.returncode, done.stderr) == (0, "something else\n")
