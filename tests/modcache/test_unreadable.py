"""What may not be read is named, what may is verified, for a user whom permissions bind."""

from __future__ import annotations

import shutil
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from fastverify import check_module_cache
from fastverify.engine.protocol import MAX_LISTED, MAX_NAMES_BYTES, Engine, Fault, FaultCode
from fastverify.engine.pure import PureEngine
from fastverify.modcache import advice
from fastverify.modcache.changes import unreadable_entries
from fastverify.modcache.gosum import TrustedSums
from fastverify.modcache.inventory import take_inventory
from fastverify.modcache.judge import judge_module
from fastverify.modcache.tasks import task_of
from tests.making.go import Go
from tests.making.hugenames import add_long_paths, more_than, zip_of_long_paths
from tests.making.modules import remove, rewrite, writable
from tests.making.users import NOBODY, bound_by_permissions
from tests.making.world import VICTIM, Expected, Outcome, World

pytestmark = [
    pytest.mark.usefixtures("nobody_else"),
    pytest.mark.skipif("os.name == 'nt'", reason="Windows has no such permission bits"),
]
DOWNLOAD = "cache/cache/download/example.com"


def unreadable(where: str, path: str, *, of_victim: bool = True) -> Expected:
    name = (VICTIM.path, VICTIM.version) if of_victim else ("", "")
    return Expected("unreadable", where, path=path, module=name[0], version=name[1])  # type: ignore[arg-type]


CASES: dict[str, tuple[Callable[[World], Path], list[Expected]]] = {
    "file of a tree": (
        lambda world: world.places.tree / "internal/deep/deep.go",
        [unreadable("dir", "cache/example.com/victim@v1.2.3")],
    ),
    "folder of a tree": (
        lambda world: world.places.tree / "internal",
        [unreadable("dir", "cache/example.com/victim@v1.2.3")],
    ),
    "tree": (lambda world: world.places.tree, [unreadable("dir", "cache/example.com/victim@v1.2.3")]),
    "zip": (
        lambda world: world.places.zip,
        [unreadable("zip", f"{DOWNLOAD}/victim/@v/v1.2.3.zip"), Expected("untracked", "mod", "note")],
    ),
    "ziphash": (
        lambda world: world.places.ziphash,
        [unreadable("ziphash", f"{DOWNLOAD}/victim/@v/v1.2.3.ziphash")],
    ),
    "mod": (lambda world: world.places.mod, [unreadable("mod", f"{DOWNLOAD}/victim/@v/v1.2.3.mod")]),
    "info": (lambda world: world.places.info, [unreadable("info", f"{DOWNLOAD}/victim/@v/v1.2.3.info")]),
}


def checked(world: World, engine: Engine) -> Outcome:
    return bound_by_permissions(lambda: world.check(engine.name))


@pytest.mark.parametrize("name", CASES)
def test_parts_of_a_module(engine: Engine, public_path: Path, name: str) -> None:
    locate, found = CASES[name]
    world = World(public_path)
    path = locate(world)
    path.chmod(0)
    outcome = checked(world, engine)
    expected = [world.expect(each, project=False) for each in found]
    errors = [each for each in outcome.findings if each.severity == "error"]
    assert errors == [each for each in expected if each.severity == "error"]
    # The file itself is named, by the path or in the sentence.
    (finding,) = [each for each in outcome.report.findings if each.severity == "error"]
    assert path.name in finding.path + finding.message
    counts = outcome.report.counts
    assert (counts.verified, counts.not_verified_by_reason) == (1, {"unreadable": 1})


