"""Writes the pure-Python wheel: every Python file of the package, and no native engine.

The format is that of the binary distribution specification (PEP 427).  Equal sources give an equal
wheel, to the byte, with the same Python: names are sorted, and times and modes are fixed.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import zipfile
from pathlib import Path

from fastverify_build.metadata import Project, core_metadata, entry_points
from fastverify_build.reproducible import source_time_parts

TAG = "py3-none-any"
SOURCE_FOLDER = "python"
PACKAGE = "fastverify"

_WHEEL = f"""\
Wheel-Version: 1.0
Generator: fastverify-build
Root-Is-Purelib: true
Tag: {TAG}
"""


def write_wheel(project: Project, folder: Path) -> str:
    """Write the wheel into `folder`; return its name."""
    source = project.root / SOURCE_FOLDER
    files = {path.relative_to(source).as_posix(): path.read_bytes() for path in package_files(source)}
    return _write(project, folder, files)


def write_editable_wheel(project: Project, folder: Path) -> str:
    """Write a wheel that only puts the checkout's package on the path (PEP 660); return its name."""
    source = (project.root / SOURCE_FOLDER).resolve()
    return _write(project, folder, {f"{PACKAGE}.pth": f"{source}\n".encode()})


def write_dist_info(project: Project, folder: Path) -> str:
    """Write the ``.dist-info`` folder, without RECORD, into `folder`; return its name."""
    name = f"{project.stem}.dist-info"
    for path, content in _dist_info(project).items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    return name


def package_files(source: Path) -> list[Path]:
    """Every Python file, stub and ``py.typed`` of the package below `source`, sorted.

    What else lies there (a native module from an in-place build, byte code, an editor's copies) is
    no part of the package.
    """
    return sorted(
        path
        for path in (source / PACKAGE).rglob("*")
        if (path.suffix in {".py", ".pyi"} or path.name == "py.typed") and path.is_file()
    )


def _dist_info(project: Project) -> dict[str, bytes]:
    name = f"{project.stem}.dist-info"
    files = {
        f"{name}/METADATA": core_metadata(project).encode(),
        f"{name}/WHEEL": _WHEEL.encode(),
        f"{name}/entry_points.txt": entry_points(project).encode(),
    }
    for license_file in project.license_files:
        files[f"{name}/licenses/{license_file}"] = (project.root / license_file).read_bytes()
    return files


def _write(project: Project, folder: Path, files: dict[str, bytes]) -> str:
    name = f"{project.stem}-{TAG}.whl"
    dist_info = _dist_info(project)
    # The specification wants the .dist-info at the end of the archive.
    members = [*sorted(files.items()), *sorted(dist_info.items())]
    record_name = f"{project.stem}.dist-info/RECORD"
    members.append((record_name, _record(members, record_name)))
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(folder / name, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in members:
            info = zipfile.ZipInfo(path, source_time_parts())
            info.compress_type = zipfile.ZIP_DEFLATED
            info.create_system = 3  # Unix, wherever it is built: the modes below are to be read
            info.external_attr = 0o100644 << 16
            archive.writestr(info, content)
    return name


def _record(members: list[tuple[str, bytes]], record_name: str) -> bytes:
    """RECORD: name, hash and size of each file; its own line has neither."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    for path, content in members:
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        rows.writerow([path, f"sha256={digest}", len(content)])
    rows.writerow([record_name, "", ""])
    return text.getvalue().encode()
