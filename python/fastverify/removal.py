"""The command that removes what does not belong where it is."""

from __future__ import annotations

import os
import shlex
import stat


def remove(path: str, sentence: str = "remove it") -> str:
    """A hint: `sentence`, and below it the line that removes what `path` names.

    What is in a directory may be read-only, as what go extracts is.  A link goes alone, not what it leads to.
    """
    quoted = shlex.quote(path)
    try:
        is_directory = stat.S_ISDIR(os.lstat(path).st_mode)
    except (OSError, ValueError):
        is_directory = False
    command = f"chmod -R u+w {quoted} && rm -rf {quoted}" if is_directory else f"rm -f {quoted}"
    return f"{sentence}:\n{command}"
