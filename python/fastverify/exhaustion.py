"""Running out of what the whole process or system has: descriptors of open files, memory.

That is no property of what is read, and so never a finding: whoever meets it cannot go on.
"""

from __future__ import annotations

import errno
import os
import sys

from fastverify.errors import EngineError

#: What is left alone, for everything else that this process does meanwhile.
_RESERVE = 24

#: What a thread takes of the address space: its stack, what it holds, and most of all what glibc's allocator
#: sets aside for it.
_OF_THREAD = 72 << 20
#: What is left alone of the address space, for everything else.
_SPACE_RESERVE = 64 << 20

#: The numbers of the errors that say so.
EXHAUSTED = frozenset([errno.EMFILE, errno.ENFILE, errno.ENOMEM])

#: What to say where not a single thread can be started, which Python tells by a RuntimeError.
NO_THREAD = (
    "the system gives this process no thread: let it have more memory or more threads (ulimit -v, -u),"
    " or use fewer (--threads)"
)


def refuse_exhaustion(number: int | None, path: str | bytes | None = None) -> None:
    """Raise EngineError where an error of the system, by its `number`, says that something is used up.

    `path` is what was to be read.
    """
    said = describe_exhaustion(number, path)
    if said is not None:
        raise EngineError(said)


def describe_exhaustion(number: int | None, path: str | bytes | None = None) -> str | None:
    """What is used up, and what to do; None where the error says nothing of the kind."""
    if number not in EXHAUSTED:
        return None
    what = f"{os.fsdecode(path)} cannot be read: " if path else ""
    if number == errno.ENOMEM:
        return f"{what}there is no memory left for it; let this process have more, or use fewer --threads"
    if number == errno.ENFILE:
        where = " (sysctl fs.file-max)" if sys.platform == "linux" else ""
        return f"{what}the system can have no more files open; end other programs, or let it have more{where}"
    limit = descriptor_limit()
    most = "" if limit is None else f" than {limit:,} at a time"
    do = "raise that limit (ulimit -n), or use fewer --threads"
    return f"{what}this process may have no more files open{most}; {do}"


def descriptor_limit() -> int | None:
    """How many files this process may have open at a time; None where there is no limit."""
    if sys.platform == "win32":
        return None
    import resource

    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return None if limit == resource.RLIM_INFINITY else limit


def descriptors_left() -> int:
    """About how many files this process may still open, while it leaves some for everything else."""
    limit = descriptor_limit()
    if limit is None:
        return sys.maxsize
    try:
        in_use = len(os.listdir("/proc/self/fd" if sys.platform == "linux" else "/dev/fd"))
    except OSError:
        in_use = limit // 8
    return max(limit - in_use - _RESERVE, 0)


def room_for_threads() -> int:
    """For how many threads more there is address space, where the process may have only so much of it."""
    if sys.platform != "linux":
        return sys.maxsize  # elsewhere nothing is known of it
    import resource

    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    if limit == resource.RLIM_INFINITY:
        return sys.maxsize
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            in_use = int(file.read().split()[0]) * resource.getpagesize()
    except OSError:
        in_use = 0
    return max(limit - in_use - _SPACE_RESERVE, 0) // _OF_THREAD
