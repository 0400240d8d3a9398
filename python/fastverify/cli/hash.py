"""``fastverify hash``: the h1 of zips, folders and go.mod files, as go.sum has it."""

from __future__ import annotations

import os
import stat

import click

from fastverify import hash_dir, hash_go_mod, hash_zip
from fastverify.cli import options, status
from fastverify.cli.streams import tell
from fastverify.engine.protocol import EngineName
from fastverify.errors import EngineError, FastverifyError
from fastverify.modcache import layout
from fastverify.report.escape import printable

_HELP = """Print the h1 hash of module zips, extracted trees and go.mod files.

One line for each argument: the hash that go.sum would hold, two spaces, the path.  The hash of a
folder depends on the module it is: the name comes from --module, or from where the folder lies in a
module cache.

\b
Examples:
  fastverify hash text-v0.14.0.zip
  fastverify hash ~/go/pkg/mod/golang.org/x/text@v0.14.0
  fastverify hash --module example.com/m@v1.2.3 ./unpacked
  fastverify hash go.mod

Exit status: 0, or 1 where an argument has no hash, or 2 for wrong usage.
"""

# A local file header, or the end record of an empty archive (APPNOTE.TXT 4.3.7, 4.3.16).
_ZIP_STARTS = (b"PK\x03\x04", b"PK\x05\x06")


@click.command("hash", help=_HELP, short_help="Print the h1 of zips, folders and go.mod files.")
@click.argument("paths", nargs=-1, required=True, metavar="PATHS...", type=click.Path())
@click.option("--module", metavar="PATH@VERSION", help="The module that the folders are.")
@options.threads
@options.engine
def command(
    paths: tuple[str, ...], module: str | None, threads: int | None, engine: EngineName | None
) -> int:
    """Print a line for each path; returns 1 where one failed."""
    if module is not None and not _names_version(module):
        raise click.BadParameter(
            "give it as PATH@VERSION, such as example.com/m@v1.2.3", param_hint="--module"
        )
    # Every path has its line, whatever became of the others.
    printed = [_print_hash(path, module, threads, engine) for path in paths]
    return status.CLEAN if all(printed) else status.FOUND


def _print_hash(path: str, module: str | None, threads: int | None, engine: EngineName | None) -> bool:
    """Print the line for `path`, or its error; returns whether it has a hash."""
    try:
        h1 = _hash(path, module, threads, engine)
    except EngineError:
        raise  # true of every path
    except FastverifyError as error:
        tell(f"fastverify: error: {printable(str(error))}")
        return False
    click.echo(f"{h1}  {printable(path)}")
    return True


def _names_version(module: str) -> bool:
    path, at, version = module.rpartition(layout.AT)
    return bool(path and at) and layout.is_version(version) and "\n" not in module


def _hash(path: str, module: str | None, threads: int | None, engine: EngineName | None) -> str:
    try:
        mode = os.stat(path).st_mode
        if stat.S_ISDIR(mode):
            return hash_dir(path, module or _module_of(path), threads=threads, engine=engine)
        if not stat.S_ISREG(mode):
            raise FastverifyError(f"{path} is neither a regular file nor a folder; it has no h1")
        name = os.path.basename(path)
        if name.endswith(".zip") or (not name.endswith(".mod") and _starts_as_zip(path)):
            return hash_zip(path, threads=threads, engine=engine)
        if name.endswith(".mod"):
            return hash_go_mod(path, engine=engine)
    except OSError as error:
        raise FastverifyError(f"cannot read {path}: {error.strerror or error}") from error
    raise FastverifyError(f"{path} is neither a zip, nor a folder, nor named go.mod or *.mod; it has no h1")


def _starts_as_zip(path: str) -> bool:
    with open(path, "rb") as file:
        return file.read(4) in _ZIP_STARTS


def _module_of(path: str) -> str:
    """``P@V`` of a folder that lies in a module cache.  Raises FastverifyError where it does not."""
    whole = os.path.abspath(path)
    root = os.path.dirname(whole)
    while not os.path.isdir(os.path.join(root, "cache", "download")):
        above = os.path.dirname(root)
        if above == root:
            raise FastverifyError(
                f"{path} lies in no module cache, so that its module is not known; give --module PATH@VERSION"
            )
        root = above
    relative = os.path.relpath(whole, root).replace(os.sep, "/")
    escaped_path, at, escaped_version = relative.rpartition(layout.AT)
    module = layout.unescape_path(escaped_path)
    version = layout.unescape_version(escaped_version)
    if not at or module is None or version is None:
        raise FastverifyError(
            f"{path} is not the folder of a module version in the cache {root}; give --module PATH@VERSION"
        )
    return f"{module}{layout.AT}{version}"
