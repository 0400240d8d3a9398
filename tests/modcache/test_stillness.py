"""For how long nothing has changed at some paths."""

from __future__ import annotations

import os
import tracemalloc
from itertools import repeat
from pathlib import Path

from fastverify.modcache import live


def test_stillness_ends_with_any_change(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.touch()
    second.touch()
    paths = [os.fspath(path) for path in (first, second, tmp_path / "absent")]
    around = live.Stillness()
    assert around.seconds(paths) == 0.0  # young
    while not (still := around.seconds(paths)):
        pass
    assert around.seconds(paths) > still
    assert around.seconds(paths[::-1]) == 0.0  # others, seen for the first time
    assert around.seconds(paths) < around.seconds(paths)
    second.chmod(0o600)
    assert around.seconds(paths) == 0.0


def test_of_very_many_paths_little_is_kept(tmp_path: Path) -> None:
    """Of a whole cache, while it looks as if somebody were emptying it."""
    around = live.Stillness()
    tracemalloc.start()
    try:
        around.seconds(repeat(os.fspath(tmp_path), 20_000))
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 100_000
