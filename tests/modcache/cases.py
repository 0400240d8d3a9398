"""The table of tampering: what is done to a cache, what fastverify says, and what the go command does.

Each case damages one module of a small cache.  The signs are those of the table in the documentation
of the module cache's blind spots: ``✓`` the go command accepts what it finds, ``✗`` it refuses, ``↻`` it
repairs the cache without a word, ``∞`` it never comes back.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Literal

from fastverify.report.model import Change
from tests.making.modules import Module, Project, h1, module, remove, rewrite, writable
from tests.making.world import BYSTANDER, STRONGEST, VICTIM, Expected, World
from tests.making.zips import BZIP2, FLAG_ENCRYPTED, Archive, Entry, zip_of

Sign = Literal["✓", "✗", "↻", "∞"]


@dataclass(frozen=True)
class Case:
    """One row."""

    damage: Callable[[World], None]
    #: What `go mod verify`, `go build` and `go mod download` do.
    go: tuple[Sign, Sign, Sign]
    #: What is found with the project's go.sum; and without it, where that is not the same.
    found: tuple[Expected, ...]
    found_alone: tuple[Expected, ...] | None = None
    world: Callable[..., World] = field(default=World)

    def expected(self, *, project: bool) -> tuple[Expected, ...]:
        """What is found, with the project or without."""
        return self.found if project or self.found_alone is None else self.found_alone


EDITED = b'package victim\n\nconst Name = "something else"\n'
FORGED = replace(VICTIM, files={**VICTIM.files, "victim.go": EDITED})


# --- the extracted tree -----------------------------------------------------------------------------


def tree_file(name: str, content: bytes) -> Callable[[World], None]:
    """Give a file of the tree other content, or add it."""
    return lambda world: rewrite(world.places.tree / name, content)


def edit_tree(world: World) -> None:
    rewrite(world.places.tree / "victim.go", EDITED)


def remove_from_tree(world: World) -> None:
    remove(world.places.tree / "internal/deep/deep.go")


def rename_in_tree(world: World) -> None:
    tree = world.places.tree
    with writable(tree):
        (tree / "LICENSE").rename(tree / "COPYING")


def several_in_tree(world: World) -> None:
    edit_tree(world)
    remove_from_tree(world)
    rewrite(world.places.tree / "internal/added.go", b"package internal\n")


def swap_in_tree(world: World) -> None:
    """Equal sizes, times put back: only the content tells."""
    path = world.places.tree / "testdata/blob.bin"
    before = path.stat()
    content = bytearray(path.read_bytes())
    content[0], content[1] = content[1], content[0]
    rewrite(path, bytes(content))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def remove_tree(world: World) -> None:
    remove(world.places.tree)


def tree_is_file(world: World) -> None:
    remove(world.places.tree)
    world.places.tree.write_bytes(b"x")


def add_empty_directory(world: World) -> None:
    with writable(world.places.tree):
        (world.places.tree / "hollow" / "inner").mkdir(parents=True)


def mode(bits: int) -> Callable[[World], None]:
    return lambda world: (world.places.tree / "victim.go").chmod(bits)


def link_to(target: Callable[[World], str], name: str = "victim.go") -> Callable[[World], None]:
    """Put a symlink in the place of a file of the tree."""

    def damage(world: World) -> None:
        path = world.places.tree / name
        with writable(path.parent):
            path.unlink()
            path.symlink_to(target(world))

    return damage


def copy_outside(world: World) -> str:
    copy = world.folder / "copy"
    copy.write_bytes(VICTIM.files["victim.go"])
    return str(copy)


def link_to_file_of_tree(world: World) -> None:
    """A link that stays in the tree, to a file of the same content."""
    rewrite(world.places.tree / "victim.go.copy", VICTIM.files["victim.go"])
    link_to(lambda _: "victim.go.copy")(world)


def fifo_in_tree(world: World) -> None:
    path = world.places.tree / "LICENSE"
    with writable(path.parent):
        path.unlink()
        os.mkfifo(path)


def directory_for_file(world: World) -> None:
    path = world.places.tree / "LICENSE"
    with writable(path.parent):
        path.unlink()
        path.mkdir()
    rewrite(path / "inner", b"x")


def hard_link_outside(world: World) -> None:
    os.link(world.places.tree / "victim.go", world.folder / "second name")


def partial(world: World) -> None:
    world.places.partial.touch()


def partial_and_edit(world: World) -> None:
    partial(world)
    edit_tree(world)


# --- the zip ----------------------------------------------------------------------------------------


def zip_with(content: Callable[[], bytes]) -> Callable[[World], None]:
    """Put another zip in the place of the victim's."""
    return lambda world: rewrite(world.places.zip, content())


