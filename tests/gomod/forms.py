"""What a go.mod or go.work says, in the form that the Go oracle gives; and texts of such files."""

from __future__ import annotations

import base64
import re

from hypothesis import strategies as st

from fastverify.gomod.directives import LOOKUP_ADVICE
from fastverify.gomod.modfile import ModFile
from fastverify.gomod.workfile import WorkFile
from tests.making.go import Oracle


def of_go(oracle: Oracle, operation: str, content: bytes) -> tuple[bytes, str]:
    """Go's form of the file, and its error."""
    answer = oracle.ask(operation, Name="go.mod", Content=content)
    return base64.b64decode(answer["bytes"] or ""), answer["error"]


def of_ours(file: ModFile | WorkFile) -> tuple[bytes, str]:
    """Our form of the file, and its problems in Go's way of writing them."""
    if file.problems:
        lines = []
        for problem in file.problems:
            text = str(problem)
            if LOOKUP_ADVICE in text:  # Go would ask the network here
                text = f"{problem._replace(message='LOOKUP')}"
            lines.append(re.sub("[\udc80-\udcff]", "\ufffd", text))  # as encoding/json does
        return b"", "\n".join(lines)
    words: list[list[str]] = []
    if isinstance(file, ModFile) and file.module is not None:
        words.append(["module", file.module, str(file.module_line)])
    if file.go is not None:
        words.append(["go", file.go, str(file.go_line)])
    if file.toolchain is not None:
        words.append(["toolchain", file.toolchain])
    words += [["godebug", key, value, str(line)] for key, value, line in file.godebug]
    words += [["replace", r.path, r.version, r.with_path, r.with_version, str(r.line)] for r in file.replace]
    if isinstance(file, ModFile):
        words += [
            ["require", path, version, str(indirect).lower(), str(line)]
            for path, version, indirect, line in file.require
        ]
        words += [["exclude", path, version, str(line)] for path, version, line in file.exclude]
        words += [["retract", low, high, str(line)] for low, high, line in file.retract]
        words += [["tool", path] for path in file.tool]
        words += [["ignore", path] for path in file.ignore]
    else:
        words += [["use", folder, str(line)] for folder, line in file.use]
    return "".join("\0".join(line) + "\n" for line in words).encode("utf-8", "surrogateescape"), ""


_PIECES = [
    *(
        "module",
        "go",
        "require",
        "replace",
        "exclude",
        "retract",
        "toolchain",
        "godebug",
        "tool",
        "ignore",
        "use",
    ),
    *(
        "unknown",
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        ",",
        "=>",
        "=",
        "//",
        "/*",
        "*/",
        "// indirect",
        "// indirect; x",
    ),
    *(
        "// Deprecated: x",
        "//indirect",
        "/",
        "\\",
        '"',
        "'",
        "`",
        "\n",
        "\n",
        "\n",
        "\r\n",
        "\r",
        "\t",
        " ",
        " ",
    ),
    *("\n\n", "(\n", "\n)\n", ") //x\n", "()", "( )\n", "\v", "\f", "\0", "\x7f", "\x85", "\xa0", "\u2028"),
    *("\ufeff", "\ufffd", "\u0378", "\u00e9", "\U0001f600", "\u4e2d", "\U000e0001", "e\u0301"),
    *(
        '"\\x41"',
        '"\\u00e9"',
        '"\\xff"',
        '"\\ud800"',
        '"\\777"',
        '"\\101"',
        '"a\\\nb"',
        '"a\nb"',
        '"\\',
        '"\\"',
    ),
    *('"v1.2.3"', '"a.b/c"', '"a b"', '""', "``", "`a`", "`a\nb`", '"a"b', 'a"b"', "'a'", '"\\\'"', '"\\n"'),
    *("a.b/c", "a.b/c/v2", "a.b/c/v3", "gopkg.in/y.v1", "gopkg.in/y.v2-unstable", "gopkg.in/y", "a.b/c/v1"),
    *(
        "gopkg.in/y.v-unstable",
        "gopkg.in/y.v0",
        "gopkg.in/y.v02",
        "a.b/v0",
        "a.b/v02",
        "a.b/v2.0",
        "/v2",
        "a//b",
    ),
    *(
        "v1.2.3",
        "v1.2",
        "v1",
        "v2.0.0",
        "v2.0.0+incompatible",
        "v3.1.0-rc.1",
        "v1.2.3+meta",
        "v1.2.3-01",
        "v01",
    ),
    *(
        "v0.0.0-20200101000000-abcdefabcdef",
        "v0.0.0-gopkgin-v1.2.3",
        "v1.2.3-gopkgin-v2.0.0",
        "latest",
        "none",
    ),
    *(
        "1.21",
        "1.21.0",
        "1.21rc1",
        "1.99",
        "v1.21",
        "1.21-custom",
        "1.021",
        "go1.21.0",
        "default",
        "go1",
        "go2",
    ),
    *(
        "./x",
        "../x",
        ".",
        "..",
        "/abs",
        ".\\x",
        "C:\\x",
        "c:x",
        "x@v1.0.0",
        "a=b",
        "=b",
        "a",
        "default=go1.21",
    ),
    *("<<<<<<< HEAD", "=======", ">>>>>>> x"),
]
_BYTES = st.sampled_from([b"\xff", b"\xc3", b"\xe2\x82", b"\xed\xa0\x80", b"\xf0\x9f\x98", b"\x80"])
_PIECE = st.sampled_from(_PIECES).map(str.encode) | _BYTES

