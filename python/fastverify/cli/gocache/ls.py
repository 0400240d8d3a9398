"""``fastverify gocache ls``: the entries of a build cache."""

from __future__ import annotations

import time
from typing import get_args

import click

from fastverify.cli import options, status
from fastverify.cli.gocache.cache import cache_path, warn_unread
from fastverify.cli.gocache.lines import write_lines
from fastverify.cli.output import standard_output
from fastverify.gocache.catalog.contents import read_contents
from fastverify.gocache.catalog.joins import Told, read_action_graph, read_go_list
from fastverify.gocache.catalog.naming import name_entries
from fastverify.gocache.catalog.rows import ORDERS, Order, Rows, table
from fastverify.gocache.documents import document
from fastverify.gocache.identify.kinds import Kind
from fastverify.report.json import write_list

_HELP = """List the entries of a build cache: age, size, kind, platform, Go version, package.

Without CACHE it is the build cache that the go command would use here (GOCACHE).  What an entry is for is
read from its output, or follows from another entry that is known.  A row without an entry is an output
that none names.

\b
Examples:
  fastverify gocache ls --sort size
  fastverify gocache ls --kind archive --package 'golang.org/x/...'
  go list -export -deps -json=ImportPath,BuildID ./... >list.json
  fastverify gocache ls --golist list.json
"""

_KINDS = (*get_args(Kind), "missing", "malformed")


@click.command("ls", help=_HELP, short_help="List the entries.")
@click.argument("cache", required=False, type=click.Path())
@click.option("--sort", "order", type=click.Choice(ORDERS), default="age", help="By what (default: age).")
@click.option("--kind", "kinds", multiple=True, type=click.Choice(_KINDS), help="Only this kind. Repeatable.")
@click.option("--package", default="", metavar="PATTERN", help="Only this package; P/... for all below P.")
@click.option(
    "--actiongraph",
    "graphs",
    multiple=True,
    metavar="FILE",
    type=click.Path(),
    help="Take names from a file that go build -debug-actiongraph wrote. Repeatable.",
)
@click.option(
    "--golist",
    "lists",
    multiple=True,
    metavar="FILE",
    type=click.Path(),
    help="Take names from what go list -export -deps -json printed. Repeatable.",
)
@options.as_json
def command(  # noqa: PLR0917 (click passes them by name)
    cache: str | None,
    order: Order,
    kinds: tuple[str, ...],
    package: str,
    graphs: tuple[str, ...],
    lists: tuple[str, ...],
    as_json: bool,
) -> int:
    """List; returns the exit status."""
    told: list[Told] = [read_action_graph(path) for path in graphs] + [read_go_list(path) for path in lists]
    contents = read_contents(cache_path(cache), imports=False)
    rows = Rows(contents, name_entries(contents, told))
    rows.choose(kinds=kinds, package=package)
    rows.sort(order)
    output = standard_output()
    if as_json:
        head = document("ls", {"cache": contents.root})
        write_list(head, "entries", (row.to_json() for row in rows), output.write)
    else:
        write_lines(table(rows, time.time_ns()), output.write)
    warn_unread(contents)
    return status.CLEAN
