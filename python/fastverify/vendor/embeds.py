"""What ``//go:embed`` makes ``go mod vendor`` copy: the patterns in Go files, and the files they match.

Source: ``readGoInfo`` and ``parseGoEmbed`` in ``go/build/read.go``, ``ParseDirective`` in
``go/ast/directive.go``, ``resolveEmbed`` in ``cmd/go/internal/load/pkg.go``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from fastverify.engine.pure.zip_rules import is_file_path
from fastverify.gomod.quoting import unquote
from fastverify.sumdb.settings import glob_matches, is_glob

_DIRECTIVE = b"//go:embed"
#: The tokens of Go in which other tokens may seem to be, and the comments.
_TOKEN = re.compile(
    r"""(?P<comment>//[^\n]*)|(?P<block>/\*.*?(?:\*/|\Z))|(?P<raw>`[^`]*(?:`|\Z))"""
    r"""|(?P<string>"(?:[^"\\\n]|\\.)*(?:"|(?=\n)|\Z))|(?P<rune>'(?:[^'\\\n]|\\.)*(?:'|(?=\n)|\Z))""",
    re.DOTALL,
)
_HEADER = re.compile(
    r"""//[^\n]*|/\*.*?\*/|(?P<word>[^\W\d]\w*)|(?P<string>"(?:[^"\\\n]|\\.)*"|`[^`]*`)|(?P<mark>[().;])|\s+""",
    re.DOTALL,
)
_QUOTED = re.compile(r'"(?:[^"\\\n]|\\.)*"|`[^`]*`', re.DOTALL)
#: Folders that are in no module.
_VERSION_CONTROL = frozenset([b".bzr", b".hg", b".git", b".svn"])


def embed_patterns(content: bytes) -> list[str]:
    """The patterns of a Go file, in their order; none where it imports no "embed".

    Files of the package "documentation" do not count, nor those that import "C": whether Go looks at
    them depends on the machine that the folder was made on.
    """
    if _DIRECTIVE not in content or b"embed" not in content:
        return []
    text = content.decode("utf-8", "surrogateescape").removeprefix("\ufeff")
    package, imports = _header(text)
    if "embed" not in imports or "C" in imports or package == "documentation":
        return []
    found: list[str] = []
    for token in _TOKEN.finditer(text):
        if token["comment"]:
            found += _parse_directive(token["comment"].rstrip("\r"))
    return found


def _header(text: str) -> tuple[str, set[str]]:
    """The package's name and what the file imports."""
    package = ""
    imports: set[str] = set()
    state, at = "package", 0
    while match := _HEADER.match(text, at):
        at = match.end()
        word, string, mark = match["word"], match["string"], match["mark"]
        if state == "package":
            if word is not None and word != "package":
                package, state = word, "top"
        elif state == "top":
            if word is not None:
                if word != "import":
                    break
                state = "one"
        elif string is not None:
            imports.add(string[1:-1])
            state = "top" if state == "one" else "many"
        elif mark == "(":
            state = "many"
        elif mark == ")":
            state = "top"
    return package, imports


def _parse_directive(comment: str) -> list[str]:
    """The patterns of one comment; none where it is no such directive or has bad quotes."""
    rest = comment.removeprefix(_DIRECTIVE.decode())
    if rest == comment or (rest and not rest[0].isspace()):
        return []
    found: list[str] = []
    rest = rest.strip()
    while rest:
        if rest[0] in '"`':
            match = _QUOTED.match(rest)
            text = None if match is None else match[0]
            pattern = None if text is None else text[1:-1] if text[0] == "`" else unquote(text)
            if match is None or pattern is None or rest[match.end() : match.end() + 1].strip():
                return []
            rest = rest[match.end() :].lstrip()
        else:
            pattern, *others = rest.split(None, 1)
            rest = others[0] if others else ""
        found.append(pattern)
    return found


def embedded(patterns: Iterable[str], names: Sequence[bytes]) -> set[bytes]:
    """The files among `names` that `patterns` match; none where Go finds anything wrong with a pattern.

    `names` are the regular files below the package's folder, relative to it.
    """
    folders = {folder for name in names for folder in _parents(name)}
    roots = {name.removesuffix(b"/go.mod") for name in names if name.endswith(b"/go.mod")}
    found: set[bytes] = set()
    for pattern in dict.fromkeys(patterns):
        glob = pattern.removeprefix("all:")
        if not _is_pattern(glob):
            return set()
        takes_all = glob != pattern
        matched = False
        for path in (*names, *folders):
            if path.count(b"/") != glob.count("/") or not glob_matches(glob, _text(path)):
                continue
            if any(_is_bad(element) for element in path.split(b"/")) or roots & {path, *_parents(path)}:
                return set()  # of another module, or of none
            if path in folders:
                below = {
                    name
                    for name in names
                    if name.startswith(path + b"/") and _is_taken(name, path, roots, takes_all=takes_all)
                }
                if not below:
                    return set()
                found |= below
            else:
                found.add(path)
            matched = True
        if not matched:
            return set()
    return found


def _is_pattern(glob: str) -> bool:
    """``validEmbedPattern``."""
    return is_glob(glob) and all(element not in ("", ".", "..") for element in glob.split("/"))


def _text(name: bytes) -> str:
    return name.decode("utf-8", "surrogateescape")


def _parents(name: bytes) -> Iterable[bytes]:
    while b"/" in name:
        name = name.rpartition(b"/")[0]
        yield name


def _is_bad(element: bytes) -> bool:
    """``isBadEmbedName``."""
    return element in _VERSION_CONTROL or not is_file_path(element)


def _is_taken(name: bytes, folder: bytes, roots: set[bytes], *, takes_all: bool) -> bool:
    """Whether a file below a matched `folder` is embedded with it."""
    elements = name[len(folder) + 1 :].split(b"/")
    if any(_is_bad(element) or (element[:1] in (b".", b"_") and not takes_all) for element in elements):
        return False
    return not any(above in roots for above in _parents(name) if len(above) > len(folder))
