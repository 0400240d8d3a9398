"""The rules of ``golang.org/x/mod/zip`` that an entry must keep, or Go refuses to extract the zip.

They are those of ``checkZip`` (``zip/zip.go``) and of ``module.CheckFilePath``
(``module/module.go``), in their order.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence

from fastverify.engine._unicode_tables import LETTER_RANGES
from fastverify.engine.protocol import (
    MAX_GO_MOD_BYTES,
    Violation,
    ViolationCode,
)
from fastverify.engine.pure.listed import up_to_limits
from fastverify.engine.pure.zip_collisions import Collisions, any_collide
from fastverify.engine.pure.zip_directory import Directory, int64

# module.fileNameOK, for ASCII.
_ASCII_ALLOWED = r"0-9A-Za-z!#$%&()+,\-.=@\[\]^_{}~ "
# Names that Windows keeps for devices, with anything after a dot.
_DEVICE = r"(?!(?i:con|prn|aux|nul|com[1-9]|lpt[1-9])(?:[./]|\Z))"
_ELEMENT = rf"{_DEVICE}[{_ASCII_ALLOWED}]*[{_ASCII_ALLOWED}](?<!\.)"
_ASCII_PATH = re.compile(rf"{_ELEMENT}(?:/{_ELEMENT})*".encode())
# Beyond ASCII any letter is allowed; which characters are letters is looked up, not matched.
_WIDE_ELEMENT = rf"{_DEVICE}[{_ASCII_ALLOWED}\u0080-\U0010ffff]*[{_ASCII_ALLOWED}\u0080-\U0010ffff](?<!\.)"
_WIDE_PATH = re.compile(rf"{_WIDE_ELEMENT}(?:/{_WIDE_ELEMENT})*")

_LETTER_STARTS = [low for low, _ in LETTER_RANGES]


def _is_letter(character: str) -> bool:
    """Go's ``unicode.IsLetter``."""
    code = ord(character)
    at = bisect_right(_LETTER_STARTS, code) - 1
    return at >= 0 and code <= LETTER_RANGES[at][1]


def is_file_path(name: bytes) -> bool:
    """Whether ``module.CheckFilePath`` accepts the name and ``path.Clean`` leaves it as it is."""
    if name.isascii():
        return _ASCII_PATH.fullmatch(name) is not None
    try:
        text = name.decode("utf-8")
    except UnicodeDecodeError:
        return False
    if _WIDE_PATH.fullmatch(text) is None:
        return False
    return all(character < "\u0080" or _is_letter(character) for character in text)


def violations(directory: Directory, names: Sequence[bytes], prefix: bytes) -> tuple[Violation, ...]:
    """The first broken rules, in the order of the entries: MAX_LISTED, and MAX_LISTED_BYTES of names.

    `names` are the names of the directory's entries, `prefix` is ``P@V/``.
    """
    # Which names Go notes, to see whether any collide; none behind the last one that is wrong and listed.
    noted = bytearray(len(names))

    def by_themselves() -> Iterator[tuple[int, ViolationCode]]:
        ascii_path = _ASCII_PATH.fullmatch
        length = len(prefix)
        for number, full_name in enumerate(names):
            if not full_name.startswith(prefix):
                yield number, "prefix"
                continue
            name = full_name[length:]
            if not name:
                continue
            is_directory = name.endswith(b"/")
            if is_directory:
                name = name[:-1]
            if not ascii_path(name) and not is_file_path(name):
                yield number, "path"
                continue
            noted[number] = True
            wrong = None if is_directory else _go_mod_or_license(directory, number, name)
            if wrong is not None:
                yield number, wrong

    listed = _listed(by_themselves(), names)
    if any_collide(names, directory.names.runs(), prefix, noted):
        collisions = Collisions(names, prefix)
        alone = listed

        def together() -> Iterator[tuple[int, ViolationCode]]:
            for number, is_noted in enumerate(noted):
                wrong = collisions.note(number) if is_noted else None
                wrong = wrong or alone.get(number)
                if wrong is not None:
                    yield number, wrong

        listed = _listed(together(), names)
    return tuple(Violation(code, names[number]) for number, code in listed.items())


def _listed(wrong: Iterable[tuple[int, ViolationCode]], names: Sequence[bytes]) -> dict[int, ViolationCode]:
    """Of the entries that are wrong, by their numbers, those that are listed."""
    return dict(up_to_limits(wrong, lambda each: names[each[0]]))


def _go_mod_or_license(directory: Directory, number: int, name: bytes) -> ViolationCode | None:
    """The rules for a go.mod anywhere and for the root's LICENSE."""
    if name[-6:].lower() == b"go.mod" and name[-7:-6] in {b"", b"/"}:
        if name != b"go.mod":
            return "go-mod-place"
        if int64(directory.size(number)) > MAX_GO_MOD_BYTES:
            return "go-mod-size"
    elif name == b"LICENSE" and int64(directory.size(number)) > MAX_GO_MOD_BYTES:
        return "license-size"
    return None
