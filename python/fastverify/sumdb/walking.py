"""Lists the files below a folder of a checksum database, however deep and strange it is."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field

#: No record and no tile lies deeper.  (A module path has fewer elements than half a path's characters.)
MAX_DEPTH = 128


@dataclass(slots=True)
class Listing:
    """What was met on the way, beside the files."""

    #: What cannot belong to a checksum database: links, and folders that are too deep.
    strays: list[tuple[str, bool]] = field(default_factory=list)
    #: Folders that could not be listed, with the error's number.
    unreadable: list[tuple[str, int]] = field(default_factory=list)

    def files(self, folder: str) -> Iterator[tuple[str, str]]:
        """Each thing below `folder` that is no folder: its path, and that relative to `folder` with
        ``/`` between the elements, in a fixed order.  No link is followed.
        """
        pending = [(folder, "", 0)]
        while pending:
            at, prefix, depth = pending.pop()
            try:
                with os.scandir(at) as scan:
                    entries = sorted(scan, key=lambda entry: entry.name)
            except FileNotFoundError:
                continue
            except OSError as error:
                self.unreadable.append((at, error.errno or 0))
                continue
            below = []
            for entry in entries:
                if not entry.is_dir(follow_symlinks=False):
                    yield entry.path, prefix + entry.name
                elif depth < MAX_DEPTH:
                    below.append((entry.path, f"{prefix}{entry.name}/", depth + 1))
                else:
                    self.strays.append((entry.path, True))
            pending += reversed(below)
