"""``fastverify gocache stats``: what takes the room of a build cache, and what go will remove when."""

from __future__ import annotations

import time

import click

from fastverify.cli import options, status
from fastverify.cli.gocache.cache import cache_path, warn_unread
from fastverify.cli.output import standard_output
from fastverify.gocache.catalog.contents import read_contents
from fastverify.gocache.catalog.naming import name_entries
from fastverify.gocache.catalog.statistics import lines_of, statistics_of
from fastverify.gocache.documents import document
from fastverify.report.json import write_document

_HELP = """Sum up a build cache by kind, package, Go version, platform and last use.

Without CACHE it is the build cache that the go command would use here (GOCACHE).  Also: when go trims it,
what is due for removal, and the biggest outputs.  An output is counted once, however many entries name it.
"""


@click.command("stats", help=_HELP, short_help="Sum up: kinds, packages, ages, trim.")
@click.argument("cache", required=False, type=click.Path())
@options.as_json
def command(cache: str | None, as_json: bool) -> int:
    """Sum up; returns the exit status."""
    contents = read_contents(cache_path(cache))
    now = time.time_ns()
    found = statistics_of(contents, name_entries(contents), now)
    output = standard_output()
    if as_json:
        write_document(document("stats", {"cache": contents.root, **found.to_json()}), output.write)
    else:
        output.write("".join(f"{line}\n" for line in lines_of(found, now)))
    warn_unread(contents)
    return status.CLEAN
