"""Asking the go command what it looks for, and looking whether the build cache has it."""

from __future__ import annotations

import io
import os
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from fastverify.errors import FastverifyError
from fastverify.gocache.catalog.compact import Entry
from fastverify.gocache.catalog.contents import Contents
from fastverify.gocache.explain.actions import Action, actions_of
from fastverify.gocache.explain.hashlog import HashLog, read_hash_log
from fastverify.gocache.explain.imports import Disagreement, disagreements
from fastverify.gocache.identify.kinds import Identity

#: A go command that takes longer hangs, or waits for a network.
_TIMEOUT = 600.0
_LONGEST_LOG = 1 << 30
#: What a difference begins with that may be none: the content may be the same.
_NEWER = "the file "
_MOST_TRIALS = 24
#: Variables that are inputs of compiling; those of cgo besides.
_VARIABLES = frozenset(
    [
        *("GO386", "GOAMD64", "GOARM", "GOARM64", "GOMIPS", "GOMIPS64", "GOPPC64", "GORISCV64", "GOWASM"),
        *("GOOS", "GOARCH", "GOEXPERIMENT", "GOFIPS140", "GOWORK", "CC", "CXX", "FC"),
        *("GOCLOBBERDEADHASH", "GOSSAFUNC", "GOSSADIR", "GOCOMPILEDEBUG"),
    ]
)
_BUILD = "build "
#: What is said where the newest cached build tells of no difference.
NOTHING_TOLD = (
    "what its archive tells of its inputs is as it was; an archive does not tell of flags (-gcflags, -race, "
    "-tags, -trimpath, -cover), variables for cgo, and the content of files and imports"
)

#: Why go would not take a package from the cache.
MissKind = Literal[
    "never",  # no entry of this package is there at all
    "other-inputs",  # there are entries, for other inputs
    "output-missing",  # the entry is there and its output is not, or not of its size
    "malformed",  # the entry is there, and not in a form that go takes
    "follows",  # a package that it imports would be built anew
]


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a cached build of the same package says of the inputs that it had."""

    entry: Entry
    identity: Identity
    #: What differs from now, each as a sentence.
    differences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Miss:
    """A package that go would build."""

    action: Action
    kind: MissKind
    #: Imports that would be built anew.
    because_of: tuple[str, ...]
    #: The cached builds of the package that are most like this one, the newest first.
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of each package that go would need."""

    hits: tuple[Action, ...]
    misses: tuple[Miss, ...]
    #: Of the hits those that do not fit their imports.
    disagreements: tuple[Disagreement, ...]


def ask_go(
    packages: Sequence[str], flags: Sequence[str], cache: str, environ: Mapping[str, str] | None = None
) -> bytes:
    """What ``go build -n`` logs: it computes what it would look for in `cache`, and builds nothing.

    `flags` are build flags; `environ` stands in for the environment.  Raises FastverifyError where go
    cannot be run or fails.
    """
    environ = os.environ if environ is None else environ
    debug = environ.get("GODEBUG", "")
    settings = {
        "GODEBUG": f"{debug},gocachehash=1".lstrip(","),
        "GOCACHE": cache,
        # So that lines of two blocks do not mix.
        "GOMAXPROCS": "1",
    }
    with tempfile.TemporaryFile() as log:
        try:
            ended = subprocess.run(
                ["go", "build", "-n", *flags, "--", *packages],
                check=False,
                env={**environ, **settings},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=log,
                timeout=_TIMEOUT,
            )
        except FileNotFoundError:
            raise FastverifyError(
                "there is no go command on the PATH; only it can say what it looks for"
            ) from None
        except subprocess.TimeoutExpired:
            raise FastverifyError(f"go build -n did not end within {_TIMEOUT:.0f} seconds") from None
        log.seek(0)
        text = log.read(_LONGEST_LOG + 1)
    if len(text) > _LONGEST_LOG:
        raise FastverifyError(f"go build -n wrote more than {_LONGEST_LOG} bytes")
    if ended.returncode:
        said = [line for line in text.decode("utf-8", "replace").splitlines() if not line.startswith("HASH")]
        words = " ".join(" ".join(said[-4:]).split())
        raise FastverifyError(f"go build -n failed: {words[:500]}")
    return text


def answer(log: HashLog, contents: Contents) -> Answer:
    """Compare what `log` asks for with what the cache has."""
    builds = [action for action in actions_of(log) if action.name.startswith(_BUILD)]
    cached = _by_package(contents)
    hits: list[Action] = []
    missed: dict[str, tuple[Action, MissKind]] = {}
    for action in builds:
        kind = _state(action, contents)
        if kind is None:
            hits.append(action)
        else:
            missed[action.name] = (action, kind)
    misses = []
    for action, kind in missed.values():
        imports = tuple(
            given.subject
            for given in action.inputs
            if given.kind == "import" and f"{_BUILD}{given.subject}" in missed
        )
        if kind == "other-inputs" and imports:
            misses.append(Miss(action, "follows", imports, ()))
            continue
        evidence: tuple[Evidence, ...] = ()
        if kind == "other-inputs":
            evidence = tuple(_likest(action, _builds_before(action, cached), log))
            if not evidence:
                misses.append(Miss(action, "never", imports, ()))
                continue
        misses.append(Miss(action, kind, imports, evidence))
    return Answer(
        tuple(hits),
        tuple(sorted(misses, key=lambda miss: miss.kind == "follows")),
        tuple(disagreements(hits, contents)),
    )


@dataclass(frozen=True, slots=True)
class Trial:
    """What would be in the cache if one flag or variable were left out."""

    #: Such as ``the flag -race`` or ``the variable CGO_CFLAGS``.
    left_out: str
    #: Packages that would be taken from the cache then, and would be compiled now.
    hits: tuple[str, ...]


