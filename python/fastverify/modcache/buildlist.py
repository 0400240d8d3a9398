"""The build list of a project, worked out from the go.mod files that a module cache holds.

This is minimal version selection with graph pruning, as ``go list -m all`` and ``go mod verify`` do it
(``readModGraph``, ``expandGraph`` and ``updateRoots`` in ``cmd/go/internal/modload/buildlist.go``), with
``-mod=mod``: where a go.mod is not tidy, its requirements are raised to what is selected.  Nothing is
written, and the network is not asked.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple

from fastverify.gomod import goversion
from fastverify.gomod.summary import Module
from fastverify.gomod.workfile import WorkFile
from fastverify.modcache.gomodfiles import GoModFiles, LoadedGoMod, UnloadedGoMod, UnloadedKind
from fastverify.modcache.project import Project
from fastverify.modcache.replacements import Replacement
from fastverify.modcache.requirements import MAIN_VERSION, RequirementGraph, in_order, is_before

_Pruning = Literal["pruned", "unpruned", "workspace"]


@dataclass(frozen=True, slots=True)
class BuildModule:
    """One module of a build list."""

    path: str
    #: "" for a main module.
    version: str
    replacement: Replacement | None = None
    #: The folder of a main module; "" for all others.
    folder: str = ""

    @property
    def is_main(self) -> bool:
        """Whether it is a main module."""
        return not self.version

    @property
    def source(self) -> Module | None:
        """The module of the cache whose files are built; None where they lie in a folder."""
        if self.replacement is None:
            return (self.path, self.version) if self.version else None
        return None if self.replacement.folder else (self.replacement.path, self.replacement.version)

    def __str__(self) -> str:
        """As ``go list -m`` prints it."""
        words = [self.path, self.version]
        if self.replacement is not None:
            words += ["=>", self.replacement.path, self.replacement.version]
        return " ".join(filter(None, words))


@dataclass(frozen=True, slots=True)
class AbsentGoMod:
    """A go.mod that is missing or refused; what its module requires is not in the build list."""

    unloaded: UnloadedGoMod
    #: The modules that require it, in the order in which they were read.
    required_by: tuple[Module, ...]

    @property
    def path(self) -> str:
        """The path of the module whose go.mod it is: of the replacement, where there is one."""
        return self.unloaded.source[0]

    @property
    def version(self) -> str:
        """That module's version."""
        return self.unloaded.source[1]

    @property
    def file(self) -> str:
        """Where the go.mod should be; "" where no file can have that name."""
        return self.unloaded.file

    def __str__(self) -> str:
        """One sentence: what, where, who asks for it, and what to do."""
        unloaded = self.unloaded
        text = f"{named(unloaded.source)}: {unloaded.message}"
        if unloaded.file:
            text += f" ({unloaded.file})"
        if unloaded.replacement is not None:
            text += f"; it replaces {named(unloaded.module)}"
        elif self.required_by:
            others = len(self.required_by) - 1
            text += f"; required by {named(self.required_by[0])}" + (f" and {others} more" if others else "")
        if unloaded.kind == "missing":
            text += "; go mod graph fetches it"
        return text


class NeededGoMod(NamedTuple):
    """A go.mod of the module cache that is read before anything is raised."""

    #: The module that is required, and the one whose go.mod counts for it: its replacement, if it has one.
    module: Module
    source: Module
    #: The first that requires it; None where that is not known.
    required_by: Module | None


def named(module: Module) -> str:
    """``path@version``, or the path alone of what has no version."""
    return "@".join(filter(None, module))


