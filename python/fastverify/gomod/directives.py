"""What the lines of go.mod and go.work files have in common: strings, versions, replacements.

The rules, and the words of the errors, are those of ``golang.org/x/mod/modfile/rule.go``.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from typing import NamedTuple

from fastverify.gomod import semver
from fastverify.gomod.modulepath import invalid_version, path_major, path_major_fault
from fastverify.gomod.quoting import auto_quote, quote, unquote

#: What a go line and a toolchain line may say.
GO_VERSION = re.compile(r"[1-9][0-9]*\.(?:0|[1-9][0-9]*)(?:\.(?:0|[1-9][0-9]*))?(?:[a-z]+[0-9]+)?")
_TOOLCHAIN = re.compile(r"default|go1(?:\..*)?", re.DOTALL)
_WINDOWS_DRIVE = re.compile(r"[A-Za-z]:")

#: Of a version that only the network knows.
LOOKUP_ADVICE = "go mod tidy looks up which one it stands for"

#: Makes a version canonical, given the module path and the version as written.  Raises DirectiveError.
VersionFixer = Callable[[str, str], str]


class DirectiveError(Exception):
    """A line that Go does not accept, in Go's words."""


class VersionError(DirectiveError):
    """A version that a VersionFixer refuses because of its module."""


class Godebug(NamedTuple):
    """``godebug key=value``."""

    key: str
    value: str
    line: int


class Replace(NamedTuple):
    """``replace path [version] => with_path [with_version]``."""

    path: str
    #: "" stands for every version.
    version: str
    with_path: str
    #: "" where `with_path` is a folder.
    with_version: str
    line: int


def parse_string(arguments: list[str], at: int) -> str:
    """The string that argument `at` stands for; the argument becomes its plainest spelling."""
    text = arguments[at]
    if text.startswith('"'):
        plain = unquote(text)
        if plain is None:
            raise DirectiveError("invalid syntax")
    elif any(mark in text for mark in "\"'`"):
        raise DirectiveError("unquoted string cannot contain quote")
    else:
        plain = text
    arguments[at] = auto_quote(plain)
    return plain


def string_argument(arguments: list[str], at: int) -> str:
    """As :func:`parse_string`, with the words for a line that is nothing but wrong."""
    try:
        return parse_string(arguments, at)
    except DirectiveError as fault:
        raise DirectiveError(f"invalid quoted string: {fault}") from None


def parse_version(verb: str, path: str, arguments: list[str], at: int, fix: VersionFixer | None) -> str:
    """The version that argument `at` stands for; the argument becomes that version."""
    about = f"{verb} {path}: " if path else f"{verb}: "
    try:
        text = parse_string(arguments, at)
    except DirectiveError as fault:
        raise DirectiveError(about + invalid_version(arguments[at], str(fault))) from None
    if fix is not None:
        try:
            version = fix(path, text)
        except VersionError as fault:
            raise DirectiveError(about + str(fault)) from None
    else:
        version = semver.canonical(text)
        if not version:
            raise DirectiveError(about + invalid_version(text, "must be of the form v1.2.3"))
    arguments[at] = version
    return version


def without_lookup(path: str, version: str) -> str:
    """The VersionFixer of a main module where nothing may be looked up (``modload.fixVersion``).

    The go command would ask the network for what is no canonical version; here it is an error.
    """
    if path.startswith("gopkg.in/") and "-gopkgin-" in version:
        version = version.split("-gopkgin-", 1)[1]
    major = path_major(path)
    if major is None:
        raise VersionError(invalid_version(version, f"malformed module path {quote(path)}"))
    if version and semver.canonical(version) == version:
        fault = path_major_fault(version, major)
        if fault:
            raise VersionError(fault)
        return version
    raise DirectiveError(
        f"{path}@{version} is no exact version; go mod tidy looks up which one it stands for"
    )


def module_version(verb: str, arguments: list[str], fix: VersionFixer | None) -> tuple[str, str]:
    """The module path and version of a require or exclude line."""
    if len(arguments) != 2:
        raise DirectiveError(f"usage: {verb} module/path v1.2.3")
    path = string_argument(arguments, 0)
    version = parse_version(verb, path, arguments, 1, fix)
    major = path_major(path)
    if major is None:
        raise DirectiveError("invalid module path")
    fault = path_major_fault(version, major)
    if fault:
        raise DirectiveError(f"{verb} {path}: {fault}")
    return path, version


def go_version(arguments: list[str]) -> str:
    """The version of a go line."""
    if len(arguments) != 1:
        raise DirectiveError("go directive expects exactly one argument")
    if not GO_VERSION.fullmatch(arguments[0]):
        raise DirectiveError(f"invalid go version '{arguments[0]}': must match format 1.23.0")
    return arguments[0]


def toolchain_name(arguments: list[str]) -> str:
    """The name of a toolchain line."""
    if len(arguments) != 1:
        raise DirectiveError("toolchain directive expects exactly one argument")
    if not _TOOLCHAIN.fullmatch(arguments[0]):
        raise DirectiveError(
            f"invalid toolchain version '{arguments[0]}': must match format go1.23.0 or default"
        )
    return arguments[0]


def godebug(arguments: list[str], line: int) -> Godebug:
    """The setting of a godebug line."""
    if len(arguments) == 1 and not any(mark in arguments[0] for mark in "\"`',"):
        key, equals, value = arguments[0].partition("=")
        if equals:
            return Godebug(key, value, line)
    raise DirectiveError("usage: godebug key=value")


def replacement(arguments: list[str], fix: VersionFixer | None, line: int) -> Replace:
    """The replacement of a replace line."""
    verb = "replace"
    arrow = 1 if len(arguments) >= 2 and arguments[1] == "=>" else 2
    if not arrow + 2 <= len(arguments) <= arrow + 3 or arguments[arrow] != "=>":
        raise DirectiveError(
            f"usage: {verb} module/path [v1.2.3] => other/module v1.4\n"
            f"\t or {verb} module/path [v1.2.3] => ../local/directory"
        )
    path = string_argument(arguments, 0)
    major = path_major(path)
    if major is None:
        raise DirectiveError(f"{verb} {path}: invalid module path")
    version = ""
    if arrow == 2:
        version = parse_version(verb, path, arguments, 1, fix)
        fault = path_major_fault(version, major)
        if fault:
            raise DirectiveError(f"{verb} {path}: {fault}")
    with_path = string_argument(arguments, arrow + 1)
    if len(arguments) == arrow + 2:
        if not is_folder(with_path):
            if "@" in with_path:
                raise DirectiveError(
                    "replacement module must match format 'path version', not 'path@version'"
                )
            raise DirectiveError(
                "replacement module without version must be directory path (rooted or starting with . or ..)"
            )
        if os.sep == "/" and "\\" in with_path:
            raise DirectiveError("replacement directory appears to be Windows path (on a non-windows system)")
        return Replace(path, version, with_path, "", line)
    with_version = parse_version(verb, with_path, arguments, arrow + 2, fix)
    if is_folder(with_path):
        raise DirectiveError(f"replacement module directory path {quote(with_path)} cannot have version")
    return Replace(path, version, with_path, with_version, line)


def is_folder(path: str) -> bool:
    """``modfile.IsDirectoryPath``: whether a replacement is a folder and no module path."""
    return (
        path in (".", "..")
        or path.startswith(("./", ".\\", "../", "..\\", "/", "\\"))
        or _WINDOWS_DRIVE.match(path) is not None
    )
