"""``fastverify check``: verify caches and report what was found."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Literal

import click

from fastverify import CacheCheck, check_caches
from fastverify import timings as clock
from fastverify.cli import options, status
from fastverify.cli.output import Output, OutputFile, is_terminal, refuse_inside, standard_output
from fastverify.cli.streams import tell
from fastverify.engine.protocol import EngineName
from fastverify.locate import go_settings
from fastverify.report import colour as colours
from fastverify.report.colour import ColourChoice
from fastverify.report.escape import printable
from fastverify.report.model import Severity, at_least
from fastverify.report.summary import verdict_line
from fastverify.report.text import TextReport

if TYPE_CHECKING:
    from fastverify.report.json import JsonReport
    from fastverify.report.progress import ProgressLine

_HELP = """Verify module caches (every zip, tree, hash and go.mod) and build caches.

Without PATHS it is both caches that the go command would use here (GOMODCACHE and GOCACHE).
A build cache is known by its folders 00 to ff; each output in it is held to its own name, to the
entries that name it and to its build ID.  A vendor folder among PATHS is held to the modules in the
cache it was made from; that of a --project is checked too.

Each module is held to the strongest authority at hand: the go.sum and go.work.sum of what
--project and --gosum name, then a record of the checksum database that can be proved from what Go
has cached of it, then the cache's own .ziphash.  The last proves that nothing broke by accident;
only the others prove that nobody replaced a module on purpose.

\b
Examples:
  fastverify check
  fastverify check --project ./svc --project ./tools
  fastverify check --project ./svc --only-build-list
  fastverify check /ci/shared/go-build
  fastverify check /mnt/a/mod /mnt/b/mod --threads 4
  fastverify check --format json -o report.json
  fastverify check --sumdb proxy
  fastverify check --quiet --fail-on warning

\b
Exit status:
  0    nothing found at or above --fail-on
  1    something was found
  2    the check could not be made; one line on stderr says why
  130  interrupted; what was found until then is reported
  141  whoever read the output stopped reading
