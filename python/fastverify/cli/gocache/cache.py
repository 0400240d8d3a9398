"""Which build cache a command looks into, and what of it could not be read."""

from __future__ import annotations

import click

from fastverify.gocache.catalog.contents import Contents
from fastverify.locate import build_cache, go_settings


def cache_path(given: str | None) -> str:
    """The one that was `given`, or the go command's.  Raises FastverifyError where there is none."""
    return given if given is not None else build_cache(go_settings())


def warn_unread(contents: Contents) -> None:
    """Say on stderr what is missing from an answer because this user may not read it."""
    from fastverify.report import words
    from fastverify.report.escape import printable

    parts = []
    if contents.unlisted:
        parts.append(words.count(len(contents.unlisted), "folder"))
    if contents.unread:
        parts.append(words.count(contents.unread, "file"))
    if parts:
        click.echo(
            f"fastverify: warning: {' and '.join(parts)} of {printable(contents.root)} cannot be read, "
            "so the answer is without what they hold",
            err=True,
        )
