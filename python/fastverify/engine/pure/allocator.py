"""Memory goes back to the system when it is freed.

Of what has been freed glibc keeps what it thinks is soon needed again, for each thread by itself.  With one
thread for each worker, and names of many sizes, that comes to more than a plan has ever held.
"""

from __future__ import annotations

import sys

# The parameters of mallopt(3).
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8
#: Blocks of more than this (bytes) go back, whatever has been freed before.
_LARGE = 128 << 10


def give_memory_back() -> None:
    """Set the allocator of this process so.  Where it is not glibc's, all stays as it is."""
    if sys.platform != "linux":
        return
    import ctypes  # takes a while, and few need it

    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_TRIM_THRESHOLD, _LARGE)
        mallopt(_M_MMAP_THRESHOLD, _LARGE)
        mallopt(_M_ARENA_MAX, 1)
