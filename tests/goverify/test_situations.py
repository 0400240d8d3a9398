"""Projects and caches of odd kinds: in each the go command and ``go-mod-verify`` say the same."""

from __future__ import annotations

import os
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import pytest

from fastverify.cli import main
from fastverify.engine import load_engine
from fastverify.engine.protocol import MAX_NAMES_BYTES
from fastverify.goverify.verify import verify_as_go
from fastverify.locate import go_settings
from tests.goverify.conftest import Both
from tests.making.go import Go
from tests.making.hugenames import add_long_paths, more_than, zip_of_long_paths
from tests.making.modules import Module, ModuleCache, Project, h1, module, remove, rewrite, writable
from tests.making.spares import spares_asked_for
from tests.making.users import NOBODY, bound_by_permissions
from tests.making.world import BYSTANDER, VICTIM, World

pytestmark = [pytest.mark.go, pytest.mark.slow]

WRONG = h1([(b"wrong", b"")])
INNER = module("example.com/inner", "v1.0.0")
OUTER = module("example.com/outer", "v1.0.0")
#: Requires INNER, and is not pruned.
OUTER = Module(
    OUTER.path,
    OUTER.version,
    {
        **OUTER.files,
        "go.mod": f"module {OUTER.path}\n\ngo 1.16\n\nrequire {INNER.path} {INNER.version}\n".encode(),
    },
)


def chain(folder: Path) -> tuple[ModuleCache, Project]:
    cache = ModuleCache(folder / "cache")
    cache.add(OUTER, INNER)
    return cache, Project.make(folder / "project", [OUTER], sums=OUTER.sums + INNER.sums)


def test_no_project(both: Both, tmp_path: Path) -> None:
    empty = tmp_path / "a" / "b"
    empty.mkdir(parents=True)
    (tmp_path / "cache" / "cache" / "download").mkdir(parents=True)
    assert both.agree(tmp_path / "cache", empty).status == 1
    (empty / "go.mod").mkdir()
    assert both.agree(tmp_path / "cache", empty).status == 1


def test_below_the_project(both: Both, tmp_path: Path) -> None:
    world = World(tmp_path)
    below = world.project.root / "deep" / "down"
    below.mkdir(parents=True)
    assert both.agree(world.cache.root, below).status == 0


@pytest.mark.parametrize(
    "text",
    [
        "module example.org/project\n\nfrobnicate 7\n",
        "module example.org/project\n\nrequire (\n\texample.com/victim v1.2.3 v2\n\texample.com/x\n)\n",
        "module example.org/project\n\nrequire example.com/victim latest\n",
        "go 1.20\n",
        "module example.org/project\n/* no such thing */\n",
    ],
)
def test_bad_go_mod(both: Both, tmp_path: Path, text: str) -> None:
    world = World(tmp_path)
    (world.project.root / "go.mod").write_text(text)
    assert both.agree_on(world).status == 1


def test_several_at_once(both: Both, tmp_path: Path) -> None:
    """The order is that of the build list, and a module can have two lines."""
    world = World(tmp_path)
    rewrite(world.places.tree / "victim.go", b"package victim\n")
    rewrite(world.places.ziphash, WRONG.encode())
    places = world.cache.places(BYSTANDER)
    rewrite(places.tree / "LICENSE", b"none")
    lines = both.agree_on(world).err.splitlines()
    assert [line.split(" (")[0] for line in lines] == [
        f"{BYSTANDER.path} {BYSTANDER.version}: dir has been modified",
        f"{VICTIM.path} {VICTIM.version}: zip has been modified",
        f"{VICTIM.path} {VICTIM.version}: dir has been modified",
    ]


def test_more_names_than_are_held_in_memory(both: Both, tmp_path: Path) -> None:
    """Go has no such bound."""
    world = World(tmp_path)
    prefix = f"{VICTIM.path}@{VICTIM.version}/"
    content = zip_of_long_paths(prefix, more_than(MAX_NAMES_BYTES))
    rewrite(world.places.zip, content)
    assert both.agree_on(world).err.startswith(f"{VICTIM.path} {VICTIM.version}: zip has been modified")
    with ZipFile(BytesIO(content)) as opened:
        rewrite(world.places.ziphash, h1((name.encode(), b"") for name in opened.namelist()).encode())
    assert both.agree_on(world).err.startswith(f"{VICTIM.path} {VICTIM.version}: dir has been modified")
    rewrite(world.places.zip, VICTIM.zip)
    rewrite(world.places.ziphash, VICTIM.h1.encode())
    with writable(world.places.tree):
        add_long_paths(world.places.tree, more_than(MAX_NAMES_BYTES))
    assert both.agree_on(world).err.startswith(f"{VICTIM.path} {VICTIM.version}: dir has been modified")


