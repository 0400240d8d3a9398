"""Module versions that were found wanting, while they wait to be looked at again."""

from __future__ import annotations

import pickle

from fastverify.modcache.live import Stillness
from fastverify.modcache.modulefiles import ModuleFiles
from fastverify.report.model import ModuleResult
from fastverify.spool import Kept, Spool


class Suspect:
    """A module version that may have been found wanting, until a later look confirms or clears it."""

    def __init__(self, files: ModuleFiles, result: ModuleResult) -> None:
        self.files = files
        self.stillness = Stillness()
        #: When it was looked at last, by time.monotonic.
        self.looked = 0.0
        #: Whether nobody held its lock at one of the looks.
        self.was_free = False
        self._result: ModuleResult | Kept = result

    @property
    def result(self) -> ModuleResult:
        """What was found when it was looked at last.  Raises OSError where a spool has lost it."""
        if not isinstance(self._result, Kept):
            return self._result
        result: ModuleResult = pickle.loads(self._result.read())  # noqa: S301 - written by this program
        return result

    @result.setter
    def result(self, result: ModuleResult) -> None:
        self._result = result

    def set_aside(self, spool: Spool) -> None:
        """Let the result wait in `spool`: very many can name very many files."""
        if not isinstance(self._result, Kept):
            self._result = spool.put(pickle.dumps(self._result, pickle.HIGHEST_PROTOCOL))
