"""Checking a vendor folder: every file against its namesake in the module that it was copied from."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeAlias

from fastverify.engine.faults import describe
from fastverify.engine.protocol import Difference, Engine, Fault, ModuleMeasurement, ModuleTask
from fastverify.gomod.modulepath import import_path_fault
from fastverify.modcache import changes, layout
from fastverify.modcache.gosum import TrustedSums
from fastverify.modcache.judge import judge_module
from fastverify.modcache.modulefiles import ModuleFiles, look_again
from fastverify.modcache.tasks import biggest_first
from fastverify.report.model import Authority, Finding, ModuleResult
from fastverify.sumdb.proof import ModuleProofs
from fastverify.vendor.belonging import Belonging
from fastverify.vendor.folder import VendorFolder
from fastverify.vendor.modulestxt import VendoredModule
from fastverify.vendor.sources import FolderSource, Source, ZipSource, files_below

_GO_BUILDS = (
    "go build compiles the vendored files as they are: of a vendor folder it compares only modules.txt, with "
    "go.mod"
)
_GRAVEST = ("extra", "missing", "type", "modified")

_Folders: TypeAlias = set[bytes]


#: A path is cut here, in characters: folders can be nested deeper than any path may be long.
_SHOWN_PATH = 4096


@dataclass
class _Compared:
    """One module, and what came of comparing it."""

    module: VendoredModule
    #: Why it was not compared; "" where it was.
    reason: str = ""
    #: Whether nothing is the matter with it but that it is not here.
    is_absent: bool = False
    #: Whether go.sum has nothing of it, either.
    is_unknown: bool = False
    authority: Authority = ""
    said_by: str = ""
    differences: dict[bytes, Difference] = field(default_factory=dict)
    faults: tuple[Fault, ...] = ()
    more_faults: int = 0
    #: What is wrong with its folder as a whole.
    root_fault: Fault | None = None
    files: int = 0
    bytes: int = 0
    found: list[Difference] = field(default_factory=list)
    source: Source | None = None

    @cached_property
    def packages(self) -> _Folders:
        """The folders of its packages, relative to its root."""
        return Belonging(self.module, strips_go_mod=False).packages


def check_vendor(
    folder: VendorFolder,
    *,
    root: str,
    sums: TrustedSums,
    database: ModuleProofs,
    engine: Engine,
    threads: int,
    spares: int = 0,
) -> Iterator[ModuleResult]:
    """Compare the files of a vendor folder with the modules in the module cache `root`.

    It takes `threads` workers, and `spares` more while a disk makes those wait.

    A result for each module that has files there, and one for what concerns the folder as a whole.
    """
    whole = list(folder.findings)
    if folder.txt is not None:
        compared = [_Compared(module) for module in folder.txt.with_packages()]
        _Comparison(folder, root, sums, database, engine, threads, spares).run(compared)
        strangers, closed = _share_out(folder.path, compared)
        for one in compared:
            yield _result(folder, one)
        if strangers:
            whole.append(_strangers_finding(folder, strangers))
        whole += [_closed_finding(folder, error) for error in closed]
    if whole:
        yield ModuleResult("", "", tuple(whole))


class _Comparison:
    def __init__(  # noqa: PLR0917 (the parts of one check)
        self,
        folder: VendorFolder,
        root: str,
        sums: TrustedSums,
        database: ModuleProofs,
        engine: Engine,
        threads: int,
        spares: int,
    ) -> None:
        self._folder = folder
        self._root = root
        self._sums = sums
        self._database = database
        self._engine = engine
        self._threads = threads
        self._spares = spares

    def run(self, compared: Sequence[_Compared]) -> None:
        """Compare each module; what is due and missing is found here, too."""
        tasks: list[ModuleTask] = []
        parts: list[ModuleFiles] = []
        of_key: list[_Compared] = []
        for one in compared:
            path, version = one.module.source
            if import_path_fault(one.module.path):
                one.reason = "no module can have that path"
                continue
            if not version:
                self._compare_folder(one)
                continue
            if not (layout.is_module_path(path) and layout.is_version(version)):
                one.reason = "no module cache can hold a module of that name"
                continue
            files = look_again(self._root, path, version)
            if not files.has("zip"):
                one.reason = "its zip is not in the module cache"
                one.is_absent = True
                one.is_unknown = self._is_unknown(path, version)
                continue
            tasks.append(self._task(len(tasks), files, one))
            parts.append(files)
            of_key.append(one)
        ordered = biggest_first(tasks)
        measuring = self._engine.measure(ordered, threads=self._threads, spares=self._spares)
        with closing(measuring) as measurements:
            for measured in measurements:
                self._take(of_key[measured.key], parts[measured.key], measured)

    def _is_unknown(self, path: str, version: str) -> bool:
        """Whether the project's go.sum has not the version: go mod vendor copies only what it can check."""
        project = self._folder.project
        has_sums = project is not None and project.sums.main is not None
        return has_sums and not self._sums.of_module(path, version)

    def _tree(self, one: _Compared) -> str:
        return os.path.join(self._folder.path, *one.module.path.split("/"))

    def _task(self, key: int, files: ModuleFiles, one: _Compared) -> ModuleTask:
        return ModuleTask(
            key=key,
            prefix=f"{files.module}@{files.version}/".encode(),
            zip=files.files["zip"],
            tree=self._tree(one),
            mod=files.path("mod"),
            info=None,
            ziphash=files.path("ziphash"),
            toolchain=False,
            weight=files.zip_bytes + 1,
        )

    def _take(self, one: _Compared, files: ModuleFiles, measured: ModuleMeasurement) -> None:
        """Judge the zip by itself, and then what the vendored files are worth."""
        files = files.without_tree()
        proof = self._database.prove(files.module, files.version)
        alone = measured._replace(tree=None, differences=())
        judged = judge_module(self._root, files, alone, self._sums, proof)
        errors = [finding for finding in judged.findings if finding.severity == "error"]
        if errors or measured.zip is None or measured.zip.h1 is None:
            one.reason = "its copy in the module cache is damaged" + (
                f": {errors[0].message}" if errors else ""
            )
            return
        one.authority = judged.authority or "zip"
        expected = self._sums.of_module(files.module, files.version)
        one.said_by = f", which is as {expected[0].source} says" if expected else ""
        tree = measured.tree
        if tree is not None:
            one.files, one.bytes = tree.files, tree.bytes
            one.faults, one.more_faults = tree.faults, tree.more_faults
            one.root_fault = tree.fault if tree.fault is not None and not tree.fault.name else None
        one.differences = {d.path: d for d in measured.differences if d.change != "mode"}
        source = ZipSource(files.files["zip"], f"{files.module}@{files.version}/".encode())
        try:
            if measured.more_differences:
                # There are very many that are missing, because they were not vendored, or extra, because
                # they are another module's; so not all are listed.
                self._find_the_rest(one, source)
            self._drop_what_is_not_due(one, source)
        finally:
            source.close()

    def _find_the_rest(self, one: _Compared, source: ZipSource) -> None:
        """Add each file that the vendored tree lacks, and each that the zip lacks."""
        tree = os.fsencode(self._tree(one))
        names = source.names(b"")
        zipped = set(names)
        try:
            for name, found in files_below(tree):
                if name not in zipped:
                    one.differences.setdefault(name, Difference(name, "extra", None, None, None, found))
        except OSError as error:
            one.reason = f"{os.fsdecode(error.filename or tree)} cannot be read: {error.strerror or error}"
            return
        for name in names:
            if _is_absent(os.path.join(tree, name)):
                one.differences.setdefault(name, Difference(name, "missing", None, None, None, None))

    def _compare_folder(self, one: _Compared) -> None:
        """A module that a folder replaces: nothing vouches for that, but it can be compared."""
        project = self._folder.project
        found = project.replacements.of(one.module.path, one.module.version) if project is not None else None
        if found is None or not found.folder:
            one.reason = "no go.mod beside the vendor folder says which folder replaces it"
            return
        place = found.folder
        if not os.path.isdir(place):
            one.reason = f"the folder that replaces it is not there ({place})"
            return
        source = FolderSource(place)
        belonging = Belonging(one.module, strips_go_mod=self._folder.strips_go_mod)
        try:
            one.differences = {d.path: d for d in source.differences(self._tree(one), belonging.folders)}
        except OSError as error:
            one.reason = f"{os.fsdecode(error.filename or place)} cannot be read: {error.strerror or error}"
            return
        self._drop_what_is_not_due(one, source)

    def _drop_what_is_not_due(self, one: _Compared, source: Source) -> None:
        belonging = Belonging(one.module, strips_go_mod=self._folder.strips_go_mod)
        missing = [name for name, difference in one.differences.items() if difference.change == "missing"]
        in_folder = isinstance(source, FolderSource)
        embedded = belonging.embedded(
            None if in_folder else missing, source, with_tests=self._folder.has_test_embeds
        )
        for name in missing:
            if name not in embedded and not belonging.is_due(name, source):
                del one.differences[name]
        if in_folder:
            tree = os.fsencode(self._tree(one))
            for name in embedded:
                if not os.path.lexists(os.path.join(tree, name)):
                    one.differences[name] = Difference(name, "missing", None, None, None, None)


