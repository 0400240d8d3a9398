"""A tree is read as dirhash.HashDir reads it, without ever blocking or leaving it."""

from __future__ import annotations

import errno
import os
import shutil
import socket
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from fastverify.engine.protocol import Engine, Fault, MeasurementError
from tests.engine.measuring import PREFIX, measure_tree, plant
from tests.making.modules import h1

FILES = {"a.go": b"package a\n", "b/c.go": b"package b\n", "b/empty": b"", "b.go": b"x"}
H1 = h1([(PREFIX + name.encode(), content) for name, content in FILES.items()])

needs_fifos = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no fifos here")
needs_modes = pytest.mark.skipif(os.name == "nt", reason="no such modes there")
NOBODY = 65534


@pytest.fixture
def public_path() -> Iterator[Path]:
    """A folder that other users can reach and write to, unlike pytest's own."""
    made = Path(tempfile.mkdtemp(prefix="fastverify-test-"))
    made.chmod(0o777)
    yield made
    shutil.rmtree(made)


@contextmanager
def unprivileged() -> Iterator[None]:
    """Without root's right to read everything, for a while."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


def hash_dir(engine: Engine, root: Path) -> str:
    return engine.hash_dir(os.fspath(root), PREFIX[:-1], threads=1)


def fault_of(engine: Engine, root: Path) -> Fault:
    with pytest.raises(MeasurementError) as caught:
        hash_dir(engine, root)
    assert caught.value.path == os.fspath(root)
    return caught.value.fault


def test_a_good_tree(engine: Engine, tmp_path: Path) -> None:
    root = plant(tmp_path / "tree", FILES)
    measured = measure_tree(engine, root)
    assert measured.h1 == hash_dir(engine, root) == H1
    assert (measured.fault, measured.faults, measured.empty_directories) == (None, (), ())
    assert (measured.files, measured.bytes) == (4, sum(map(len, FILES.values())))
    found = root.lstat()
    assert measured.stat == (found.st_size, found.st_mtime_ns, found.st_uid, found.st_mode)


def test_names_sort_by_bytes_and_need_not_be_utf8(engine: Engine, tmp_path: Path) -> None:
    root = plant(tmp_path / "tree", {})
    names = [b"a", b"a-b", b"a.b", b"aa", b"\xff\xfe", "日".encode()]
    for name in names:
        (tmp_path / "tree" / os.fsdecode(name)).write_bytes(name)
    below = tmp_path / "tree" / "a!"
    below.mkdir()
    (below / "x").write_bytes(b"y")
    assert measure_tree(engine, root).h1 == h1(
        [*((PREFIX + name, name) for name in names), (PREFIX + b"a!/x", b"y")]
    )


@pytest.mark.parametrize("size", [(1 << 20) - 1, 1 << 20, (1 << 20) + 1, 3 << 20])
def test_long_files(engine: Engine, tmp_path: Path, size: int) -> None:
    content = (b"0123456789" * (size // 10 + 1))[:size]
    measured = measure_tree(engine, plant(tmp_path / "tree", {"x": content}))
    assert measured.h1 == h1([(PREFIX + b"x", content)])
    assert measured.bytes == size


def test_an_empty_root(engine: Engine, tmp_path: Path) -> None:
    measured = measure_tree(engine, tmp_path)
    assert measured.h1 == "h1:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
    assert measured.empty_directories == ()


def test_empty_directories(engine: Engine, tmp_path: Path) -> None:
    root = plant(tmp_path / "tree", FILES)
    for name in ("b/none", "b/deep/er/est", "a", "full/of/x"):
        (root / name).mkdir(parents=True)
    (root / "full/of/x/file").write_bytes(b"")
    (root / "link").mkdir()
    (root / "link/to").symlink_to("nowhere")
    measured = measure_tree(engine, root)
    assert measured.empty_directories == (b"a", b"b/deep", b"b/none")


def test_the_root(engine: Engine, tmp_path: Path) -> None:
    root = plant(tmp_path / "tree", FILES)
    link, file, missing = tmp_path / "link", tmp_path / "file", tmp_path / "missing"
    link.symlink_to(root)
    file.write_bytes(b"")
    for path, fault in (
        (link, Fault("not-directory")),
        (file, Fault("not-directory")),
        (missing, Fault("os", b"", errno.ENOENT)),
        (file / "below", Fault("os", b"", errno.ENOTDIR)),
    ):
        measured = measure_tree(engine, path)
        assert (measured.fault, measured.faults, measured.h1) == (fault, (fault,), None)
        assert (measured.files, measured.bytes) == (0, 0)
        assert (measured.stat is None) == (fault.code == "os")
        assert fault_of(engine, path) == fault


def test_newline(engine: Engine, tmp_path: Path) -> None:
    root = plant(tmp_path / "tree", {**FILES, "new\nline": b"", "z\nz/x": b""})
    measured = measure_tree(engine, root)
    assert measured.fault == Fault("name-newline", b"new\nline") == fault_of(engine, root)
    assert measured.faults == ()  # they can be read, but not be in the hash
    assert measured.files == 6


LINKS = {
    "file": ("a.go", None),
    "file below": ("b/c.go", None),
    "by way of a folder": ("b/../a.go", None),
    "out and in again": ("../tree/a.go", None),
    "link to link": ("first", None),
    "folder": ("b", Fault("os", b"link", errno.EISDIR)),
    "the root": (".", Fault("os", b"link", errno.EISDIR)),
    "nowhere": ("nowhere", Fault("os", b"link", errno.ENOENT)),
    "below a file": ("a.go/x", Fault("os", b"link", errno.ENOTDIR)),
    "itself": ("link", Fault("os", b"link", errno.ELOOP)),
    "outside": ("../outside", Fault("link-outside", b"link")),
    "outside, nowhere": ("../nowhere", Fault("link-outside", b"link")),
    "by way of a link to the outside": ("up/outside", Fault("link-outside", b"link")),
    "device": ("/dev/zero", Fault("link-outside", b"link")),
}


@pytest.mark.parametrize("name", LINKS)
def test_links(engine: Engine, tmp_path: Path, name: str) -> None:
    target, fault = LINKS[name]
    root = plant(tmp_path / "tree", FILES)
    (tmp_path / "outside").write_bytes(b"secret")
    others: tuple[tuple[bytes, bytes], ...] = ()
    if name == "link to link":
        (root / "first").symlink_to("b/c.go")
        others = ((PREFIX + b"first", FILES["b/c.go"]),)
    if "up" in target:
        (root / "up").symlink_to("..")
    (root / "link").symlink_to(target)
    measured = measure_tree(engine, root)
    if fault is None:
        content = FILES["b/c.go" if "c.go" in target or target == "first" else "a.go"]
        lines = [(PREFIX + name.encode(), content) for name, content in FILES.items()]
        assert measured.h1 == h1([*lines, (PREFIX + b"link", content), *others])
        assert measured.faults == ()
    else:
        assert measured.faults[0] == fault
        assert measured.h1 is None
        assert fault_of(engine, root) == fault


def test_an_absolute_link_to_the_inside(engine: Engine, tmp_path: Path) -> None:
    root = plant(tmp_path / "tree", {"a": b"1"})
    (root / "link").symlink_to(root / "a")
    assert measure_tree(engine, root).h1 == h1([(PREFIX + b"a", b"1"), (PREFIX + b"link", b"1")])


def test_a_folder_behind_a_link_is_not_entered(engine: Engine, tmp_path: Path) -> None:
    root = plant(tmp_path / "tree", FILES)
    (root / "again").symlink_to(".")
    measured = measure_tree(engine, root)
    assert measured.files == 5
    assert measured.faults == (Fault("os", b"again", errno.EISDIR),)


@needs_fifos
def test_special_files_are_not_opened(engine: Engine, tmp_path: Path) -> None:
    root = plant(tmp_path / "tree", FILES)
    os.mkfifo(root / "fifo")
    (root / "to-fifo").symlink_to("fifo")
    with socket.socket(socket.AF_UNIX) as listening:
        here = Path.cwd()
        os.chdir(root)  # a socket's path is short
        try:
            listening.bind("socket")
        finally:
            os.chdir(here)
    measured = measure_tree(engine, root)
    assert measured.faults == tuple(Fault("not-regular", name) for name in (b"fifo", b"socket", b"to-fifo"))
    assert measured.fault == measured.faults[0]
    assert (measured.files, measured.bytes) == (7, sum(map(len, FILES.values())))


@needs_modes
def test_unreadable_parts(engine: Engine, public_path: Path) -> None:
    with unprivileged():
        root = plant(public_path / "tree", {**FILES, "z/x": b"x", "empty/none/x": b""})
        (root / "a.go").chmod(0)
        (root / "z").chmod(0)
        (root / "empty/none/x").unlink()
        (root / "empty/none").chmod(0)
        try:
            measured = measure_tree(engine, root)
            names = (b"a.go", b"empty/none", b"z")
            assert measured.faults == tuple(Fault("os", name, errno.EACCES) for name in names)
            # Go lists everything before it opens anything.
            assert measured.fault == Fault("os", b"empty/none", errno.EACCES) == fault_of(engine, root)
            assert measured.empty_directories == ()
            root.chmod(0)
            fault = Fault("os", b"", errno.EACCES)
            assert measure_tree(engine, root).faults == (fault,)
        finally:
            for name in (".", "z", "empty/none"):
                (root / name).chmod(0o755)


@needs_modes
@pytest.mark.parametrize("place", ["", "a", "a/b"])
def test_a_folder_that_may_be_listed_and_not_entered(engine: Engine, public_path: Path, place: str) -> None:
    """Its name says it once, whatever is in it."""
    with unprivileged():
        root = plant(public_path / "tree", {"a/x": b"", "a/b/y": b"", "a/b/c/z": b"", "d": b"d"})
        for name, target in (("link", "d"), ("a/link", "x"), ("a/b/link", "y")):
            (root / name).symlink_to(target)
        (root / "a/b/empty").mkdir()
        (root / place).chmod(0o444)
        try:
            measured = measure_tree(engine, root)
            fault = Fault("os", place.encode(), errno.EACCES)
            assert (measured.faults, measured.fault) == ((fault,), fault)
            assert (measured.fault, measured.h1) == (fault_of(engine, root), None)
            files = {"": 0, "a": 2, "a/b": 4}[place]
            assert (measured.files, measured.empty_directories) == (files, ())
        finally:
            (root / place).chmod(0o755)


@needs_modes
def test_an_empty_folder_that_may_not_be_entered(engine: Engine, public_path: Path) -> None:
    """Go lists it, and has nothing to look at there."""
    with unprivileged():
        root = plant(public_path / "tree", FILES)
        (root / "empty").mkdir(0o444)
        nothing = public_path / "nothing"
        nothing.mkdir(0o444)
        measured = measure_tree(engine, root)
        assert (measured.faults, measured.h1, measured.empty_directories) == ((), H1, (b"empty",))
        assert hash_dir(engine, root) == H1
        measured = measure_tree(engine, nothing)
        assert (measured.faults, measured.h1) == ((), hash_dir(engine, nothing))
        assert measured.h1 == "h1:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="


@needs_modes
@pytest.mark.parametrize("mode", [0o755, 0o444, 0o311])
@pytest.mark.parametrize("length", [4093, 4094, 4095])
def test_folders_whose_paths_are_as_long_as_can_be(
    engine: Engine, public_path: Path, length: int, mode: int
) -> None:
    with unprivileged():
        root = plant(public_path / "tree", FILES)
        rest = length - len(os.fsencode(root)) - 1
        name = (b"d" * 199 + b"/") * ((rest - 50) // 200)
        name += b"e" * (rest - len(name))
        at = os.open(root, os.O_RDONLY)
        for element in name.split(b"/"):
            os.mkdir(element, dir_fd=at)
            above, at = at, os.open(element, os.O_RDONLY, dir_fd=at)
            os.close(above)
        os.close(os.open(b"file", os.O_CREAT | os.O_WRONLY, dir_fd=at))
        os.fchmod(at, mode)
        os.close(at)
        try:
            measured = measure_tree(engine, root)
        finally:
            os.chmod(os.path.join(os.fsencode(root), name), 0o755)
        too_long = Fault("os", name + b"/file", errno.ENAMETOOLONG)
        assert measured.faults == (too_long if mode == 0o755 else Fault("os", name, errno.EACCES),)
        assert measured.files == (5 if mode == 0o755 else 4)


@pytest.mark.skipif(os.name == "nt", reason="other limits there")
def test_paths_that_are_too_long(engine: Engine, tmp_path: Path) -> None:
    root = plant(tmp_path / "tree", FILES)
    at = os.open(root, os.O_RDONLY)
    length = len(os.fsencode(root))
    name = b""
    element = b"d" * 250
    while True:
        os.mkdir(element, dir_fd=at)
        below = os.open(element, os.O_RDONLY, dir_fd=at)
        if length + 1 + len(name) + len(element) > 4095:
            name += element
            break
        name += element + b"/"
        os.close(at)
        at = below
    deep = os.open(b"file-in-the-deep", os.O_CREAT | os.O_WRONLY, dir_fd=below)
    long_name = b"f" * 250
    os.close(os.open(long_name, os.O_CREAT | os.O_WRONLY, dir_fd=at))
    for each in (deep, below, at):
        os.close(each)
    measured = measure_tree(engine, root)
    long_path = name[: -len(element)] + long_name
    assert measured.faults == tuple(Fault("os", path, errno.ENAMETOOLONG) for path in (name, long_path))
    assert measured.fault == measured.faults[0]
    assert measured.files == 5
    assert measured.empty_directories == ()


def test_vanishing_files_are_faults(engine: Engine, tmp_path: Path) -> None:
    """A dangling link in a folder is what a vanished file looks like: listed, and not there."""
    root = plant(tmp_path / "tree", FILES)
    (root / "gone").symlink_to("was-here")
    fault = Fault("os", b"gone", errno.ENOENT)
    assert measure_tree(engine, root).faults == (fault,)


def test_prefixes(engine: Engine, tmp_path: Path) -> None:
    root = os.fspath(plant(tmp_path / "tree", {"a": b"1", "b/c": b"2"}))
    lines = [(b"a", b"1"), (b"b/c", b"2")]
    for prefix, start in ((b"P@V", b"P@V/"), (b"", b""), (b".", b""), (b"x//y/", b"x/y/"), (b"/", b"/")):
        expected = h1([(start + name, content) for name, content in lines])
        assert engine.hash_dir(root, prefix, threads=1) == expected
    assert engine.hash_dir(root + "/", b"P", threads=2) == h1([(b"P/" + name, text) for name, text in lines])


def test_modes_do_not_matter_to_the_hash(engine: Engine, tmp_path: Path) -> None:
    root = plant(tmp_path / "tree", FILES, mode=0o755)
    assert measure_tree(engine, root).h1 == H1
    assert stat.S_IMODE((root / "a.go").stat().st_mode) == 0o755
