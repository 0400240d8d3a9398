"""go.work files, as ``golang.org/x/mod/modfile.ParseWork`` reads them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from fastverify.gomod import goversion
from fastverify.gomod.directives import (
    DirectiveError,
    Godebug,
    Replace,
    VersionFixer,
    go_version,
    godebug,
    replacement,
    string_argument,
    toolchain_name,
)
from fastverify.gomod.syntax import Block, FormError, Line, Positions, Problem, decode, statements

_BLOCKS = frozenset(["godebug", "use", "replace"])


class Use(NamedTuple):
    """``use folder``."""

    folder: str
    line: int


@dataclass(slots=True)
class WorkFile:
    """What a go.work says.  Where there are `problems`, Go refuses it, and this is what could be read."""

    file: str
    go: str | None = None
    toolchain: str | None = None
    godebug: list[Godebug] = field(default_factory=list)
    use: list[Use] = field(default_factory=list)
    replace: list[Replace] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    #: Of the go line; 0 where there is none.
    go_line: int = 0

    @property
    def go_version(self) -> str:
        """The go line's version, or what the go command assumes without one."""
        return self.go or goversion.DEFAULT_GO_WORK


def parse_work(file: str, content: bytes, fix: VersionFixer | None = None) -> WorkFile:
    """The go.work with the name `file` and this `content`.  Never raises: see ``problems``."""
    made = WorkFile(file)
    text = decode(content)
    positions = Positions(text)
    unknown_block = False
    try:
        for statement in statements(text, Positions(text), file):
            message = ""
            if isinstance(statement, Block):
                words = statement.tokens
                unknown_block = len(words) > 1 or words[0] not in _BLOCKS
                if unknown_block:
                    message = f"unknown block type: {' '.join(words)}"
            elif statement.block is None or not unknown_block:
                message = _add(made, statement, positions, fix)
            if message:
                made.problems.append(Problem(file, *positions.of(statement.at), message))
    except FormError as fault:
        made.problems = [Problem(file, *positions.of(fault.at), fault.message)]
    return made


def _add(made: WorkFile, line: Line, positions: Positions, fix: VersionFixer | None) -> str:
    """Take one line in; what is wrong with it, or ""."""
    if line.block is None:
        verb, arguments = line.tokens[0], line.tokens[1:]
    else:
        verb, arguments = line.block.tokens[0], line.tokens
    number = positions.of(line.at)[0]
    try:
        if verb == "use":
            if len(arguments) != 1:
                return "usage: use local/dir"
            made.use.append(Use(string_argument(arguments, 0), number))
        elif verb == "replace":
            made.replace.append(replacement(arguments, fix, number))
        elif verb == "go":
            if made.go is not None:
                return "repeated go statement"
            made.go, made.go_line = go_version(arguments), number
        elif verb == "toolchain":
            if made.toolchain is not None:
                return "repeated toolchain statement"
            made.toolchain = toolchain_name(arguments)
        elif verb == "godebug":
            made.godebug.append(godebug(arguments, number))
        else:
            return f"unknown directive: {verb}"
    except DirectiveError as fault:
        return str(fault)
    return ""
