"""Names of actions from what the go command itself tells: its action graph, or ``go list``."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from typing import Any

from fastverify.errors import FastverifyError

#: Longer files are not read.
_LONGEST = 256 << 20


@dataclass(frozen=True, slots=True)
class Told:
    """What go says of actions, by the first 30 hex digits of their IDs: all that it tells of an ID."""

    actions: dict[str, tuple[str, str]]


def read_action_graph(path: str) -> Told:
    """A file of ``go build -debug-actiongraph``: mode and package of each action with an ID.

    Raises FastverifyError where it cannot be read or is something else.
    """
    document = _loaded(path)
    if not isinstance(document, list):
        raise FastverifyError(f"{path} is not an action graph: it holds no list")
    found: dict[str, tuple[str, str]] = {}
    for action in document:
        if not isinstance(action, dict):
            raise FastverifyError(f"{path} is not an action graph: it lists something else than actions")
        start = _start_of_id(action.get("ActionID"))
        mode, package = action.get("Mode"), action.get("Package", "")
        if start and isinstance(mode, str) and isinstance(package, str):
            found.setdefault(start, (mode, package))
    return Told(found)


def read_go_list(path: str) -> Told:
    """What ``go list -export -deps -json=ImportPath,BuildID`` printed.  Raises FastverifyError as above."""
    found: dict[str, tuple[str, str]] = {}
    for package in _objects(path):
        build_id, name = package.get("BuildID"), package.get("ImportPath")
        if isinstance(build_id, str) and isinstance(name, str):
            start = _start_of_id(build_id.partition("/")[0])
            if start:
                found.setdefault(start, ("build", name))
    return Told(found)


def _start_of_id(text: Any) -> str:
    """The hex digits that a part of a build ID stands for; ``""`` where it is none."""
    if not isinstance(text, str) or len(text) != 20:
        return ""
    try:
        return base64.b64decode(text, altchars=b"-_", validate=True).hex()
    except (binascii.Error, ValueError):
        return ""


def _text(path: str) -> str:
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read(_LONGEST + 1)
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise FastverifyError(f"cannot read {path}: {reason}") from error
    if len(text) > _LONGEST:
        raise FastverifyError(f"{path} is longer than {_LONGEST} characters")
    return text


def _loaded(path: str) -> Any:
    try:
        return json.loads(_text(path))
    except (ValueError, RecursionError):
        raise FastverifyError(f"{path} is not JSON") from None


def _objects(path: str) -> list[dict[str, Any]]:
    """JSON objects one after another."""
    text = _text(path)
    decoder = json.JSONDecoder()
    found = []
    at = 0
    try:
        while (at := _past_blanks(text, at)) < len(text):
            value, at = decoder.raw_decode(text, at)
            if not isinstance(value, dict):
                raise FastverifyError(f"{path} is not what go list -json prints")
            found.append(value)
    except (ValueError, RecursionError):
        raise FastverifyError(f"{path} is not what go list -json prints") from None
    return found


def _past_blanks(text: str, at: int) -> int:
    while at < len(text) and text[at].isspace():
        at += 1
    return at