class BuildList:
    """The modules that a project is built from, and why."""

    def __init__(self, project: Project, files: GoModFiles, graphs: Iterable[RequirementGraph]) -> None:
        self.project = project
        #: As it was asked for, and as it is after raising requirements that were too low.
        self._graphs = list(graphs)
        self._files = files
        self._folders = {main.path: main.root for main in project.main_modules}

    @property
    def _graph(self) -> RequirementGraph:
        return self._graphs[-1]

    @cached_property
    def modules(self) -> tuple[BuildModule, ...]:
        """The build list in the order of ``go list -m all``: main modules first, the others by path."""
        made = []
        for path, version in self._graph.build_list():
            if not path or goversion.is_pseudo_module(path):
                continue
            if version == MAIN_VERSION:
                made.append(BuildModule(path, version, folder=self._folders.get(path, "")))
            else:
                made.append(BuildModule(path, version, self.project.replacements.of(path, version)))
        return tuple(made)

    @cached_property
    def by_path(self) -> dict[str, BuildModule]:
        """The same by module path."""
        return {module.path: module for module in self.modules}

    @property
    def go(self) -> str:
        """The version of Go that is selected: the highest that a main module or a dependency asks for."""
        return self._graph.selected.get(goversion.GO, "")

    @property
    def go_mods_loaded(self) -> tuple[LoadedGoMod, ...]:
        """Every go.mod of the module cache that counted, under the names that go.sum has them under."""
        return tuple(self._files.loaded)

    @property
    def is_pruned(self) -> bool:
        """Whether the graph of the main module, the first one of a workspace, is pruned."""
        return not goversion.is_before(self.project.main_modules[0].file.go_version, goversion.PRUNING)

    def needed_go_mods(self) -> list[NeededGoMod]:
        """The go.mod files that the go command reads with ``-mod=readonly``, but for those in folders.

        Missing ones count.
        """
        graph = self._graphs[0]
        asking: dict[Module, Module] = {}
        for module, requirements in graph.required.items():
            for requirement in requirements:
                asking.setdefault(requirement, module)
        found: dict[Module, NeededGoMod] = {}
        for module in graph.asked:
            path, version = module
            if version == MAIN_VERSION or goversion.is_pseudo_module(path):
                continue
            replacement = self.project.replacements.of(path, version)
            if replacement is not None and replacement.folder:
                continue
            source = module if replacement is None else (replacement.path, replacement.version)
            found.setdefault(source, NeededGoMod(module, source, asking.get(module)))
        return list(found.values())

    @cached_property
    def missing(self) -> tuple[AbsentGoMod, ...]:
        """The go.mod files that the module cache does not have."""
        return self._absent("missing")

    @cached_property
    def unreadable(self) -> tuple[AbsentGoMod, ...]:
        """The go.mod files that are in the module cache and cannot be read."""
        return self._absent("unreadable")

    @cached_property
    def errors(self) -> tuple[AbsentGoMod, ...]:
        """The go.mod files that Go refuses."""
        return self._absent("refused")

    def _absent(self, kind: UnloadedKind) -> tuple[AbsentGoMod, ...]:
        wanted = {module: found for module, found in self._files.unloaded.items() if found.kind == kind}
        if not wanted:
            return ()
        asking: dict[Module, dict[Module, None]] = {module: {} for module in wanted}
        for graph in self._graphs:
            for module, requirements in graph.required.items():
                for requirement in requirements:
                    if requirement in asking:
                        asking[requirement][module] = None
        return tuple(AbsentGoMod(wanted[module], tuple(asking[module])) for module in in_order(wanted))

    def why(self, path: str) -> tuple[Module, ...]:
        """A shortest way of requirements from a main module to the selected version of `path`.

        Empty where `path` is not in the build list.
        """
        if path not in self.by_path:
            return ()
        target = (path, self.by_path[path].version)
        for graph in self._graphs:
            way = graph.path_to(target)
            if way:
                return tuple(way)
        return ()

    def way_to(self, modules: Container[Module]) -> tuple[Module, ...]:
        """A shortest way of requirements to one of `modules`, the one that the go command tells of.

        Empty where there is none.
        """
        for graph in self._graphs:
            way = graph.path_to_any(modules)
            if way:
                return tuple(way)
        return ()

    def requirements(self, module: Module) -> Sequence[Module]:
        """What a module of the graph requires; empty where that was not read."""
        for graph in self._graphs:
            if module in graph.required:
                return graph.required[module]
        return ()

    @property
    def unloaded(self) -> Mapping[Module, UnloadedGoMod]:
        """What did not load, missing or refused, by the module that is required."""
        return self._files.unloaded

    def required_by(self, module: Module) -> tuple[Module, ...]:
        """The modules that require exactly this version."""
        return tuple(self._graph.required_by(module))


