"""Makes build caches with the go command, and damages them."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
import time
from dataclasses import dataclass, field
from pathlib import Path

from fastverify.engine.pure.build.archive import content_part
from tests.making.go import Go

#: No imports at all: nothing of the standard library is compiled, and a build takes a moment.
SMALL = {
    "go.mod": "module example.com/m\n\ngo 1.21\n",
    "low/low.go": 'package low\n\nconst Word = "original"\n\nfunc Name() string { return Word }\n',
    "high/high.go": 'package high\n\nimport "example.com/m/low"\n\nvar Said = low.Word + low.Name()\n',
    "other/other.go": "package other\n\nfunc Number() int { return 42 }\n",
}
LOW, HIGH, OTHER = (f"example.com/m/{name}" for name in ("low", "high", "other"))


def write_project(folder: Path, files: dict[str, str] = SMALL) -> Path:
    """The files of a project, long unchanged."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        os.utime(path, (1_600_000_000, 1_600_000_000))
    return folder


@dataclass(frozen=True)
class Package:
    """One package's archive in a build cache."""

    #: IDs, in hexadecimal digits.
    action: str
    output: str
    entry_path: Path
    output_path: Path


@dataclass(frozen=True)
class World:
    """A build cache, and a project that is built with it."""

    go: Go
    cache: Path
    project: Path
    #: Those whose archives are known without asking the go command.
    packages: dict[str, Package] = field(default_factory=dict)

    def run(self, *arguments: str, timeout: float = 120.0, **settings: str) -> tuple[int, str, str]:
        """Run the go command in the project: its status, output and errors."""
        changed = {"GOCACHE": str(self.cache), "GOFLAGS": "-buildvcs=false", **settings}
        ended = self.go.run(
            *arguments, modcache=self.go.gopath / "mod", cwd=self.project, settings=changed, timeout=timeout
        )
        return ended.returncode, ended.stdout, ended.stderr

    def built(self, package: str) -> list[str]:
        """Build `package`; the packages that had to be compiled for it."""
        status, _, said = self.run("build", "-v", package)
        assert status == 0, said
        return said.split()

    def unchanged(self, package: Package) -> Package:
        """The same package's archive in this cache."""
        return Package(
            package.action,
            package.output,
            self.cache / package.action[:2] / package.entry_path.name,
            self.cache / package.output[:2] / package.output_path.name,
        )

    def package(self, path: str) -> Package:
        """Where the archive of a package is."""
        status, out, said = self.run("list", "-export", "-json=Export,BuildID", path)
        assert status == 0, said
        listed = json.loads(out)
        built_by = base64.urlsafe_b64decode(listed["BuildID"].split("/")[0])
        output_path = Path(listed["Export"])
        [entry_path] = (self.cache / f"{built_by[0]:02x}").glob(f"{built_by.hex()}*-a")
        return Package(entry_path.name[:64], output_path.name[:64], entry_path, output_path)

    def copy(self, folder: Path) -> World:
        """The same with a copy of the cache, times kept."""
        shutil.copytree(self.cache, folder, symlinks=True)
        made = World(self.go, folder, self.project)
        made.packages.update((path, made.unchanged(package)) for path, package in self.packages.items())
        return made


def entry_text(action: str, output: str, size: int, time: int) -> bytes:
    """An action entry as ``cmd/go/internal/cache`` writes it."""
    return f"v1 {action} {output} {size:20d} {time:20d}\n".encode()


def entry_fields(path: Path) -> tuple[str, str, int, int]:
    """Action, output, size and time of an entry."""
    _, action, output, size, time = path.read_text().split()
    return action, output, int(size), int(time)


def overwrite(path: Path, content: bytes) -> None:
    """Change a file in place, its time kept."""
    before = path.stat()
    path.write_bytes(content)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def point(world: World, package: Package, content: bytes) -> Path:
    """Put `content` into the cache under its right name, and let the package's entry name it."""
    output = hashlib.sha256(content).hexdigest()
    path = world.cache / output[:2] / f"{output}-d"
    path.write_bytes(content)
    _, _, _, time = entry_fields(package.entry_path)
    overwrite(package.entry_path, entry_text(package.action, output, len(content), time))
    return path


def signed(content: bytes) -> bytes:
    """An archive with the content part that its build ID must have."""
    start = content.index(b'build id "') + len(b'build id "')
    build_id = content[start : content.index(b'"', start)]
    action = build_id.partition(b"/")[0]
    # Both members name it.
    return content.replace(build_id, action + b"/" + content_part(content, build_id))


class MadeCache:
    """A build cache of a few outputs, without a go command."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for number in range(256):
            (root / f"{number:02x}").mkdir(parents=True)
        self.outputs = [self.add(f"text {number}".encode()) for number in range(3)]

    def add(self, content: bytes) -> Path:
        """Put an output and its entry there; the output's path."""
        output = hashlib.sha256(content).hexdigest()
        action = hashlib.sha256(b"the action of " + content).hexdigest()
        path = self.root / output[:2] / f"{output}-d"
        path.write_bytes(content)
        path.chmod(0o644)
        entry = self.root / action[:2] / f"{action}-a"
        entry.write_text(f"v1 {action} {output} {len(content):20d} {time.time_ns():20d}\n")
        entry.chmod(0o644)
        return path