def trials(
    packages: Sequence[str], flags: Sequence[str], contents: Contents, found: Answer
) -> Iterator[Trial]:
    """Leave out each flag and each variable of go's in turn, and look what would be in the cache then.

    Those with which something would.  Variants that go refuses are passed over.
    """
    missed = {miss.action.name for miss in found.misses}
    for left_out, words, environ in list(_variants(flags))[:_MOST_TRIALS]:
        try:
            text = ask_go(packages, words, contents.root, environ)
            log = read_hash_log(io.BytesIO(text), "the go command's log")
        except FastverifyError:
            continue
        hits = tuple(
            action.name.removeprefix(_BUILD)
            for action in actions_of(log)
            if action.name in missed and _state(action, contents) is None
        )
        if hits:
            yield Trial(left_out, hits)


def _variants(flags: Sequence[str]) -> Iterator[tuple[str, list[str], dict[str, str]]]:
    environ = dict(os.environ)
    for number, flag in enumerate(flags):
        yield f"the flag {flag}", [*flags[:number], *flags[number + 1 :]], environ
    set_flags = environ.get("GOFLAGS", "").split()
    for number, flag in enumerate(set_flags):
        fewer = " ".join([*set_flags[:number], *set_flags[number + 1 :]])
        yield f"the flag {flag} in GOFLAGS", list(flags), {**environ, "GOFLAGS": fewer}
    for name in sorted(environ):
        if name in _VARIABLES or name.startswith("CGO_"):
            rest = {other: value for other, value in environ.items() if other != name}
            yield f"the variable {name}", list(flags), rest


def _state(action: Action, contents: Contents) -> MissKind | None:
    """What go would find; None for a hit."""
    entry = contents.entries.get(action.sum)
    if entry is None:
        return "other-inputs"
    if entry.form == "malformed":
        return "malformed"
    output = contents.outputs.get(entry.output)
    if output is None or output.problem or output.size != entry.size:
        return "output-missing"
    return None


def _builds_before(
    action: Action, cached: dict[str, list[tuple[Entry, Identity]]]
) -> list[tuple[Entry, Identity]]:
    """The cached builds of the same package."""
    package = action.name.removeprefix(_BUILD).partition(" ")[0]
    found = list(cached.get(package, []))
    if any(given.kind == "build-setting" for given in action.inputs):
        # A program's archive names its package only by the folder of its source.
        directory = next((given.value for given in action.inputs if given.kind == "directory"), "")
        found += [
            (entry, identity)
            for entry, identity in cached.get("main", [])
            if identity.details.get("folder") == directory.replace("\\", "/")
        ]
    return found


def _by_package(contents: Contents) -> dict[str, list[tuple[Entry, Identity]]]:
    found: dict[str, list[tuple[Entry, Identity]]] = {}
    for entry in contents.entries.values():
        output = contents.outputs.get(entry.output)
        if output is None or output.identity.kind != "archive":
            continue
        identity = output.identity
        found.setdefault(identity.package, []).append((entry, identity))
    return found


def _likest(action: Action, before: Iterable[tuple[Entry, Identity]], log: HashLog) -> list[Evidence]:
    """The cached builds that differ least from what is asked for; of equal ones the newest."""
    found = [
        Evidence(entry, identity, tuple(_differences(action, identity, entry, log)))
        for entry, identity in before
    ]
    found.sort(key=lambda one: (_weight(one), -one.entry.written))
    return found[:3]


def _weight(evidence: Evidence) -> int:
    return len([text for text in evidence.differences if not text.startswith(_NEWER)])


def is_untold(miss: Miss) -> bool:
    """Whether the builds that there are do not tell why one is missing.

    A file that is newer than a build may have the same content: every fresh checkout has such files.
    """
    return bool(miss.evidence) and not _weight(miss.evidence[0])


def _differences(action: Action, identity: Identity, entry: Entry, log: HashLog) -> Iterable[str]:
    """What an archive tells of its inputs and is another now."""
    values = {(given.kind, given.subject): given.value for given in action.inputs}
    by_kind = {given.kind: given.value for given in action.inputs}
    platform = by_kind.get("platform", "").split()
    if len(platform) == 3:
        now = f"{platform[0]}/{platform[2]}"
        then = f"{identity.goos}/{identity.goarch}"
        if now != then:
            yield f"it was built for {then}; now it would be for {now}"
    version = by_kind.get("go-version", "")
    if version and identity.go_version and version != identity.go_version:
        yield f"it was built with {identity.go_version}; now it would be with {version}"
    folder = identity.details.get("folder") or ""
    directory = by_kind.get("directory")
    absolute = folder.startswith("/") or folder[1:3] in (":/", ":\\")
    if directory is not None and absolute and folder != directory.replace("\\", "/"):
        yield f"its source lay in {folder}, and now lies in {directory} (-trimpath leaves directories out)"
    elif directory is not None and folder and not absolute:
        yield "it was built with -trimpath; now it would be without"
    elif directory is None and absolute and ("trimpath", "") in values:
        yield "it was built without -trimpath; now it would be with it"
    for setting in identity.details.get("settings", ()):
        name, _, value = setting.partition("=")
        asked = values.get(("architecture-level", name))
        if asked is not None and asked != value:
            yield f"it was built with {setting}; now it would be with {name}={asked}"
    base = directory or ""
    for given in action.inputs:
        if given.kind != "file" or not base:
            continue
        path = os.path.join(base, given.subject)
        if path not in log.files:
            continue
        try:
            changed = os.stat(path).st_mtime_ns
        except OSError:
            continue
        if changed > entry.written:
            yield f"{_NEWER}{path} is newer than that build"
