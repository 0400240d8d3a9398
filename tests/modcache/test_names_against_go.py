"""Module paths, versions and their escaping, held to golang.org/x/mod/module."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from fastverify.modcache import layout
from tests.making.go import Oracle

pytestmark = pytest.mark.go

many = settings(
    max_examples=1500,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

_ELEMENTS = st.sampled_from(
    [
        *(
            "example.com",
            "gopkg.in",
            "github.com",
            "Example.com",
            "a",
            "B",
            "a..b",
            ".a",
            "a.",
            "",
            "-x",
            "x-",
            "~",
            "a~1",
        ),
        *(
            "a~1.b",
            "con",
            "CON.go",
            "com1",
            "com10",
            "a_b",
            "a b",
            "é",
            "!a",
            "v1",
            "v2",
            "v02",
            "v2.0",
            "v10",
            "vx",
        ),
        *(
            "yaml.v2",
            "yaml.v0",
            "yaml.v1",
            "yaml.v02",
            "yaml.v2-unstable",
            ".v2",
            "yaml",
            "yaml.v",
            "x.v2.v3",
            "v",
            "v2~1",
        ),
    ]
)
_PATHS = st.lists(_ELEMENTS, min_size=1, max_size=4).map("/".join) | st.text(
    alphabet="aAzZ09./-_~!@+ vé\n\x00", max_size=12
)
_VERSIONS = st.one_of(
    st.builds(
        lambda major, minor, end: f"v{major}.{minor}.0{end}",
        st.sampled_from(["0", "1", "2", "3", "10", "01", "", "x"]),
        st.sampled_from(["0", "1", "00", "9999999999999999999999"]),
        st.sampled_from(
            [
                *(
                    "",
                    "-rc.1",
                    "-rc.01",
                    "-0.20240101000000-abcdefabcdef",
                    "-",
                    "-a..b",
                    "-A",
                    "-é",
                    "-0a",
                    "-01a",
                    "--",
                ),
                *(
                    "+incompatible",
                    "+incompatible.1",
                    "+meta",
                    "-rc1+incompatible",
                    "+",
                    "-20240101000000-abcdefabcdef",
                ),
            ]
        ),
    ),
    st.sampled_from(["v1", "v1.2", "v1.2.3.4", "1.2.3", "V1.2.3", "v1.2.3\n", "", "latest"]),
    st.text(alphabet="v01.-+aAZ!", max_size=10),
)


@many
@given(path=_PATHS)
@example("gopkg.in/yaml.v2\n")
def test_check_path(oracle: Oracle, path: str) -> None:
    assert layout.is_module_path(path) == (not oracle.error("check_path", Name=path))


@many
@given(path=_PATHS, version=_VERSIONS)
@example("gopkg.in/yaml.v1", "v0.0.0-20240101000000-abcdefabcdef")
@example("gopkg.in/yaml.v2-unstable", "v2.0.0")
@example("example.com/a", "v2.0.0+incompatible")
@example("example.com/a/v2", "v2.0.0+incompatible")
def test_check(oracle: Oracle, path: str, version: str) -> None:
    """A path with a version: only what module.Check and the cache's own names let stand."""
    ours = layout.is_module_path(path) and layout.is_version(version) and layout.agrees(path, version)
    theirs = not oracle.error("check", Module=path, Version=version)
    canonical = not oracle.error("canonical_version", Name=version)
    assert ours == (theirs and canonical)


@many
@given(text=_PATHS | _VERSIONS)
def test_escaping(oracle: Oracle, text: str) -> None:
    if not oracle.error("escape_path", Name=text):
        assert layout.escape(text) == oracle.value("escape_path", Name=text)
        assert layout.unescape_path(layout.escape(text)) == text
    if layout.is_version(text):
        assert layout.escape(text) == oracle.value("escape_version", Name=text)
        assert layout.unescape_version(layout.escape(text)) == text


@many
@given(text=_PATHS)
@example("example.com/!a!b")
@example("example.com/!!a")
@example("example.com/!1")
@example("example.com/a!")
def test_unescaping(oracle: Oracle, text: str) -> None:
    answer = oracle.ask("unescape_path", Name=text)
    assert layout.unescape_path(text) == (None if answer["error"] else answer["value"])
