"""Where the go command keeps its caches, and its settings, worked out without a go command.

The order is Go's (``cmd/go/internal/cfg``): the environment, then the file that ``go env -w``
writes, then ``go.env`` in GOROOT, then Go's own defaults for the operating system.  A variable that
is set to nothing counts as not set, as in Go.
"""

from __future__ import annotations

import ntpath
import os
import posixpath
import re
import sys
from collections.abc import Mapping
from types import ModuleType
from typing import Literal, NamedTuple

from fastverify.errors import FastverifyError

#: A release, or the beginning of what a development version calls itself after another word.
_TOOLCHAIN_NAME = r"go1\.[0-9]+"

Platform = Literal["linux", "darwin", "windows"]

#: What an unpatched Go has in ``GOROOT/go.env``.
DEFAULT_GOPROXY = "https://proxy.golang.org,direct"
DEFAULT_GOSUMDB = "sum.golang.org"


class GoSettings(NamedTuple):
    """The settings of the go command that matter to its caches.  ``""`` is Go's "not set"."""

    #: The file that ``go env -w`` writes; ``""`` where GOENV=off or there is no home.
    goenv: str
    #: Where a Go installation was found; ``""`` where none was.
    goroot: str
    #: The whole list, as Go has it.
    gopath: str
    #: The module cache; ``""`` where neither GOMODCACHE nor GOPATH nor a home is set.
    gomodcache: str
    #: The build cache; ``off`` where it is turned off, or neither GOCACHE nor a home is set.
    gocache: str
    goflags: str
    #: Whether GOFLAGS keeps extracted directories writable.
    modcacherw: bool
    goproxy: str
    gosumdb: str
    goprivate: str
    gonosumdb: str
    gonoproxy: str


def current_platform() -> Platform:
    """The platform whose rules apply here; every Unix but macOS counts as Linux."""
    if sys.platform == "win32":
        return "windows"
    return "darwin" if sys.platform == "darwin" else "linux"


class GoVariables:
    """The variables of the go command, wherever they are set.

    `environ` stands in for the environment and `platform` for this machine's.  Files that cannot be
    read count as empty, as in Go.
    """

    def __init__(self, environ: Mapping[str, str] | None = None, *, platform: Platform | None = None) -> None:
        self.environ: Mapping[str, str] = os.environ if environ is None else environ
        self.platform = platform or current_platform()
        self.path: ModuleType = ntpath if self.platform == "windows" else posixpath
        #: The file that ``go env -w`` writes; ``""`` where there is none.
        self.goenv = _env_file(self.environ, self.platform, self.path)
        self._files = _read_env_file(self.goenv)
        #: Where a Go installation is; ``""`` where none was found.
        self.goroot = _find_goroot(self.environ, self._files, self.platform)
        if self.goroot:
            for key, value in _read_env_file(self.path.join(self.goroot, "go.env")).items():
                self._files.setdefault(key, value)

    def get(self, key: str, default: str = "") -> str:
        """``cfg.Getenv``: the environment's value, else that of the files, else `default`."""
        return self.environ.get(key) or self._files.get(key) or default


def go_settings(environ: Mapping[str, str] | None = None, *, platform: Platform | None = None) -> GoSettings:
    """Go's settings for this process.

    `environ` stands in for the environment and `platform` for this machine's.  Files that cannot be
    read count as empty, as in Go.
    """
    variables = GoVariables(environ, platform=platform)
    env, system, path, get = variables.environ, variables.platform, variables.path, variables.get
    goenv, goroot = variables.goenv, variables.goroot

    gopath = get("GOPATH", _default_gopath(env, system, path, goroot))
    goflags = get("GOFLAGS")
    goprivate = get("GOPRIVATE")
    return GoSettings(
        goenv=goenv,
        goroot=goroot,
        gopath=gopath,
        gomodcache=get("GOMODCACHE", _below_gopath(gopath, path)),
        gocache=get("GOCACHE") or _default_gocache(env, system, path),
        goflags=goflags,
        modcacherw=_boolean_flag(goflags, "modcacherw"),
        goproxy=get("GOPROXY", DEFAULT_GOPROXY),
        gosumdb=get("GOSUMDB", DEFAULT_GOSUMDB),
        goprivate=goprivate,
        gonosumdb=get("GONOSUMDB", goprivate),
        gonoproxy=get("GONOPROXY", goprivate),
    )


def module_cache(settings: GoSettings) -> str:
    """The module cache that the go command would use.

    Raises FastverifyError where there is none to be named, as the go command does.
    """
    if not settings.gomodcache:
        raise FastverifyError(
            "no module cache can be named: neither GOMODCACHE nor GOPATH nor a home folder is set; "
            "give the cache's path"
        )
    if not os.path.isabs(settings.gomodcache):
        raise FastverifyError(
            f"GOMODCACHE is {settings.gomodcache}, but the go command takes only an absolute path; "
            "correct the setting or give the cache's path"
        )
    return settings.gomodcache


def build_cache(settings: GoSettings) -> str:
    """The build cache that the go command would use.

    Raises FastverifyError where there is none to be named, as the go command does.
    """
    if settings.gocache == "off":
        raise FastverifyError(
            "GOCACHE is off, or neither it nor a home folder is set; to check a build cache, give its path"
        )
    if not os.path.isabs(settings.gocache):
        raise FastverifyError(
            f"GOCACHE is {settings.gocache}, but the go command takes only an absolute path; "
            "correct the setting or give the cache's path"
        )
    return settings.gocache


