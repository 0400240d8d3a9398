"""``fastverify modules``: what a project is built from, worked out without the go command."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import click

from fastverify import __version__
from fastverify.cli import options, status
from fastverify.cli.output import standard_output
from fastverify.cli.streams import tell
from fastverify.gomod.syntax import Problem
from fastverify.locate import go_settings, module_cache
from fastverify.modcache.buildlist import BuildList, BuildModule, build_list, named
from fastverify.modcache.project import find_project
from fastverify.modcache.projectfindings import refused_lines
from fastverify.modcache.recognise import require_module_cache
from fastverify.report.escape import printable
from fastverify.report.json import write_document

_HELP = """List the modules that the project in DIR is built from.

DIR is a folder of a module or workspace (default: the current one).  The list is the one that
`go list -m all` prints, replacements and all, worked out from the go.mod files in the module cache:
no go command is run, and nothing is fetched.  It is the list of -mod=mod, also beside a vendor folder; what
go.sum files lack or hold is not looked at, which the other commands do.

Where a go.mod is missing from the cache, a line on stderr says which, who requires it, and what
fetches it; the list then lacks what that module requires.

\b
Examples:
  fastverify modules
  fastverify modules ./svc --why golang.org/x/text
  fastverify modules ./svc --json --modcache /mnt/ci/mod

\b
Exit status:
  0  the list is whole
  1  a go.mod is missing, or the go command would refuse one; the list is what can be known
  2  there is no project, or no such module cache, or a go.mod in it cannot be read
"""


@click.command("modules", help=_HELP, short_help="List the modules that a project is built from.")
@click.argument("folder", metavar="[DIR]", default=".", type=click.Path())
@click.option(
    "--why",
    "asked",
    multiple=True,
    metavar="MODULE",
    help="Show how the main module comes to require MODULE. Repeatable.",
)
@options.as_json
@options.modcache
def command(folder: str, asked: tuple[str, ...], as_json: bool, modcache: str | None) -> int:
    """Parse, call, print; returns the exit status."""
    project = find_project(folder)
    if modcache is not None:
        cache = os.path.abspath(modcache)
        require_module_cache(cache)
    else:
        cache = module_cache(go_settings())
    modules = build_list(project, cache)
    refused = list(refused_lines(project))
    if as_json:
        problems = [*project.problems, *refused]
        write_document(_as_json(modules, cache, problems, asked), standard_output().write)
    elif asked:
        click.echo("\n".join(_reasons(modules, path) for path in asked), nl=False)
    else:
        click.echo("".join(f"{printable(str(module))}\n" for module in modules.modules), nl=False)
    troubles = [
        *project.problems,
        *refused,
        *modules.errors,
        *modules.missing,
        *modules.unreadable,
    ]
    if project.may_switch:
        for line in project.too_new:
            tell(f"fastverify: note: {printable(str(line))}, and would switch to another")
    else:
        troubles += project.too_new
    for trouble in troubles:
        tell(f"fastverify: {printable(str(trouble))}")
    if modules.unreadable:
        return status.FAILED
    return status.FOUND if troubles else status.CLEAN


def _reasons(modules: BuildList, path: str) -> str:
    """The way to one module, in the form of ``go mod why``: a heading, and a line for each step."""
    way = modules.why(path)
    steps = [printable(" ".join(filter(None, step))) for step in way]
    lines = steps or [f"(the build list has no module {printable(path)})"]
    return "".join(f"{line}\n" for line in (f"# {printable(path)}", *lines))


def _as_json(
    modules: BuildList, cache: str, problems: Sequence[Problem], asked: tuple[str, ...]
) -> dict[str, Any]:
    project = modules.project
    return {
        "fastverify": __version__,
        "project": project.root,
        "modcache": cache,
        "workspace": project.work.file if project.work is not None else None,
        "go": modules.go,
        "modules": [_module_as_json(module) for module in modules.modules],
        "missing": [
            {
                "path": absent.path,
                "version": absent.version,
                "file": absent.file,
                "required_by": [named(module) for module in absent.required_by],
            }
            for absent in modules.missing
        ],
        "problems": [
            {"file": p.file, "line": p.line, "column": p.column, "message": p.message} for p in problems
        ]
        + [
            {
                "file": absent.file,
                "line": 0,
                "column": 0,
                "message": f"{named((absent.path, absent.version))}: {absent.unloaded.message}",
            }
            for absent in [*modules.errors, *modules.unreadable]
        ],
        "why": {path: [named(module) for module in modules.why(path)] for path in asked},
    }


def _module_as_json(module: BuildModule) -> dict[str, Any]:
    made: dict[str, Any] = {"path": module.path, "version": module.version, "main": module.is_main}
    if module.is_main:
        made["dir"] = module.folder
    if module.replacement is not None:
        made["replace"] = {"path": module.replacement.path, "version": module.replacement.version}
        if module.replacement.folder:
            made["replace"]["dir"] = module.replacement.folder
    return made
