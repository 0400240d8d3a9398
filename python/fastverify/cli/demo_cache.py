"""Writing a module cache as the go command leaves one, from files in memory; no Go is needed."""

from __future__ import annotations

import base64
import hashlib
import io
import os
import stat
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from fastverify.modcache import layout
from fastverify.modcache.modulefiles import file_path, tree_path

# Go gives every entry this time (``archive/zip`` without a Modified field).
_ZIP_TIME = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Module:
    """A module version, its files by their path relative to the module's root."""

    path: str
    version: str
    files: Mapping[str, bytes]

    @property
    def name(self) -> str:
        """``P@V``."""
        return f"{self.path}{layout.AT}{self.version}"

    @property
    def go_mod(self) -> bytes:
        """Its go.mod; the one that Go makes up where it has none."""
        return self.files.get("go.mod", f"module {self.path}\n".encode())

    def zip_bytes(self) -> bytes:
        """The archive that a module proxy would serve."""
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in self.files.items():
                entry = zipfile.ZipInfo(f"{self.name}/{name}", _ZIP_TIME)
                entry.compress_type = zipfile.ZIP_DEFLATED
                archive.writestr(entry, content)
        return buffer.getvalue()

    def h1(self) -> str:
        """The hash of the zip, and of the tree."""
        return _h1({f"{self.name}/{name}": content for name, content in self.files.items()})

    def go_mod_h1(self) -> str:
        """The hash of the go.mod."""
        return _h1({"go.mod": self.go_mod})

    def go_sum_lines(self) -> str:
        """The two lines that a project's go.sum has for it."""
        return (
            f"{self.path} {self.version} {self.h1()}\n{self.path} {self.version}/go.mod {self.go_mod_h1()}\n"
        )


def write_cache(root: str, modules: Iterable[Module]) -> None:
    """Write `modules` into the module cache `root`, with the modes that Go gives."""
    for module in modules:
        write_downloads(root, module)
        write_tree(root, module)


def write_downloads(root: str, module: Module) -> None:
    """Write what Go keeps of a download in ``cache/download``, from ``.info`` to ``list``."""
    info = f'{{"Version":"{module.version}","Time":"2024-02-01T12:00:00Z"}}'
    folder = os.path.dirname(file_path(root, module.path, module.version, "zip"))
    os.makedirs(folder, exist_ok=True)
    contents = {
        "info": info.encode(),
        "mod": module.go_mod,
        "zip": module.zip_bytes(),
        "ziphash": module.h1().encode(),
        "lock": b"",
    }
    stem = os.path.join(folder, layout.escape(module.version))
    for kind, content in contents.items():
        with open(f"{stem}.{kind}", "wb") as file:
            file.write(content)
    with open(os.path.join(folder, "list"), "a", encoding="ascii", newline="\n") as file:
        file.write(f"{module.version}\n")


def write_tree(root: str, module: Module) -> None:
    """Extract `module`: files are left read-only (0444), then the folders (0555)."""
    tree = tree_path(root, module.path, module.version)
    for name, content in module.files.items():
        path = os.path.join(tree, *name.split("/"))
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(content)
        os.chmod(path, 0o444)
    make_read_only(tree)


def make_writable(root: str) -> None:
    """Make every folder below `root` writable by its owner, so that files can be changed or removed."""
    for folder, _, _ in os.walk(root):
        os.chmod(folder, stat.S_IMODE(os.stat(folder).st_mode) | stat.S_IRWXU)


def make_read_only(tree: str) -> None:
    """Leave the folders of an extracted tree as Go leaves them, 0555."""
    for folder, _, _ in os.walk(tree):
        os.chmod(folder, 0o555)  # noqa: S103 (as Go leaves it)


def _h1(files: Mapping[str, bytes]) -> str:
    """``dirhash.Hash1`` (golang.org/x/mod/sumdb/dirhash) over contents by name."""
    outer = hashlib.sha256()
    for name in sorted(files, key=str.encode):
        outer.update(f"{hashlib.sha256(files[name]).hexdigest()}  {name}\n".encode())
    return "h1:" + base64.b64encode(outer.digest()).decode("ascii")
