"""Build caches on file systems without locks, and on such that other machines write."""

from __future__ import annotations

import errno
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fastverify.engine.protocol import Engine
from fastverify.gocache import filesystem
from tests.gocache import without_locks
from tests.gocache.checking import report_of, short
from tests.gocache.making import MadeCache, World

fcntl = pytest.importorskip("fcntl", reason="Windows always has locks")

LINES = """\
27 1 254:0 / / rw,relatime - ext4 /dev/vda rw,discard
40 27 0:41 / {0} rw,relatime shared:5 - {1} server:/export rw,vers=4.2,{2}
41 27 0:42 / {0}/other rw - tmpfs tmpfs rw
nonsense
42 27 0:43 / /elsewhere rw - nfs4 server:/other rw
"""


@pytest.fixture
def made(tmp_path: Path, nobody_else: None) -> MadeCache:
    made = MadeCache(tmp_path / "with blank" / "cache")
    (made.root / "trim.txt").write_text(str(int(time.time())))
    return made


def mounted(monkeypatch: pytest.MonkeyPatch, made: MadeCache, kind: str, options: str = "hard") -> None:
    """Let the system say that the cache's folder is a mount."""
    table = made.root.parent.parent / "mountinfo"
    table.write_text(LINES.format(str(made.root.parent).replace(" ", "\\040"), kind, options))
    monkeypatch.setattr(filesystem, "_MOUNTS", str(table))


def test_the_mount_is_the_innermost(monkeypatch: pytest.MonkeyPatch, made: MadeCache) -> None:
    mounted(monkeypatch, made, "nfs4")
    mount = filesystem.mount_of(str(made.root))
    assert mount is not None
    assert (mount.point, mount.kind) == (str(made.root.parent), "nfs4")
    assert {"rw", "vers=4.2", "hard"} <= mount.options
    for path, kind in ((made.root.parent.parent, "ext4"), (made.root.parent / "other" / "x", "tmpfs")):
        found = filesystem.mount_of(str(path))
        assert found is not None
        assert found.kind == kind


@pytest.mark.skipif(not os.path.exists("/proc/self/mountinfo"), reason="only Linux tells of mounts there")
def test_the_systems_own_table(tmp_path: Path) -> None:
    """As stat of coreutils names the mount point."""
    ended = subprocess.run(["stat", "-c", "%m", tmp_path], check=True, capture_output=True, text=True)
    mount = filesystem.mount_of(str(tmp_path))
    assert mount is not None
    assert mount.point == ended.stdout.strip()


@pytest.mark.parametrize("kind", ["nfs4", "9p", "cifs", "fuse.sshfs", "virtiofs"])
def test_other_machines_write_there(
    monkeypatch: pytest.MonkeyPatch, made: MadeCache, engine: Engine, kind: str
) -> None:
    mounted(monkeypatch, made, kind)
    [finding] = report_of(made.root, engine).findings
    assert (short(finding), finding.path) == ("note warning layout", str(made.root))
    assert f"lies on {kind}," in finding.message
    assert "this machine only" not in finding.message
    mounted(monkeypatch, made, kind, "local_lock=all")
    [finding] = report_of(made.root, engine).findings
    assert "this machine only" in finding.message


@pytest.mark.parametrize("kind", ["ext4", "overlay", "tmpfs", "btrfs", "fuseblk", "fuse.fuse-overlayfs"])
def test_ordinary_ones(monkeypatch: pytest.MonkeyPatch, made: MadeCache, engine: Engine, kind: str) -> None:
    mounted(monkeypatch, made, kind)
    assert report_of(made.root, engine).findings == []


@pytest.mark.parametrize(
    ("number", "says"),
    [
        (errno.ENOLCK, "trim the cache each time"),
        (errno.ENOSYS, "and fail with"),
        (errno.EOPNOTSUPP, "and fail with"),
    ],
)
def test_no_locks(
    monkeypatch: pytest.MonkeyPatch, made: MadeCache, engine: Engine, number: int, says: str
) -> None:
    def flock(_descriptor: int, _how: int) -> None:
        raise OSError(number, os.strerror(number))

    mounted(monkeypatch, made, "nfs")
    monkeypatch.setattr(fcntl, "flock", flock)
    [finding] = report_of(made.root, engine).findings
    assert (short(finding), finding.path) == ("warning warning layout", str(made.root))
    assert finding.message == f"the file system (nfs) has no locks: {os.strerror(number)}"
    assert says in finding.go
    assert finding.hint


def test_a_lock_that_another_holds(made: MadeCache, engine: Engine) -> None:
    """It is not waited for, and is none of our business."""
    with open(made.root / "trim.txt", "r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        begun = time.monotonic()
        assert report_of(made.root, engine).findings == []
        assert time.monotonic() - begun < 5


def test_where_there_is_nothing_to_lock(made: MadeCache) -> None:
    path = made.root / "trim.txt"
    path.unlink()
    assert filesystem.missing_locks(str(made.root)) is None
    os.mkfifo(path)
    assert filesystem.missing_locks(str(made.root)) is None


@pytest.mark.go
@pytest.mark.skipif(sys.platform != "linux", reason="system calls can be made to fail on Linux only")
@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP])
def test_what_go_does_without_locks(world: World, number: int) -> None:
    (world.project / "alone").mkdir(exist_ok=True)
    program = world.project / "alone" / "alone.go"
    program.write_text("package alone\n\nconst One = 1\n")
    # Outside of modules, because go locks go.mod, too.
    environment = world.go.environment(
        world.go.gopath / "mod", {"GOCACHE": str(world.cache), "GOFLAGS": "", "GO111MODULE": "off"}
    )
    (world.cache / "trim.txt").unlink(missing_ok=True)
    without = [sys.executable, without_locks.__file__, str(number)]

    def run(*arguments: str) -> tuple[int, str]:
        ended = subprocess.run(
            [*without, world.go.command, *arguments],
            check=False,
            cwd=program.parent,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
        )
        return ended.returncode, ended.stderr

    status, said = run("build", "alone.go")
    release = re.search(r"go1\.(\d+)", subprocess.check_output([world.go.command, "version"], text=True))
    assert release is not None
    if number == errno.ENOLCK and int(release[1]) >= 26:
        assert (status, said) == (0, "")
        assert (world.cache / "trim.txt").read_bytes() == b""
    else:
        assert status == 1
        assert "failed to trim cache: Lock " in said
    status, said = run("clean", "-testcache")
    assert status == 1
    assert "testexpire.txt" in said