@pytest.mark.parametrize("missing", [INNER, OUTER])
def test_a_go_mod_is_missing(both: Both, tmp_path: Path, missing: Module) -> None:
    cache, project = chain(tmp_path)
    remove(cache.places(missing).mod)
    said = both.agree(cache.root, project.root)
    assert said.err.endswith(f"{missing.path}@{missing.version}: module lookup disabled by GOPROXY=off\n")


def test_a_go_mod_that_go_would_fetch(both: Both, tmp_path: Path) -> None:
    cache, project = chain(tmp_path)
    remove(cache.places(INNER).mod)
    said = both.of_fastverify(
        cache.root, project.root, settings={"GOFLAGS": "", "GOPROXY": "https://proxy.invalid"}
    )
    assert (said.status, said.out) == (2, "")
    assert INNER.path in said.err
    assert "go mod graph fetches" in said.err


@pytest.mark.parametrize(
    "content",
    [b"module example.com/other\n", b"module\n", b"go 1.20\n", b"module example.com/inner\nrequire x\n"],
)
def test_a_go_mod_that_go_refuses(both: Both, tmp_path: Path, content: bytes) -> None:
    cache, project = chain(tmp_path)
    rewrite(cache.places(INNER).mod, content)
    project.gosum.write_text(OUTER.sums)
    assert both.agree(cache.root, project.root).status == 1


def test_unknown_hashes(both: Both, tmp_path: Path) -> None:
    world = World(tmp_path)
    text = world.project.gosum.read_text()
    world.project.gosum.write_text(text.replace(VICTIM.mod_h1, "h9:whatever"))
    said = both.agree_on(world)
    assert said.status == 0
    assert "SECURITY WARNING" in said.err


def test_no_go_sum(both: Both, tmp_path: Path) -> None:
    world = World(tmp_path)
    world.project.gosum.unlink()
    assert both.agree_on(world).status == 0
    world.project.gosum.unlink(missing_ok=True)
    said = both.of_fastverify(
        world.cache.root, world.project.root, settings={"GOFLAGS": "", "GOSUMDB": "sum.golang.org"}
    )
    assert (said.status, said.out) == (2, "")
    assert "would ask the checksum database" in said.err


def test_replaced_by_a_folder(both: Both, tmp_path: Path) -> None:
    """A name that no cache can hold is looked for as a file called "hash" in the current folder."""
    world = World(
        tmp_path,
        go_mod=(
            "require (\n\tfoo v0.0.0-00010101000000-000000000000\n"
            "\texample.com/local v0.0.0-00010101000000-000000000000\n)\n"
            "replace (\n\tfoo => ./foo\n\texample.com/local => ./local\n)\n"
        ),
    )
    for name, path in (("foo", "foo"), ("local", "example.com/local")):
        (world.project.root / name).mkdir()
        (world.project.root / name / "go.mod").write_text(f"module {path}\n\ngo 1.20\n")
    said = both.agree_on(world)
    assert said.err.startswith("foo v0.0.0-00010101000000-000000000000: missing ziphash: open hash:")
    explained = both.of_fastverify(world.cache.root, world.project.root, "--explain")
    assert explained.err == said.err
    assert "this is no damage" in explained.out


def test_workspace(both: Both, tmp_path: Path) -> None:
    """Members are not verified, and all their go.sum files count."""
    cache = ModuleCache(tmp_path / "cache")
    cache.add(VICTIM, BYSTANDER, OUTER, INNER)
    root = tmp_path / "work"
    one = Project.make(root / "one", [VICTIM])
    two = Project.make(root / "two", [BYSTANDER, OUTER], sums=BYSTANDER.sums + OUTER.sums + INNER.sums)
    (two.root / "go.mod").write_text((two.root / "go.mod").read_text().replace("org/project", "org/two"))
    (root / "go.work").write_text("go 1.20\n\nuse (\n\t./one\n\t./two\n)\n")
    settings = {"GOFLAGS": "", "GOWORK": ""}
    assert both.agree(cache.root, one.root, settings).status == 0
    rewrite(cache.places(BYSTANDER).tree / "LICENSE", b"none")
    assert "By/Stander" in both.agree(cache.root, one.root, settings).err
    two.gosum.write_text(two.gosum.read_text().replace(INNER.mod_h1, WRONG))
    said = both.agree(cache.root, root, settings)
    assert f"\t{two.gosum}:     {WRONG}" in said.err
    two.gosum.write_text("one two\n")
    assert "malformed go.sum" in both.agree(cache.root, root, settings).err


