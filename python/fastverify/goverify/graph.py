"""What ``go mod verify`` says while it loads the module graph, which the first trouble ends.

Source: ``cmd/go/internal/modload/buildlist.go`` and ``modfile.go``, ``cmd/go/internal/modfetch/fetch.go``,
``cmd/go/internal/mvs/errors.go``.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass, field
from typing import Literal

from fastverify.errors import FastverifyError
from fastverify.gomod import goversion
from fastverify.gomod.reading import read_file
from fastverify.gomod.summary import Module, Summarizer
from fastverify.goverify.oserrors import GoError, read_as_go
from fastverify.goverify.proxies import lookup_words
from fastverify.goverify.refusal import short_path
from fastverify.goverify.settings import Command
from fastverify.modcache.buildlist import BuildList, named
from fastverify.modcache.gomodfiles import LoadedGoMod, UnloadedGoMod
from fastverify.modcache.gosum import GO_MOD_SUFFIX, SumFile, SumSet
from fastverify.sumdb.proof import ModuleProofs
from fastverify.sumdb.settings import SumdbSettings, matches_prefix

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
    #: go.mod files for which Go would ask the checksum database, and no record of it is here.
    unproved: list[LoadedGoMod] = field(default_factory=list)


def load(
    modules: BuildList,
    hashes: Sequence[str | None],
    *,
    command: Command,
    sumdb: SumdbSettings | None,
    database: ModuleProofs,
) -> Loading:
    """Hold the go.mod files of the graph to go.sum, and tell what kept the graph from loading.

    `hashes` are the h1 of ``modules.go_mods_loaded``, in their order.  `sumdb` are the settings of the
    checksum database; None where Go cannot ask it, as they are malformed.

    Raises FastverifyError where Go would first fetch a go.mod.
    """
    loading = Loading()
    sums = modules.project.sums
    if modules.go_mods_loaded:
        malformed = _malformed(sums, command)
        if malformed:
            loading.words.append(malformed)
            loading.ended = True
            return loading
    unasked: set[tuple[str, str]] = set()
    for one, h1 in zip(modules.go_mods_loaded, hashes, strict=True):
        if h1 is None:
            continue
        verdict = _verdict(loading, sums, one, h1, command=command, settings=sumdb, database=database)
        if verdict == "mismatch":
            loading.mismatch = one
            loading.ended = True
            return loading
        if verdict == "unasked":
            unasked.add((one.path, one.version))
    errors = _Errors(modules, command, unasked)
    way = modules.way_to(errors)
    if way:
        loading.ended = True
        loading.words.append("go: " + _build_list_error(way, errors))
    return loading


def _malformed(sums: SumSet, command: Command) -> str:
    for file in [*sums.members, *([sums.main] if sums.main is not None else [])]:
        if file.malformed:
            line = file.malformed[0]
            path = f"{command.modfile.removesuffix('.mod')}.sum" if command.modfile else file.path
            return f"malformed go.sum:\n{path}:{line.number}: wrong number of fields {line.fields}"
    return ""


def _verdict(
    loading: Loading,
    sums: SumSet,
    one: LoadedGoMod,
    h1: str,
    *,
    command: Command,
    settings: SumdbSettings | None,
    database: ModuleProofs,
) -> Literal["accepted", "mismatch", "unasked"]:
    """``checkModSum``: whether Go takes a go.mod of this hash.

    Its words of a mismatch, which ends everything, are in `loading`; where the checksum database cannot be
    asked, Go takes the go.mod as not there.
    """
    key = (one.path, one.version + GO_MOD_SUFFIX)
    name = f"{one.path}@{one.version}{GO_MOD_SUFFIX}"
    labelled: list[tuple[str, SumFile]] = []
    if sums.main is not None:
        in_workspace = sums.main.path.endswith("go.work.sum")
        labelled.append(("go.work.sum" if in_workspace else "go.sum", sums.main))
    labelled += [(file.path, file) for file in sums.members]
    known = False
    for label, file in labelled:
        for line in file.lines.get(key, ()):
            if line.hash == h1:
                known = True
                if file is sums.main:
                    return "accepted"
            elif line.hash.startswith("h1:"):
                loading.words.append(
                    f"verifying {name}: checksum mismatch\n\tdownloaded: {h1}\n\t{label}:     {line.hash}"
                    + _GOSUM_MISMATCH
                )
                return "mismatch"
    if known:
        return "accepted"
    if settings is None:
        if not matches_prefix(command.settings.gonosumdb, one.path):
            return "unasked"
    elif not settings.is_exempt(one.path):
        proof = database.prove(one.path, one.version)
        if proof.status != "proved" or proof.go_mod_h1 is None:
            loading.unproved.append(one)
        elif proof.go_mod_h1 != h1:
            loading.words.append(
                f"{one.path}@{one.version}: verifying go.mod: checksum mismatch\n"
                f"\tdownloaded: {h1}\n\t{settings.name}: {proof.go_mod_h1}" + _SUMDB_MISMATCH
            )
            return "mismatch"
    others = sums.main.lines.get(key, ()) if sums.main is not None else ()
    if others:
        loading.words.append(
            f"warning: verifying {name}: unknown hashes in go.sum: "
            f"{', '.join(line.hash for line in others)}; adding {h1}" + _UNKNOWN_HASH
        )
    return "accepted"


class _Errors:
    """The modules of the graph whose go.mod Go does not take, and what it says of each."""

    def __init__(self, modules: BuildList, command: Command, unasked: Container[Module]) -> None:
        self._modules = modules
        self._command = command
        self._unasked = unasked

    def __contains__(self, module: object) -> bool:
        if module in self._modules.unloaded:
            return True
        if not isinstance(module, tuple) or not module[1] or goversion.is_pseudo_module(module[0]):
            return False
        return self.source(module) in self._unasked or self._is_too_new(module)

    def source(self, module: Module) -> Module:
        """The module whose go.mod counts for `module`: its replacement, if it has one."""
        replacement = self._modules.project.replacements.of(*module)
        return module if replacement is None else (replacement.path, replacement.version)

    def _go(self, module: Module) -> str:
        """The go line of a module's go.mod, from Go 1.21 on; "" of older ones."""
        return next(
            (version for path, version in self._modules.requirements(module) if path == goversion.GO), ""
        )

    def _is_too_new(self, module: Module) -> bool:
        go = self._go(module)
        return bool(go) and self._command.running.is_too_old_for(go)

    def explain(self, module: Module) -> tuple[str, bool]:
        """What Go says of `module`, and whether that is about its replacement."""
        source = self.source(module)
        unloaded = self._modules.unloaded.get(module)
        if unloaded is None and source not in self._unasked:
            return self._command.running.too_old(f"module {named(source)}", self._go(module)), False
        is_replaced = source != module
        if unloaded is not None and unloaded.kind == "refused" and unloaded.file:
            return self._refused(unloaded), is_replaced
        words = lookup_words(self._command.settings, source[0])
        if words is not None:
            return words, False
        if unloaded is None:
            raise FastverifyError(
                f"the go.mod of {named(source)} is in no go.sum, and GOSUMDB is "
                f"{self._command.settings.gosumdb}, which is no checksum database; correct the setting"
            )
        if unloaded.kind == "refused":
            raise FastverifyError(
                f"{named(source)}: no module can have that name, and go mod verify would look it up all the "
                "same; mend the requirement"
            )
        if unloaded.kind == "unreadable":
            raise FastverifyError(
                f"{named(source)}: {unloaded.message} ({unloaded.file}), and go mod verify would fetch it "
                "again; mend that, or delete the file"
            )
        raise FastverifyError(
            f"{named(source)}: there is no go.mod in the module cache ({unloaded.file}), and go mod "
            "verify would fetch it; go mod graph fetches all that are missing"
        )

    def _refused(self, unloaded: UnloadedGoMod) -> str:
        replacement = unloaded.replacement
        if replacement is None or not replacement.folder:
            return _refused_content(unloaded, "go.mod", read_file(unloaded.file))
        shown = short_path(unloaded.file, self._command.cwd)
        try:
            content = read_as_go(unloaded.file)
        except GoError as error:
            return f"reading {shown}: {error}"
        return _refused_content(unloaded, shown, content, unloaded.file)


def _build_list_error(way: Sequence[Module], errors: _Errors) -> str:
    """``mvs.BuildListError``: the way of requirements, and what is wrong at its end."""
    steps = [module for module in way if module[1]]
    before = "".join(f"{named(module)} requires\n\t" for module in steps[:-1])
    words, is_replaced = errors.explain(way[-1])
    name = named(way[-1])
    if is_replaced:
        name += f" (replaced by {named(errors.source(way[-1]))})"
    return f"{before}{name}: {words}"


def _refused_content(unloaded: UnloadedGoMod, shown: str, content: bytes, name: str = "go.mod") -> str:
    summary = Summarizer().summarize(name, content)
    if summary.problems:
        return f"parsing {shown}: " + "\n".join(map(str, summary.problems))
    if not summary.module:
        return "parsing go.mod: missing module line"
    return (
        f"parsing go.mod:\n\tmodule declares its path as: {summary.module}\n"
        f"\t        but was required as: {unloaded.module[0]}"
    )
