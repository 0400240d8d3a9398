"""modules.txt against go.mod and go.work: the one thing about a vendor folder that Go compares.

Source of the rules and of the words: ``checkVendorConsistency`` in ``cmd/go/internal/modload/vendor.go``.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

from fastverify.gomod import goversion
from fastverify.gomod.directives import Replace
from fastverify.gomod.summary import Module
from fastverify.modcache.buildlist import named
from fastverify.modcache.project import Project
from fastverify.vendor.modulestxt import NONE, ModulesTxt

#: From this version on modules.txt says which modules are required and replaced.
_EXPLICIT = "1.14"
_TXT = "vendor/modules.txt"


def inconsistencies(txt: ModulesTxt, project: Project) -> Iterator[str]:
    """What the go command finds inconsistent, in its words and order: ``path@version: …``."""
    old = project.work is None and goversion.is_before(project.main_modules[0].file.go_version, _EXPLICIT)
    selected = {module.path: module.version for module in txt.with_packages()}
    for main in project.main_modules:
        for require in main.file.require:
            key = (require.path, require.version)
            if key in txt.modules and txt.modules[key].explicit:
                continue
            if not old:
                yield (
                    f"{named(key)}: is explicitly required in go.mod, but not marked as explicit in {_TXT}"
                )
            elif selected.get(require.path, require.version) != require.version:
                have = named((require.path, selected[require.path]))
                yield f"{named(key)}: is explicitly required in go.mod, but {_TXT} indicates {have}"
    seen: set[Module] = set()
    for main in project.main_modules:
        yield from _replaced(txt, project, main.file.replace, seen, selected if old else None)
    if project.work is not None:
        yield from _replaced(txt, project, project.work.replace, seen, None)
    required = {(r.path, r.version) for main in project.main_modules for r in main.file.require}
    article = "a " if project.work is not None else ""
    for module in txt.with_packages():
        key = (module.path, module.version)
        if module.explicit and key not in required:
            yield (
                f"{named(key)}: is marked as explicit in {_TXT}, "
                f"but not explicitly required in {article}go.mod"
            )
    where = "the workspace" if project.work is not None else "go.mod"
    for key, module in txt.modules.items():
        if module.replacement != NONE and project.replacements.of(*key) is None:
            yield f"{named(key)}: is marked as replaced in {_TXT}, but not replaced in {where}"


def _replaced(
    txt: ModulesTxt,
    project: Project,
    replaces: Sequence[Replace],
    seen: set[Module],
    old: dict[str, str] | None,
) -> Iterator[str]:
    """Replacements that modules.txt lacks or has otherwise; `old` are the versions that it has, where
    it need not name those that have no effect.
    """
    for replace in replaces:
        key = (replace.path, replace.version)
        if key in seen:
            continue
        seen.add(key)
        found = project.replacements.of(*key)
        if found is None:
            continue
        file = os.path.relpath(found.file, project.root)
        marked = txt.modules[key].replacement if key in txt.modules else NONE
        if marked == NONE:
            if old is None or (replace.version and old.get(replace.path) == replace.version):
                yield f"{named(key)}: is replaced in {file}, but not marked as replaced in {_TXT}"
        elif marked != (found.path, found.version):
            yield (
                f"{named(key)}: is replaced by {named((found.path, found.version))} in {file}, but marked as "
                f"replaced by {named(marked)} in {_TXT}"
            )
