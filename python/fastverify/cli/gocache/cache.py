"""Which build cache a command looks into."""

from __future__ import annotations

from fastverify.locate import build_cache, go_settings


def cache_path(given: str | None) -> str:
    """The one that was `given`, or the go command's.  Raises FastverifyError where there is none."""
    return given if given is not None else build_cache(go_settings())
