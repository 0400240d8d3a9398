"""Running a command, and turning whatever ends it into one line and an exit status."""

from __future__ import annotations

import os
from collections.abc import Sequence

import click

from fastverify.cli import status
from fastverify.cli.group import cli, command_first
from fastverify.cli.signals import Terminated, all_is_told, catch_signals
from fastverify.cli.streams import flush_stdout, make_encodable, silence_stdout, tell
from fastverify.errors import FastverifyError
from fastverify.exhaustion import describe_exhaustion
from fastverify.report.escape import printable


def run(arguments: Sequence[str]) -> int:
    """Run the command that `arguments` ask for; returns the exit status, whatever is raised."""
    catch_signals()
    make_encodable()
    try:
        try:
            ended = _invoke(list(arguments))
        finally:
            # What could not be written must be known before the status is.
            flush_stdout()
    except click.UsageError as error:
        where = f"; see {error.ctx.command_path} --help" if error.ctx is not None else ""
        return _fail(" ".join(error.format_message().split()).rstrip(".") + where)
    except click.ClickException as error:
        return _fail(error.format_message())
    except FastverifyError as error:
        return _fail(str(error))
    except Terminated:
        all_is_told()
        tell("fastverify: terminated")
        return status.TERMINATED
    except KeyboardInterrupt:
        all_is_told()
        tell("fastverify: interrupted")
        return status.INTERRUPTED
    except BrokenPipeError:
        silence_stdout()
        return status.BROKEN_PIPE
    except OSError as error:
        silence_stdout()
        return _unexpected(error) if error.errno is None else _fail(_os_message(error), error)
    except MemoryError as error:
        return _fail("there is no memory left; let this program have more, or use fewer --threads", error)
    except SystemExit:
        raise
    except BaseException as error:  # noqa: BLE001 (the user gets one line, whatever it is)
        # A panic of the native engine's is no Exception.
        return _unexpected(error)
    return ended


def _invoke(arguments: list[str]) -> int:
    arguments = command_first(arguments)
    # Not cli.main(): it turns a broken pipe and Ctrl-C into statuses of its own.
    try:
        with cli.make_context("fastverify", arguments) as context:
            ended = cli.invoke(context)
    except click.exceptions.Exit as done:
        return done.exit_code
    return ended if isinstance(ended, int) else status.CLEAN


def _fail(message: str, error: BaseException | None = None) -> int:
    if error is not None and _debugging():
        _print_traceback(error)
    tell(f"fastverify: error: {printable(message)}")
    return status.FAILED


def _unexpected(error: BaseException) -> int:
    if _debugging():
        _print_traceback(error)
        return status.FAILED
    return _fail(
        f"unexpected {type(error).__name__}: {error}; this is a bug in fastverify: "
        "please report it with the traceback that FASTVERIFY_DEBUG=1 shows"
    )


def _os_message(error: OSError) -> str:
    exhausted = describe_exhaustion(error.errno, error.filename)
    if exhausted is not None:
        return exhausted
    what = error.strerror or str(error)
    return f"{os.fsdecode(error.filename)}: {what}" if isinstance(error.filename, (str, bytes)) else what


def _print_traceback(error: BaseException) -> None:
    # Only now, as it is seldom asked for.
    import traceback

    traceback.print_exception(error)


def _debugging() -> bool:
    return os.environ.get("FASTVERIFY_DEBUG", "") not in ("", "0")
