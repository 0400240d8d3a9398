"""Names that a file system may take for each other: ``collisionChecker`` of ``golang.org/x/mod/zip``.

Go notes each name, and each directory above it, by its folded text.  That takes much memory where there are
very many, or where they are deep.  Hardly a zip has any that collide, and :func:`any_collide` tells so in
little; where some may, :class:`Collisions` gives Go's answers from a tree, of which a name adds one run of
elements.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from fastverify.engine._unicode_tables import FOLD
from fastverify.engine.protocol import ViolationCode
from fastverify.name_column import sorted_numbers

_NONE = 0xFFFFFFFF


def fold(name: bytes) -> bytes:
    """What is equal for names that Go's ``strings.EqualFold`` takes for equal (``strToFold``)."""
    if name.isascii():
        return name.lower()
    return name.decode("utf-8").translate(FOLD).encode("utf-8")


def clean(name: bytes, prefix: bytes) -> bytes:
    """The path that a name stands for which begins with `prefix`; a directory's has no slash at its end."""
    return name[len(prefix) :].removesuffix(b"/")


def any_collide(names: Sequence[bytes], runs: Iterable[range], prefix: bytes, noted: bytearray) -> bool:
    """Whether any two names collide, of those that are `noted`: clean names that begin with `prefix`.

    In the order of the folded names, with the end of an element before all else, whatever is in a directory
    stands together, behind all files and directories of the directory's name.  So where any two collide, two
    neighbours do.  `runs` are the numbers of the names, so many together as may be sorted at once.
    """

    def folded(number: int) -> bytes:
        return fold(clean(names[number], prefix)).replace(b"/", b"\0") if noted[number] else b""

    key: Callable[[int], bytes] = folded
    if isinstance(names, list):
        key = [folded(number) for number in range(len(names))].__getitem__
    before, before_key, folder = b"", b"", b""
    for number in sorted_numbers(runs, key):
        name, name_key = names[number], key(number)
        if not name_key:
            continue
        # Most often they are two files of one folder.
        apart = name_key != before_key and name.startswith(folder) and name.find(b"/", len(folder)) < 0
        if before and not apart and _collide(before, before_key, name, name_key, prefix):
            return True
        before, before_key, folder = name, name_key, name[: name.rfind(b"/") + 1]
    return False


def _collide(one: bytes, one_key: bytes, other: bytes, other_key: bytes, prefix: bytes) -> bool:
    """Whether two names collide, themselves or with a directory; the one with the lower key comes first."""
    elements, others = one_key.split(b"\0"), other_key.split(b"\0")
    same = 0
    for element, other_element in zip(elements, others, strict=False):
        if element != other_element:
            break
        same += 1
    if same == len(elements):
        # The same name, or a directory of the other.
        other_is_directory = same < len(others) or other.endswith(b"/")
        if not (one.endswith(b"/") and other_is_directory):
            return True
    return clean(one, prefix).split(b"/")[:same] != clean(other, prefix).split(b"/")[:same]


class _Step(NamedTuple):
    """Where a walk down the tree has been."""

    run: int
    #: Where the last common element ends, in the name that walks and in that of the run.
    own: int
    of_run: int


