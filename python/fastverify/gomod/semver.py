"""Semantic versions with a leading v: ``golang.org/x/mod/semver``."""

from __future__ import annotations

import re
from functools import lru_cache

_NUMBER = "(?:0|[1-9][0-9]*)"
_VERSION = re.compile(
    rf"v(?P<major>{_NUMBER})"
    rf"(?:\.(?P<minor>{_NUMBER})"
    rf"(?:\.(?P<patch>{_NUMBER})"
    r"(?P<prerelease>-[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?"
    r"(?P<build>\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?)?)?"
)

#: A number as it is compared: Go compares the digits, however many there are.
_Number = tuple[int, str]
Key = tuple[object, ...]


def _number(digits: str) -> _Number:
    return len(digits), digits


def _parse(version: str) -> re.Match[str] | None:
    match = _VERSION.fullmatch(version)
    if match is None:
        return None
    for part in (match["prerelease"] or "")[1:].split("."):
        if part.isdigit() and len(part) > 1 and part[0] == "0":
            return None
    return match


@lru_cache(1 << 16)
def key(version: str) -> Key:
    """What orders versions: of two, the one with the smaller key is the lower.

    Versions that are none are equal to each other and lower than all that are.  Build suffixes do
    not count.
    """
    match = _parse(version)
    if match is None:
        return ()
    core = (_number(match["major"]), _number(match["minor"] or "0"), _number(match["patch"] or "0"))
    prerelease = match["prerelease"]
    if prerelease is None:
        return (*core, 1)
    parts = tuple(
        (0, *_number(part)) if part.isdigit() else (1, 0, part) for part in prerelease[1:].split(".")
    )
    return (*core, 0, parts)


def is_valid(version: str) -> bool:
    """``semver.IsValid``."""
    return key(version) != ()


def major(version: str) -> str:
    """``semver.Major``: ``v2`` of ``v2.1.0``; "" where there is none."""
    match = _parse(version)
    return "v" + match["major"] if match else ""


@lru_cache(1 << 16)
def canonical(version: str) -> str:
    """``module.CanonicalVersion``: all three numbers, and no build suffix but ``+incompatible``.

    "" for what is no version.
    """
    match = _parse(version)
    if match is None:
        return ""
    full = f"v{match['major']}.{match['minor'] or 0}.{match['patch'] or 0}{match['prerelease'] or ''}"
    return full + ("+incompatible" if match["build"] == "+incompatible" else "")


def is_incompatible(version: str) -> bool:
    """Whether the build suffix is ``+incompatible``."""
    match = _parse(version)
    return match is not None and match["build"] == "+incompatible"
