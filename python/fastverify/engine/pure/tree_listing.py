"""What a directory tree holds, found as ``dirhash.DirFiles`` finds it, without opening a file.

Links are never descended into.  Where one leads is worked out here without looking at anything
outside of the tree.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext

from fastverify.engine.protocol import BYTES_BESIDE_NAME, Fault, FileStat
from fastverify.engine.pure.faults import FaultError, os_fault
from fastverify.engine.pure.files import file_stat, lstat
from fastverify.engine.pure.links import resolve
from fastverify.engine.pure.odd_files import OddFiles
from fastverify.name_column import NameColumn, sorted_numbers

#: The longest path that Linux takes (PATH_MAX without the final NUL).
_LONGEST_PATH = 4095
#: How many times more a directory counts that cannot be listed: its fault is held besides, with its path.
_MORE_OF_FAULT = 2
#: Windows: a directory that stands for another place (a junction, a mount).
_REPARSE_POINT = 0x400


class Listing:
    """The files below a root, by their paths relative to it."""

    def __init__(self, root: bytes) -> None:
        #: The root with a separator at its end.
        self.start = os.path.join(root, b"")
        #: Everything that is no directory.
        self.files = NameColumn()
        #: The numbers of `files` by path.
        self.by_path = array("I")
        #: Those of them that are no regular files.
        self.odd = OddFiles(0)
        self.faults = DirectoryFaults()
        #: The root and what is below it, each behind the one that it is in; with a slash at the end.
        self._directories = NameColumn()
        #: Of each directory the number of the one that it is in; and whether it holds a file, or may.
        self._parents = array("I")
        self._is_full = bytearray()

    def __len__(self) -> int:
        """How many files there are, whether they can be opened or not."""
        return len(self.files)

    def add_directory(self, path: bytes, parent: int) -> int:
        """Add a directory in that with the number `parent`; its number."""
        self._directories.append(path)
        self._parents.append(parent)
        self._is_full.append(False)
        return len(self._parents) - 1

    def directory(self, number: int) -> bytes:
        """The path of the directory with this number, with a slash at its end unless it is the root."""
        return self._directories[number]

    def fill(self, directory: int) -> None:
        """Note that the directory with this number holds a file, or that nobody knows what it holds."""
        self._is_full[directory] = True

    def empty_directories(self) -> Iterator[bytes]:
        """The topmost directories that hold no file at any depth, in no order."""
        full = bytearray(self._is_full)
        for number in range(len(full) - 1, 0, -1):
            if full[number]:
                full[self._parents[number]] = True
        full[0] = True
        return (
            self._directories[number][:-1]
            for number in range(1, len(full))
            if not full[number] and full[self._parents[number]]
        )


class DirectoryFaults:
    """The directories that cannot be listed, and why, in little memory."""

    def __init__(self) -> None:
        self._paths = NameColumn()
        self._errnos = array("i")

    def add(self, path: bytes, number: int) -> None:
        """Add a directory, with the number of the system's error."""
        self._paths.append(path)
        self._errnos.append(number)

    def __iter__(self) -> Iterator[Fault]:
        """All of them, in no order."""
        return (Fault("os", path, number) for path, number in zip(self._paths, self._errnos, strict=True))

    def first(self) -> Fault | None:
        """The first by path."""
        return min(self, key=lambda fault: fault.name, default=None)

    def hidden(self) -> Callable[[bytes], bool]:
        """What says whether a path is one of these directories, or in one of them."""
        key = self._as_start
        topmost = array("I")
        above: bytes | None = None
        for number in sorted_numbers(self._paths.runs(), key):
            start = key(number)
            # One that could be listed in part may have others in it.
            if above is None or not start.startswith(above):
                topmost.append(number)
                above = start

        def is_hidden(path: bytes) -> bool:
            # Of those that come before the path, the last is the only one that it can be in.
            path += b"/"
            at = bisect_right(topmost, path, key=key)
            return at > 0 and path.startswith(key(topmost[at - 1]))

        return is_hidden

    def _as_start(self, number: int) -> bytes:
        return self._paths[number] + b"/"


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
    # The numbers of files that are not regular, and of those whose path is too long to look at.
    odd = array("I")
    long = array("I")
    pending = array("I", [listing.add_directory(b"", 0)])
    left = sys.maxsize if room_for_names is None else room_for_names
    while pending:
        number = pending.pop()
        directory = listing.directory(number)
        is_full = False
        try:
            with _names(start + directory) as found:
                for each in found:
                    path = directory + each.name
                    left -= len(path) + BYTES_BESIDE_NAME
                    if left < 0:
                        break
                    if len(path) > room:
                        is_full = True
                        if each.is_dir(follow_symlinks=False):
                            left -= _MORE_OF_FAULT * (len(path) + BYTES_BESIDE_NAME)
                            listing.faults.add(path, errno.ENAMETOOLONG)
                        else:
                            long.append(len(listing.files))
                            add_file(path)
                    elif each.is_file(follow_symlinks=False):
                        is_full = True
                        add_file(path)
                    elif each.is_dir(follow_symlinks=False) and not _is_junction(each):
                        pending.append(listing.add_directory(path + b"/", number))
                    else:
                        is_full = True
                        odd.append(len(listing.files))
                        add_file(path)
        except OSError as error:
            if not directory:
                raise os_fault(error) from None
            left -= _MORE_OF_FAULT * (len(directory) - 1 + BYTES_BESIDE_NAME)
            listing.faults.add(directory[:-1], os_fault(error).errno)
            is_full = True
        if left < 0:
            raise FaultError("too-many-names")
        if is_full:
            listing.fill(number)
    files = listing.files.quickest()
    listing.by_path = sorted_numbers(listing.files.runs(), files.__getitem__)
    if odd or long:
        listing.odd = _odd_files(listing, odd, long)
    return listing


