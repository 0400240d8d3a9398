"""Text from strangers, made safe to print.

The names of files and modules in a cache, and the words of a go.sum, may have been chosen to move
the cursor, to recolour the terminal, to turn the direction of a line, or to look like another line
of the report.  Whatever comes from a cache passes through here before it reaches a terminal or a log.
"""

from __future__ import annotations

import re

_SHORT = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}

# What str.isprintable() takes for a visible character, but is blank or works on its neighbours: the
# fillers of Hangul and Khmer, the grapheme joiner, the variation selectors, the Braille blank
# (Unicode's Default_Ignorable_Code_Point, as far as it is not of a category "other").
_INVISIBLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)


def printable(text: str) -> str:
    """`text` as one line that no terminal acts upon.

    Letters, marks, digits, signs and the plain space stay.  Everything else is written as Python
    writes it in a string: ``\\n``, ``\\x1b``, ``\\u202e``, ``\\U000e0001``; so controls (C0, C1, DEL),
    format and direction characters, line and paragraph separators, every blank but the space,
    private and unassigned code points, and invisible letters.  A byte of a file name that is no
    UTF-8 (a lone surrogate, as :func:`os.fsdecode` makes it) becomes ``\\xff``; a control of the same
    number is told from it by its longer form, ``\\u0085``.  A backslash stays as it is.
    """
    if text.isprintable() and (text.isascii() or not _INVISIBLE.search(text)):
        return text
    return "".join(
        char if char.isprintable() and not _INVISIBLE.match(char) else _escaped(char) for char in text
    )


def _escaped(char: str) -> str:
    short = _SHORT.get(char)
    if short is not None:
        return short
    code = ord(char)
    if code < 0x80:
        return f"\\x{code:02x}"
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