def forged_zip(world: World) -> None:
    rewrite(world.places.zip, FORGED.zip)


def forged_zip_alone(world: World) -> None:
    forged_zip(world)
    remove_tree(world)


def forged_zip_and_ziphash(world: World) -> None:
    forged_zip(world)
    rewrite(world.places.ziphash, FORGED.h1.encode())


def forged_consistently(world: World) -> None:
    forged_zip_and_ziphash(world)
    edit_tree(world)


def forged_with_go_sum(world: World) -> None:
    forged_consistently(world)
    world.project.gosum.write_text(FORGED.sums + BYSTANDER.sums)


def zip_and_tree_forged(world: World) -> None:
    forged_zip(world)
    edit_tree(world)


def zip_and_tree_differently(world: World) -> None:
    forged_zip(world)
    rewrite(world.places.tree / "LICENSE", b"Pay me.\n")


def remove_zip(world: World) -> None:
    remove(world.places.zip)


def zip_is_fifo(world: World) -> None:
    remove(world.places.zip)
    os.mkfifo(world.places.zip)


def zip_is_dangling_link(world: World) -> None:
    remove(world.places.zip)
    world.places.zip.symlink_to("nowhere.zip")


def folder_for(file: str) -> Callable[[World], None]:
    """Put a folder in the place of one of the files beside the tree."""

    def damage(world: World) -> None:
        path = world.places.zip.with_suffix(f".{file}")
        if path.exists():
            remove(path)
        path.mkdir()

    return damage


def tree_behind_link(world: World) -> None:
    elsewhere = world.folder / "elsewhere"
    world.places.tree.chmod(0o755)  # else only root may move it
    world.places.tree.rename(elsewhere)
    elsewhere.chmod(0o555)
    world.places.tree.symlink_to(elsewhere)


def entries_of(of: Module = VICTIM) -> list[Entry]:
    return [Entry(name, content) for name, content in of.entries]


def one_entry(**changed: object) -> bytes:
    """The victim's zip with one entry (victim.go) changed in its headers."""
    entries = entries_of()
    at = [name for name, _ in VICTIM.entries].index(VICTIM.prefix + b"victim.go")
    entries[at] = replace(entries[at], **changed)  # type: ignore[arg-type]
    return Archive(entries).to_bytes()


def case_collision() -> bytes:
    return zip_of([*VICTIM.entries, (VICTIM.prefix + b"VICTIM.go", b"package victim\n")])


# --- ziphash, .mod, .info, list, lock ---------------------------------------------------------------


def ziphash(content: bytes) -> Callable[[World], None]:
    return lambda world: rewrite(world.places.ziphash, content)


def remove_part(*parts: str) -> Callable[[World], None]:
    """Remove parts of the victim."""

    def damage(world: World) -> None:
        for part in parts:
            remove(getattr(world.places, part))

    return damage


def unrecorded_edited_tree(world: World) -> None:
    remove_part("zip", "ziphash")(world)
    edit_tree(world)


def zipless_edited_tree(world: World) -> None:
    remove_zip(world)
    edit_tree(world)


def edit_part(part: str, content: bytes) -> Callable[[World], None]:
    return lambda world: rewrite(getattr(world.places, part), content)


def temporary_files(world: World) -> None:
    for name in ("v1.2.3.zip123456789.tmp", "v1.2.3.mod1.tmp"):
        rewrite(world.places.folder / name, b"half a fi")


# --- go.sum -----------------------------------------------------------------------------------------


def go_sum(text: Callable[[], str]) -> Callable[[World], None]:
    return lambda world: rewrite(world.project.gosum, text().encode())


WRONG = h1([(b"wrong", b"")])


# --- modules that no build list holds ----------------------------------------------------------------


def outside_build_list(folder: object) -> World:
    """The project does not require the victim."""
    return World(folder, required=(BYSTANDER,))  # type: ignore[arg-type]


