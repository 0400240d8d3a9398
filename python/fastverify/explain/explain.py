"""Gathering what is known of one module version; nothing is written, and nothing is fetched."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from contextlib import closing

from fastverify.engine.protocol import Difference, Engine, ModuleMeasurement, TreeMeasurement
from fastverify.errors import FastverifyError
from fastverify.explain import causes
from fastverify.explain.diff import Copies, Diff, ZipCopies, compare, read_file
from fastverify.explain.explanation import Asking, DamagedFile, Explanation, Hashes, Part, Word, time_of
from fastverify.explain.mending import commands
from fastverify.explain.neighbours import changed_with
from fastverify.explain.target import Target
from fastverify.locate import GoSettings
from fastverify.modcache import changes, layout
from fastverify.modcache.buildlist import BuildList, named
from fastverify.modcache.gosum import Expectation, TrustedSums
from fastverify.modcache.inventory import take_inventory
from fastverify.modcache.judge import judge_module
from fastverify.modcache.layoutfindings import unreadable_folder_finding
from fastverify.modcache.modulefiles import (
    FILE_KINDS,
    ModuleFiles,
    download_dir,
    file_path,
    hidden_folders,
    look_again,
    tree_path,
)
from fastverify.modcache.tasks import task_of
from fastverify.sumdb.opening import Opener
from fastverify.sumdb.proof import Proof
from fastverify.sumdb.settings import sumdb_settings

#: At most so many damaged files are looked into.
MAX_FILES = 50


def explain(
    target: Target,
    *,
    modules: Sequence[BuildList],
    sums: TrustedSums,
    settings: GoSettings,
    engine: Engine,
    threads: int,
    diff_lines: int,
) -> Explanation:
    """Explain the module version `target`.

    `modules` are the build lists of the projects that may ask for it, `sums` the go.sum files that are
    trusted; of each damaged file at most `diff_lines` lines of a diff are made.  Raises FastverifyError
    where the cache has nothing of it.
    """
    root, module, version, file = target
    files = look_again(root, module, version)
    if not files.has_tree and not files.has_files:
        if files.hidden:
            raise FastverifyError(f"the folders of {module}@{version} in {root} may not be read")
        raise FastverifyError(f"nothing of {module}@{version} is in the module cache {root}")
    with closing(engine.measure([task_of(0, files)], threads=threads)) as measurements:
        measured = next(iter(measurements))
    sumdb = os.path.join(download_dir(root), "sumdb")
    database, _ = Opener(settings, engine.name, roots=[root]).open(sumdb, [(module, version)])
    proof = database.prove(module, version)
    result = judge_module(root, files, measured, sums, proof)
    made = Explanation(
        root, module, version, engine.name, result.reason or "verified", result.authority, file=file
    )
    made.parts = _parts(root, files)
    made.content = _content(files, measured, sums, proof)
    made.go_mod = _go_mod(files, measured, sums, proof)
    made.asking = [_asking(one, module, version) for one in modules]
    made.exempt = _exempt(settings, module)
    made.findings = [unreadable_folder_finding(*folder) for folder in hidden_folders(root, files)]
    made.findings += result.findings
    damages = _damages(files, measured, file)
    # What is only in the zip is a damage.
    if file and not damages and _is_whole(measured.tree) and not _is_there(files, file):
        raise FastverifyError(f"there is no {file} in {module}@{version}, neither in its zip nor in its tree")
    made.files = [
        _damaged_file(files, damage, compare(damage.copies, limit=diff_lines))
        if damage.difference.change not in ("mode", "type")
        else _damaged_file(files, damage, Diff("text"))
        for damage in damages[:MAX_FILES]
    ]
    made.more_files = max(len(damages) - MAX_FILES, 0)
    if damages:
        times = [at for at in (_changed_at(files, damage.difference) for damage in damages) if at is not None]
        made.neighbours = changed_with(take_inventory(root), (module, version), times)
        made.causes = causes.guess(
            damages,
            extracted=_extracted_at(files, {damage.difference.path for damage in damages}),
            touched=len(made.neighbours),
            partial=files.has("partial"),
        )
    made.commands = commands(root, files, result.findings)
    return made


def _is_whole(tree: TreeMeasurement | None) -> bool:
    return tree is not None and tree.fault is None


def _is_there(files: ModuleFiles, file: str) -> bool:
    return files.tree is not None and os.path.lexists(os.path.join(files.tree, file))


def _parts(root: str, files: ModuleFiles) -> list[Part]:
    places = [(str(kind), file_path(root, files.module, files.version, kind)) for kind in FILE_KINDS]
    places.append(("dir", tree_path(root, files.module, files.version)))
    return [_part(kind, path) for kind, path in places]


def _part(kind: str, path: str) -> Part:
    try:
        found = os.lstat(path)
    except OSError:
        return Part(kind, path)
    return Part(
        kind,
        path,
        found.st_size,
        changes.timestamp(found.st_mtime_ns),
        changes.owner_name(found.st_uid),
        stat.filemode(found.st_mode),
    )


def _content(files: ModuleFiles, measured: ModuleMeasurement, sums: TrustedSums, proof: Proof) -> Hashes:
    """The module's own hash: of the zip and of the tree."""
    found = {}
    if measured.zip is not None and measured.zip.h1 is not None:
        found["zip"] = measured.zip.h1
    if measured.tree is not None and measured.tree.h1 is not None:
        found["dir"] = measured.tree.h1
    words = [
        *_of_sums(sums.of_module(files.module, files.version), found),
        *_of_record(proof, proof.h1, found),
    ]
    if measured.ziphash is not None and measured.ziphash.fault is None:
        text = measured.ziphash.content.decode("utf-8", "surrogateescape").strip()
        words.append(_word("ziphash", files.files["ziphash"], text[:200], found))
    return Hashes(found, tuple(words))


