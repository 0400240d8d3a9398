"""What projects bring to a check: trusted sums, vendor folders, build lists, and faults of their own."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from fastverify.modcache.buildlist import build_list
from fastverify.modcache.buildscope import absent_from, take_inventory_of
from fastverify.modcache.gosum import TrustedSums
from fastverify.modcache.inventory import Inventory
from fastverify.modcache.layoutfindings import sum_file_findings
from fastverify.modcache.project import Project, find_project, trusted_sums
from fastverify.modcache.projectfindings import (
    build_list_findings,
    project_findings,
    replaced_by_folders,
    scope_sentences,
    unknown_requirements,
)
from fastverify.report.model import Finding, Report
from fastverify.vendor.folder import VendorFolder, vendor_folders

_Path: TypeAlias = "str | os.PathLike[str]"


@dataclass(frozen=True, slots=True)
class ProjectSide:
    """The projects that a check was given, and what goes with them."""

    projects: list[Project]
    #: Whether go.sum files were named on their own.
    has_gosums: bool
    sums: TrustedSums
    vendors: list[VendorFolder]

    def begin(self, report: Report) -> list[Finding]:
        """Enter the projects into `report`; what is wrong with their own files."""
        report.caches += [("vendor", vendor.path) for vendor in self.vendors]
        if self.projects or self.has_gosums:
            report.project = {
                "projects": [project.root for project in self.projects],
                "gosums": [file.path for file in self.sums.files()],
            }
        replaced = map(replaced_by_folders, self.projects)
        report.not_checked += [sentence for sentence in replaced if sentence is not None]
        absent = [path for project in self.projects for path in project.absent]
        own = [finding for project in self.projects for finding in project_findings(project)]
        return [*own, *sum_file_findings(self.sums, absent)]

    def inventory_of(self, root: str, report: Report) -> tuple[Inventory, list[Finding]]:
        """What the module cache `root` has of the projects' build lists, and what these lack.

        What is left out is entered into `report`.
        """
        lists = [build_list(project, root) for project in self.projects]
        inventory = take_inventory_of(root, lists)
        report.not_checked += scope_sentences(lists, absent_from(inventory, lists))
        report.not_checked += [said for modules in lists for said in unknown_requirements(modules)]
        checked = inventory.modules
        return inventory, [finding for modules in lists for finding in build_list_findings(modules, checked)]


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
    return ProjectSide(projects, bool(gosums), sums, vendors)
