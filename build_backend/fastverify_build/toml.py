"""Reads TOML, which Python itself can only from 3.11 on."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


def load(path: Path) -> dict[str, Any]:
    """The content of a TOML file.  Raises OSError and ``TOMLDecodeError``."""
    with path.open("rb") as file:
        document: dict[str, Any] = tomllib.load(file)
    return document
