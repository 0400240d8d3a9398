"""Hashes for other programs: Go's ``h1:``, and SHA-256 or BLAKE3 of many messages or files at once.

:func:`hash_zip`, :func:`hash_dir`, :func:`hash_go_mod` and :func:`hash_files` give the hashes that go.sum
has; they equal those of ``golang.org/x/mod/sumdb/dirhash`` and raise
:class:`~fastverify.errors.HashError` where dirhash would return an error, and for what would keep it
waiting for ever or lead it out of the directory that it was given.  Its message is one line that may be
printed: names in it are escaped.

:func:`sha256_many`, :func:`sha256_files`, :func:`blake3_many` and :func:`blake3_files` are for whoever
hashes many small files.  In the native engine they run without the GIL, on several threads, and SHA-256
works on several messages at a time with the processor's own instructions; :func:`kernels` says which.

A path is a str, bytes or an :class:`os.PathLike` of them.  Each function takes the name of an engine
(default: see :func:`fastverify.engine.load_engine`).  `threads` is a whole number of at least one; all
raise ValueError or TypeError for arguments that are none; of many it is said which: ``messages[3]: ...``.
"""

from __future__ import annotations

import os
import reprlib
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from fastverify.engine import checked_threads, default_threads, load_engine, many
from fastverify.engine.faults import describe
from fastverify.engine.many import Algorithm, Kernels
from fastverify.engine.protocol import EngineName, MeasurementError
from fastverify.errors import HashError
from fastverify.report.escape import printable

if TYPE_CHECKING:
    from typing_extensions import Buffer

    AnyPath: TypeAlias = str | bytes | os.PathLike[str] | os.PathLike[bytes]

T = TypeVar("T")
U = TypeVar("U")

__all__ = [
    "Kernels",
    "blake3_files",
    "blake3_many",
    "hash_dir",
    "hash_files",
    "hash_go_mod",
    "hash_zip",
    "kernels",
    "sha256_files",
    "sha256_many",
]


def hash_zip(path: AnyPath, *, threads: int | None = None, engine: EngineName | None = None) -> str:
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
    path: AnyPath,
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
    prefix = _name(module_version, "a module's path and version")
    try:
        return load_engine(engine).hash_dir(os.fsdecode(path), prefix, threads=_threads(threads))
    except MeasurementError as error:
        raise _hash_error(error, error.fault.name) from None


def hash_go_mod(path: AnyPath, *, engine: EngineName | None = None) -> str:
    """The h1 of a go.mod (or of a ``.mod`` in the cache): what go.sum's ``/go.mod`` line has.

    >>> import tempfile, pathlib
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = pathlib.Path(folder, "v1.0.0.mod").write_bytes(b"")
    ...     hash_go_mod(f"{folder}/v1.0.0.mod")
    'h1:G7mAYYxgmS0lVkHyy2hEOLQCFB0DlQFTMLWggykrydY='
    """
    return hash_files([("go.mod", path)], threads=1, engine=engine)


def hash_files(
    files: Iterable[tuple[str | bytes, AnyPath]],
    *,
    threads: int | None = None,
    engine: EngineName | None = None,
) -> str:
    """The h1 of any set of files, given as ``(name in the hash, path on disk)`` in any order.

    A name that is given twice counts twice.  Links are followed; what is not a regular file is refused.

    >>> hash_files([])
    'h1:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='
    """
    named = _converted(files, _names_and_paths, "files", "pairs of names and paths")
    try:
        return load_engine(engine).hash_files(named, threads=_threads(threads))
    except MeasurementError as error:
        newline = error.fault.code == "name-newline"
        raise _hash_error(error, error.fault.name if newline else b"") from None


def sha256_many(
    messages: Iterable[Buffer],
    *,
    threads: int | None = None,
    engine: EngineName | None = None,
    kernel: str | None = None,
) -> list[bytes]:
    """The SHA-256 of each message, in their order: 32 bytes each.

    A message is anything whose bytes lie in memory in one piece: bytes, bytearray, memoryview, mmap,
    array, ...  They are hashed where they lie, without a copy.  `threads` is how many may work at once
    (default: one for each processor).  `kernel` forces one of :func:`kernels`, in tests and comparisons;
    ValueError where it is none of them, TypeError for what is no message.

    >>> [digest.hex()[:8] for digest in sha256_many([b"abc", bytearray()])]
    ['ba7816bf', 'e3b0c442']
    """
    return _digest_many("sha256", messages, threads, engine, kernel)


def blake3_many(
    messages: Iterable[Buffer], *, threads: int | None = None, engine: EngineName | None = None
) -> list[bytes]:
    """The BLAKE3 hash of each message, in their order: 32 bytes each; otherwise as :func:`sha256_many`.

    The pure engine needs the package ``blake3`` for it (``pip install blake3``) and raises
    :class:`~fastverify.errors.FastverifyError` where it is not there.
    """
    return _digest_many("blake3", messages, threads, engine, None)


