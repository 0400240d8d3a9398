"""``fastverify gocache why``: why go would compile a package instead of taking it from its cache."""

from __future__ import annotations

import io
import shlex
import time

import click

from fastverify.cli import options, status
from fastverify.cli.gocache.cache import cache_path, warn_unread
from fastverify.cli.gocache.diff import read_log
from fastverify.cli.limits import restore_limits
from fastverify.cli.output import OutputFile, refuse_inside, standard_output
from fastverify.errors import FastverifyError
from fastverify.gocache.catalog.contents import read_contents
from fastverify.gocache.documents import document
from fastverify.gocache.explain import present, whytext
from fastverify.gocache.explain.actions import actions_of
from fastverify.gocache.explain.compare import compare
from fastverify.gocache.explain.hashlog import read_hash_log
from fastverify.gocache.explain.why import answer, ask_go, is_untold, trials
from fastverify.report.escape import printable
from fastverify.report.json import write_document

_HELP = """Say why go would compile PACKAGES, or what they import, anew.

It runs `go build -n`, which computes what go would look for and builds nothing (like each go command it
may note that entries are in use, and trim the cache where that is due).  Then it looks whether the cache
has that, and what the builds that it has of the same packages tell of their inputs.  Where they do not tell,
it asks again with each flag and each variable left out in turn.  What the cache does have is held to its
imports: a package that was compiled from another build of an import than the one that go would link it
with is named.

A cached build tells only a part of its inputs.  For all of them keep a log while things are well, and
compare with it:

\b
  fastverify gocache why ./... --save good.log
  fastverify gocache why ./... --against good.log

\b
Exit status:
  0  nothing would be compiled (with --against: the same as then would be looked for)
  1  something would be, or does not fit its imports
  2  go could not be asked
"""


@click.command("why", help=_HELP, short_help="Say why go would compile a package anew.")
@click.argument("packages", nargs=-1, metavar="[PACKAGES]...")
@click.option("--flags", default="", metavar="FLAGS", help="Build flags, such as '-race -tags=x'.")
@click.option("--against", metavar="LOG", type=click.Path(), help="Compare with this hash log, too.")
@click.option("--save", metavar="LOG", type=click.Path(), help="Write go's hash log to this file.")
@options.as_json
@click.option("-v", "--verbose", is_flag=True, help="List every package.")
def command(  # noqa: PLR0917 (click passes them by name)
    packages: tuple[str, ...],
    flags: str,
    against: str | None,
    save: str | None,
    as_json: bool,
    verbose: bool,
) -> int:
    """Ask, compare and print; returns the exit status."""
    try:
        words = shlex.split(flags)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--flags") from error
    if any(not word.startswith("-") for word in words):
        raise click.BadParameter("each flag begins with -; write -tags=x, not -tags x", param_hint="--flags")
    if any(package.startswith("-") for package in packages):
        raise FastverifyError("packages do not begin with -; give build flags with --flags")
    cache = cache_path(None)
    earlier = read_log(against) if against is not None else None
    restore_limits()
    if save is not None:
        refuse_inside(save, [cache])
    text = ask_go(packages or (".",), words, cache)
    if save is not None:
        _save(save, text)
    log = read_hash_log(io.BytesIO(text), "what go build -n wrote")
    contents = read_contents(cache)
    found = answer(log, contents)
    # Where the cache cannot tell, go is asked again.
    untold = any(is_untold(miss) for miss in found.misses)
    tried = list(trials(packages or (".",), words, contents, found)) if untold else []
    output = standard_output()
    told = whytext.as_document(found, tried)
    lines = list(whytext.as_text(found, tried, time.time_ns(), verbose=verbose))
    missed = bool(found.misses or found.disagreements)
    if earlier is not None and against is not None:
        comparison = compare(actions_of(earlier), actions_of(log))
        logs = {against: earlier, "now": log}
        told["against"] = present.as_document(comparison, logs)
        lines += [
            "",
            f"Compared with {printable(against)}:",
            *present.as_text(comparison, logs, verbose=verbose),
        ]
        missed = bool(comparison.differences or comparison.only_after or found.disagreements)
    if as_json:
        write_document(document("why", told), output.write)
    else:
        output.write("".join(f"{line}\n" for line in lines))
    warn_unread(contents)
    return status.FOUND if missed else status.CLEAN


def _save(path: str, text: bytes) -> None:
    file = OutputFile(path)
    try:
        file.write(text.decode("utf-8", "backslashreplace"))
        file.commit()
    finally:
        file.discard()
