"""The one time that every file in an archive bears (https://reproducible-builds.org/specs/source-date-epoch/)."""

from __future__ import annotations

import os
import time

#: 1980-01-01, UTC: the earliest time that a zip can hold.
_EARLIEST = 315532800


def source_time() -> int:
    """Seconds since 1970: ``SOURCE_DATE_EPOCH`` where it is set, and 1980-01-01 otherwise and at least."""
    return max(_EARLIEST, int(os.environ.get("SOURCE_DATE_EPOCH") or _EARLIEST))


def source_time_parts() -> tuple[int, int, int, int, int, int]:
    """The same as a zip has it: year, month, day, hour, minute, second."""
    parts = time.gmtime(source_time())
    return (parts.tm_year, parts.tm_mon, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec)
