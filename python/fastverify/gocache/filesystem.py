"""The file system that a build cache lies on: whether it has locks, and whether other machines share it.

Go locks two files there, ``trim.txt`` and ``testexpire.txt``, with flock (``cmd/go/internal/lockedfile``).
"""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Iterator
from typing import NamedTuple

from fastverify.engine.pure.files import OPEN_FLAGS_NO_LINK
from fastverify.gocache import advice
from fastverify.gocache.finding import cache_finding
from fastverify.gocache.layout import README, TEST_EXPIRE, TRIM
from fastverify.report.model import Finding

#: What Linux tells of mounts; elsewhere there is no such file, and nothing is said of sharing.
_MOUNTS = "/proc/self/mountinfo"
#: A longer table is not read.
_LONGEST_TABLE = 16 << 20
#: File systems that other machines, or a virtual machine's host, write at the same time.
_SHARED = frozenset(
    [
        *("nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "ceph", "lustre", "gpfs", "beegfs", "afs", "gfs2"),
        *("ocfs2", "glusterfs", "orangefs", "virtiofs", "vboxsf", "vmhgfs", "prl_fs"),
    ]
)
#: Those in user space are named after their program; ``fuseblk`` is a disk's.
_FUSE = "fuse."
_LOCAL_FUSE = frozenset(["fuse.lxcfs", "fuse.portal", "fuse.fuse-overlayfs", "fuse.mergerfs"])
#: Mount options with which an NFS lock holds on this machine only.
_LOCAL_LOCKS = frozenset(["nolock", "local_lock=flock", "local_lock=all"])
#: Go tells these apart (``errors.ErrUnsupported``).
_UNSUPPORTED = (errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP)
_NO_LOCKS = (errno.ENOLCK, *_UNSUPPORTED)
_OCTAL = re.compile(r"\\([0-7]{3})")


class Mount(NamedTuple):
    """Where a file system is mounted, its type, and its options."""

    point: str
    kind: str
    options: frozenset[str]


def filesystem_findings(root: str) -> Iterator[Finding]:
    """What there is to say of the file system under the build cache `root`."""
    mount = mount_of(root)
    name = f" ({mount.kind})" if mount is not None else ""
    number = missing_locks(root)
    if number is not None:
        yield cache_finding(
            "warning",
            "warning",
            "layout",
            root,
            f"the file system{name} has no locks: {os.strerror(number)}",
            advice.GO_FAILS_TRIM if number in _UNSUPPORTED else advice.GO_TRIMS_EACH_TIME,
            advice.HINT_LOCAL,
        )
    elif mount is not None and _is_shared(mount):
        held = "; its locks hold on this machine only" if mount.options & _LOCAL_LOCKS else ""
        yield cache_finding(
            "warning",
            "note",
            "layout",
            root,
            f"the cache lies on {mount.kind}, which other machines may write at the same time{held}",
            advice.GO_LOCKS_STAMPS,
            advice.HINT_LOCAL,
        )


def mount_of(path: str) -> Mount | None:
    """The mount that `path` lies in; None where the system does not tell."""
    try:
        with open(_MOUNTS, encoding="utf-8", errors="surrogateescape") as file:
            table = file.read(_LONGEST_TABLE)
    except OSError:
        return None
    place = os.path.realpath(path)
    found: Mount | None = None
    for line in table.splitlines():
        mount = _parsed(line)
        # Of two at one place the later one lies on top.
        if mount is None or not _lies_in(place, mount.point):
            continue
        if found is None or len(mount.point) >= len(found.point):
            found = mount
    return found


def missing_locks(root: str) -> int | None:
    """Why a shared lock cannot be had in `root`, as an errno; None where it can, or nothing is known.

    The lock is let go at once, and taken on a file that Go makes there; nothing is written.
    """
    try:
        import fcntl
    except ImportError:  # Windows always has locks
        return None
    for name in (TRIM, TEST_EXPIRE, README):
        path = os.path.join(root, name)
        try:
            if not stat.S_ISREG(os.lstat(path).st_mode):
                continue
            descriptor = os.open(path, OPEN_FLAGS_NO_LINK)
        except OSError:
            continue
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError as error:
            # Whatever else it is, such as a lock that a go command holds, is no lack of locks.
            return error.errno if error.errno in _NO_LOCKS else None
        finally:
            os.close(descriptor)
        return None
    return None


def _parsed(line: str) -> Mount | None:
    """A line of mountinfo, as proc(5) has it."""
    fields, dash, rest = line.partition(" - ")
    before, after = fields.split(" "), rest.split(" ")
    if not dash or len(before) < 6 or len(after) < 3:
        return None
    options = frozenset([*before[5].split(","), *after[2].split(",")])
    return Mount(_OCTAL.sub(lambda match: chr(int(match[1], 8)), before[4]), after[0], options)


def _lies_in(path: str, point: str) -> bool:
    return path == point or path.startswith(point if point.endswith("/") else f"{point}/")


def _is_shared(mount: Mount) -> bool:
    fuse = mount.kind.startswith(_FUSE) and mount.kind not in _LOCAL_FUSE
    return fuse or mount.kind in _SHARED
