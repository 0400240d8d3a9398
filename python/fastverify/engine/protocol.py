"""What an engine can do, and the plain records it answers with.

An engine is the only part of fastverify that reads the content of a cache.  It knows Go's zip and
directory hashing (``golang.org/x/mod/sumdb/dirhash``) and Go's zip rules (``golang.org/x/mod/zip``),
and nothing of go.sum or of policy: it says what the bytes *are*, never what they should be.

There are two engines, ``native`` (Rust) and ``pure`` (Python).  For every input, good or hostile,
they answer with equal records.  Names of files inside a zip or a tree are ``bytes``, because Go
compares and hashes them as bytes and they need not be UTF-8; paths on disk are ``str`` as
:func:`os.fsdecode` makes them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol

if TYPE_CHECKING:
    from fastverify.engine.buildcache import ActionEntry, BuildMeasurements, OutputMeasurement

EngineName = Literal["native", "pure"]

#: A record below has a field named ``bytes``, which hides the type inside it.
_Name = bytes

#: Go refuses to extract a zip that is larger than this, or whose entries together declare more
#: (``golang.org/x/mod/zip``, ``MaxZipFile``).
MAX_ZIP_BYTES = 500 << 20
#: Go refuses a root ``go.mod`` or ``LICENSE`` larger than this (``MaxGoMod``, ``MaxLICENSE``).
MAX_GO_MOD_BYTES = 16 << 20
#: fastverify's own bound on a zip's central directory: it is the one part of a zip that is held in
#: memory whole.
MAX_DIRECTORY_BYTES = 128 << 20
#: fastverify's own bound on the names of a module's zip, and on those of its tree, because they are held in
#: memory.  Each counts with its bytes, without ``P@V/`` before it, and with BYTES_BESIDE_NAME: the names of
#: the entries; and the paths of files and directories, that of a directory that cannot be listed thrice.
#: ``hash_zip`` and ``hash_dir`` have no such bound.
MAX_NAMES_BYTES = 40 << 20
BYTES_BESIDE_NAME = 32
#: How much of a ``.info`` or ``.ziphash`` file is returned; a longer one is cut after one byte more.
MAX_SMALL_FILE_BYTES = 64 << 10
#: fastverify's own bound on an output of a build cache; a longer one is not read.  (Go's archives end at
#: 10^10 bytes.)
MAX_OUTPUT_BYTES = 4 << 30
#: At most this many unreadable entries and rule violations are listed for one zip, and at most this many
#: unreadable files and directories and empty directories for one tree.
MAX_LISTED = 1000
#: Of a list of names that strangers chose; it ends before the name that would make it longer.
MAX_LISTED_BYTES = 1 << 20
#: At most this many differences between a tree and its zip are listed: first those in type, then modified,
#: extra and missing ones, and those in mode last; of each the first by path.  So many of one kind hide none
#: of a graver one.
MAX_DIFFERENCES = 20_000
#: Of their paths, as MAX_LISTED_BYTES.
MAX_DIFFERENCES_BYTES = 4 << 20

FaultCode = Literal[
    "os",  # the operating system refused; `errno` says why
    "not-regular",  # a fifo, socket, device or directory where a regular file is due
    "not-directory",  # the module's root is not a directory (a symlink to one is not one either)
    "link",  # a symlink in a build cache, where Go makes none; it is not followed
    "too-large",  # an output over fastverify's own bound, which is not read
    "link-outside",  # a symlink that leads out of the tree; it is not followed
    "name-newline",  # dirhash cannot express a name with a newline
    "zip-format",  # zip: not a valid zip file
    "zip-algorithm",  # zip: unsupported compression algorithm
    "zip-checksum",  # zip: checksum error
    "zip-eof",  # unexpected EOF: the data ends before the declared size
    "zip-corrupt",  # flate: corrupt input
    "zip-too-large",  # over MAX_ZIP_BYTES (archive or declared sum): Go would not extract it
    "zip-directory-too-large",  # over MAX_DIRECTORY_BYTES
    "too-many-names",  # of a zip or of a tree: over MAX_NAMES_BYTES
]


class Fault(NamedTuple):
    """Why something could not be measured."""

    code: FaultCode
    #: The entry of the zip (its raw name), or the file of the tree (relative to the module's root)
    #: that is at fault; ``b""`` where it is the zip or the root itself.
    name: bytes = b""
    #: The system's error number where `code` is ``os``, otherwise 0.
    errno: int = 0


class FileStat(NamedTuple):
    """What ``lstat`` says of a file as found."""

    size: int
    mtime_ns: int
    #: Numeric owner; 0 where the system has none.
    uid: int
    #: Type and permission bits (``st_mode``).
    mode: int


ViolationCode = Literal[
    "prefix",  # the name does not start with P@V/
    "path",  # not clean, or an element, character or length that module.CheckFilePath refuses
    "duplicate",  # a second file of the same name
    "collision",  # equal to another name, or to a parent directory of one, but for case
    "file-and-directory",  # one name is both a file and a directory
    "go-mod-place",  # a go.mod (in any case) that is not exactly the root's go.mod
    "go-mod-size",  # root go.mod over MAX_GO_MOD_BYTES
    "license-size",  # root LICENSE over MAX_GO_MOD_BYTES
]


class Violation(NamedTuple):
    """A rule of ``golang.org/x/mod/zip`` that an entry breaks, so that Go refuses to extract the zip."""

    code: ViolationCode
    #: The entry's raw name.
    name: bytes


class ZipMeasurement(NamedTuple):
    """What a zip is."""

    #: None where even lstat failed.
    stat: FileStat | None
    #: Why ``dirhash.HashZip`` (or a limit above) refuses; the first in Go's order: the archive as a
    #: whole, then the entries by the bytes of their names.  None where the zip has an h1.
    fault: Fault | None
    #: ``h1:…`` over every entry, as ``dirhash.HashZip`` gives it; None exactly where `fault` is set.
    h1: str | None
    #: The same over the entries that are not directories (name not ending in ``/``).  This is what
    #: an extracted tree can have; equal to `h1` for a zip without directory entries.
    files_h1: str | None
    #: Number of entries in the central directory, and sum of the sizes that they declare.
    entries: int
    unpacked: int
    #: The h1 of the entry ``P@V/go.mod`` under the name ``go.mod``, as a go.sum ``/go.mod`` line has
    #: it; None where there is no such entry or it cannot be read.
    go_mod_h1: str | None
    #: Whether there is an entry ``P@V/go.mod``.
    has_go_mod: bool
    #: The first entries that cannot be read, by the bytes of their names.  At most MAX_LISTED, and
    #: MAX_LISTED_BYTES.
    bad_entries: tuple[Fault, ...]
    #: The first broken extraction rules, in the order of the entries.  At most MAX_LISTED, and
    #: MAX_LISTED_BYTES.
    violations: tuple[Violation, ...]


class TreeMeasurement(NamedTuple):
    """What an extracted directory is."""

    #: Of the root; None where even lstat failed.
    stat: FileStat | None
    #: Why ``dirhash.HashDir`` (or fastverify's refusal to block or to leave the tree) gives no hash:
    #: the root, then directories that cannot be listed, by path, then files, by path.  A directory that may
    #: be listed and not entered is one that cannot be listed, unless it is empty: nothing in it is told.
    fault: Fault | None
    #: ``h1:…`` as ``dirhash.HashDir(root, "P@V", Hash1)`` gives it; None exactly where `fault` is set.
    #: For a toolchain, over the tree without each ``go.mod`` that equals the ``_go.mod`` beside it.
    h1: str | None
    #: Files found (everything that is not a directory), and the bytes of content read.
    files: int
    bytes: int
    #: The first files and directories that could not be read, by path.  At most MAX_LISTED, and
    #: MAX_LISTED_BYTES.
    faults: tuple[Fault, ...]
    #: The first of the topmost directories below the root that hold no file at any depth, by path.  At most
    #: MAX_LISTED, and MAX_LISTED_BYTES.
    empty_directories: tuple[_Name, ...]
    #: How many faults and how many empty directories there are beyond those.
    more_faults: int = 0
    more_empty_directories: int = 0


Change = Literal["modified", "missing", "extra", "type", "mode"]


class Difference(NamedTuple):
    """One file of the tree that is not as the zip has it, or not as Go leaves a file."""

    #: Relative to the module's root, ``/`` between elements.
    path: bytes
    #: The gravest that applies: ``type`` (not a regular file), ``extra`` (not in the zip),
    #: ``missing`` (only in the zip), ``modified`` (other content), ``mode`` (a write, execute or
    #: setuid bit, which Go never leaves on an extracted file; never judged on Windows; execute bits
    #: are normal in a toolchain).  Without a readable zip only ``type`` and ``mode`` are found.
    change: Change
    #: SHA-256 and size of the zip's copy; None where there is none or it cannot be read.
    zip_sha256: bytes | None
    zip_size: int | None
    #: SHA-256 of the tree's copy; None where there is none, or it was not or could not be read.
    tree_sha256: bytes | None
    #: Of the tree's file; None for ``missing``.
    stat: FileStat | None


class SmallFile(NamedTuple):
    """A ``.mod``, ``.info`` or ``.ziphash`` file."""

    stat: FileStat | None
    fault: Fault | None
    #: At most MAX_SMALL_FILE_BYTES + 1 bytes of a ``.info`` or ``.ziphash``; empty for a ``.mod``.
    content: bytes
    #: Of a ``.mod``: h1 of its whole content under the name ``go.mod``.  None for the others.
    h1: str | None


class ModuleTask(NamedTuple):
    """One module version to measure.  A path that is None is not looked at."""

    #: The caller's number for it.
    key: int
    #: ``P@V/``, unescaped, the start of every name in the zip and in the hash of the tree.
    prefix: bytes
    zip: str | None
    tree: str | None
    mod: str | None
    info: str | None
    ziphash: str | None
    #: The rules for ``golang.org/toolchain`` apply to the tree.
    toolchain: bool
    #: Bytes expected, for sharing the work; a guess is fine.
    weight: int


class ModuleMeasurement(NamedTuple):
    """What one module version is.  A part is None where the task did not name it."""

    key: int
    zip: ZipMeasurement | None
    tree: TreeMeasurement | None
    mod: SmallFile | None
    info: SmallFile | None
    ziphash: SmallFile | None
    #: Tree against zip, by path.  A file whose zip entry or tree file cannot be read is not among
    #: them (it is among the faults), unless its type is wrong.
    #: At most MAX_DIFFERENCES, and MAX_DIFFERENCES_BYTES of paths.  They may be made as they are looked at,
    #: and are equal to a tuple of the same.
    differences: Sequence[Difference]
    #: How many there are beyond those.
    more_differences: int = 0


class MeasurementError(Exception):
    """Raised by the ``hash_*`` methods where Go's dirhash would return an error."""

    def __init__(self, fault: Fault, path: str) -> None:
        super().__init__(fault, path)
        self.fault = fault
        #: The file or folder on disk that was to be hashed.
        self.path = path


