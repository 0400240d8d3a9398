"""Makes modules, and module caches as the go command leaves them."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.making.zips import zip_of

#: What a ``.lock`` is for and when each file is written: the go command's own order of making.
PARTS = ("info", "mod", "zip", "ziphash", "lock", "tree")


def h1(files: Iterable[tuple[bytes, bytes]]) -> str:
    """The h1 of ``(name, content)`` pairs, worked out apart from the program that is tested."""
    lines = b"".join(
        hashlib.sha256(content).hexdigest().encode() + b"  " + name + b"\n" for name, content in sorted(files)
    )
    return "h1:" + base64.b64encode(hashlib.sha256(lines).digest()).decode()


def escape(text: str) -> str:
    """A module path or version as it stands in the cache."""
    return re.sub("[A-Z]", lambda capital: "!" + capital[0].lower(), text)


def _semver_order(version: str) -> tuple[object, ...]:
    """Sorts the versions that the tests use as semver.Sort does."""
    core, _, prerelease = version.partition("+")[0].removeprefix("v").partition("-")
    identifiers = [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in prerelease.split(".")]
    return ([int(part) for part in core.split(".")], not prerelease, identifiers)


@dataclass(frozen=True)
class Module:
    """A module version: its files by their names below the module's root."""

    path: str
    version: str
    files: Mapping[str, bytes]
    #: Names of directories that the zip has entries for.
    directories: Sequence[str] = ()
    #: What the zip holds in place of its true form.
    archive: bytes | None = None

    @property
    def prefix(self) -> bytes:
        return f"{self.path}@{self.version}/".encode()

    @property
    def entries(self) -> list[tuple[bytes, bytes]]:
        """The zip's ``(name, content)`` pairs."""
        listed = [(self.prefix + name.encode() + b"/", b"") for name in self.directories]
        return listed + [(self.prefix + os.fsencode(name), content) for name, content in self.files.items()]

    @property
    def zip(self) -> bytes:
        return zip_of(self.entries) if self.archive is None else self.archive

    @property
    def h1(self) -> str:
        return h1(self.entries)

    @property
    def mod(self) -> bytes:
        return self.files.get("go.mod", f"module {self.path}\n".encode())

    @property
    def mod_h1(self) -> str:
        return h1([(b"go.mod", self.mod)])

    @property
    def info(self) -> bytes:
        fields = {"Version": self.version, "Time": "2024-02-03T04:05:06Z"}
        return json.dumps(fields, separators=(",", ":")).encode()

    @property
    def sums(self) -> str:
        """Both lines of a go.sum."""
        return f"{self.path} {self.version} {self.h1}\n{self.path} {self.version}/go.mod {self.mod_h1}\n"


def module(path: str, version: str, files: Mapping[str, bytes] | None = None, **rest: object) -> Module:
    """A small module that compiles: a package of its path's last element, with a few other files."""
    package = re.sub("[^a-z]", "", re.sub(r"(/v[0-9]+|\.v[0-9]+)$", "", path).rpartition("/")[2].lower())
    made: dict[str, bytes] = {
        "go.mod": f"module {path}\n\ngo 1.20\n".encode(),
        "LICENSE": b"Do as you like.\n",
        f"{package}.go": f'package {package}\n\nconst Name = "{path} {version}"\n'.encode(),
        "internal/deep/deep.go": b"package deep\n\nconst Deep = 1\n",
        "testdata/empty": b"",
        "testdata/blob.bin": bytes(range(256)) * 40,
    }
    return Module(path, version, made if files is None else files, **rest)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Places:
    """Where the parts of a module version lie."""

    folder: Path
    zip: Path
    ziphash: Path
    mod: Path
    info: Path
    lock: Path
    partial: Path
    list: Path
    tree: Path


