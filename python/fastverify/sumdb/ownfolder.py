"""The folder of fastverify's own in which it keeps what it has fetched from a checksum database.

Laid out as the go command's: ``lookup``, ``tile`` and ``latest`` below ``sumdb/<database>``.  Nothing in
it is believed: it is proved again at each use, like Go's.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping

from fastverify.errors import FastverifyError

#: Names another folder than the platform's.
ENVIRONMENT_VARIABLE = "FASTVERIFY_CACHE"

#: How the names of files begin that are being written, and when (seconds) one is left over for sure.
_PREFIX = "fastverify-"
_LEFT_OVER = 3600.0


def cache_folder(environ: Mapping[str, str] | None = None) -> str:
    """Where fastverify keeps what it can fetch again.  Raises FastverifyError where nobody says."""
    env = os.environ if environ is None else environ
    named = env.get(ENVIRONMENT_VARIABLE)
    if named:
        return os.path.abspath(named)
    if sys.platform == "win32":
        base = env.get("LOCALAPPDATA", "")
    elif sys.platform == "darwin":
        home = env.get("HOME", "")
        base = os.path.join(home, "Library", "Caches") if home else ""
    else:
        home = env.get("HOME", "")
        base = env.get("XDG_CACHE_HOME", "")
        if not os.path.isabs(base):  # the XDG specification says to ignore it then
            base = os.path.join(home, ".cache") if home else ""
    if not base:
        raise FastverifyError(
            f"there is no home folder to keep fetched records in; name a folder with {ENVIRONMENT_VARIABLE}"
        )
    return os.path.join(base, "fastverify")


class OwnFolder:
    """Where the files of one database are kept.  Many processes may use it at once."""

    def __init__(self, cache: str, database: str) -> None:
        self.path = os.path.join(cache, "sumdb", *database.split("/"))
        self._temporary = os.path.join(cache, "tmp")

    def refuse_inside(self, roots: Iterable[str]) -> None:
        """Raise FastverifyError where the folder lies in one of the caches `roots`."""
        for path, root in itertools.product((self.path, self._temporary), roots):
            with contextlib.suppress(ValueError):  # on another drive
                real = os.path.realpath(root)
                if os.path.commonpath([real, os.path.realpath(path)]) == real:
                    raise FastverifyError(
                        f"fetched records would lie in {path}, inside the cache {root}, into which "
                        f"nothing is written; name another folder with {ENVIRONMENT_VARIABLE}"
                    )

    def sweep(self) -> None:
        """Remove what was being written when a fastverify was killed, long ago."""
        with contextlib.suppress(OSError), os.scandir(self._temporary) as scan:
            for entry in scan:
                if not entry.name.startswith(_PREFIX):
                    continue
                with contextlib.suppress(OSError):
                    if time.time() - entry.stat(follow_symlinks=False).st_mtime > _LEFT_OVER:
                        os.unlink(entry.path)

    def write(self, relative: str, content: bytes) -> None:
        """Put `content` at `relative`, whole or not at all.  Raises FastverifyError."""
        path = os.path.join(self.path, *relative.split("/"))
        try:
            os.makedirs(self._temporary, exist_ok=True)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            descriptor, temporary = tempfile.mkstemp(prefix=_PREFIX, dir=self._temporary)
            try:
                with os.fdopen(descriptor, "wb") as file:
                    file.write(content)
                os.replace(temporary, path)
            except BaseException:
                with contextlib.suppress(OSError):
                    os.unlink(temporary)
                raise
        except OSError as error:
            raise FastverifyError(
                f"cannot write {path}: {error.strerror or error}; name another folder with "
                f"{ENVIRONMENT_VARIABLE}, or check without --sumdb"
            ) from error

    def remove(self, path: str) -> bool:
        """Remove a file of this folder; False for a path that is none."""
        if not path.startswith(os.path.join(self.path, "")):
            return False
        with contextlib.suppress(OSError):
            os.unlink(path)
        return True
