"""Running a command, and turning whatever ends it into one line and an exit status."""

from __future__ import annotations

import contextlib
import os
import sys
import traceback
from collections.abc import Sequence

import click

from fastverify.cli.group import cli
from fastverify.cli.signals import Terminated, catch_signals
from fastverify.errors import FastverifyError
from fastverify.report.escape import printable

#: 128 + the signal's number, as a shell reports a command that a signal ended.
INTERRUPTED = 130
BROKEN_PIPE = 141
TERMINATED = 143


def run(arguments: Sequence[str]) -> int:
    """Run the command that `arguments` ask for; returns the exit status, never raises Exception."""
    catch_signals()
    _make_encodable()
    try:
        try:
            status = _invoke(list(arguments))
        finally:
            # What could not be written must be known before the status is.
            if sys.stdout is not None:
                sys.stdout.flush()
    except click.UsageError as error:
        where = f"; see {error.ctx.command_path} --help" if error.ctx is not None else ""
        return _fail(" ".join(error.format_message().split()).rstrip(".") + where)
    except click.ClickException as error:
        return _fail(error.format_message())
    except FastverifyError as error:
        return _fail(str(error))
    except Terminated:
        return _stop("fastverify: terminated", TERMINATED)
    except KeyboardInterrupt:
        return _stop("fastverify: interrupted", INTERRUPTED)
    except BrokenPipeError:
        # The reader has gone (`| head`); 0 would claim that there was nothing more to say.
        _silence_stdout()
        return BROKEN_PIPE
    except OSError as error:
        _silence_stdout()
        return _unexpected(error) if error.errno is None else _fail(_os_message(error), error)
    except Exception as error:  # noqa: BLE001 (the user gets one line, whatever it is)
        return _unexpected(error)
    return status


def _invoke(arguments: list[str]) -> int:
    # Options without a command are the check's.
    if not arguments or (arguments[0].startswith("-") and arguments[0] not in ("-h", "--help")):
        arguments = ["check", *arguments]
    # Not cli.main(): it turns a broken pipe and Ctrl-C into statuses of its own.
    try:
        with cli.make_context("fastverify", arguments) as context:
            status = cli.invoke(context)
    except click.exceptions.Exit as done:
        return done.exit_code
    return status if isinstance(status, int) else 0


def _fail(message: str, error: BaseException | None = None) -> int:
    if error is not None and _debugging():
        traceback.print_exception(error)
    _to_stderr(f"fastverify: error: {printable(message)}")
    return 2


def _stop(message: str, status: int) -> int:
    _to_stderr(message)
    return status


def _unexpected(error: Exception) -> int:
    if _debugging():
        traceback.print_exception(error)
        return 2
    return _fail(
        f"unexpected {type(error).__name__}: {error}; this is a bug in fastverify: "
        "please report it with the traceback that FASTVERIFY_DEBUG=1 shows"
    )


def _os_message(error: OSError) -> str:
    what = error.strerror or str(error)
    return f"{os.fsdecode(error.filename)}: {what}" if isinstance(error.filename, (str, bytes)) else what


def _debugging() -> bool:
    return os.environ.get("FASTVERIFY_DEBUG", "") not in ("", "0")


def _make_encodable() -> None:
    """Let a character that a stream's encoding does not have be escaped, instead of being an error."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


def _to_stderr(line: str) -> None:
    with contextlib.suppress(OSError):  # nobody is left to tell
        click.echo(line, err=True)


def _silence_stdout() -> None:
    """Send what is still in stdout's buffer nowhere, so that the interpreter's own flush succeeds."""
    # A stream without a file of its own has nothing to silence.
    with contextlib.suppress(OSError, ValueError, AttributeError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