def test_more_names_than_are_held_in_memory(engine: Engine, public_path: Path) -> None:
    """Go reads those, so nothing is said of it refusing them."""
    world = World(public_path)
    remove(world.places.tree)
    prefix = f"{VICTIM.path}@{VICTIM.version}/"
    rewrite(world.places.zip, zip_of_long_paths(prefix, more_than(MAX_NAMES_BYTES)))
    world.places.tree.mkdir()
    add_long_paths(world.places.tree, more_than(MAX_NAMES_BYTES))
    outcome = checked(world, engine)
    errors = [each for each in outcome.report.findings if each.severity == "error"]
    assert [(each.verdict, each.where, each.go) for each in errors] == [
        ("unreadable", where, advice.GO_READS_ALL) for where in ("zip", "dir")
    ]
    assert outcome.report.counts.not_verified_by_reason == {"unreadable": 1}
    shutil.rmtree(world.places.tree)


def test_many_files(engine: Engine, public_path: Path) -> None:
    world = World(public_path)
    with writable(world.places.tree):
        for number in range(MAX_LISTED + 5):
            path = world.places.tree / f"{number:04}"
            path.touch()
            path.chmod(0)
    findings = [each for each in checked(world, engine).report.findings if each.severity == "error"]
    assert [each.verdict for each in findings] == ["unreadable"] * (MAX_LISTED + 1)
    assert findings[0].message.startswith("0000 in it")
    assert findings[-1].message.startswith("5 more in it")


def test_a_damaged_file_beside_an_unreadable_one(engine: Engine, public_path: Path) -> None:
    """What cannot be read hides nothing else."""
    from tests.modcache.cases import edit_tree

    world = World(public_path)
    edit_tree(world)
    (world.places.tree / "LICENSE").chmod(0)
    findings = checked(world, engine).report.findings
    assert [(f.verdict, f.where) for f in findings if f.severity == "error"] == [
        ("unreadable", "dir"),
        ("modified", "dir"),
    ]
    assert [(file.path, file.change) for f in findings for file in f.files] == [("victim.go", "modified")]


def test_parent_of_trees(engine: Engine, public_path: Path) -> None:
    world = World(public_path)
    parent = world.places.tree.parent
    parent.chmod(0)
    outcome = checked(world, engine)
    path = "cache/example.com"
    assert outcome.findings == [world.expect(unreadable("layout", path, of_victim=False), project=False)]


@pytest.mark.parametrize("mode", [0, 0o111, 0o444])
def test_folder_of_versions(engine: Engine, public_path: Path, mode: int) -> None:
    """Also one that may be listed and not entered."""
    world = World(public_path)
    world.places.folder.chmod(mode)
    outcome = checked(world, engine)
    errors = [each for each in outcome.findings if each.severity == "error"]
    path = f"{DOWNLOAD}/victim/@v"
    assert errors == [world.expect(unreadable("layout", path, of_victim=False), project=False)]
    assert [result.verified for result in outcome.results if result.module] == [False, True]


def turn_into_loop(folder: Path) -> None:
    """Put a link to itself in the place of a folder."""
    folder.rename(folder.with_name("aside"))
    folder.symlink_to(folder.name)


LOOPS = {
    "cache": ("cache/cache", 0),
    "downloads": ("cache/cache/download", 0),
    "downloads of a host": (DOWNLOAD, 0),
    "versions": (f"{DOWNLOAD}/victim/@v", 1),
    "trees of a host": ("cache/example.com", 0),
}


@pytest.mark.parametrize("name", LOOPS)
def test_links_that_lead_back_to_themselves(engine: Engine, tmp_path: Path, name: str) -> None:
    """What lies behind them is not known, so it is not verified."""
    path, verified = LOOPS[name]
    world = World(tmp_path)
    turn_into_loop(tmp_path / path)
    outcome = world.check(engine.name)
    errors = [each for each in outcome.report.findings if each.severity == "error"]
    assert [(each.verdict, each.where, each.path) for each in errors] == [
        ("unreadable", "layout", str(tmp_path / path))
    ]
    assert "symbolic links" in errors[0].message
    assert (outcome.report.counts.verified, errors[0].hint) == (verified, advice.REPLACE_LOOP)


