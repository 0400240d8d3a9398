"""The options that several commands have, each with one name, one form and one meaning."""

from __future__ import annotations

import click

from fastverify.engine import checked_threads
from fastverify.errors import ArgumentError

projects = click.option(
    "--project",
    "projects",
    multiple=True,
    metavar="DIR",
    type=click.Path(),
    help="Trust the go.sum of the project in DIR (and go.work.sum). Repeatable.",
)
gosums = click.option(
    "--gosum",
    "gosums",
    multiple=True,
    metavar="FILE",
    type=click.Path(),
    help="Trust this go.sum. Repeatable.",
)
modcache = click.option(
    "--modcache", metavar="PATH", type=click.Path(), help="The module cache (default: the go command's own)."
)


def _number_of_threads(_: click.Context, parameter: click.Parameter, given: int | None) -> int | None:
    try:
        return None if given is None else checked_threads(given)
    except ArgumentError as error:
        raise click.BadParameter(str(error), param=parameter) from None


threads = click.option(
    "--threads",
    type=int,
    callback=_number_of_threads,
    metavar="N",
    help="Work on N threads and no more (default: one for each CPU, some more while they wait for a disk).",
)
engine = click.option(
    "--engine",
    type=click.Choice(["native", "pure"]),
    help="Engine to use (default: native where it is installed).",
)
colour = click.option(
    "--color",
    "choice",
    type=click.Choice(["auto", "always", "never"]),
    default="auto",
    help="Colour (default: auto, for terminals; NO_COLOR is honoured).",
)
as_json = click.option("--json", "as_json", is_flag=True, help="Write one JSON document.")
