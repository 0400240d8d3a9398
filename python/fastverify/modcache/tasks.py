"""What an engine is asked to measure of a module version as a cache has it."""

from __future__ import annotations

from fastverify.engine.protocol import ModuleTask
from fastverify.modcache import layout
from fastverify.modcache.inventory import ModuleFiles

#: How much an extracted module outweighs its zip, for sharing work and guessing the time left.
_UNPACKED = 5
#: What a tree without a zip is taken to weigh, in bytes.
_UNKNOWN_TREE = 1 << 20


def task_of(key: int, files: ModuleFiles) -> ModuleTask:
    """All that there is of it."""
    return ModuleTask(
        key=key,
        prefix=f"{files.module}@{files.version}/".encode(),
        zip=files.files.get("zip"),
        tree=files.tree,
        mod=files.files.get("mod"),
        info=files.files.get("info"),
        ziphash=files.files.get("ziphash"),
        toolchain=files.module == layout.TOOLCHAIN,
        weight=weight(files),
    )


def task_of_list(key: int, path: str) -> ModuleTask:
    """A ``list`` file is read as the small file that it is."""
    return ModuleTask(key, b"", None, None, None, path, None, False, 1)


def weight(files: ModuleFiles) -> int:
    """About how many bytes there are to read."""
    zipped = files.zip_bytes * (1 + _UNPACKED if files.tree is not None else 1)
    return zipped + 1 + (_UNKNOWN_TREE if files.tree is not None and not files.zip_bytes else 0)
