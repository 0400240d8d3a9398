"""Names that a file system may take for each other: ``collisionChecker`` of ``golang.org/x/mod/zip``.

Go notes each name, and each directory above it, by its folded text.  :class:`Noted` does so, too.  Where
names have so many directories that this takes memory with the square of their lengths, :class:`NotedDeep`
gives the same answers from a tree, of which a name adds one run of elements.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from fastverify.engine._unicode_tables import FOLD
from fastverify.engine.protocol import ViolationCode

#: Bytes of names of directories, if none had two names below it, up to which all may be noted.
_SHALLOW = 64 << 20


def fold(name: bytes) -> bytes:
    """What is equal for names that Go's ``strings.EqualFold`` takes for equal (``strToFold``)."""
    if name.isascii():
        return name.lower()
    return name.decode("utf-8").translate(FOLD).encode("utf-8")


def collisions(names: Iterable[bytes]) -> Noted | NotedDeep:
    """What such names are best noted in."""
    folders: set[bytes] = set()
    left = _SHALLOW
    for name in names:
        folder = name.rpartition(b"/")[0]
        if folder not in folders:
            folders.add(folder)
            left -= (folder.count(b"/") + 1) * len(folder)
            if left < 0:
                return NotedDeep()
    return Noted()


class Noted:
    """Names and their directories, each as it is."""

    def __init__(self) -> None:
        # Files whose names are their own folds: most, and a set takes less memory than a dict.
        self._files: set[bytes] = set()
        # The rest: folded name to whether it is a directory; where it is not its own fold, with the name.
        self._seen: dict[bytes, bool | tuple[bytes, bool]] = {}
        # Directories that were found good with all their parents; they stay so.
        self._good: set[bytes] = set()

    def _check(self, name: bytes, is_directory: bool) -> ViolationCode | None:
        while True:
            folded = fold(name)
            other = False if folded in self._files else self._seen.get(folded)
            if other is None:
                if folded != name:
                    self._seen[folded] = (name, is_directory)
                elif is_directory:
                    self._seen[name] = True
                else:
                    self._files.add(name)
            else:
                other_name, other_is_directory = other if isinstance(other, tuple) else (folded, other)
                if other_name != name:
                    return "collision"
                if other_is_directory != is_directory:
                    return "file-and-directory"
                if not is_directory:
                    return "duplicate"
            name, _, _ = name.rpartition(b"/")
            if not name or name in self._good:
                return None
            is_directory = True

    def note(self, name: bytes, is_directory: bool) -> ViolationCode | None:
        """Note a clean name and its parents; what is wrong with the first of them that is, from below."""
        wrong = self._check(name, is_directory)
        if wrong is None and (slash := name.rfind(b"/")) > 0:
            self._good.add(name[:slash])
        return wrong


@dataclass(slots=True)
class _Run:
    """Elements one below the other that `name` was the first to have: from `start` to `end`, in bytes."""

    name: bytes
    start: int
    end: int
    is_directory: bool
    #: What is below, by its first element, folded.
    below: dict[bytes, _Run]
    #: Whether the name collided, so that nothing above the run has been noted by it.
    collided: bool = False


class NotedDeep:
    """The same in a tree."""

    def __init__(self) -> None:
        self._top: dict[bytes, _Run] = {}

    def note(self, name: bytes, is_directory: bool) -> ViolationCode | None:
        """Note a clean name and its parents; what is wrong with the first of them that is, from below."""
        steps: list[tuple[_Run, int, int]] = []
        below, at = self._top, 0
        while at < len(name):
            run = below.get(fold(_element(name, at)))
            if run is None:
                break
            own, of_run = _common(name, at, run)
            steps.append((run, own, of_run))
            at = own + 1
            if of_run < run.end:
                if at < len(name):
                    _split(run, of_run)
                break
            below = run.below
        added = None
        if at < len(name):
            added = _Run(name, at, len(name), is_directory, {})
            # A run that has been split ends where the name went another way.
            place = steps[-1][0].below if steps else self._top
            place[fold(_element(name, at))] = added
        wrong = _check(steps, name, is_directory)
        if wrong is not None and added is not None:
            added.collided = True
        return wrong


def _check(steps: list[tuple[_Run, int, int]], name: bytes, is_directory: bool) -> ViolationCode | None:
    for run, own, of_run in reversed(steps):
        if name[:own] != run.name[:of_run]:
            return "collision"
        was_directory = run.is_directory or of_run < run.end
        if was_directory != (is_directory or own < len(name)):
            return "file-and-directory"
        if not was_directory:
            return "duplicate"
        # What is above has been noted as this name has it, too, or has been found to be so.
        if not run.collided:
            break
    return None


def _element(name: bytes, start: int) -> bytes:
    end = name.find(b"/", start)
    return name[start:] if end < 0 else name[start:end]


def _common(name: bytes, at: int, run: _Run) -> tuple[int, int]:
    """Where the elements end that a name from `at` on has in common with a run, of which there is one."""
    of_run = run.start
    while True:
        mine, other = _element(name, at), _element(run.name, of_run)
        ends = at + len(mine), of_run + len(other)
        at, of_run = ends[0] + 1, ends[1] + 1
        if at >= len(name) or of_run >= run.end:
            return ends
        mine, other = _element(name, at), _element(run.name, of_run)
        if mine != other and fold(mine) != fold(other):
            return ends


def _split(run: _Run, end: int) -> None:
    """Make a run end earlier; the rest of it is a run below."""
    rest = _Run(run.name, end + 1, run.end, run.is_directory, run.below, run.collided)
    run.end, run.is_directory = end, True
    run.below = {fold(_element(run.name, end + 1)): rest}