class Collisions:
    """The names that have been noted, in a tree.

    A run is elements, one below the other, that a name was the first to have.
    """

    def __init__(self, names: Sequence[bytes], prefix: bytes) -> None:
        """`names` are what a number stands for in :meth:`note`; they begin with `prefix`."""
        self._all_names = names
        self._prefix = prefix
        #: Of each run the number of its name, and the run above or _NONE.
        self._names = array("I")
        self._parents = array("I")
        #: Where in its name the first element starts, and where the last one ends.
        self._starts = array("H")
        self._ends = array("H")
        #: Whether the last element is a file.
        self._is_file = bytearray()
        #: Of each run its number, where the hash of its parent and of its first element puts it.
        self._slots = array("I", [_NONE]) * 16
        #: Those of the names that have collided: they have noted nothing above the place where they did.
        self._collided: set[int] = set()

    def note(self, number: int) -> ViolationCode | None:
        """Note the clean name with this number, and the directories above it.

        The answer is what is wrong with the first of them that collides, from the name upwards; what is above
        that is not noted.
        """
        path = self._path(number)
        is_directory = self._all_names[number].endswith(b"/")
        steps = self._walk(path)
        wrong = self._check(steps, path, is_directory)
        if wrong is not None:
            self._collided.add(number)
        deepest = steps[-1].own if steps else -1
        if deepest < len(path):
            parent = self._split(steps[-1]) if steps else _NONE
            self._add(number, parent, deepest + 1, len(path), is_file=not is_directory)
        return wrong

    def _path(self, number: int) -> bytes:
        return clean(self._all_names[number], self._prefix)

    def _walk(self, path: bytes) -> list[_Step]:
        """The runs that `path` goes along, from the top."""
        steps: list[_Step] = []
        parent, start = _NONE, 0
        while start < len(path):
            run = self._slots[self._slot(parent, _element(path, start))]
            if run == _NONE:
                break
            # The first element is the same; those behind it may be.
            other = self._path(self._names[run])[: self._ends[run]]
            own, of_run = _common(path, start, other, self._starts[run])
            steps.append(_Step(run, own, of_run))
            if of_run < self._ends[run]:
                break
            parent, start = run, own + 1
        return steps

    def _check(self, steps: list[_Step], path: bytes, is_directory: bool) -> ViolationCode | None:
        """What is wrong, from the deepest element that was there already upwards."""
        for run, own, of_run in reversed(steps):
            name = self._names[run]
            if path[:own] != self._path(name)[:of_run]:
                return "collision"
            was_directory = not self._is_file[run] or of_run < self._ends[run]
            if was_directory != (is_directory or own < len(path)):
                return "file-and-directory"
            if not was_directory:
                return "duplicate"
            # What is above has been noted as this name has it, too, or has been found to be so.
            if name not in self._collided:
                break
        return None

    def _split(self, step: _Step) -> int:
        """Make a run end where a step does; the number of what is above."""
        run, _, end = step
        if end == self._ends[run]:
            return run
        # What is above gets a number of its own, so that what is below the run stays there.
        above = len(self._names)
        parent, start = self._parents[run], self._starts[run]
        slot = self._slot(parent, _element(self._path(self._names[run]), start))
        self._slots[slot] = above
        self._append(self._names[run], parent, start, end, is_file=False)
        self._parents[run], self._starts[run] = above, end + 1
        self._enter(run)
        return above

    def _add(self, name: int, parent: int, start: int, end: int, *, is_file: bool) -> None:
        self._append(name, parent, start, end, is_file=is_file)
        self._enter(len(self._names) - 1)

    def _append(self, name: int, parent: int, start: int, end: int, *, is_file: bool) -> None:
        self._names.append(name)
        self._parents.append(parent)
        self._starts.append(start)
        self._ends.append(end)
        self._is_file.append(is_file)

    def _enter(self, run: int) -> None:
        """Put a run where it is found."""
        if len(self._names) * 4 <= len(self._slots) * 3:
            self._place(run)
            return
        slots = 2 * len(self._slots)
        # The old ones and the new ones are not in memory together.
        self._slots = array("I")
        self._slots = array("I", [_NONE]) * slots
        for each in range(len(self._names)):
            self._place(each)

    def _place(self, run: int) -> None:
        first = _element(self._path(self._names[run]), self._starts[run])
        self._slots[self._slot(self._parents[run], first)] = run

    def _slot(self, parent: int, first: bytes) -> int:
        """The slot of the run below `parent` that begins with this element, or the one for it."""
        slots = self._slots
        folded = fold(first)
        slot = hash((parent, folded)) % len(slots)
        while (run := slots[slot]) != _NONE:
            if self._parents[run] == parent:
                other = _element(self._path(self._names[run]), self._starts[run])
                if other == first or fold(other) == folded:
                    break
            slot = (slot + 1) % len(slots)
        return slot


def _element(path: bytes, start: int) -> bytes:
    end = path.find(b"/", start)
    return path[start:] if end < 0 else path[start:end]


def _common(path: bytes, at: int, other: bytes, of_other: int) -> tuple[int, int]:
    """Where the elements end that two paths have in common, from these places on, of which there is one."""
    while True:
        mine, its = _element(path, at), _element(other, of_other)
        ends = at + len(mine), of_other + len(its)
        at, of_other = ends[0] + 1, ends[1] + 1
        if at >= len(path) or of_other >= len(other):
            return ends
        mine, its = _element(path, at), _element(other, of_other)
        if mine != its and fold(mine) != fold(its):
            return ends
