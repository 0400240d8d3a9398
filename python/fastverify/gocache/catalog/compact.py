"""Entries and outputs of a build cache, of which there may be a million, in columns.

What is asked for is made then.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping, ValuesView
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from fastverify.engine.buildcache import EntryFlaw, EntryForm
from fastverify.gocache.catalog.columns import IdColumn, NumberColumn
from fastverify.gocache.identify.kinds import Identity, Kind

_NO_ID = bytes(32)
_One_co = TypeVar("_One_co", covariant=True)


@dataclass(slots=True)
class Entry:
    """An action entry."""

    #: 64 hex digits each; `output` is ``""`` where the entry is not one that Go takes.
    action: str
    output: str
    size: int
    #: When it was written, as it says; nanoseconds since 1970.
    written: int
    #: Its file's time: Go sets it when the entry is used, at most once an hour.
    used: int
    form: EntryForm
    flaw: EntryFlaw


@dataclass(slots=True)
class Output:
    """An output."""

    #: 64 hex digits.
    output: str
    size: int
    #: The time of its file, or of its folder.
    used: int
    #: Whether it is an executable's folder.
    folder: bool
    #: The executable's name.
    file: str
    identity: Identity
    #: Why it could not be read; ``""`` where it could.
    problem: str = ""


class _Numbered(Protocol[_One_co]):
    """What has its values by number."""

    def at(self, number: int) -> _One_co:
        """The value with this number."""
        ...

    def __len__(self) -> int: ...


class _Values(ValuesView[Any], Generic[_One_co]):
    """Values one after the other, without looking for each."""

    def __init__(self, numbered: _Numbered[_One_co]) -> None:
        self._numbered = numbered

    def __iter__(self) -> Iterator[_One_co]:
        return (self._numbered.at(number) for number in range(len(self._numbered)))

    def __len__(self) -> int:
        return len(self._numbered)


class Entries(Mapping[str, Entry]):
    """Action entries by action, in ascending order."""

    def __init__(self) -> None:
        self.actions = IdColumn()
        self._outputs = bytearray()
        self._sizes, self._written, self._used = NumberColumn(), NumberColumn(), NumberColumn()
        #: By number in the list of those that there are.
        self._forms = array("B")
        self._all_forms: list[tuple[EntryForm, EntryFlaw]] = []
        #: By number of the output; see `link`.
        self._targets = array("i")

    def add(self, entry: Entry) -> None:
        """Add an entry whose action is greater than those of all there are."""
        self.actions.append(bytes.fromhex(entry.action))
        self._outputs += bytes.fromhex(entry.output) or _NO_ID
        self._sizes.append(entry.size)
        self._written.append(entry.written)
        self._used.append(entry.used)
        form = (entry.form, entry.flaw)
        if form not in self._all_forms:
            self._all_forms.append(form)
        self._forms.append(self._all_forms.index(form))

    def at(self, number: int) -> Entry:
        """The entry with this number."""
        form, flaw = self._all_forms[self._forms[number]]
        return Entry(
            self.actions[number].hex(),
            self.output(number).hex(),
            self._sizes[number],
            self._written[number],
            self._used[number],
            form,
            flaw,
        )

    def output(self, number: int) -> bytes:
        """The output that the entry with this number names; ``b""`` where go would not take the entry."""
        if self._all_forms[self._forms[number]][0] == "malformed":
            return b""
        return bytes(self._outputs[32 * number : 32 * (number + 1)])

    def link(self, outputs: Outputs) -> None:
        """Look up the outputs that the entries name, when all are there."""
        self._targets = array("i", (outputs.ids.find(self.output(number)) for number in range(len(self))))

    def target(self, number: int) -> int:
        """The number of the output that an entry names, after `link`; -1 where it is not there."""
        return self._targets[number]

    def used(self, number: int) -> int:
        """The time of the file of the entry with this number."""
        return self._used[number]

    def written(self, number: int) -> int:
        """When the entry with this number was written."""
        return self._written[number]

    def find(self, action: object) -> int:
        """The number of the entry of an action; -1 where there is none."""
        return self.actions.find(bytes.fromhex(action)) if isinstance(action, str) else -1

    def __getitem__(self, action: str) -> Entry:
        number = self.find(action)
        if number < 0:
            raise KeyError(action)
        return self.at(number)

    def __contains__(self, action: object) -> bool:
        return self.find(action) >= 0

    def __len__(self) -> int:
        return len(self.actions)

    def __iter__(self) -> Iterator[str]:
        return (self.actions[number].hex() for number in range(len(self)))

    def values(self) -> ValuesView[Entry]:
        """The entries."""
        return _Values(self)


class Outputs(Mapping[str, Output]):
    """Outputs by ID, in ascending order."""

    def __init__(self) -> None:
        self.ids = IdColumn()
        self._sizes, self._used = NumberColumn(), NumberColumn()
        #: By number in `kept`.
        self.identities = array("I")
        self.kept = _Identities()
        #: Of those that have any: whether it is a folder, the file in it, and the problem.
        self._special: dict[int, tuple[bool, str, str]] = {}

    def add(self, output: Output) -> None:
        """Add an output whose ID is greater than those of all there are.

        Of its identity what naming and sums need is kept; the rest is read again for the one that is shown.
        """
        if output.folder or output.problem:
            self._special[len(self)] = (output.folder, output.file, output.problem)
        self.ids.append(bytes.fromhex(output.output))
        self._sizes.append(output.size)
        self._used.append(output.used)
        self.identities.append(self.kept.number(output.identity))

    def at(self, number: int) -> Output:
        """The output with this number."""
        folder, file, problem = self._special.get(number, (False, "", ""))
        identity = self.kept[self.identities[number]]
        return Output(
            self.ids[number].hex(), self._sizes[number], self._used[number], folder, file, identity, problem
        )

    def identity(self, number: int) -> Identity:
        """What the output with this number is."""
        return self.kept[self.identities[number]]

    def kind(self, number: int) -> Kind:
        """The kind of the output with this number."""
        return self.kept.kind(self.identities[number])

    def size(self, number: int) -> int:
        """The size of the output with this number."""
        return self._sizes[number]

    def used(self, number: int) -> int:
        """The time of the output with this number."""
        return self._used[number]

    def find(self, output: object) -> int:
        """The number of the output with this ID; -1 where there is none."""
        return self.ids.find(bytes.fromhex(output)) if output and isinstance(output, str) else -1

    def __getitem__(self, output: str) -> Output:
        number = self.find(output)
        if number < 0:
            raise KeyError(output)
        return self.at(number)

    def __contains__(self, output: object) -> bool:
        return self.find(output) >= 0

    def __len__(self) -> int:
        return len(self.ids)

    def __iter__(self) -> Iterator[str]:
        return (self.ids[number].hex() for number in range(len(self)))

    def values(self) -> ValuesView[Output]:
        """The outputs."""
        return _Values(self)


_KEPT = ("folder", "settings", "standard")


class _Identities:
    """Identities, each kept once, without what the one that is shown is read again for."""

    def __init__(self) -> None:
        self._numbers: dict[tuple[Any, ...], int] = {}
        self._all: list[tuple[Any, ...]] = []
        #: Texts and details that many have in common.
        self._shared: dict[Any, Any] = {}

    def number(self, identity: Identity) -> int:
        """The number under which this identity is kept from now on."""
        share = self._shared.setdefault
        details = [
            (name, identity.details[name])
            for name in _KEPT
            # Those of executables are only shown.
            if name in identity.details and not isinstance(identity.details[name], dict)
        ]
        folders = identity.details.get("folders", ())
        # Where the package is known, its folder is not needed to name it.
        if len(folders) == 1 and not identity.package:
            details.append(("folders", folders))
        if identity.kind == "source-list":
            # Files in the package's folder are not kept by go.
            generated = [name for name in identity.details["names"] if not name.startswith("./")]
            if generated:
                details.append(("names", generated))
        frozen = [(name, tuple(one) if isinstance(one, list) else one) for name, one in details]
        key = (
            identity.kind,
            identity.package,
            *(
                share(text, text)
                for text in (
                    identity.name,
                    identity.module,
                    identity.version,
                    identity.go_version,
                    identity.goos,
                    identity.goarch,
                )
            ),
            identity.flaw,
            *(detail if detail[0] == "folder" else share(detail, detail) for detail in frozen),
        )
        number = self._numbers.setdefault(key, len(self._all))
        if number == len(self._all):
            self._all.append(key)
        return number

    def __len__(self) -> int:
        return len(self._all)

    def kind(self, number: int) -> Kind:
        """The kind of the identity with this number."""
        kind: Kind = self._all[number][0]
        return kind

    def __getitem__(self, number: int) -> Identity:
        kind, package, name, module, version, go_version, goos, goarch, flaw, *details = self._all[number]
        return Identity(
            kind,
            package,
            name,
            module,
            version,
            go_version,
            goos,
            goarch,
            flaw=flaw,
            details={name: list(one) if isinstance(one, tuple) else one for name, one in details},
        )
