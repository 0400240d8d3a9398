"""What an output is, told by its bytes alone.

The order of the questions matters: text that looks like a list of files may be anything, so that what
says clearly what it is comes first.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Literal

from fastverify.gocache.content import Content, MalformedError
from fastverify.gocache.identify import (
    covermeta,
    executable,
    goarchive,
    moduleindex,
    texts,
    vetfacts,
    vetreport,
)
from fastverify.gocache.identify.origin import Origin, origin_of

Kind = Literal[
    "archive",
    "executable",
    "module-index",
    "source-list",
    "vet-facts",
    "vet-report",
    "fix-archive",
    "test-log",
    "test-output",
    "cover-profile",
    "cover-meta",
    "pgo-profile",
    "generated-source",
    "compiler-text",
    "compiler-probe",
    "empty",
    "unknown",
]

_HEAD = 64 << 10
_EXECUTABLE = (b"\x7fELF", b"MZ", b"\0asm", b"\xce\xfa\xed\xfe", b"\xcf\xfa\xed\xfe")
_IMPORT_PATH = re.compile(rb"[A-Za-z0-9_.~+!-]+(?:/[A-Za-z0-9_.~+!-]+)*")


@dataclass(frozen=True, slots=True)
class Identity:
    """What an output is and says of itself.  What it does not say is empty."""

    kind: Kind
    #: The import path; for a program's own package that of the program.
    package: str = ""
    #: ``main`` for a program's package.
    name: str = ""
    module: str = ""
    version: str = ""
    go_version: str = ""
    goos: str = ""
    goarch: str = ""
    build_id: str = ""
    #: Why it is not as it should be, though it begins as its kind does; ``""`` where it is.
    flaw: str = ""
    #: All else, by kind: plain values for JSON.
    details: dict[str, Any] = field(default_factory=dict)


def identify(content: Content) -> Identity:
    """What `content` is.  Never raises for what the bytes are; OSError where they cannot be read."""
    if content.size == 0:
        return Identity("empty")
    head = content.upto(0, _HEAD)
    kind = kind_of(content, head)
    reader = _READERS.get(kind)
    if reader is None:
        return Identity(kind)
    try:
        return reader(content)
    except MalformedError as error:
        return Identity(kind, flaw=str(error))


def kind_of(content: Content, head: bytes) -> Kind:
    """The kind; `head` are the first bytes.  Raises OSError."""
    if head.startswith(b"!<arch>\n"):
        return "archive"
    if head.startswith(b"go index v"):
        return "module-index"
    if head.startswith(_EXECUTABLE):
        return "executable"
    if head.startswith(vetfacts.MAGIC):
        return "vet-facts"
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return "fix-archive"
    if head.startswith(texts.TEST_LOG):
        return "test-log"
    if head.startswith(b"mode: "):
        return "cover-profile"
    if head.startswith(covermeta.MAGIC):
        return "cover-meta"
    if head.startswith(b"GO PREPROFILE V1\n"):
        return "pgo-profile"
    return _kind_of_text(content, head)


def _kind_of_text(content: Content, head: bytes) -> Kind:
    if head in (b"true", b"false") or _is_compiler_record(head, content.size):
        return "compiler-probe"
    if texts.read_test_output(content) is not None:
        return "test-output"
    if (head.startswith(b"{") and head.rstrip()[-1:] in (b"}", b"]", b",")) or head.startswith(b"{\n"):
        return "vet-report"
    if texts.is_generated_source(head):
        return "generated-source"
    if texts.read_source_list(content) is not None:
        return "source-list"
    if texts.is_text(head) and head.startswith(b"# "):
        return "compiler-text"
    return "unknown"


def _is_compiler_record(head: bytes, size: int) -> bool:
    """Path and stat of a C compiler, each with a NUL behind it, then an ID of 32 bytes."""
    if size > 16 << 10 or size <= 32:
        return False
    parts = head[:-32].split(b"\0")
    return (
        len(parts) % 2 == 1
        and len(parts) >= 3
        and parts[-1] == b""
        and all(texts.is_text(part) and part for part in parts[:-1])
    )


def _archive(content: Content) -> Identity:
    archive = goarchive.read_archive(content)
    head, linked = archive.head, archive.linker_object
    package = archive.package
    sources = linked.sources if linked is not None else ()
    standard = linked is not None and linked.standard
    path = package.path if package is not None else ""
    # A program's package is called main, and only its source tells which program's.
    origin = origin_of(sources, "" if path == "main" else path) if not standard else Origin()
    details = {
        "settings": list(head.settings),
        "experiments": list(head.experiments),
        "standard": standard,
        "main": head.main,
        "members": [member.name for member in archive.members],
        "fingerprint": archive.fingerprint.hex(),
        "imports": {name: mark.hex() for name, mark in linked.imports} if linked is not None else {},
        "sources": list(sources),
        "folder": origin.folder,
    }
    return Identity(
        "archive",
        package=origin.package if path == "main" and origin.package else path,
        name=package.name if package is not None else "",
        module=origin.module,
        version=origin.version,
        go_version=head.version,
        goos=head.goos,
        goarch=head.goarch,
        build_id=head.build_id.text if head.build_id is not None else "",
        details=details,
    )


def _executable(content: Content) -> Identity:
    from fastverify.gocache.buildid import read_build_id

    found = executable.read_executable(content)
    build_id = read_build_id(content)
    info = found.info
    details: dict[str, Any] = {"form": found.form}
    if info is not None:
        details["dependencies"] = dict(info.dependencies)
        details["settings"] = dict(info.settings)
    return Identity(
        "executable",
        package=info.path if info is not None else "",
        name="main",
        module=info.module if info is not None else "",
        version=info.version if info is not None else "",
        go_version=info.go_version.partition(" ")[0] if info is not None else "",
        goos=found.goos,
        goarch=found.goarch,
        build_id=build_id.text if build_id is not None else "",
        details=details,
    )


def _index(content: Content) -> Identity:
    packages = moduleindex.read_index(content)
    first = packages[0] if packages else None
    folder = first.folder if first is not None else ""
    # The index of one package has its folder; that of a module has folders in the module.
    origin = origin_of([f"{folder}/x.go"], "") if len(packages) == 1 else Origin()
    return Identity(
        "module-index",
        package=origin.package if origin.version else "",
        name=first.files[0].package if len(packages) == 1 and first is not None and first.files else "",
        module=origin.module,
        version=origin.version,
        details={
            "folders": [package.folder for package in packages],
            "files": sum(len(package.files) for package in packages),
            "names": [file.name for package in packages[:1] for file in package.files],
        },
    )


def _facts(content: Content) -> Identity:
    facts = vetfacts.read_facts(content)
    counts: dict[str, int] = {}
    for fact in facts:
        counts[fact.kind] = counts.get(fact.kind, 0) + 1
    packages = list(dict.fromkeys(fact.package for fact in facts))
    return Identity("vet-facts", details={"facts": len(facts), "kinds": counts, "packages": packages})


def _report(content: Content) -> Identity:
    found = vetreport.read_report(content)
    packages = list(dict.fromkeys(diagnostic.package for diagnostic in found))
    return Identity(
        "vet-report",
        package=packages[0] if len(packages) == 1 else "",
        details={
            "messages": [
                {"analyzer": one.analyzer, "position": one.position, "message": one.message} for one in found
            ]
        },
    )


def _test_log(content: Content) -> Identity:
    log = texts.read_test_log(content)
    return Identity("test-log", details={"reads": [f"{operation} {name}" for operation, name in log.reads]})


def _test_output(content: Content) -> Identity:
    output = texts.read_test_output(content)
    if output is None:
        return Identity("unknown")
    return Identity(
        "test-output",
        package=output.package,
        details={"took": output.took, "remark": output.remark, "lines": output.lines},
    )


def _cover_profile(content: Content) -> Identity:
    profile = texts.read_cover_profile(content)
    return Identity(
        "cover-profile",
        package=profile.packages[0] if len(profile.packages) == 1 else "",
        details={"mode": profile.mode, "blocks": profile.blocks, "packages": list(profile.packages)},
    )


def _cover_meta(content: Content) -> Identity:
    packages = covermeta.read_cover_meta(content)
    one = packages[0] if len(packages) == 1 else None
    return Identity(
        "cover-meta",
        package=one.path if one is not None else "",
        module=one.module if one is not None else "",
        details={"packages": {package.path: package.functions for package in packages}},
    )


def _source_list(content: Content) -> Identity:
    return Identity("source-list", details={"names": list(texts.read_source_list(content) or ())})


def _probe(content: Content) -> Identity:
    head = content.upto(0, 16 << 10)
    answer = head.partition(b"\0")[0].decode("utf-8", "replace")
    return Identity("compiler-probe", details={"answer": answer})


def _compiler_text(content: Content) -> Identity:
    head = content.upto(0, _HEAD)
    package = head[2:].split(b"\n", 1)[0]
    text = head.decode("utf-8", "replace")
    return Identity(
        "compiler-text",
        package=package.decode() if _IMPORT_PATH.fullmatch(package) else "",
        details={"text": text[:4000]},
    )


_READERS = {
    "archive": _archive,
    "executable": _executable,
    "module-index": _index,
    "vet-facts": _facts,
    "vet-report": _report,
    "test-log": _test_log,
    "test-output": _test_output,
    "cover-profile": _cover_profile,
    "cover-meta": _cover_meta,
    "source-list": _source_list,
    "compiler-probe": _probe,
    "compiler-text": _compiler_text,
}
