"""What the go command does about each kind of damage in a build cache, and what a person does next.

The sentences on Go were checked with the go command itself; ``tests/gocache`` shows each of them.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable

GO_USES_OUTPUT = (
    "the go command looks at its size only, so it links, runs or believes it as it is; only what it reads "
    "whole (compiler messages, file lists, test logs) does it hold to the name"
)
GO_MISSES_SIZE = "the go command sees that the size is not the entry's, and makes the output again"
GO_REWRITES_OUTPUT = "the go command does not use it, and writes it anew when it next makes this output"
GO_USES_REPOINTED = (
    "the go command takes the output for what the entry's action makes: it links or runs the wrong one, or "
    "stops with a compile error that a new build does not cure"
)
GO_USES_FORGED = "the go command uses it, because it compares neither of the two"
GO_MISSES_ENTRY = "the go command takes the entry for absent, makes the output again and rewrites the entry"
GO_TAKES_ENTRY = "the go command uses the entry like one of its own"
GO_MISSES_FOLDER = "the go command links the executable again each time, and does not mend the folder"
GO_CANNOT_RUN = "go run and go tool fail with: permission denied; the folder is not mended"
GO_FOLLOWS_LINK = (
    "the go command reads through the link, and where it leads to nothing, writes a file outside of the cache"
)
GO_HANGS = "the go command opens it like any file, and can hang for ever"
GO_CANNOT_READ = (
    "the go command fails with messages that name something else, such as: package fmt is not in std"
)
GO_IGNORES = "the go command does not look at it"
GO_FAILS_UNWRITABLE = (
    "the go command drops what it makes without a word, and fails with: open ...-d: permission denied "
    "where it has to write an index"
)
GO_BELIEVES_WRITERS = (
    "the go command believes whatever lies there: whoever may write it decides what is linked"
)
GO_REWRITES_TRIM = "the go command trims the cache once more and rewrites the file"
GO_RERUNS_TESTS = "the go command runs every test anew until that time has come"
GO_NEVER_TRIMS = "the go command trims nothing until that time has come"
GO_KEEPS_FUTURE = (
    "the go command leaves the time as it is, and does not trim the file until five days after it"
)
GO_WRITES_IN_PLACE = "the go command writes in place, so that a change shows under every other name too"
GO_FAILS_TRIM = (
    "go build, run, test and vet do their work and fail with: failed to trim cache: Lock .../trim.txt"
)
GO_TRIMS_EACH_TIME = (
    "go build, run, test and vet trim the cache each time; before Go 1.26 they fail with: failed to trim "
    "cache: Lock .../trim.txt"
)
GO_LOCKS_STAMPS = (
    "the go command locks trim.txt and testexpire.txt only, and writes all else in place: another machine "
    "can link what is half written"
)
GO_FUZZES_ON = "go test -fuzz begins with whatever value lies there; no build and no other test reads it"
GO_PASSES_VALUE = "go test -fuzz passes without a word over what it cannot parse"
GO_FUZZES_LINK = "go test -fuzz reads what the link leads to, and fails where that cannot be read"
GO_READS_WHOLE = "go test -fuzz reads it into memory whole"
GO_CANNOT_FUZZ = "go test -fuzz of this target fails with: failed to read corpus file"
GO_KEEPS_IMPORTERS = (
    "the go command goes on using it, because what it was made from looks the same when the damaged archive "
    "is made anew"
)
GO_KEEPS_PROGRAMS = (
    "go run and go tool go on running it, because what it was linked from looks the same when the damaged "
    "archive is made anew"
)
GO_REFUSES_IMPORTERS = (
    "linking fails with: fingerprint mismatch; also when the damaged archive is made anew, because the go "
    "command goes on using what was compiled from it"
)
GO_REMAKES_IMPORTS = (
    "the go command makes it again when it is needed, the same from the same inputs; where it comes out "
    "otherwise, linking fails with: fingerprint mismatch"
)

HINT_LEAVE = "nothing has to be done"
HINT_WHY = (
    "nothing has to be done; should linking fail so, fastverify gocache why names the archive that is to be "
    "made anew"
)
HINT_LOCAL = (
    "set GOCACHE to a folder on a local disk, one for each machine; GOCACHEPROG is made for sharing a cache"
)
HINT_READER = "run fastverify as a user who may read it, or give the files to the cache's user with chown"


def drop_entries(paths: Iterable[str], *, total: int, built_from: bool = False) -> str:
    """Deleting entries is safe at any time: Go then makes the output again and rewrites a bad one."""
    listed = list(paths)
    more = f" (and {total - len(listed)} more entries, -v lists them)" if total > len(listed) else ""
    after = (
        "; what was built from it meanwhile stays damaged, so build that with -a, or run go clean -cache"
        if built_from
        else ""
    )
    return f"delete the entry, Go then makes the output again{more}{after}:\nrm -f {_quoted(listed)}"


def drop_when_idle(path: str) -> str:
    """An output must not go while a go command runs that has found its entry."""
    return f"remove it when no go command runs:\nrm -rf {shlex.quote(path)}"


def _quoted(paths: Iterable[str]) -> str:
    return " ".join(shlex.quote(path) for path in paths)