def build_list(project: Project, modcache: str) -> BuildList:
    """The build list of `project`, with the go.mod files in the module cache `modcache`.

    What is missing or refused is told in the answer, and the rest is worked out without it.
    """
    files = GoModFiles(project, modcache)
    if project.work is not None:
        return BuildList(project, files, [_workspace_graph(project, project.work, files)])
    main = project.main_modules[0]
    required = [(r.path, r.version) for r in main.file.require]
    excluded = project.excluded
    roots = [module for module in required if module not in excluded]
    roots.append((goversion.GO, main.file.go_version))
    if main.file.toolchain is not None:
        roots.append((goversion.TOOLCHAIN, main.file.toolchain))
    pruned = not goversion.is_before(main.file.go_version, goversion.PRUNING)
    pruning: _Pruning = "pruned" if pruned else "unpruned"
    if pruned:
        roots = _once_each(roots, main.path)
    graphs = [_graph((main.path, MAIN_VERSION), roots, pruning, files)]
    # Raising the requirements of a module that is not pruned changes nothing: all was read already.
    while pruned:
        selected = graphs[-1].selected
        raised = [(path, selected.get(path, version)) for path, version in roots]
        if all(
            old == new or goversion.is_pseudo_module(new[0]) for old, new in zip(roots, raised, strict=True)
        ):
            break
        roots = raised
        graphs.append(_graph((main.path, MAIN_VERSION), roots, pruning, files))
    return BuildList(project, files, [graphs[0], graphs[-1]] if len(graphs) > 1 else graphs)


def _once_each(roots: list[Module], main: str) -> list[Module]:
    """Each root at the highest version it is listed with, and none for the main module itself.

    ``updatePrunedRoots`` drops such repetitions before any go.mod is read.
    """
    highest: dict[str, str] = {}
    for path, version in roots:
        if path != main and (path not in highest or is_before(path, highest[path], version)):
            highest[path] = version
    return list(highest.items())


def _graph(main: Module, roots: list[Module], pruning: _Pruning, files: GoModFiles) -> RequirementGraph:
    graph = RequirementGraph([main])
    graph.require(main, in_order(roots))
    _Loading(graph, files).load(roots, pruning)
    return graph


def _workspace_graph(project: Project, work: WorkFile, files: GoModFiles) -> RequirementGraph:
    """The graph of a workspace, which is pruned to what its members need together."""
    roots = [(main.path, MAIN_VERSION) for main in project.main_modules]
    roots.append((goversion.GO, work.go_version))
    if work.toolchain is not None:
        roots.append((goversion.TOOLCHAIN, work.toolchain))
    roots = in_order(roots)
    graph = RequirementGraph(roots)
    loading = _Loading(graph, files)
    loading.load(roots, "workspace")
    # Dependencies whose selected version is not the one that was read need their requirements, too,
    # since packages of theirs may be imported (the second half of readModGraph).
    concerned = dict.fromkeys(path for path, _ in roots)
    seen: set[Module] = set()
    while True:
        unseen: dict[Module, None] = {}
        for path in concerned:
            module = (path, graph.selected.get(path, "none"))
            if module not in seen:
                unseen[module] = None
                continue
            for required, version in graph.required.get(module, ()):
                selected = graph.selected.get(required, "none")
                if (required, selected) not in seen and is_before(required, version, selected):
                    unseen[required, selected] = None
        if not unseen:
            return graph
        loading.load(list(unseen), "workspace")
        seen.update(unseen)
        concerned.update(dict.fromkeys(path for path, _ in unseen))


class _Loading:
    """Adds modules and what they require to a graph, each module once for each pruning."""

    def __init__(self, graph: RequirementGraph, files: GoModFiles) -> None:
        self._graph = graph
        self._files = files
        self._seen: dict[_Pruning, set[Module]] = {"pruned": set(), "unpruned": set(), "workspace": set()}

    def load(self, modules: Iterable[Module], pruning: _Pruning) -> None:
        """Add `modules` and, as far as `pruning` and their own go lines ask for it, what is below them."""
        queue: list[tuple[Module, _Pruning]] = []
        self._enqueue(queue, modules, pruning)
        for module, mode in queue:
            self._graph.asked[module] = None
            contribution = self._files.contribution(module)
            if contribution is None:
                continue
            if module not in self._graph.required:
                self._graph.require(module, contribution.require)
            if mode != "pruned" or not contribution.pruned:
                pruned = contribution.pruned and mode != "unpruned"
                self._enqueue(queue, contribution.require, "pruned" if pruned else "unpruned")

    def _enqueue(
        self, queue: list[tuple[Module, _Pruning]], modules: Iterable[Module], pruning: _Pruning
    ) -> None:
        seen = self._seen[pruning]
        for module in modules:
            if module not in seen and module[1] != "none":
                seen.add(module)
                queue.append((module, pruning))
