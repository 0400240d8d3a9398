"""Vet's facts, as gob (``encoding/gob``) of a list of package, object and fact.

The list is that of ``golang.org/x/tools/internal/facts``.
"""

from __future__ import annotations

from dataclasses import dataclass

from fastverify.gocache.content import Content, MalformedError

#: The type of the list comes first, and is the same in all releases of Go.
_LONGEST = 16 << 20
#: A fact has a package and the name and number of its type.
_SHORTEST = 8
MAGIC = bytes.fromhex("0dff81020102ff820001ff800000")


@dataclass(frozen=True, slots=True)
class Fact:
    """What vet knows about a package or something in it."""

    package: str
    #: ``golang.org/x/tools/go/types/objectpath``; ``""`` for the package itself.
    object: str
    #: Such as ``printf.isWrapper``.
    kind: str


def read_facts(content: Content) -> tuple[Fact, ...]:
    """The facts.  Raises MalformedError where the messages do not fit each other; OSError."""
    if content.size > _LONGEST:
        raise MalformedError(f"facts of {content.size} bytes are longer than any that vet writes")
    data = content.at(0, content.size)
    if not data.startswith(MAGIC):
        raise MalformedError("it does not begin as vet's facts")
    return _Messages(data).facts()


class _Messages:
    """Gob messages: definitions of types, which are passed over, and the value, cut where types are defined.

    A type is defined when it is first needed: in the middle of the value, too.  The message so far ends
    with the definition, and the value goes on in the next (``encoding/gob.Encoder.encodeInterface``).
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0
        #: Where the message ends that is being read.
        self._end = 0

    def facts(self) -> tuple[Fact, ...]:
        self._next_value()
        # What is no struct has a zero before it.
        zero, count = self._unsigned(), self._unsigned()
        # Each takes some bytes: a package, a type's name, a value.
        if zero or count > (len(self._data) - self._at) // _SHORTEST:
            raise MalformedError(f"it claims {count} facts, which it has no room for")
        found = tuple(self._fact() for _ in range(count))
        if self._at != len(self._data):
            raise MalformedError("something follows the facts")
        return found

    def _next_value(self) -> None:
        """Go on to the number of a value's type, past definitions."""
        while True:
            if self._at == self._end:
                self._end = len(self._data)
                length = self._unsigned()
                self._end = self._at + length
                if self._end > len(self._data) or not length:
                    raise MalformedError("a gob message ends after the file does")
            if self._signed() >= 0:
                return
            # A definition fills the rest of its message.
            self._at = self._end

    def _fact(self) -> Fact:
        """A struct: fields by the difference of their numbers, a zero at the end."""
        texts = ["", "", ""]
        field = -1
        while True:
            step = self._unsigned()
            if step == 0:
                if not texts[2]:
                    raise MalformedError("a fact says nothing")
                return Fact(*texts)
            field += step
            if field > 2:
                raise MalformedError("a fact has a field that facts do not have")
            texts[field] = self._bytes().decode("utf-8", "surrogateescape")
            if field == 2 and texts[2]:
                # An interface: the type's name, its number, the value's length and the value.
                self._next_value()
                self._bytes()

    def _bytes(self) -> bytes:
        length = self._unsigned()
        start, self._at = self._at, self._at + length
        if self._at > self._end:
            raise MalformedError("a text ends after its message does")
        return self._data[start : self._at]

    def _signed(self) -> int:
        value = self._unsigned()
        return ~(value >> 1) if value & 1 else value >> 1

    def _unsigned(self) -> int:
        if self._at >= self._end:
            raise MalformedError("a number is missing")
        first = self._data[self._at]
        self._at += 1
        if first < 0x80:
            return first
        start = self._at
        self._at += 256 - first
        if first < 0xF8 or self._at > self._end:
            raise MalformedError("a number is broken")
        return int.from_bytes(self._data[start : self._at], "big")
