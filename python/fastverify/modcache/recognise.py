"""Is this folder a module cache, and if not, what is it and what was probably meant?"""

from __future__ import annotations

import os
import re

from fastverify.errors import FastverifyError
from fastverify.exhaustion import refuse_exhaustion

_SHARD = r"[0-9a-f]{2}"
#: The folder of an extracted module.
_TREE = r".+@v[0-9].*"


def require_module_cache(path: str) -> None:
    """Raise FastverifyError, saying what `path` looks like, where it is no module cache.

    An empty folder passes: a module cache that holds nothing yet.
    """
    if not path:
        raise FastverifyError("the path given is empty; without any, the go command's own cache is checked")
    if not os.path.lexists(path):
        raise FastverifyError(
            f"{path} does not exist; the go command makes its module cache when it first downloads a module"
        )
    if not os.path.isdir(path):
        hint = ""
        if path.endswith((".zip", ".mod")):
            hint = f"; for the hash of one file: fastverify hash {path}"
        raise FastverifyError(f"{path} is no folder, so it is no module cache{hint}")
    try:
        names = set(os.listdir(path))
    except OSError as error:
        refuse_exhaustion(error.errno, path)
        raise FastverifyError(f"{path} cannot be read: {error.strerror}") from error
    if names and not is_module_cache(path, names):
        raise FastverifyError(f"{path} is no module cache{_what_it_is(path, names)}")


def is_module_cache(path: str, names: set[str]) -> bool:
    """Whether the folder `path`, which holds `names`, has the layout of GOMODCACHE."""
    if _has_downloads(path):
        return True
    if _cache_around(path) is not None or _cache_below(path, names) is not None:
        return False
    # Without downloads there may still be extracted trees, such as github.com/x/y@v1.0.0.
    if any(re.fullmatch(_TREE, name) for name in names):
        return True
    hosts = [name for name in names if "." in name and not name.startswith(".")]
    return any(_holds_tree(os.path.join(path, host), depth=3) for host in sorted(hosts)[:50])


def _has_downloads(path: str) -> bool:
    return os.path.isdir(os.path.join(path, "cache", "download"))


def _cache_around(path: str) -> str | None:
    """The module cache in which the folder `path` lies."""
    folder, above = "", os.path.abspath(path)
    while folder != above:
        folder, above = above, os.path.dirname(above)
        if _has_downloads(above):
            return above
    return None


def _cache_below(path: str, names: set[str]) -> str | None:
    """A module cache that lies right in the folder `path`, which holds `names`."""
    below = (os.path.join(path, name) for name in sorted(names)[:200])
    return next((folder for folder in below if _has_downloads(folder)), None)


def _holds_tree(folder: str, depth: int) -> bool:
    try:
        with os.scandir(folder) as scan:
            entries = sorted(scan, key=lambda entry: entry.name)[:200]
    except OSError:
        return False
    if any(re.fullmatch(_TREE, entry.name) for entry in entries):
        return True
    return depth > 0 and any(
        _holds_tree(entry.path, depth - 1) for entry in entries if entry.is_dir(follow_symlinks=False)
    )


def _what_it_is(path: str, names: set[str]) -> str:
    below = os.path.join(path, "pkg", "mod")
    if os.path.isdir(os.path.join(below, "cache")):
        return f"; it looks like a GOPATH, whose module cache is {below}"
    if sum(1 for name in names if re.fullmatch(_SHARD, name)) > 16:
        return "; it looks like a Go build cache (GOCACHE): check it with check_caches"
    base = os.path.basename(os.path.abspath(path))
    cache = _cache_around(path)
    if cache is not None:
        return f"; it is a part of the module cache {cache}"
    cache = _cache_below(path, names)
    if cache is not None:
        return f"; did you mean {cache}?"
    if "modules.txt" in names:
        return "; it looks like a vendor folder, which this version does not check"
    if "@" in base:
        return "; it looks like one extracted module: give the module cache that holds it"
    if "go.mod" in names or "go.work" in names:
        return (
            "; it looks like a Go project: to check the module cache with its go.sum: "
            f"fastverify check --project {path}"
        )
    return ": it has neither cache/download nor extracted modules; go env GOMODCACHE names the right one"


def is_vendor_folder(path: str) -> bool:
    """Whether `path` is meant as a vendor folder: by its name, or by the file that lists its modules."""
    named = os.path.basename(os.path.abspath(path)) == "vendor"
    return os.path.isdir(path) and (named or os.path.isfile(os.path.join(path, "modules.txt")))
