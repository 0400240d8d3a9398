"""Where a link of a tree leads, worked out without looking at anything outside of the tree."""

from __future__ import annotations

import errno
import os
import stat

from fastverify.engine.pure.faults import FaultError, os_fault
from fastverify.engine.pure.files import lstat

#: As many links as Linux follows for one path.
_MOST_LINKS = 40


def resolve(start: bytes, link: bytes) -> bytes:
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
