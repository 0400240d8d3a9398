"""Reads what was built, the way installers and indexes do."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import subprocess
import tarfile
import zipfile
from configparser import ConfigParser
from pathlib import Path

from packaging.metadata import Metadata

from tests.packaging.builds import ROOT


class Wheel:
    """A wheel file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with zipfile.ZipFile(path) as archive:
            self.entries = archive.infolist()
            self.contents = {entry.filename: archive.read(entry) for entry in self.entries}
        (self.dist_info,) = {name.split("/")[0] for name in self.contents if ".dist-info/" in name}

    @property
    def names(self) -> set[str]:
        """Of every file in it, the ``.dist-info`` left out."""
        return {name for name in self.contents if not name.startswith(self.dist_info)}

    @property
    def metadata(self) -> Metadata:
        """Held to the core metadata specification by `packaging`, which raises where it is not valid."""
        return Metadata.from_email(self.contents[f"{self.dist_info}/METADATA"], validate=True)

    @property
    def tags(self) -> list[str]:
        """The tags that the WHEEL file names."""
        lines = self.contents[f"{self.dist_info}/WHEEL"].decode().splitlines()
        return [line.removeprefix("Tag: ") for line in lines if line.startswith("Tag: ")]

    @property
    def entry_points(self) -> dict[str, dict[str, str]]:
        """``entry_points.txt``."""
        parser = ConfigParser(delimiters=("=",))
        parser.read_string(self.contents[f"{self.dist_info}/entry_points.txt"].decode())
        return {section: dict(parser[section]) for section in parser.sections()}

    def record_faults(self) -> list[str]:
        """What RECORD says of a file that is not so, and each file that it leaves out."""
        record = f"{self.dist_info}/RECORD"
        faults = []
        unlisted = set(self.contents)
        for name, digest, size in csv.reader(io.StringIO(self.contents[record].decode())):
            unlisted.discard(name)
            if name == record:
                continue
            content = self.contents[name]
            expected = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
            if digest != f"sha256={expected}" or int(size) != len(content):
                faults.append(f"{name}: {digest}, {size} bytes")
        return faults + [f"{name}: not listed" for name in sorted(unlisted)]


def sdist_contents(path: Path) -> dict[str, bytes]:
    """Every file of an sdist by its name; anything but a plain file is an error."""
    contents = {}
    with tarfile.open(path) as archive:
        for entry in archive:
            file = archive.extractfile(entry)
            assert file is not None, entry.name
            assert entry.isreg(), entry.name
            contents[entry.name] = file.read()
    return contents


def unpack(sdist: Path, folder: Path) -> Path:
    """Unpack `sdist` into `folder`; return the folder of its files."""
    for name, content in sdist_contents(sdist).items():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    (top,) = folder.iterdir()
    return top


def committed_files() -> set[str] | None:
    """The files of this checkout that git does not ignore; None where this is no git checkout."""
    if not (ROOT / ".git").exists():
        return None
    listed = subprocess.run(
        [
            "git",
            "-c",
            f"safe.directory={ROOT}",
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    names = listed.stdout.decode().split("\0")
    return {name for name in names if name and (ROOT / name).is_file()}
