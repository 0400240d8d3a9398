"""Comparing the actions of two hash logs, and finding where their differences begin."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from fastverify.gocache.explain.actions import Action
from fastverify.gocache.explain.inputs import DERIVED, Input, InputKind

# Which build setting says what is hashed elsewhere, too.
_SETTINGS: dict[str, InputKind] = {
    "-asmflags": "asmflags",
    "-buildmode": "build-mode",
    "-gcflags": "gcflags",
    "-race": "gcflags",
    "-ldflags": "ldflags",
    "CGO_CFLAGS": "c-flags",
    "CGO_CPPFLAGS": "c-flags",
    "CGO_CXXFLAGS": "c-flags",
    "CGO_LDFLAGS": "c-flags",
    "DefaultGODEBUG": "default-godebug",
    "GOARCH": "platform",
    "GOEXPERIMENT": "experiment",
    "GOOS": "platform",
    **dict.fromkeys(
        ("GO386", "GOAMD64", "GOARM", "GOARM64", "GOMIPS", "GOMIPS64", "GOPPC64", "GORISCV64", "GOWASM"),
        "architecture-level",
    ),
}
_CGO = "CGO_ENABLED"
# They tell their version, which is Go's, with the experiments that they were built for.
_TOOLS: frozenset[InputKind] = frozenset(["compiler", "assembler", "linker", "cgo-tool", "vet-tool"])


@dataclass(frozen=True, slots=True)
class Change:
    """An input that differs."""

    kind: InputKind
    subject: str
    #: None where the input is not there.
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class Difference:
    """An action that has another ID in each log."""

    name: str
    before: Action
    after: Action
    #: What differs in itself, in the order in which go hashed it.
    changes: tuple[Change, ...]
    #: What differs because another action's result does.
    derived: tuple[Change, ...]
    #: Names of those other actions.
    follows: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Cause:
    """Where differences begin: one change, or an action with equal inputs and another result."""

    #: None where all inputs of `where` are equal and its result is not.
    change: Change | None
    #: The actions that have this change themselves.
    where: tuple[str, ...]
    #: All actions that differ because of it, those in `where` among them.
    affected: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """What two logs have in common, and what not."""

    equal: int
    differences: tuple[Difference, ...]
    #: The widest first.
    causes: tuple[Cause, ...]
    only_before: tuple[str, ...]
    only_after: tuple[str, ...]


def compare(before: Iterable[Action], after: Iterable[Action]) -> Comparison:
    """Compare the actions of two logs.

    Actions are paired by name; of equal names those with equal IDs first, then in their order.
    """
    pairs, equal, only_before, only_after = _paired(_by_name(before), _by_name(after))
    differing = {first.name for first, _ in pairs}
    differences = tuple(_difference(first, second, differing) for first, second in pairs)
    return Comparison(equal, differences, tuple(_causes(differences)), only_before, only_after)


def changes_between(before: Iterable[Input], after: Iterable[Input]) -> list[Change]:
    """The inputs that differ, by kind and subject.

    In the order of `after`; what only `before` has comes last.
    """
    old, new = _by_subject(before), _by_subject(after)
    found = []
    for key, values in new.items():
        if old.get(key) != values:
            found.append(Change(*key, _joined(old.get(key)), _joined(values)))
    found += [Change(*key, _joined(values), None) for key, values in old.items() if key not in new]
    return found


def _by_name(actions: Iterable[Action]) -> dict[str, list[Action]]:
    found: dict[str, list[Action]] = defaultdict(list)
    for action in actions:
        found[action.name].append(action)
    return found


def _paired(
    before: Mapping[str, list[Action]], after: Mapping[str, list[Action]]
) -> tuple[list[tuple[Action, Action]], int, tuple[str, ...], tuple[str, ...]]:
    pairs: list[tuple[Action, Action]] = []
    equal = 0
    for name in after:
        if name not in before:
            continue
        olds, news = before[name], after[name]
        common = {action.sum for action in olds} & {action.sum for action in news}
        equal += len(common)
        pairs += zip(
            [action for action in olds if action.sum not in common],
            [action for action in news if action.sum not in common],
            strict=False,
        )
    return (
        pairs,
        equal,
        tuple(name for name in before if name not in after),
        tuple(name for name in after if name not in before),
    )


def _by_subject(inputs: Iterable[Input]) -> dict[tuple[InputKind, str], tuple[str, ...]]:
    found: dict[tuple[InputKind, str], tuple[str, ...]] = {}
    for given in inputs:
        key = (given.kind, given.subject)
        known = found.get(key, ())
        # vet names a result once for each way that leads to it.
        if given.value not in known:
            found[key] = (*known, given.value)
    return found


def _joined(values: tuple[str, ...] | None) -> str | None:
    return None if values is None else ", ".join(values)


def _difference(before: Action, after: Action, differing: set[str]) -> Difference:
    changes = changes_between(before.inputs, after.inputs)
    # An import that is new or gone is a change of the source; nothing of that other package need differ.
    derived = tuple(change for change in changes if change.kind in DERIVED and _on_both_sides(change))
    follows = tuple(dict.fromkeys(_origin(after.name, change, differing) for change in derived))
    own = tuple(change for change in changes if change not in derived)
    if any(change.kind not in DERIVED for change in own):
        # The files tell of it already.
        own = tuple(change for change in own if change.kind not in DERIVED)
    return Difference(after.name, before, after, own, derived, follows)


def _on_both_sides(change: Change) -> bool:
    return change.before is not None and change.after is not None


def _origin(name: str, change: Change, differing: set[str]) -> str:
    """The name of the action whose result the derived input `change` of `name` is."""
    _, _, package = name.partition(" ")
    if change.kind == "vet-result":
        return f"vet {change.subject}"
    if change.kind == "test-binary":
        return f"link {package}.test"
    built = f"build {change.subject or package}"
    # A program's own package: the same name, but for tests.
    if built not in differing and not change.subject and f"build {package}.test" in differing:
        return f"build {package}.test"
    return built


def _causes(differences: Iterable[Difference]) -> list[Cause]:
    by_name = {difference.name: difference for difference in differences}
    reached: dict[tuple[Change | None, str], list[str]] = defaultdict(list)
    for name in by_name:
        for root in _roots(name, by_name):
            reached[root].append(name)
    # The same change in many actions is one cause; what has the same words is the same change.
    where: dict[Change | str, dict[str, None]] = defaultdict(dict)
    affected: dict[Change | str, dict[str, None]] = defaultdict(dict)
    changes: dict[Change | str, Change | None] = {}
    for (change, origin), names in reached.items():
        key: Change | str
        if change is None:
            key = origin
        elif change.kind == "file":
            key = _qualified(change, origin)
        else:
            key = _shortened(change)
        changes[key] = key if isinstance(key, Change) else None
        where[key][origin] = None
        affected[key].update(dict.fromkeys(names))
    for key, cause in _echoes(changes):
        where[cause].update(where.pop(key))
        affected[cause].update(affected.pop(key))
        del changes[key]
    causes = [Cause(changes[key], tuple(where[key]), tuple(affected[key])) for key in changes]
    return sorted(causes, key=lambda cause: -len(cause.affected))


def _echoes(changes: Mapping[Change | str, Change | None]) -> list[tuple[Change | str, Change]]:
    """Changes that only say again what another one says, each with that one.

    Build settings are hashed twice: where they act, and as the build info of the program.
    """
    first: dict[InputKind, Change] = {}
    for change in changes.values():
        if change is not None:
            first.setdefault(change.kind, change)
    found: list[tuple[Change | str, Change]] = []
    for key, change in changes.items():
        if change is None:
            continue
        candidates: list[Change | None] = []
        if change.kind == "build-setting":
            if change.subject in _SETTINGS:
                candidates.append(first.get(_SETTINGS[change.subject]))
            if change.subject.startswith("CGO_") and change.subject != _CGO:
                candidates.append(next((other for other in changes.values() if _turns_cgo(other)), None))
        if change.kind in _TOOLS:
            candidates += [first.get("go-version"), first.get("experiment")]
        if change.kind == "file" and change.subject.startswith("internal/goexperiment/"):
            candidates.append(first.get("experiment"))
        if change.kind == "default-godebug":
            candidates.append(first.get("go-directive"))
        if _follows_trimpath(change):
            candidates.append(first.get("trimpath"))
        cause = next((candidate for candidate in candidates if candidate is not None), None)
        if cause is not None:
            found.append((key, cause))
    return found


def _turns_cgo(change: Change | None) -> bool:
    return change is not None and change.kind == "build-setting" and change.subject == _CGO


def _follows_trimpath(change: Change) -> bool:
    """Whether `change` comes with -trimpath: directories, GOROOT and flags are left out then."""
    if change.kind == "build-setting":
        return change.subject in ("-trimpath", "-ldflags") or change.subject.startswith("CGO_")
    return change.kind in ("directory", "module", "goroot") and None in (change.before, change.after or None)


def _roots(name: str, by_name: Mapping[str, Difference]) -> set[tuple[Change | None, str]]:
    """Where the difference of `name` begins: changes, each with the action that has it."""
    found: set[tuple[Change | None, str]] = set()
    seen = {name}
    waiting = [name]
    while waiting:
        difference = by_name.get(waiting[-1])
        at = waiting.pop()
        if difference is None:
            # All inputs are as they were, or the log does not tell of it.
            found.add((None, at))
            continue
        version = [change for change in difference.changes if change.kind == "go-version"]
        # Another release has another standard library; its files need no naming.
        standard = any("standard true" in given.value for given in difference.after.inputs)
        found.update((change, at) for change in (version if version and standard else difference.changes))
        for origin in difference.follows:
            if origin not in seen:
                seen.add(origin)
                waiting.append(origin)
    return found


def _qualified(change: Change, origin: str) -> Change:
    """`change` of a file, told from files of the same name in other packages."""
    _, _, package = origin.partition(" ")
    package = package.partition(" ")[0]
    return Change(change.kind, f"{package}/{change.subject}", change.before, change.after)


def _shortened(change: Change) -> Change:
    """`change` of a directory without the end that both have in common: one move of a tree is one cause."""
    if change.kind != "directory" or change.before is None or change.after is None:
        return change
    before, after = change.before.split("/"), change.after.split("/")
    common = 0
    while common < min(len(before), len(after)) - 1 and before[-common - 1] == after[-common - 1]:
        common += 1
    first, second = "/".join(before[: len(before) - common]), "/".join(after[: len(after) - common])
    return Change(change.kind, change.subject, f"{first}/…", f"{second}/…")
