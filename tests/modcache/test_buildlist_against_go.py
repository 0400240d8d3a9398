"""Build lists of made-up projects, held to the real go command, which reads the same go.mod files."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from fastverify.modcache.buildlist import build_list
from fastverify.modcache.project import find_project
from tests.making.go import Go
from tests.making.graphs import World, worlds

pytestmark = [pytest.mark.go, pytest.mark.slow]

EXAMPLES = int(os.environ.get("FASTVERIFY_GRAPHS", "40"))
some = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
    ],
)


@pytest.fixture(scope="module")
def scratch() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix="fastverify-graphs-"))
    yield made
    shutil.rmtree(made)


def _compare(go: Go, scratch: Path, world: World) -> None:
    shutil.rmtree(scratch)
    scratch.mkdir()
    source = scratch / "source"
    proxy = world.publish(source)
    start = world.write_project(scratch / "project")
    ours = build_list(find_project(str(start), {}), str(source))

    fetched = scratch / "fetched"
    in_workspace = world.work_go is not None
    told = go.run(
        "list",
        "-m",
        "all",
        modcache=fetched,
        cwd=start,
        settings={
            "GOPROXY": proxy.as_uri(),
            "GOFLAGS": "-modcacherw" if in_workspace else "-mod=mod -modcacherw",
            "GOWORK": "",
        },
    )
    assert told.returncode == 0, told.stderr
    assert "".join(f"{module}\n" for module in ours.modules) == told.stdout
    assert (ours.missing, ours.errors) == ((), ())
    # go list has changed the project, and opens more than the list needs.  go mod verify does neither, and
    # an empty cache has afterwards what it opened.
    fetched = scratch / "verified"
    told = go.run(
        "mod",
        "verify",
        modcache=fetched,
        cwd=world.write_project(scratch / "again"),
        settings={"GOPROXY": proxy.as_uri(), "GOFLAGS": "-modcacherw", "GOWORK": ""},
    )
    assert (told.returncode, told.stdout) == (0, "all modules verified\n"), told.stderr
    loaded = {str(path.relative_to(fetched)) for path in fetched.glob("cache/download/**/@v/*.mod")}
    assert {str(Path(one.file).relative_to(source)) for one in ours.go_mods_loaded} == loaded
    for module in ours.modules:
        way = ours.why(module.path)
        assert way[-1] == (module.path, module.version)
        assert way[0][1] == ""


@some
@given(world=worlds())
def test_modules(go: Go, scratch: Path, world: World) -> None:
    _compare(go, scratch, world)


@some
@given(world=worlds(workspace=True))
def test_workspaces(go: Go, scratch: Path, world: World) -> None:
    _compare(go, scratch, world)
