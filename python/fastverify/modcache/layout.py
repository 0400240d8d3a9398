"""Names in a module cache: escaping, versions, and where each file of a module version lies.

The rules are those of ``golang.org/x/mod/module`` and ``golang.org/x/mod/semver``.
"""

from __future__ import annotations

import re
from functools import lru_cache

#: A version is kept apart from a module path by this, in the names of extracted trees.
AT = "@"
TOOLCHAIN = "golang.org/toolchain"
FIPS140 = "golang.org/fips140"

_ESCAPED = re.compile(r"!([a-z])")
_UPPER = re.compile(r"[A-Z]")
_END = r"(?=[./]|\Z)"
#: No dot at its ends, no Windows device, no Windows short name (text, a tilde, digits); the last two
#: rules are about what stands before the first dot.
_ELEMENT = (
    r"(?!\.)"
    rf"(?!(?i:con|prn|aux|nul|com[1-9]|lpt[1-9]){_END})"
    rf"(?![^./]*~[0-9]+{_END})"
    r"[A-Za-z0-9._~-]*[A-Za-z0-9_~-]"
)
#: The first element is a host's name, with a dot and no capitals.
_PATH = re.compile(rf"(?!-)(?=[a-z0-9-]*\.[a-z0-9.-]*(?:/|\Z)){_ELEMENT}(?:/{_ELEMENT})*")
_NUMBER = r"(?:0|[1-9][0-9]*)"
_PRERELEASE = r"(?:0|[1-9][0-9]*|[0-9]*[A-Za-z-][0-9A-Za-z-]*)"
#: Canonical semantic versions, with the only build suffix that Go keeps.
_VERSION = re.compile(
    rf"v(?P<major>{_NUMBER})\.{_NUMBER}\.{_NUMBER}"
    rf"(?P<prerelease>-{_PRERELEASE}(?:\.{_PRERELEASE})*)?(?P<incompatible>\+incompatible)?"
)
_GOPKG_IN = re.compile(r"gopkg\.in/.*\.v(0|[1-9][0-9]*)(?P<unstable>-unstable)?", re.DOTALL)
_MAJOR_SUFFIX = re.compile(r".*/v(?P<number>[0-9.]+)", re.DOTALL)


def escape(text: str) -> str:
    """A module path or version as the cache spells it: each capital as ``!`` and its small letter."""
    if text == text.lower():
        return text
    return _UPPER.sub(lambda match: "!" + match[0].lower(), text)


def unescape(text: str) -> str | None:
    """What `escape` was given; None for a spelling that it never makes."""
    if not text.isascii() or text != text.lower():
        return None
    if "!" not in text:
        return text
    plain = _ESCAPED.sub(lambda match: match[1].upper(), text)
    return None if "!" in plain else plain


def unescape_path(text: str) -> str | None:
    """The module path that is spelled `text` in the cache; None where Go would never use it."""
    path = unescape(text)
    return path if path is not None and is_module_path(path) else None


def unescape_version(text: str) -> str | None:
    """The version that is spelled `text` in the cache; None where Go would never use it."""
    version = unescape(text)
    return version if version is not None and is_version(version) else None


def is_module_path(path: str) -> bool:
    """``module.CheckPath``: a path that a module can be published under."""
    return has_path_characters(path) and _major_of_path(path) is not None


def has_path_characters(path: str) -> bool:
    """Whether `path` is made as a module path is, or as the beginning of one.

    This is ``module.CheckPath`` without the rule on major version suffixes.
    """
    return _PATH.fullmatch(path) is not None


def is_version(version: str) -> bool:
    """Whether `version` is canonical, as every version in a cache is (``module.CanonicalVersion``)."""
    return _parse_version(version) is not None


def agrees(path: str, version: str) -> bool:
    """``module.CheckPathMajor``: whether a module of this path can have this version."""
    match = _parse_version(version)
    wanted = _major_of_path(path)
    if match is None or wanted is None:
        return False
    major = match["major"]
    if path.startswith("gopkg.in/") and version.startswith("v0.0.0-") and wanted == "1":
        return True  # gopkg.in/foo.v1 was once given such pseudo-versions
    if wanted == "":
        return major in {"0", "1"} or match["incompatible"] is not None
    return major == wanted


# Few are enough: a name is asked for more than once while it is looked at, and then no more.


@lru_cache(maxsize=64)
def _parse_version(version: str) -> re.Match[str] | None:
    return _VERSION.fullmatch(version)


@lru_cache(maxsize=64)
def _major_of_path(path: str) -> str | None:
    """The major version that a path demands: "" for v0 and v1, digits, or None for a bad suffix."""
    if path.startswith("gopkg.in/"):
        match = _GOPKG_IN.fullmatch(path)
        return match[1] if match else None
    match = _MAJOR_SUFFIX.fullmatch(path)
    if match is None:
        return ""
    number = match["number"]
    # module.SplitPathVersion: /v0, /v1, a leading zero and a dot make the whole path bad.
    if "." in number or number[0] == "0" or number == "1":
        return None
    return number
