"""Real programs with what they are built from, fetched through the go command."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from tests.making.go import Go, without
from tests.making.realmodules import user_settings

#: Small ones, of different kinds; what go list -m all needs of them are go.mod files, not zips.
PROGRAMS = {
    "pruned": "github.com/mikefarah/yq/v4@v4.44.6",
    "unpruned": "github.com/spf13/cobra@v1.1.3",
    "with a replacement": "github.com/cli/cli/v2@v2.20.2",
    "with a go line of three numbers": "golang.org/x/tools/gopls@v0.17.1",
    "with many tools": "github.com/go-task/task/v3@v3.40.1",
    "with few requirements": "github.com/junegunn/fzf@v0.57.0",
}
#: Those that make a workspace together.
WORKSPACE = ("pruned", "unpruned", "with many tools")


@dataclass(frozen=True)
class Programs:
    """Where they are: sources nobody has worked in, and what the go command lists for each."""

    modcache: Path
    sources: Path
    listed: dict[str, str]

    def source(self, kind: str) -> Path:
        """The folder of a program."""
        return self.sources / kind.replace(" ", "-")


def fetch_programs(go: Go, folder: Path) -> Programs:
    """Have the go command fetch `PROGRAMS` and list what each of them, and the workspace, is built from."""
    folder.mkdir(exist_ok=True)
    made = Programs(folder / "modcache", folder / "sources", {})
    settings = user_settings(go, folder) | {"GOFLAGS": "-mod=mod -modcacherw"}
    for kind, program in PROGRAMS.items():
        told = go.run(
            "mod", "download", "-json", program, modcache=made.modcache, cwd=folder, settings=settings
        )
        if told.returncode:
            without(f"{program} cannot be downloaded: {told.stdout}{told.stderr}")
        shutil.copytree(json.loads(told.stdout)["Dir"], made.source(kind))
        work = folder / "work" / made.source(kind).name
        shutil.copytree(made.source(kind), work)
        made.listed[kind] = _list(go, made, work, settings)
    text = "".join(f"use ./{made.source(kind).name}\n" for kind in WORKSPACE)
    for root in (made.sources, folder / "work"):
        (root / "go.work").write_text(f"go 1.24\n\n{text}")
    made.listed["workspace"] = _list(
        go, made, folder / "work", settings | {"GOFLAGS": "-modcacherw", "GOWORK": ""}
    )
    return made


def _list(go: Go, made: Programs, project: Path, settings: dict[str, str]) -> str:
    told = go.run("list", "-m", "all", modcache=made.modcache, cwd=project, settings=settings)
    if told.returncode:
        without(f"the modules of {project.name} cannot be listed: {told.stderr}")
    return told.stdout
