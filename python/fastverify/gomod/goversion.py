"""Versions of Go itself: ``internal/gover`` and ``cmd/go/internal/gover``."""

from __future__ import annotations

import re
from functools import lru_cache

#: What the go command assumes of a go.mod without a go line, and of such a go.work.
DEFAULT_GO_MOD = "1.16"
DEFAULT_GO_WORK = "1.18"
#: From here on a module lists all that its packages need, so that its own requirements are enough.
PRUNING = "1.17"
#: From here on a module's go line is a requirement.
STRICT = "1.21"

#: The pseudo-modules that stand for go and toolchain lines.
GO = "go"
TOOLCHAIN = "toolchain"

_NUMBER = "(0|[1-9][0-9]*)"
_VERSION = re.compile(rf"{_NUMBER}(?:\.{_NUMBER}(?:\.{_NUMBER}|([a-z]+)(?:{_NUMBER})?)?)?")

#: Major, minor, patch, kind of pre-release, its number; numbers as their length and digits.
Key = tuple[tuple[int, str], tuple[int, str], tuple[int, str], str, tuple[int, str]]
_NONE = (0, "")
_MALFORMED: Key = (_NONE, _NONE, _NONE, "", _NONE)


def _number(digits: str | None) -> tuple[int, str]:
    return (len(digits), digits) if digits else _NONE


@lru_cache(4096)
def key(version: str) -> Key:
    """What orders versions of Go: 1.21 < 1.21rc1 < 1.21.0; what is none is lower than all."""
    match = _VERSION.fullmatch(version)
    if match is None:
        return _MALFORMED
    major, minor, patch, kind, pre = match.groups()
    if minor is None:
        minor = patch = "0"
    elif patch is None and kind is None and _number(minor) < _number("21"):
        patch = "0"  # until Go 1.20 the first release had no .0
    return _number(major), _number(minor), _number(patch), kind or "", _number(pre)


def is_valid(version: str) -> bool:
    """``gover.IsValid``."""
    return key(version) != _MALFORMED


def is_language(version: str) -> bool:
    """``gover.IsLang``: whether `version` names the language, as 1.21 does, and no release of it."""
    match = _VERSION.fullmatch(version)
    if match is None:
        return False
    _, _, patch, kind, _ = match.groups()
    return not kind and not patch and not key(version)[2][0]


def is_before(version: str, other: str) -> bool:
    """Whether `version` is the older."""
    return key(version) < key(other)


def is_pseudo_module(path: str) -> bool:
    """``gover.IsToolchain``: whether `path` stands for a go or toolchain line."""
    return path in (GO, TOOLCHAIN)


def of_toolchain(name: str) -> str:
    """``gover.FromToolchain``: 1.21.3 of ``go1.21.3-custom``; "" where there is none."""
    if not name.startswith("go") or "/" in name or "\\" in name:
        return ""
    version = re.split("[ \t-]", name[2:], maxsplit=1)[0]
    return version if is_valid(version) else ""


def toolchain_key(name: str) -> Key:
    """What orders toolchain names; plain versions are taken, too."""
    return key(name if is_valid(name) else of_toolchain(name))
