"""Executables: format, platform, and the build info that the linker puts in.

The forms of ELF, PE, Mach-O and wasm as far as they name the platform; the build info is that of
``debug/buildinfo``.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from fastverify.gocache.content import Content, MalformedError

_BUILD_INFO = b"\xff Go buildinf:"
_ALIGN = 16
_INLINE = 2
#: Go keeps it at the start of the data segment; a program has no more text than this before it.
_SEARCHED = 512 << 20
_LONGEST_INFO = 1 << 20
_ELF = {3: "386", 62: "amd64", 40: "arm", 183: "arm64", 8: "mips", 21: "ppc64", 22: "s390x", 243: "riscv64"}
_PE = {0x14C: "386", 0x8664: "amd64", 0x1C4: "arm", 0xAA64: "arm64"}
_MACHO = {7: "386", 0x01000007: "amd64", 12: "arm", 0x0100000C: "arm64"}
_GUARD = 16


@dataclass(frozen=True, slots=True)
class BuildInfo:
    """What ``go version -m`` shows."""

    go_version: str
    #: The import path of the main package.
    path: str
    #: The main module and its version; ``""`` where there is none.
    module: str
    version: str
    #: Modules that it depends on: path and version.
    dependencies: tuple[tuple[str, str], ...]
    #: ``-trimpath``, ``GOARCH``, ``vcs.revision`` and so on.
    settings: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Executable:
    """A program."""

    #: ``ELF``, ``PE``, ``Mach-O`` or ``wasm``.
    form: str
    #: As its header says; ``""`` where that does not tell.
    goos: str
    goarch: str
    info: BuildInfo | None


def read_executable(content: Content) -> Executable:
    """Read an executable.  Raises MalformedError where it is none; OSError."""
    head = content.upto(0, 4096)
    if head.startswith(b"\x7fELF"):
        form, goos, goarch = "ELF", *_elf(head)
    elif head.startswith(b"MZ"):
        form, goos, goarch = "PE", "windows", _pe(content, head)
    elif head.startswith(b"\0asm"):
        # It has no build info, and what it runs in is not written in it.
        return Executable("wasm", "", "wasm", None)
    elif head[:4] in (b"\xce\xfa\xed\xfe", b"\xcf\xfa\xed\xfe"):
        form, goos = "Mach-O", "darwin"
        goarch = _MACHO.get(_number("<I", head, 4), "")
    else:
        raise MalformedError("it does not begin as an executable")
    info = _build_info(content)
    settings = dict(info.settings) if info is not None else {}
    return Executable(form, settings.get("GOOS", goos), settings.get("GOARCH", goarch), info)


def _elf(head: bytes) -> tuple[str, str]:
    order = "<" if head[5:6] == b"\x01" else ">"
    arch = _ELF.get(_number(f"{order}H", head, 18), "")
    if arch in ("mips", "ppc64") and order == "<":
        arch += "le"
    # Byte 7 names the system, and Linux goes by that of System V.
    return {0: "linux", 3: "linux", 9: "freebsd", 2: "netbsd", 12: "openbsd", 6: "solaris"}.get(
        head[7] if len(head) > 7 else -1, ""
    ), arch


def _pe(content: Content, head: bytes) -> str:
    at = _number("<I", head, 0x3C)
    if content.at(at, 4) != b"PE\0\0":
        raise MalformedError("it begins as MZ and has no PE header")
    return _PE.get(_number("<H", content.at(at + 4, 2), 0), "")


def _number(form: str, data: bytes, at: int) -> int:
    try:
        value: int = struct.unpack_from(form, data, at)[0]
    except struct.error:
        raise MalformedError("the header ends early") from None
    return value


def _build_info(content: Content) -> BuildInfo | None:
    """The build info; None where there is none, or it is of the older form that points elsewhere."""
    at = _find_build_info(content)
    if at is None:
        return None
    header = content.upto(at, 32)
    if len(header) < 32 or not header[15] & _INLINE:
        return None
    try:
        version, at = _text(content, at + 32)
        module, _ = _text(content, at)
    except MalformedError:
        return None
    if len(module) >= 2 * _GUARD + 1 and module[-_GUARD - 1 : -_GUARD] == b"\n":
        module = module[_GUARD:-_GUARD]
    else:
        module = b""
    return _parsed(version.decode("utf-8", "replace"), module.decode("utf-8", "replace"))


def _find_build_info(content: Content) -> int | None:
    tail = b""
    at = 0
    for piece in content.pieces():
        joined = tail + piece
        base = at - len(tail)
        found = joined.find(_BUILD_INFO)
        while found >= 0:
            if (base + found) % _ALIGN == 0:
                return base + found
            found = joined.find(_BUILD_INFO, found + 1)
        at += len(piece)
        tail = joined[-len(_BUILD_INFO) + 1 :]
        if at > _SEARCHED:
            break
    return None


def _text(content: Content, at: int) -> tuple[bytes, int]:
    length = shift = 0
    for byte in content.upto(at, 10):
        at += 1
        length |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            break
    else:
        raise MalformedError("the build info ends early")
    if length > _LONGEST_INFO:
        raise MalformedError("the build info is longer than any that Go writes")
    return content.at(at, length), at + length


def _parsed(version: str, text: str) -> BuildInfo:
    path = module = module_version = ""
    dependencies: list[tuple[str, str]] = []
    settings: list[tuple[str, str]] = []
    for line in text.splitlines():
        kind, _, rest = line.partition("\t")
        fields = rest.split("\t")
        if kind == "path":
            path = rest
        elif kind == "mod":
            module, module_version = fields[0], fields[1] if len(fields) > 1 else ""
        elif kind == "dep" and len(fields) > 1:
            dependencies.append((fields[0], fields[1]))
        elif kind == "build":
            name, _, value = rest.partition("=")
            settings.append((name, value))
    return BuildInfo(version, path, module, module_version, tuple(dependencies), tuple(settings))
