"""Why Go cannot parse an address: the errors of ``net/url.Parse``, as far as ASCII goes."""

from __future__ import annotations

import ipaddress
import re
from typing import NamedTuple

from fastverify.gomod.quoting import quote

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_PORT = re.compile(r"(?::[0-9]*)?")
_USER = re.compile(r"[A-Za-z0-9\-._:~!$&'()*+,;=%@]*")
_ESCAPE = re.compile(r"%[0-9A-Fa-f]{2}")
#: What a host may hold as it stands.
_HOST = re.compile(r"[A-Za-z0-9\-._~!\"$&'()*+,:;<=>\[\]]")


class Address(NamedTuple):
    """An address in its parts, as much of them as anybody asks for."""

    #: In small letters; "" without one.
    scheme: str
    #: Between ``//`` and the path, with a user and a port; None without ``//``.
    authority: str | None
    path: str
    #: Whether there is a ``?``, and a fragment that is not empty.
    has_more: bool


class AddressError(Exception):
    """Go's words on why it cannot parse an address."""


class UnknownAddressError(Exception):
    """An address that only Go can tell about."""


def parse_address(text: str) -> Address:
    """``url.Parse``.  Raises AddressError in Go's words, and UnknownAddressError."""
    if not text.isascii():
        raise UnknownAddressError
    before, _, fragment = text.partition("#")
    try:
        found = _parse(before)
    except AddressError as error:
        raise AddressError(f"parse {quote(before)}: {error}") from None
    try:
        _check_escapes(fragment)
    except AddressError as error:
        raise AddressError(f"parse {quote(text)}: {error}") from None
    return found._replace(has_more=found.has_more or bool(fragment))


def _parse(text: str) -> Address:
    """``url.parse``."""
    if any(char < " " or char == "\x7f" for char in text):
        raise AddressError("net/url: invalid control character in URL")
    if text.startswith(":"):
        raise AddressError("missing protocol scheme")
    match = _SCHEME.match(text)
    scheme = match[1].lower() if match is not None else ""
    rest, mark, _ = text[match.end() if match is not None else 0 :].partition("?")
    if not rest.startswith("/"):
        if scheme:
            return Address(scheme, None, rest, bool(mark))  # opaque
        if ":" in rest.partition("/")[0]:
            raise AddressError("first path segment in URL cannot contain colon")
    authority = None
    if rest.startswith("//") and (scheme or not rest.startswith("///")):
        authority, slash, path = rest[2:].partition("/")
        _check_authority(scheme, authority)
        rest = slash + path
    _check_escapes(rest)
    return Address(scheme, authority, rest, bool(mark))


def _check_authority(scheme: str, authority: str) -> None:
    """``url.parseAuthority``."""
    user, at, host = authority.rpartition("@")
    _check_host(scheme, host)
    if not at:
        return
    if not _USER.fullmatch(user):
        raise AddressError("net/url: invalid userinfo")
    name, _, password = user.partition(":")
    _check_escapes(name)
    _check_escapes(password)


def _check_host(scheme: str, host: str) -> None:
    """``url.parseHost``."""
    opened = host.rfind("[")
    if opened > 0:
        raise AddressError("invalid IP-literal")
    if opened == 0:
        _check_literal(host)
        return
    first, last = host.find(":"), host.rfind(":")
    if first != last and scheme in ("http", "https"):
        raise UnknownAddressError  # urlstrictcolons in GODEBUG decides, and so does Go's version
    if last >= 0:
        _check_port(host[last:])
    _check_host_characters(host)


def _check_literal(host: str) -> None:
    """A host that begins with a bracket."""
    closed = host.rfind("]")
    if closed < 0:
        raise AddressError("missing ']' in host")
    _check_port(host[closed + 1 :])
    try:
        ipaddress.IPv6Address(host[1:closed])
    except ValueError:
        raise UnknownAddressError from None


def _check_port(port: str) -> None:
    if not _PORT.fullmatch(port):
        raise AddressError(f"invalid port {quote(port)} after host")


def _check_host_characters(host: str) -> None:
    at = 0
    while at < len(host):
        if host[at] == "%":
            _check_escapes(host[at : at + 3])
            if int(host[at + 1], 16) < 8 and host[at : at + 3] != "%25":
                raise AddressError(f"invalid URL escape {quote(host[at : at + 3])}")
            at += 3
            continue
        if not _HOST.fullmatch(host[at]):
            raise AddressError(f"invalid character {quote(host[at])} in host name")
        at += 1


def _check_escapes(text: str) -> None:
    """``url.unescape``, where all that can be wrong is an escape."""
    at = text.find("%")
    while at >= 0:
        if not _ESCAPE.match(text, at):
            raise AddressError(f"invalid URL escape {quote(text[at : at + 3])}")
        at = text.find("%", at + 3)
