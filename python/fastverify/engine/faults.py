"""A fault in words: the one place where each :data:`~fastverify.engine.protocol.FaultCode` has its text."""

from __future__ import annotations

import os

from fastverify.engine.protocol import (
    MAX_DIRECTORY_BYTES,
    MAX_NAMES_BYTES,
    MAX_OUTPUT_BYTES,
    MAX_ZIP_BYTES,
    Fault,
    FaultCode,
)

_MIB = 1 << 20

# Where Go has words of its own for it they stand in the text, so that a search for them finds it.
_TEXTS: dict[FaultCode, str] = {
    "not-regular": "it is not a regular file",
    "not-directory": "it is not a directory",
    "link": "it is a symbolic link, which is not followed",
    "too-large": f"it is larger than {MAX_OUTPUT_BYTES >> 30} GiB, which fastverify does not read",
    "link-outside": "it is a symbolic link that leads out of the tree, which is not followed",
    "name-newline": "the name has a newline in it (dirhash: filenames with newlines are not supported)",
    "zip-format": "it breaks the zip format (zip: not a valid zip file)",
    "zip-algorithm": "it is compressed in a way that Go cannot read (zip: unsupported compression algorithm)",
    "zip-checksum": "the data does not have the checksum that the zip declares (zip: checksum error)",
    "zip-eof": "the data ends too early (unexpected EOF)",
    "zip-corrupt": "the compressed data is damaged (flate: corrupt input)",
    "zip-too-large": (
        f"the zip, or what its entries declare together, is larger than {MAX_ZIP_BYTES // _MIB} MiB,"
        " which Go refuses to extract"
    ),
    "zip-directory-too-large": (
        f"the zip's central directory is larger than {MAX_DIRECTORY_BYTES // _MIB} MiB,"
        " which fastverify does not read"
    ),
    "too-many-names": (
        f"its paths take more memory than the {MAX_NAMES_BYTES // _MIB} MiB that fastverify spends on them"
    ),
}


def describe(fault: Fault) -> str:
    """Why something could not be measured, as a clause without the name of what is at fault.

    >>> from fastverify.engine.protocol import Fault
    >>> describe(Fault("zip-eof", b"example.com/m@v1.0.0/a.go"))
    'the data ends too early (unexpected EOF)'
    """
    if fault.code == "os":
        return os.strerror(fault.errno) if fault.errno else "the system gave an error without a number"
    return _TEXTS[fault.code]
