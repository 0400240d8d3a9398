"""``vendor/modules.txt``: which packages of which modules a vendor folder holds.

Source of the rules: ``readVendorList`` in ``cmd/go/internal/modload/vendor.go``, which passes over what it
does not understand.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from fastverify.gomod import semver
from fastverify.gomod.modulepath import import_path_fault
from fastverify.gomod.summary import Module
from fastverify.modcache.gosum import BLANKS

#: A module's path with its version; "" for one that is replaced at every version.
NONE: Module = ("", "")


@dataclass(slots=True)
class VendoredModule:
    """What modules.txt says of one module."""

    path: str
    version: str
    explicit: bool = False
    #: A module with its version, or a folder with the version "".
    replacement: Module = NONE
    #: Import paths, each once, in the order of the file.
    packages: dict[str, None] = field(default_factory=dict)

    @property
    def source(self) -> Module:
        """The module that the files come from: the replacement, if there is one."""
        return self.replacement if self.replacement != NONE else (self.path, self.version)


@dataclass(slots=True)
class ModulesTxt:
    """The whole file."""

    path: str
    #: Whether ``go work vendor`` wrote it.
    workspace: bool = False
    modules: dict[Module, VendoredModule] = field(default_factory=dict)

    def with_packages(self) -> list[VendoredModule]:
        """The modules that files were copied of, each path once, at its highest version."""
        selected: dict[str, VendoredModule] = {}
        for module in self.modules.values():
            other = selected.get(module.path)
            if module.packages and (other is None or semver.key(other.version) < semver.key(module.version)):
                selected[module.path] = module
        return list(selected.values())


def parse_modules_txt(path: str, content: bytes) -> ModulesTxt:
    """Read the `content` of the modules.txt at `path`; lines without a meaning are passed over."""
    made = ModulesTxt(path)
    module: VendoredModule | None = None
    for line in content.decode("utf-8", "surrogateescape").split("\n"):
        if line.startswith("# "):
            words = _fields(line)
            if len(words) < 3:
                continue
            module = _module(made, words)
        elif line.rstrip() == "## workspace" and module is None:
            made.workspace = True
        elif module is None:
            continue
        elif line.startswith("## "):
            entries = [entry.strip() for entry in line[3:].split(";")]
            module.explicit = module.explicit or "explicit" in entries
        else:
            words = _fields(line)
            if len(words) == 1 and not import_path_fault(words[0]):
                module.packages[words[0]] = None
    return made


def _module(made: ModulesTxt, words: list[str]) -> VendoredModule | None:
    """The module of a ``# path version [=> path [version]]`` line; None where it has no meaning."""
    if semver.is_valid(words[2]):
        key, rest = (words[1], words[2]), words[3:]
    elif words[2] == "=>":
        key, rest = (words[1], ""), words[2:]
    else:
        return None
    module = made.modules.setdefault(key, VendoredModule(*key))
    if len(rest) >= 2 and rest[0] == "=>":
        if len(rest) == 2:
            module.replacement = (rest[1], "")
        elif len(rest) == 3 and semver.is_valid(rest[2]):
            module.replacement = (rest[1], rest[2])
    return module


def _fields(line: str) -> list[str]:
    for blank in BLANKS:
        if blank != " ":
            line = line.replace(blank, " ")
    return [word for word in line.split(" ") if word]
