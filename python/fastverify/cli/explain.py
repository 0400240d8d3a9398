"""``fastverify explain``: everything that can be known of one module version."""

from __future__ import annotations

import json
import os
import shutil
import sys

import click

from fastverify.cli import status
from fastverify.cli.output import StandardOutput
from fastverify.engine import default_threads, load_engine
from fastverify.engine.protocol import EngineName
from fastverify.explain.explain import explain
from fastverify.explain.target import find_target
from fastverify.explain.text import write_text
from fastverify.locate import go_settings, module_cache
from fastverify.modcache.buildlist import build_list
from fastverify.modcache.project import find_project, trusted_sums
from fastverify.modcache.recognise import require_module_cache
from fastverify.report import colour as colours
from fastverify.report.colour import ColourChoice

_HELP = """Explain one module version: what there is of it, who vouches for it, and what became of it.

MODULE is a module as path@version, escaped or not (example.com/Big@v1.0.0, example.com/!big@v1.0.0), a
module alone where the version is plain, or anything that lies inside a module cache.

Shown are its files, the hash that each authority has beside the measured one, which projects ask for it
(--project), what is exempt, each damaged file with a diff against the zip's copy, when and by whom it was
changed, what else was changed then, and the commands that mend it with Go alone.

\b
Examples:
  fastverify explain golang.org/x/text@v0.14.0
  fastverify explain --project ./svc golang.org/x/text
  fastverify explain ~/go/pkg/mod/github.com/!burnt!sushi/toml@v1.4.0/decode.go

\b
Exit status:
  0  nothing is wrong with it
  1  something is
  2  there is no such module in the cache
"""


@click.command("explain", help=_HELP, short_help="Explain one module version.")
@click.argument("asked", metavar="MODULE")
@click.option(
    "--project",
    "projects",
    multiple=True,
    metavar="DIR",
    type=click.Path(),
    help="Trust the go.sum of the project in DIR, and show how it comes to ask for the module. Repeatable.",
)
@click.option(
    "--gosum",
    "gosums",
    multiple=True,
    metavar="FILE",
    type=click.Path(),
    help="Trust this go.sum. Repeatable.",
)
@click.option(
    "--modcache", metavar="PATH", type=click.Path(), help="The module cache (default: the go command's own)."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option(
    "--lines",
    type=click.IntRange(min=0),
    default=60,
    metavar="N",
    help="Show at most N lines of the diff of each file (default: 60).",
)
@click.option("--threads", type=click.IntRange(min=1), metavar="N", help="Work on N threads.")
@click.option("--engine", "name", type=click.Choice(["native", "pure"]), help="Engine to use.")
@click.option(
    "--color",
    "choice",
    type=click.Choice(["auto", "always", "never"]),
    default="auto",
    help="Colour (default: auto, for terminals).",
)
def command(  # noqa: PLR0917 (click passes them by name)
    asked: str,
    projects: tuple[str, ...],
    gosums: tuple[str, ...],
    modcache: str | None,
    as_json: bool,
    lines: int,
    threads: int | None,
    name: EngineName | None,
    choice: ColourChoice,
) -> int:
    """Parse, call, print; returns the exit status."""
    settings = go_settings()
    root = os.path.abspath(modcache) if modcache is not None else os.path.normpath(module_cache(settings))
    if modcache is not None:
        require_module_cache(root)
    found = [find_project(folder) for folder in projects]
    modules = [build_list(project, root) for project in found]
    target = find_target(asked, root, modules[0] if modules else None)
    if target.root != root:
        modules = [build_list(project, target.root) for project in found]
    made = explain(
        target,
        modules=modules,
        sums=trusted_sums(found, [os.path.abspath(path) for path in gosums]),
        settings=settings,
        engine=load_engine(name),
        threads=threads or default_threads(),
        diff_lines=lines,
    )
    terminal = sys.stdout is not None and sys.stdout.isatty()
    output = StandardOutput(colour=colours.wanted(choice, terminal=terminal, environ=os.environ))
    if as_json:
        output.write(json.dumps(made.to_json(), indent=2) + "\n")
    else:
        width = shutil.get_terminal_size().columns if terminal else None
        write_text(made, output.write, colour=output.colour, width=width)
    wrong = any(finding.severity == "error" for finding in made.findings)
    return status.FOUND if wrong else status.CLEAN
