"""One module of the build list, as ``go mod verify`` looks at it.

Source: ``verifyMod`` in ``cmd/go/internal/modcmd/verify.go``, ``CachePath`` and ``DownloadDir`` in
``cmd/go/internal/modfetch/cache.go``.
"""

from __future__ import annotations

import errno
import os
import stat
from dataclasses import dataclass

from fastverify.engine.protocol import Engine, ModuleMeasurement, ModuleTask
from fastverify.engine.pure.files import OPEN_FLAGS, read_next
from fastverify.goverify import hashing
from fastverify.goverify.oserrors import GoError, path_error
from fastverify.modcache import layout
from fastverify.modcache.gosum import BLANKS
from fastverify.modcache.modulefiles import file_path, tree_path

#: How much an extracted module outweighs its zip, for sharing work.
_UNPACKED = 5
_UNKNOWN = 1 << 20
#: Go reads a ``.ziphash`` of any length, and trims the blanks around the hash.
_MOST_ZIPHASH = 16 << 20


@dataclass(slots=True)
class Parts:
    """What there is of a module version, to Go's mind."""

    module: str
    version: str
    #: The paths that Go would open; None for a part that counts as absent.
    zip: str | None
    tree: str | None
    #: The trimmed content of ``.ziphash``; None where it cannot be read.
    recorded: bytes | None
    #: Why not, in Go's words.
    unread: str
    zip_bytes: int

    @property
    def is_absent(self) -> bool:
        """Whether there is nothing that Go would verify."""
        return self.recorded is None and self.zip is None and self.tree is None


def look_at(root: str, module: str, version: str) -> Parts:
    """The parts of a module version in the module cache `root` (absolute and clean)."""
    if layout.is_module_path(module) and layout.is_version(version):
        zip_, tree = file_path(root, module, version, "zip"), tree_path(root, module, version)
        partial = file_path(root, module, version, "partial")
    else:
        # No file can have such a name: CachePath answers with "", and only "hash" is added to that.
        zip_ = tree = partial = ""
    ziphash = f"{zip_}hash"
    recorded, unread = _read_ziphash(ziphash)
    there, size = (True, 0) if not zip_ else _zip_state(zip_)
    return Parts(
        module,
        version,
        zip_ if there else None,
        tree if not tree or _counts(tree, partial, ziphash, module) else None,
        recorded,
        unread,
        size,
    )


def _zip_state(path: str) -> tuple[bool, int]:
    try:
        return True, os.stat(path).st_size
    except FileNotFoundError:
        return False, 0
    except OSError:
        return True, 0


def _counts(tree: str, partial: str, ziphash: str, module: str) -> bool:
    """Whether ``DownloadDir`` takes the tree as there; what it refuses to say counts as there."""
    try:
        if not stat.S_ISDIR(os.stat(tree).st_mode):
            return False
    except OSError:
        return False
    try:
        os.stat(partial)
        return False
    except FileNotFoundError:
        pass
    except OSError:
        return True
    if module == layout.FIPS140:
        return True
    try:
        os.stat(ziphash)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return True


def _read_ziphash(path: str) -> tuple[bytes | None, str]:
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            is_folder = os.path.isdir(path)
            operation, number = ("read", errno.EISDIR) if is_folder else ("open", errno.ENXIO)
            return None, str(path_error(operation, path, number))
        descriptor = os.open(path, OPEN_FLAGS)
    except OSError as error:
        return None, str(path_error("open", path, error.errno or 0))
    try:
        content = read_next(descriptor, _MOST_ZIPHASH + 1)
    except OSError as error:
        return None, str(path_error("read", path, error.errno or 0))
    finally:
        os.close(descriptor)
    if len(content) > _MOST_ZIPHASH:
        return b"", ""  # no hash, whatever comes after
    return content.decode("utf-8", "surrogateescape").strip(BLANKS).encode("utf-8", "surrogateescape"), ""


def task(key: int, parts: Parts) -> ModuleTask:
    """What an engine has to measure of a module version, and no more."""
    weight = parts.zip_bytes * (1 + _UNPACKED) if parts.zip_bytes else _UNKNOWN
    return ModuleTask(
        key=key,
        prefix=f"{parts.module}@{parts.version}/".encode(),
        zip=parts.zip,
        tree=parts.tree,
        mod=None,
        info=None,
        ziphash=None,
        toolchain=False,
        weight=weight,
    )


def needs_measuring(parts: Parts) -> bool:
    """Whether Go would hash anything."""
    return parts.recorded is not None and bool(parts.zip or parts.tree)


def in_brief(measured: ModuleMeasurement) -> ModuleMeasurement:
    """What :func:`errors_of` asks of a measurement, which may name very many files beside that."""
    zip_, tree = measured.zip, measured.tree
    return measured._replace(
        zip=zip_._replace(bad_entries=(), violations=()) if zip_ is not None else None,
        tree=tree._replace(faults=(), empty_directories=()) if tree is not None else None,
        differences=(),
    )


def errors_of(parts: Parts, measured: ModuleMeasurement | None, engine: Engine, threads: int) -> list[str]:
    """The lines that Go writes of a module version; none where it finds nothing.

    `measured` is what came of :func:`task`; None where nothing was to be measured.
    """
    name = f"{parts.module} {parts.version}"
    if parts.is_absent:
        return []
    if parts.recorded is None:
        return [f"{name}: missing ziphash: {parts.unread}"]
    errors = []
    try:
        if parts.zip is not None and _zip_h1(parts.zip, measured, engine, threads) != parts.recorded:
            errors.append(f"{name}: zip has been modified ({parts.zip})")
        if parts.tree is not None and _tree_h1(parts, parts.tree, measured) != parts.recorded:
            errors.append(f"{name}: dir has been modified ({parts.tree})")
    except GoError as error:
        errors.append(f"{name}: {error}")
    return errors


def _zip_h1(path: str, measured: ModuleMeasurement | None, engine: Engine, threads: int) -> bytes:
    if measured is None or measured.zip is None:
        raise path_error("open", path, errno.ENOENT)
    if measured.zip.fault is not None:
        return hashing.hash_zip(path, measured.zip.fault, engine, threads).encode()
    return (measured.zip.h1 or "").encode()


def _tree_h1(parts: Parts, path: str, measured: ModuleMeasurement | None) -> bytes:
    if measured is not None and measured.tree is not None and measured.tree.h1 is not None:
        return measured.tree.h1.encode()
    return hashing.hash_dir(path, f"{parts.module}@{parts.version}").encode()
