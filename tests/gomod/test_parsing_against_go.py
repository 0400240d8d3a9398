"""go.mod and go.work files, held to golang.org/x/mod/modfile: what is accepted, said, and refused where."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import pytest
from hypothesis import HealthCheck, example, given, settings

from fastverify.gomod.modfile import parse_mod, parse_mod_lax
from fastverify.gomod.workfile import parse_work
from tests.gomod.forms import TEXTS, of_go, of_ours
from tests.making.go import Oracle

Test = TypeVar("Test", bound=Callable[..., None])

pytestmark = pytest.mark.go

many = settings(
    max_examples=400,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

_EXAMPLES = [
    b"",
    b"module a.b/m\n\ngo 1.99\n",
    b"\xef\xbb\xbfmodule a.b/m\n",
    b"module a.b/m\nrequire (\n\ta.b/c v1.0.0\n",
    b"module a.b/m\n/* no */\n",
    b"module a.b/m\nrequire a/*x*/ v1.0.0\n",
    b"module a.b/m\nx \0\n",
    b"module a.b/m\nrequire (\n<<<<<<< HEAD\na.b/c v1.0.0\n=======\na.b/c v1.1.0\n>>>>>>> theirs\n)\n",
    b"<<<<<<< HEAD\nmodule a\n=======\nmodule b\n>>>>>>> x\n",
    b'x "a\\\nb" // c\nrequire a.b/c v1.0.0\n',
    b'x "abc',
    b'x "abc\\',
    b'x "abc\ndef"',
    b"x `a\nb`",
    b"require () // c\nexclude ( )\nreplace (x) y\n",
    b"require (\n) x\n",
    b"require (\n)\nretract v1.0.0\n",
    b"retract v1.0.0\nmodule a.b/m\nretract [v1.0.0, v1.x]\n",
    b'retract "\\"v1"\nmodule a.b/m\n',
    b"module a.b/m\nretract (\nretract\n)\n",
    b"(\n)\n",
    b"()\n",
    b")\n",
    b"\xff\xfe m\nmodule \xff\n",
    b'module "\xff"\ntool "\\xff"\n',
    b"module a\r\nrequire a.b/c v1.0.0 // indirect\r\n",
    b"module a // x",
    b"require ((((((((\n))))\n)\n",
    b"go 1.21\ngo 1.22\ntoolchain go1.22.0\ntoolchain x\n",
]


def _with_examples(test: Test) -> Test:
    for content in _EXAMPLES:
        test = example(content=content)(test)
    return test


@many
@given(content=TEXTS)
@_with_examples
def test_main_module(oracle: Oracle, content: bytes) -> None:
    assert of_ours(parse_mod("go.mod", content)) == of_go(oracle, "parse_mod", content)


@many
@given(content=TEXTS)
@_with_examples
def test_main_module_without_fixing(oracle: Oracle, content: bytes) -> None:
    assert of_ours(parse_mod("go.mod", content, None)) == of_go(oracle, "parse_mod_unfixed", content)


@many
@given(content=TEXTS)
@_with_examples
def test_dependency(oracle: Oracle, content: bytes) -> None:
    # A comment that a string over two lines pushes to an earlier line makes that one indirect in Go;
    # of a dependency nobody asks.
    theirs, error = of_go(oracle, "parse_mod_lax", content)
    ours, our_error = of_ours(parse_mod_lax("go.mod", content))
    assert our_error == error
    assert ours.replace(b"\0true\0", b"\0false\0") == theirs.replace(b"\0true\0", b"\0false\0")


@many
@given(content=TEXTS)
@_with_examples
def test_workspace(oracle: Oracle, content: bytes) -> None:
    assert of_ours(parse_work("go.mod", content)) == of_go(oracle, "parse_work", content)
