"""The commands that mend a module version with Go alone: those of the findings' hints, in one list."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from fastverify.modcache import advice
from fastverify.modcache.inventory import ModuleFiles, file_path, tree_path
from fastverify.report.model import Finding


def commands(root: str, files: ModuleFiles, findings: Sequence[Finding]) -> list[str]:
    """Shell commands, in order; none where nothing is to be mended that Go can mend."""
    module, version = files.module, files.version
    paths = advice.Paths(
        root,
        module,
        version,
        zip=file_path(root, module, version, "zip"),
        ziphash=file_path(root, module, version, "ziphash"),
        mod=file_path(root, module, version, "mod"),
        info=file_path(root, module, version, "info"),
        tree=tree_path(root, module, version),
    )
    hints = [finding.hint for finding in findings if finding.severity != "note"]
    known = [
        advice.redownload(paths, tree=True),
        advice.redownload(paths, tree=False),
        advice.reextract(paths),
        advice.rewrite_ziphash(paths),
        advice.refetch(paths, paths.mod),
        advice.refetch(paths, paths.info),
    ]
    made: dict[str, None] = {}
    download = paths.download
    for advised in known:
        line = advised.split(":\n", 1)[1]
        if any(hint.endswith(f":\n{line}") for hint in hints):
            made.update(dict.fromkeys(line.split(" && ")))
    remains = {(f.where, f.verdict) for f in findings if f.severity != "note"}
    if not made and remains & {("dir", "malformed"), ("dir", "warning")}:
        tree = shlex.quote(paths.tree)
        made.update(dict.fromkeys([f"chmod -R u+w {tree}", f"rm -rf {tree}"]))
        made[download] = None
    if not made and any(hint.endswith(download) for hint in hints):
        made[download] = None
    if download in made:
        # Once, when all that is bad has gone.
        del made[download]
        made[download] = None
    return list(made)