class Measurements(Iterator[ModuleMeasurement], Protocol):
    """Measurements under way."""

    def pause(self) -> None:
        """Begin nothing more until the next measurement is asked for, or a later one.

        What has been begun is ended first, and waits.  So something else can be measured meanwhile, and both
        together take about the memory of one.
        """
        ...

    def close(self) -> None:
        """Stop the work soon; no more measurements come."""
        ...


class Engine(Protocol):
    """Measures modules and hashes files.  All methods may be called from any thread."""

    @property
    def name(self) -> EngineName:
        """Which engine this is."""
        ...

    def measure(self, tasks: Sequence[ModuleTask], *, threads: int, spares: int = 0) -> Measurements:
        """Measure `tasks` on `threads` workers (at least 1), yielding each module as it is done.

        While a disk makes those wait, up to `spares` more may work, if the engine and the system know of it.

        They are begun in their order, and work is shared best where the biggest come first.  There may
        be very many: an engine holds few at a time, so they may be made as they are looked at.  The order
        of the results is not defined.

        Closing the iterator (or dropping it) stops the work soon.  Never raises for what is on disk.  Raises
        :class:`~fastverify.errors.EngineError`, here or while the results are taken, where this process has
        no descriptors, memory or threads left, or where a worker process is killed.
        """
        ...

    def hash_zip(self, path: str, *, threads: int) -> str:
        """``dirhash.HashZip(path, Hash1)``.  Raises MeasurementError.  No limit on declared sizes."""
        ...

    def hash_dir(self, path: str, prefix: bytes, *, threads: int) -> str:
        """``dirhash.HashDir(path, prefix, Hash1)`` (`prefix` is without the slash).

        Raises MeasurementError, also for what would block or lead out of the tree.
        """
        ...

    def hash_files(self, files: Sequence[tuple[bytes, str]], *, threads: int) -> str:
        """``dirhash.Hash1`` over ``(name, path on disk)`` pairs, in any order.

        A name given twice stands twice.  The files are opened as they are named: a link is
        followed, what is not a regular file is refused.  Raises MeasurementError.
        """
        ...

    def measure_build_cache(self, root: str, *, now_ns: int, threads: int) -> BuildMeasurements:
        """Measure the build cache at `root` on `threads` workers: every entry, every output.

        `now_ns` is the time (nanoseconds since 1970) that decides what lies in the future.  The answers
        come as :data:`~fastverify.engine.buildcache.BuildAnswer` tells; within each kind their order is
        not defined.  Never raises for what is on disk; EngineError as :meth:`measure`.
        """
        ...

    def measure_build_files(
        self, root: str, actions: Sequence[bytes], outputs: Sequence[bytes], *, threads: int
    ) -> tuple[tuple[ActionEntry, ...], tuple[OutputMeasurement, ...]]:
        """Measure the entries and outputs of these IDs, in their order."""
        ...