def _is_absent(path: bytes) -> bool:
    try:
        os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False  # a folder above it cannot be read, which is told
    return False


def _share_out(folder: str, compared: Sequence[_Compared]) -> tuple[list[Difference], list[OSError]]:
    """Give each difference to the one module that it concerns.

    Returns the files of no module at all, and why folders could not be looked into for them.

    Where one module's path begins another's, their folders overlap: a file is good if it is as one of
    them has it.
    """
    by_path = {one.module.path.encode("utf-8", "surrogateescape"): one for one in compared}
    concerned: dict[bytes, list[tuple[_Compared, Difference]]] = {}
    for path, one in by_path.items():
        for name, difference in one.differences.items():
            concerned.setdefault(path + b"/" + name, []).append((one, difference))
    for whole, told in sorted(concerned.items()):
        missing = [pair for pair in told if pair[1].change == "missing"]
        if missing:
            missing[-1][0].found.append(missing[-1][1])
            continue
        owners = [by_path[prefix] for prefix in _prefixes(whole) if prefix in by_path]
        if len(told) < sum(1 for owner in owners if not owner.reason):
            continue  # it is as another of them has it
        if all(difference.change == "extra" for _, difference in told):
            # No package is of two modules: of one that was compared it is, whatever others claim.
            claiming = [owner for owner in owners if _may_own(owner, whole)]
            if claiming and all(owner.reason for owner in claiming):
                continue  # it may be a file of one that was not compared, and is then said not to be
        # The innermost that knows a file of the name, else the innermost.
        told.sort(key=lambda pair: (_GRAVEST.index(pair[1].change), len(pair[0].module.path)))
        told[-1][0].found.append(told[-1][1])
    return _strangers(folder, set(by_path))


