"""Settings that the go command refuses, or goes on with: the same words, and the same exit status."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from fastverify.goverify.goflags import KNOWN
from tests.goverify.conftest import Both
from tests.making.modules import remove
from tests.making.world import World

pytestmark = [
    pytest.mark.go,
    pytest.mark.parametrize("engine_name", ["native"], indirect=True),  # no engine comes to anything
]

REFUSED = [
    {"GO111MODULE": "off"},
    {"GO111MODULE": "perhaps"},
    {"GO111MODULE": "perhaps", "GOTOOLCHAIN": "nonsense"},
    {"GO111MODULE": "auto", "GOTOOLCHAIN": "nonsense"},
    {"GOFLAGS": "word"},
    {"GOFLAGS": "-nosuch=1"},
    {"GOFLAGS": "-"},
    {"GOFLAGS": "--"},
    {"GOFLAGS": "---x"},
    {"GOFLAGS": "-="},
    {"GOFLAGS": "--=x"},
    {"GOFLAGS": "-x 'never closed"},
    {"GOFLAGS": "-x word -nosuch"},
    {"GOFLAGS": "-modcacherw=perhaps"},
    {"GOFLAGS": "--modcacherw="},
    {"GOFLAGS": "-modfile"},
    {"GOFLAGS": "-modfile=other"},
    {"GOFLAGS": "-modfile=other.mod"},
    {"GOFLAGS": "-modfile=/nowhere/other.mod"},
    {"GOFLAGS": "-overlay"},
    {"GOFLAGS": "-overlay=/nowhere"},
    {"GOFLAGS": "-overlay=."},
    {"GOFLAGS": "-C=."},
    {"GOFLAGS": "--C"},
    {"GOTOOLCHAIN": "nonsense"},
    {"GOTOOLCHAIN": "go1.26/x"},
    {"GOTOOLCHAIN": "x+auto"},
    {"GOTOOLCHAIN": "local+x"},
    {"GOTOOLCHAIN": "go1.99+x"},
    {"GOTOOLCHAIN": "go1.99"},
    {"GOTOOLCHAIN": "go1.99.0"},
    {"GOTOOLCHAIN": "go1.99rc1+auto"},
    {"GOTOOLCHAIN": "go1.99.0+path"},
    {"GOTOOLCHAIN": "go1.20"},
    {"GOWORK": "relative"},
    {"GOWORK": "relative", "GOTOOLCHAIN": "auto"},
    {"GOWORK": "relative", "GOFLAGS": "word"},
    {"GOWORK": "relative", "GO111MODULE": "off"},
    {"GOWORK": "/nowhere/go.work"},
    {"GOWORK": "/nowhere/go.work", "GOFLAGS": "-modfile=other.mod"},
    {"GOWORK": "/", "GOTOOLCHAIN": "auto"},
    {"GOWORK": "/"},
    {"GOPATH": "relative"},
    {"GOPATH": "/nowhere:~/go"},
    {"GOROOT": "/nowhere"},
    {"GOARM64": "v7"},
    {"GOMIPS": "x"},
    {"GOMIPS64": "x"},
    {"GOPPC64": "x", "GOARM64": "x"},
    {"GORISCV64": "x"},
    {"GOWASM": "satconv,x"},
    {"GOWASM": "x", "GOFLAGS": "word"},
    {"GOFIPS140": "x"},
    {"GOFIPS140": "v1.9.9"},
    {"GOFIPS140": "v1.0.0-x"},
    {"GOFIPS140": "latest", "GOEXPERIMENT": "boringcrypto"},
    {"GOEXPERIMENT": "nosuch"},
    {"GOEXPERIMENT": "no", "GOFIPS140": "x", "GOWASM": "x"},
]

TAKEN = [
    {"GO111MODULE": "auto"},
    {"GOFLAGS": "-modfile= -overlay= -mod=nonsense -x"},
    {"GOFLAGS": "'-ldflags=-s -w' --modcacherw=F"},
    {"GOTOOLCHAIN": "local+auto"},
    {"GOTOOLCHAIN": "path"},
    {"GOSUMDB": "nonsense"},
    {"GOPROXY": ","},
    {"GOPRIVATE": "["},
    {"GOPATH": ":/nowhere"},
    {"GOAMD64": "v9", "GOARM": "x", "GO386": "x", "GOOS": "x"},
    {"GOARM64": "v8.3,crypto,lse", "GOWASM": ",satconv"},
    {"GOFIPS140": "latest"},
    {"GOEXPERIMENT": "none,,noregabi"},
    {"GOCACHE": "relative", "GOVCS": "x", "GOAUTH": "x", "GOINSECURE": "["},
]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> World:
    """A world in which nothing is wrong, and that no test changes."""
    return World(tmp_path_factory.mktemp("whole"))


@pytest.mark.parametrize("settings", REFUSED, ids=str)
def test_refused(both: Both, whole: World, settings: dict[str, str]) -> None:
    said = both.agree_on(whole, {"GOFLAGS": "", **settings})
    assert (said.status > 0, said.out) == (True, "")


@pytest.mark.parametrize("settings", TAKEN, ids=str)
def test_taken(both: Both, whole: World, settings: dict[str, str]) -> None:
    said = both.agree_on(whole, {"GOFLAGS": "", **settings})
    assert said.out == "all modules verified\n"


@pytest.mark.parametrize(
    "line",
    [
        "GOFLAGS=word",
        "GO111MODULE=off",
        "GOWORK=relative",
        "GOEXPERIMENT=x",
        "GOFIPS140=x",
        "GOROOT=/nowhere",
    ],
)
def test_refused_in_the_file_of_go_env(both: Both, tmp_path: Path, line: str) -> None:
    """What the environment says goes before, and the compiler's settings are read from it alone."""
    written = tmp_path / "env"
    written.write_text(f"GOWASM=x\nGOARM64=x\n{line}\n")
    name = line.partition("=")[0]
    said = both.agree_on(World(tmp_path), {"GOFLAGS": "", "GOENV": str(written), name: ""})
    assert said.status > 0


