"""Whether a Go file can ever be built: what its ``//go:build`` line leaves possible.

``go mod vendor`` leaves out files that no tags can make part of a build, which in practice are those marked
``ignore``.  Source: ``ShouldBuild`` with ``AnyTags`` in ``cmd/go/internal/imports``, and
``go/build/constraint``.
"""

from __future__ import annotations

import re

_TOKEN = re.compile(r"[ \t]*(?:(&&|\|\||[()!])|([^\s&|()!]+))")
_TAG = re.compile(r"[\w.]+")
_PLUS_BUILD = re.compile(r"//[ \t]*\+build(?:\s|$)")
#: Expressions with more tags are refused, as they are in Go (``maxSize``).
_LARGEST = 1000


class _MalformedError(Exception):
    pass


def may_be_built(content: bytes) -> bool:
    """``imports.ShouldBuild(content, imports.AnyTags())``; False where a constraint is malformed."""
    header, constraint = _header(content)
    if constraint is None:
        return False
    if constraint:
        try:
            return _Expression(constraint.removeprefix("//go:build")).value()
        except (_MalformedError, RecursionError):
            return False
    return all(_plus_build(line) for line in header if _PLUS_BUILD.match(line))


def _header(content: bytes) -> tuple[list[str], str | None]:
    """The lines that may have ``+build``, and the ``//go:build`` line: "" for none, None for several."""
    lines: list[str] = []
    accepted = 0
    found = ""
    ended = in_comment = False
    for raw in content.decode("utf-8", "replace").split("\n"):
        line = raw.strip()
        lines.append(line)
        if not line and not ended:
            accepted = len(lines)
            continue
        if not line.startswith("//"):
            ended = True
        if not in_comment and re.match(r"//go:build(?:\s|$)", line):
            if found:
                return [], None
            found = line
        rest = line
        while rest:
            if in_comment:
                _, end, rest = rest.partition("*/")
                in_comment = not end
                rest = rest.strip()
            elif rest.startswith("//"):
                break
            elif rest.startswith("/*"):
                in_comment = True
                rest = rest[2:].strip()
            else:
                return lines[:accepted], found
    return lines[:accepted], found


class _Expression:
    """A constraint, evaluated with every tag both set and not set, but for ``ignore``."""

    def __init__(self, text: str) -> None:
        self._tokens: list[str] = []
        at = 0
        text = text.strip()
        while at < len(text):
            match = _TOKEN.match(text, at)
            if match is None:
                raise _MalformedError
            self._tokens.append(match[1] or match[2])
            at = match.end()
        self._at = 0
        self._size = 0

    def value(self) -> bool:
        possible, _ = self._either()
        if self._at < len(self._tokens):
            raise _MalformedError
        return possible

    def _next(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    # Each gives what the part can be when true is wished for, and when false is.

    def _either(self) -> tuple[bool, bool]:
        yes, no = self._both()
        while self._next() == "||":
            self._at += 1
            also, not_also = self._both()
            yes, no = yes or also, no or not_also
        return yes, no

    def _both(self) -> tuple[bool, bool]:
        yes, no = self._one()
        while self._next() == "&&":
            self._at += 1
            also, not_also = self._one()
            yes, no = yes and also, no and not_also
        return yes, no

    def _one(self) -> tuple[bool, bool]:
        word = self._next()
        self._at += 1
        self._size += 1
        if self._size > _LARGEST:
            raise _MalformedError
        if word == "!":
            if self._next() == "!":
                raise _MalformedError  # double negation
            yes, no = self._one()
            made = not no, not yes
        elif word == "(":
            made = self._either()
            if self._next() != ")":
                raise _MalformedError
            self._at += 1
        elif _TAG.fullmatch(word):
            made = _tag(word)
        else:
            raise _MalformedError
        return made


def _tag(name: str) -> tuple[bool, bool]:
    return (False, False) if name == "ignore" else (True, False)


def _plus_build(line: str) -> bool:
    """``// +build a,b !c``: any of the words, and of a word all the parts."""
    words = line[2:].strip().removeprefix("+build").split()
    return any(all(map(_plus_term, word.split(","))) for word in words)


def _plus_term(term: str) -> bool:
    if term.startswith("!!") or term in ("!", ""):
        return False
    negated, name = term.startswith("!"), term.removeprefix("!")
    if not _TAG.fullmatch(name):
        name = "ignore"
    yes, no = _tag(name)
    return not no if negated else yes
