"""What the writes of a hash say: each is an input of an action, by its subject and value.

The forms are those of ``buildActionID``, ``linkActionID`` and ``vet`` in ``cmd/go/internal/work/exec.go``
and of ``computeTestInputsID`` in ``cmd/go/internal/test/test.go``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from fastverify.gocache.explain.goquote import leading, list_at, words
from fastverify.gocache.explain.hashlog import Block

#: What an input is; those of DERIVED come from other actions.
InputKind = Literal[
    "go-version",  # of the go command: the salt of every hash
    "directory",
    "module",
    "go-directive",
    "platform",
    "package",
    "package-settings",
    "trimpath",
    "force-library",
    "cgo-tool",
    "c-compiler",  # which, by CC or CXX or FC
    "c-flags",
    "c-compiler-version",
    "cover",
    "fuzz",
    "build-setting",  # a line of the build info that is linked in
    "compiler",
    "assembler",
    "gcflags",
    "asmflags",
    "architecture-level",
    "experiment",
    "magic-variable",
    "file",
    "profile",  # for PGO
    "import",
    "build-mode",
    "default-godebug",
    "linker",
    "ldflags",
    "goroot",
    "external-linking",
    "vet-tool",
    "vet-flags",
    "vetted-package",
    "vet-result",
    "test-binary",
    "test-arguments",
    "exec",
    "variable",  # that a test read
    "opened-file",
    "looked-up-file",
    "directory-change",
    "other",
]
#: Results of other actions; the cause of their change lies there.
DERIVED: frozenset[InputKind] = frozenset(["import", "vetted-package", "vet-result", "test-binary"])


@dataclass(frozen=True, slots=True)
class Input:
    """One input of an action."""

    kind: InputKind
    #: Which one of its kind: a file's name, a variable, a package; ``""`` where there is but one.
    subject: str
    value: str


_C_TOOLS = {"CC": ("c-compiler", "C"), "CXX": ("c-compiler", "C++"), "FC": ("c-compiler", "Fortran")}
_SIMPLE: tuple[tuple[str, InputKind], ...] = (
    ("dir ", "directory"),
    ("module ", "module"),
    ("go ", "go-directive"),
    ("goos ", "platform"),
    ("import ", "package"),
    ("omitdebug ", "package-settings"),
    ("cgo ", "cgo-tool"),
    ("cover ", "cover"),
    ("fuzz ", "fuzz"),
    ("pgofile ", "profile"),
    ("buildmode ", "build-mode"),
    ("defaultgodebug ", "default-godebug"),
    ("linkflags ", "ldflags"),
    ("GOROOT=", "goroot"),
    ("GO_EXTLINK_ENABLED=", "external-linking"),
    ("vetflags ", "vet-flags"),
    ("vet ", "vet-tool"),
    ("GOEXPERIMENT=", "experiment"),
)
_IMPORTED = re.compile(r"import (.+) ([A-Za-z0-9_-]{20})")
_HASHED_FILE = re.compile(r"file (.+) ([A-Za-z0-9_-]{20}|)")
_TOOL = re.compile(rb"(compile|asm|link) (.*)")
_TESTED = re.compile(rb"test binary (\S+) args (\[.*\]) execcmd (\[.*\])")
_READ = re.compile(r"(env|open|stat|chdir) (.*) ([0-9a-f]{64})")
_READ_KINDS: dict[str, InputKind] = {
    "env": "variable",
    "open": "opened-file",
    "stat": "looked-up-file",
    "chdir": "directory-change",
}
_ARCHITECTURE = re.compile(r"(GO(?:386|AMD64|ARM|ARM64|MIPS|MIPS64|PPC64|RISCV64|WASM))=(.*)")


def inputs_of(block: Block) -> list[Input]:
    """The inputs of an action, in the order in which go hashed them."""
    found = [Input("go-version", "", block.salt)]
    for write in block.writes:
        found += _inputs(write)
    return found


def _inputs(write: bytes) -> list[Input]:
    line = write.removesuffix(b"\n")
    text = _text(line)
    if text in ("compile", "link"):
        return []  # which action it is, not what it depends on
    if text == "trimpath":
        return [Input("trimpath", "", "-trimpath")]
    if text == "forcelibrary":
        return [Input("force-library", "", "yes")]
    for read in (_imported, _files, _tests):
        known = read(line, text)
        if known is not None:
            return [known]
    if text.startswith("modinfo "):
        return _build_settings(line)
    if line.startswith((b"CC", b"CXX", b"FC")):
        c = _c_inputs(line)
        if c:
            return c
    match = _TOOL.fullmatch(line)
    if match is not None:
        return _tool_inputs(match[1].decode(), match[2])
    tested = _TESTED.fullmatch(line)
    if tested is not None:
        return [
            Input("test-binary", "", _text(tested[1])),
            Input("test-arguments", "", _list_text(tested[2])),
            Input("exec", "", _list_text(tested[3])),
        ]
    level = _ARCHITECTURE.fullmatch(text)
    if level is not None:
        return [Input("architecture-level", level[1], level[2])]
    if text.startswith("magic ") and "=" in text:
        name, _, value = text[len("magic ") :].partition("=")
        return [Input("magic-variable", name, value)]
    for start, kind in _SIMPLE:
        if text.startswith(start):
            return [Input(kind, "", _unquoted_text(line[len(start) :]))]
    return [Input("other", text.split(" ", 1)[0], text)]


def _imported(line: bytes, text: str) -> Input | None:
    match = _IMPORTED.fullmatch(text)
    if match is not None:
        return Input("import", match[1], match[2])
    for start, separator in (("packagefile ", "="), ("packageshlib ", "=")):
        if text.startswith(start):
            name, _, value = text[len(start) :].rpartition(separator)
            return Input("import", name, value)
    if text.startswith("packagemain "):
        return Input("import", "", text[len("packagemain ") :])
    if line.startswith(b"vetout "):
        quoted = leading(line[len(b"vetout ") :])
        return Input("vet-result", _text(quoted[0]), _text(quoted[1]).strip()) if quoted else None
    if line.startswith(b"pkg "):
        # Thirty-two raw bytes, quoted.
        quoted = leading(line[len(b"pkg ") :])
        return Input("vetted-package", "", quoted[0].hex()) if quoted else None
    return None


def _files(_line: bytes, text: str) -> Input | None:
    match = _HASHED_FILE.fullmatch(text)
    return Input("file", match[1], match[2] or "unreadable") if match is not None else None


def _tests(_line: bytes, text: str) -> Input | None:
    match = _READ.fullmatch(text)
    return Input(_READ_KINDS[match[1]], match[2], match[3]) if match is not None else None


def _build_settings(line: bytes) -> list[Input]:
    quoted = leading(line[len(b"modinfo ") :])
    if quoted is None:
        return [Input("other", "modinfo", _text(line))]
    found = []
    for row in _text(quoted[0]).splitlines():
        kind, _, rest = row.partition("\t")
        if kind == "build":
            name, _, value = rest.partition("=")
            found.append(Input("build-setting", name, value))
        elif kind in ("dep", "mod", "=>"):
            name, _, value = rest.partition("\t")
            found.append(Input("build-setting", f"{kind} {name}", value.strip()))
        elif row:
            found.append(Input("build-setting", kind, rest))
    return found


def _c_inputs(line: bytes) -> list[Input]:
    name, _, rest = line.partition(b"=")
    tool = name.decode("ascii", "replace")
    if tool.endswith((" ID", " ID ERROR")):
        return [Input("c-compiler-version", tool.split()[0], _unquoted_text(rest))]
    if tool not in _C_TOOLS:
        return []
    lists = _lists(rest)
    if not lists:
        return []
    flags = {
        "CC": ("CGO_CPPFLAGS", "CGO_CFLAGS", "CGO_LDFLAGS"),
        "CXX": ("CGO_CXXFLAGS",),
        "FC": ("CGO_FFLAGS",),
    }[tool]
    found = [Input("c-compiler", tool, lists[0])]
    found += [Input("c-flags", flag, value) for flag, value in zip(flags, lists[1:], strict=False)]
    return found


def _tool_inputs(tool: str, rest: bytes) -> list[Input]:
    """``compile ID [forced flags] [flags]``; the ID is a line of words or a hash."""
    lists_at = rest.find(b" [")
    if lists_at < 0:
        return [Input("other", tool, _text(rest))]
    name = _text(rest[:lists_at]).strip('"')
    lists = _lists(rest[lists_at + 1 :])
    if tool == "link":
        # The linker's forced flags, then its build mode; the flags proper are a write of their own.
        return [
            Input("linker", "", name),
            Input("ldflags", "forced", lists[0] if lists else ""),
        ]
    kinds: tuple[InputKind, InputKind] = (
        ("compiler", "gcflags") if tool == "compile" else ("assembler", "asmflags")
    )
    found = [Input(kinds[0], "", name)]
    for number, value in enumerate(lists):
        found.append(Input(kinds[1], "" if number else "forced", value))
    return found


def _lists(rest: bytes) -> list[str]:
    """The lists of quoted words in `rest`, each as one text."""
    found: list[str] = []
    at = 0
    while (start := rest.find(b"[", at)) >= 0:
        listed = list_at(rest, start)
        if listed is None:
            break
        found.append(" ".join(listed[0]))
        at = listed[1]
    return found


def _list_text(quoted: bytes) -> str:
    listed = words(quoted)
    return _text(quoted) if listed is None else " ".join(listed)


def _unquoted_text(text: bytes) -> str:
    if text.startswith(b"["):
        return _list_text(text)
    quoted = leading(text)
    if quoted is None:
        return _text(text)
    # "mode" "tool", as for coverage.
    rest = quoted[1].strip()
    return _text(quoted[0]) + (f" {_unquoted_text(rest)}" if rest else "")


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")
