"""What endangers a build cache as a whole, what does not belong into it, and what cannot be one."""

from __future__ import annotations

import hashlib
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from fastverify import check_caches, check_module_cache
from fastverify.engine.protocol import Engine
from fastverify.errors import FastverifyError
from fastverify.gocache.catalog.contents import read_contents
from tests.gocache.checking import found, report_of, short
from tests.gocache.making import LOW, World, entry_fields, entry_text, overwrite
from tests.making.users import NOBODY

pytestmark = [pytest.mark.go, pytest.mark.usefixtures("nobody_else")]

DAY = 86400


def one(world: World, engine: Engine, says: str) -> str:
    """The only finding that says so, in short; there must be no other, notes apart."""
    report = report_of(world.cache, engine)
    saying = [finding for finding in report.findings if says in finding.message]
    assert len(saying) == 1, report.findings
    assert [finding for finding in found(report) if finding not in saying] == []
    assert saying[0].go
    assert saying[0].hint
    return short(saying[0])


@pytest.mark.parametrize("name", ["notes", "ab", "{0}-x", "{0}", "{0}-a.tmp", "-a", "README"])
def test_names_that_go_never_makes(world: World, engine: Engine, name: str) -> None:
    low = world.packages[LOW]
    (low.entry_path.parent / name.format(low.action)).write_bytes(b"")
    assert one(world, engine, "never makes a name like this") == "note warning layout"


def test_a_name_in_capitals_and_one_in_another_shard(world: World, engine: Engine) -> None:
    low = world.packages[LOW]
    shard = low.entry_path.parent
    (shard / f"{low.action.upper()}-a").write_bytes(b"")
    assert one(world, engine, "in small letters") == "note warning layout"
    other = world.cache / ("00" if low.action[:2] != "00" else "01")
    shutil.copy(low.entry_path, other)
    report = report_of(world.cache, engine)
    assert "this ID belongs into another folder" in {finding.message for finding in report.findings}
    # The go command looks for neither.
    assert world.built("./low") == []


def test_a_strange_name_in_the_root(world: World, engine: Engine) -> None:
    (world.cache / "cache.db").mkdir()
    (world.cache / "fuzz").mkdir()
    (world.cache / "log.txt").write_text("from an old release")
    assert one(world, engine, "never makes a name like this") == "note warning layout"


def test_a_shard_that_is_a_link(world: World, engine: Engine) -> None:
    shard = world.packages[LOW].entry_path.parent
    elsewhere = world.cache.parent / "elsewhere"
    shutil.move(shard, elsewhere)
    shard.symlink_to(elsewhere)
    assert one(world, engine, "in place of this folder") == "error malformed layout"
    assert world.built("./low") == []


def test_a_shard_that_is_a_file(world: World, engine: Engine) -> None:
    shard = world.packages[LOW].entry_path.parent
    shutil.rmtree(shard)
    shard.write_bytes(b"")
    assert one(world, engine, "should be a folder") == "error malformed layout"
    status, _, said = world.run("build", "./low")
    assert status != 0
    assert "not a directory" in said


def test_files_that_others_may_write(world: World, engine: Engine) -> None:
    low = world.packages[LOW]
    low.output_path.chmod(0o666)
    assert one(world, engine, "written by everybody") == "warning warning layout"
    low.output_path.chmod(0o664)
    assert one(world, engine, "written by its group") == "note warning layout"
    # An ordinary umask of 002 makes all files so: one note, not hundreds.
    for path in world.cache.glob("??/*"):
        path.chmod(0o664)
    assert "more" in next(f.message for f in report_of(world.cache, engine).findings if "group" in f.message)


def test_a_cache_that_go_has_emptied(world: World, engine: Engine) -> None:
    """It is one still, in which nothing is; its values for fuzzing are kept, and checked."""
    value = world.cache / "fuzz" / "example.com" / "m" / "low" / "FuzzX" / ("0" * 16)
    value.parent.mkdir(parents=True)
    value.write_bytes(b"go test fuzz v1\nint(1)\n")
    world.run("clean", "-cache")
    assert list(world.cache.glob("??")) == []
    report = report_of(world.cache, engine)
    assert (report.counts.entries, report.counts.outputs, report.counts.fuzz_values) == (0, 0, 1)
    assert [finding.path for finding in found(report)] == [str(value)]
    assert list(read_contents(str(world.cache)).entries) == []


