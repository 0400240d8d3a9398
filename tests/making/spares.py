"""Watching how many spare workers an engine is asked for."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from fastverify import engine as engines
from fastverify.engine import load_engine
from fastverify.engine.protocol import EngineName, Measurements, ModuleTask


def spares_asked_for(name: EngineName, monkeypatch: pytest.MonkeyPatch) -> set[int]:
    """The numbers that the engine is asked for from now on, on a machine where the default is 5."""
    kind = type(load_engine(name))
    real = kind.measure
    asked: set[int] = set()

    def measure(self: object, tasks: Sequence[ModuleTask], *, threads: int, spares: int = 0) -> Measurements:
        asked.add(spares)
        return real(self, tasks, threads=threads, spares=spares)  # type: ignore[arg-type]

    monkeypatch.setattr(kind, "measure", measure)
    monkeypatch.setattr(engines, "default_threads", lambda: 2)
    return asked
