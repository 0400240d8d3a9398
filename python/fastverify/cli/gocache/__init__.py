"""``fastverify gocache``: looking into the build cache; each command is imported when it is called for."""

from __future__ import annotations

from importlib import import_module

import click

_COMMANDS = ("ls", "show", "stats", "diff", "why")

_HELP = """Look into Go's build cache (GOCACHE), and explain what is not found there.

To verify one, use `fastverify check`.
"""


class GocacheGroup(click.Group):
    """The commands below this one; each lives in a module of its name in this package."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 (click's signature)
        """The names, in the order of the help."""
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """The command, imported now; None for no such name."""
        if cmd_name not in _COMMANDS:
            return None
        found: click.Command = import_module(f"fastverify.cli.gocache.{cmd_name}").command
        return found


@click.command(
    "gocache",
    cls=GocacheGroup,
    help=_HELP,
    short_help="Look into the build cache; explain misses.",
    no_args_is_help=False,  # a missing command is one line, as every error
)
def command() -> None:
    """See `_HELP`."""
