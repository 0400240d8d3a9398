"""Module paths in go.mod files: their major versions, and which may be imported.

The rules are those of ``golang.org/x/mod/module``.
"""

from __future__ import annotations

import re

from fastverify.gomod import semver
from fastverify.gomod.quoting import quote, quote_character

_IMPORT_CHARACTER = re.compile(r"[A-Za-z0-9._~+-]*")
_MODULE_CHARACTER = re.compile(r"[A-Za-z0-9._~-]*")
_FIRST_CHARACTER = re.compile(r"[a-z0-9.-]*")
_WINDOWS_DEVICES = frozenset(
    ["con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10))]
)


def path_major(path: str) -> str | None:
    """The major version suffix of a path as ``module.SplitPathVersion`` has it.

    ``/v2``, ``.v2`` (gopkg.in), or "" where there is none; None where the suffix is bad.
    """
    if path.startswith("gopkg.in/"):
        return _gopkg_in_major(path)
    rest = path.rstrip("0123456789.")
    digits = path[len(rest) :]
    if not digits or len(rest) < 2 or not rest.endswith("/v"):
        return ""
    if "." in digits or digits[0] == "0" or digits == "1":
        return None
    return "/v" + digits


def _gopkg_in_major(path: str) -> str | None:
    unstable = "-unstable" if path.endswith("-unstable") else ""
    plain = path[: len(path) - len(unstable)]
    rest = plain.rstrip("0123456789")
    number = plain[len(rest) :]
    if not rest.endswith(".v") or not number + unstable:
        return None
    if number.startswith("0") and (number != "0" or unstable):
        return None
    return f".v{number}{unstable}"


def path_major_fault(version: str, major: str) -> str:
    """``module.CheckPathMajor``: why a path with the suffix `major` has no such version; "" if it has."""
    if major.startswith(".v"):
        major = major.removesuffix("-unstable")
    if version.startswith("v0.0.0-") and major == ".v1":
        return ""  # gopkg.in/foo.v1 was once given such pseudo-versions
    found = semver.major(version)
    if not major:
        if found in ("v0", "v1") or semver.is_incompatible(version):
            return ""
        return invalid_version(version, f"should be v0 or v1, not {found}")
    wanted = major[1:]
    return "" if found == wanted else invalid_version(version, f"should be {wanted}, not {found}")


def invalid_version(version: str, why: str) -> str:
    """The words of ``module.InvalidVersionError``."""
    return f"version {quote(version)} invalid: {why}"


def import_path_fault(path: str) -> str:
    """``module.CheckImportPath``: why nothing can be imported by `path`; "" if it can."""
    return _path_fault(path, of_module=False)


def module_path_fault(path: str) -> str:
    """``module.CheckPath``: why no module can have this `path`; "" if one can."""
    fault = _path_fault(path, of_module=True)
    if fault:
        return fault
    first = path.partition("/")[0]
    if not first:
        return "leading slash"
    if "." not in first:
        return "missing dot in first path element"
    match = _FIRST_CHARACTER.match(first)
    end = match.end() if match else 0
    if end < len(first):
        return f"invalid char {quote_character(first[end])} in first path element"
    return "invalid version" if path_major(path) is None else ""


def _path_fault(path: str, *, of_module: bool) -> str:
    """``module.checkPath``."""
    if any("\udc80" <= char <= "\udcff" for char in path):
        return "invalid UTF-8"
    if not path:
        return "empty string"
    if path[0] == "-":
        return "leading dash"
    if "//" in path:
        return "double slash"
    if path[-1] == "/":
        return "trailing slash"
    for element in path.split("/"):
        fault = _element_fault(element, of_module=of_module)
        if fault:
            return fault
    return ""


def _element_fault(element: str, *, of_module: bool) -> str:
    if not element:
        return "empty path element"
    if not element.strip("."):
        return f"invalid path element {quote(element)}"
    if of_module and element[0] == ".":
        return "leading dot in path element"
    if element[-1] == ".":
        return "trailing dot in path element"
    match = (_MODULE_CHARACTER if of_module else _IMPORT_CHARACTER).match(element)
    end = match.end() if match else 0
    if end < len(element):
        return f"invalid char {quote_character(element[end])}"
    short = element.split(".", 1)[0]
    if short.lower() in _WINDOWS_DEVICES:
        return f"{quote(short)} disallowed as path element component on Windows"
    tilde = short.rfind("~")
    if 0 <= tilde < len(short) - 1 and short[tilde + 1 :].isdigit():
        return "trailing tilde and digits in path element"
    return ""