def as_replacement(folder: object) -> World:
    """The victim stands in for another module."""
    world = World(folder, required=(BYSTANDER,))  # type: ignore[arg-type]
    original = module("example.com/original", "v1.0.0")
    replaced = Project.make(
        world.folder / "project",
        [original, BYSTANDER],
        sums=VICTIM.sums + BYSTANDER.sums,
        go_mod=f"\nreplace {original.path} => {VICTIM.path} {VICTIM.version}\n",
    )
    world.project = replaced
    # A replacement's go.mod names the module that it replaces, or none of its own path.
    return world


def tree_finding(*files: tuple[str, Change], authority: str = STRONGEST) -> Expected:
    return Expected("modified", "dir", authority=authority, files=files)


def zip_finding(*files: tuple[str, Change]) -> Expected:
    return Expected("modified", "zip", authority=STRONGEST, files=files)


def bad_zip(*files: tuple[str, Change]) -> Expected:
    return Expected("malformed", "zip", authority=STRONGEST, files=files)


MODIFIED = tree_finding(("victim.go", "modified"))
TYPE = tree_finding(("victim.go", "type"))
NO_ZIP = Expected("missing", "zip", "warning")
NO_TREE = Expected("missing", "dir", "warning")
NO_LINE = Expected("untracked", "gosum", "note", path="cache/cache/download/example.com/victim/@v/v1.2.3.zip")
BAD_ZIPHASH = Expected("malformed", "ziphash")
MOD_UNTRACKED = Expected("untracked", "mod", "note")
FROM_GO_SUM = Expected("modified", "gosum", authority="gosum")
MODE = Expected("warning", "dir", "warning", files=(("victim.go", "mode"),))
BAD_INFO = Expected("malformed", "info", "warning")
BAD_LIST = Expected("malformed", "list", "warning", version="")

