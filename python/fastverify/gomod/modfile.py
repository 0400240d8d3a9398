"""go.mod files: strictly for a main module, laxly for a dependency.

The rules are those of ``golang.org/x/mod/modfile`` (``Parse`` and ``ParseLax`` in ``rule.go``).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import NamedTuple

from fastverify.gomod import goversion
from fastverify.gomod.directives import (
    GO_VERSION,
    DirectiveError,
    Godebug,
    Replace,
    VersionFixer,
    go_version,
    godebug,
    module_version,
    parse_version,
    replacement,
    string_argument,
    toolchain_name,
    without_lookup,
)
from fastverify.gomod.quoting import quote
from fastverify.gomod.syntax import Block, FormError, Line, Positions, Problem, decode, statements

#: Verbs that may head a block.
_BLOCKS = frozenset(["module", "godebug", "require", "exclude", "replace", "retract", "tool", "ignore"])
#: Verbs that count in the go.mod of a dependency.
_LAX_VERBS = frozenset(["go", "module", "retract", "require", "ignore"])
_LAX_GO_VERSION = re.compile(r"v?([1-9][0-9]*\.(?:0|[1-9][0-9]*))[^0-9].*")


class Require(NamedTuple):
    """``require path version``."""

    path: str
    version: str
    #: Whether a comment says ``// indirect``.
    indirect: bool
    line: int


class Exclude(NamedTuple):
    """``exclude path version``."""

    path: str
    version: str
    line: int


class Retract(NamedTuple):
    """``retract [low, high]``; of a single version both are that version."""

    low: str
    high: str
    line: int


@dataclass(slots=True)
class ModFile:
    """What a go.mod says.  Where there are `problems`, Go refuses it, and this is what could be read."""

    file: str
    #: None where there is no module line.
    module: str | None = None
    go: str | None = None
    toolchain: str | None = None
    godebug: list[Godebug] = field(default_factory=list)
    require: list[Require] = field(default_factory=list)
    exclude: list[Exclude] = field(default_factory=list)
    replace: list[Replace] = field(default_factory=list)
    retract: list[Retract] = field(default_factory=list)
    tool: list[str] = field(default_factory=list)
    ignore: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    #: Of the module line and the go line; 0 where there is none.
    module_line: int = 0
    go_line: int = 0
    #: Whether it could not even be read, and nothing in here stands for anything.
    is_unread: bool = False

    @property
    def go_version(self) -> str:
        """The go line's version, or what the go command assumes without one."""
        return self.go or goversion.DEFAULT_GO_MOD


def parse_mod(file: str, content: bytes, fix: VersionFixer | None = without_lookup) -> ModFile:
    """The go.mod of a main module.

    `file` is its name in the problems.  `fix` makes versions canonical; None lets ``v1.2`` stand for
    ``v1.2.0``, as in dependencies.  Never raises: what Go refuses is in the ``problems``.
    """
    return _Reader(file, fix, strict=True).read(decode(content))


def parse_mod_lax(file: str, content: bytes) -> ModFile:
    """The go.mod of a dependency: what only a main module's go.mod can say is passed over."""
    return _Reader(file, None, strict=False).read(decode(content))


