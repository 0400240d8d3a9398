"""Go's settings without a go command, held to ``go env`` where its answer is to be had."""

from __future__ import annotations

import json
import ntpath
import os
import subprocess
from pathlib import Path

import pytest

from fastverify.errors import FastverifyError
from fastverify.locate import GoSettings, build_cache, go_installation, go_settings, module_cache
from tests.making.go import need_go

#: Fields of GoSettings by the variable that ``go env`` prints.
_FIELDS = {
    "GOENV": "goenv",
    "GOPATH": "gopath",
    "GOMODCACHE": "gomodcache",
    "GOCACHE": "gocache",
    "GOFLAGS": "goflags",
    "GOPROXY": "goproxy",
    "GOSUMDB": "gosumdb",
    "GOPRIVATE": "goprivate",
    "GONOSUMDB": "gonosumdb",
    "GONOPROXY": "gonoproxy",
}

_CASES: dict[str, tuple[dict[str, str], str | None]] = {
    "defaults": ({}, None),
    "environment": ({"GOMODCACHE": "/srv/mod", "GOPATH": "/a:/b", "GOPROXY": "direct"}, None),
    "gopath's first element": ({"GOPATH": "/first:/second"}, None),
    "empty is not set": ({"GOMODCACHE": "", "GOPATH": "", "GOSUMDB": ""}, None),
    "xdg": ({"XDG_CONFIG_HOME": "{home}/xdg"}, None),
    "env file": ({}, "GOMODCACHE=/from/file\nGOPRIVATE=corp.example/*\nGOFLAGS=-modcacherw\n"),
    "environment over env file": ({"GOMODCACHE": "/from/environment"}, "GOMODCACHE=/from/file\n"),
    "empty environment over env file": ({"GOMODCACHE": ""}, "GOMODCACHE=/from/file\n"),
    "env file with noise": (
        {},
        "# GOPATH=/comment\n\nGOPATH=/p=q\nlower=1\n=x\nGOPATH\nGOPROXY=a\nGOPROXY=https://b.example,direct\n",
    ),
    "env file with crlf": ({}, "GOPRIVATE=corp.example\r\nGONOSUMDB=other.example\r\n"),
    "gocache": ({"GOCACHE": "/srv/build"}, "GOCACHE=/from/file\n"),
    "gocache in the env file": ({"GOCACHE": ""}, "GOCACHE=/from/file\n"),
    "gocache off": ({"GOCACHE": "off"}, None),
    "xdg cache": ({"XDG_CACHE_HOME": "{home}/xdg"}, None),
    "goenv off": ({"GOENV": "off"}, "GOMODCACHE=/from/file\n"),
    "private sets the others": ({"GOPRIVATE": "corp.example", "GONOPROXY": "none"}, None),
}


def _environment(home: Path, given: dict[str, str], env_file: str | None) -> dict[str, str]:
    environment = {name: value.format(home=home) for name, value in given.items()}
    environment |= {"HOME": str(home), "PATH": os.environ["PATH"], "GOTOOLCHAIN": "local"}
    if env_file is not None:
        folder = home / ".config" / "go"
        folder.mkdir(parents=True)
        (folder / "env").write_bytes(env_file.encode())
    return environment


@pytest.mark.go
@pytest.mark.skipif(os.name == "nt", reason="the cases are spelled for Unix")
@pytest.mark.parametrize("case", _CASES)
def test_same_as_go_env(case: str, tmp_path: Path) -> None:
    environment = _environment(tmp_path, *_CASES[case])
    printed = subprocess.run(
        [need_go(), "env", "-json", *_FIELDS], env=environment, check=True, capture_output=True, cwd=tmp_path
    )
    expected = json.loads(printed.stdout)
    ours = go_settings(environment)
    assert {name: getattr(ours, field) for name, field in _FIELDS.items()} == expected


@pytest.mark.parametrize(
    ("goflags", "expected"),
    [
        ("", False),
        ("-modcacherw", True),
        ("--modcacherw", True),
        ("-mod=mod -modcacherw=true", True),
        ("-modcacherw=false", False),
        ("-modcacherw -modcacherw=0", False),
        ("'-ldflags=-s -modcacherw'", False),
        ("\"-ldflags=a b\" '-modcacherw'", True),
        ("-modcacherwx", False),
    ],
)
def test_modcacherw(goflags: str, expected: bool, tmp_path: Path) -> None:
    assert go_settings({"HOME": str(tmp_path), "GOFLAGS": goflags}).modcacherw is expected


