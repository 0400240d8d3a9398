"""What ends a go command before it has verified anything."""

from __future__ import annotations

import os


class RefusedError(Exception):
    """Go gives up: `text` is what it writes to stderr, and `status` how it exits."""

    def __init__(self, text: str, status: int = 1) -> None:
        super().__init__(text)
        self.text = text
        self.status = status


def short_path(path: str, cwd: str) -> str:
    """``base.ShortPath``: `path`, or its form relative to the folder `cwd` where that is shorter."""
    if os.path.isabs(path) != os.path.isabs(cwd):
        return path  # filepath.Rel cannot tell
    try:
        relative = os.path.relpath(path, cwd)
    except ValueError:
        return path
    if len(os.fsencode(relative)) >= len(os.fsencode(path)):
        return path
    return relative if _is_same_file(os.path.join(cwd, relative), path) else path


def _is_same_file(path: str, other: str) -> bool:
    """``base.sameFile``: two that are not there count as the same."""
    try:
        return os.path.samefile(path, other)
    except FileNotFoundError:
        return not os.path.exists(path) and not os.path.exists(other)
    except (OSError, ValueError):
        return False
