"""What an engine says of a build cache (GOCACHE), in plain records.

The layout and the form of an action entry are those of ``cmd/go/internal/cache``, build IDs those of
``cmd/go/internal/work/buildid.go`` and ``cmd/internal/buildid``.  IDs are 32 raw bytes; names are
``bytes``, relative to the cache's root with ``/`` between elements.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple, Protocol

from fastverify.engine.protocol import Fault, FileStat

#: Length of an action entry, and of what ``cmd/go`` accepts as one.
ENTRY_BYTES = 175
#: A longer output is hashed and not looked into.
MAX_WHOLE_BYTES = 64 << 20
#: At most this many strays and entries of one output are listed, and files as examples of a hazard.
MAX_STRAYS = 1000
MAX_ENTRIES = 100
MAX_EXAMPLES = 5
#: A time further ahead of now than this (nanoseconds) lies in the future; clocks differ a little.
FUTURE_NS = 3600 * 10**9

EntryForm = Literal["canonical", "foreign", "malformed"]
EntryFlaw = Literal[
    "",
    "empty",  # malformed, so that Go misses
    "short",
    "long",
    "header",  # version, separators, newline
    "action",  # the ID inside is not the name's
    "hex",
    "size",
    "time",
    "capitals",  # foreign: Go takes it and never writes it
    "number",  # a sign, or zeros as padding
    "zero-time",
]


class ActionEntry(NamedTuple):
    """An action entry, ``xx/ID-a``."""

    action: bytes
    #: None where even lstat failed.
    stat: FileStat | None
    #: Why it could not be read; `form` is then ``malformed``.
    fault: Fault | None
    form: EntryForm
    flaw: EntryFlaw
    #: The ID of its output; ``b""`` where `form` is ``malformed``, and size and time are 0.
    output: bytes
    size: int
    #: Nanoseconds since 1970.
    time: int


#: What the first bytes of an output say that it is.
OutputKind = Literal[
    "archive",
    "executable",  # ELF, PE, Mach-O or wasm
    "index",  # of the Go files of a package or a module
    "facts",  # of vet
    "report",  # of vet: JSON
    "test-log",
    "profile",  # of coverage
    "cover-meta",  # which functions are counted for coverage
    "pgo-profile",
    "empty",
    "other",
]
#: Kinds of which every output is told, not only a suspect one, because the engine looks no further.
TOLD_KINDS: frozenset[OutputKind] = frozenset(
    ["executable", "facts", "report", "test-log", "profile", "cover-meta", "pgo-profile"]
)
OutputFlaw = Literal[
    "folder-empty",  # the folder of an executable holds nothing
    "folder-crowded",  # or more than one file
    "not-executable",  # nobody may run the folder's file
    "archive-format",  # begins as an archive of Go's compiler and is none
    "content-id",  # the build ID's content part is not that of the content
    "export-fingerprint",  # the export data does not have the fingerprint that ends it
    "object-fingerprint",  # the linker object does not have the export data's fingerprint
    "index-format",
]


class OutputMeasurement(NamedTuple):
    """An output: ``xx/ID-d``, or the only file in the folder of that name."""

    output: bytes
    #: Of ``xx/ID-d`` itself.
    stat: FileStat | None
    #: In the folder of an executable: the file's name and what lstat says of it.
    file: bytes
    file_stat: FileStat | None
    #: Why the content could not be read.
    fault: Fault | None
    #: Bytes of content read, and their SHA-256.
    size: int
    sha256: bytes | None
    kind: OutputKind
    #: Of an archive, as it stands there; ``b""`` where there is none, and for every other kind.
    build_id: bytes
    flaws: tuple[OutputFlaw, ...]


class EntryOf(NamedTuple):
    """An action entry as its output knows it."""

    action: bytes
    size: int
    time: int


class ToldOutput(NamedTuple):
    """An output that is not as its name or one of its entries says or not as Go writes one.

    Or one of TOLD_KINDS.
    """

    measured: OutputMeasurement
    #: The entries that name it, by action; at most MAX_ENTRIES, those that do not fit it first.
    entries: tuple[EntryOf, ...]
    entries_total: int


StrayKind = Literal[
    "unknown",  # Go never makes such a name here
    "capitals",  # would be an ID but for capital letters
    "shard",  # an ID in the folder of another
    "link",  # a shard that is a symbolic link
    "not-folder",  # a shard that is no folder
]


class Stray(NamedTuple):
    """Something in the cache that the go command does not use."""

    name: bytes
    kind: StrayKind


HazardCode = Literal[
    "world-writable",
    "group-writable",
    "hard-link",  # has other names, in the cache or elsewhere
    "future",  # its time is over FUTURE_NS ahead of now
]


class Hazard(NamedTuple):
    """What many files may have in common."""

    code: HazardCode
    files: int
    #: The first by name, at most MAX_EXAMPLES.
    examples: tuple[bytes, ...]


class Survey(NamedTuple):
    """What is in a build cache, without the content of its outputs."""

    #: Of the 256.
    shards: int
    #: The root, shards and folders in them that cannot be listed, by name.
    faults: tuple[Fault, ...]
    actions: int
    outputs: int
    #: How many of the outputs are folders.
    executables: int
    #: Sum of the outputs' sizes (of the folders' files where there is one).
    size: int
    #: Entries whose output is not there, and outputs that no entry names, with their bytes.
    dangling: int
    orphans: int
    orphan_bytes: int
    #: Outputs of 0 bytes under the name of something else: what a full disk leaves.
    hollow: int
    hollow_examples: tuple[bytes, ...]
    strays: tuple[Stray, ...]
    strays_total: int
    #: Numeric owners of entries and outputs, and how many each has.
    owners: tuple[tuple[int, int], ...]
    hazards: tuple[Hazard, ...]


class OutputsRead(NamedTuple):
    """Outputs that were read; told from time to time."""

    outputs: int
    #: Bytes of content.
    size: int
    #: Those that went away before they could be read.
    vanished: int


class MissingImport(NamedTuple):
    """A build of a package that an archive was compiled from, and that no archive of the cache is."""

    #: An archive that names it: the first by ID.
    importer: bytes
    #: What it names: the fingerprint of export data, 8 bytes.
    fingerprint: bytes


class Imports(NamedTuple):
    """What archives say of the builds that they were compiled from: import path and fingerprint.

    Of archives whose content is what their name says, that an entry names, and that were there a while
    before `now_ns`.
    """

    #: How many different ones they name; only the first 2^20 by path's SHA-256 and fingerprint count.
    named: int
    #: How many of those no archive is.
    missing: int
    #: The first of the missing that are not altered, at most MAX_EXAMPLES.
    examples: tuple[MissingImport, ...]
    #: Those of the missing whose fingerprint is that of another build of the same package but for one byte;
    #: at most MAX_STRAYS.
    altered: tuple[MissingImport, ...]


#: What comes of measuring a build cache: entries that are not canonical, then the survey, then the rest; at
#: the end the imports, where an archive names any.
BuildAnswer = ActionEntry | Survey | ToldOutput | OutputsRead | Imports


class BuildMeasurements(Iterator[BuildAnswer], Protocol):
    """A measurement under way; a generator will do."""

    def close(self) -> None:
        """Stop the work soon; no more answers come."""
        ...