def _may_own(owner: _Compared, whole: bytes) -> bool:
    """Whether the file lies in the folder of a package that modules.txt has of this module."""
    path = owner.module.path.encode("utf-8", "surrogateescape")
    folder = whole.rpartition(b"/")[0][len(path) + 1 :]
    return folder in owner.packages


def _prefixes(path: bytes) -> Iterator[bytes]:
    while b"/" in path:
        path = path.rpartition(b"/")[0]
        yield path


def _strangers(folder: str, modules: set[bytes]) -> tuple[list[Difference], list[OSError]]:
    """The files of a vendor folder that lie below no module's path, and what kept from finding others."""
    found = []
    closed = []
    top = os.fsencode(folder)
    pending = [b""]
    while pending:
        below = pending.pop()
        try:
            with os.scandir(os.path.join(top, below)) as scan:
                entries = sorted(scan, key=lambda entry: entry.name)
        except OSError as error:
            closed.append(error)
            continue
        for entry in entries:
            name = below + b"/" + entry.name if below else entry.name
            if name in modules or name == b"modules.txt":
                continue
            if entry.is_dir(follow_symlinks=False):
                pending.append(name)
            else:
                found.append(Difference(name, "extra", None, None, None, None))
    return found, closed


def _closed_finding(folder: VendorFolder, error: OSError) -> Finding:
    place = os.fsdecode(error.filename) if error.filename is not None else folder.path
    return Finding(
        "unreadable",
        "error",
        "vendor",
        place if len(place) <= _SHOWN_PATH else place[:_SHOWN_PATH] + "…",
        f"this folder cannot be listed, so what is in it is not known: {error.strerror or error}",
        "go build reads the folders of the packages that it compiles",
        "run fastverify as a user who may read it, or remove it",
        cache="vendor",
    )


