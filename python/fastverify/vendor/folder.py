"""A vendor folder: which it is, of which project, and what modules.txt says of it."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field

from fastverify.errors import FastverifyError
from fastverify.gomod import goversion
from fastverify.gomod.reading import is_absent, read_file
from fastverify.modcache.project import Project, find_project
from fastverify.report.model import Finding
from fastverify.vendor.consistency import inconsistencies
from fastverify.vendor.modulestxt import ModulesTxt, VendoredModule, parse_modules_txt

_STRIPS_GO_MOD = "1.17"
_WITHOUT_TEST_EMBEDS = "1.22"
#: How many inconsistencies are told one by one.
_LISTED = 20
_GO_STOPS = "go build stops with: inconsistent vendoring"


@dataclass(slots=True)
class VendorFolder:
    """One vendor folder."""

    path: str
    #: None where no go.mod lies beside it.
    project: Project | None
    #: None where it cannot be read, which is then among the findings.
    txt: ModulesTxt | None
    findings: list[Finding] = field(default_factory=list)

    @property
    def modules(self) -> list[VendoredModule]:
        """The modules that have files in it."""
        return self.txt.with_packages() if self.txt is not None else []

    @property
    def strips_go_mod(self) -> bool:
        """Whether ``go mod vendor`` leaves go.mod and go.sum out; so too where that is not known."""
        return not self._is_made_before(_STRIPS_GO_MOD)

    @property
    def has_test_embeds(self) -> bool:
        """Whether ``go mod vendor`` copies what only tests embed."""
        return self._is_made_before(_WITHOUT_TEST_EMBEDS)

    def _is_made_before(self, version: str) -> bool:
        """Whether the project is known, and for a Go before this `version`."""
        project = self.project
        if project is None or not project.main_modules:
            return False
        go = project.work.go_version if project.work is not None else project.main_modules[0].file.go_version
        return goversion.is_before(go, version)

    @property
    def makes_it(self) -> str:
        """The command that makes the folder anew."""
        work = self.txt is not None and self.txt.workspace
        return "go work vendor" if work else "go mod vendor"


def vendor_folders(paths: Iterable[str], projects: Iterable[Project]) -> list[VendorFolder]:
    """Those at `paths`, and those of `projects` that have one; each once."""
    found: dict[str, tuple[str, Project | None]] = {os.path.realpath(p): (p, None) for p in paths}
    for project in projects:
        path = os.path.join(project.root, "vendor")
        if os.path.isdir(path):
            found[os.path.realpath(path)] = (path, project)
    return [open_vendor(path, project) for path, project in found.values()]


def open_vendor(path: str, project: Project | None = None) -> VendorFolder:
    """The vendor folder `path`, of the `project` in the folder above it."""
    path = os.path.abspath(path)
    file = os.path.join(path, "modules.txt")
    made = VendorFolder(path, project, None)
    try:
        made.txt = parse_modules_txt(file, read_file(file))
    except OSError as error:
        absent = is_absent(error)
        made.findings.append(
            Finding(
                "missing" if absent else "unreadable",
                "error",
                "vendor",
                file,
                "there is no modules.txt, so which modules the files come from is not known"
                if absent
                else f"modules.txt cannot be read: {error.strerror}",
                _GO_STOPS if absent else "the go command stops with this error",
                "go mod vendor makes the folder anew",
                cache="vendor",
            )
        )
    if made.project is None:
        made.project = _project_above(path, made.txt)
    if made.txt is not None and made.project is not None and made.project.main_modules:
        made.findings += _inconsistency_findings(made, made.txt, made.project)
    return made


def _project_above(path: str, txt: ModulesTxt | None) -> Project | None:
    """The project whose vendor folder this is; None where there is no go.mod or go.work beside it."""
    above = os.path.dirname(path)
    env = {} if txt is not None and txt.workspace else {"GOWORK": "off"}
    try:
        project = find_project(above, env)
    except FastverifyError:
        return None
    return project if os.path.realpath(project.root) == os.path.realpath(above) else None


def _inconsistency_findings(made: VendorFolder, txt: ModulesTxt, project: Project) -> list[Finding]:
    said = list(inconsistencies(txt, project))
    findings = [
        Finding(
            "malformed",
            "error",
            "vendor",
            txt.path,
            sentence,
            _GO_STOPS,
            f"{made.makes_it} makes the folder anew",
            cache="vendor",
        )
        for sentence in said[:_LISTED]
    ]
    if len(said) > _LISTED:
        findings.append(
            Finding(
                "malformed",
                "error",
                "vendor",
                txt.path,
                f"it differs from go.mod in {len(said) - _LISTED:,} more ways",
                _GO_STOPS,
                f"{made.makes_it} makes the folder anew",
                cache="vendor",
            )
        )
    return findings
