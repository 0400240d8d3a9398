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
4d63.com/gocheckcompilerdirectives v1.2.1
cel.dev/expr v0.19.1
dario.cat/mergo v1.0.1
filippo.io/edwards25519 v1.1.0
github.com/AdaLogics/go-fuzz-headers v0.0.0-20240806141605-e8a1dd7889d6
github.com/Azure/go-ntlmssp v0.0.0-20221128193559-754e69321358
github.com/BurntSushi/toml v1.4.0
github.com/BurntSushi/xgb v0.0.0-20160522181843-27f122750802
github.com/Knetic/govaluate v3.0.1-0.20171022003610-9aa49832a739+incompatible
github.com/Masterminds/semver/v3 v3.3.1
github.com/OneOfOne/xxhash v1.2.8
github.com/cespare/xxhash/v2 v2.3.0
github.com/davecgh/go-spew v1.1.2-0.20180830191138-d8f796af33cc
github.com/dgrijalva/jwt-go v3.2.0+incompatible
github.com/evanphx/json-patch v4.12.0+incompatible
github.com/gofrs/uuid v4.4.0+incompatible
github.com/golang/freetype v0.0.0-20170609003504-e2365dfdc4a0
github.com/kr/text v0.2.0
github.com/pkg/errors v0.9.1
github.com/pmezard/go-difflib v1.0.1-0.20181226105442-5d4384ee4fb2
github.com/russross/blackfriday/v2 v2.1.0
github.com/spf13/cobra v1.8.1
github.com/stretchr/testify v1.10.0
go.uber.org/zap v1.27.0
golang.org/x/mod v0.22.0
golang.org/x/net v0.34.0
golang.org/x/text v0.21.0
golang.org/x/xerrors v0.0.0-20240903120638-7835f813f4da
google.golang.org/protobuf v1.36.3
gopkg.in/check.v1 v1.0.0-20201130134442-10cb98267c6c
gopkg.in/ini.v1 v1.67.0
gopkg.in/tomb.v1 v1.0.0-20141024135613-dd632973f1e7
gopkg.in/yaml.v2 v2.4.0
gopkg.in/yaml.v3 v3.0.1
k8s.io/utils v0.0.0-20241210054802-24370beab758
rsc.io/quote/v3 v3.1.0
sigs.k8s.io/yaml v1.4.0
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
        settings=user_settings(go, folder),
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
