"""``dirhash.HashDir`` and ``dirhash.HashZip`` where they fail, or go where the engines will not.

Where an engine has an h1, it is Go's.  Where it has a fault, Go may have words of its own for it, or may
have gone on: it follows a link out of the tree.  These functions do it as Go does, one file after the
other, but open only regular files and the null device, so that nothing blocks for ever.
Source: ``golang.org/x/mod/sumdb/dirhash/hash.go``, ``path/filepath/path.go``.
"""

from __future__ import annotations

import base64
import errno
import hashlib
import os
import stat
from collections.abc import Iterator

from fastverify.engine.protocol import MAX_ZIP_BYTES, Engine, Fault, MeasurementError
from fastverify.engine.pure.faults import FaultError
from fastverify.engine.pure.files import OPEN_FLAGS
from fastverify.engine.pure.zip_content import DEFLATED, ZipContents
from fastverify.engine.pure.zip_directory import Entry, read_directory
from fastverify.goverify.flate import corrupt_at
from fastverify.goverify.oserrors import GoError, path_error

_PIECE = 1 << 20
_NEWLINE = "dirhash: filenames with newlines are not supported"
_LOCAL_HEADER = 30

_ZIP_WORDS = {
    "zip-format": "zip: not a valid zip file",
    "zip-algorithm": "zip: unsupported compression algorithm",
    "zip-checksum": "zip: checksum error",
}


def hash_dir(root: str, prefix: str) -> str:
    """``dirhash.HashDir(root, prefix, Hash1)``.  Raises GoError with the error's text."""
    top = os.fsencode(root)
    files = sorted(os.fsencode(prefix) + path[len(top) :] for path in _files(top))
    whole = hashlib.sha256()
    for name in files:
        if b"\n" in name:
            raise GoError(_NEWLINE)
        path = top + name[len(os.fsencode(prefix)) :]
        whole.update(_file_digest(path).encode() + b"  " + name + b"\n")
    return "h1:" + base64.b64encode(whole.digest()).decode()


def _files(top: bytes) -> Iterator[bytes]:
    """``dirhash.DirFiles``: every path that is no directory, in the order of ``filepath.Walk``."""
    try:
        found = os.lstat(top)
    except OSError as error:
        raise path_error("lstat", top, error.errno or 0) from None
    if not stat.S_ISDIR(found.st_mode):
        raise GoError(f"{os.fsdecode(top)} is not a directory")
    folders = [iter([top])]
    while folders:
        path = next(folders[-1], None)
        if path is None:
            folders.pop()
            continue
        try:
            is_folder = stat.S_ISDIR(os.lstat(path).st_mode)
        except OSError as error:
            raise path_error("lstat", path, error.errno or 0) from None
        if not is_folder:
            yield path
            continue
        try:
            names = sorted(os.listdir(path))
        except OSError as error:
            raise path_error("open", path, error.errno or 0) from None
        folders.append(iter([path + b"/" + name for name in names]))


def _file_digest(path: bytes) -> str:
    """SHA-256 in hex of the file that `path` leads to, through links."""
    digest = hashlib.sha256()
    try:
        found = os.stat(path)
    except OSError as error:
        raise path_error("open", path, error.errno or 0) from None
    if stat.S_ISDIR(found.st_mode):
        raise path_error("read", path, errno.EISDIR)
    if _is_null_device(found):
        return digest.hexdigest()
    if not stat.S_ISREG(found.st_mode):
        raise path_error("open", path, errno.ENXIO)
    try:
        descriptor = os.open(path, OPEN_FLAGS)
    except OSError as error:
        raise path_error("open", path, error.errno or 0) from None
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise path_error("open", path, errno.ENXIO)
        left = MAX_ZIP_BYTES
        while piece := os.read(descriptor, _PIECE):
            digest.update(piece)
            left -= len(piece)
            if left < 0:
                raise path_error("read", path, errno.EFBIG)
    except OSError as error:
        raise path_error("read", path, error.errno or 0) from None
    finally:
        os.close(descriptor)
    return digest.hexdigest()


def _is_null_device(found: os.stat_result) -> bool:
    """Whether it is the one device that Go reads to its end, which is at once."""
    if not stat.S_ISCHR(found.st_mode):
        return False
    try:
        return os.stat(os.devnull).st_rdev == found.st_rdev
    except OSError:
        return False


def hash_zip(path: str, fault: Fault, engine: Engine, threads: int) -> str:
    """``dirhash.HashZip(path, Hash1)`` for a zip that an engine found `fault` with.

    Raises GoError with the error's text.
    """
    if fault.code in ("zip-too-large", "too-many-names"):
        # Go refuses to extract the one, but hashes both.
        try:
            return engine.hash_zip(path, threads=threads)
        except MeasurementError as error:
            fault = error.fault
    raise GoError(_zip_words(path, fault))


def _zip_words(path: str, fault: Fault) -> str:
    if fault.code in ("zip-format", "zip-eof", "zip-corrupt") and fault.name:
        return _entry_words(path, fault)
    if fault.code in _ZIP_WORDS:
        return _ZIP_WORDS[fault.code]
    if fault.code == "name-newline":
        return _NEWLINE
    if fault.code == "os":
        return str(path_error(_operation(path), path, fault.errno))
    if fault.code == "not-regular":
        is_folder = os.path.isdir(path)
        return str(
            path_error("read" if is_folder else "open", path, errno.EISDIR if is_folder else errno.ENXIO)
        )
    return "unexpected EOF" if fault.code == "zip-eof" else _ZIP_WORDS["zip-format"]


def _operation(path: str) -> str:
    """What the system refused: to open the file, or to read it."""
    try:
        os.close(os.open(path, OPEN_FLAGS))
    except OSError:
        return "open"
    return "read"


def _entry_words(path: str, fault: Fault) -> str:
    """What Go says of one entry: the offset of the corruption, or which kind of end it came to."""
    try:
        descriptor = os.open(path, OPEN_FLAGS)
    except OSError as error:
        return str(path_error("open", path, error.errno or 0))
    try:
        size = os.fstat(descriptor).st_size
        directory = read_directory(descriptor, size)
        # Of several entries of one name the last counts for all.
        number = max(n for n, name in enumerate(directory.names) if name == fault.name)
        entry = directory[number]
    except (FaultError, ValueError):  # changed since it was measured
        return _ZIP_WORDS["zip-format"]
    finally:
        os.close(descriptor)
    if entry.offset < 0:
        return f"readat {path}: negative offset"
    if fault.code == "zip-format":
        return _ZIP_WORDS[fault.code]
    if fault.code == "zip-eof":
        return "EOF" if entry.offset + _LOCAL_HEADER > size else "unexpected EOF"
    at = _corrupt_at(path, entry)
    return f"flate: corrupt input before offset {at}"


def _corrupt_at(path: str, entry: Entry) -> int:
    if entry.method != DEFLATED:
        return 0
    stream = bytearray()
    contents = ZipContents(os.fsencode(path))
    try:
        # Stored, the compressed bytes come as they are.
        raw = (entry.offset, entry.compressed_size, entry.compressed_size, 0, 0, 0, False)
        for piece in contents.chunks(raw):
            stream += piece
    except FaultError:  # it ends too early; what there was of it is enough
        pass
    finally:
        contents.close()
    return corrupt_at(bytes(stream)) or 0
