"""Asks a checksum database over HTTP, as the go command would reach it.

Source: ``initBase`` in ``cmd/go/internal/modfetch/sumdb.go``, and ``proxyList`` in ``proxy.go``.
"""

from __future__ import annotations

import http.client
import re
import time
import urllib.error
import urllib.request
from http.client import HTTPMessage
from typing import IO
from urllib.parse import urlsplit, urlunsplit

from fastverify import __version__
from fastverify.errors import FastverifyError
from fastverify.sumdb.settings import SumdbSettings

#: In place of a URL: as the go command reaches it.
AS_GO_DOES = "proxy"
#: How long (seconds) a server may be silent, and how long an answer may take in all.
SILENCE = 20.0
PATIENCE = 60.0

_GONE = (404, 410)


class RemoteError(Exception):
    """An answer that could not be had; the message says why, and no password stands in it."""

    def __init__(self, message: str, *, unknown: bool = False) -> None:
        super().__init__(message)
        #: The server has no such thing, and says so.
        self.unknown = unknown


def find_database(where: str, settings: SumdbSettings) -> str:
    """The URL at which to ask the database of `settings`: `where`, or what the go command would use.

    May ask the proxies of GOPROXY whether they know the database.  Raises FastverifyError.
    """
    if where != AS_GO_DOES:
        return _require_http(where, "--sumdb")
    if settings.url:
        return _require_http(settings.url, "GOSUMDB")
    for proxy, after_any_error in _proxies(settings.goproxy):
        if proxy in ("direct", "off"):
            break
        if urlsplit(proxy).scheme not in ("http", "https"):
            continue  # a folder of modules holds no checksum database
        base = f"{proxy.rstrip('/')}/sumdb/{settings.name}"
        try:
            get(f"{base}/supported", 1 << 16)
        except RemoteError as error:
            if error.unknown or after_any_error:
                continue
            raise FastverifyError(f"the proxy {without_password(proxy)} does not answer: {error}") from error
        return base
    return f"https://{settings.name}"


def _proxies(goproxy: str) -> list[tuple[str, bool]]:
    """The entries of GOPROXY, and whether the next one is tried after any error."""
    found = []
    for entry, separator in re.findall(r"([^,|]*)([,|]|$)", goproxy):
        proxy = entry.strip()
        if proxy and proxy not in ("direct", "off") and "://" not in proxy:
            proxy = f"https://{proxy}"
        if proxy:
            found.append((proxy, separator == "|"))
    return found


def _require_http(url: str, option: str) -> str:
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and not parts.query
    except ValueError:
        good = False
    if not good or re.search(r"[\x00-\x20\x7f]", url):
        raise FastverifyError(
            f"{option} has {without_password(url)!r}, but it takes an http or https URL"
            + (f", or the word {AS_GO_DOES}" if option == "--sumdb" else "")
        )
    return url.rstrip("/")


def without_password(url: str) -> str:
    """`url` with no user and password, to be shown."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return re.sub(r"//[^/@]*@", "//", url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def get(url: str, limit: int) -> bytes:
    """What the server has at `url`.  Raises RemoteError, also for more than `limit` bytes."""
    address, headers = _authorized(url)
    headers["User-Agent"] = f"fastverify/{__version__}"
    deadline = time.monotonic() + PATIENCE
    try:
        request = urllib.request.Request(address, headers=headers)  # noqa: S310 (http and https only)
        with urllib.request.build_opener(_Redirects).open(request, timeout=SILENCE) as answer:
            parts, size = [], 0
            while part := answer.read1(limit + 1 - size):
                parts.append(part)
                size += len(part)
                if size > limit:
                    raise RemoteError(f"the answer has more than {limit:,} bytes")
                if time.monotonic() > deadline:
                    raise RemoteError(f"the answer takes longer than {PATIENCE:.0f} seconds")
            length = answer.length
    except urllib.error.HTTPError as error:
        error.close()
        raise RemoteError(
            f"status {error.code} for {without_password(url)}", unknown=error.code in _GONE
        ) from None
    except urllib.error.URLError as error:
        raise RemoteError(f"{without_password(url)}: {_words(error.reason)}") from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise RemoteError(f"{without_password(url)}: {_words(error)}") from None
    if length:
        raise RemoteError(f"{without_password(url)}: the answer is cut off")
    return b"".join(parts)


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows to web servers only, and gives no other one the password that was meant for the first."""

    def redirect_request(  # noqa: PLR0917 (urllib's)
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        there, here = urlsplit(newurl), urlsplit(req.full_url)
        if there.scheme not in ("http", "https"):
            raise urllib.error.URLError(f"redirected to {there.scheme}, which is not followed")
        made = super().redirect_request(req, fp, code, msg, headers, newurl)
        if made is not None and there[:2] != here[:2]:
            made.remove_header("Authorization")
        return made


def _authorized(url: str) -> tuple[str, dict[str, str]]:
    """The URL without user and password, and the header that has them."""
    parts = urlsplit(url)
    user = parts.netloc.rpartition("@")[0]
    if not user:
        return url, {}
    from base64 import b64encode
    from urllib.parse import unquote

    return without_password(url), {"Authorization": "Basic " + b64encode(unquote(user).encode()).decode()}


def _words(reason: object) -> str:
    if isinstance(reason, TimeoutError):
        return "no answer in time"
    if isinstance(reason, OSError) and reason.strerror:
        return reason.strerror
    return " ".join(str(reason).split()) or type(reason).__name__