def test_a_go_mod_where_none_counts(both: Both, tmp_path: Path) -> None:
    """In the folder for temporary files, and in GOPATH."""
    world = World(tmp_path)
    root = str(world.project.root)
    for settings in (
        {"TMPDIR": root},
        {"TMPDIR": f"{root}/", "GOTOOLCHAIN": "auto", "GOFLAGS": "-modfile=other.mod"},
        {"GOPATH": root},
        {"GOPATH": root, "GOFLAGS": "-modfile=other"},
    ):
        said = both.agree_on(world, settings)
        assert "ignoring go.mod" in said.err or "-modfile" in said.err
        assert said.status == 1


def test_gopath_is_goroot(both: Both, tmp_path: Path) -> None:
    world = World(tmp_path)
    goroot = both.go.run("env", "GOROOT", modcache=tmp_path, cwd=tmp_path).stdout.strip()
    said = both.agree_on(world, {"GOPATH": goroot, "GOFLAGS": ""})
    assert (said.status, said.err[:8]) == (0, "warning:")


def test_every_flag_of_go(both: Both, tmp_path: Path) -> None:
    """One command takes them all but those that it has itself, and no other flag."""
    world = World(tmp_path)
    own = {"C", "modfile", "overlay"}
    said = both.agree_on(world, {"GOFLAGS": " ".join(f"-{name}" for name in sorted(KNOWN - own))})
    assert said.status == 0
    help_ = both.go.run("help", "build", modcache=tmp_path, cwd=tmp_path).stdout
    help_ += both.go.run("help", "testflag", modcache=tmp_path, cwd=tmp_path).stdout
    named = set(re.findall(r"^\t-([a-z]+)", help_, re.MULTILINE))
    assert len(named) > 40
    assert named <= KNOWN


