"""What cannot be parsed of addresses, and why: the words of ``net/url``."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from fastverify.goverify.addresses import AddressError, UnknownAddressError, parse_address
from tests.making.go import Oracle

pytestmark = pytest.mark.go

_PIECES = st.sampled_from(
    [
        *("http", "https", "HTTP", "file", "ftp", "1", "a", "x.y", "localhost", "user", "b c", "é", ""),
        *(":", "::", "/", "//", "///", "?", "??", "#", "@", "[", "]", "[::1]", "[::1", "::1]", ":80", ":8x"),
        *("%", "%4", "%41", "%zz", "%25", "%e4", "%20", "+", "-", ".", " ", "\t", "\x00", "\x7f", "\\", "|"),
        *('"', "<", "^", "`", "{", "~", "!", "$", "&", "'", "(", "*", ",", ";", "=", "_"),
    ]
)


@given(
    text=st.lists(_PIECES, max_size=8).map("".join) | st.text(st.characters(max_codepoint=127), max_size=12)
)
@example("http://a%2")
@example("http://a@b@c/%")
@example("http://u:%4@h")
@settings(
    max_examples=1500,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_addresses(oracle: Oracle, text: str) -> None:
    fault, scheme = "", ""
    try:
        scheme = parse_address(text).scheme
    except UnknownAddressError:
        return
    except AddressError as error:
        fault = str(error)
    assert oracle.error("parse_url", Name=text) == fault
    if not fault:
        assert oracle.value("parse_url", Name=text) == scheme
