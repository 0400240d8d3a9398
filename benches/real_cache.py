"""Makes a module cache that holds the modules of one large program, and nothing else.

``go mod verify`` looks at the modules of a project's build list, fastverify at all that a cache
holds.  For both to read the same bytes, the program's modules go into a GOMODCACHE of their own.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

#: A large open-source program, one of whose releases requires over 500 modules.
PROGRAM = "github.com/traefik/traefik/v3@v3.3.4"


class Modules(NamedTuple):
    """Module versions, and the bytes of their zips and of their trees."""

    modules: int
    zip_bytes: int
    tree_files: int
    tree_bytes: int


class RealCache(NamedTuple):
    """A project, and the module cache that has its modules."""

    project: Path
    modcache: Path

    def environment(self) -> dict[str, str]:
        """The environment in which the go command uses the cache, and only it.

        Python keeps what it has compiled, as it does where fastverify is installed.
        """
        return {
            **{name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"},
            "GOFLAGS": "-mod=mod",
            "GOMODCACHE": str(self.modcache),
            "GOTOOLCHAIN": "local",
            "GOWORK": "off",
        }


def make_real_cache(folder: Path, program: str = PROGRAM) -> RealCache:
    """Download `program`'s modules into `folder`, once.  Needs the go command and the network."""
    cache = RealCache(folder / "project", folder / "modcache")
    made = folder / "made.json"
    if made.is_file() and json.loads(made.read_text()) == {"program": program}:
        return cache
    if made.is_file():
        raise SystemExit(f"{folder} holds the modules of another program; choose another --cache")
    cache.project.mkdir(parents=True, exist_ok=True)
    # The program itself is no module of its own build list: it comes by way of a cache of its own.
    aside = cache._replace(modcache=folder / "program")
    print(f"Downloading {program} and its modules into {folder} ...", flush=True)
    found = json.loads(_go(["mod", "download", "-json", program], folder, aside.environment()))
    for name in ("go.mod", "go.sum"):
        shutil.copyfile(Path(found["Dir"], name), cache.project / name)
    _go(["mod", "download", "all"], cache.project, cache.environment())
    made.write_text(json.dumps({"program": program}))
    return cache


def build_list(cache: RealCache) -> set[tuple[str, str]]:
    """Path and version of each module that ``go mod verify`` looks at, replacements in place."""
    answer = _go(["list", "-m", "-json", "all"], cache.project, cache.environment())
    modules: set[tuple[str, str]] = set()
    for module in _json_stream(answer):
        used = module.get("Replace", module)
        if not module.get("Main") and used.get("Version"):
            modules.add((used["Path"], used["Version"]))
    return modules


def cached_modules(cache: RealCache) -> set[tuple[str, str]]:
    """Path and version of each module whose zip is in the cache."""
    download = cache.modcache / "cache" / "download"
    return {
        (_unescape(zip_file.parent.parent.relative_to(download).as_posix()), _unescape(zip_file.stem))
        for zip_file in download.rglob("*.zip")
        if zip_file.parent.name == "@v"
    }


def count_modules(cache: RealCache, modules: set[tuple[str, str]]) -> Modules:
    """Count the bytes of `modules` in the cache; one that is not there counts for nothing."""
    found = zip_bytes = tree_files = tree_bytes = 0
    for path, version in modules:
        escaped, escaped_version = _escape(path), _escape(version)
        zip_file = cache.modcache / "cache" / "download" / escaped / "@v" / f"{escaped_version}.zip"
        if not zip_file.is_file():
            continue
        found += 1
        zip_bytes += zip_file.stat().st_size
        for here, _, names in os.walk(cache.modcache / f"{escaped}@{escaped_version}"):
            tree_files += len(names)
            tree_bytes += sum(os.lstat(os.path.join(here, name)).st_size for name in names)
    return Modules(found, zip_bytes, tree_files, tree_bytes)


def _go(arguments: list[str], folder: Path, environment: Mapping[str, str]) -> str:
    done = subprocess.run(
        ["go", *arguments], cwd=folder, env=environment, stdout=subprocess.PIPE, text=True, check=False
    )
    if done.returncode != 0:
        raise SystemExit(f"go {' '.join(arguments)} failed in {folder}")
    return done.stdout


def _json_stream(text: str) -> list[dict[str, Any]]:
    decoder = json.JSONDecoder()
    values = []
    rest = text.lstrip()
    while rest:
        value, end = decoder.raw_decode(rest)
        values.append(value)
        rest = rest[end:].lstrip()
    return values


def _escape(path: str) -> str:
    return "".join(f"!{letter.lower()}" if "A" <= letter <= "Z" else letter for letter in path)


def _unescape(path: str) -> str:
    first, *others = path.split("!")
    return first + "".join(other[:1].upper() + other[1:] for other in others)
