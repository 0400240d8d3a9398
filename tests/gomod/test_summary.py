"""The quick reading of plain go.mod files says what the full parser says."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from fastverify.gomod.summary import Summarizer, in_full
from tests.gomod.forms import TEXTS

_LINES = st.sampled_from(
    [
        "module a.b/m",
        "module  a.b/m // c",
        "module a.b/m /* c",
        "module",
        "modulea.b/m",
        "go 1.21",
        "go 1.21.3 // x",
        "go 1.021",
        "go1.21",
        "go 1.9x",
        "toolchain go1.22.0",
        "toolchain (",
        "toolchain x y z",
        "require a.b/c v1.0.0",
        "require a.b/c v1.0",
        "require a.b/c v2.0.0",
        "require a.b/c/v2 v2.0.0 // indirect",
        "require gopkg.in/y v1.0.0",
        "require",
        "require (",
        "require(",
        "require ( // c",
        "require ()",
        "exclude (",
        "replace (",
        "retract (",
        "module (",
        "x (",
        ")",
        ") // c",
        ") x",
        "\t)",
        "\ta.b/c v1.0.0",
        "\ta.b/c v1.0.0 // indirect",
        "\ta.b/c v1.0.0// \u00e9",
        "\ta.b//c v1.0.0",
        "\ta.b/*c v1.0.0",
        "\ta.b/c v1.0.0 x",
        "\ta.b/c v1.0.0-01",
        "\ta.b/c v1.0.0+incompatible\r",
        "a.b/c => ../x",
        "replace a.b/c v1.0.0 => b.c/d v1.1.0",
        "retract [v1.0.0, v1.1.0] // why",
        "retract v1 /* c */",
        'exclude "a b" v1.0.0',
        "exclude a \u00e9",
        "tool a.b/c",
        "ignore ./x",
        "ignore x y",
        "unknown",
        "// c",
        "\t// c",
        "/",
        "\0",
        "",
        "  ",
        "\r",
        "\v",
    ]
)


@settings(max_examples=1500, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(content=st.lists(_LINES, max_size=8).map(lambda lines: "\n".join(lines).encode()) | TEXTS)
@example(b"module a.b/m\nrequire (\n)\n)\n")
@example(b"go 1.17\ngo 1.17\n")
def test_quick_and_full_agree(content: bytes) -> None:
    assert Summarizer().summarize("go.mod", content) == in_full("go.mod", content)


def test_plain_files_do_not_need_the_full_parser(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fastverify.gomod.summary.in_full", None)
    text = (
        "// Deprecated: no\nmodule a.b/m // c\n\ngo 1.22.1\n\ntoolchain go1.23.0\n\nrequire a.b/x v1.0.0\n\n"
        "require (\n\ta.b/c v1.0.0\n\n\t// about d\n\ta.b/d/v2 v2.1.0 // indirect\n)\n\n"
        "replace (\n\ta.b/c => ../c // local\n)\n\nexclude a.b/e v1.0.0\nretract [v1.0.0, v1.1.0]\n"
    )
    for ending in ("\n", "\r\n"):
        summary = Summarizer().summarize("go.mod", text.replace("\n", ending).encode())
        assert (summary.module, summary.go, summary.pruned) == ("a.b/m", "1.22.1", True)
        assert summary.require == (("a.b/x", "v1.0.0"), ("a.b/c", "v1.0.0"), ("a.b/d/v2", "v2.1.0"))


def test_what_is_known_of_a_line_does_not_leak_into_other_places(tmp_path: Path) -> None:
    summarizer = Summarizer()
    one = summarizer.summarize("go.mod", b"module m\nrequire (\n\ta.b/c v1.0.0\n)\n")
    other = summarizer.summarize("go.mod", b"module m\nexclude (\n\ta.b/c v1.0.0\n)\n\ta.b/c v1.0.0\n")
    assert one.require == (("a.b/c", "v1.0.0"),)
    assert other.require == ()
