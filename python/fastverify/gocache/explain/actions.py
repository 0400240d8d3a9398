"""The actions of a hash log: what go looked for in its cache, by name and inputs."""

from __future__ import annotations

import re
from dataclasses import dataclass

from fastverify.gocache.buildid import action_part
from fastverify.gocache.explain.hashlog import Block, HashLog, subkey
from fastverify.gocache.explain.inputs import Input, inputs_of

_ACTION = re.compile(r"(?:build|link|vet) .+|linkShared|preprocess PGO profile .+")
_INPUTS = "inputs:"


@dataclass(frozen=True, slots=True)
class Action:
    """Something that go computes and caches: a package's build or vet, a program's link, a test's run."""

    #: ``build P``, ``link P``, ``vet P``, ``test P``.
    name: str
    #: The action ID, 64 hex digits.
    sum: str
    inputs: tuple[Input, ...]


def actions_of(log: HashLog) -> list[Action]:
    """The actions of `log`, each once, in the order in which go came to know their IDs."""
    links = {
        action_part(block.sum): block.name.removeprefix("link ")
        for block in log.blocks
        if block.name.startswith("link ")
    }
    lookups = _lookups(log)
    found: dict[tuple[str, str], Action] = {}
    for block in log.blocks:
        if _ACTION.fullmatch(block.name):
            action = Action(block.name, block.sum, tuple(inputs_of(block)))
        elif block.name == "testResult":
            tested = _test(log, block, links, lookups)
            if tested is None:
                continue
            action = tested
        else:
            continue
        found.setdefault((action.name, action.sum), action)
    return list(found.values())


def _lookups(log: HashLog) -> dict[str, str]:
    """Each test's ID with the first ID of its inputs that go looked for."""
    found: dict[str, str] = {}
    for parent, description in log.subkeys.values():
        if description.startswith(_INPUTS):
            found.setdefault(parent, description[len(_INPUTS) :])
    return found


def _test(log: HashLog, block: Block, links: dict[str, str], lookups: dict[str, str]) -> Action | None:
    """The test whose result `block` stands for; None where the log does not say which that is.

    go asks twice: first by the action ID of the test's link, which names it, then by the program's content.
    """
    inputs = inputs_of(block)
    program = next((given.value for given in inputs if given.kind == "test-binary"), "")
    name = links.get(program)
    if name is None:
        return None
    total = block.sum
    read = log.by_sum.get(lookups.get(block.sum, ""))
    if read is not None:
        total = subkey(block.sum, _INPUTS + read.sum)
        inputs += [
            Input(given.kind, given.subject, _value(log, given))
            for given in inputs_of(read)
            if given.kind != "go-version"
        ]
    return Action(f"test {name.removesuffix('.test')}", total, tuple(inputs))


def _value(log: HashLog, given: Input) -> str:
    """What stands behind the hash that is the value of a test's input."""
    block = log.by_sum.get(given.value)
    if block is None or not block.writes:
        return given.value
    if given.kind == "variable":
        if block.writes[0] == b"\x00":
            return "not set"
        return "=" + b"".join(block.writes[1:]).decode("utf-8", "surrogateescape")
    return b"".join(block.writes).decode("utf-8", "surrogateescape").strip()
