"""A module version's ``.mod`` and ``.info``, against go.sum, the checksum database and the zip's go.mod."""

from __future__ import annotations

import base64

from fastverify.modcache import advice, layout, versionfiles
from fastverify.modcache.case import Case, is_gone
from fastverify.modcache.content import Content
from fastverify.report.model import Authority


def judge_mod(case: Case, content: Content) -> None:
    """Hold the ``.mod`` file to go.sum or a proved record, else to the go.mod of a proved zip.

    What is wrong is added to `case`.
    """
    small, paths = case.measured.mod, case.paths
    if small is None or is_gone(small.fault, small.stat is None):
        exempt = case.files.module in (layout.TOOLCHAIN, layout.FIPS140)
        hidden = "download" in case.files.hidden
        if not exempt and not hidden and (content.has_zip or content.has_ziphash):
            case.add(
                "missing",
                "mod",
                paths.mod,
                message="the module's go.mod is not beside its zip",
                go=advice.GO_REFETCHES_MOD,
                hint=advice.refetch(paths, paths.mod),
            )
        return
    if small.fault is not None:
        case.unreadable("mod", paths.mod, small.fault)
        return
    expected, authority, source = _mod_authority(case, content)
    if expected is None:
        if content.has_zip:
            return  # the zip is bad, and that is told
        case.unvouched = True
        alone = "the zip is not here" if content.has_tree else "only the go.mod of this version is here"
        case.add(
            "untracked",
            "mod",
            paths.mod,
            message=f"{alone}, and "
            + ("no go.sum given has a line for it" if case.sums_given else "nothing at hand vouches for it"),
            go=advice.GO_REFUSES_MOD,
            hint="give the project that uses it with --project, or leave it",
            severity="note",
            actual=small.h1 or "",
        )
        return
    if small.h1 == expected:
        case.vouched.append(authority)
        return
    case.add(
        "modified",
        "mod",
        paths.mod,
        message=f"the go.mod file is not what {source} says",
        go=advice.GO_REFUSES_MOD,
        hint=advice.refetch(paths, paths.mod),
        authority=authority,
        expected=expected,
        actual=small.h1 or "",
    )


def _mod_authority(case: Case, content: Content) -> tuple[str | None, Authority, str]:
    if case.expected_mod:
        line = case.expected_mod[0]
        return line.h1, line.authority, line.source
    zip_ = case.measured.zip
    if zip_ is None or not content.zip_proved:
        return None, "", ""
    if zip_.has_go_mod:
        return zip_.go_mod_h1, "zip", "the zip's own go.mod"
    return (
        go_mod_h1(f"module {case.files.module}\n".encode()),
        "zip",
        "Go makes of a zip without one (module and the path alone)",
    )


def judge_info(case: Case) -> None:
    """Add what is wrong with the ``.info`` file, which nothing vouches for."""
    small = case.measured.info
    if small is None or is_gone(small.fault, small.stat is None):
        return
    paths = case.paths
    if small.fault is not None:
        case.unreadable("info", paths.info, small.fault)
        return
    wrong = versionfiles.info_problem(small.content, case.files.version)
    if wrong:
        case.add(
            "malformed",
            "info",
            paths.info,
            message=wrong,
            go=advice.GO_REFETCHES_INFO,
            hint=advice.refetch(paths, paths.info),
            severity="warning",
        )
    if not case.vouched and not case.unvouched and not case.findings:
        case.unvouched = True
        case.add(
            "untracked",
            "info",
            paths.info,
            message="only the version's time is known here; nothing can vouch for that",
            go=advice.GO_NEVER_CHECKS,
            hint="nothing has to be done",
            severity="note",
        )


def go_mod_h1(content: bytes) -> str:
    """The h1 of a go.mod file of this content, as a ``/go.mod`` line of go.sum has it."""
    # Only now: OpenSSL takes long to load.
    import hashlib

    line = hashlib.sha256(content).hexdigest().encode() + b"  go.mod\n"
    return "h1:" + base64.b64encode(hashlib.sha256(line).digest()).decode()