def _names(directory: bytes) -> AbstractContextManager[Iterable[os.DirEntry[bytes]]]:
    """What is in a directory, which has a separator at its end.

    Raises OSError, also where it may be listed and not entered, unless it is empty.
    """
    if os.name != "posix":
        return os.scandir(directory)
    try:
        # Only those find it by this name who may enter it.
        if len(directory) < _LONGEST_PATH:
            return os.scandir(directory + b".")
        directory = directory[:-1]
        _enter(directory)
    except PermissionError:
        with os.scandir(directory) as found:
            if next(found, None) is not None:
                raise
        return nullcontext(())
    return os.scandir(directory)


def _enter(directory: bytes) -> None:
    """Raise OSError where a directory may not be entered, also where its path can get no longer."""
    above = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.stat(b".", dir_fd=above)
    finally:
        os.close(above)


def _odd_files(listing: Listing, odd: array[int], long: array[int]) -> OddFiles:
    """Look at the files with the numbers `odd`; the paths of those with the numbers `long` are too long."""
    files = listing.files
    found = OddFiles(len(files))
    for number in odd:
        found.mark(number)
    # By path, as the first of them are told.
    for number in listing.by_path if odd else ():
        if found.is_marked(number):
            found.set(number, *_look_at(listing.start, files[number]))
    for number in long:
        found.set(number, None, None, Fault("os", b"", errno.ENAMETOOLONG))
    return found


def _is_junction(entry: os.DirEntry[bytes]) -> bool:
    if os.name != "nt":
        return False
    attributes: int = getattr(entry.stat(follow_symlinks=False), "st_file_attributes", 0)
    return bool(attributes & _REPARSE_POINT)


def _look_at(start: bytes, path: bytes) -> tuple[FileStat | None, bytes | None, Fault | None]:
    """Find out what is at a path where no regular file and no directory was seen.

    The regular file of the tree that a link leads to comes with it; or why there is nothing to read.
    """
    found = None
    try:
        found = file_stat(lstat(start + path))
        if stat.S_ISREG(found.mode):  # it was put there just now
            return found, path, None
        if not stat.S_ISLNK(found.mode):
            raise FaultError("not-regular")
        return found, resolve(start, path), None
    except FaultError as error:
        return found, None, error.fault()
