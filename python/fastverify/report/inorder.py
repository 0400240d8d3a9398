"""Results in an order that does not hang on which thread was done first."""

from __future__ import annotations

import pickle
from collections.abc import Iterator

from fastverify.report.model import ModuleResult, Result
from fastverify.spool import SortedSpool


class InOrder:
    """Takes results as they come, and gives them out by module, version and path.

    Meanwhile they wait in a spool: there may be very many, and they may name very many files.
    """

    def __init__(self) -> None:
        self._results = SortedSpool()

    def take(self, result: Result, place: str | None = None) -> None:
        """Take in one more, for another `place` where one is given."""
        self._results.put(place or _place(result), pickle.dumps(result, pickle.HIGHEST_PROTOCOL))

    def __iter__(self) -> Iterator[Result]:
        """Each of them: what is about no module, then modules, then build caches.

        Raises OSError where the spool has lost one.
        """
        for body in self._results:
            yield pickle.loads(body)  # noqa: S301 - written by this program


def _place(result: Result) -> str:
    path = result.findings[0].path if result.findings else ""
    if not isinstance(result, ModuleResult):
        return f"2{path}"
    # Mending a cache's own files comes first: a download may fail without.
    return f"1{result.module}\0{result.version}" if result.module else f"0{path}"
