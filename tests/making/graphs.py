"""Made-up modules that require each other: a proxy for the go command, and a project on top."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hypothesis import strategies as st

from fastverify.modcache.layout import escape

Module = tuple[str, str]

#: Paths with and without a major version, and one that is spelled otherwise on disk.
PATHS = [
    "example.com/a",
    "example.com/b",
    "example.com/c",
    "example.com/d",
    "example.com/E",
    "example.com/f/v2",
]
MAIN = "example.com/main"
#: Names that only replacements lead to.
FORKS = ["example.com/fork1", "example.com/fork2"]
_GO = ["", "1.11", "1.16", "1.17", "1.20", "1.21", "1.21rc2", "1.21.0", "1.22.3", "1.24"]


def _versions(path: str) -> list[str]:
    major = "v2" if path.endswith("/v2") else "v1"
    own = [f"{major}.0.0", f"{major}.1.0-rc.1", f"{major}.1.0", f"{major}.2.0", f"{major}.10.0"]
    if major == "v2":
        return own
    return ["v0.0.0-20200101000000-abcdefabcdef", *own, "v2.0.0+incompatible"]


@dataclass(frozen=True)
class GoMod:
    """What a go.mod says."""

    path: str
    go: str = ""
    toolchain: str = ""
    require: tuple[Module, ...] = ()
    exclude: tuple[Module, ...] = ()
    #: Old path, old version or "", new path or folder, new version or "".
    replace: tuple[tuple[str, str, str, str], ...] = ()

    def text(self) -> str:
        """The file."""
        lines = [f"module {self.path}"]
        lines += [f"go {self.go}"] if self.go else []
        lines += [f"toolchain {self.toolchain}"] if self.toolchain else []
        lines += [f"require {path} {version}" for path, version in self.require]
        lines += [f"exclude {path} {version}" for path, version in self.exclude]
        lines += [f"replace {_replacement(one)}" for one in self.replace]
        return "\n".join(lines) + "\n"


def _replacement(one: tuple[str, str, str, str]) -> str:
    return f"{one[0]} {one[1]} => {one[2]} {one[3]}".replace("  ", " ").rstrip()


@dataclass(frozen=True)
class World:
    """Modules that are published, and a project."""

    published: dict[Module, GoMod]
    #: The main module; in a workspace all members.
    mains: tuple[GoMod, ...]
    #: Folders that replacements lead to, by their names beside the project.
    folders: dict[str, GoMod] = field(default_factory=dict)
    #: Of go.work; None outside a workspace.
    work_go: str | None = None
    work_replace: tuple[tuple[str, str, str, str], ...] = ()

    def publish(self, modcache: Path) -> Path:
        """Write the modules into a module cache at `modcache`; the folder that also serves as a proxy."""
        download = modcache / "cache" / "download"
        download.mkdir(parents=True, exist_ok=True)
        for (path, version), go_mod in self.published.items():
            folder = download / escape(path) / "@v"
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{escape(version)}.mod").write_text(go_mod.text())
            info = {"Version": version, "Time": "2020-01-01T00:00:00Z"}
            (folder / f"{escape(version)}.info").write_text(json.dumps(info))
        return download

    def write_project(self, root: Path) -> Path:
        """Write the project below `root`; the folder to start a go command in."""
        for name, go_mod in self.folders.items():
            (root / name).mkdir(parents=True, exist_ok=True)
            (root / name / "go.mod").write_text(go_mod.text())
        for number, main in enumerate(self.mains):
            (root / f"main{number}").mkdir(parents=True, exist_ok=True)
            (root / f"main{number}" / "go.mod").write_text(main.text())
        if self.work_go is None:
            return root / "main0"
        lines = [f"go {self.work_go}"] if self.work_go else []
        lines += [f"use ./main{number}" for number in range(len(self.mains))]
        lines += [f"replace {_replacement(one)}" for one in self.work_replace]
        (root / "go.work").write_text("\n".join(lines) + "\n")
        return root


_KNOWN = [(path, version) for path in PATHS for version in _versions(path)]
_FORKED = [(path, version) for path in FORKS for version in ("v1.0.0", "v1.5.0")]


def _requirements(known: Sequence[Module], largest: int) -> st.SearchStrategy[tuple[Module, ...]]:
    return st.lists(st.sampled_from(known), max_size=largest).map(tuple)


def _distinct(modules: tuple[Module, ...]) -> tuple[Module, ...]:
    return tuple({path: (path, version) for path, version in modules}.values())


@st.composite
def worlds(draw: st.DrawFn, *, workspace: bool = False) -> World:
    """Any of them: pruned and unpruned modules, cycles, requirements of the main module, and the rest."""
    main_versions = [(MAIN, "v1.0.0"), (MAIN, "v1.1.0")]
    published = {}
    for path, version in (*_KNOWN, *_FORKED, *main_versions):
        require = draw(_requirements([*_KNOWN, *main_versions], 3))
        published[path, version] = GoMod(path, draw(st.sampled_from(_GO)), require=_distinct(require))
    folders = {
        name: GoMod(
            draw(st.sampled_from(["example.com/a", "example.com/elsewhere"])),
            draw(st.sampled_from(_GO)),
            require=_distinct(draw(_requirements(_KNOWN, 3))),
        )
        for name in ("near", "far")
    }
    count = draw(st.integers(1, 3)) if workspace else 1
    mains = []
    for number in range(count):
        require = draw(_requirements([*_KNOWN, *main_versions], 5))
        mains.append(
            GoMod(
                MAIN if number == 0 else f"example.com/member{number}",
                draw(st.sampled_from(_GO)),
                draw(st.sampled_from(["", "", "go1.26.8", "default", "go1.21.1"])),
                require=require if draw(st.booleans()) else _distinct(require),
                exclude=draw(_requirements(_KNOWN, 3)) if draw(st.booleans()) else (),
                # Only one member, so that none contradicts another.
                replace=draw(_replacements("..")) if number == 0 and draw(st.booleans()) else (),
            )
        )
    if not workspace:
        return World(published, tuple(mains), folders)
    return World(
        published,
        tuple(mains),
        folders,
        draw(st.sampled_from(["1.24", "1.25.1"])),
        draw(_replacements(".")) if draw(st.booleans()) else (),
    )


def _replacements(up: str) -> st.SearchStrategy[tuple[tuple[str, str, str, str], ...]]:
    old = st.sampled_from([*_KNOWN, *((path, "") for path in PATHS)])
    new = st.sampled_from([*_FORKED, *_KNOWN, (f"{up}/near", ""), (f"{up}/far", "")])
    one = st.builds(lambda old, new: (*old, *new), old, new)
    return st.lists(one, max_size=3, unique_by=lambda replacement: replacement[:2]).map(tuple)