"""


@click.command("check", help=_HELP, short_help="Verify caches (the default command).")
@click.argument("paths", nargs=-1, metavar="[PATHS]...", type=click.Path())
@options.projects
@options.gosums
@click.option(
    "--only-build-list",
    is_flag=True,
    help="Check only what the projects are built from, replacements and all.",
)
@click.option(
    "--sumdb",
    metavar="URL",
    help="Fetch missing records of the checksum database from URL, or with 'proxy' from where Go would; "
    "names of modules are sent there, but of those that GOPRIVATE or GONOSUMDB exempt.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    help="Form of the report (default: text).",
)
@click.option("--json", "form", flag_value="json", help="The same as --format json.")
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    type=click.Path(),
    help="Write the report to FILE, whole or not at all (- is standard output).",
)
@options.threads
@options.engine
@click.option(
    "--fail-on",
    type=click.Choice(["error", "warning", "note"]),
    default="error",
    help="Exit 1 from this severity on (default: error).",
)
@options.colour
@click.option("--timings", is_flag=True, help="Say where the time went, by thread and stage.")
@click.option("-q", "--quiet", is_flag=True, help="Findings (and --timings) only: no progress, no summary.")
@click.option("-v", "--verbose", is_flag=True, help="List every module, every note and every file.")
def command(  # noqa: PLR0917 (click passes them by name)
    paths: tuple[str, ...],
    projects: tuple[str, ...],
    gosums: tuple[str, ...],
    only_build_list: bool,
    sumdb: str | None,
    form: Literal["text", "json"],
    output: str | None,
    threads: int | None,
    engine: EngineName | None,
    fail_on: Severity,
    choice: ColourChoice,
    timings: bool,
    quiet: bool,
    verbose: bool,
) -> int:
    """Parse, call, print; returns the exit status."""
    sink: Output
    # With --output - or none the terminal decides about colour; a file is plain unless told.
    if output is None or output == "-":
        sink = standard_output(choice)
        on_terminal, coloured = sink.width is not None, sink.colour
    else:
        refuse_inside(output, paths or _own_caches())
        on_terminal, coloured = False, choice == "always"
        sink = OutputFile(output)
    try:
        with check_caches(
            *paths,
            projects=projects,
            gosums=gosums,
            threads=threads,
            engine=engine,
            sumdb=sumdb,
            only_build_list=only_build_list,
            timings=timings,
        ) as check:
            text = (
                TextReport(
                    sink.write,
                    colour=coloured,
                    verbose=verbose,
                    quiet=quiet,
                    listed="note" if fail_on == "note" else "warning",
                    all_warnings=fail_on != "error",
                    width=sink.width,
                    project_here=os.path.isfile("go.mod") or os.path.isfile("go.work"),
                    # Nobody reads a file while it is written.
                    in_order=isinstance(sink, OutputFile),
                )
                if form == "text"
                else None
            )
            document = None
            if text is None:
                # Only now: who reads text need not wait for it.
                from fastverify.report.json import JsonReport

                document = JsonReport(sink.write)
            # Lines for each module on the same terminal are progress enough.
            shows_progress = not quiet and not (verbose and on_terminal and text is not None)
            progress = _progress(check, choice) if shows_progress else None
            failure = _stream(check, text, document, progress, on_terminal)
            if text is not None:
                text.end(check.report, modules_total=check.modules_total)
            if document is not None:
                document.end(check.report)
            sink.commit()
    finally:
        sink.discard()
    if isinstance(sink, OutputFile) and not quiet:
        sentence, _ = verdict_line(check.report, check.modules_total)
        tell(f"{sentence} The report is in {printable(sink.path)}.")
    if failure is not None:
        raise failure
    worst = check.report.worst()
    return status.FOUND if worst is not None and at_least(worst, fail_on) else status.CLEAN


def _stream(
    check: CacheCheck,
    text: TextReport | None,
    document: JsonReport | None,
    progress: ProgressLine | None,
    on_terminal: bool,
) -> BaseException | None:
    """Go through `check`, writing as it goes; what stopped it early is returned, to be raised later.

    The report forgets what has been written: very many findings can name very many files.  A pipe that
    nobody reads any more is raised at once: there is nobody to write the rest for.
    """
    try:
        with progress if progress is not None else nullcontext():
            for result in check:
                if progress is not None:
                    progress.expect(check.bytes_total)
                    progress.advance(result)
                if text is not None and text.will_write(result):
                    with clock.stage("report"), _set_aside(progress if on_terminal else None):
                        text.result(result)
                if document is not None and result.findings:
                    with clock.stage("report"):
                        document.take(check.report)
                check.report.forget()
                del result
    except BrokenPipeError:
        raise
    except BaseException as error:  # noqa: BLE001 (raised again by the caller)
        check.close()
        check.report.complete = False
        if text is not None:
            for result in check.unconfirmed:
                text.result(result)
        return error
    return None


@contextmanager
def _set_aside(progress: ProgressLine | None) -> Iterator[None]:
    """Keep the progress line away from a terminal that is written to."""
    with progress.hidden() if progress is not None else nullcontext():
        yield


def _progress(check: CacheCheck, choice: ColourChoice) -> ProgressLine | None:
    """The progress line, where stderr is a terminal that can take a line back."""
    if not is_terminal(sys.stderr) or os.environ.get("TERM") == "dumb":
        return None
    from fastverify.report.progress import ProgressLine

    coloured = colours.wanted(choice, terminal=True, environ=os.environ)
    return ProgressLine(
        sys.stderr, modules=check.modules_total, bytes_expected=check.bytes_total, colour=coloured
    )


def _own_caches() -> list[str]:
    """The caches of the go command that are there, as far as its settings name them."""
    settings = go_settings()
    return [path for path in (settings.gomodcache, settings.gocache) if os.path.isabs(path)]
