"""What ``go mod verify`` says before it verifies anything: while it finds the project and loads its graph.

The first trouble ends it.  Source: ``cmd/go/internal/modload/init.go``, ``buildlist.go`` and
``modfile.go``, ``cmd/go/internal/modfetch/fetch.go``, ``cmd/go/internal/mvs/errors.go``.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field

from fastverify.gomod.reading import read_file
from fastverify.gomod.summary import Summarizer
from fastverify.gomod.syntax import Problem
from fastverify.modcache.buildlist import BuildList, named
from fastverify.modcache.gomodfiles import LoadedGoMod, UnloadedGoMod
from fastverify.modcache.gosum import GO_MOD_SUFFIX, SumFile, SumSet
from fastverify.modcache.project import Project
from fastverify.sumdb.proof import ModuleProofs
from fastverify.sumdb.settings import SumdbSettings

_FOR_MORE = "For more information, see 'go help module-auth'.\n"
_GOSUM_MISMATCH = (
    "\n\nSECURITY ERROR\n"
    "This download does NOT match an earlier download recorded in go.sum.\n"
    "The bits may have been replaced on the origin server, or an attacker may\n"
    "have intercepted the download attempt.\n\n" + _FOR_MORE
)
_SUMDB_MISMATCH = (
    "\n\nSECURITY ERROR\n"
    "This download does NOT match the one reported by the checksum server.\n"
    "The bits may have been replaced on the origin server, or an attacker may\n"
    "have intercepted the download attempt.\n\n" + _FOR_MORE
)
_UNKNOWN_HASH = (
    "\n\nSECURITY WARNING\n"
    "This download is listed in go.sum, but using an unknown hash algorithm.\n"
    "The download cannot be verified.\n\n" + _FOR_MORE + "\n"
)


@dataclass(slots=True)
class Loading:
    """What came of loading the graph."""

    #: What Go writes to stderr, and whether it then gives up.
    words: list[str] = field(default_factory=list)
    ended: bool = False
    #: The go.mod that does not match, where that is why.
    mismatch: LoadedGoMod | None = None
    #: The go.mod that is not in the module cache, where that is why and Go would go and fetch it.
    missing: UnloadedGoMod | None = None
    #: go.mod files for which Go would ask the checksum database, and no record of it is here.
    unproved: list[LoadedGoMod] = field(default_factory=list)


#: What Go says where there is no go.mod.
NO_PROJECT = "go: go.mod file not found in current directory or any parent directory; see 'go help modules'"


def project_words(project: Project, folder: str) -> str:
    """What Go says of go.mod and go.work files that it refuses; "" where it takes them.

    What it says of one that does not parse has its own form, and fastverify's sentence stands for the rest.
    """
    if not project.problems:
        return ""
    first = project.problems[0]
    file = _short(first.file, folder)
    if "there is no module line" in first.message:
        return (
            f"go: error reading {file}: missing module declaration. To specify the module path:\n"
            "\tgo mod edit -module=example.com/mod"
        )
    if not first.line:
        return f"go: {first}"
    same = [p for p in project.problems if p.file == first.file]
    lines = [str(Problem(file, p.line, p.column, p.message)) for p in same]
    return f"go: errors parsing {file}:\n" + "\n".join(lines)


def _short(path: str, folder: str) -> str:
    """``base.ShortPath``."""
    relative = os.path.relpath(path, os.path.realpath(folder))
    return relative if len(relative) < len(path) else path


def load(
    modules: BuildList,
    hashes: Sequence[str | None],
    *,
    offline: bool,
    settings: SumdbSettings | None,
    database: ModuleProofs,
) -> Loading:
    """Hold the go.mod files of the graph to go.sum, and tell what kept the graph from loading.

    `hashes` are the h1 of ``modules.go_mods_loaded``, in their order.  `offline` says that GOPROXY is off.
    `settings` are those of the checksum database; None where it is not to be asked.
    """
    loading = Loading()
    sums = modules.project.sums
    if modules.go_mods_loaded:
        malformed = _malformed(sums)
        if malformed:
            loading.words.append(malformed)
            loading.ended = True
            return loading
    for one, h1 in zip(modules.go_mods_loaded, hashes, strict=True):
        if h1 is not None and not _accepts(loading, sums, one, h1, settings=settings, database=database):
            loading.mismatch = one
            loading.ended = True
            return loading
    way = modules.way_to_unloaded
    if way:
        loading.ended = True
        unloaded = modules.unloaded[way[-1]]
        if unloaded.kind == "missing" and not offline:
            loading.missing = unloaded
        else:
            loading.words.append("go: " + _build_list_error(way, unloaded))
    return loading


def _malformed(sums: SumSet) -> str:
    for file in [*sums.members, *([sums.main] if sums.main is not None else [])]:
        if file.malformed:
            line = file.malformed[0]
            return f"malformed go.sum:\n{file.path}:{line.number}: wrong number of fields {line.fields}"
    return ""


def _accepts(
    loading: Loading,
    sums: SumSet,
    one: LoadedGoMod,
    h1: str,
    *,
    settings: SumdbSettings | None,
    database: ModuleProofs,
) -> bool:
    """``checkModSum``: whether Go takes a go.mod of this hash; if not, its words are in `loading`."""
    key = (one.path, one.version + GO_MOD_SUFFIX)
    name = f"{one.path}@{one.version}{GO_MOD_SUFFIX}"
    labelled: list[tuple[str, SumFile]] = []
    if sums.main is not None:
        labelled.append((os.path.basename(sums.main.path), sums.main))
    labelled += [(file.path, file) for file in sums.members]
    known = False
    for label, file in labelled:
        for line in file.lines.get(key, ()):
            if line.hash == h1:
                known = True
                if file is sums.main:
                    return True
            elif line.hash.startswith("h1:"):
                loading.words.append(
                    f"verifying {name}: checksum mismatch\n\tdownloaded: {h1}\n\t{label}:     {line.hash}"
                    + _GOSUM_MISMATCH
                )
                return False
    if known:
        return True
    if settings is not None and not settings.is_exempt(one.path):
        proof = database.prove(one.path, one.version)
        if proof.status != "proved" or proof.go_mod_h1 is None:
            loading.unproved.append(one)
        elif proof.go_mod_h1 != h1:
            loading.words.append(
                f"{one.path}@{one.version}: verifying go.mod: checksum mismatch\n"
                f"\tdownloaded: {h1}\n\t{settings.name}: {proof.go_mod_h1}" + _SUMDB_MISMATCH
            )
            return False
    others = sums.main.lines.get(key, ()) if sums.main is not None else ()
    if others:
        loading.words.append(
            f"warning: verifying {name}: unknown hashes in go.sum: "
            f"{', '.join(line.hash for line in others)}; adding {h1}" + _UNKNOWN_HASH
        )
    return True


def _build_list_error(way: Sequence[tuple[str, str]], unloaded: UnloadedGoMod) -> str:
    """``mvs.BuildListError``: the way of requirements, and what is wrong at its end."""
    steps = [module for module in way if module[1]]
    before = "".join(f"{named(module)} requires\n\t" for module in steps[:-1])
    source = unloaded.source
    name = named(unloaded.module)
    if source != unloaded.module:
        name += f" (replaced by {named(source)})"
    return f"{before}{name}: {_reason(unloaded)}"


def _reason(unloaded: UnloadedGoMod) -> str:
    if unloaded.kind == "missing":
        return "module lookup disabled by GOPROXY=off"
    try:
        summary = Summarizer().summarize("go.mod", read_file(unloaded.file))
    except OSError:
        return unloaded.message
    if summary.problems:
        return "parsing go.mod: " + "\n".join(map(str, summary.problems))
    if not summary.module:
        return "parsing go.mod: missing module line"
    return (
        f"parsing go.mod:\n\tmodule declares its path as: {summary.module}\n"
        f"\t        but was required as: {unloaded.module[0]}"
    )