def test_goroot_file_gives_defaults(tmp_path: Path) -> None:
    """A distribution may change Go's defaults in GOROOT/go.env; the user's file wins over it."""
    goroot = tmp_path / "goroot"
    goroot.mkdir()
    (goroot / "go.env").write_text("GOPROXY=direct\nGOSUMDB=off\n")
    user = tmp_path / "env"
    user.write_text("GOSUMDB=sum.example\n")
    settings = go_settings({"GOROOT": str(goroot), "GOENV": str(user), "HOME": str(tmp_path)})
    assert (settings.goproxy, settings.gosumdb) == ("direct", "sum.example")


def test_platform_defaults() -> None:
    windows = go_settings(
        {
            "USERPROFILE": r"C:\Users\me",
            "APPDATA": r"C:\Users\me\AppData\Roaming",
            "LOCALAPPDATA": r"C:\Users\me\AppData\Local",
        },
        platform="windows",
    )
    assert windows.gocache == r"C:\Users\me\AppData\Local\go-build"
    assert windows.goenv == r"C:\Users\me\AppData\Roaming\go\env"
    assert windows.gomodcache == r"C:\Users\me\go\pkg\mod"
    several = go_settings({"GOPATH": r"D:\first;E:\second"}, platform="windows")
    assert several.gomodcache == ntpath.join(r"D:\first", "pkg", "mod")
    mac = go_settings({"HOME": "/Users/me"}, platform="darwin")
    assert mac.goenv == "/Users/me/Library/Application Support/go/env"
    assert mac.gocache == "/Users/me/Library/Caches/go-build"
    assert mac.gomodcache == "/Users/me/go/pkg/mod"


@pytest.mark.skipif(os.name == "nt", reason="Windows has neither links for everybody nor execute bits")
def test_installation_of_the_first_go_command_on_the_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "installed"
    (root / "pkg" / "tool").mkdir(parents=True)
    (root / "bin").mkdir()
    (root / "bin" / "go").touch(mode=0o755)
    folder, text, link = (tmp_path / name for name in ("folder", "text", "link"))
    (folder / "go").mkdir(parents=True)
    text.mkdir()
    (text / "go").touch(mode=0o644)
    link.mkdir()
    (link / "go").symlink_to(root / "bin" / "go")
    on_path = [tmp_path / "absent", folder, text, link]
    assert go_installation({"PATH": os.pathsep.join(map(str, on_path))}) == str(root)
    assert go_installation({"PATH": os.pathsep.join(map(str, on_path[:-1]))}) == ""
    monkeypatch.chdir(link)
    assert go_installation({"PATH": ""}) == ""


def test_home_that_is_goroot_gives_no_gopath(tmp_path: Path) -> None:
    settings = go_settings({"HOME": str(tmp_path), "GOROOT": str(tmp_path / "go")}, platform="linux")
    assert settings.gopath == ""


def test_no_cache_to_be_named() -> None:
    settings = go_settings({}, platform="linux")
    assert settings.gomodcache == ""
    with pytest.raises(FastverifyError, match="neither GOMODCACHE nor GOPATH nor a home"):
        module_cache(settings)


def test_relative_cache_is_refused() -> None:
    settings: GoSettings = go_settings({"GOMODCACHE": "mod", "GOENV": "off"})
    with pytest.raises(FastverifyError, match="absolute"):
        module_cache(settings)


@pytest.mark.parametrize(
    ("environment", "said"),
    [({}, "neither it nor a home"), ({"GOCACHE": "off"}, "off"), ({"GOCACHE": "build"}, "absolute")],
)
def test_no_build_cache_to_be_named(environment: dict[str, str], said: str) -> None:
    settings = go_settings({"GOENV": "off", **environment}, platform="linux")
    with pytest.raises(FastverifyError, match=said):
        build_cache(settings)


def test_a_relative_cache_home_is_none() -> None:
    """os.UserCacheDir refuses it, and go env GOCACHE says off."""
    settings = go_settings({"HOME": "/home/me", "XDG_CACHE_HOME": "cache", "GOENV": "off"}, platform="linux")
    assert settings.gocache == "off"
