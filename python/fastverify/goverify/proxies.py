"""What comes of a look-up that GOPROXY does not allow: ``cmd/go/internal/modfetch/proxy.go``."""

from __future__ import annotations

import os
import re

from fastverify.goverify.addresses import AddressError, UnknownAddressError, parse_address
from fastverify.locate import GoSettings
from fastverify.sumdb.settings import matches_prefix

#: Addresses that ``net/url`` writes as they stand.
_PLAIN = re.compile(r"[A-Za-z0-9._~/:-]*")


def lookup_words(settings: GoSettings, module: str) -> str | None:
    """What the go command says where it has to look the module path `module` up.

    None where it would go on to fetch something.
    """
    addresses = []
    for listed in re.split("[,|]", settings.goproxy):
        address = listed.strip()
        if not address:
            continue
        if address in ("off", "direct"):
            addresses.append(address)
            break
        words = _refused(address)
        if words is None or words:
            return words
        addresses.append(address)
    if not addresses:
        return "GOPROXY list is not the empty string, but contains no entries"
    is_private = settings.gonoproxy and matches_prefix(settings.gonoproxy, module)
    return "module lookup disabled by GOPROXY=off" if addresses == ["off"] and not is_private else None


def _refused(address: str) -> str | None:
    """``newProxyRepo``: why no proxy has this address, "" where one may; None where only Go can tell."""
    if any(mark in address for mark in ".:/") and ":/" not in address and not os.path.isabs(address):
        address = f"https://{address}"
    try:
        found = parse_address(address)
    except AddressError as error:
        return str(error)
    except UnknownAddressError:
        return None
    if found.scheme in ("http", "https"):
        return ""
    if found.scheme == "file" and found.authority == "" and not found.has_more:
        return ""
    if not _PLAIN.fullmatch(address) or not (found.authority or found.path):
        return None  # Go writes it otherwise than it was given
    shown = found.scheme + address[len(found.scheme) :]
    if found.scheme == "file":
        return f"invalid file:// proxy URL with non-path elements: {shown}"
    if not found.scheme:
        return f"invalid proxy URL missing scheme: {shown}"
    return f"invalid proxy URL scheme (must be https, http, file): {shown}"
