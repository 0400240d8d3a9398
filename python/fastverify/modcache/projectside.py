"""What projects bring to a check: trusted sums, vendor folders, build lists, and faults of their own."""

from __future__ import annotations

import os
from collections.abc import Sequence
from itertools import chain
from typing import TypeAlias

from fastverify.modcache.buildlist import BuildList, build_list
from fastverify.modcache.buildscope import absent_from, take_inventory_of
from fastverify.modcache.gosum import TrustedSums
from fastverify.modcache.inventory import Inventory
from fastverify.modcache.layoutfindings import sum_file_findings
from fastverify.modcache.neededlines import needed_line_findings, needs_lines
from fastverify.modcache.project import Project, find_project, trusted_sums
from fastverify.modcache.projectfindings import (
    build_list_findings,
    missing_folders,
    project_findings,
    replaced_by_folders,
    scope_sentences,
    unknown_requirements,
)
from fastverify.report.model import Finding, Report
from fastverify.vendor.folder import VendorFolder, vendor_folders

_Path: TypeAlias = "str | os.PathLike[str]"


class ProjectSide:
    """The projects that a check was given, and what goes with them."""

    def __init__(
        self, projects: list[Project], sums: TrustedSums, vendors: list[VendorFolder], *, has_gosums: bool
    ) -> None:
        self.sums = sums
        self.vendors = vendors
        self._projects = projects
        #: Whether go.sum files were named on their own.
        self._has_gosums = has_gosums
        #: Folders that are to stand in for modules and cannot, by the missing go.mod; of each project.
        self._folders = list(map(missing_folders, projects))
        #: Of a module cache, once they are asked for.
        self._lists: dict[tuple[str, str], BuildList] = {}

    def begin(self, report: Report, roots: Sequence[str], goflags: str) -> list[Finding]:
        """Enter the projects into `report`; what is wrong with their own files.

        `roots` are the module caches that their build lists may be worked out from.
        """
        report.caches += [("vendor", vendor.path) for vendor in self.vendors]
        if self._projects or self._has_gosums:
            report.project = {
                "projects": [project.root for project in self._projects],
                "gosums": [file.path for file in self.sums.files()],
            }
        replaced = map(replaced_by_folders, self._projects)
        report.not_checked += [sentence for sentence in replaced if sentence is not None]
        own = chain.from_iterable(map(project_findings, self._projects, self._folders))
        lacking = self._needed_lines(roots, goflags)
        told = {finding.path for finding in lacking}
        absent = [path for project in self._projects for path in project.absent if path not in told]
        return [*own, *sum_file_findings(self.sums, absent), *lacking]

    def _needed_lines(self, roots: Sequence[str], goflags: str) -> list[Finding]:
        """What the projects' go.sum files lack; a line that two caches show is told once."""
        found: dict[tuple[str, str, str], Finding] = {}
        for project in self._projects:
            if not needs_lines(project, goflags, self.vendors):
                continue
            for root in roots:
                for finding in needed_line_findings(self._build_list(project, root)):
                    found.setdefault((finding.path, finding.module, finding.version), finding)
        return list(found.values())

    def _build_list(self, project: Project, root: str) -> BuildList:
        key = project.root, root
        if key not in self._lists:
            self._lists[key] = build_list(project, root)
        return self._lists[key]

    def inventory_of(self, root: str, report: Report) -> tuple[Inventory, list[Finding]]:
        """What the module cache `root` has of the projects' build lists, and what these lack.

        What is left out is entered into `report`.
        """
        lists = [self._build_list(project, root) for project in self._projects]
        inventory = take_inventory_of(root, lists)
        report.not_checked += scope_sentences(lists, absent_from(inventory, lists))
        report.not_checked += [said for modules in lists for said in unknown_requirements(modules)]
        checked = inventory.modules
        lacking = (
            build_list_findings(modules, checked, folders)
            for modules, folders in zip(lists, self._folders, strict=True)
        )
        return inventory, list(chain.from_iterable(lacking))


def open_projects(folders: Sequence[_Path], gosums: Sequence[_Path], vendored: Sequence[str]) -> ProjectSide:
    """Read the projects in `folders`, the go.sum files `gosums` and the vendor folders `vendored`.

    Raises FastverifyError where one of them is not there.
    """
    projects = [find_project(os.fspath(folder)) for folder in folders]
    vendors = vendor_folders(vendored, projects)
    beside = [vendor.project for vendor in vendors]
    known = [*projects, *(project for project in beside if project not in [None, *projects])]
    sums = trusted_sums(
        [project for project in known if project is not None],
        [os.path.abspath(os.fspath(path)) for path in gosums],
    )
    return ProjectSide(projects, sums, vendors, has_gosums=bool(gosums))
