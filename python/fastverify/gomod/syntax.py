"""The form of go.mod and go.work files: tokens, lines and blocks, with their positions.

The rules are those of ``golang.org/x/mod/modfile/read.go``.  Nothing is kept but what is being read, so
that a large file costs no more memory than what is taken from it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from fastverify.gomod.quoting import ASCII_IDENTIFIER, identifier, quote_character

#: No go.mod may be larger (``codehost.MaxGoMod`` in the go command).
MAX_FILE_BYTES = 16 << 20

_BLANKS = re.compile(r"[ \t\r]*")
_STRING_END = re.compile(r'["\\\n]')
_BACKQUOTED_END = re.compile(r"[`\n]")

# Kinds of tokens; punctuation and newlines are their own kind.
_END, _COMMENT, _LINE_COMMENT, _IDENTIFIER, _STRING = "end", "comment", "line comment", "identifier", "string"
_ENDS_LINE = frozenset([_END, _LINE_COMMENT, "\n"])


class Problem(NamedTuple):
    """What is wrong with a file, and where."""

    file: str
    #: From 1; 0 where it is about the file as a whole.
    line: int
    #: In characters, from 1.
    column: int
    message: str

    def __str__(self) -> str:
        """As Go writes it: the column only where it is not the first."""
        if not self.line:
            return f"{self.file}: {self.message}"
        column = f":{self.column}" if self.column > 1 else ""
        return f"{self.file}:{self.line}{column}: {self.message}"


class Positions:
    """Turns places in a text into lines and columns; cheap for places in ascending order."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at, self._line = 0, 1

    def of(self, at: int) -> tuple[int, int]:
        """The line and the column of the character number `at`, each from 1."""
        if at < self._at:
            self._at, self._line = 0, 1
        self._line += self._text.count("\n", self._at, at)
        self._at = at
        return self._line, at - self._text.rfind("\n", 0, at)


@dataclass(slots=True)
class Block:
    """The head of a ``verb ( ... )``; its lines follow."""

    tokens: list[str]
    at: int


@dataclass(slots=True)
class Line:
    """One line of tokens, outside a block with its verb."""

    tokens: list[str]
    at: int
    block: Block | None
    #: The comment at its end, with the slashes; "" where there is none.
    comment: str


class FormError(Exception):
    """The text has no form at all from here on."""

    def __init__(self, message: str, at: int) -> None:
        super().__init__(message)
        self.message = message
        self.at = at


class _Token(NamedTuple):
    kind: str
    start: int
    end: int


class _Lexer:
    """Reads one token ahead, as Go does: that decides which of two faults is told."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._end = len(text)
        self._identifier = ASCII_IDENTIFIER if text.isascii() else identifier()
        self._line_has_token = False
        self.next = self._read(0)

    def take(self) -> _Token:
        """The next token."""
        taken = self.next
        self.next = self._read(taken.end)
        return taken

    def _read(self, at: int) -> _Token:
        text = self.text
        blanks = _BLANKS.match(text, at)
        start = blanks.end() if blanks else at
        if start >= self._end:
            return _Token(_END, start, start)
        char = text[start]
        if char == "\n":
            self._line_has_token = False
            return _Token("\n", start, start + 1)
        if char == "/":
            if text.startswith("//", start):
                kind = _LINE_COMMENT if self._line_has_token else _COMMENT
                self._line_has_token = False
                newline = text.find("\n", start)
                return _Token(kind, start, newline + 1 if newline >= 0 else self._end)
            if text.startswith("/*", start):
                raise _block_comment(start)
        self._line_has_token = True
        if char in "()[]{},":
            return _Token(char, start, start + 1)
        if char in '"`':
            return _Token(_STRING, start, self._string_end(char, start))
        return _Token(_IDENTIFIER, start, self._identifier_end(start))

    def _string_end(self, mark: str, start: int) -> int:
        text, at = self.text, start + 1
        stop = _STRING_END if mark == '"' else _BACKQUOTED_END
        while True:
            found = stop.search(text, at)
            # Go puts a string that never ends where it begins, and a newline where it is.
            if found is None or (found[0] == "\\" and found.end() == self._end):
                raise FormError("unexpected EOF in string", start)
            if found[0] == "\n":
                raise FormError("unexpected newline in string", found.start())
            if found[0] == mark:
                return found.end()
            at = found.end() + 1  # a backslash takes whatever follows with it, even a newline

    def _identifier_end(self, start: int) -> int:
        run = self._identifier.match(self.text, start)
        if run is None:
            raise FormError(f"unexpected input character {quote_character(self.text[start])}", start)
        end = run.end()
        comment = self.text.find("//", start, end)
        if comment >= 0:
            end = comment
        block_comment = self.text.find("/*", start, end + 1)
        if block_comment >= 0:
            raise _block_comment(block_comment)
        return end


def _block_comment(at: int) -> FormError:
    return FormError("mod files must use // comments (not /* */ comments)", at)


def decode(content: bytes) -> str:
    """The content of a file as the text that this package works on."""
    return content.decode("utf-8", "surrogateescape")


def statements(text: str, positions: Positions, name: str) -> Iterator[Line | Block]:
    """The lines of `text` in order, and the head of each block before its lines.

    `name` is the file's, for a message that names it.  Raises FormError where Go gives up.
    """
    lexer = _Lexer(text)
    while True:
        kind = lexer.next.kind
        if kind == _END:
            return
        if kind in ("\n", _COMMENT):
            lexer.take()
        else:
            yield from _statement(lexer, positions, name)


def _statement(lexer: _Lexer, positions: Positions, name: str) -> Iterator[Line | Block]:
    text = lexer.text
    first = lexer.take()
    tokens = [text[first.start : first.end]]
    while True:
        token = lexer.take()
        if token.kind in _ENDS_LINE:
            yield Line(tokens, first.start, None, _comment_text(text, token))
            return
        if token.kind == "(":
            if lexer.next.kind in _ENDS_LINE:
                block = Block(tokens, first.start)
                yield block
                yield from _block_lines(lexer, block, positions, name)
                return
            if lexer.next.kind == ")":
                lexer.take()
                if lexer.next.kind in _ENDS_LINE:
                    lexer.take()
                    yield Block(tokens, first.start)
                    return
                tokens += ["(", ")"]
                continue
        tokens.append(text[token.start : token.end])


def _block_lines(lexer: _Lexer, block: Block, positions: Positions, name: str) -> Iterator[Line]:
    text = lexer.text
    while True:
        kind = lexer.next.kind
        if kind in ("\n", _COMMENT, _LINE_COMMENT):
            lexer.take()
        elif kind == _END:
            line, column = positions.of(block.at)
            raise FormError(
                f"syntax error (unterminated block started at {name}:{line}:{column})", lexer.next.end
            )
        elif kind == ")":
            lexer.take()
            if lexer.next.kind not in _ENDS_LINE:
                raise FormError("syntax error (expected newline after closing paren)", lexer.next.end)
            lexer.take()
            return
        else:
            first = lexer.take()
            tokens = [text[first.start : first.end]]
            while (token := lexer.take()).kind not in _ENDS_LINE:
                tokens.append(text[token.start : token.end])
            yield Line(tokens, first.start, block, _comment_text(text, token))


def _comment_text(text: str, token: _Token) -> str:
    if token.kind != _LINE_COMMENT:
        return ""
    comment = text[token.start : token.end]
    return comment[:-2] if comment.endswith("\r\n") else comment.removesuffix("\n")
