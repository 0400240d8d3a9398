"""What a dependency's go.mod contributes to a build list, read as quickly as Python can.

Most go.mod files are written by the go command in one plain style.  Those are read line by line here,
and a requirement that many files have is understood once.  At anything unusual the file is handed to
the full parser, so that the answer is always the same.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from fastverify.gomod import goversion, semver
from fastverify.gomod.modfile import parse_mod_lax
from fastverify.gomod.modulepath import path_major, path_major_fault
from fastverify.gomod.syntax import Problem, decode

#: A module path and a version.
Module = tuple[str, str]

_PATH = r"[A-Za-z0-9._~+-]+(?:/[A-Za-z0-9._~+-]+)*"
_TAIL = r"[ \t\r]*(?://.*)?"
_REQUIREMENT = re.compile(rf"[ \t]*({_PATH})[ \t]+(v[0-9][A-Za-z0-9.+-]*){_TAIL}", re.DOTALL)
_NOTHING = re.compile(_TAIL, re.DOTALL)
_BLOCK_END = re.compile(rf"[ \t]*\){_TAIL}", re.DOTALL)
#: Words without quotes, parentheses or comments: whatever they say, they are one line.
_HARMLESS = re.compile(rf"(?:[A-Za-z0-9._~+=>@:,\[\] \t-]|/(?![/*]))*{_TAIL}", re.DOTALL)
_VERB = re.compile(r"(?P<verb>[a-z]+)(?:[ \t]*(?P<block>\()|(?=[ \t]))")
_MODULE = re.compile(rf"[ \t]+({_PATH}){_TAIL}", re.DOTALL)
_GO = re.compile(rf"[ \t]+([1-9][0-9]*\.(?:0|[1-9][0-9]*)(?:\.(?:0|[1-9][0-9]*))?){_TAIL}", re.DOTALL)
#: What counts for nothing in a dependency; retract does, but changes no build list.
_PASSED_OVER = frozenset(["exclude", "replace", "retract", "toolchain", "tool", "godebug"])
_PASSED_OVER_BLOCKS = _PASSED_OVER - {"toolchain"}

#: Larger files are for the full parser: no go.mod that the go command wrote comes near.
_MAX_PLAIN_BYTES = 1 << 20
#: Nor is any line longer; and the patterns above may take the square of a line's length.
_MAX_PLAIN_LINE = 1000


@dataclass(frozen=True, slots=True)
class Summary:
    """What counts of a dependency's go.mod."""

    #: "" where there is no module line.
    module: str
    #: The go line's version; "" where there is none.
    go: str
    require: tuple[Module, ...]
    #: Why Go refuses the file; nothing else counts then.
    problems: tuple[Problem, ...] = ()

    @property
    def pruned(self) -> bool:
        """Whether its requirements are all that its packages need (``modload.pruningForGoVersion``)."""
        return bool(self.go) and not goversion.is_before(self.go, goversion.PRUNING)


class Summarizer:
    """Reads the go.mod files of many dependencies."""

    def __init__(self) -> None:
        #: By a requirement's whole line; None where it is a line without one.
        self._known: dict[str, Module | None] = {}

    def summarize(self, file: str, content: bytes) -> Summary:
        """What the go.mod with this `content` contributes; `file` is its name in problems."""
        if len(content) <= _MAX_PLAIN_BYTES:
            plain = self._plain(decode(content))
            if plain is not None:
                return plain
        return in_full(file, content)

    def _plain(self, text: str) -> Summary | None:
        """The summary of a file in plain style; None where the full parser is needed."""
        known = self._known
        module = go = ""
        require: list[Module] = []
        block = ""
        for line in text.split("\n"):
            if len(line) > _MAX_PLAIN_LINE:
                return None
            if block == "require":
                try:
                    requirement = known[line]
                except KeyError:
                    if _BLOCK_END.fullmatch(line):
                        block = ""
                        continue
                    if not self._learn(line):
                        return None
                    requirement = known[line]
                if requirement is not None:
                    require.append(requirement)
            elif block:
                if _BLOCK_END.fullmatch(line):
                    block = ""
                elif not _HARMLESS.fullmatch(line):
                    return None
            elif not _NOTHING.fullmatch(line):
                match = _VERB.match(line)
                if match is None:
                    return None
                verb, rest = match["verb"], line[match.end() :]
                if match["block"]:
                    if not _NOTHING.fullmatch(rest) or (
                        verb != "require" and verb not in _PASSED_OVER_BLOCKS
                    ):
                        return None
                    block = verb
                elif verb == "require":
                    if not self._learn(rest) or (requirement := known[rest]) is None:
                        return None
                    require.append(requirement)
                elif verb == "module":
                    match = _MODULE.fullmatch(rest)
                    if match is None or module:
                        return None
                    module = match[1]
                elif verb == "go":
                    match = _GO.fullmatch(rest)
                    if match is None or go:
                        return None
                    go = match[1]
                elif verb not in _PASSED_OVER or not _HARMLESS.fullmatch(rest):
                    return None
        return None if block else Summary(module, go, tuple(require))

    def _learn(self, line: str) -> bool:
        """Take in a line of a require block; False where it is for the full parser."""
        match = _REQUIREMENT.fullmatch(line)
        if match is None:
            if not _NOTHING.fullmatch(line):
                return False
            self._known[line] = None
            return True
        path, version = match[1], semver.canonical(match[2])
        major = path_major(path)
        if not version or major is None or path_major_fault(version, major):
            return False
        self._known[line] = (path, version)
        return True


def in_full(file: str, content: bytes) -> Summary:
    """The same through the full parser."""
    parsed = parse_mod_lax(file, content)
    if parsed.problems:
        return Summary("", "", (), tuple(parsed.problems))
    require = tuple((path, version) for path, version, _, _ in parsed.require)
    return Summary(parsed.module or "", parsed.go or "", require)
