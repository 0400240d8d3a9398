"""The small files under ``cache/download``: ``.mod``, ``.info`` and ``.ziphash``."""

from __future__ import annotations

import hashlib
import os

from fastverify.engine.protocol import MAX_SMALL_FILE_BYTES, SmallFile
from fastverify.engine.pure.dirhash import hash1
from fastverify.engine.pure.faults import FaultError, os_fault
from fastverify.engine.pure.files import WINDOW, file_stat, lstat, open_regular, read_next


def read_small_file(path: bytes) -> SmallFile:
    """An ``.info`` or ``.ziphash``: what it is, and its content up to the limit."""
    found = None
    try:
        found = file_stat(lstat(path))
        fd, _ = open_regular(path)
        try:
            content = read_next(fd, MAX_SMALL_FILE_BYTES + 1)
        except OSError as error:
            raise os_fault(error) from None
        finally:
            os.close(fd)
    except FaultError as error:
        return SmallFile(found, error.fault(), b"", None)
    return SmallFile(found, None, content, None)


def read_go_mod(path: bytes) -> SmallFile:
    """A ``.mod``: what it is, and the h1 of its content, whatever its size."""
    found = None
    try:
        found = file_stat(lstat(path))
        fd, _ = open_regular(path)
        digest = hashlib.sha256()
        try:
            while piece := read_next(fd, WINDOW):
                digest.update(piece)
        except OSError as error:
            raise os_fault(error) from None
        finally:
            os.close(fd)
    except FaultError as error:
        return SmallFile(found, error.fault(), b"", None)
    return SmallFile(found, None, b"", hash1([(digest.digest(), b"go.mod")]))
