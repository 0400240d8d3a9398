"""Writes the source distribution: all that is needed to build, test and read fastverify.

The format is that of the source distribution specification (PEP 625, PEP 643).  What belongs to it
is named in ``[tool.fastverify-build]`` of ``pyproject.toml``; what builds and tests leave in those
folders does not.
"""

from __future__ import annotations

import gzip
import io
import os
import tarfile
from collections.abc import Iterator
from pathlib import Path

from fastverify_build.metadata import Project, core_metadata
from fastverify_build.reproducible import source_time

_LEFT_BEHIND_FOLDERS = {
    "__pycache__",
    ".benchmarks",
    ".hypothesis",
    ".mypy_cache",
    ".pytest_cache",
    ".ruff_cache",
    "artifacts",
    "corpus",
    "target",
}
_LEFT_BEHIND_SUFFIXES = {".dylib", ".pyc", ".pyd", ".so"}


def write_sdist(project: Project, folder: Path) -> str:
    """Write the sdist into `folder`; return its name.  Raises OSError where a listed file is not there."""
    name = f"{project.stem}.tar.gz"
    folder.mkdir(parents=True, exist_ok=True)
    with (
        (folder / name).open("wb") as file,
        gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=source_time()) as compressed,
        tarfile.open(mode="w", fileobj=compressed, format=tarfile.PAX_FORMAT) as archive,
    ):
        _add(archive, f"{project.stem}/PKG-INFO", core_metadata(project).encode(), executable=False)
        for path in sdist_files(project):
            content = (project.root / path).read_bytes()
            executable = os.access(project.root / path, os.X_OK)
            _add(archive, f"{project.stem}/{path}", content, executable=executable)
    return name


def sdist_files(project: Project) -> list[str]:
    """Paths of the files of the sdist, from the root, sorted.  ``PKG-INFO`` is not among them."""
    paths: list[str] = []
    for listed in project.sdist:
        path = project.root / listed
        found = _files_below(path) if path.is_dir() else [path]
        paths += [file.relative_to(project.root).as_posix() for file in found]
    return sorted(paths)


def _files_below(folder: Path) -> Iterator[Path]:
    for here, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if name not in _LEFT_BEHIND_FOLDERS]
        for name in files:
            path = Path(here, name)
            if path.suffix not in _LEFT_BEHIND_SUFFIXES and not path.is_symlink():
                yield path


def _add(archive: tarfile.TarFile, name: str, content: bytes, *, executable: bool) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    entry.mtime = source_time()
    entry.mode = 0o755 if executable else 0o644
    archive.addfile(entry, io.BytesIO(content))
