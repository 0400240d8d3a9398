"""What archives say of the builds that they were compiled from: importers held to the imported.

Each has the fingerprint that its import's export data had.  That no archive has it any more is no damage:
trim removes entries one by one, and go makes what it needs again, the same from the same inputs.  But where
an archive of that package has the same fingerprint but for one byte, the import's was damaged when the
importer was compiled; that is not by chance.
"""

from __future__ import annotations

from collections.abc import Iterator

from fastverify.engine.buildcache import Imports, MissingImport
from fastverify.gocache import advice
from fastverify.gocache.finding import cache_finding
from fastverify.gocache.layout import output_path
from fastverify.gocache.suspects import Damaged, Package, read_output_archive
from fastverify.report.model import Finding


def altered(root: str, imports: Imports) -> Iterator[Damaged]:
    """The damaged archives that others were compiled from, and that are gone or made anew."""
    for one in imports.altered:
        package = _package(root, one)
        if package is not None:
            # Whenever it was there: only what was compiled from it names that fingerprint.
            yield Damaged(package, since=0, output=b"", alone=True)


def missing_finding(root: str, imports: Imports) -> Finding | None:
    """One finding for all builds that archives name and no archive is; None where there is none."""
    first = next(iter(imports.examples), None)
    package = _package(root, first) if first is not None else None
    if first is None or package is None:
        return None
    others = imports.missing - len(imports.altered) - 1
    more = f"; nor are {others:,} others that archives were compiled from" if others > 1 else ""
    if others == 1:
        more = "; nor is another that archives were compiled from"
    return cache_finding(
        "missing",
        "note",
        "layout",
        output_path(root, first.importer),
        f"it was compiled from a build of {package.path} (fingerprint {package.fingerprint.hex()}) that is "
        f"not in the cache, as trim leaves it{more}",
        advice.GO_REMAKES_IMPORTS,
        advice.HINT_WHY,
        output=first.importer.hex(),
    )


def _package(root: str, missing: MissingImport) -> Package | None:
    """The build that is missing, as its importer names it; None where that has gone away."""
    read = read_output_archive(root, missing.importer)
    linked = read.linker_object if read is not None else None
    for path, fingerprint in linked.imports if linked is not None else ():
        if fingerprint == missing.fingerprint:
            return Package(path, fingerprint)
    return None
