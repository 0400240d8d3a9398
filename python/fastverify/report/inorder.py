"""Results in an order that does not hang on which thread was done first."""

from __future__ import annotations

from collections.abc import Iterator

from fastverify.report.model import ModuleResult, Result
from fastverify.spool import Place, Spooled


class InOrder:
    """Takes results as they come, and gives them out by module, version and path.

    Meanwhile they wait in a spool: there may be very many, and they may name very many files.
    """

    def __init__(self) -> None:
        self._results: Spooled[Result] = Spooled()

    def take(self, result: Result) -> None:
        """Take in one more."""
        self._results.put(_place(result), result)

    def __iter__(self) -> Iterator[Result]:
        """Each of them: modules, then what is about no module, then build caches.

        Raises OSError where the spool has lost one.
        """
        return iter(self._results)


def _place(result: Result) -> Place:
    path = result.findings[0].path if result.findings else ""
    if not isinstance(result, ModuleResult):
        return 2, path
    return (0, result.module, result.version) if result.module else (1, path)
