"""Telling what a folder is that is no module cache."""

from __future__ import annotations

from pathlib import Path

import pytest

from fastverify import check_module_cache
from fastverify.errors import FastverifyError
from fastverify.modcache.recognise import require_module_cache


def _make(root: Path, *names: str) -> Path:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if name.endswith("/"):
            path.mkdir(exist_ok=True)
        else:
            path.write_bytes(b"")
    return root


@pytest.mark.parametrize(
    "names",
    [
        (),
        ("cache/download/x.example/",),
        ("github.com/a/b@v1.0.0/",),
        ("example.com@v1.0.0/",),
        ("k8s.io/api@v0.30.0/", "LEFTOVER"),
    ],
)
def test_module_caches(tmp_path: Path, names: tuple[str, ...]) -> None:
    require_module_cache(str(_make(tmp_path, *names)))


@pytest.mark.parametrize(
    ("names", "inside", "said"),
    [
        (("pkg/mod/cache/download/",), "", "a GOPATH, whose module cache is .*pkg/mod$"),
        (tuple(f"{n:02x}/" for n in range(256)), "", "a Go build cache"),
        (("cache/download/x.example/",), "cache/download", "a part of the module cache"),
        (("cache/download/x.example/",), "cache", "a part of the module cache"),
        (
            ("cache/download/x.example/y/@v/v1.0.0.zip",),
            "cache/download/x.example",
            "a part of the module cache",
        ),
        (("cache/download/z/", "x.example/y@v1.0.0/go.mod"), "x.example", "a part of the module cache"),
        (("mod/cache/download/", "mod/x.example/y@v1.0.0/go.mod"), "", "did you mean .*mod\\?$"),
        (("modules.txt", "github.com/a/b/x.go"), "", "a vendor folder"),
        (("x@v1.0.0/go.mod",), "x@v1.0.0", "one extracted module"),
        (("go.mod", "main.go"), "", "a Go project.*--project"),
        (("notes.txt",), "", "neither cache/download nor extracted modules"),
        (("x.zip",), "x.zip", "no folder.*fastverify hash"),
        ((), "nowhere", "does not exist"),
    ],
)
def test_what_else_it_may_be(tmp_path: Path, names: tuple[str, ...], inside: str, said: str) -> None:
    with pytest.raises(FastverifyError, match=said) as error:
        require_module_cache(str(_make(tmp_path, *names) / inside))
    assert str(tmp_path) in str(error.value)
    assert "\n" not in str(error.value)


def test_an_empty_path() -> None:
    """An unset variable in quotes is not the present folder."""
    with pytest.raises(FastverifyError, match="the path given is empty"):
        check_module_cache("")