class _Reader:
    def __init__(self, file: str, fix: VersionFixer | None, *, strict: bool) -> None:
        self._made = ModFile(file)
        self._fix = fix
        self._strict = strict
        self._has_module = False
        #: Arguments and place of each line in ``retract``.
        self._retracted: list[tuple[list[str], int]] = []
        self._positions = Positions("")

    def read(self, text: str) -> ModFile:
        self._positions = Positions(text)
        made = self._made
        unknown_block = False
        try:
            for statement in statements(text, Positions(text), made.file):
                if isinstance(statement, Block):
                    words = statement.tokens
                    unknown_block = len(words) > 1 or words[0] not in _BLOCKS
                    if unknown_block and self._strict:
                        self._refuse(f"unknown block type: {' '.join(words)}", statement.at)
                elif statement.block is None:
                    self._add(statement, statement.tokens[0], statement.tokens[1:])
                elif not unknown_block:
                    self._add(statement, statement.block.tokens[0], statement.tokens)
        except FormError as fault:
            # Go reads the whole form before it looks at a single line.
            made.problems.clear()
            self._refuse(fault.message, fault.at)
            return made
        self._fix_retracted()
        return made

    def _refuse(self, message: str, at: int) -> None:
        self._made.problems.append(Problem(self._made.file, *self._positions.of(at), message))

    def _add(self, line: Line, verb: str, arguments: list[str]) -> None:
        if not self._strict and verb not in _LAX_VERBS:
            return
        try:
            self._directive(line, verb, arguments)
        except DirectiveError as fault:
            self._refuse(str(fault), line.at)

    def _directive(self, line: Line, verb: str, arguments: list[str]) -> None:
        made = self._made
        if verb == "require":
            path, version = module_version(verb, arguments, self._fix)
            made.require.append(Require(path, version, _is_indirect(line.comment), self._line(line)))
        elif verb == "go":
            if made.go is not None:
                raise DirectiveError("repeated go statement")
            made.go = go_version(self._lax_go_version(arguments))
            made.go_line = self._line(line)
        elif verb == "module":
            self._module(line, arguments)
        elif verb == "retract":
            self._retract(line, arguments)
        elif verb == "exclude":
            path, version = module_version(verb, arguments, self._fix)
            made.exclude.append(Exclude(path, version, self._line(line)))
        elif verb == "replace":
            made.replace.append(replacement(arguments, self._fix, self._line(line)))
        elif verb == "toolchain":
            if made.toolchain is not None:
                raise DirectiveError("repeated toolchain statement")
            made.toolchain = toolchain_name(arguments)
        elif verb == "godebug":
            made.godebug.append(godebug(arguments, self._line(line)))
        elif verb in ("tool", "ignore"):
            if len(arguments) != 1:
                raise DirectiveError(f"{verb} directive expects exactly one argument")
            (made.tool if verb == "tool" else made.ignore).append(string_argument(arguments, 0))
        else:
            raise DirectiveError(f"unknown directive: {verb}")

    def _module(self, line: Line, arguments: list[str]) -> None:
        if self._has_module:
            raise DirectiveError("repeated module statement")
        self._has_module = True
        if len(arguments) != 1:
            raise DirectiveError("usage: module module/path")
        self._made.module = string_argument(arguments, 0)
        self._made.module_line = self._line(line)

    def _lax_go_version(self, arguments: list[str]) -> list[str]:
        """A dependency may say ``go 1.21-custom``."""
        if not self._strict and len(arguments) == 1:
            match = _LAX_GO_VERSION.fullmatch(arguments[0])
            if match is not None and not GO_VERSION.fullmatch(arguments[0]):
                return [match[1]]
        return arguments

    def _retract(self, line: Line, arguments: list[str]) -> None:
        try:
            low, high, used = _interval("", arguments, lambda _, version: version)
        except DirectiveError:
            if self._strict:
                raise
            return  # a future Go may know other intervals
        if used < len(arguments) and self._strict:
            raise DirectiveError(f"unexpected token after version: {quote(arguments[used])}")
        self._made.retract.append(Retract(low, high, self._line(line)))
        if line.block is not None and arguments[0] == "retract":
            arguments = arguments[1:]  # Go takes it for the verb when it comes back to the line
        self._retracted.append((arguments, line.at))

    def _fix_retracted(self) -> None:
        """Versions in retract lines are those of this very module, whose name may come last."""
        if self._fix is None:
            return
        path = self._made.module or ""
        for number, (arguments, at) in enumerate(self._retracted):
            if not path:
                self._refuse("no module directive found, so retract cannot be used", at)
                return
            try:
                low, high, _ = _interval(path, arguments, self._fix)
            except DirectiveError as fault:
                self._refuse(str(fault), at)
                low = high = ""
            self._made.retract[number] = Retract(low, high, self._made.retract[number].line)

    def _line(self, line: Line) -> int:
        return self._positions.of(line.at)[0]


def _interval(path: str, arguments: list[str], fix: VersionFixer) -> tuple[str, str, int]:
    """The interval at the beginning of `arguments`, and how many of them it takes."""
    if not arguments or arguments[0] == "(":
        raise DirectiveError("expected '[' or version")
    if arguments[0] != "[":
        version = parse_version("retract", path, arguments, 0, fix)
        return version, version, 1
    if len(arguments) < 2:
        raise DirectiveError("expected version after '['")
    low = parse_version("retract", path, arguments, 1, fix)
    if len(arguments) < 3 or arguments[2] != ",":
        raise DirectiveError("expected ',' after version")
    if len(arguments) < 4:
        raise DirectiveError("expected version after ','")
    high = parse_version("retract", path, arguments, 3, fix)
    if len(arguments) < 5 or arguments[4] != "]":
        raise DirectiveError("expected ']' after version")
    return low, high, 5


def _is_indirect(comment: str) -> bool:
    """``modfile.isIndirect``."""
    words = comment.removeprefix("//").split(None, 1)
    if not words:
        return False
    return words[0] == ("indirect" if len(words) == 1 else "indirect;")
