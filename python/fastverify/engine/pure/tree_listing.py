"""What a directory tree holds, found as ``dirhash.DirFiles`` finds it, without opening a file.

Links are never descended into.  Where one leads is worked out here without looking at anything
outside of the tree.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
from typing import NamedTuple

from fastverify.engine.protocol import BYTES_BESIDE_NAME, Fault, FileStat
from fastverify.engine.pure.faults import FaultError, os_fault
from fastverify.engine.pure.files import file_stat, lstat

#: The longest path that Linux takes (PATH_MAX without the final NUL).
_LONGEST_PATH = 4095
#: As many links as Linux follows for one path.
_MOST_LINKS = 40
#: How many times more a directory counts that cannot be listed: its fault is held besides, with its path.
_MORE_OF_FAULT = 2
#: Windows: a directory that stands for another place (a junction, a mount).
_REPARSE_POINT = 0x400


class OddFile(NamedTuple):
    """Something in the tree that is neither a directory nor a regular file."""

    stat: FileStat | None
    #: The regular file of the tree that a link leads to, relative to the root; None where `fault` says
    #: why there is nothing to read.
    target: bytes | None
    fault: Fault | None


class Listing:
    """The files below a root, by their paths relative to it."""

    def __init__(self, root: bytes) -> None:
        #: The root with a separator at its end.
        self.start = os.path.join(root, b"")
        self.files: list[bytes] = []
        self.odd: dict[bytes, OddFile] = {}
        #: Directories that cannot be listed; in the end sorted by path.
        self.faults: list[Fault] = []
        self.directories: list[bytes] = []

    def empty_directories(self) -> list[bytes]:
        """The topmost directories that hold no file at any depth, by path."""
        full: set[bytes] = {b""}
        for paths in (self.files, self.odd, (fault.name for fault in self.faults)):
            for path in paths:
                parent = path
                while parent and (parent := parent.rpartition(b"/")[0]) not in full:
                    full.add(parent)
        # What a directory that cannot be listed holds is not known.
        full.update(fault.name for fault in self.faults)
        return sorted(
            path for path in self.directories if path not in full and path.rpartition(b"/")[0] in full
        )

    def unlisted(self) -> frozenset[bytes]:
        """The directories that cannot be listed."""
        return frozenset(fault.name for fault in self.faults)


def hidden(path: bytes, unlisted: frozenset[bytes]) -> bool:
    """Whether the path is one of the directories that cannot be listed, or in one of them."""
    while path:
        if path in unlisted:
            return True
        path = path.rpartition(b"/")[0]
    return False


def stat_root(root: bytes) -> FileStat:
    """The lstat of a tree's root.  Raises FaultError, but not for what is no directory."""
    return file_stat(lstat(root))


def list_tree(root: bytes, room_for_names: int | None) -> Listing:
    """List the tree at `root`, which is a directory.

    Raises FaultError where the root is unreadable, and where the paths of all files and directories, each
    with BYTES_BESIDE_NAME, need more than `room_for_names`; that of a directory that cannot be listed counts
    thrice.
    """
    listing = Listing(root)
    start = listing.start
    room = _LONGEST_PATH - len(os.path.join(os.path.abspath(root), b"")) if os.name == "posix" else 1 << 30
    add_file = listing.files.append
    odd: list[bytes] = []
    pending = [b""]
    left = sys.maxsize if room_for_names is None else room_for_names
    while pending:
        directory = pending.pop()
        try:
            with os.scandir(start + directory) as found:
                for each in found:
                    path = directory + each.name
                    left -= len(path) + BYTES_BESIDE_NAME
                    if left < 0:
                        break
                    if len(path) > room:
                        if each.is_dir(follow_symlinks=False):
                            left -= _MORE_OF_FAULT * (len(path) + BYTES_BESIDE_NAME)
                            listing.faults.append(Fault("os", path, errno.ENAMETOOLONG))
                        else:
                            listing.odd[path] = OddFile(None, None, Fault("os", path, errno.ENAMETOOLONG))
                    elif each.is_file(follow_symlinks=False):
                        add_file(path)
                    elif each.is_dir(follow_symlinks=False) and not _is_junction(each):
                        listing.directories.append(path)
                        pending.append(path + b"/")
                    else:
                        odd.append(path)
        except OSError as error:
            if not directory:
                raise os_fault(error) from None
            left -= _MORE_OF_FAULT * (len(directory) - 1 + BYTES_BESIDE_NAME)
            listing.faults.append(os_fault(error).fault(directory[:-1]))
        if left < 0:
            raise FaultError("too-many-names")
    listing.files.sort()
    listing.faults.sort(key=lambda fault: fault.name)
    for path in odd:
        listing.odd[path] = _look_at(start, path)
    return listing


