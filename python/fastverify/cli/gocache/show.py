"""``fastverify gocache show``: all that can be read from one entry, output or file."""

from __future__ import annotations

import os
import re

import click

from fastverify.cli import options, status
from fastverify.cli.gocache.cache import cache_path
from fastverify.cli.output import standard_output
from fastverify.gocache.catalog.details import details_of_path, details_of_prefix, lines_of
from fastverify.gocache.documents import document
from fastverify.report.json import write_document

_HELP = """Show all that can be read from an entry or an output.

WHAT is the beginning of an action ID or an output ID in the build cache, or the path of a file: in any
build cache, or an archive or a program elsewhere.
"""

_PREFIX = re.compile(r"[0-9a-fA-F]{2,64}")


@click.command("show", help=_HELP, short_help="Show all of one entry, output or file.")
@click.argument("what", type=click.Path())
@click.option("--cache", metavar="DIR", type=click.Path(), help="The build cache (default: GOCACHE).")
@options.as_json
def command(what: str, cache: str | None, as_json: bool) -> int:
    """Show; returns the exit status."""
    if _PREFIX.fullmatch(what) and not os.path.lexists(what):
        details = details_of_prefix(cache_path(cache), what)
    else:
        details = details_of_path(what)
    output = standard_output()
    if as_json:
        write_document(document("show", details), output.write)
    else:
        output.write("".join(f"{line}\n" for line in lines_of(details)))
    return status.CLEAN
