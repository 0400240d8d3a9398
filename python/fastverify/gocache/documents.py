"""The JSON documents of ``fastverify gocache``: what each is called, and what stands in all of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

#: ``fastverify gocache ls --json`` writes the schema ``fastverify-gocache-ls/1``, and so on.
DocumentName = Literal["ls", "show", "stats", "diff", "why"]
_VERSION = 1


def document(name: DocumentName, fields: Mapping[str, Any]) -> dict[str, Any]:
    """`fields` as a whole document.

    Each document is a contract with its readers: fields are added, never renamed or removed, as long as
    the number in its schema stays.
    """
    from fastverify import __version__

    return {"schema": f"fastverify-gocache-{name}/{_VERSION}", "fastverify": __version__, **fields}