CASES: dict[str, Case] = {
    # the tree
    "tree: file edited": Case(edit_tree, ("✗", "✓", "✓"), (MODIFIED,)),
    "tree: two bytes swapped, times kept": Case(
        swap_in_tree, ("✗", "✓", "✓"), (tree_finding(("testdata/blob.bin", "modified")),)
    ),
    "tree: file added": Case(
        tree_file("added.go", b"package victim\n"), ("✗", "✓", "✓"), (tree_finding(("added.go", "extra")),)
    ),
    "tree: empty file added": Case(
        tree_file("testdata/more", b""), ("✗", "✓", "✓"), (tree_finding(("testdata/more", "extra")),)
    ),
    "tree: file removed": Case(
        remove_from_tree, ("✗", "✓", "✓"), (tree_finding(("internal/deep/deep.go", "missing")),)
    ),
    "tree: file renamed": Case(
        rename_in_tree, ("✗", "✓", "✓"), (tree_finding(("COPYING", "extra"), ("LICENSE", "missing")),)
    ),
    "tree: several at once": Case(
        several_in_tree,
        ("✗", "✓", "✓"),
        (
            tree_finding(
                ("internal/added.go", "extra"),
                ("internal/deep/deep.go", "missing"),
                ("victim.go", "modified"),
            ),
        ),
    ),
    "tree: empty directory added": Case(
        add_empty_directory, ("✓", "✓", "✓"), (Expected("warning", "dir", "warning"),)
    ),
    "tree: execute bit": Case(mode(0o555), ("✓", "✓", "✓"), (MODE,)),
    "tree: write bit": Case(mode(0o644), ("✓", "✓", "✓"), (MODE,)),
    "tree: setuid bit": Case(mode(0o444 | stat.S_ISUID), ("✓", "✓", "✓"), (MODE,)),
    "tree: read bits taken away": Case(mode(0o400), ("✓", "✓", "✓"), ()),
    "tree: symlink to a copy outside": Case(link_to(copy_outside), ("✓", "✓", "✓"), (TYPE,)),
    "tree: symlink to a copy inside": Case(
        link_to_file_of_tree,
        ("✗", "✓", "✓"),
        (tree_finding(("victim.go", "type"), ("victim.go.copy", "extra")),),
    ),
    "tree: dangling symlink": Case(
        link_to(lambda _: "nowhere", "LICENSE"), ("✗", "✓", "✓"), (tree_finding(("LICENSE", "type")),)
    ),
    "tree: /dev/null for an empty file": Case(
        link_to(lambda _: "/dev/null", "testdata/empty"),
        ("✓", "✓", "✓"),
        (tree_finding(("testdata/empty", "type")),),
    ),
    "tree: /dev/zero": Case(
        link_to(lambda _: "/dev/zero", "LICENSE"), ("∞", "✓", "✓"), (tree_finding(("LICENSE", "type")),)
    ),
    "tree: fifo": Case(fifo_in_tree, ("∞", "✓", "✓"), (tree_finding(("LICENSE", "type")),)),
    "tree: directory for a file": Case(
        directory_for_file,
        ("✗", "✓", "✓"),
        (tree_finding(("LICENSE", "missing"), ("LICENSE/inner", "extra")),),
    ),
    "tree: hard link outside": Case(hard_link_outside, ("✓", "✓", "✓"), ()),
    "tree: is a file": Case(tree_is_file, ("✓", "↻", "↻"), (Expected("malformed", "dir"),)),
    "tree: link to a folder": Case(tree_behind_link, ("✗", "✓", "✓"), (Expected("malformed", "dir"),)),
    "tree: removed": Case(remove_tree, ("✓", "↻", "↻"), (NO_TREE,)),
    "tree: extraction never ended": Case(
        partial, ("✓", "↻", "↻"), (Expected("warning", "partial", "warning"),)
    ),
    "tree: extraction never ended, file edited": Case(
        partial_and_edit,
        ("✓", "↻", "↻"),
        (replace(MODIFIED, severity="warning"), Expected("warning", "partial", "warning")),
    ),
    # the zip
    "zip: edited": Case(forged_zip, ("✗", "✓", "✓"), (zip_finding(("victim.go", "modified")),)),
    "zip: edited, no tree": Case(forged_zip_alone, ("✗", "✓", "✓"), (zip_finding(), NO_TREE)),
    "zip: edited, tree edited alike": Case(
        zip_and_tree_forged,
        ("✗", "✓", "✓"),
        (zip_finding(),),
        (Expected("modified", "ziphash", authority="zip"),),
    ),
    "zip: edited, tree edited otherwise": Case(
        zip_and_tree_differently,
        ("✗", "✓", "✓"),
        (zip_finding(), tree_finding(("LICENSE", "modified"), ("victim.go", "modified"))),
    ),
    "zip and ziphash: edited": Case(
        forged_zip_and_ziphash,
        ("✗", "✗", "✗"),
        (zip_finding(("victim.go", "modified")),),
        (tree_finding(("victim.go", "modified")),),
    ),
    "zip, ziphash and tree: edited alike": Case(forged_consistently, ("✓", "✗", "✗"), (FROM_GO_SUM,), ()),
    "zip, ziphash, tree and go.sum: edited alike": Case(forged_with_go_sum, ("✓", "✓", "✓"), ()),
    "zip: removed": Case(remove_zip, ("✓", "✓", "✗"), (NO_ZIP,), (NO_ZIP, MOD_UNTRACKED)),
    "zip: dangling symlink": Case(zip_is_dangling_link, ("✓", "✓", "✗"), (NO_ZIP,), (NO_ZIP, MOD_UNTRACKED)),
    "zip: removed, tree edited": Case(
        zipless_edited_tree,
        ("✗", "✓", "✗"),
        (tree_finding(), NO_ZIP),
        (tree_finding(), NO_ZIP, MOD_UNTRACKED),
    ),
    "zip: fifo": Case(zip_is_fifo, ("∞", "✓", "✓"), (zip_finding(),)),
    "zip: is a folder": Case(folder_for("zip"), ("✗", "✓", "✓"), (zip_finding(),)),
    "ziphash: is a folder": Case(folder_for("ziphash"), ("✗", "✗", "✗"), (Expected("malformed", "ziphash"),)),
    "mod: is a folder": Case(folder_for("mod"), ("✗", "✗", "✗"), (Expected("malformed", "mod"),)),
    "info: is a folder": Case(folder_for("info"), ("✓", "✓", "✗"), (Expected("malformed", "info"),)),
    "lock: is a folder": Case(
        folder_for("lock"), ("✓", "✓", "✓"), (Expected("malformed", "lock", "warning"),)
    ),
    "zip: comment": Case(
        zip_with(lambda: Archive(entries_of(), comment=b"hello").to_bytes()), ("✓", "✓", "✓"), ()
    ),
    "zip: leading bytes": Case(
        zip_with(lambda: Archive(entries_of(), before=b"#!/bin/sh\n").to_bytes()), ("✓", "✓", "✓"), ()
    ),
    "zip: trailing bytes": Case(
        zip_with(lambda: Archive(entries_of(), after=b"\0" * 999).to_bytes()), ("✓", "✓", "✓"), ()
    ),
    "zip: 70 KiB of trailing bytes": Case(
        zip_with(lambda: Archive(entries_of(), after=b"\0" * (70 << 10)).to_bytes()),
        ("✗", "✓", "✓"),
        (bad_zip(),),
    ),
    "zip: entries in another order, stored": Case(
        zip_with(lambda: Archive([replace(e, method=0) for e in reversed(entries_of())]).to_bytes()),
        ("✓", "✓", "✓"),
        (),
    ),
    "zip: zip64": Case(zip_with(lambda: Archive(entries_of(), zip64=True).to_bytes()), ("✓", "✓", "✓"), ()),
    "zip: wrong local headers": Case(
        zip_with(lambda: one_entry(local_name=b"other", local_crc=7, local_method=99)), ("✓", "✓", "✓"), ()
    ),
    "zip: encryption flag": Case(zip_with(lambda: one_entry(flags=FLAG_ENCRYPTED)), ("✓", "✓", "✓"), ()),
    "zip: bad CRC": Case(
        zip_with(lambda: one_entry(crc=1)), ("✗", "✓", "✓"), (bad_zip(("victim.go", "modified")),)
    ),
    "zip: bzip2": Case(
        zip_with(lambda: one_entry(method=BZIP2)), ("✗", "✓", "✓"), (bad_zip(("victim.go", "modified")),)
    ),
    "zip: truncated": Case(zip_with(lambda: VICTIM.zip[:-30]), ("✗", "✓", "✓"), (bad_zip(),)),
    "zip: empty": Case(zip_with(lambda: b""), ("✗", "✓", "✓"), (bad_zip(),)),
    # the ziphash
    "ziphash: another h1": Case(
        ziphash(WRONG.encode()),
        ("✗", "✗", "✗"),
        (Expected("modified", "ziphash", authority="gosum"),),
        (Expected("modified", "ziphash", authority="zip"),),
    ),
    "ziphash: empty": Case(ziphash(b""), ("✗", "↻", "↻"), (BAD_ZIPHASH,)),
    "ziphash: NULs": Case(ziphash(b"\0" * 47), ("✗", "↻", "↻"), (BAD_ZIPHASH,)),
    "ziphash: cut": Case(ziphash(VICTIM.h1.encode()[:40]), ("✗", "↻", "↻"), (BAD_ZIPHASH,)),
    "ziphash: too long": Case(ziphash(VICTIM.h1.encode() + b"x"), ("✗", "↻", "↻"), (BAD_ZIPHASH,)),
    "ziphash: h2": Case(ziphash(b"h2:" + VICTIM.h1.encode()[3:]), ("✗", "✗", "✗"), (BAD_ZIPHASH,)),
    "ziphash: LF after it": Case(ziphash(VICTIM.h1.encode() + b"\n"), ("✓", "✓", "✓"), ()),
    "ziphash: CRLF after it": Case(ziphash(VICTIM.h1.encode() + b"\r\n"), ("✓", "✓", "✓"), ()),
    "ziphash: blanks around it": Case(ziphash(b" \t" + VICTIM.h1.encode() + b" "), ("✓", "✓", "✓"), ()),
    "ziphash: U+001F before it": Case(ziphash(b"\x1f" + VICTIM.h1.encode()), ("✗", "↻", "↻"), (BAD_ZIPHASH,)),
    "ziphash: garbage far behind it": Case(
        ziphash(VICTIM.h1.encode() + b" " * (65 << 10) + b"x"), ("✗", "↻", "↻"), (BAD_ZIPHASH,)
    ),
    "ziphash: removed": Case(
        remove_part("ziphash"),
        ("✗", "↻", "↻"),
        (Expected("missing", "ziphash", authority="gosum"),),
        (Expected("missing", "ziphash", authority="zip"),),
    ),
    "zip and ziphash: removed": Case(
        remove_part("zip", "ziphash"),
        ("✓", "✗", "✗"),
        (NO_ZIP, Expected("missing", "ziphash", authority="gosum")),
        (NO_ZIP, Expected("missing", "ziphash"), MOD_UNTRACKED),
    ),
    "zip and ziphash: removed, tree edited": Case(
        unrecorded_edited_tree,
        ("✓", "✗", "✗"),
        (tree_finding(), NO_ZIP, Expected("missing", "ziphash", authority="gosum")),
        # Nothing is left that could tell the edit.
        (NO_ZIP, Expected("missing", "ziphash"), MOD_UNTRACKED),
    ),
    # .mod, .info, list, lock
    "mod: edited": Case(
        edit_part("mod", VICTIM.mod + b"\nretract v1.0.0\n"),
        ("✗", "✗", "✗"),
        (Expected("modified", "mod", authority="gosum"),),
        (Expected("modified", "mod", authority="zip"),),
    ),
    "mod: edited, outside the build list": Case(
        edit_part("mod", b"module example.com/victim\n"),
        ("✓", "✓", "✓"),
        (Expected("modified", "mod", authority="zip"), NO_LINE),
        (Expected("modified", "mod", authority="zip"),),
        outside_build_list,
    ),
    "mod: removed": Case(remove_part("mod"), ("✗", "✗", "✗"), (Expected("missing", "mod"),)),
    "info: another time": Case(
        edit_part("info", b'{"Version":"v1.2.3","Time":"2001-02-03T04:05:06Z"}'), ("✓", "✓", "✓"), ()
    ),
    "info: garbage": Case(edit_part("info", b"garbage"), ("✓", "✓", "✗"), (BAD_INFO,)),
    "info: empty": Case(edit_part("info", b""), ("✓", "✓", "✗"), (BAD_INFO,)),
    "info: another version": Case(
        edit_part("info", b'{"Version":"v1.2.4","Time":"2024-02-03T04:05:06Z"}'), ("✓", "✓", "✗"), (BAD_INFO,)
    ),
    "info: removed": Case(remove_part("info"), ("✓", "✓", "✗"), ()),
    "list: garbage": Case(edit_part("list", b"what is this\n"), ("✓", "✓", "✓"), (BAD_LIST,)),
    "list: NULs": Case(edit_part("list", b"\0" * 7), ("✓", "✓", "✓"), (BAD_LIST,)),
    "list: removed": Case(remove_part("list"), ("✓", "✓", "✓"), ()),
    "lock: holds something": Case(
        edit_part("lock", b"x"), ("✓", "✓", "✓"), (Expected("warning", "lock", "warning"),)
    ),
    "lock: removed": Case(remove_part("lock"), ("✓", "✓", "✓"), ()),
    "temporary files": Case(
        temporary_files,
        ("✓", "✓", "✓"),
        tuple(
            Expected(
                "warning",
                "layout",
                "warning",
                path=f"cache/cache/download/example.com/victim/@v/{name}",
                module="",
                version="",
            )
            for name in ("v1.2.3.mod1.tmp", "v1.2.3.zip123456789.tmp")
        ),
    ),
    # go.sum
    "go.sum: another zip hash": Case(
        go_sum(lambda: VICTIM.sums.replace(VICTIM.h1, WRONG) + BYSTANDER.sums),
        ("✓", "✗", "✗"),
        (FROM_GO_SUM,),
        (),
    ),
    "go.sum: zip line missing": Case(
        go_sum(lambda: VICTIM.sums.splitlines()[1] + "\n" + BYSTANDER.sums), ("✓", "✗", "✓"), (NO_LINE,), ()
    ),
    "go.sum: another hash of go.mod": Case(
        go_sum(lambda: VICTIM.sums.replace(VICTIM.mod_h1, WRONG) + BYSTANDER.sums),
        ("✗", "✗", "✗"),
        (Expected("modified", "mod", authority="gosum"),),
        (),
    ),
    "go.sum: malformed": Case(
        go_sum(lambda: "example.com/victim v1.2.3\n" + VICTIM.sums + BYSTANDER.sums),
        ("✗", "✗", "✗"),
        (Expected("malformed", "gosum", module="", version=""),),
        (),
    ),
    # what no `go mod verify` looks at
    "outside the build list: file edited": Case(
        edit_tree,
        ("✓", "✓", "✓"),
        (tree_finding(("victim.go", "modified"), authority="ziphash"), NO_LINE),
        (MODIFIED,),
        outside_build_list,
    ),
    "outside the build list: zip, ziphash and tree edited alike": Case(
        forged_consistently, ("✓", "✓", "✓"), (NO_LINE,), (), outside_build_list
    ),
    "replacement module: file edited": Case(edit_tree, ("✓", "✓", "✓"), (MODIFIED,), world=as_replacement),
}
