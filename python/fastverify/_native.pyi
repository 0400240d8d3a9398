# The native engine's own types.  fastverify.engine.native gives the tuples the names of protocol.py.

from collections.abc import Sequence
from os import PathLike
from typing import Literal, TypeAlias, final

from typing_extensions import Self

_Path: TypeAlias = str | PathLike[str]
_Fault: TypeAlias = tuple[str, bytes, int]
_Stat: TypeAlias = tuple[int, int, int, int]
_Violation: TypeAlias = tuple[str, bytes]
_Zip: TypeAlias = tuple[
    _Stat | None,
    _Fault | None,
    str | None,
    str | None,
    int,
    int,
    str | None,
    bool,
    tuple[_Fault, ...],
    tuple[_Violation, ...],
]
_Tree: TypeAlias = tuple[
    _Stat | None, _Fault | None, str | None, int, int, tuple[_Fault, ...], tuple[bytes, ...], int, int
]
_Small: TypeAlias = tuple[_Stat | None, _Fault | None, bytes, str | None]
# The differences are packed, as engine/differences.py has them, and behind them is how many they are.
_Module: TypeAlias = tuple[
    int, _Zip | None, _Tree | None, _Small | None, _Small | None, _Small | None, bytes, int, int
]
_Task: TypeAlias = tuple[
    int, bytes, _Path | None, _Path | None, _Path | None, _Path | None, _Path | None, bool, int
]

_Entry: TypeAlias = tuple[bytes, _Stat | None, _Fault | None, str, str, bytes, int, int]
_Output: TypeAlias = tuple[
    bytes,
    _Stat | None,
    bytes,
    _Stat | None,
    _Fault | None,
    int,
    bytes | None,
    str,
    bytes,
    tuple[str, ...],
]

_Algorithm: TypeAlias = Literal["sha256", "blake3"]

__all__ = [
    "BuildMeasurements",
    "Measurements",
    "__version__",
    "digest_files",
    "digest_many",
    "hash_dir",
    "hash_files",
    "hash_zip",
    "measure",
    "measure_build_cache",
    "measure_build_files",
    "reading_ways",
    "record_timings",
    "sha256_kernels",
    "sumdb_fold",
    "sumdb_verify",
    "take_timings",
]

__version__: str

@final
class Measurements:
    def __iter__(self) -> Self: ...
    def __next__(self) -> _Module: ...
    def add(self, tasks: Sequence[_Task]) -> None: ...
    def end_tasks(self) -> None: ...
    def pause(self) -> None: ...
    def close(self) -> None: ...

@final
class BuildMeasurements:
    def __iter__(self) -> Self: ...
    # The word for the kind of the answer, and its fields.
    def __next__(self) -> tuple[str, tuple[object, ...]]: ...
    def close(self) -> None: ...

def measure(tasks: Sequence[_Task], threads: int, spares: int) -> Measurements: ...
def hash_zip(path: _Path, threads: int) -> str | _Fault: ...
def hash_dir(path: _Path, prefix: bytes, threads: int) -> str | _Fault: ...
def hash_files(files: Sequence[tuple[bytes, _Path]], threads: int) -> str | tuple[_Fault, int]: ...
def measure_build_cache(root: _Path, now_ns: int, threads: int) -> BuildMeasurements: ...
def measure_build_files(
    root: _Path, actions: Sequence[bytes], outputs: Sequence[bytes]
) -> tuple[tuple[_Entry, ...], tuple[_Output, ...]]: ...
def digest_many(
    algorithm: _Algorithm, messages: Sequence[bytes | memoryview], threads: int, kernel: str | None
) -> list[bytes]: ...
def digest_files(
    algorithm: _Algorithm, paths: Sequence[_Path], threads: int, kernel: str | None
) -> list[bytes] | tuple[_Fault, int]: ...
def sha256_kernels() -> tuple[list[str], str]: ...
def reading_ways() -> tuple[list[str], str | None]: ...
def sumdb_verify(key: bytes, message: bytes, signature: bytes) -> bool: ...
def record_timings(on: bool) -> None: ...
def take_timings() -> list[tuple[str, list[tuple[str, float]]]]: ...
def sumdb_fold(hashes: bytes, right: bytes | None = None) -> bytes: ...
