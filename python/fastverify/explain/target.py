"""Which module version is meant: by name, escaped or not, or by a path inside a module cache."""

from __future__ import annotations

import os
from typing import NamedTuple

from fastverify.errors import FastverifyError
from fastverify.gomod.reading import is_absent
from fastverify.modcache import layout
from fastverify.modcache.buildlist import BuildList
from fastverify.modcache.modulefiles import FILE_KINDS, download_dir


class Target(NamedTuple):
    """A module version of a module cache."""

    root: str
    module: str
    version: str
    #: The file of the extracted tree that was asked for, relative to it; "" for all of them.
    file: str = ""


def find_target(asked: str, root: str, modules: BuildList | None) -> Target:
    """What `asked` names: ``path@version``, or something inside a module cache.

    `root` is the module cache for names.  A name without a version is that of `modules`, or the one
    version that the cache has.  Raises FastverifyError where it names nothing.
    """
    path = os.path.abspath(asked)
    if os.path.lexists(path) or os.path.isabs(asked):
        found = _by_place(path)
        if found is not None:
            return found
        if os.path.lexists(path) and layout.AT not in asked:
            raise FastverifyError(f"{asked} lies in no module cache; name a module as path@version")
    name, at, version = asked.rstrip("/").partition(layout.AT)
    if "!" in name:
        name = layout.unescape(name) or name
    if not layout.is_module_path(name):
        raise FastverifyError(
            f"{asked} is neither a module, such as example.com/m@v1.2.3, nor a path inside a module cache"
        )
    if not at:
        return Target(root, name, _only_version(name, root, modules))
    if "!" in version:
        version = layout.unescape(version) or version
    if not layout.is_version(version):
        versions = _versions(name, root)
        there = f"; the cache has {', '.join(versions[-5:])}" if versions else ""
        raise FastverifyError(f"{version or 'nothing'} is no version of {name} that a cache can hold{there}")
    return Target(root, name, version)


def _by_place(path: str) -> Target | None:
    """The module version that has `path` as a part; None where it has none."""
    root = os.path.dirname(path)
    while not os.path.isdir(download_dir(root)):
        above = os.path.dirname(root)
        if above == root:
            return None
        root = above
    below = os.path.relpath(path, root).replace(os.sep, "/")
    if below.startswith("cache/download/"):
        escaped, _, name = below.removeprefix("cache/download/").rpartition("/@v/")
        stem, _, ending = name.rpartition(".")
        module, version = layout.unescape_path(escaped), layout.unescape_version(stem)
        return Target(root, module, version) if module and version and ending in FILE_KINDS else None
    before, at, after = below.partition(layout.AT)
    escaped_version, _, file = after.partition("/")
    module, version = layout.unescape_path(before), layout.unescape_version(escaped_version)
    return Target(root, module, version, file) if at and module and version else None


def _only_version(name: str, root: str, modules: BuildList | None) -> str:
    if modules is not None and name in modules.by_path:
        version = modules.by_path[name].version
        if version:
            return version
        raise FastverifyError(f"{name} is a main module of the project; it lies in no module cache")
    versions = _versions(name, root)
    if len(versions) == 1:
        return versions[0]
    if versions:
        raise FastverifyError(f"the cache has {len(versions)} versions of {name}: {', '.join(versions)}")
    raise FastverifyError(f"nothing of {name} is in the module cache {root}")


def _versions(name: str, root: str) -> list[str]:
    """The versions of a module that have any file in the cache.

    Raises FastverifyError where that may not be looked at.
    """
    folder = os.path.join(download_dir(root), *layout.escape(name).split("/"), "@v")
    try:
        names = os.listdir(folder)
    except OSError as error:
        if is_absent(error):
            return []
        raise FastverifyError(f"{folder} cannot be read: {error.strerror}") from error
    stems = {stem for stem, _, ending in (n.rpartition(".") for n in names) if ending in FILE_KINDS}
    return sorted(filter(None, map(layout.unescape_version, stems)))
