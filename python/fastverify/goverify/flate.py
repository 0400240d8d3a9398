"""Where Go says that a deflate stream is corrupt: the number in ``flate: corrupt input before offset N``.

The engines know that a stream is corrupt.  Go's message also has how many bytes its decoder had taken
by then, and as it takes no more than the code at hand may need, that number is its own
(``compress/flate/inflate.go``).  This decoder follows the stream only to count them, and keeps no content.
"""

from __future__ import annotations

_END_OF_BLOCK = 256
#: The order in which the lengths of the code length code are stored (RFC 1951, 3.2.7).
_LENGTH_ORDER = (16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15)
_MOST_LITERALS = 286
_MOST_DISTANCES = 30
_LONGEST_CODE = 15
#: The farthest that a copy may reach back.
_HISTORY = 1 << 15


class _CorruptError(Exception):
    """The stream is corrupt at the byte that was taken last."""


class _EndError(Exception):
    """The stream ends too early."""


class _Code:
    """A Huffman code, by the length of each symbol's code word.  Raises _CorruptError where it is none."""

    def __init__(self, lengths: list[int]) -> None:
        counts = [0] * (_LONGEST_CODE + 1)
        for length in lengths:
            counts[length] += 1
        counts[0] = 0
        used = [length for length, count in enumerate(counts) if count]
        #: The shortest code word, which is read at least.
        self.shortest = used[0] if used else 0
        #: By length: the symbol of each code word, as its bits come in.
        self._symbols: list[dict[int, int]] = [{} for _ in counts]
        self._used = used
        if not used:
            return
        following, code = [0] * (_LONGEST_CODE + 2), 0
        for length in range(1, used[-1] + 1):
            code <<= 1
            following[length] = code
            code += counts[length]
        # A complete code, or the one code word that some writers use alone.
        if code != 1 << used[-1] and not (code == 1 and used[-1] == 1):
            raise _CorruptError
        for symbol, length in enumerate(lengths):
            if length:
                word = int(f"{following[length]:0{length}b}"[::-1], 2)
                self._symbols[length][word] = symbol
                following[length] += 1

    def find(self, bits: int) -> tuple[int, int]:
        """Length and symbol of the code word that `bits` begin with; length 0 where there is none."""
        for length in self._used:
            symbol = self._symbols[length].get(bits & ((1 << length) - 1))
            if symbol is not None:
                return length, symbol
        return 0, 0


class _Stream:
    def __init__(self, content: bytes) -> None:
        self._content = content
        self.taken = 0
        self._bits = 0
        self._count = 0
        self._written = 0

    def follow(self) -> None:
        """Go through all blocks.  Raises _CorruptError or _EndError."""
        last = False
        while not last:
            last = bool(self._take(1))
            kind = self._take(2)
            if kind == 0:
                self._stored()
            elif kind == 1:
                self._compressed(_FIXED, None)
            elif kind == 2:
                self._compressed(*self._codes())
            else:
                raise _CorruptError

    def _need(self, count: int) -> None:
        while self._count < count:
            if self.taken >= len(self._content):
                raise _EndError
            self._bits |= self._content[self.taken] << self._count
            self.taken += 1
            self._count += 8

    def _take(self, count: int) -> int:
        self._need(count)
        value = self._bits & ((1 << count) - 1)
        self._bits >>= count
        self._count -= count
        return value

    def _symbol(self, code: _Code, shortest: int) -> int:
        """The next symbol.  Of a code word that is not all there, the bits to come count as 0."""
        needed = shortest
        while True:
            self._need(needed)
            needed, symbol = code.find(self._bits)
            if needed == 0:
                raise _CorruptError
            if needed <= self._count:
                self._bits >>= needed
                self._count -= needed
                return symbol

    def _stored(self) -> None:
        self._bits = self._count = 0
        head = self._content[self.taken : self.taken + 4]
        self.taken += len(head)
        if len(head) < 4:
            raise _EndError
        length = head[0] | head[1] << 8
        if (head[2] | head[3] << 8) != length ^ 0xFFFF:
            raise _CorruptError
        there = min(length, len(self._content) - self.taken)
        self.taken += there
        self._written += there
        if there < length:
            raise _EndError

    def _codes(self) -> tuple[_Code, _Code]:
        """The two codes of a block that brings its own."""
        self._need(14)
        literals = self._take(5) + 257
        if literals > _MOST_LITERALS:
            raise _CorruptError
        distances = self._take(5) + 1
        if distances > _MOST_DISTANCES:
            raise _CorruptError
        of_lengths = [0] * len(_LENGTH_ORDER)
        for place in _LENGTH_ORDER[: self._take(4) + 4]:
            of_lengths[place] = self._take(3)
        code = _Code(of_lengths)
        lengths: list[int] = []
        while len(lengths) < literals + distances:
            symbol = self._symbol(code, code.shortest)
            if symbol < 16:
                lengths.append(symbol)
                continue
            if symbol == 16:
                if not lengths:
                    raise _CorruptError
                repeated, times = lengths[-1], self._take(2) + 3
            elif symbol == 17:
                repeated, times = 0, self._take(3) + 3
            else:
                repeated, times = 0, self._take(7) + 11
            if len(lengths) + times > literals + distances:
                raise _CorruptError
            lengths += [repeated] * times
        found = _Code(lengths[:literals])
        found.shortest = max(found.shortest, lengths[_END_OF_BLOCK])
        return found, _Code(lengths[literals:])

    def _compressed(self, literals: _Code, distances: _Code | None) -> None:
        while True:
            symbol = self._symbol(literals, literals.shortest)
            if symbol < _END_OF_BLOCK:
                self._written += 1
                continue
            if symbol == _END_OF_BLOCK:
                return
            length = self._length(symbol)
            if distances is None:
                distance = int(f"{self._take(5):05b}"[::-1], 2)
            else:
                distance = self._symbol(distances, distances.shortest)
            if distance >= _MOST_DISTANCES:
                raise _CorruptError
            if distance >= 4:
                extra = (distance - 2) >> 1
                distance = (2 | distance & 1) << extra | self._take(extra)
            if distance + 1 > min(self._written, _HISTORY):
                raise _CorruptError
            self._written += length

    def _length(self, symbol: int) -> int:
        """The length of a copy (RFC 1951, 3.2.5)."""
        if symbol < 265:
            return symbol - 254
        if symbol < 285:
            extra = (symbol - 261) >> 2
            return ((4 | (symbol - 265) & 3) << extra) + 3 + self._take(extra)
        if symbol < _MOST_LITERALS:
            return 258
        raise _CorruptError


_FIXED = _Code([8] * 144 + [9] * 112 + [7] * 24 + [8] * 8)


def corrupt_at(content: bytes) -> int | None:
    """The N of ``flate: corrupt input before offset N`` for the deflate stream `content`.

    None where the stream is not corrupt, or ends before it is.
    """
    stream = _Stream(content)
    try:
        stream.follow()
    except _CorruptError:
        return stream.taken
    except _EndError:
        return None
    return None