def verify(world: World, go: Go, engine: str) -> tuple[int, str]:
    """Exit status and stderr, without a process of its own: not every user can start this Python."""
    settings = go_settings(go.environment(world.cache.root, {"GOFLAGS": ""}))
    done = verify_as_go(
        str(world.project.root),
        settings,
        load_engine("native" if engine == "native" else "pure"),
        1,
        environ={"GOWORK": "off"},
    )
    return int(not done.verified), "".join(f"{line}\n" for line in done.errors)


def test_spare_workers(go: Go, tmp_path: Path, engine_name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """More read while a disk makes the others wait, unless the number was asked for."""
    world = World(tmp_path)
    for name, value in go.environment(world.cache.root, {"GOFLAGS": "", "GOWORK": "off"}).items():
        monkeypatch.setenv(name, value)
    asked = spares_asked_for("native" if engine_name == "native" else "pure", monkeypatch)
    arguments = ["go-mod-verify", "-C", str(world.project.root), "--explain", "--engine", engine_name]
    for more, expected in (([], {5}), (["--threads", "2"], {0})):
        assert main(arguments + more) == 0
        assert asked == expected
        asked.clear()


def test_permissions(go: Go, public_path: Path, engine_name: str) -> None:
    """Parts of the cache that may not be read."""
    if os.geteuid() != 0:
        pytest.skip("only root can become somebody else")
    world = World(public_path)
    cases = {
        "tree file": world.places.tree / "LICENSE",
        "tree folder": world.places.tree / "internal",
        "zip": world.places.zip,
        "ziphash": world.places.ziphash,
        "tree": world.places.tree,
        "parent of the tree": world.places.tree.parent,
    }
    shared = public_path / "go"
    shared.mkdir(mode=0o777)
    shared.chmod(0o777)
    for name, path in cases.items():
        mode = path.stat().st_mode & 0o7777
        path.chmod(0)
        try:
            theirs = Go(shared / "gocache", shared / "gopath").run(
                "mod",
                "verify",
                modcache=world.cache.root,
                cwd=world.project.root,
                user=NOBODY,
                settings={"GOFLAGS": "", "HOME": str(shared)},
            )
            ours = bound_by_permissions(lambda: verify(world, go, engine_name))
        finally:
            path.chmod(mode)
        assert ours == (theirs.returncode, theirs.stderr), name


def test_explanation(both: Both, tmp_path: Path) -> None:
    """Go's own lines stay as they are; below come the file and what mends it."""
    world = World(tmp_path)
    rewrite(world.places.tree / "victim.go", b"package victim\n")
    plain = both.of_fastverify(world.cache.root, world.project.root)
    told = both.of_fastverify(world.cache.root, world.project.root, "--explain", "--color", "never")
    assert (told.status, told.err) == (plain.status, plain.err)
    assert "victim.go" in told.out
    assert "extract it again" in told.out
    assert "go mod download example.com/victim@v1.2.3" in told.out


def test_explanation_of_what_go_accepts(both: Both, tmp_path: Path) -> None:
    """Go verifies no replacement; the explanation does."""
    world = World(
        tmp_path,
        required=(BYSTANDER,),
        go_mod=f"require example.com/old v1.0.0\nreplace example.com/old => {VICTIM.path} {VICTIM.version}\n",
    )
    rewrite(world.places.tree / "victim.go", b"package victim\n")
    with world.project.gosum.open("a") as file:
        file.write(VICTIM.sums)
    assert both.agree_on(world).out == "all modules verified\n"
    told = both.of_fastverify(world.cache.root, world.project.root, "--explain", "--color", "never")
    assert told.status == 0
    assert f"{VICTIM.path}@{VICTIM.version}" in told.out


def _without_requirements(world: World) -> None:
    (world.project.root / "go.mod").write_text("module example.org/project\n\ngo 1.20\n")


def _in_a_folder(world: World) -> None:
    near = world.folder / "near"
    near.mkdir()
    (near / "go.mod").write_text("module example.com/near\n")
    (world.project.root / "go.mod").write_text(
        "module example.org/project\n\ngo 1.20\n\nrequire example.com/near v1.0.0\n\n"
        "replace example.com/near => ../near\n"
    )


@pytest.mark.parametrize("modcache", ["relative", "../cache", "/dev/null", "/dev/null/below"])
@pytest.mark.parametrize("change", [lambda _: None, _without_requirements, _in_a_folder])
def test_no_module_cache(both: Both, tmp_path: Path, modcache: str, change: Callable[[World], None]) -> None:
    """Go goes on without one where GOMODCACHE is relative or no folder."""
    world = World(tmp_path)
    change(world)
    both.agree_on(world, {"GOFLAGS": "", "GOMODCACHE": modcache})
    if change is _in_a_folder:
        (world.project.root / "hash").write_text("")
    elif change is _without_requirements:
        return
    proxy = {"GOFLAGS": "", "GOMODCACHE": modcache, "GOPROXY": "https://x.invalid"}
    said = both.of_fastverify(world.cache.root, world.project.root, settings=proxy)
    assert (said.status, said.out) == (2, "")
    assert modcache in said.err or "project/hash" in said.err


@pytest.mark.parametrize("settings", [{}, {"GOSUMDB": "nonsense"}], ids=str)
def test_a_go_sum_that_is_a_folder(both: Both, tmp_path: Path, settings: dict[str, str]) -> None:
    """It counts as empty."""
    world = World(tmp_path)
    world.project.gosum.unlink()
    world.project.gosum.mkdir()
    said = both.agree_on(world, {"GOFLAGS": "", **settings})
    assert said.status == (1 if settings else 0)


@pytest.mark.parametrize("path", ["EXAMPLE.com/x", "(", "a.b/.c", "x"])
@pytest.mark.parametrize("goproxy", ["off", "https://x.invalid", "ftp://x.invalid"])
def test_a_name_that_cannot_be_looked_up(both: Both, tmp_path: Path, path: str, goproxy: str) -> None:
    world = World(tmp_path)
    with (world.project.root / "go.mod").open("a") as file:
        file.write(f'require "{path}" master\n')
    said = both.agree_on(world, {"GOFLAGS": "", "GOPROXY": goproxy})
    assert (said.status, said.out) == (1, "")
    assert ("malformed module path" in said.err) == (goproxy != "ftp://x.invalid")


@pytest.mark.parametrize("path", ["examp~le.com/victim", "example/victim", "example.com/con"])
def test_a_name_that_no_module_can_have(both: Both, tmp_path: Path, path: str) -> None:
    """Go looks it up all the same."""
    world = World(tmp_path)
    go_mod = world.project.root / "go.mod"
    go_mod.write_text(go_mod.read_text().replace(VICTIM.path, path))
    assert both.agree_on(world).status == 1
    said = both.of_fastverify(
        world.cache.root, world.project.root, settings={"GOFLAGS": "", "GOPROXY": "https://x.invalid"}
    )
    assert (said.status, said.out) == (2, "")
    assert f"{path}@v1.2.3: no module can have that name" in said.err


_KNOWN = ("v1.2.3+meta", "v1.2.3+a.b-c")


@pytest.mark.parametrize("version", [*_KNOWN, "v1.9.9+meta", "v2.0.0+meta", "v1.2.3+", "v1+m"])
@pytest.mark.parametrize("info", ["as it is", "no JSON", '{"Version":"v1.0.0"}', None])
def test_versions_with_metadata(both: Both, tmp_path: Path, version: str, info: str | None) -> None:
    """They stand for those without, where the module cache knows them."""
    world = World(tmp_path)
    go_mod = world.project.root / "go.mod"
    go_mod.write_text(go_mod.read_text().replace("v1.2.3", version))
    if info is None:
        world.places.info.unlink()
    elif info != "as it is":
        world.places.info.write_text(info)
    if version in _KNOWN and info not in ("as it is", None):
        said = both.of_fastverify(world.cache.root, world.project.root)
        assert (said.status, said.out) == (2, "")
        return
    said = both.agree_on(world)
    assert (said.out == "all modules verified\n") == (version in _KNOWN and info == "as it is")
    assert version in go_mod.read_text()
    assert both.agree_on(world, {"GOFLAGS": "", "GOPROXY": "ftp://x.invalid"}).status == 1