def _strangers_finding(folder: VendorFolder, strangers: list[Difference]) -> Finding:
    return Finding(
        "modified",
        "error",
        "vendor",
        folder.path,
        "these files belong to no module that modules.txt names",
        "go build -mod=vendor does not look at packages that modules.txt does not name",
        f"remove them, or let {folder.makes_it} make the folder anew",
        cache="vendor",
        files=changes.of_tree(strangers),
    )


def _hint(folder: VendorFolder, one: _Compared, name: str) -> str:
    if one.is_unknown:
        return f"find out who wrote that into modules.txt, and let {folder.makes_it} make the folder anew"
    if one.is_absent:
        return f"fetch it, and check again: go mod download {name}"
    return "mend it first (fastverify explain shows how), and check again"


def _result(folder: VendorFolder, one: _Compared) -> ModuleResult:
    path, version = one.module.source
    if not version:
        path, version = one.module.path, one.module.version
    place = os.path.join(folder.path, *one.module.path.split("/"))
    findings = []
    if one.reason:
        findings.append(
            Finding(
                "untracked" if one.is_absent else "unreadable",
                "warning" if one.is_absent and not one.is_unknown else "error",
                "vendor",
                place,
                f"the vendored files are not compared: {one.reason}"
                + (f", and no go.sum has {version}, which modules.txt says it is" if one.is_unknown else ""),
                _GO_BUILDS,
                _hint(folder, one, f"{path}@{version}"),
                cache="vendor",
                module=path,
                version=version,
            )
        )
    if one.found:
        findings.append(
            Finding(
                "modified",
                "error",
                "vendor",
                place,
                f"the vendored files are not those of the module's zip{one.said_by}"
                if one.authority
                else "the vendored files are not those of the folder that replaces the module",
                _GO_BUILDS,
                f"{folder.makes_it} makes the folder anew; changes that were meant belong in a fork and a "
                "replace line",
                cache="vendor",
                module=path,
                version=version,
                authority=one.authority,
                files=changes.of_tree(one.found),
            )
        )
    if one.root_fault is not None:
        findings.append(_root_finding(folder, one, place))
    else:
        unreadable = [fault for fault in one.faults if fault.code == "os"]
        findings += [
            _unreadable(one, place, f"{changes.shown(fault.name)} in it", fault) for fault in unreadable
        ]
        if one.more_faults:
            findings.append(_unreadable(one, place, f"{one.more_faults} more in it"))
    reason = ""
    if any(finding.verdict in ("modified", "missing") for finding in findings):
        reason = "damaged"
    elif any(finding.severity == "error" for finding in findings):
        reason = "unreadable"
    elif one.reason or not one.authority:
        reason = "untracked"
    return ModuleResult(
        module=path,
        version=version,
        findings=tuple(findings),
        authority="" if reason else one.authority,
        verified=not reason,
        reason=reason,
        vendored=True,
        trees=1,
        files=one.files,
        bytes=one.bytes,
    )


def _root_finding(folder: VendorFolder, one: _Compared, place: str) -> Finding:
    """The folder of a module is not there, is no folder, or cannot be looked into."""
    path, version = one.module.source
    fault = one.root_fault
    absent = fault is not None and fault.code == "os" and fault.errno == errno.ENOENT
    if fault is not None and fault.code in ("os", "too-many-names") and not absent:
        return _unreadable(one, place, "the folder", fault)
    return Finding(
        "missing" if absent else "modified",
        "error",
        "vendor",
        place,
        "the folder of the module is not there, though modules.txt names packages of it"
        if absent
        else "this is no folder; go mod vendor copies files and makes no links",
        "go build fails where it needs a package of it" if absent else _GO_BUILDS,
        f"{folder.makes_it} makes the folder anew",
        cache="vendor",
        module=path,
        version=version,
        authority=one.authority,
    )


def _unreadable(one: _Compared, place: str, what: str, fault: Fault | None = None) -> Finding:
    path, version = one.module.source
    return Finding(
        "unreadable",
        "error",
        "vendor",
        place,
        f"{what} cannot be read and is not verified" + (f": {describe(fault)}" if fault else ""),
        "the go command fails where it has to read this",
        "run fastverify as a user who may read it, or mend the permissions or the disk",
        cache="vendor",
        module=path,
        version=version,
    )
