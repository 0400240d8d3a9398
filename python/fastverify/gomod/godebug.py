"""``godebug`` lines, of which Go takes only those it knows: ``CheckGodebug`` in ``modload/init.go``."""

from __future__ import annotations

import os
import re
from functools import lru_cache

from fastverify.errors import FastverifyError
from fastverify.gomod import goversion
from fastverify.gomod.directives import Godebug
from fastverify.gomod.quoting import quote

_KNOWN = re.compile(r'^\t\{Name: "([^"]+)", Package:', re.MULTILINE)
_REMOVED = re.compile(r'^\t\{Name: "([^"]+)", Removed: ([0-9]+)', re.MULTILINE)


def godebug_fault(line: Godebug, version: str, goroot: str) -> str:
    """Why the Go in `goroot`, of this `version` ("" where none is known), refuses a godebug line; "" where
    it takes it.

    Raises FastverifyError where there is no Go to tell which keys it knows.
    """
    for what, text in (("key", line.key), ("value", line.value)):
        if " " in text or "\t" in text:
            return f"{what} contains space"
    for what, text in (("key", line.key), ("value", line.value)):
        if "," in text:
            return f"{what} contains comma"
    if line.key == "default":
        wanted = line.value.removeprefix("go")
        if not line.value.startswith("go") or not goversion.is_valid(wanted):
            return "value for default= must be goVERSION"
        if version and goversion.is_before(version, wanted):
            return f"default={line.value} too new (toolchain is go{version})"
        return ""
    known, removed = _table(goroot)
    if line.key in known:
        return ""
    if line.key in removed:
        return (
            f"use of removed godebug {quote(line.key)}, "
            f"see https://go.dev/doc/godebug#go-1{removed[line.key]}"
        )
    return f"unknown godebug {quote(line.key)}"


@lru_cache(4)
def _table(goroot: str) -> tuple[frozenset[str], dict[str, str]]:
    """The keys that a Go knows, and those that it no longer knows with the release that dropped each."""
    path = os.path.join(goroot, "src", "internal", "godebugs", "table.go")
    try:
        with open(path, encoding="utf-8", errors="replace") as stream:
            text = stream.read(1 << 20)
    except OSError as error:
        raise FastverifyError(
            "the project has a godebug line, and it cannot be told whether Go knows its key: "
            f"{path} cannot be read: {error.strerror}"
        ) from error
    return frozenset(_KNOWN.findall(text)), dict(_REMOVED.findall(text))
