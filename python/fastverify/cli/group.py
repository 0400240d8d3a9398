"""The command ``fastverify`` itself; each command is imported when it is called for."""

from __future__ import annotations

import os
from importlib import import_module

import click

from fastverify import __version__

_COMMANDS = ("check", "go-mod-verify", "modules", "explain", "hash", "gocache", "demo")

_HELP = """Verify every byte of Go's module cache and build cache.

fastverify holds each module's zip, extracted tree, recorded hash and go.mod to what can vouch for
it, names every file that differs, and says what the go command would do about it.  Verifying
writes nothing into a cache.

In the build cache it holds each output to its name, its entries and its build ID.

Without a command it runs `check`, with the options given, on both caches that the go command would
use here.

\b
Examples:
  fastverify                          check this machine's caches
  fastverify check --project ./svc    hold it to that project's go.sum, too
  fastverify hash x.zip               the h1 hash that go.sum would have
  fastverify demo                     see how damage is found and reported

\b
Exit status:
  0    nothing found at or above the failing severity (see check --fail-on)
  1    something was found
  2    the check could not be made
  130  interrupted; what was found until then is reported
"""


class LazyGroup(click.Group):
    """A group whose commands live in modules of their own names beside this one."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 (click's signature)
        """The names, in the order of the help."""
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """The command, imported now; None for no such name."""
        if cmd_name not in _COMMANDS:
            return None
        command: click.Command = import_module(f"fastverify.cli.{cmd_name.replace('-', '_')}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does it, but a path in a command's place is told how to be checked."""
        if args and args[0] not in _COMMANDS and os.path.lexists(args[0]):
            ctx.fail(f"no such command: {args[0]} (to check that path: fastverify check {args[0]})")
        if args and args[0] not in _COMMANDS:
            # Only now: most commands are spelled right.
            import difflib

            meant = difflib.get_close_matches(args[0], _COMMANDS, n=1)
            if meant:
                ctx.fail(f"no such command: {args[0]}; did you mean {meant[0]}?")
        return super().resolve_command(ctx, args)


def command_first(arguments: list[str]) -> list[str]:
    """`arguments` in the order that click wants: the command, then its options.

    Options without a command are the check's; those before one are that command's.
    """
    if arguments and (not arguments[0].startswith("-") or arguments[0] in {"-h", "--help"}):
        return arguments
    check: click.Command = import_module("fastverify.cli.check").command
    with_value = {
        name
        for parameter in check.params
        if isinstance(parameter, click.Option) and not parameter.is_flag
        for name in parameter.opts
    }
    position = 0
    while position < len(arguments) and arguments[position].startswith("-") and arguments[position] != "--":
        position += 2 if arguments[position] in with_value else 1
    if position < len(arguments) and arguments[position] in _COMMANDS:
        return [arguments[position], *arguments[:position], *arguments[position + 1 :]]
    return ["check", *arguments]


@click.command(
    cls=LazyGroup,
    name="fastverify",
    help=_HELP,
    context_settings={"help_option_names": ["-h", "--help"]},
)
# Only for the help: the command line is looked at for it before anything is imported.
@click.version_option(
    __version__, "-V", "--version", message="%(prog)s %(version)s", help="Show the version (-v: and more)."
)
def cli() -> None:
    """See `_HELP`."""
