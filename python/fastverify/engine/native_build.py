"""The native engine's answers about a build cache, with the protocol's names."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar, cast

from fastverify import _native
from fastverify.engine.buildcache import (
    ActionEntry,
    BuildAnswer,
    EntryOf,
    Hazard,
    Imports,
    MissingImport,
    OutputMeasurement,
    OutputsRead,
    Stray,
    Survey,
    ToldOutput,
)
from fastverify.engine.protocol import Fault, FileStat
from fastverify.exhaustion import refuse_exhaustion

if TYPE_CHECKING:
    from typing_extensions import Self

_T = TypeVar("_T")
_Fields = tuple[Any, ...]


class BuildMeasurements(Iterator[BuildAnswer]):
    """A measurement under way.

    Raises RuntimeError where a worker has panicked, which is a bug and no property of a cache, and
    EngineError where there are no descriptors or no memory left.
    """

    def __init__(self, measurements: _native.BuildMeasurements) -> None:
        self._measurements = measurements

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> BuildAnswer:
        word, fields = next(self._measurements)
        return _ANSWERS[word](fields)

    def close(self) -> None:
        """Stop the work and wait until nothing is read any more."""
        self._measurements.close()


def action_entry(fields: _Fields) -> ActionEntry:
    """An entry."""
    action, stat, fault, *parsed = fields
    return ActionEntry(action, _stat(stat), _fault(fault), *parsed)


def output_measurement(fields: _Fields) -> OutputMeasurement:
    """An output."""
    output, stat, file, file_stat, fault, *rest = fields
    return OutputMeasurement(output, _stat(stat), file, _stat(file_stat), _fault(fault), *rest)


def _told(fields: _Fields) -> ToldOutput:
    measured, entries, entries_total = fields
    return ToldOutput(output_measurement(measured), _each(EntryOf, entries), entries_total)


def _survey(fields: _Fields) -> Survey:
    survey = Survey(*fields)
    for fault in _each(Fault, survey.faults):
        refuse_exhaustion(fault.errno)
    return survey._replace(
        faults=_each(Fault, survey.faults),
        strays=_each(Stray, survey.strays),
        hazards=_each(Hazard, survey.hazards),
    )


def _read(fields: _Fields) -> OutputsRead:
    return OutputsRead(*fields)


def _imports(fields: _Fields) -> Imports:
    named, missing, examples, altered = fields
    return Imports(named, missing, _each(MissingImport, examples), _each(MissingImport, altered))


_ANSWERS: dict[str, Callable[[_Fields], BuildAnswer]] = {
    "entry": action_entry,
    "survey": _survey,
    "told": _told,
    "read": _read,
    "imports": _imports,
}


def _stat(fields: _Fields | None) -> FileStat | None:
    return None if fields is None else FileStat(*fields)


def _fault(fields: _Fields | None) -> Fault | None:
    if fields is None:
        return None
    fault = Fault(*fields)
    refuse_exhaustion(fault.errno)
    return fault


def _each(kind: type[_T], many: tuple[object, ...]) -> tuple[_T, ...]:
    return tuple(kind(*cast("_Fields", fields)) for fields in many)
