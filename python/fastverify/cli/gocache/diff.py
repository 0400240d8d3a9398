"""``fastverify gocache diff``: why two builds did not share their cache entries."""

from __future__ import annotations

import os
import stat

import click

from fastverify.cli import options, status
from fastverify.cli.output import standard_output
from fastverify.errors import FastverifyError
from fastverify.gocache.documents import document
from fastverify.gocache.explain.actions import actions_of
from fastverify.gocache.explain.compare import compare
from fastverify.gocache.explain.hashlog import HashLog, read_hash_log
from fastverify.gocache.explain.present import as_document, as_text
from fastverify.report.json import write_document

_HELP = """Say which input of two builds differs first, for each package.

BEFORE and AFTER are what the go command writes to standard error with GODEBUG=gocachehash=1, from one
machine or from two.  go logs an action's inputs each time it looks for it, also where it finds it.

\b
Example:
  GODEBUG=gocachehash=1 go build ./... 2>a.log
  GODEBUG=gocachehash=1 go build ./... 2>b.log     (elsewhere, or later)
  fastverify gocache diff a.log b.log

\b
Exit status:
  0  both builds asked for the same entries
  1  they did not
  2  the logs could not be compared
"""


@click.command("diff", help=_HELP, short_help="Compare two logs of GODEBUG=gocachehash=1.")
@click.argument("before", type=click.Path())
@click.argument("after", type=click.Path())
@options.as_json
@click.option("-v", "--verbose", is_flag=True, help="List every action that differs, with its inputs.")
def command(before: str, after: str, as_json: bool, verbose: bool) -> int:
    """Compare and print; returns the exit status."""
    first, second = read_log(before), read_log(after)
    comparison = compare(actions_of(first), actions_of(second))
    output = standard_output()
    if as_json:
        told = as_document(comparison, {before: first, after: second})
        write_document(document("diff", told), output.write)
    else:
        for line in as_text(comparison, {before: first, after: second}, verbose=verbose):
            output.write(f"{line}\n")
    same = not (comparison.differences or comparison.only_before or comparison.only_after)
    return status.CLEAN if same else status.FOUND


def read_log(path: str) -> HashLog:
    """The hash log in the file `path`.  Raises FastverifyError where it is none or cannot be read."""
    try:
        # Without blocking on a fifo: only a regular file has an end that is sure to come.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        with open(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise FastverifyError(f"{path} is not a regular file; give a log that was written to a file")
            return read_hash_log(file, path)
    except OSError as error:
        raise FastverifyError(f"cannot read {path}: {error.strerror or error}") from error
