"""Reading the entries and outputs of a build cache.

Nothing is written, no link is followed, and what is no regular file is not opened.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from fastverify.engine.buildcache import EntryFlaw, EntryForm
from fastverify.engine.pure.build.files import read_entry
from fastverify.engine.pure.files import OPEN_FLAGS_NO_LINK
from fastverify.errors import FastverifyError
from fastverify.gocache.content import Content
from fastverify.gocache.identify.kinds import Identity, identify
from fastverify.gocache.layout import SHARDS
from fastverify.gocache.recognise import is_build_cache, names_in

_NAME = re.compile(r"([0-9a-f]{64})-([ad])")


@dataclass(slots=True)
class Entry:
    """An action entry."""

    #: 64 hex digits each; `output` is ``""`` where the entry is not one that Go takes.
    action: str
    output: str
    size: int
    #: When it was written, as it says; nanoseconds since 1970.
    written: int
    #: Its file's time: Go sets it when the entry is used, at most once an hour.
    used: int
    form: EntryForm
    flaw: EntryFlaw


@dataclass(slots=True)
class Output:
    """An output."""

    #: 64 hex digits.
    output: str
    size: int
    #: The time of its file, or of its folder.
    used: int
    #: Whether it is an executable's folder.
    folder: bool
    #: The executable's name.
    file: str
    identity: Identity
    #: Why it could not be read; ``""`` where it could.
    problem: str = ""


@dataclass(slots=True)
class Contents:
    """A build cache."""

    root: str
    entries: dict[str, Entry] = field(default_factory=dict)
    outputs: dict[str, Output] = field(default_factory=dict)
    #: Shards that could not be listed.
    unlisted: list[str] = field(default_factory=list)


def read_contents(root: str, *, shards: tuple[str, ...] = SHARDS) -> Contents:
    """Read a build cache, or only some `shards` of it.

    Raises FastverifyError where `root` is no build cache or cannot be listed.
    """
    if not is_build_cache(names_in(root)):
        raise FastverifyError(f"{root} is not a build cache: it has no shards 00 to ff")
    contents = Contents(root)
    for shard in shards:
        folder = os.path.join(root, shard)
        try:
            if not stat.S_ISDIR(os.lstat(folder).st_mode):
                continue
            names = sorted(os.listdir(folder))
        except FileNotFoundError:
            continue
        except OSError:
            contents.unlisted.append(shard)
            continue
        for name in names:
            match = _NAME.fullmatch(name)
            if match is None:
                continue
            # Each is read from where Go looks: what is in the shard of another is not found.
            if match[2] == "a":
                entry = _entry(root, match[1])
                if entry is not None:
                    contents.entries[match[1]] = entry
            else:
                output = read_output(root, match[1])
                if output is not None:
                    contents.outputs[match[1]] = output
    return contents


def read_output(root: str, output: str) -> Output | None:
    """Read an output; None where it is not there (any more)."""
    path = os.path.join(root, output[:2], f"{output}-d")
    found = Output(output, 0, 0, False, "", Identity("unknown"))
    try:
        status = os.lstat(path)
        found.used = status.st_mtime_ns
        if stat.S_ISDIR(status.st_mode):
            found.folder = True
            names = os.listdir(path)
            if len(names) != 1:
                found.problem = f"its folder holds {len(names)} files instead of one"
                return found
            found.file = names[0]
            path = os.path.join(path, names[0])
            status = os.lstat(path)
        if not stat.S_ISREG(status.st_mode):
            found.problem = "it is not a regular file"
            return found
        found.size = status.st_size
        with opened(path) as content:
            found.identity = _lean(identify(content))
    except FileNotFoundError:
        return None
    except OSError as error:
        found.problem = error.strerror or str(error)
    return found


@contextmanager
def opened(path: str) -> Iterator[Content]:
    """The content of the regular file `path`.  Raises OSError, also where it is a link or no file."""
    descriptor = os.open(path, OPEN_FLAGS_NO_LINK)
    with open(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(f"{path} is not a regular file")
        yield Content.of_file(file)


def _entry(root: str, action: str) -> Entry | None:
    read = read_entry(os.fsencode(root), bytes.fromhex(action))
    if read.stat is None:
        return None
    return Entry(action, read.output.hex(), read.size, read.time, read.stat.mtime_ns, read.form, read.flaw)


# What naming and sums need; the rest is read again for the one output that is shown.
_KEPT = ("folder", "folders", "names", "settings", "standard")


def _lean(identity: Identity) -> Identity:
    kept = {name: identity.details[name] for name in _KEPT if name in identity.details}
    return replace(identity, details=kept)
