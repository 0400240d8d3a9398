"""A module's parts against each other, and the sharing of the work."""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from fastverify.engine.protocol import (
    MAX_DIFFERENCES,
    MAX_SMALL_FILE_BYTES,
    Difference,
    Engine,
    Fault,
    FileStat,
    ModuleMeasurement,
)
from tests.engine.measuring import PREFIX, measure, plant, task
from tests.making.modules import h1
from tests.making.zips import STORED, Archive, Entry, zip_of

FILES = {"a.go": b"package a\n", "b/c.go": b"package b\n", "go.mod": b"module example.com/m\n", "z": b""}
ENTRIES = [(PREFIX + name.encode(), content) for name, content in FILES.items()]
LONG = b"0123456789abcdef" * (3 << 16)


def sha(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()


def stat_of(path: Path) -> FileStat:
    found = path.lstat()
    return FileStat(found.st_size, found.st_mtime_ns, found.st_uid, found.st_mode)


class Pair:
    """A zip and a tree, at first the same."""

    def __init__(self, folder: Path, files: dict[str, bytes] | None = None) -> None:
        files = FILES if files is None else files
        self.root = plant(folder / "tree", files)
        self.zip = folder / "v1.0.0.zip"
        self.zip.write_bytes(zip_of([(PREFIX + name.encode(), content) for name, content in files.items()]))

    def rewrite(self, name: str, content: bytes, mode: int = 0o444) -> None:
        path = self.root / name
        path.unlink(missing_ok=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        path.chmod(mode)

    def measured(self, engine: Engine, *, toolchain: bool = False) -> ModuleMeasurement:
        return measure(engine, task(zip=self.zip, tree=self.root, toolchain=toolchain))

    def differences(self, engine: Engine) -> Sequence[Difference]:
        return self.measured(engine).differences


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    return Pair(tmp_path)


def test_differences_beyond_the_limit_are_counted(engine: Engine, tmp_path: Path) -> None:
    """A hostile zip beside a tree may have a million of them."""
    many = MAX_DIFFERENCES + 5
    zipped = [Entry(PREFIX + b"%06d" % n, b"", STORED) for n in reversed(range(many))]
    (tmp_path / "v.zip").write_bytes(Archive(zipped).to_bytes())
    (tmp_path / "tree").mkdir()
    measured = measure(engine, task(zip=tmp_path / "v.zip", tree=tmp_path / "tree"))
    assert [d.path for d in measured.differences] == [b"%06d" % n for n in range(MAX_DIFFERENCES)]
    assert measured.more_differences == 5


def test_all_is_well(engine: Engine, pair: Pair) -> None:
    measured = pair.measured(engine)
    assert measured.zip is not None
    assert measured.tree is not None
    assert measured.zip.h1 == measured.tree.h1 == h1(ENTRIES)
    assert measured.differences == ()
    assert (measured.mod, measured.info, measured.ziphash) == (None, None, None)


def test_what_is_not_named_is_not_measured(engine: Engine, pair: Pair) -> None:
    assert measure(engine, task(7)) == ModuleMeasurement(7, None, None, None, None, None, ())
    alone = measure(engine, task(tree=pair.root))
    assert alone.zip is None
    assert alone.tree is not None
    assert alone.tree.h1 == h1(ENTRIES)


def test_modified(engine: Engine, pair: Pair) -> None:
    pair.rewrite("a.go", b"package x\n")
    pair.rewrite("z", b"longer")
    measured = pair.measured(engine)
    a, z = pair.root / "a.go", pair.root / "z"
    assert measured.differences == (
        Difference(b"a.go", "modified", sha(b"package a\n"), 10, sha(b"package x\n"), stat_of(a)),
        Difference(b"z", "modified", sha(b""), 0, sha(b"longer"), stat_of(z)),
    )
    assert measured.tree is not None
    changed = {**FILES, "a.go": b"package x\n", "z": b"longer"}
    assert measured.tree.h1 == h1([(PREFIX + name.encode(), content) for name, content in changed.items()])


def test_missing_and_extra(engine: Engine, pair: Pair) -> None:
    (pair.root / "b/c.go").rename(pair.root / "b/d.go")
    assert pair.differences(engine) == (
        Difference(b"b/c.go", "missing", sha(b"package b\n"), 10, None, None),
        Difference(b"b/d.go", "extra", None, None, sha(b"package b\n"), stat_of(pair.root / "b/d.go")),
    )


@pytest.mark.skipif(os.name == "nt", reason="no such modes there")
@pytest.mark.parametrize("mode", [0o644, 0o464, 0o446, 0o544, 0o454, 0o445, 0o4444, 0o2444])
def test_mode(engine: Engine, pair: Pair, mode: int) -> None:
    path = pair.root / "a.go"
    path.chmod(mode)
    digest = sha(FILES["a.go"])
    assert pair.differences(engine) == (Difference(b"a.go", "mode", digest, 10, digest, stat_of(path)),)


@pytest.mark.parametrize("mode", [0o444, 0o400, 0o440])
def test_modes_that_go_leaves(engine: Engine, pair: Pair, mode: int) -> None:
    (pair.root / "a.go").chmod(mode)
    assert pair.differences(engine) == ()


def test_content_is_graver_than_mode(engine: Engine, pair: Pair) -> None:
    pair.rewrite("a.go", b"changed", 0o777)
    pair.rewrite("new", b"new", 0o777)
    assert [each.change for each in pair.differences(engine)] == ["modified", "extra"]


def test_a_link_with_the_same_content(engine: Engine, pair: Pair) -> None:
    (pair.root / "a.go").rename(pair.root / "moved")
    link = pair.root / "a.go"
    link.symlink_to("moved")
    measured = pair.measured(engine)
    digest = sha(FILES["a.go"])
    assert measured.differences == (
        Difference(b"a.go", "type", digest, 10, digest, stat_of(link)),
        Difference(b"moved", "extra", None, None, digest, stat_of(pair.root / "moved")),
    )
    assert measured.tree is not None
    assert measured.tree.fault is None


def test_links_that_lead_nowhere_good(engine: Engine, pair: Pair, tmp_path: Path) -> None:
    (tmp_path / "outside").write_bytes(FILES["a.go"])
    (pair.root / "a.go").unlink()
    (pair.root / "a.go").symlink_to(tmp_path / "outside")
    (pair.root / "dangling").symlink_to("nowhere")
    measured = pair.measured(engine)
    assert measured.tree is not None
    assert measured.tree.faults == (
        Fault("link-outside", b"a.go"),
        Fault("os", b"dangling", errno.ENOENT),
    )
    assert measured.differences == (
        Difference(b"a.go", "type", sha(FILES["a.go"]), 10, None, stat_of(pair.root / "a.go")),
        Difference(b"dangling", "type", None, None, None, stat_of(pair.root / "dangling")),
    )


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no fifos here")
def test_a_fifo_in_place_of_a_file(engine: Engine, pair: Pair) -> None:
    (pair.root / "a.go").unlink()
    os.mkfifo(pair.root / "a.go")
    measured = pair.measured(engine)
    found = stat_of(pair.root / "a.go")
    assert measured.differences == (Difference(b"a.go", "type", sha(FILES["a.go"]), 10, None, found),)
    assert measured.tree is not None
    assert measured.tree.fault == Fault("not-regular", b"a.go")


def test_without_a_readable_zip_only_types_and_modes_are_found(engine: Engine, pair: Pair) -> None:
    pair.rewrite("new", b"new")
    pair.rewrite("a.go", b"changed", 0o755)
    (pair.root / "z").unlink()
    (pair.root / "z").symlink_to("new")
    expected = ("type",) if os.name == "nt" else ("mode", "type")
    for content in (None, b"no zip", Archive([Entry(PREFIX + b"a.go", b"", size=1 << 40, zip64=True)])):
        pair.zip.unlink(missing_ok=True)
        if content is not None:
            pair.zip.write_bytes(content if isinstance(content, bytes) else content.to_bytes())
        found = pair.differences(engine)
        assert tuple(each.change for each in found) == expected
        assert {(each.zip_sha256, each.zip_size) for each in found} == {(None, None)}
        assert found[0].tree_sha256 == sha(b"new" if os.name == "nt" else b"changed")


def test_a_file_whose_entry_is_bad_is_not_judged(engine: Engine, pair: Pair) -> None:
    entries = [Entry(name, content, crc=1 if name.endswith(b"a.go") else None) for name, content in ENTRIES]
    pair.zip.write_bytes(Archive(entries).to_bytes())
    pair.rewrite("a.go", b"whatever", 0o777)
    pair.rewrite("z", b"changed")
    measured = pair.measured(engine)
    assert measured.zip is not None
    assert measured.zip.bad_entries == (Fault("zip-checksum", PREFIX + b"a.go"),)
    assert [(each.path, each.change) for each in measured.differences] == [(b"z", "modified")]
    (pair.root / "a.go").unlink()
    assert [each.path for each in pair.differences(engine)] == [b"z"]
    (pair.root / "a.go").symlink_to("z")
    found = pair.differences(engine)[0]
    assert (found.path, found.change, found.zip_sha256, found.zip_size) == (b"a.go", "type", None, None)
    assert found.tree_sha256 == sha(b"changed")


def test_directory_entries_are_not_missed(engine: Engine, pair: Pair) -> None:
    pair.zip.write_bytes(zip_of([(PREFIX + b"b/", b""), (PREFIX, b""), *ENTRIES]))
    measured = pair.measured(engine)
    assert measured.zip is not None
    assert measured.tree is not None
    assert measured.zip.h1 != measured.zip.files_h1 == measured.tree.h1
    assert measured.differences == ()


def test_the_tree_is_held_to_the_last_of_a_double_name(engine: Engine, pair: Pair) -> None:
    pair.zip.write_bytes(zip_of([(PREFIX + b"a.go", b"first"), *ENTRIES]))
    assert pair.differences(engine) == ()
    pair.rewrite("a.go", b"first")
    (found,) = pair.differences(engine)
    assert (found.change, found.zip_sha256) == ("modified", sha(FILES["a.go"]))


@pytest.mark.parametrize("at", [0, 1 << 20, len(LONG) - 1])
def test_long_files_that_differ_in_one_byte(engine: Engine, tmp_path: Path, at: int) -> None:
    pair = Pair(tmp_path, {"long": LONG})
    assert pair.differences(engine) == ()
    changed = LONG[:at] + b"!" + LONG[at + 1 :]
    for content in (changed, LONG[:at], LONG + b"!", LONG[:-1]):
        pair.rewrite("long", content)
        (found,) = pair.differences(engine)
        assert (found.change, found.tree_sha256, found.zip_sha256) == ("modified", sha(content), sha(LONG))


def test_a_long_file_beside_a_bad_long_entry(engine: Engine, tmp_path: Path) -> None:
    pair = Pair(tmp_path, {"long": LONG})
    for entry in (
        Entry(PREFIX + b"long", LONG, crc=1),
        Entry(PREFIX + b"long", LONG, size=len(LONG) + 1),
        Entry(PREFIX + b"long", LONG, 0, size=len(LONG) - 1),
    ):
        pair.zip.write_bytes(Archive([entry]).to_bytes())
        measured = pair.measured(engine)
        assert measured.tree is not None
        assert measured.tree.h1 == h1([(PREFIX + b"long", LONG)])
        assert measured.differences == ()


TOOLCHAIN = {"bin/go": b"ELF", "src/_go.mod": b"module std\n", "src/cmd/_go.mod": b"module cmd\n", "a": b"a"}


class TestToolchain:
    def pair(self, folder: Path) -> Pair:
        pair = Pair(folder, TOOLCHAIN)
        for name in ("src", "src/cmd"):
            pair.rewrite(f"{name}/go.mod", TOOLCHAIN[f"{name}/_go.mod"], 0o644)
        (pair.root / "bin/go").chmod(0o555)
        return pair

    def test_copied_go_mods_and_exec_bits_are_normal(self, engine: Engine, tmp_path: Path) -> None:
        measured = self.pair(tmp_path).measured(engine, toolchain=True)
        assert measured.zip is not None
        assert measured.tree is not None
        assert measured.tree.h1 == measured.zip.h1
        assert measured.tree.files == 6
        assert measured.differences == ()

    def test_in_another_module_they_are_not(self, engine: Engine, tmp_path: Path) -> None:
        found = self.pair(tmp_path).differences(engine)
        changes = {each.path: each.change for each in found}
        assert changes[b"src/go.mod"] == changes[b"src/cmd/go.mod"] == "extra"
        assert os.name == "nt" or changes[b"bin/go"] == "mode"

    def test_any_other_go_mod_is_extra(self, engine: Engine, tmp_path: Path) -> None:
        pair = self.pair(tmp_path)
        pair.rewrite("src/go.mod", b"module evil\n")
        pair.rewrite("go.mod", b"module std\n")
        measured = pair.measured(engine, toolchain=True)
        assert [(each.path, each.change) for each in measured.differences] == [
            (b"go.mod", "extra"),
            (b"src/go.mod", "extra"),
        ]
        assert measured.tree is not None
        assert measured.zip is not None
        assert measured.tree.h1 != measured.zip.h1

    @pytest.mark.skipif(os.name == "nt", reason="no such modes there")
    def test_writable_files_are_still_odd(self, engine: Engine, tmp_path: Path) -> None:
        pair = self.pair(tmp_path)
        (pair.root / "a").chmod(0o644)
        found = pair.measured(engine, toolchain=True).differences
        assert [(each.path, each.change) for each in found] == [(b"a", "mode")]


def test_small_files(engine: Engine, tmp_path: Path) -> None:
    content = b"module example.com/m\n" * 8000
    paths = [tmp_path / name for name in ("v.mod", "v.info", "v.ziphash")]
    for path in paths:
        path.write_bytes(content)
    measured = measure(engine, task(mod=paths[0], info=paths[1], ziphash=paths[2]))
    assert measured.mod == (stat_of(paths[0]), None, b"", h1([(b"go.mod", content)]))
    cut = content[: MAX_SMALL_FILE_BYTES + 1]
    assert measured.info == (stat_of(paths[1]), None, cut, None)
    assert measured.ziphash == (stat_of(paths[2]), None, cut, None)


def test_small_files_that_are_none(engine: Engine, tmp_path: Path) -> None:
    missing, dangling = tmp_path / "missing", tmp_path / "dangling"
    dangling.symlink_to("nowhere")
    measured = measure(engine, task(mod=missing, info=tmp_path, ziphash=dangling))
    gone = Fault("os", b"", errno.ENOENT)
    assert measured.mod == (None, gone, b"", None)
    assert measured.info == (stat_of(tmp_path), Fault("not-regular"), b"", None)
    assert measured.ziphash == (stat_of(dangling), gone, b"", None)


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> list[Pair]:
    """Modules of very different sizes, some damaged; over 64 MB together."""
    made = []
    for number in range(12):
        folder = tmp_path_factory.mktemp("module")
        files = {f"f{name}": os.urandom(60_000) for name in range(1 + 3 * number)}
        if number == 11:
            files |= {f"big{name}": os.urandom(3 << 20) for name in range(12)}
        pair = Pair(folder, files)
        if number % 4 == 0:
            pair.rewrite("f0", b"damaged")
        made.append(pair)
    return made


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_many_modules(engine: Engine, many: list[Pair], threads: int) -> None:
    tasks = [
        task(number, zip=pair.zip, tree=pair.root, weight=2 * pair.zip.stat().st_size)
        for number, pair in enumerate(many)
    ]
    found = {measured.key: measured for measured in engine.measure(tasks, threads=threads)}
    assert sorted(found) == list(range(len(many)))
    for number, pair in enumerate(many):
        assert found[number] == pair.measured(engine)._replace(key=number)
        assert [each.path for each in found[number].differences] == ([b"f0"] if number % 4 == 0 else [])


@pytest.mark.parametrize("threads", [1, 3])
def test_one_big_module(engine: Engine, many: list[Pair], threads: int) -> None:
    big = many[-1]
    one = task(zip=big.zip, tree=big.root, weight=big.zip.stat().st_size)
    (measured,) = engine.measure([one], threads=threads)
    assert measured.zip is not None
    assert measured.zip.h1 == engine.hash_zip(os.fspath(big.zip), threads=threads)
    assert engine.hash_dir(os.fspath(big.root), PREFIX[:-1], threads=threads) == measured.zip.h1
    assert measured.differences == ()
    files = [
        (PREFIX + os.fsencode(path.name), os.fspath(path)) for path in big.root.iterdir() if path.is_file()
    ]
    assert engine.hash_files(files, threads=threads) == measured.zip.h1


def test_no_modules(engine: Engine) -> None:
    assert list(engine.measure([], threads=4)) == []


@pytest.mark.parametrize("taken", [0, 1, 3])
def test_closing_early(engine: Engine, many: list[Pair], taken: int) -> None:
    tasks = [task(number, zip=pair.zip, weight=10 << 20) for number, pair in enumerate(many)]
    measurements = engine.measure(tasks, threads=2)
    for _ in range(taken):
        next(measurements)
    measurements.close()
    with pytest.raises(StopIteration):
        next(measurements)


def test_pausing(engine: Engine, many: list[Pair]) -> None:
    """Others are measured meanwhile; nothing is lost of what was under way."""
    tasks = [task(number, zip=pair.zip, weight=10 << 20) for number, pair in enumerate(many)]
    found = []
    with closing(engine.measure(tasks, threads=2)) as measurements:
        for measured in measurements:
            found.append(measured.key)
            measurements.pause()
            again = task(measured.key, zip=many[measured.key].zip)
            assert measure(engine, again, threads=2) == measured
        measurements.pause()
    measurements.pause()
    assert sorted(found) == list(range(len(many)))


class TestHashFiles:
    def test_order_and_double_names(self, engine: Engine, tmp_path: Path) -> None:
        for name in "abc":
            (tmp_path / name).write_bytes(name.encode())
        (tmp_path / "link").symlink_to("c")
        pairs = [(b"z", "a"), (b"x", "link"), (b"z", "a"), (b"\xff", "b")]
        files = [(name, os.fspath(tmp_path / path)) for name, path in pairs]
        lines = [(b"z", b"a"), (b"x", b"c"), (b"z", b"a"), (b"\xff", b"b")]
        assert engine.hash_files(files, threads=2) == h1(lines)
        assert engine.hash_files(files[::-1], threads=1) == h1(lines)

    def test_the_first_fault_by_name(self, engine: Engine, tmp_path: Path) -> None:
        from fastverify.engine.protocol import MeasurementError

        missing = os.fspath(tmp_path / "missing")
        for files, fault, path in (
            ([(b"b", missing), (b"c", os.fspath(tmp_path))], Fault("os", b"b", errno.ENOENT), missing),
            ([(b"z", missing), (b"c", os.fspath(tmp_path))], Fault("not-regular", b"c"), os.fspath(tmp_path)),
            ([(b"b\n", missing), (b"c", missing)], Fault("name-newline", b"b\n"), missing),
        ):
            with pytest.raises(MeasurementError) as caught:
                engine.hash_files(files, threads=1)
            assert (caught.value.fault, caught.value.path) == (fault, path)
