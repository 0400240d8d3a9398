"""The exit statuses of the command line."""

from __future__ import annotations

#: Nothing was found at or above the failing severity.
CLEAN = 0
#: Something was, or a path has no hash.
FOUND = 1
#: The work that was asked for could not be done.
FAILED = 2
# 128 + the signal's number, as a shell reports a command that a signal ended.
INTERRUPTED = 130
#: The reader of the output has gone (``| head``).  0 would claim that there was nothing more to say.
BROKEN_PIPE = 141
TERMINATED = 143
