"""What comes of a look-up that GOPROXY does not allow: ``cmd/go/internal/modfetch/proxy.go``."""

from __future__ import annotations

import os
import re

from fastverify.gomod.directives import DirectiveError, VersionError, VersionFixer, without_lookup
from fastverify.gomod.reading import read_file
from fastverify.gomod.semver import canonical
from fastverify.goverify.addresses import AddressError, UnknownAddressError, parse_address
from fastverify.locate import GoSettings
from fastverify.modcache import layout
from fastverify.modcache.modulefiles import file_path
from fastverify.modcache.versionfiles import info_problem
from fastverify.sumdb.settings import matches_prefix

#: What is said where nothing may be asked.
DISABLED = "module lookup disabled by GOPROXY=off"

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
    return DISABLED if addresses == ["off"] and not is_private else None


def without_network(settings: GoSettings, modcache: str) -> VersionFixer:
    """The VersionFixer of a main module whose versions only the module cache may tell.

    A version with build metadata stands for the one without it: where no proxy can be asked, a ``.info`` file
    in the cache says that there is one (``queryProxy`` in ``cmd/go/internal/modload/query.go``).
    """

    def fix(path: str, version: str) -> str:
        try:
            return without_lookup(path, version)
        except VersionError:
            raise
        except DirectiveError:
            info = info_without_metadata(modcache, path, version)
            if info is None or lookup_words(settings, path) != DISABLED:
                raise
            plain = canonical(version)
            try:
                problem = info_problem(read_file(info), plain)
            except OSError:
                problem = "it cannot be read"
            if problem:
                raise
            return plain

    return fix


def info_without_metadata(modcache: str, path: str, version: str) -> str | None:
    """The ``.info`` file that can tell what a `version` with build metadata stands for; None of others."""
    plain = canonical(version)
    if "+" not in version or not plain or not (layout.is_module_path(path) and layout.agrees(path, plain)):
        return None
    return file_path(modcache, path, plain, "info")


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