def test_a_folder_with_a_readme_is_no_cache(tmp_path: Path) -> None:
    for names in (["README"], ["README", "trim.txt", "more"], ["trim.txt", "fuzz"]):
        for name in names:
            (tmp_path / name).write_text("")
        with pytest.raises(FastverifyError, match="is no module cache"):
            check_caches(tmp_path)
        for name in names:
            (tmp_path / name).unlink()


def an_executable(world: World) -> Path:
    """A file in the folder of an executable."""
    content = b"a program"
    output = hashlib.sha256(content).hexdigest()
    path = world.cache / output[:2] / f"{output}-d" / "program"
    path.parent.mkdir()
    path.write_bytes(content)
    path.chmod(0o755)
    return path


def test_an_executable_that_others_may_write(world: World, engine: Engine) -> None:
    """What go run executes is the file, and who may write it need not own its folder."""
    program = an_executable(world)
    assert found(report_of(world.cache, engine)) == []
    program.chmod(0o777)
    assert one(world, engine, "written by everybody") == "warning warning layout"
    program.chmod(0o775)
    assert one(world, engine, "written by its group") == "note warning layout"
    program.chmod(0o755)
    os.link(program, world.cache.parent / "program")
    assert one(world, engine, "hard links") == "warning warning layout"


def test_folders_that_others_may_write(world: World, engine: Engine) -> None:
    for path in world.cache.glob("??"):
        path.chmod(0o777)
    assert (
        one(world, engine, "everybody may write into the folder, like 255 more") == "warning warning layout"
    )
    # As in /tmp, where nobody can remove what is another's.
    for path in world.cache.glob("??"):
        path.chmod(0o1777)
    assert found(report_of(world.cache, engine)) == []


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can give files away")
def test_files_of_several_users(world: World, engine: Engine) -> None:
    os.chown(world.packages[LOW].output_path, NOBODY, NOBODY)
    assert one(world, engine, "belong to 2 users") == "warning warning layout"


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can give files away")
def test_an_executable_of_another_user(world: World, engine: Engine) -> None:
    os.chown(an_executable(world), NOBODY, NOBODY)
    assert one(world, engine, "belong to 2 users") == "warning warning layout"


def test_hard_links(world: World, engine: Engine) -> None:
    """The go command writes in place, so that a snapshot of links changes with the cache."""
    low = world.packages[LOW]
    snapshot = world.cache.parent / "snapshot"
    os.link(low.entry_path, snapshot)
    before = snapshot.read_bytes()
    assert one(world, engine, "hard links") == "warning warning layout"
    overwrite(low.entry_path, before[:-1] + b"\r")
    world.built("./low")
    after = snapshot.read_bytes()
    assert after != before
    assert after[:153] == before[:153]


def test_times_in_the_future(world: World, engine: Engine) -> None:
    low = world.packages[LOW]
    ahead = time.time() + DAY
    os.utime(low.output_path, (ahead, ahead))
    assert one(world, engine, "time in the future") == "note warning layout"


@pytest.mark.parametrize("text", ["", "soon", str(int(time.time()) + DAY)])
def test_the_time_of_the_last_trim(world: World, engine: Engine, text: str) -> None:
    path = world.cache / "trim.txt"
    path.write_text(text)
    assert one(world, engine, "time of the last trim") in ("note malformed layout", "note warning layout")
    world.built("./low")
    assert abs(int(path.read_text()) - time.time()) < 100
    assert report_of(world.cache, engine).findings == []


def test_expired_test_results(world: World, engine: Engine) -> None:
    path = world.cache / "testexpire.txt"
    path.write_text(f"{time.time_ns() + DAY * 10**9}\n")
    assert one(world, engine, "count as expired until") == "warning warning layout"
    # The past is what go clean -testcache writes; and without a newline Go does not take it.
    for harmless in (f"{time.time_ns()}\n", f"{time.time_ns() + DAY * 10**9}", "soon\n"):
        path.write_text(harmless)
        assert found(report_of(world.cache, engine)) == []


@pytest.mark.parametrize("name", ["trim.txt", "testexpire.txt"])
def test_time_files_that_are_none(world: World, engine: Engine, name: str) -> None:
    path = world.cache / name
    path.unlink(missing_ok=True)
    os.mkfifo(path)
    assert one(world, engine, "fifo stands in place") == "error malformed layout"
    path.unlink()
    path.symlink_to("nowhere")
    assert one(world, engine, "symbolic link stands in place") == "error malformed layout"