def _go_mod(files: ModuleFiles, measured: ModuleMeasurement, sums: TrustedSums, proof: Proof) -> Hashes:
    """The hash of the go.mod, as it lies beside the zip."""
    found = {}
    if measured.mod is not None and measured.mod.h1 is not None:
        found["mod"] = measured.mod.h1
    words = [
        *_of_sums(sums.of_go_mod(files.module, files.version), found),
        *_of_record(proof, proof.go_mod_h1, found),
    ]
    if measured.zip is not None and measured.zip.go_mod_h1 is not None:
        words.append(_word("zip", files.files["zip"], measured.zip.go_mod_h1, found))
    return Hashes(found, tuple(words))


def _of_sums(expected: Sequence[Expectation], found: dict[str, str]) -> list[Word]:
    return [_word("gosum", f"{one.file}:{one.line}", one.h1, found) for one in expected]


def _of_record(proof: Proof, h1: str | None, found: dict[str, str]) -> list[Word]:
    if h1 is None:
        return []
    reservation = "" if proof.status == "proved" else f"{proof.status}: {proof.reason}"
    return [_word("sumdb", proof.path, h1, found, reservation)]


def _word(authority: str, source: str, h1: str, found: dict[str, str], reservation: str = "") -> Word:
    return Word(
        authority,
        source,
        h1,
        tuple(part for part, measured in found.items() if measured == h1),
        tuple(part for part, measured in found.items() if measured != h1),
        reservation,
    )


def _asking(modules: BuildList, module: str, version: str) -> Asking:
    selected = modules.by_path.get(module)
    stands_in = [one for one in modules.modules if one.replacement and one.source == (module, version)]
    way = modules.why(stands_in[0].path if stands_in else module)
    replaced_by = ""
    if selected is not None and selected.replacement is not None:
        replaced_by = named((selected.replacement.path, selected.replacement.version))
    return Asking(
        modules.project.root,
        selected.version if selected is not None else "",
        tuple(map(named, way)),
        tuple(map(named, modules.required_by((module, version)))),
        replaced_by,
        named((stands_in[0].path, stands_in[0].version)) if stands_in else "",
    )


def _exempt(settings: GoSettings, module: str) -> list[str]:
    said = []
    if module == layout.TOOLCHAIN:
        said.append("toolchains stand in no go.sum; the go command holds them to the checksum database")
    if module == layout.FIPS140:
        said.append("Go unpacks this module from its own installation and records no hash for it")
    try:
        sumdb = sumdb_settings(settings)
    except FastverifyError as error:
        return [*said, f"no checksum database is asked: {error}"]
    if sumdb.key is None:
        said.append("no checksum database is asked for any module: GOSUMDB is off")
    elif sumdb.is_exempt(module):
        setting = "GONOSUMDB" if settings.gonosumdb != settings.goprivate else "GOPRIVATE"
        said.append(f"the checksum database is not asked for it: {setting} is {settings.gonosumdb}")
    return said


def _damages(files: ModuleFiles, measured: ModuleMeasurement, file: str) -> list[causes.Damage]:
    differences = [d for d in measured.differences if not file or _is_in(d.path, os.fsencode(file))]
    differences.sort(key=lambda d: d.change == "mode")  # whoever edits a file often changes all modes before
    copies = ZipCopies(files.path("zip"), f"{files.module}@{files.version}/".encode())
    made = []
    try:
        for number, difference in enumerate(differences):
            # Of the rest only the names count.
            shown = number < MAX_FILES and difference.change not in ("mode", "type")
            made.append(
                causes.Damage(
                    difference,
                    Copies(copies.read(difference.path), read_file(_path(files, difference.path)))
                    if shown
                    else Copies(None, None),
                )
            )
    finally:
        copies.close()
    return made


def _is_in(path: bytes, asked: bytes) -> bool:
    return path == asked or path.startswith(asked + b"/")


def _path(files: ModuleFiles, name: bytes) -> bytes:
    return os.path.join(os.fsencode(files.tree or ""), *name.split(b"/"))


def _damaged_file(files: ModuleFiles, damage: causes.Damage, diff: Diff) -> DamagedFile:
    at = _changed_at(files, damage.difference)
    return DamagedFile(
        changes.of_tree([damage.difference])[0], "" if at is None else time_of(at), _side(damage, diff)
    )


def _side(damage: causes.Damage, diff: Diff) -> Diff:
    """A copy that should be there and could not be read must not look like an empty one."""
    wants_zip = damage.difference.change in ("modified", "missing")
    wants_tree = damage.difference.change in ("modified", "extra")
    if (wants_zip and damage.copies.zip is None) or (wants_tree and damage.copies.tree is None):
        return Diff("too long or unreadable")
    return diff


def _changed_at(files: ModuleFiles, difference: Difference) -> float | None:
    """When the file was changed last, or for a missing one the nearest folder that is there."""
    path = _path(files, difference.path)
    top = os.fsencode(files.tree or "")
    while not os.path.lexists(path) and len(path) > len(top):
        path = os.path.dirname(path)
    try:
        return os.lstat(path).st_ctime
    except OSError:
        return None


def _extracted_at(files: ModuleFiles, damaged: set[bytes]) -> float | None:
    """When the tree was extracted: the time of the oldest file at its top that is not damaged."""
    if files.tree is None:
        return None
    try:
        with os.scandir(files.tree) as scan:
            whole = [e for e in scan if os.fsencode(e.name) not in damaged]
        return min((e.stat().st_mtime for e in whole if e.is_file(follow_symlinks=False)), default=None)
    except OSError:
        return None