@dataclass
class ModuleCache:
    """A module cache under `root`, written as the go command writes one, modes and umask included."""

    root: Path
    modules: list[Module] = field(default_factory=list)

    @property
    def download(self) -> Path:
        return self.root / "cache" / "download"

    def places(self, of: Module) -> Places:
        folder = self.download / escape(of.path) / "@v"
        stem = escape(of.version)
        return Places(
            folder=folder,
            zip=folder / f"{stem}.zip",
            ziphash=folder / f"{stem}.ziphash",
            mod=folder / f"{stem}.mod",
            info=folder / f"{stem}.info",
            lock=folder / f"{stem}.lock",
            partial=folder / f"{stem}.partial",
            list=folder / "list",
            tree=self.root / f"{escape(of.path)}@{stem}",
        )

    def add(self, *modules: Module, parts: Sequence[str] = PARTS) -> None:
        """Put modules in, whole or only the `parts` that are named."""
        for each in modules:
            self.modules.append(each)
            places = self.places(each)
            places.folder.mkdir(parents=True, exist_ok=True)
            (self.root / "cache" / "lock").touch()
            for part, content in (
                ("info", each.info),
                ("mod", each.mod),
                ("zip", each.zip),
                ("ziphash", each.h1.encode()),
                ("lock", b""),
            ):
                if part in parts:
                    path: Path = getattr(places, part)
                    path.write_bytes(content)
            if "mod" in parts:
                versions = (mod.name[: -len(".mod")] for mod in places.folder.glob("*.mod"))
                # An escaped version is no canonical one: Go leaves those with capitals out.
                listed = sorted((version for version in versions if "!" not in version), key=_semver_order)
                places.list.write_text("".join(version + "\n" for version in listed))
            if "tree" in parts:
                self.extract(each)

    def extract(self, of: Module) -> None:
        """Make the tree, as Go's extraction does: files 0444, then directories without write bits."""
        tree = self.places(of).tree
        tree.mkdir(parents=True)
        folders = {tree}
        for name, content in of.files.items():
            path = tree / name
            path.parent.mkdir(parents=True, exist_ok=True)
            folders.update(parent for parent in path.parents if tree in parent.parents)
            with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o444), "wb") as file:
                file.write(content)
        for folder in sorted(folders, reverse=True):
            folder.chmod(stat.S_IMODE(folder.stat().st_mode) & ~0o222)

    def contents(self) -> dict[str, bytes | None]:
        """Every file with its content, every link with its target, every directory with None."""
        found: dict[str, bytes | None] = {}
        for folder, names, files in os.walk(self.root):
            for name in names + files:
                path = os.path.join(folder, name)
                relative = os.path.relpath(path, self.root)
                mode = os.lstat(path).st_mode
                if stat.S_ISLNK(mode):
                    found[relative] = os.fsencode(os.readlink(path))
                elif stat.S_ISREG(mode):
                    found[relative] = Path(path).read_bytes()
                else:
                    found[relative] = None
        return found


@contextmanager
def writable(folder: Path) -> Iterator[None]:
    """Let `folder` be written to for a while, and give it its mode back."""
    mode = folder.stat().st_mode
    folder.chmod(0o755)
    try:
        yield
    finally:
        folder.chmod(stat.S_IMODE(mode))


def rewrite(path: Path, content: bytes) -> None:
    """Give a file other content (or make it); its mode is that of its place: 0444 in a tree."""
    with writable(path.parent):
        mode = stat.S_IMODE(path.stat().st_mode) if path.exists() else 0o444
        path.unlink(missing_ok=True)
        path.write_bytes(content)
        path.chmod(mode)


def remove(path: Path) -> None:
    """Remove a file, or a whole tree."""
    with writable(path.parent):
        if path.is_dir() and not path.is_symlink():
            for folder, names, files in os.walk(path, topdown=False):
                os.chmod(folder, 0o755)
                for name in files:
                    os.unlink(os.path.join(folder, name))
                for name in names:
                    below = os.path.join(folder, name)
                    os.unlink(below) if os.path.islink(below) else os.rmdir(below)
            path.rmdir()
        else:
            path.unlink()


@dataclass(frozen=True)
class Project:
    """A main module that uses some modules, with a go.sum that knows them."""

    root: Path

    @classmethod
    def make(
        cls, root: Path, modules: Sequence[Module], *, sums: str | None = None, go_mod: str = ""
    ) -> Project:
        """Require every module and import its package; `sums` stands in for the true go.sum."""
        root.mkdir(parents=True, exist_ok=True)
        requires = "".join(f"\t{each.path} {each.version}\n" for each in modules)
        (root / "go.mod").write_text(
            f"module example.org/project\n\ngo 1.20\n\nrequire (\n{requires})\n{go_mod}"
        )
        (root / "go.sum").write_text("".join(each.sums for each in modules) if sums is None else sums)
        imports = "".join(f'import p{number} "{each.path}"\n' for number, each in enumerate(modules))
        names = "".join(f"\tp{number}.Name,\n" for number, each in enumerate(modules))
        (root / "project.go").write_text(f"package project\n\n{imports}\nvar Names = []string{{\n{names}}}\n")
        return cls(root)

    @property
    def gosum(self) -> Path:
        return self.root / "go.sum"