def test_a_fifo_for_the_time_of_the_last_trim_hangs_go(world: World) -> None:
    path = world.cache / "trim.txt"
    path.unlink(missing_ok=True)
    os.mkfifo(path)
    with pytest.raises(subprocess.TimeoutExpired):
        world.run("build", "./low", timeout=5)


def socket_at(path: Path) -> None:
    here = Path.cwd()
    os.chdir(path.parent)
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(path.name)
    finally:
        os.chdir(here)


def loop_at(path: Path) -> None:
    path.symlink_to(path.name)


@pytest.mark.parametrize("make", [os.mkfifo, socket_at, loop_at, os.mkdir])
@pytest.mark.parametrize("suffix", ["a", "d"])
def test_what_is_no_file(world: World, engine: Engine, suffix: str, make: Callable[[Path], object]) -> None:
    """It is named, not opened, and the check comes to its end."""
    low = world.packages[LOW]
    path = low.entry_path if suffix == "a" else low.output_path
    path.unlink()
    make(path)
    [finding] = found(report_of(world.cache, engine))
    assert finding.severity == "error"
    assert finding.path == str(path)


def test_a_sparse_output(world: World, engine: Engine) -> None:
    """100 GB that take no room are not read."""
    low = world.packages[LOW]
    before = low.output_path.stat()
    os.truncate(low.output_path, 100 << 30)
    os.utime(low.output_path, ns=(before.st_atime_ns, before.st_mtime_ns))
    begun = time.monotonic()
    [finding] = found(report_of(world.cache, engine))
    assert time.monotonic() - begun < 5
    assert "larger than 4 GiB" in finding.message
    # With the size in the entry, too, which the go command would believe.
    action, output, _, made = entry_fields(low.entry_path)
    overwrite(low.entry_path, entry_text(action, output, 100 << 30, made))
    assert [short(finding) for finding in found(report_of(world.cache, engine))] == [
        "error unreadable output"
    ]


def test_a_name_that_is_no_text(world: World, engine: Engine) -> None:
    shard = world.packages[LOW].entry_path.parent
    name = os.path.join(os.fsencode(shard), b"\xff\x1b[2J\n")
    with open(name, "wb"):
        pass
    [finding] = [f for f in report_of(world.cache, engine).findings if f.severity == "note"]
    assert os.fsencode(finding.path) == name


def test_many_strays_are_counted(world: World, engine: Engine) -> None:
    shard = world.packages[LOW].entry_path.parent
    for number in range(2500):
        (shard / f"stray{number:04}").write_bytes(b"")
    report = report_of(world.cache, engine)
    strays = [
        finding.path for finding in report.findings if "never makes a name like this" in finding.message
    ]
    assert strays == [str(shard / f"stray{number:04}") for number in range(1000)]
    assert "1500 more names" in report.findings[1000].message


@pytest.mark.parametrize("missing", [["README"], ["trim.txt"], [f"{number:02x}" for number in range(128)]])
def test_what_may_be_missing(world: World, engine: Engine, missing: list[str]) -> None:
    for name in missing:
        path = world.cache / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    assert found(report_of(world.cache, engine)) == []


def test_an_empty_cache(tmp_path: Path, engine: Engine) -> None:
    for number in range(256):
        (tmp_path / f"{number:02x}").mkdir()
    report = report_of(tmp_path, engine)
    assert report.findings == []
    assert report.counts.outputs == 0


def test_the_root_may_be_a_link(world: World, engine: Engine) -> None:
    link = world.cache.parent / "link"
    link.symlink_to(world.cache)
    report = report_of(link, engine)
    assert report.counts.outputs == report_of(world.cache, engine).counts.outputs > 0


def test_what_is_no_build_cache(tmp_path: Path, world: World) -> None:
    """A part of one, or a folder with a few such names, is none."""
    low = world.packages[LOW]
    for path in (low.entry_path.parent, low.entry_path, low.output_path):
        with pytest.raises(FastverifyError, match=f"a part of the build cache {world.cache}: "):
            check_caches(path)
    with pytest.raises(FastverifyError, match="no module cache"):
        check_caches(world.project)
    with pytest.raises(FastverifyError, match="path given is empty"):
        check_caches("")
    with pytest.raises(FastverifyError, match="it looks like a Go build cache"):
        check_module_cache(world.cache)
    folder = tmp_path / "folder"
    for name in ("00", "01", "ff", "notes"):
        (folder / name).mkdir(parents=True)
    with pytest.raises(FastverifyError, match="no module cache"):
        check_caches(folder)
    with pytest.raises(FastverifyError, match="about modules"):
        check_caches(world.cache, projects=[world.project])
