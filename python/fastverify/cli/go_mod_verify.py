"""``fastverify go-mod-verify``: in place of ``go mod verify``, with its words and its exit status."""

from __future__ import annotations

import os

import click

from fastverify.cli import options
from fastverify.cli.output import standard_output
from fastverify.cli.streams import tell
from fastverify.engine import default_spares, default_threads, load_engine
from fastverify.engine.protocol import EngineName
from fastverify.errors import FastverifyError
from fastverify.goverify.verify import SUCCESS, Verification, verify_as_go
from fastverify.locate import go_settings
from fastverify.report.colour import ColourChoice
from fastverify.report.escape import printable
from fastverify.report.text import TextReport

_HELP = """Verify a project's modules in the words of `go mod verify`, for scripts that read them.

The build list is worked out without the go command, and what that command would write to stdout and
stderr is written, in its order and with its exit status.  As Go does, it looks at the modules of the
build list alone, holds them to the cache's own .ziphash, and does not know which file was changed;
--explain adds that below.  `fastverify check --project` sees more.

Nothing is fetched.  Where the go command would have to (a go.mod that is not in the module cache, a
toolchain, a record of the checksum database), the exit status is 2 and a line says so.  Settings, go.mod
and go.work files that it refuses are refused in its words.

\b
Examples:
  fastverify go-mod-verify
  fastverify go-mod-verify -C ./svc --explain

\b
Exit status:
  0  all modules verified
  1  as go mod verify: a module is not what its hash says, or the modules cannot be known
  2  go mod verify would fetch something first, or it cannot be told what it would do; and where
     go mod verify itself exits so: flags in GOFLAGS, GOPATH, GOROOT and compiler settings
"""


@click.command("go-mod-verify", help=_HELP, short_help="Say what `go mod verify` says, faster.")
@click.option("-C", "folder", metavar="DIR", default=".", type=click.Path(), help="Work in DIR.")
@click.option("--explain", is_flag=True, help="Below Go's lines, name the files and what mends them.")
@options.modcache
@options.threads
@options.engine
@options.colour
def command(  # noqa: PLR0917 (click passes them by name)
    folder: str,
    explain: bool,
    modcache: str | None,
    threads: int | None,
    engine: EngineName | None,
    choice: ColourChoice,
) -> int:
    """Parse, call, print; returns the exit status."""
    if not os.path.isdir(folder):
        raise FastverifyError(f"{folder} is no folder; give the one that go mod verify would be run in")
    settings = go_settings()
    if modcache is not None:
        settings = settings._replace(gomodcache=os.path.abspath(modcache))
    done = verify_as_go(
        folder,
        settings,
        load_engine(engine),
        threads or default_threads(),
        spares=default_spares(threads),
        explain=explain,
    )
    for error in done.errors:
        tell("\n".join(map(_printable, error.removesuffix("\n").split("\n"))))
    if done.verified:
        click.echo(SUCCESS)
    if explain:
        _explain(done, choice)
    return done.status


def _printable(line: str) -> str:
    """Names come from strangers; tabs at the start of a line are Go's own."""
    text = line.lstrip("\t")
    return "\t" * (len(line) - len(text)) + printable(text)


def _explain(done: Verification, choice: ColourChoice) -> None:
    output = standard_output(choice)
    text = TextReport(output.write, colour=output.colour, quiet=True, width=output.width)
    if any(text.will_write(result) for result in done.explained) or done.remarks:
        output.write("\n")
    for result in done.explained:
        text.result(result)
    for remark in done.remarks:
        output.write(f"\n{printable(remark)}\n")