@pytest.mark.parametrize("part", ["zip", "ziphash", "mod", "info"])
def test_a_file_that_is_a_link_to_itself(engine: Engine, tmp_path: Path, part: str) -> None:
    """Who reads it does not matter: it has to go."""
    world = World(tmp_path)
    path: Path = getattr(world.places, part)
    turn_into_loop(path)
    (finding,) = [each for each in world.check(engine.name).report.findings if each.severity == "error"]
    assert (finding.verdict, finding.where, finding.path) == ("unreadable", part, str(path))
    assert f"rm -rf {path}" in finding.hint


def test_a_folder_that_hides_its_files_only_when_they_are_read(engine: Engine, tmp_path: Path) -> None:
    world = World(tmp_path)
    made = check_module_cache(world.cache.root, engine=engine.name)
    turn_into_loop(world.places.folder)
    with made:
        results = {result.module: result for result in made}
    victim = results[world.victim.path]
    assert (victim.verified, victim.reason) == (False, "unreadable")
    assert [(each.verdict, each.path) for each in victim.findings if each.severity == "error"] == [
        ("unreadable", str(world.places.folder))
    ]


@pytest.mark.parametrize("code", ["not-regular", "link-outside"])
def test_a_tree_that_could_not_be_hashed_is_not_verified(tmp_path: Path, code: FaultCode) -> None:
    """Nor where it was put right while it was read, so that there is no difference."""
    world = World(tmp_path)
    inventory = take_inventory(str(world.cache.root))
    files = inventory.look_again(world.victim.path, world.victim.version)
    (measured,) = PureEngine().measure([task_of(0, files)], threads=1)
    assert measured.tree is not None
    judged = judge_module(inventory.root, files, measured, TrustedSums())
    assert judged.verified
    fault = Fault(code, b"victim.go")
    tree = measured.tree._replace(fault=fault, faults=(fault,), h1=None)
    judged = judge_module(inventory.root, files, measured._replace(tree=tree), TrustedSums())
    assert (judged.verified, judged.reason) == (False, "unreadable")
    (finding,) = [each for each in judged.findings if each.severity == "error"]
    assert (finding.verdict, finding.where) == ("unreadable", "dir")
    assert finding.message.startswith("victim.go in it cannot be read")


@pytest.mark.go
@pytest.mark.skipif("os.geteuid() != 0", reason="only root can run Go as another user")
def test_what_go_does_below_an_unsearchable_parent(go: Go, public_path: Path) -> None:
    world = World(public_path)
    world.places.tree.parent.chmod(0)
    theirs = Go(gocache=public_path / "gocache", gopath=public_path / "gopath", command=go.command)
    for folder in (theirs.gocache, theirs.gopath):
        folder.mkdir(mode=0o777)
        folder.chmod(0o777)
    signs = []
    for command in (("mod", "verify"), ("build", "./..."), ("mod", "download")):
        done = theirs.run(
            *command,
            modcache=world.cache.root,
            cwd=world.project.root,
            user=NOBODY,
            settings={"GOFLAGS": "-modcacherw"},
        )
        signs.append(done.returncode == 0)
    assert signs == [True, False, False]


def test_unreadable_entries_take_the_memory_of_their_names() -> None:
    """A name that is no text is given twice, as text and in digits, but only where it is looked at."""
    names = [b"%03d" % number + b"\xff" * 40_000 for number in range(25)]
    faults = [Fault("zip-checksum", b"example.com/m@v1.0.0/" + name) for name in names] + [
        Fault("zip-format")
    ]
    size = sum(map(len, names))
    tracemalloc.start()
    try:
        entries = unreadable_entries(faults, "example.com/m", "v1.0.0")
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held < 1.2 * size
    assert [(each.path_hex, each.change) for each in entries] == [(name.hex(), "modified") for name in names]
    assert (len(entries), entries[-1]) == (len(names), tuple(entries)[-1])
