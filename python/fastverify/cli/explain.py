"""``fastverify explain``: everything that can be known of one module version."""

from __future__ import annotations

import os

import click

from fastverify.cli import options, status
from fastverify.cli.output import standard_output
from fastverify.engine import default_threads, load_engine
from fastverify.engine.protocol import EngineName
from fastverify.explain.explain import explain
from fastverify.explain.target import find_target
from fastverify.explain.text import write_text
from fastverify.locate import go_settings, module_cache
from fastverify.modcache.buildlist import build_list
from fastverify.modcache.project import find_project, trusted_sums
from fastverify.modcache.recognise import require_module_cache
from fastverify.report.colour import ColourChoice
from fastverify.report.json import write_document

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
@options.projects
@options.gosums
@options.modcache
@options.as_json
@click.option(
    "--lines",
    type=click.IntRange(min=0),
    default=60,
    metavar="N",
    help="Show at most N lines of the diff of each file (default: 60).",
)
@options.threads
@options.engine
@options.colour
def command(  # noqa: PLR0917 (click passes them by name)
    asked: str,
    projects: tuple[str, ...],
    gosums: tuple[str, ...],
    modcache: str | None,
    as_json: bool,
    lines: int,
    threads: int | None,
    engine: EngineName | None,
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
        engine=load_engine(engine),
        threads=threads or default_threads(),
        diff_lines=lines,
    )
    output = standard_output(choice)
    if as_json:
        write_document(made.to_json(), output.write)
    else:
        write_text(made, output.write, colour=output.colour, width=output.width)
    wrong = any(finding.severity == "error" for finding in made.findings)
    return status.FOUND if wrong else status.CLEAN
