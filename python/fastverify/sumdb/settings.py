"""Which checksum database holds modules here, and which modules it is not asked about.

Source: ``dbDial`` and ``useSumDB`` in ``cmd/go/internal/modfetch/sumdb.go``, ``key.go`` beside it, and
``module.MatchPrefixPatterns``.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from fastverify.errors import FastverifyError
from fastverify.locate import GoSettings
from fastverify.modcache import layout
from fastverify.sumdb import note

#: The keys that the go command knows by the database's name.
KNOWN_KEYS = {"sum.golang.org": "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"}

_MIRROR = "sum.golang.google.cn"


@dataclass(frozen=True, slots=True)
class SumdbSettings:
    """What GOSUMDB and its like come to."""

    #: None where GOSUMDB is ``off``.
    key: note.VerifierKey | None
    #: GOSUMDB's own URL; ``""`` where it has none.
    url: str
    #: GONOSUMDB, else GOPRIVATE.
    exempt: str
    #: Go's ``$GOPATH/pkg/sumdb``, with the newest head it has seen; ``""`` without a GOPATH.
    heads: str
    goproxy: str

    @property
    def name(self) -> str:
        """The database's name; ``""`` where there is none."""
        return self.key.name if self.key is not None else ""

    def is_exempt(self, module: str) -> bool:
        """``useSumDB``: whether the go command would not ask the database about `module`.

        Toolchains are never exempt: no go.sum has them.
        """
        if self.key is None:
            return True
        return module != layout.TOOLCHAIN and matches_prefix(self.exempt, module)


def sumdb_settings(go: GoSettings) -> SumdbSettings:
    """Read GOSUMDB and what belongs to it.  Raises FastverifyError where the go command refuses it."""
    key, url = _parse_gosumdb(go.gosumdb)
    first = go.gopath.split(os.pathsep, 1)[0]
    return SumdbSettings(
        key=key,
        url=url,
        exempt=go.gonosumdb,
        heads=os.path.join(first, "pkg", "sumdb") if first else "",
        goproxy=go.goproxy,
    )


def _parse_gosumdb(gosumdb: str) -> tuple[note.VerifierKey | None, str]:
    if gosumdb == "off":
        return None, ""
    if gosumdb == _MIRROR:
        gosumdb = f"sum.golang.org https://{_MIRROR}"
    fields = gosumdb.split()
    if not 1 <= len(fields) <= 2:
        raise FastverifyError(
            f"GOSUMDB is {gosumdb!r}, but it takes a name or a key, and a URL after it at most"
        )
    try:
        key = note.parse_verifier_key(KNOWN_KEYS.get(fields[0], fields[0]))
    except note.NoteError as error:
        raise FastverifyError(f"GOSUMDB is {gosumdb!r}, which the go command refuses: {error}") from error
    if not _is_database_name(key.name):
        raise FastverifyError(f"GOSUMDB names the database {key.name!r}, which is no host[/path]")
    return key, fields[1] if len(fields) == 2 else ""


def _is_database_name(name: str) -> bool:
    """Whether `name` is a host with perhaps a path below it, and so a folder that is safe to read."""
    try:
        parts = urlsplit("https://" + name)
    except ValueError:
        return False
    plain = parts.netloc + parts.path == name and "@" not in parts.netloc and "%" not in name
    elements = name.split("/")
    return plain and "\\" not in name and all(e not in ("", ".", "..") for e in elements)


def matches_prefix(globs: str, target: str) -> bool:
    """``module.MatchPrefixPatterns``: whether a glob of the comma-separated list `globs` matches as
    many leading elements of the path `target` as the glob itself has.
    """
    for listed in globs.split(","):
        glob = listed.removesuffix("/")
        if not glob:
            continue
        elements = target.split("/")
        wanted = glob.count("/") + 1
        if len(elements) >= wanted and glob_matches(glob, "/".join(elements[:wanted])):
            return True
    return False


# One step of a pattern: None for any run without a slash, else the ranges of characters that fit,
# and whether they are those that do not.
_Step = tuple[Sequence[tuple[str, str]], bool]


def is_glob(glob: str) -> bool:
    """Whether ``path.Match`` takes the pattern."""
    return _parse_glob(glob) is not None


def glob_matches(glob: str, name: str) -> bool:
    """``path.Match``; a malformed pattern matches nothing."""
    steps = _parse_glob(glob)
    if steps is None:
        return False
    at, step, star, resume = 0, 0, -1, 0
    while at < len(name):
        if step < len(steps):
            wanted = steps[step]
            if wanted is None:
                star, resume = step, at
                step += 1
                continue
            if _fits(wanted, name[at]):
                at, step = at + 1, step + 1
                continue
        # Let the last star take one character more.
        if star < 0 or name[resume] == "/":
            return False
        resume += 1
        at, step = resume, star + 1
    return all(rest is None for rest in steps[step:])


def _fits(step: _Step, char: str) -> bool:
    ranges, negated = step
    return any(low <= char <= high for low, high in ranges) != negated


def _parse_glob(glob: str) -> list[_Step | None] | None:
    """The steps of a pattern; None where it is malformed."""
    steps: list[_Step | None] = []
    at = 0
    while at < len(glob):
        char = glob[at]
        at += 1
        if char == "*":
            steps.append(None)
        elif char == "?":
            steps.append(([("/", "/")], True))
        elif char == "[":
            parsed = _parse_class(glob, at)
            if parsed is None:
                return None
            step, at = parsed
            steps.append(step)
        else:
            if char == "\\":
                if at == len(glob):
                    return None
                char = glob[at]
                at += 1
            steps.append(([(char, char)], False))
    return steps


def _parse_class(glob: str, at: int) -> tuple[_Step, int] | None:
    """The class of characters whose ``[`` stands just before `at`, and where it ends."""
    negated = glob.startswith("^", at)
    at += negated
    ranges: list[tuple[str, str]] = []
    while not (ranges and glob.startswith("]", at)):
        low = _parse_member(glob, at)
        if low is None:
            return None
        high, at = low, low[1]
        if glob.startswith("-", at):
            found = _parse_member(glob, at + 1)
            if found is None:
                return None
            high, at = found, found[1]
        ranges.append((low[0], high[0]))
    return (ranges, negated), at + 1


def _parse_member(glob: str, at: int) -> tuple[str, int] | None:
    if at < len(glob) and glob[at] == "\\":
        at += 1
    elif at >= len(glob) or glob[at] in "-]":
        return None
    # A class has to be closed: a member is never the last character.
    return (glob[at], at + 1) if at + 1 < len(glob) else None
