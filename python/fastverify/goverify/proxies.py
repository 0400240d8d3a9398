"""What comes of a look-up that GOPROXY does not allow: ``cmd/go/internal/modfetch/proxy.go``."""

from __future__ import annotations

import os
import re

from fastverify.locate import GoSettings
from fastverify.sumdb.settings import matches_prefix

#: Addresses that ``net/url`` takes as they stand.
_PLAIN = re.compile(r"[A-Za-z0-9._~/:-]*")
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*):")


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
    """``newProxyRepo``: why no proxy has this address; None where only Go's own parser can tell."""
    if not _PLAIN.fullmatch(address):
        return None
    if any(mark in address for mark in ".:/") and ":/" not in address and not os.path.isabs(address):
        address = f"https://{address}"
    scheme = _SCHEME.match(address)
    if scheme is None:
        return None if ":" in address else f"invalid proxy URL missing scheme: {address}"
    if scheme[1] in ("http", "https"):
        return ""
    if scheme[1] == "file":
        return "" if address.startswith("file:///") else None
    return f"invalid proxy URL scheme (must be https, http, file): {address}"
