"""Go's ``h1:`` hashes of zips, directories and files, as go.sum has them.

They equal what ``golang.org/x/mod/sumdb/dirhash`` gives.  Each function takes the name of an engine
(default: see :func:`fastverify.engine.load_engine`) and raises :class:`~fastverify.errors.HashError`
where dirhash would return an error, and for what would keep it waiting for ever or lead it out of the
directory that it was given.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, TypeAlias

from fastverify.engine import default_threads, load_engine
from fastverify.engine.faults import describe
from fastverify.engine.protocol import EngineName, MeasurementError
from fastverify.errors import HashError

if TYPE_CHECKING:
    StrPath: TypeAlias = str | os.PathLike[str]


def hash_zip(path: StrPath, *, threads: int | None = None, engine: EngineName | None = None) -> str:
    """The h1 of a module's zip: the first hash that go.sum has for the module.

    `path` is the zip file, `threads` how many may work at once (default: one for each processor).

    >>> import tempfile, zipfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with zipfile.ZipFile(f"{folder}/m.zip", "w") as zipped:
    ...         zipped.writestr("example.com/m@v1.0.0/go.mod", "module example.com/m\\n")
    ...     hash_zip(f"{folder}/m.zip")
    'h1:yJwNngL0tCKlmRg8yireic46hRGohEbhwD/WSE0Ax3I='
    """
    try:
        return load_engine(engine).hash_zip(os.fsdecode(path), threads=_threads(threads))
    except MeasurementError as error:
        raise _hash_error(error, error.fault.name) from None


def hash_dir(
    path: StrPath,
    module_version: str,
    *,
    threads: int | None = None,
    engine: EngineName | None = None,
) -> str:
    """The h1 of an extracted module; equal to :func:`hash_zip` of the zip that it was extracted from.

    `module_version` is ``P@V``, the module's path and version without escaping: each file's name in
    the hash starts with it.

    >>> import tempfile, pathlib
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = pathlib.Path(folder, "go.mod").write_bytes(b"module example.com/m\\n")
    ...     hash_dir(folder, "example.com/m@v1.0.0")
    'h1:yJwNngL0tCKlmRg8yireic46hRGohEbhwD/WSE0Ax3I='
    """
    prefix = module_version.encode("utf-8", "surrogateescape")
    try:
        return load_engine(engine).hash_dir(os.fsdecode(path), prefix, threads=_threads(threads))
    except MeasurementError as error:
        raise _hash_error(error, error.fault.name) from None


def hash_go_mod(path: StrPath, *, engine: EngineName | None = None) -> str:
    """The h1 of a go.mod (or of a ``.mod`` in the cache): what go.sum's ``/go.mod`` line has.

    >>> import tempfile, pathlib
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = pathlib.Path(folder, "v1.0.0.mod").write_bytes(b"")
    ...     hash_go_mod(f"{folder}/v1.0.0.mod")
    'h1:G7mAYYxgmS0lVkHyy2hEOLQCFB0DlQFTMLWggykrydY='
    """
    return hash_files([("go.mod", path)], threads=1, engine=engine)


def hash_files(
    files: Iterable[tuple[str | bytes, StrPath]],
    *,
    threads: int | None = None,
    engine: EngineName | None = None,
) -> str:
    """The h1 of any set of files, given as ``(name in the hash, path on disk)`` in any order.

    A name that is given twice counts twice.  Links are followed; what is not a regular file is refused.

    >>> hash_files([])
    'h1:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='
    """
    named = [
        (name if isinstance(name, bytes) else name.encode("utf-8", "surrogateescape"), os.fsdecode(path))
        for name, path in files
    ]
    try:
        return load_engine(engine).hash_files(named, threads=_threads(threads))
    except MeasurementError as error:
        newline = error.fault.code == "name-newline"
        raise _hash_error(error, error.fault.name if newline else b"") from None


def _threads(threads: int | None) -> int:
    if threads is None:
        return default_threads()
    if threads < 1:
        raise ValueError(f"threads is {threads}: at least one is needed")
    return threads


def _hash_error(error: MeasurementError, name: bytes = b"") -> HashError:
    """The error to raise; `name` is what is at fault inside of what the path names."""
    at = f"{error.path}: {os.fsdecode(name)}" if name else error.path
    return HashError(f"{at}: {describe(error.fault)}", path=error.path, fault=error.fault)
