"""What the engines do not look into: executables and the small results of vet and test.

There are few of them, and each is read by the parser that also tells what it holds.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from fastverify.engine.buildcache import OutputKind, OutputMeasurement
from fastverify.engine.pure.faults import FaultError
from fastverify.engine.pure.files import open_regular
from fastverify.gocache.buildid import content_id, read_build_id
from fastverify.gocache.content import Content, MalformedError
from fastverify.gocache.identify.covermeta import read_cover_meta
from fastverify.gocache.identify.vetfacts import read_facts
from fastverify.gocache.identify.vetreport import is_deep
from fastverify.gocache.layout import output_path

#: A longer result is taken as it is: no vet and no test writes one.
_LONGEST_RESULT = 16 << 20
#: A longer profile for -pgo is taken as it is.
_LONGEST_PROFILE = 64 << 20
#: The line that ends a test's output is not longer.
_LONGEST_LINE = 4096
_TEST_LOG_LINE = re.compile(rb"(?:getenv|chdir|stat|open) [^\n]+|")
_PROFILE_HEAD = re.compile(rb"mode: (?:set|count|atomic)")
_PGO_LINE = re.compile(rb"-?[0-9]+ -?[0-9]+")
_PROFILE_LINE = re.compile(rb"[^\n]+:[0-9]+\.[0-9]+,[0-9]+\.[0-9]+ [0-9]+ [0-9]+")


class Examined(NamedTuple):
    """What an examination came to."""

    #: In words, what is not as the go command writes it; empty where nothing is.
    problem: str = ""
    #: The action part of an executable's build ID; empty where there is none.
    built_by: str = ""


def examine(root: str, measured: OutputMeasurement) -> Examined:
    """Look into an output whose content is what its name says.

    What cannot be read any more is not examined: the second look at the cache tells of it.
    """
    check = _CHECKS.get(measured.kind)
    if check is None:
        return Examined()
    path = output_path(root, measured.output)
    if measured.file:
        path = os.path.join(path, os.fsdecode(measured.file))
    try:
        with _opened(path) as content:
            try:
                return check(content)
            except MalformedError as error:
                return Examined() if _is_test_output(content) else Examined(str(error))
    except (OSError, FaultError):
        return Examined()


@contextmanager
def _opened(path: str) -> Iterator[Content]:
    fd, _ = open_regular(os.fsencode(path))
    with open(fd, "rb") as file:
        yield Content.of_file(file)


def _is_test_output(content: Content) -> bool:
    """Whether it ends as the output of a passed test does, which begins as the test likes."""
    last = (
        content.upto(max(content.size - _LONGEST_LINE, 0), _LONGEST_LINE).rstrip(b"\n").rpartition(b"\n")[2]
    )
    return last.startswith(b"ok  \t")


def _executable(content: Content) -> Examined:
    build_id = read_build_id(content)
    # A program that begins as an executable does need not be Go's: a test's output can be anything.
    if build_id is None or not build_id.is_go_cache_form:
        return Examined()
    problem = ""
    if content_id(content, build_id) != build_id.content:
        problem = "the build ID in it has not the hash of this content"
    return Examined(problem, build_id.action)


def _facts(content: Content) -> Examined:
    try:
        read_facts(content)
    except MalformedError as error:
        raise MalformedError(f"it begins as the facts of vet, but {error}") from None
    return Examined()


def _report(content: Content) -> Examined:
    text = content.upto(0, _LONGEST_RESULT)
    if content.size > _LONGEST_RESULT:
        return Examined()
    if is_deep(text):
        raise MalformedError("it begins as a report of vet, but is nested too deeply for one")
    try:
        report = json.loads(text)
    except (ValueError, RecursionError):
        raise MalformedError("it begins as a report of vet, but is no JSON") from None
    # package -> analyzer -> diagnostics (an object with an error where the analyzer failed).
    if not all(
        isinstance(analyzers, dict) and all(isinstance(found, (list, dict)) for found in analyzers.values())
        for analyzers in report.values()
    ):
        raise MalformedError("it begins as a report of vet, but has not the form of one")
    return Examined()


def _test_log(content: Content) -> Examined:
    lines = content.upto(0, _LONGEST_RESULT).split(b"\n")[1:]
    if content.size <= _LONGEST_RESULT and not all(_TEST_LOG_LINE.fullmatch(line) for line in lines):
        raise MalformedError("it begins as the log of a test, but has a line that no test writes")
    return Examined()


def _profile(content: Content) -> Examined:
    text = content.upto(0, _LONGEST_RESULT)
    head, *lines = text.split(b"\n")
    if content.size > _LONGEST_RESULT:
        lines.pop()
    whole = (not lines or lines[-1] == b"") and _PROFILE_HEAD.fullmatch(head)
    if not whole or not all(_PROFILE_LINE.fullmatch(line) for line in lines[:-1]):
        raise MalformedError("it begins as a coverage profile, but has a line that no test writes")
    return Examined()


def _cover_meta(content: Content) -> Examined:
    try:
        read_cover_meta(content)
    except MalformedError as error:
        raise MalformedError(f"it begins as the meta-data of coverage, but {error}") from None
    return Examined()


def _pgo_profile(content: Content) -> Examined:
    """``FromSerialized`` of ``cmd/internal/pgo``: a line for the caller, the callee, and call and weight."""
    if content.size > _LONGEST_PROFILE:
        return Examined()
    _, *lines = content.upto(0, _LONGEST_PROFILE).split(b"\n")
    whole = lines.pop() == b"" and len(lines) % 3 == 0
    if not whole or not all(_PGO_LINE.fullmatch(line) for line in lines[2::3]):
        raise MalformedError("it begins as a preprocessed profile for -pgo, but is not a whole one")
    return Examined()


_CHECKS: dict[OutputKind, Callable[[Content], Examined]] = {
    "executable": _executable,
    "facts": _facts,
    "report": _report,
    "test-log": _test_log,
    "profile": _profile,
    "cover-meta": _cover_meta,
    "pgo-profile": _pgo_profile,
}
