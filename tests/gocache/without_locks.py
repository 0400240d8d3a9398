"""Run a program for which flock fails: ``python without_locks.py ERRNO PROGRAM ARGUMENTS...`` (Linux)."""

from __future__ import annotations

import ctypes
import os
import platform
import struct
import sys

#: AUDIT_ARCH and the number of flock.
_FLOCK = {"x86_64": (0xC000003E, 73), "aarch64": (0xC00000B7, 32)}
_PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS = 22, 38
_FILTER = 2
_LOAD, _JUMP_EQUAL, _RETURN = 0x20, 0x15, 0x06
_ALLOW, _ERRNO = 0x7FFF0000, 0x00050000


class Program(ctypes.Structure):
    """``struct sock_fprog``."""

    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def main() -> None:
    """Never returns."""
    number = int(sys.argv[1])
    arch, flock = _FLOCK[platform.machine()]
    code = b"".join(
        struct.pack("=HBBI", *instruction)
        for instruction in (
            (_LOAD, 0, 0, 4),
            (_JUMP_EQUAL, 0, 3, arch),
            (_LOAD, 0, 0, 0),
            (_JUMP_EQUAL, 0, 1, flock),
            (_RETURN, 0, 0, _ERRNO | number),
            (_RETURN, 0, 0, _ALLOW),
        )
    )
    libc = ctypes.CDLL(None, use_errno=True)
    program = Program(len(code) // 8, code)
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or libc.prctl(
        _PR_SET_SECCOMP, _FILTER, ctypes.byref(program), 0, 0
    ):
        raise OSError(ctypes.get_errno(), "no seccomp filter can be set")
    os.execvp(sys.argv[2], sys.argv[2:])


if __name__ == "__main__":
    main()
