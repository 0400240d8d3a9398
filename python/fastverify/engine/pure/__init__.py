"""The engine in Python alone: the answers of the native engine, where there is no native engine."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterator, Sequence
from typing import Literal

from fastverify.engine.protocol import (
    Fault,
    MeasurementError,
    ModuleMeasurement,
    ModuleTask,
)
from fastverify.engine.pure.contents import Part, read_part
from fastverify.engine.pure.dirhash import hash1
from fastverify.engine.pure.plan import Job, ModulePlan


class PureEngine:
    """The engine in Python alone; see :class:`fastverify.engine.protocol.Engine`."""

    @property
    def name(self) -> Literal["pure"]:
        return "pure"

    def measure(self, tasks: Sequence[ModuleTask], *, threads: int) -> Iterator[ModuleMeasurement]:
        """Measure modules, the biggest first."""
        for task in tasks:
            plan = ModulePlan(Job.of(task))
            for numbers, part in plan.parts(1<<40):
                plan.take(numbers, read_part(part))
            yield plan.assemble()
