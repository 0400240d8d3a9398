"""How many files this program may have open, for the programs that it starts as well as for itself.

A system's default is often low, so that old programs, which cannot deal with more, are safe.  So Go's own
programs raise the soft limit when they start, and give what they start the limit that they have found
(``os/rlimit.go``, ``syscall/rlimit.go``).
"""

from __future__ import annotations

import contextlib
import sys

#: More than any number of threads needs, and no more than macOS allows (its OPEN_MAX).
_ENOUGH = 10_240

_found: tuple[int, int] | None = None


def raise_limits() -> None:
    """Raise the soft limit of this process as far as it is of use and the hard one permits."""
    global _found  # noqa: PLW0603 (it is of the process)
    if sys.platform == "win32":  # it has no such limit
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    enough = _ENOUGH if hard == resource.RLIM_INFINITY else min(_ENOUGH, hard)
    if soft == resource.RLIM_INFINITY or soft >= enough:
        return
    # What is not permitted after all is not needed either.
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (enough, hard))
        _found = soft, hard


def restore_limits() -> None:
    """Go back to the limits that were found, before another program is started, which inherits them."""
    global _found  # noqa: PLW0603
    if sys.platform != "win32" and _found is not None:
        import resource

        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, _found)
        _found = None
