"""Everything that can be read from one entry, output or file."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from datetime import datetime, timezone
from typing import Any

from fastverify.engine.protocol import MAX_OUTPUT_BYTES
from fastverify.engine.pure.build.entry import parse_entry
from fastverify.errors import FastverifyError
from fastverify.gocache.buildid import BuildId, action_part, content_id
from fastverify.gocache.catalog.compact import Entry
from fastverify.gocache.catalog.contents import Contents, opened, read_contents, read_output
from fastverify.gocache.catalog.naming import Name, Names, name_entries
from fastverify.gocache.content import MalformedError
from fastverify.gocache.identify.kinds import Identity, identify
from fastverify.report.escape import printable

_LISTED = 12
#: Kinds that no other entry could tell more of.
_NAMED_BY_THEMSELVES = frozenset(["archive", "executable", "test-output", "test-log", "cover-profile"])


def details_of_path(path: str) -> dict[str, Any]:
    """What can be read from any file: an output, an action entry, an archive or a program elsewhere.

    Raises FastverifyError where it is no file or cannot be read.
    """
    if not path:
        raise FastverifyError("the path given is empty")
    whole = path
    try:
        if stat.S_ISDIR(os.lstat(path).st_mode):
            names = os.listdir(path)
            if len(names) != 1:
                raise FastverifyError(f"{path} is a folder of {len(names)} files; an executable's holds one")
            whole = os.path.join(path, names[0])
        with opened(whole) as content:
            name = os.path.basename(path)
            if name.endswith("-a") and content.size <= 4096:
                return {"path": path, "entry": _parsed_entry(content.at(0, content.size), name[:-2])}
            return {"path": path, "size": content.size, **_told(identify(content), whole)}
    except MalformedError as error:
        raise FastverifyError(f"{path}: {error}") from error
    except OSError as error:
        raise FastverifyError(f"cannot read {path}: {error.strerror or error}") from error


def details_of_prefix(root: str, prefix: str) -> dict[str, Any]:
    """What can be read from the one entry or output of the cache `root` whose ID begins with `prefix`.

    The whole cache is read where only other entries tell what it is for.  Raises FastverifyError where no
    ID begins so, or more than one.
    """
    prefix = prefix.lower()
    contents = read_contents(root, shards=(prefix[:2],))
    actions = [action for action in contents.entries if action.startswith(prefix)]
    outputs = [output for output in contents.outputs if output.startswith(prefix)]
    found = [*actions, *(output for output in outputs if output not in actions)]
    if not found:
        raise FastverifyError(f"no action or output ID in {root} begins with {prefix}")
    if len(found) > 1:
        raise FastverifyError(
            f"{len(found)} IDs begin with {prefix}, such as {', '.join(found[:3])}; give more digits"
        )
    if actions:
        chosen = [contents.entries[actions[0]]]
        key = chosen[0].output
    else:
        key = outputs[0]
        named = read_contents(root, outputs=False).entries.values()
        chosen = [entry for entry in named if entry.output == key]
    output = read_output(root, key) if key else None
    kept = Contents(root)
    for entry in chosen:
        kept.entries.add(entry)
    if output is not None:
        kept.outputs.add(output)
    kept.entries.link(kept.outputs)
    names = name_entries(kept)
    if output is None or output.identity.kind not in _NAMED_BY_THEMSELVES:
        names = name_entries(read_contents(root, imports=False))
    return _of_entry(kept, chosen[0], names) if actions else _of_users(kept, key, chosen, names)


def _of_users(contents: Contents, key: str, users: list[Entry], names: Names) -> dict[str, Any]:
    if key not in contents.outputs:
        raise FastverifyError(f"the output {key} went away while it was read")
    return {
        **_of_output(contents, key, [entry.action for entry in users]),
        "entries": [_entry(entry, names.get(entry.action)) for entry in users[:_LISTED]],
        "entries_total": len(users),
    }


def lines_of(details: dict[str, Any]) -> Iterator[str]:
    """Details as indented lines of text."""
    yield from _lines(details, 0)


def _of_entry(contents: Contents, entry: Entry, names: Names) -> dict[str, Any]:
    told = {"entry": _entry(entry, names.get(entry.action))}
    if entry.output in contents.outputs:
        told.update(_of_output(contents, entry.output, [entry.action]))
    elif entry.output:
        told["output"] = {"id": entry.output, "problem": "it is not there; go takes the entry for a miss"}
    return told


def _of_output(contents: Contents, key: str, actions: list[str]) -> dict[str, Any]:
    output = contents.outputs[key]
    path = os.path.join(contents.root, key[:2], f"{key}-d")
    told: dict[str, Any] = {
        "output": {"id": key, "path": path, "size": output.size, "used": _time(output.used)}
    }
    if output.problem:
        told["output"]["problem"] = output.problem
        return told
    whole = os.path.join(path, output.file) if output.folder else path
    try:
        with opened(whole) as content:
            told.update(_told(identify(content), whole))
    except OSError as error:
        told["output"]["problem"] = error.strerror or str(error)
        return told
    build = told.get("build_id")
    if isinstance(build, dict) and actions:
        build["action_agrees_with_entry"] = any(action_part(action) == build["action"] for action in actions)
    return told


def _told(identity: Identity, path: str) -> dict[str, Any]:
    told: dict[str, Any] = {"kind": identity.kind}
    for name in ("package", "name", "module", "version", "go_version", "goos", "goarch", "flaw"):
        value = getattr(identity, name)
        if value:
            told[name] = value
    if identity.build_id:
        build = BuildId(identity.build_id)
        told["build_id"] = {"text": build.text, "action": build.action, "content": build.content}
        if build.main is not None:
            told["build_id"]["main_action"], told["build_id"]["main_content"] = build.main
        try:
            with opened(path) as content:
                if content.size > MAX_OUTPUT_BYTES:
                    raise MalformedError(f"it is larger than {MAX_OUTPUT_BYTES >> 30} GiB, and was not read")
                told["build_id"]["content_agrees"] = content_id(content, build) == build.content
        except (MalformedError, OSError) as error:
            told["build_id"]["content_problem"] = str(error)
    told.update((name, value) for name, value in identity.details.items() if value not in ("", [], {}))
    return told


def _entry(entry: Entry, name: Name | None) -> dict[str, Any]:
    told: dict[str, Any] = {
        "action": entry.action,
        "output": entry.output,
        "size": entry.size,
        "written": _time(entry.written),
        "used": _time(entry.used),
    }
    if entry.form != "canonical":
        told["form"] = f"{entry.form}: {entry.flaw}" if entry.flaw else "it cannot be read"
    if name is not None:
        told["for"] = f"{name.role} {name.package}".strip()
    return told


def _parsed_entry(content: bytes, name: str) -> dict[str, Any]:
    try:
        action = bytes.fromhex(name)
    except ValueError:
        action = b""
    parsed = parse_entry(content, action)
    told: dict[str, Any] = {
        "form": parsed.form if parsed.form == "canonical" else f"{parsed.form}: {parsed.flaw}"
    }
    if parsed.form != "malformed":
        told.update(output=parsed.output.hex(), size=parsed.size, written=_time(parsed.time))
    return told


def _time(nanoseconds: int) -> str:
    """RFC 3339, in UTC."""
    try:
        return datetime.fromtimestamp(nanoseconds // 10**9, timezone.utc).isoformat().replace("+00:00", "Z")
    except (OverflowError, ValueError, OSError):
        return f"{nanoseconds} ns after 1970"


def _lines(value: Any, depth: int) -> Iterator[str]:
    indent = "  " * depth
    for name, member in value.items():
        # Ours are in small letters; variables and packages stay as they are.
        title = printable(name.replace("_", " ") if depth == 0 and name.islower() else name)
        if isinstance(member, dict):
            yield f"{indent}{title}:"
            yield from _lines(member, depth + 1)
        elif isinstance(member, list):
            yield f"{indent}{title}:"
            for one in member:
                if isinstance(one, dict):
                    yield from _lines(one, depth + 1)
                else:
                    yield f"{indent}  {printable(str(one))}"
        else:
            shown = {True: "yes", False: "no"}.get(member, member) if isinstance(member, bool) else member
            yield f"{indent}{title}: {printable(str(shown))}"
