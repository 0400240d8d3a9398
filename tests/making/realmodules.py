"""Real modules, fetched through the go command: few and small ones, of every kind of name."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.making.go import Go, without

#: One or more of each: capitals, no go.mod, ``+incompatible``, gopkg.in, pseudo-versions of each form,
#: v2 and later, pre-releases, modules below a repository's root, odd hosts.
REQUIRED = """
, 
, 
, 
, 
, 
, 
, 
, 
, 
, 
, 
, 
, 
, 
, 
, 
, 
, 
, 
, 
, 
, 
, 
, 
, 
, 
, 
, 
, 
, 
, 
, 
, 
, 
, 
, 
, 
, 
"""

#: What decides where modules come from; taken from the user's own settings.
_NETWORK = ("GOPROXY", "GOSUMDB", "GONOSUMDB", "GONOPROXY", "GOPRIVATE", "GOINSECURE")


@dataclass(frozen=True)
class Downloaded:
    """One module version as ``go mod download -json`` tells of it: the paths, and Go's own hashes."""

    path: str
    version: str
    zip: Path
    tree: Path
    mod: Path
    sum: str
    mod_sum: str


@dataclass(frozen=True)
class RealCache:
    """A module cache that the go command filled, and the project that it did so for."""

    root: Path
    project: Path
    modules: list[Downloaded]


def download(go: Go, folder: Path) -> RealCache:
    """Download the build list of `REQUIRED` into a module cache below `folder`."""
    cache, project = folder / "modcache", folder / "project"
    project.mkdir()
    requires = "".join(f"\t{line}\n" for line in REQUIRED.split("\n") if line)
    (project / "go.mod").write_text(f"module example.org/real\n\ngo 1.20\n\nrequire (\n{requires})\n")
    done = go.run(
        "mod",
        "download",
        "-json",
        "all",
        modcache=cache,
        cwd=project,
        timeout=900,
        **user_settings(go, folder),
    )
    if done.returncode:
        without(f"real modules cannot be downloaded: {done.stderr.strip() or _errors(done.stdout)}")
    return RealCache(cache, project, [_downloaded(record) for record in _records(done.stdout)])


def user_settings(go: Go, folder: Path) -> dict[str, str]:
    """Where this user's go command gets modules from."""
    told = go.run("env", "-json", *_NETWORK, modcache=folder, cwd=folder, as_user=True)
    settings: dict[str, str] = json.loads(told.stdout)
    return settings


def _records(text: str) -> list[dict[str, Any]]:
    """The JSON objects in `text`, one after the other."""
    decoder = json.JSONDecoder()
    records, at = [], 0
    while (at := len(text) - len(text[at:].lstrip())) < len(text):
        record, at = decoder.raw_decode(text, at)
        records.append(record)
    return records


def _errors(text: str) -> str:
    return "; ".join(record["Error"] for record in _records(text) if "Error" in record)


def _downloaded(record: dict[str, Any]) -> Downloaded:
    return Downloaded(
        path=record["Path"],
        version=record["Version"],
        zip=Path(record["Zip"]),
        tree=Path(record["Dir"]),
        mod=Path(record["GoMod"]),
        sum=record["Sum"],
        mod_sum=record["GoModSum"],
    )