def _is_junction(entry: os.DirEntry[bytes]) -> bool:
    if os.name != "nt":
        return False
    attributes: int = getattr(entry.stat(follow_symlinks=False), "st_file_attributes", 0)
    return bool(attributes & _REPARSE_POINT)


def _look_at(start: bytes, path: bytes) -> OddFile:
    """Find out what is at a path where no regular file and no directory was seen."""
    found = None
    try:
        found = file_stat(lstat(start + path))
        if stat.S_ISREG(found.mode):  # it was put there just now
            return OddFile(found, path, None)
        if not stat.S_ISLNK(found.mode):
            raise FaultError("not-regular")
        return OddFile(found, _resolve(start, path), None)
    except FaultError as error:
        return OddFile(found, None, error.fault(path))


def _resolve(start: bytes, link: bytes) -> bytes:
    """The regular file of the tree that a link leads to, relative to the root.

    Raises FaultError: ``link-outside`` as soon as a step leads out of the tree, else what the system
    would say.
    """
    todo = link.split(b"/")[::-1]
    done: list[bytes] = []
    links = 0
    mode = 0
    while todo:
        element = todo.pop()
        if element in {b"", b"."}:
            continue
        if element == b"..":
            if not done:
                todo = _back_inside(start, [b"..", *todo[::-1]], upward=True)[::-1]
                continue
            done.pop()
            mode = stat.S_IFDIR
            continue
        done.append(element)
        here = start + b"/".join(done)
        mode = lstat(here).st_mode
        if stat.S_ISLNK(mode):
            links += 1
            if links > _MOST_LINKS:
                raise FaultError("os", errno.ELOOP)
            done.pop()
            try:
                target = os.readlink(here)
            except OSError as error:
                raise os_fault(error) from None
            if os.name == "nt":
                target = target.removeprefix(b"\\\\?\\").replace(b"\\", b"/")
            if os.path.isabs(target):
                steps = os.path.splitdrive(target)[1].split(b"/") + todo[::-1]
                todo = _back_inside(start, steps, upward=False)[::-1]
                done.clear()
            else:
                todo.extend(target.split(b"/")[::-1])
            mode = stat.S_IFDIR
        elif todo and not stat.S_ISDIR(mode):
            raise FaultError("os", errno.ENOTDIR)
    if not done or stat.S_ISDIR(mode):
        raise FaultError("os", errno.EISDIR)
    if not stat.S_ISREG(mode):
        raise FaultError("not-regular")
    return b"/".join(done)


def _back_inside(start: bytes, steps: list[bytes], *, upward: bool) -> list[bytes]:
    """The steps that are left when a way outside of the tree has come back to its root.

    The way starts at the root (`upward`) or at the top of the file system.  It is followed by its
    names alone, because nothing outside of the tree is looked at.  Raises FaultError ``link-outside``.
    """
    for base in (os.path.abspath(start), os.path.realpath(start)):
        root = [name for name in os.path.splitdrive(base)[1].split(os.sep.encode()) if name]
        place = list(root) if upward else []
        for at, step in enumerate(steps, 1):
            if step == b"..":
                del place[-1:]
            elif step not in {b"", b"."}:
                place.append(step)
            if place == root:
                return steps[at:]
    raise FaultError("link-outside")