_REFUSED_ADDRESSES = [
    "off",
    " off |x",
    ",",
    "word",
    "ftp://x.y",
    "FTP://x.y",
    "/folder",
    "x.y,ftp://z",
    "https://exa mple.com",
    "http://a\\b",
    "http://[::1",
    "http://a[::1]",
    "http://[::1]a",
    "http://x:port",
    "http://x:1 1",
    "file:nope",
    "file:/folder",
    "file://x",
    "file://localhost/x",
    "file:///a%zz",
    "%zz",
    "http://%zz",
    "http://%41",
    "http://%e4%",
    "http://x/%z",
    "http://x/%20%4",
    "http://x#%4",
    "http://user:pa ss@x",
    "http://us%4gr@x",
    "http://us%zzer@x y",
    "://x",
    "1http://x",
    "http\x7f://x",
    "http://x\ty",
    "https://%zz,off",
    "https://%zz|direct",
    "x.y,%zz",
]


@pytest.mark.parametrize("goproxy", _REFUSED_ADDRESSES)
def test_proxies_that_fetch_nothing(both: Both, tmp_path: Path, goproxy: str) -> None:
    world = World(tmp_path)
    remove(world.places.mod)
    said = both.agree_on(world, {"GOFLAGS": "", "GOPROXY": goproxy, "GONOPROXY": "example.org"})
    assert said.status == 1


@pytest.mark.parametrize(
    "goproxy",
    [
        "https://x.invalid",
        "off.invalid,off",
        "file:///nowhere",
        "file:///no%20where",
        "direct",
        "HTTPS://us%20er:pass@[::1%eth0]:80/a?b#c",
        "http://[::1]:80/%41",
        "http://a:1:2",
        "http://\u00e4 b",
    ],
)
def test_proxies_that_fetch(both: Both, tmp_path: Path, goproxy: str) -> None:
    world = World(tmp_path)
    remove(world.places.mod)
    settings = {"GOFLAGS": "", "GOPROXY": goproxy}
    said = both.of_fastverify(world.cache.root, world.project.root, settings=settings)
    assert (said.status, said.out) == (2, "")
    assert "go mod graph fetches" in said.err


@pytest.mark.parametrize("gosumdb", ["nonsense", "sum.golang.org a b", " ", "sum.golang.org+033de0ae+bad"])
def test_no_checksum_database_to_ask(both: Both, tmp_path: Path, gosumdb: str) -> None:
    """Go then takes a go.mod without a line in go.sum as not there; ours says so, or what to correct."""
    world = World(tmp_path)
    world.project.gosum.write_text("")
    settings = {"GOFLAGS": "", "GOSUMDB": gosumdb}
    assert both.agree_on(world, settings).status == 1
    world.project.gosum.write_text("")
    said = both.of_fastverify(
        world.cache.root, world.project.root, settings={**settings, "GOPROXY": "https://x.invalid"}
    )
    assert (said.status, said.out) == (2, "")
    assert "GOSUMDB" in said.err
    assert both.agree_on(world, {**settings, "GOPRIVATE": "example.com"}).status == 0


def test_a_toolchain_that_is_at_hand(both: Both, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On the path, or in the module cache: Go runs it, and it is the newer Go that reads the project."""
    world = World(tmp_path)
    text = world.project.root.joinpath("go.mod").read_text()
    newer = text.replace("go 1.", "go 1.99.1 // 1.", 1)
    (world.project.root / "go.mod").write_text(newer)
    assert newer != text
    settings = {"GOFLAGS": "", "GOTOOLCHAIN": "auto"}
    assert both.agree_on(world, settings).status == 1
    tools = tmp_path / "tools"
    tools.mkdir()
    fake = tools / "go1.99.1"
    fake.write_text("#!/bin/sh\nexit 0\n")
    fake.chmod(0o755)
    path = f"{tools}:{both.go.environment(tmp_path, {})['PATH']}"
    said = both.of_fastverify(world.cache.root, world.project.root, settings={**settings, "PATH": path})
    assert (said.status, said.out) == (0, "all modules verified\n")


def test_a_toolchain_that_would_be_fetched(both: Both, tmp_path: Path) -> None:
    world = World(tmp_path)
    settings = {"GOFLAGS": "", "GOTOOLCHAIN": "go1.99.1", "GOPROXY": "https://x.invalid"}
    said = both.of_fastverify(world.cache.root, world.project.root, settings=settings)
    assert (said.status, said.out) == (2, "")
    assert "fetch or unpack go1.99.1" in said.err
