"""go.mod files of a module cache that permissions hide: named, and not taken for missing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from fastverify.modcache.buildlist import build_list
from fastverify.modcache.project import find_project
from tests.making.modules import ModuleCache, Project
from tests.making.users import bound_by_permissions
from tests.making.world import VICTIM

pytestmark = pytest.mark.skipif("os.name == 'nt'", reason="Windows has no such permission bits")


def test_a_go_mod_that_may_not_be_read(public_path: Path) -> None:
    """Permissions bind others than root: the same, and nothing else is said of it."""
    made = ModuleCache(public_path / "modcache")
    made.add(VICTIM)
    project = Project.make(public_path / "project", [VICTIM])
    places = made.places(VICTIM)
    places.mod.chmod(0)

    def listed() -> tuple[list[str], list[str]]:
        modules = build_list(find_project(os.fspath(project.root), {}), os.fspath(made.root))
        return [str(one) for one in modules.unreadable], [str(one) for one in modules.missing]

    unreadable, missing = bound_by_permissions(listed)
    assert (len(unreadable), missing) == (1, [])
    assert "Permission denied" in unreadable[0]
    places.mod.chmod(0o644)
    places.folder.chmod(0)
    unreadable, missing = bound_by_permissions(listed)
    assert (len(unreadable), missing) == (1, [])
