"""The project's own metadata: from ``pyproject.toml`` to the core metadata of a wheel or an sdist.

Only what fastverify's ``[project]`` table uses is understood; a key that is not is an error, so that
none is lost silently.  The rules are those of PEP 621, PEP 639 and the core metadata specification 2.4.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, NamedTuple

from fastverify_build.toml import load

METADATA_VERSION = "2.4"

_KNOWN = {
    "name",
    "version",
    "description",
    "readme",
    "license",
    "license-files",
    "requires-python",
    "keywords",
    "classifiers",
    "dependencies",
    "optional-dependencies",
    "scripts",
    "urls",
}


class Project(NamedTuple):
    """What is to be built."""

    #: The folder that holds ``pyproject.toml``.
    root: Path
    #: The ``[project]`` table.
    table: dict[str, Any]
    #: Files and folders of the root that make up an sdist.
    sdist: tuple[str, ...]

    @property
    def stem(self) -> str:
        """``name-version`` as file names have it."""
        name = re.sub(r"[-_.]+", "_", self.table["name"]).lower()
        return f"{name}-{self.table['version']}"

    @property
    def license_files(self) -> list[str]:
        """Paths of the licence files, from the root."""
        return list(self.table["license-files"])


def read_project(root: Path) -> Project:
    """Read ``pyproject.toml`` in `root`.  Raises ValueError for a key that is not understood."""
    document = load(root / "pyproject.toml")
    table = document["project"]
    unknown = sorted(set(table) - _KNOWN)
    if unknown:
        raise ValueError(
            f"pyproject.toml: [project] has {', '.join(unknown)}, which the backend cannot write"
        )
    return Project(root, table, tuple(document["tool"]["fastverify-build"]["sdist"]))


def core_metadata(project: Project) -> str:
    """The text of ``METADATA`` or ``PKG-INFO``."""
    table = project.table
    fields = [
        ("Metadata-Version", METADATA_VERSION),
        ("Name", table["name"]),
        ("Version", table["version"]),
        ("Summary", table["description"]),
        ("License-Expression", table["license"]),
        *(("License-File", name) for name in project.license_files),
        ("Keywords", ",".join(table["keywords"])),
        *(("Classifier", name) for name in table["classifiers"]),
        ("Requires-Python", table["requires-python"]),
        *(("Requires-Dist", requirement) for requirement in table["dependencies"]),
        *_extras(table),
        *(("Project-URL", f"{label}, {url}") for label, url in table.get("urls", {}).items()),
        ("Description-Content-Type", "text/markdown; charset=UTF-8"),
    ]
    for name, value in fields:
        if "\n" in value:
            raise ValueError(f"pyproject.toml: the value for {name} has a line break")
    head = "".join(f"{name}: {value}\n" for name, value in fields)
    readme = Path(project.root, table["readme"]).read_text(encoding="utf-8")
    return f"{head}\n{readme}"


def _extras(table: dict[str, Any]) -> list[tuple[str, str]]:
    """The fields for optional dependencies, which have no markers of their own."""
    fields = []
    for extra, requirements in table.get("optional-dependencies", {}).items():
        fields.append(("Provides-Extra", extra))
        for requirement in requirements:
            if ";" in requirement:
                raise ValueError(f"pyproject.toml: the extra {extra} has a marker, which is not written")
            fields.append(("Requires-Dist", f"{requirement} ; extra == '{extra}'"))
    return fields


def entry_points(project: Project) -> str:
    """The text of ``entry_points.txt``."""
    scripts = project.table["scripts"]
    return "[console_scripts]\n" + "".join(f"{name}={target}\n" for name, target in scripts.items())
