"""Runs the command line on a check that goes by a script, so that each moment of it can be tested.

``python -m tests.cli.scripted '<JSON>' <arguments>``; the JSON may have ``modules`` (how many),
``damaged`` (which of them, or "all"), ``seconds`` (that each takes), ``raises`` (an exception's name,
after the last), ``hangs`` (wait for ever after the last), ``announce`` (a file to make at that moment)
and ``ignores_interrupt`` (as a background job of a shell does).
"""

from __future__ import annotations

import builtins
import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from typing import Any
from unittest import mock

from fastverify.cli import main as run
from fastverify.report.model import ModuleResult, Report
from tests.report.making import finding, report, result


class ScriptedCheck:
    """Has the attributes of ``fastverify.Check``."""

    def __init__(self, script: dict[str, Any]) -> None:
        self._script = script
        self.modules_total: int = script.get("modules", 5)
        self.bytes_total = self.modules_total * 1_000_000
        self.report: Report = report()
        self.report.counts.modules = 0
        self.report.seconds = 1.0
        self._results = self._run()

    #: Everything in the script is settled as it comes.
    unconfirmed: tuple[ModuleResult, ...] = ()

    def __enter__(self) -> ScriptedCheck:  # noqa: PYI034 (typing.Self is new in 3.11)
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __iter__(self) -> Iterator[ModuleResult]:
        return self

    def __next__(self) -> ModuleResult:
        return next(self._results)

    def close(self) -> None:
        """Nothing is under way."""

    def _run(self) -> Iterator[ModuleResult]:
        for number in range(self.modules_total):
            time.sleep(self._script.get("seconds", 0))
            name = {"module": f"example.com/m{number}", "version": "v1.0.0"}
            damaged = self._script.get("damaged", [])
            found = (finding(**name),) if damaged == "all" or number in damaged else ()
            self.report.counts.modules += 1
            self.report.counts.not_verified += bool(found)
            self.report.findings.extend(found)
            yield result(*found, **name, bytes=1_000_000)
        if "announce" in self._script:
            os.close(os.open(self._script["announce"], os.O_CREAT))
        if "raises" in self._script:
            raise getattr(builtins, self._script["raises"])("out of\nthe script")
        while self._script.get("hangs"):
            time.sleep(0.05)


def main() -> int:
    """Run the command line."""
    script = json.loads(sys.argv[1])
    signal.signal(
        signal.SIGINT, signal.SIG_IGN if script.get("ignores_interrupt") else signal.default_int_handler
    )
    with mock.patch("fastverify.cli.check.check_caches", return_value=ScriptedCheck(script)):
        return run(sys.argv[2:])


if __name__ == "__main__":
    sys.exit(main())
