"""Names for action entries: by their outputs, by the keys that go derives from named ones, and by go's word.

An entry's own name is a hash and says nothing.  An archive says which package it is; and from the ID of
its action follow the IDs of what else go keeps for that build (``cache.Subkey``).
"""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Iterable, Iterator, Mapping
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


#: What a name says beside its role.
_Subject = tuple[str, str, str, str, str, str]


class Names(Mapping[str, Name]):
    """Names by action, for those entries that have one; each is made when it is asked for."""

    def __init__(self, contents: Contents) -> None:
        self._entries = contents.entries
        self._kept = contents.outputs.kept
        #: By number of the entry: its role, 0 where it has no name; and its subject, which is an identity's
        #: number, or one of others, counted from -1 downwards.
        self._roles = array("I", bytes(4 * len(self._entries)))
        self._subjects = array("i", bytes(4 * len(self._entries)))
        self._all_roles: dict[str, int] = {}
        self._role_names = [""]
        self._others: dict[_Subject, int] = {}
        self._other_subjects: list[_Subject] = []

    def name_by_output(self, number: int, role: str, identity: int) -> None:
        """Name an entry by the identity of its output."""
        self._roles[number] = self._role(role)
        self._subjects[number] = identity

    def name_like(self, number: int, role: str, other: int) -> None:
        """Name an entry as another one, but for the role."""
        self._roles[number] = self._role(role)
        self._subjects[number] = self._subjects[other]

    def name(self, number: int, name: Name) -> None:
        """Name an entry."""
        subject = (name.package, name.module, name.version, name.goos, name.goarch, name.go_version)
        if subject not in self._others:
            self._others[subject] = ~len(self._other_subjects)
            self._other_subjects.append(subject)
        self._roles[number] = self._role(name.role)
        self._subjects[number] = self._others[subject]

    def role(self, number: int) -> str:
        """The role of an entry; ``""`` where it has no name."""
        return self._role_names[self._roles[number]]

    def at(self, number: int) -> Name | None:
        """The name of an entry, if it has one."""
        role = self._roles[number]
        if not role:
            return None
        subject = self._subjects[number]
        if subject < 0:
            return Name(self._role_names[role], *self._other_subjects[~subject])
        return _of_output(self._kept[subject], self._role_names[role])

    def __getitem__(self, action: str) -> Name:
        number = self._entries.find(action)
        name = self.at(number) if number >= 0 else None
        if name is None:
            raise KeyError(action)
        return name

    def __len__(self) -> int:
        return sum(role > 0 for role in self._roles)

    def __iter__(self) -> Iterator[str]:
        return (self._entries.actions[number].hex() for number, role in enumerate(self._roles) if role)

    def _role(self, role: str) -> int:
        number = self._all_roles.setdefault(role, len(self._role_names))
        if number == len(self._role_names):
            self._role_names.append(role)
        return number


def name_entries(contents: Contents, told: Iterable[Told] = ()) -> Names:
    """Names for the entries of `contents` that can be named."""
    names = Names(contents)
    entries, outputs = contents.entries, contents.outputs
    roles = [_ROLES.get(outputs.kept.kind(number)) for number in range(len(outputs.kept))]
    for number in range(len(entries)):
        output = entries.target(number)
        role = roles[outputs.identities[output]] if output >= 0 else None
        if role is not None:
            names.name_by_output(number, role, outputs.identities[output])
    starts = {start: given for source in told for start, given in source.actions.items()}
    if starts:
        _tell(contents, names, starts)
    for number in range(len(entries)):
        if names.role(number) == "build":
            _name_parts(contents, names, number)
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


def _tell(contents: Contents, names: Names, starts: dict[str, tuple[str, str]]) -> None:
    for number in range(len(contents.entries)):
        given = starts.get(contents.entries.actions[number].hex()[:_KNOWN_PREFIX])
        if given is not None:
            known = names.at(number) or Name(given[0])
            names.name(number, replace(known, role=given[0], package=given[1] or known.package))


def _name_parts(contents: Contents, names: Names, number: int) -> None:
    """Name what go keeps beside the archive of a build."""
    entries, outputs = contents.entries, contents.outputs
    action = entries.actions[number].hex()
    parts = {part: subkey(action, part) for part in _OF_BUILDS}
    sources = entries.find(parts["srcfiles"])
    listed = entries.target(sources) if sources >= 0 else -1
    if listed >= 0 and outputs.kind(listed) == "source-list":
        generated = outputs.identity(listed).details.get("names", ())
        parts.update((name, subkey(action, name)) for name in generated)
    build = names.at(number)
    if build is not None and build.package:
        meta = f"covmeta.{hashlib.sha256(build.package.encode('utf-8', 'surrogateescape')).hexdigest()}"
        parts["covmeta"] = subkey(action, meta)
    for part, key in parts.items():
        found = entries.find(key)
        if found >= 0:
            names.name_like(found, f"build: {part}", number)


def _name_vets(contents: Contents, names: Names) -> None:
    """Name results of vet: those without facts are empty, and told by what belongs to them."""
    entries = contents.entries
    for number in range(len(entries)):
        if names.role(number) not in ("", "vet"):
            continue
        action = entries.actions[number].hex()
        for part in _OF_VETS:
            found = entries.find(subkey(action, part))
            if found < 0:
                continue
            report = names.at(found) or Name("")
            package = report.package if report.role.startswith("vet") else ""
            known = names.at(number) or Name("vet")
            known = replace(known, package=package or known.package)
            names.name(number, known)
            names.name(found, replace(known, role=f"vet: {part}"))


def _name_module_indexes(contents: Contents, names: Names) -> None:
    """Name indexes of whole modules: their key is a hash of the folder and of Go's version."""
    seen: set[tuple[str, str]] = set()
    for number in range(len(contents.outputs.kept)):
        if contents.outputs.kept.kind(number) != "archive":
            continue
        identity = contents.outputs.kept[number]
        folder = identity.details.get("folder") or ""
        if not identity.version or not folder:
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
        found = contents.entries.find(key)
        if found >= 0:
            names.name(found, Name("index", origin.module, origin.module, origin.version))
