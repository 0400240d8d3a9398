"""The graph of requirements and the versions it selects: ``cmd/go/internal/mvs/graph.go``."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence

from fastverify.gomod import goversion, semver
from fastverify.gomod.summary import Module

#: The main module has no version, and goes before all that have one.
MAIN_VERSION = ""


def is_before(path: str, version: str, other: str) -> bool:
    """``modload.cmpVersion``: whether `version` of the module `path` is the lower one."""
    if other == MAIN_VERSION:
        return version != MAIN_VERSION
    if version == MAIN_VERSION:
        return False
    if path == goversion.GO:
        return goversion.is_before(version, other)
    if path == goversion.TOOLCHAIN:
        return goversion.toolchain_key(version) < goversion.toolchain_key(other)
    return semver.key(version) < semver.key(other)


def in_order(modules: Iterable[Module]) -> list[Module]:
    """``gover.ModSort``: by path, and versions of one path from low to high."""

    def key(module: Module) -> tuple[object, ...]:
        path, version = module
        if path == goversion.GO:
            return (path, goversion.key(version))
        if path == goversion.TOOLCHAIN:
            return (path, goversion.toolchain_key(version))
        return (path, semver.key(version))

    return sorted(modules, key=key)


class RequirementGraph:
    """Which module requires which, and the highest version of each that anything requires."""

    def __init__(self, roots: Sequence[Module]) -> None:
        self.roots = tuple(roots)
        self.required: dict[Module, Sequence[Module]] = {}
        #: The modules whose go.mod was asked for, in that order; those that could not be read among them.
        self.asked: dict[Module, None] = {}
        self.selected: dict[str, str] = {}
        self._select(roots)

    def require(self, module: Module, requirements: Sequence[Module]) -> None:
        """Add that `module` requires `requirements`; once for each module."""
        self.required[module] = requirements
        self._select(requirements)

    def _select(self, modules: Sequence[Module]) -> None:
        selected = self.selected
        for path, version in modules:
            highest = selected.get(path, "none")
            if highest != version and is_before(path, highest, version):
                selected[path] = version

    def build_list(self) -> list[Module]:
        """The selected version of each module: those of the roots first, the others by path."""
        first = dict.fromkeys(path for path, _ in self.roots)
        rest = sorted(path for path in self.selected if path not in first)
        return [(path, self.selected[path]) for path in (*first, *rest) if path in self.selected]

    def path_to(self, target: Module) -> list[Module]:
        """A shortest way from a root to `target`, both included; empty where there is none."""
        return self.path_to_any((target,))

    def path_to_any(self, targets: Container[Module]) -> list[Module]:
        """The same to the one of `targets` that is nearest."""
        first_required_by: dict[Module, Module | None] = dict.fromkeys(self.roots)
        queue = list(self.roots)
        for module in queue:
            if module in targets:
                way: list[Module] = []
                step: Module | None = module
                while step is not None:
                    way.append(step)
                    step = first_required_by[step]
                return way[::-1]
            for requirement in self.required.get(module, ()):
                if requirement not in first_required_by:
                    first_required_by[requirement] = module
                    queue.append(requirement)
        return []

    def required_by(self, target: Module) -> list[Module]:
        """The modules that require exactly `target`."""
        return [module for module, required in self.required.items() if target in required]
