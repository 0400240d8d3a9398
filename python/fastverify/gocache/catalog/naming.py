"""Names for action entries: by their outputs, by the keys that go derives from named ones, and by go's word.

An entry's own name is a hash and says nothing.  An archive says which package it is; and from the ID of
its action follow the IDs of what else go keeps for that build (``cache.Subkey``).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace

from fastverify.gocache.catalog.contents import Contents
from fastverify.gocache.catalog.joins import Told
from fastverify.gocache.explain.hashlog import digest_of, subkey
from fastverify.gocache.identify.kinds import Identity
from fastverify.gocache.identify.origin import Origin

#: What go keeps for each build, beside the archive and the files that it generates.
_OF_BUILDS = ("stdout", "link-stdout", "srcfiles", "_cgo_install.h")
_OF_VETS = ("stdout", "fix.zip")
_KNOWN_PREFIX = 30


@dataclass(frozen=True, slots=True)
class Name:
    """What an entry is for.  What is not known is empty."""

    #: ``build``, ``link``, ``vet``, ``test``, ``index``, or what belongs to one: ``build: srcfiles``.
    role: str
    package: str = ""
    module: str = ""
    version: str = ""
    goos: str = ""
    goarch: str = ""
    go_version: str = ""


_ROLES = {
    "archive": "build",
    "executable": "link",
    "module-index": "index",
    "vet-facts": "vet",
    "vet-report": "vet: stdout",
    "fix-archive": "vet: fix.zip",
    "test-log": "test: inputs",
    "test-output": "test: output",
    "cover-profile": "test: coverprofile",
    "cover-meta": "build: covmeta",
    "pgo-profile": "pgo profile",
    "compiler-probe": "C compiler",
}


def name_entries(contents: Contents, told: Iterable[Told] = ()) -> dict[str, Name]:
    """Names by action ID, for the entries of `contents` that can be named."""
    names: dict[str, Name] = {}
    for action, entry in contents.entries.items():
        output = contents.outputs.get(entry.output)
        identity = output.identity if output is not None else None
        role = _ROLES.get(identity.kind) if identity is not None else None
        if identity is not None and role is not None:
            names[action] = _of_output(identity, role)
    starts = {start: given for source in told for start, given in source.actions.items()}
    if starts:
        _tell(contents, names, starts)
    for action in list(names):
        if names[action].role == "build":
            _name_parts(contents, names, action)
    _name_vets(contents, names)
    _name_module_indexes(contents, names)
    return names


def _of_output(identity: Identity, role: str) -> Name:
    package = identity.package
    folder = identity.details.get("folder") or ""
    if identity.kind == "archive" and package == "main" and folder:
        package = f"main in {folder}"
    if identity.kind == "module-index" and not package:
        folders = identity.details.get("folders") or []
        package = folders[0] if len(folders) == 1 else ""
    return Name(
        role,
        package,
        identity.module,
        identity.version,
        identity.goos,
        identity.goarch,
        identity.go_version,
    )


def _tell(contents: Contents, names: dict[str, Name], starts: dict[str, tuple[str, str]]) -> None:
    for action in contents.entries:
        given = starts.get(action[:_KNOWN_PREFIX])
        if given is not None:
            known = names.get(action, Name(given[0]))
            names[action] = replace(known, role=given[0], package=given[1] or known.package)


def _name_parts(contents: Contents, names: dict[str, Name], action: str) -> None:
    """Name what go keeps beside the archive of the build `action`."""
    build = names[action]
    parts = {part: subkey(action, part) for part in _OF_BUILDS}
    sources = contents.entries.get(parts["srcfiles"])
    listed = contents.outputs.get(sources.output) if sources is not None else None
    if listed is not None and listed.identity.kind == "source-list":
        generated = listed.identity.details.get("names", ())
        parts.update((name, subkey(action, name)) for name in generated)
    if build.package:
        meta = f"covmeta.{hashlib.sha256(build.package.encode('utf-8', 'surrogateescape')).hexdigest()}"
        parts["covmeta"] = subkey(action, meta)
    for part, key in parts.items():
        if key in contents.entries:
            names[key] = replace(build, role=f"build: {part}")


def _name_vets(contents: Contents, names: dict[str, Name]) -> None:
    """Name results of vet: those without facts are empty, and told by what belongs to them."""
    for action in contents.entries:
        known = names.get(action)
        if known is not None and known.role != "vet":
            continue
        for part in _OF_VETS:
            key = subkey(action, part)
            if key not in contents.entries:
                continue
            report = names.get(key, Name(""))
            package = report.package if report.role.startswith("vet") else ""
            known = replace(known or Name("vet"), package=package or (known.package if known else ""))
            names[action] = known
            names[key] = replace(known, role=f"vet: {part}")


def _name_module_indexes(contents: Contents, names: dict[str, Name]) -> None:
    """Name indexes of whole modules: their key is a hash of the folder and of Go's version."""
    seen: set[tuple[str, str]] = set()
    for output in list(contents.outputs.values()):
        identity = output.identity
        folder = identity.details.get("folder") or ""
        if identity.kind != "archive" or not identity.version or not folder:
            continue
        below = identity.package.removeprefix(identity.module)
        root = folder.removesuffix(below) if below else folder
        if (root, identity.go_version) in seen:
            continue
        seen.add((root, identity.go_version))
        origin = Origin(identity.module, identity.version)
        # modindex.moduleHash
        line = f"module index {identity.go_version} go index v2 {root}\n"
        key = digest_of(identity.go_version, [line.encode("utf-8", "surrogateescape")])
        if key in contents.entries:
            names[key] = Name("index", origin.module, origin.module, origin.version)