def sha256_files(
    paths: Iterable[AnyPath],
    *,
    threads: int | None = None,
    engine: EngineName | None = None,
    kernel: str | None = None,
) -> list[bytes]:
    """The SHA-256 of the content of each file, in the order of `paths`: 32 bytes each.

    Links are followed; what is not a regular file is refused, and never opened.  Raises
    :class:`~fastverify.errors.HashError` for the first of `paths` that cannot be read, and TypeError where
    `paths` is a single one.  `threads` and `kernel` are those of :func:`sha256_many`; where files are not in
    memory yet, more threads than processors read them sooner.

    >>> import tempfile, pathlib
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = pathlib.Path(folder, "a").write_bytes(b"abc")
    ...     [digest.hex()[:8] for digest in sha256_files([f"{folder}/a"])]
    ['ba7816bf']
    """
    return _digest_files("sha256", paths, threads, engine, kernel)


def blake3_files(
    paths: Iterable[AnyPath], *, threads: int | None = None, engine: EngineName | None = None
) -> list[bytes]:
    """The BLAKE3 hash of the content of each file; otherwise as :func:`sha256_files`.

    The pure engine needs the package ``blake3``; see :func:`blake3_many`.
    """
    return _digest_files("blake3", paths, threads, engine, None)


def kernels(engine: EngineName | None = None) -> Kernels:
    """The ways to compute SHA-256 that an engine has on this processor, and the one that it uses.

    The environment variable ``FASTVERIFY_SHA256`` forces one of the native engine's when a process starts;
    :class:`~fastverify.errors.EngineError` where that is none of them.

    >>> kernels("pure")
    Kernels(available=('hashlib',), used='hashlib')
    """
    return many.kernels(load_engine(engine))


def _digest_many(
    algorithm: Algorithm,
    messages: Iterable[Buffer],
    threads: int | None,
    engine: EngineName | None,
    kernel: str | None,
) -> list[bytes]:
    whole = _converted(messages, _views, "messages", "messages")
    return many.digest_many(load_engine(engine), algorithm, whole, _threads(threads), _kernel(kernel))


def _digest_files(
    algorithm: Algorithm,
    paths: Iterable[AnyPath],
    threads: int | None,
    engine: EngineName | None,
    kernel: str | None,
) -> list[bytes]:
    named = _converted(paths, _paths, "paths", "paths")
    try:
        return many.digest_files(load_engine(engine), algorithm, named, _threads(threads), _kernel(kernel))
    except MeasurementError as error:
        raise _hash_error(error) from None
    except UnicodeEncodeError:
        # Asked only now: it takes as long as hashing a small file.
        _converted(named, lambda paths: [os.fsencode(path) for path in paths], "paths", "paths")
        raise


def _name(name: str, what: str) -> bytes:
    if not isinstance(name, str):
        raise TypeError(f"{what} is a str, not {type(name).__name__}")
    return name.encode("utf-8", "surrogateescape")


def _names_and_paths(files: list[tuple[str | bytes, AnyPath]]) -> list[tuple[bytes, str]]:
    return [_name_and_path(*_pair(file)) for file in files]


def _pair(file: object) -> tuple[str | bytes, AnyPath]:
    if not isinstance(file, (tuple, list)) or len(file) != 2:
        raise TypeError(f"a tuple of a name and a path is wanted, not {reprlib.repr(file)}")
    return file[0], file[1]


def _name_and_path(name: str | bytes, path: AnyPath) -> tuple[bytes, str]:
    return (name if isinstance(name, bytes) else _name(name, "a file's name")), os.fsdecode(path)


def _paths(paths: list[AnyPath]) -> list[str]:
    return [os.fsdecode(path) for path in paths]


def _views(messages: list[Buffer]) -> list[bytes | memoryview]:
    # A view keeps a bytearray from being resized while it is hashed.
    return [message if type(message) is bytes else memoryview(message).cast("B") for message in messages]


def _converted(
    given: Iterable[T], convert: Callable[[list[T]], list[U]], parameter: str, wanted: str
) -> list[U]:
    """All of what a parameter was given, converted; the error for one that cannot be says which it is."""
    # The letters of a string are strings as well, and of a buffer the elements may be.
    if isinstance(given, (str, os.PathLike)) or _is_row(given):
        raise TypeError(f"a list of {wanted} is wanted, not a single {type(given).__name__}")
    given = list(given)
    try:
        return convert(given)
    except (TypeError, ValueError):
        for number, one in enumerate(given):
            try:
                convert([one])
            except (TypeError, ValueError) as error:  # noqa: PERF203
                kind = TypeError if isinstance(error, TypeError) else ValueError
                raise kind(f"{parameter}[{number}]: {error}") from None
        raise


def _is_row(given: object) -> bool:
    """Whether this is a buffer of bytes or numbers in a row.

    The rows of a table may be messages, and so may the elements of an array of strings or objects.
    """
    try:
        view = memoryview(given)  # type: ignore[arg-type]
    except TypeError:
        return False
    return view.ndim < 2 and view.format[-1] not in "Os"


def _threads(threads: int | None) -> int:
    return default_threads() if threads is None else checked_threads(threads)


def _kernel(kernel: str | None) -> str | None:
    if kernel is not None and not isinstance(kernel, str):
        raise TypeError(f"kernel is a str, not {type(kernel).__name__}")
    return kernel


def _hash_error(error: MeasurementError, name: bytes = b"") -> HashError:
    """The error to raise; `name` is what is at fault inside of what the path names."""
    at = f"{error.path}: {os.fsdecode(name)}" if name else error.path
    return HashError(f"{printable(at)}: {describe(error.fault)}", path=error.path, fault=error.fault)
