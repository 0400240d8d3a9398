"""Versions, strings and module paths, held to Go's own packages."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from fastverify.gomod import goversion, semver
from fastverify.gomod.modulepath import import_path_fault, module_path_fault, path_major, path_major_fault
from fastverify.gomod.quoting import quote, unquote
from tests.making.go import Oracle

pytestmark = pytest.mark.go

many = settings(
    max_examples=400,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

_NUMBER = st.sampled_from(["0", "1", "2", "9", "10", "01", "", "99999999999999999999", "9" * 5000])
_PART = st.sampled_from(["0", "1", "10", "01", "a", "B", "rc1", "-", "a-b", "1a", "0a", ""])
_SEMVER = st.one_of(
    st.builds(
        lambda numbers, prerelease, build: (
            "v"
            + ".".join(numbers)
            + ("-" + ".".join(prerelease) if prerelease else "")
            + ("+" + ".".join(build) if build else "")
        ),
        st.lists(_NUMBER, min_size=1, max_size=4),
        st.lists(_PART, max_size=3),
        st.lists(_PART | st.just("incompatible"), max_size=2),
    ),
    st.text(alphabet="v012.-+aZ\u00e9\u0661", max_size=8),
)
_GO = st.one_of(
    st.builds(
        lambda numbers, end: ".".join(numbers) + end,
        st.lists(_NUMBER | st.sampled_from(["20", "21", "22"]), min_size=1, max_size=4),
        st.sampled_from(["", "", "rc1", "rc", "beta2", "alpha10", "rc01", "x", "X1", "rc1.1"]),
    ),
    st.text(alphabet="0129.rcb", max_size=8),
)


def _sign(ours: object, theirs: object) -> str:
    assert isinstance(ours, tuple)
    assert isinstance(theirs, tuple)
    return str((ours > theirs) - (ours < theirs))


@many
@given(one=_SEMVER, other=_SEMVER)
@example("v1.0.0-rc.1", "v1.0.0-rc.1.1")
@example("v1.0.0-1", "v1.0.0-a")
@example("v1", "v1.0.0+x")
def test_semantic_versions(oracle: Oracle, one: str, other: str) -> None:
    answer = oracle.value("compare_semver", Version=one, Other=other)
    assert _sign(semver.key(one), semver.key(other)) == answer
    assert (semver.canonical(one) == one) == (not one or not oracle.error("canonical_version", Name=one))


@many
@given(one=_GO, other=_GO)
@example("1.21", "1.21rc1")
@example("1.20", "1.20.0")
@example("1", "1.0.0")
def test_go_versions(oracle: Oracle, one: str, other: str) -> None:
    answer = oracle.value("compare_go", Version=one, Other=other)
    assert _sign(goversion.key(one), goversion.key(other)) == answer


_TEXT = st.text(max_size=12) | st.binary(max_size=8).map(lambda raw: raw.decode("utf-8", "surrogateescape"))


@many
@given(text=_TEXT)
def test_quoting(oracle: Oracle, text: str) -> None:
    assert quote(text) == oracle.value("quote", Name=text.encode("utf-8", "surrogateescape"))


@many
@given(
    text=_TEXT
    | st.lists(
        st.sampled_from(
            [
                "\\x41",
                "\\xff",
                "\\u00e9",
                "\\ud800",
                "\\U0001f600",
                "\\U00110000",
                "\\777",
                "\\101",
                "\\400",
                "\\a",
                "\\n",
                "\\'",
                '\\"',
                "\\\\",
                "\\",
                "\\z",
                "a",
                '"',
                "\n",
                "é",
                "�",
                "\\x4",
                "\\u12",
            ]
        ),
        max_size=5,
    ).map("".join)
)
def test_unquoting(oracle: Oracle, text: str) -> None:
    quoted = f'"{text}"'.encode("utf-8", "surrogateescape")
    answer = oracle.ask("unquote", Name=quoted)
    ours = unquote(quoted.decode("utf-8", "surrogateescape"))
    if answer["error"]:
        assert ours is None
    else:
        assert ours is not None
        assert ours.encode("utf-8", "surrogateescape") == oracle.raw("unquote", Name=quoted)


_PATHS = st.lists(
    st.sampled_from(
        [
            "a.b",
            "c",
            "v2",
            "v1",
            "v0",
            "v02",
            "v2.0",
            "v",
            "gopkg.in",
            "y.v1",
            "y.v0",
            "y.v",
            "y.v-unstable",
            "y.v2-unstable",
            "y.v02",
            "y.v0-unstable",
            "",
            ".",
            "..",
            "...",
            ".a",
            "a.",
            "-a",
            "con",
            "CON.x",
            "a~1",
            "a~1.b",
            "a+b",
            "a b",
            "é",
            "\x00",
            "com1",
            "~",
            "~1",
            "a~x1",
        ]
    ),
    max_size=4,
).map("/".join)


@many
@given(path=_PATHS, version=_SEMVER)
@example("gopkg.in/y.v1", "v0.0.0-20200101000000-abcdefabcdef")
@example("", "v1.0.0")
@example("/v2", "v2.0.0")
def test_module_paths(oracle: Oracle, path: str, version: str) -> None:
    answer = oracle.ask("path_major", Name=path)
    major = path_major(path)
    assert major == (None if answer["error"] else answer["value"])
    if major is not None:
        assert path_major_fault(version, major) == oracle.error(
            "check_path_major", Version=version, Other=major
        )
    fault = import_path_fault(path)
    error = oracle.error("check_import_path", Name=path)
    assert error == (f"malformed import path {quote(path)}: {fault}" if fault else "")
    fault = module_path_fault(path)
    error = oracle.error("check_path", Name=path)
    assert error == (f"malformed module path {quote(path)}: {fault}" if fault else "")