_PATH = st.sampled_from(
    [
        "a.b/c",
        "a.b/c/v2",
        "A.b/C",
        "gopkg.in/y.v1",
        "gopkg.in/y",
        '"a.b/q"',
        '"a b"',
        "a.b/v1",
        "x",
        "`a`",
        '"\\x41"',
    ]
)
_VERSION = st.sampled_from(
    [
        "v1.2.3",
        "v1.2",
        "v2.0.0",
        "v2.1.0+incompatible",
        '"v1.0.0"',
        "v0.0.0-20200101000000-abcdefabcdef",
        "latest",
        "v1.2.3+x",
        "v1.2.3-01",
        '"v1',
        "v1.2.3-gopkgin-v1.0.0",
    ]
)
_TARGET = st.sampled_from(
    ["./x", "../y", "/z", "a.b/d v1.0.0", "a.b/d", "a@v1", '"./a b"', "./x v1.0.0", ".\\w", "a.b/d v9"]
)
_BODY = st.one_of(
    st.builds("{} {}".format, _PATH, _VERSION).map(lambda text: ("require", text)),
    st.builds("{} {}".format, _PATH, _VERSION).map(lambda text: ("exclude", text)),
    st.builds("{} => {}".format, _PATH, _TARGET).map(lambda text: ("replace", text)),
    st.builds("{} {} => {}".format, _PATH, _VERSION, _TARGET).map(lambda text: ("replace", text)),
    _VERSION.map(lambda text: ("retract", text)),
    st.builds("[{}, {}]".format, _VERSION, _VERSION).map(lambda text: ("retract", text)),
    st.sampled_from(
        ["[v1.0.0]", "[", "[v1.0.0,", "(", "v1.0.0 x", "retract", "[v1.0.0,v1.1.0", '"\\"v1"']
    ).map(lambda text: ("retract", text)),
    st.sampled_from(["1.21", "1.22.3", "1.9x", "v1.20", "1.99", "1.21rc2", "1"]).map(
        lambda text: ("go", text)
    ),
    st.sampled_from(["go1.21.0", "default", "go1.22-x", "x", "go1"]).map(lambda text: ("toolchain", text)),
    st.sampled_from(["a.b/m", '"a.b/m"', "x y", "gopkg.in/m.v3"]).map(lambda text: ("module", text)),
    st.sampled_from(["a=b", "default=go1.21", "a", 'a="b"']).map(lambda text: ("godebug", text)),
    st.sampled_from(["a.b/cmd", '"a"', "x y", "'"]).map(lambda text: ("tool", text)),
    st.sampled_from(["./x", '"a"', "x y"]).map(lambda text: ("ignore", text)),
    st.sampled_from(["./x", '"two words"', "x y", ".", "`x`"]).map(lambda text: ("use", text)),
    st.just(("frobnicate", "x (y) z")),
)
_COMMENT = st.sampled_from(
    ["", "", "", " // indirect", "// indirect; why", " //", "//x", " // \u00e9", " /* x */"]
)
_END = st.sampled_from(["\n", "\n", "\n", "\r\n", "\n\n", "\n// c\n", ""])


def _line(directive: tuple[str, str], comment: str, end: str) -> str:
    return f"{directive[0]} {directive[1]}{comment}{end}"


def _block(verb: str, lines: list[tuple[str, str, str]], tail: str) -> str:
    body = "".join(f"\t{text}{comment}{end}" for text, comment, end in lines)
    return f"{verb} (\n{body}\n){tail}"


_LINE = st.builds(_line, _BODY, _COMMENT, _END)
_BLOCK = st.builds(
    _block,
    st.sampled_from(
        [
            "require",
            "exclude",
            "replace",
            "retract",
            "module",
            "tool",
            "ignore",
            "godebug",
            "use",
            "go",
            "a b",
            "x",
        ]
    ),
    st.lists(st.tuples(_BODY.map(lambda directive: directive[1]), _COMMENT, _END), max_size=4),
    st.sampled_from(["\n", "\n", " // x\n", "", " x\n"]),
)
#: Texts that look like go.mod or go.work files, and texts that do not.
TEXTS = st.one_of(
    st.lists(_LINE | _BLOCK, max_size=6).map(lambda parts: "".join(parts).encode()),
    st.lists(_PIECE | st.just(b" ") | st.just(b"\n"), max_size=24).map(b"".join),
    st.lists(_LINE.map(str.encode) | _PIECE, max_size=6).map(b"".join),
    st.binary(max_size=60),
)
