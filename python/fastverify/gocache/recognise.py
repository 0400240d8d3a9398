"""Is this folder a build cache?"""

from __future__ import annotations

import os
from collections.abc import Iterable

from fastverify.errors import FastverifyError
from fastverify.exhaustion import refuse_exhaustion
from fastverify.gocache.layout import FUZZ, README, SHARDS, TEST_EXPIRE, TRIM

#: The go command makes all 256 shards whenever it opens the cache; a few may have been removed.
_FEWEST_SHARDS = 16


#: What ``go clean -cache`` leaves, beside the README.
_LEFT = frozenset([TRIM, TEST_EXPIRE, FUZZ])


def is_build_cache(names: Iterable[str]) -> bool:
    """Whether a folder that holds `names` has the layout of GOCACHE, or of one that go has emptied."""
    found = set(names)
    shards = found.intersection(SHARDS)
    if len(shards) >= _FEWEST_SHARDS:
        return True
    others = found - shards
    return README in others and bool(others & _LEFT) and others <= _LEFT | {README}


def names_in(path: str) -> set[str]:
    """The names in the folder `path`.  Raises FastverifyError where it cannot be listed."""
    try:
        return set(os.listdir(path))
    except OSError as error:
        refuse_exhaustion(error.errno, path)
        raise FastverifyError(f"{path} cannot be read: {error.strerror}") from error


def refuse_part(path: str) -> None:
    """Raise FastverifyError where `path` lies in a build cache: only a whole one can be checked."""
    folder, above = path, os.path.dirname(path)
    while folder != above:
        # Deeper than an executable's file no path of a cache is, but for the corpora of fuzzing.
        if os.path.isdir(os.path.join(above, SHARDS[0])) and is_build_cache(_names(above)):
            raise FastverifyError(
                f"{path} is a part of the build cache {above}: check that, or see what it is with "
                f"fastverify gocache show {path}"
            )
        folder, above = above, os.path.dirname(above)


def _names(path: str) -> list[str]:
    try:
        return os.listdir(path)
    except OSError:
        return []