def _env_file(env: Mapping[str, str], system: Platform, path: ModuleType) -> str:
    """``cfg.EnvFile``: GOENV, or ``go/env`` in os.UserConfigDir."""
    named = env.get("GOENV", "")
    if named:
        return "" if named == "off" else named
    if system == "windows":
        folder = env.get("AppData") or env.get("APPDATA") or ""
    elif system == "darwin":
        home = env.get("HOME", "")
        folder = path.join(home, "Library", "Application Support") if home else ""
    else:
        home = env.get("HOME", "")
        folder = env.get("XDG_CONFIG_HOME") or (path.join(home, ".config") if home else "")
        if folder and not path.isabs(folder):
            return ""  # os.UserConfigDir: "path in $XDG_CONFIG_HOME is relative"
    return str(path.join(folder, "go", "env")) if folder else ""


def _default_gocache(env: Mapping[str, str], system: Platform, path: ModuleType) -> str:
    """``cache.DefaultDir``: ``go-build`` in os.UserCacheDir, or ``off``."""
    if system == "windows":
        folder = env.get("LocalAppData") or env.get("LOCALAPPDATA") or ""
    elif system == "darwin":
        home = env.get("HOME", "")
        folder = path.join(home, "Library", "Caches") if home else ""
    else:
        folder = env.get("XDG_CACHE_HOME") or ""
        if folder and not path.isabs(folder):
            return "off"  # os.UserCacheDir: "path in $XDG_CACHE_HOME is relative"
        home = env.get("HOME", "")
        folder = folder or (path.join(home, ".cache") if home else "")
    return str(path.join(folder, "go-build")) if folder else "off"


def _read_env_file(file: str) -> dict[str, str]:
    """``cfg.readEnvFile``: KEY=value lines; the last one of a key counts."""
    if not file:
        return {}
    try:
        with open(file, "rb") as stream:
            content = stream.read(1 << 20)
    except OSError:
        return {}
    settings: dict[str, str] = {}
    for line in content.split(b"\n"):
        key, equals, value = line.partition(b"=")
        if equals and b"A" <= key[:1] <= b"Z":
            settings[os.fsdecode(key)] = os.fsdecode(value)
    return settings


def _find_goroot(env: Mapping[str, str], settings: Mapping[str, str], system: Platform) -> str:
    """A GOROOT, from the settings or from the go command on the path (which is not run)."""
    named = settings.get("GOROOT") or env.get("GOROOT")
    if named:
        return os.path.normpath(named)
    return go_installation(env) if system == current_platform() else ""


def go_installation(env: Mapping[str, str]) -> str:
    """The folder of the Go whose go command is on the path (which is not run); ``""`` where none is."""
    # Only now: who has said where Go is need not wait for it.
    import shutil

    command = shutil.which("go", path=env.get("PATH"))
    if command:
        for exe in (os.path.abspath(command), os.path.realpath(command)):
            for up in ((os.pardir,), (os.pardir, os.pardir)):
                root = os.path.normpath(os.path.join(os.path.dirname(exe), *up))
                if os.path.isdir(os.path.join(root, "pkg", "tool")):
                    return root
    return ""


def installed_toolchain(env: Mapping[str, str]) -> str:
    """The name of the Go whose go command is on the path, as ``go1.26.8``; ``""`` where none is.

    It is what the installation's VERSION says; of a development version, what there is of its number.
    """
    try:
        path = os.path.join(go_installation(env), "VERSION")
        with open(path, encoding="utf-8", errors="surrogateescape") as stream:
            name = stream.readline(256).strip()
    except OSError:
        return ""
    match = re.search(_TOOLCHAIN_NAME, name)
    if match is None:
        return ""
    return name if match.start() == 0 else match[0]


def _default_gopath(env: Mapping[str, str], system: Platform, path: ModuleType, goroot: str) -> str:
    """``go/build.defaultGOPATH``: ``go`` in the home folder, unless that is GOROOT."""
    home = env.get("USERPROFILE" if system == "windows" else "HOME", "")
    if not home:
        return ""
    default = str(path.join(home, "go"))
    return "" if goroot and path.normpath(default) == path.normpath(goroot) else default


def _below_gopath(gopath: str, path: ModuleType) -> str:
    first = gopath.split(path.pathsep, maxsplit=1)[0]
    if path is ntpath:
        first = first.replace('"', "")  # filepath.SplitList on Windows
    return str(path.join(first, "pkg", "mod")) if first else ""


def flag_value(goflags: str, name: str) -> str:
    """What GOFLAGS gives the flag `name`, as ``-name=value``; the last mention counts, "" without any."""
    found = ""
    for field in split_quoted(goflags):
        flag, equals, value = field.partition("=")
        if equals and flag in (f"-{name}", f"--{name}"):
            found = value
    return found


def _boolean_flag(goflags: str, name: str) -> bool:
    """Whether GOFLAGS turns the boolean flag `name` on; the last mention counts."""
    on = False
    for field in split_quoted(goflags):
        flag, equals, value = field.lstrip("-").partition("=")
        if field.startswith("-") and flag == name:
            # strconv.ParseBool
            on = not equals or value in {"1", "t", "T", "true", "TRUE", "True"}
    return on


def split_quoted(text: str) -> list[str]:
    """``cmd/internal/quoted.Split``: blanks separate; a field may stand whole in quotes."""
    fields: list[str] = []
    rest = text.lstrip(" \t\n\r")
    while rest:
        if rest[0] in "'\"":
            field, _, rest = rest[1:].partition(rest[0])
        else:
            end = next((i for i, char in enumerate(rest) if char in " \t\n\r"), len(rest))
            field, rest = rest[:end], rest[end:]
        fields.append(field)
        rest = rest.lstrip(" \t\n\r")
    return fields
