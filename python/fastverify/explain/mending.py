"""The commands that mend a module version with Go alone: those of the findings' hints, in one list."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from fastverify.modcache import advice
from fastverify.modcache.modulefiles import ModuleFiles, tree_path
from fastverify.report.model import Finding


def commands(root: str, files: ModuleFiles, findings: Sequence[Finding]) -> list[str]:
    """Shell commands, in order; none where nothing is to be mended that Go can mend."""
    download = advice.download_command(root, files.module, files.version)
    wrong = [finding for finding in findings if finding.severity != "note"]
    # A hint's command line removes what is bad and then downloads; the latter is done once, at the end.
    lines = [finding.hint.partition("\n")[2] for finding in wrong]
    made = dict.fromkeys(line.removesuffix(download).removesuffix(" && ") for line in lines if line)
    if not made and any((f.where, f.verdict) in {("dir", "malformed"), ("dir", "warning")} for f in wrong):
        tree = shlex.quote(tree_path(root, files.module, files.version))
        made = {f"chmod -R u+w {tree} && rm -rf {tree}": None}
    return [*filter(None, made), download] if made else []
