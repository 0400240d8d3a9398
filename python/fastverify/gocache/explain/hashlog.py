"""Reading what the go command writes with ``GODEBUG=gocachehash=1``.

The form is that of ``cmd/go/internal/cache/hash.go``.  Each hash is a block: a line that starts it, a line
for each write, a line with the sum.  Lines carry the block's name, which need not be unique; where two
blocks of one name run at once, their lines mix, and only the sums tell which line belongs to which.
Every sum is computed again, so that no explanation rests on a block that was read wrongly.
"""

from __future__ import annotations

import hashlib
import heapq
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO

from fastverify.errors import FastverifyError
from fastverify.gocache.explain.goquote import leading, unquote

#: A longer line is none of the log's: go's longest is the list of a big package's build settings.
_LONGEST_LINE = 4 << 20
#: More than this much of writes is not held.
_MOST_HELD = 1 << 30
#: How many choices among mixed lines are tried for one sum.
_TRIES = 5_000
#: And for all sums of one block name.
_TRIES_OF_NAME = 100_000
#: Looking at this many lines takes about as long as a try.
_LOOKS_A_TRY = 64
#: More lines of one block name that belong to no sum are not held.
_MOST_PENDING = 20_000

# Other programs put a time or a name before the lines that they pass on.
_LINE = re.compile(rb"(?:^|[\s|\x1b\]])HASH(\[| )")
_START = re.compile(rb"\[(.*)\]")
_SUM = re.compile(rb"\[(.*)\]: ([0-9a-f]{64})")
_WRITE = re.compile(rb'\[(.*?)\]: (".*")')
_SUBKEY = re.compile(rb" subkey ([0-9a-f]{64}) (\".*\") = ([0-9a-f]{64})")
_FILE = re.compile(rb" (.+): ([0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class Block:
    """One hash that go computed."""

    name: str
    #: The version of Go, the first write.
    salt: str
    #: The writes after it.
    writes: tuple[bytes, ...]
    #: 64 hex digits, computed again from salt and writes.
    sum: str
    #: Which block of the log it is, in the order of their sums.
    number: int


@dataclass(slots=True)
class HashLog:
    """What a log says, as far as its sums bear it out."""

    #: In the order of their sums.
    blocks: list[Block] = field(default_factory=list)
    by_sum: dict[str, Block] = field(default_factory=dict)
    #: Subkey to its parent's sum and its description.
    subkeys: dict[str, tuple[str, str]] = field(default_factory=dict)
    #: SHA-256 of the files that go read, by path.
    files: dict[str, str] = field(default_factory=dict)
    #: Sums that no writes led to, by block name: mixed lines that could not be told apart, or lost ones.
    unproved: dict[str, int] = field(default_factory=dict)
    #: Subkeys whose sum is not that of their parent and description.
    false_subkeys: int = 0
    #: Blocks without a sum: given up by go (a file was too new to be hashed), or the log is cut off.
    unfinished: int = 0
    #: Lines that are the log's, and lines of anything else.
    lines: int = 0
    other_lines: int = 0


def read_hash_log(file: BinaryIO, name: str) -> HashLog:
    """Read a log to its end.

    `name` stands in errors.  Raises FastverifyError where it holds no line of a hash log, or more than is
    held in memory; OSError.
    """
    log = parse_hash_log(_lines(file), name)
    if not log.lines:
        raise FastverifyError(
            f"{name} holds no hash log; run the go command with GODEBUG=gocachehash=1 "
            "and keep what it writes to standard error"
        )
    return log


def parse_hash_log(lines: Iterable[bytes], name: str = "the log") -> HashLog:
    """The log that `lines` (without their ends) make.  Raises FastverifyError where it is too big."""
    log = HashLog()
    named: dict[bytes, _Named] = {}
    held = 0
    for line in lines:
        match = _LINE.search(line)
        if match is None:
            log.other_lines += 1
            continue
        text = line[match.start(1) :]
        held += len(text)
        if held > _MOST_HELD:
            raise FastverifyError(f"{name} holds more than {_MOST_HELD} bytes of hash log")
        if not (_block_line(log, named, text) if text[:1] == b"[" else _other_line(log, text)):
            log.other_lines += 1
            continue
        log.lines += 1
    log.unfinished = sum(lines.open for lines in named.values())
    return log


def digest_of(salt: str, writes: Iterable[bytes]) -> str:
    """Go's sum over a block: SHA-256 of the salt and the writes, in hex."""
    digest = hashlib.sha256(_bytes(salt))
    for write in writes:
        digest.update(write)
    return digest.hexdigest()


def subkey(parent: str, description: str) -> str:
    """``cache.Subkey``: the ID, in hex, of what belongs to the action `parent` (hex) by `description`."""
    return hashlib.sha256(b"subkey:" + bytes.fromhex(parent) + _bytes(description)).hexdigest()


@dataclass(slots=True)
class _Named:
    """The lines of one block name that belong to no proved block yet."""

    #: Blocks that have begun and have no sum.
    open: int = 0
    #: In the order of the log.
    writes: list[bytes] = field(default_factory=list)
    #: What each of its blocks begins with: the first write of all.
    salt: bytes = b""
    #: Writes of the block that ended last: go goes on with gccCompilerID after its sum.
    last: tuple[bytes, ...] = ()
    #: Choices that were tried.
    tries: int = 0


def _lines(file: BinaryIO) -> Iterable[bytes]:
    while line := file.readline(_LONGEST_LINE):
        if not line.endswith(b"\n") and len(line) == _LONGEST_LINE:
            while (rest := file.readline(_LONGEST_LINE)) and not rest.endswith(b"\n"):
                pass
            continue
        yield line.rstrip(b"\r\n")


def _block_line(log: HashLog, named: dict[bytes, _Named], text: bytes) -> bool:
    """Take a line of a block; returns whether it is one."""
    match = _SUM.fullmatch(text)
    if match is not None:
        if match[1] not in named:
            return False
        _end(log, match[1], named[match[1]], match[2].decode())
        return True
    # The pattern alone would try each quote of a long line that does not end in one.
    match = _WRITE.fullmatch(text) if text.endswith(b'"') else None
    if match is not None:
        write = unquote(match[2])
        if match[1] not in named or write is None:
            return False
        pending = named[match[1]].writes
        if not pending:
            named[match[1]].salt = write
        pending.append(write)
        if len(pending) > _MOST_PENDING:
            del pending[: _MOST_PENDING // 2]
        return True
    match = _START.fullmatch(text)
    if match is None:
        return False
    named.setdefault(match[1], _Named()).open += 1
    return True


def _end(log: HashLog, name: bytes, lines: _Named, total: str) -> None:
    """A sum has come: the writes that it is the sum of become a block."""
    taken: Sequence[int] | None
    if not lines.open:
        # After gccCompilerID's first sum go writes on and sums everything.
        whole = (*lines.last, *lines.writes)
        taken = range(len(lines.writes)) if whole and digest_of("", whole) == total else None
    else:
        lines.open -= 1
        taken = _summed(lines, total)
        whole = () if taken is None else tuple(lines.writes[number] for number in taken)
    if taken is None:
        text = _text(name)
        log.unproved[text] = log.unproved.get(text, 0) + 1
        if not lines.open:
            lines.writes.clear()
        return
    if len(taken) == len(lines.writes):
        lines.writes.clear()
    else:
        for number in reversed(taken):
            del lines.writes[number]
    lines.last = whole
    block = Block(_text(name), _text(whole[0]), whole[1:], total, len(log.blocks))
    log.blocks.append(block)
    log.by_sum.setdefault(total, block)


def _summed(lines: _Named, total: str) -> Sequence[int] | None:
    """Which of the pending writes, in their order, have the sum `total`; None where that was not found.

    All of them, mostly.  Where blocks of one name ran at once, a block's writes are runs among those of
    the others: choices with few runs are tried first.  Each block begins with the salt, which no other
    write equals.  As the sum proves the choice, no later line can overturn it.
    """
    writes = lines.writes
    if not writes:
        return None
    if digest_of("", writes) == total:
        return range(len(writes))
    lines.tries += len(writes) // _LOOKS_A_TRY
    if lines.tries > _TRIES_OF_NAME:
        # Later blocks that stand alone can still be read.
        writes.clear()
        return None
    salt = lines.salt
    # How many runs, a number that keeps the order, where the last run may begin, those taken, their hash.
    queue: list[tuple[int, int, int, tuple[int, ...], hashlib._Hash]] = [(1, 0, 0, (), hashlib.sha256())]
    order = tries = 0

    def fits(number: int, taken: tuple[int, ...]) -> bool:
        return (writes[number] == salt) != bool(taken) and (not taken or _may_follow(writes, taken, number))

    while queue:
        runs, _, begin, taken, so_far = heapq.heappop(queue)
        sought = begin
        begin = next((number for number in range(begin, len(writes)) if fits(number, taken)), len(writes))
        tries += 1 + (begin - sought) // _LOOKS_A_TRY
        if begin == len(writes):
            continue
        # The last run may as well begin later.
        order += 1
        heapq.heappush(queue, (runs, order, begin + 1, taken, so_far))
        digest = so_far.copy()
        for number in range(begin, len(writes)):
            if number > begin:
                # It may end before this write, and another begin later.
                order += 1
                heapq.heappush(queue, (runs + 1, order, number + 1, taken, digest.copy()))
                if not fits(number, taken):
                    break
            digest.update(writes[number])
            taken = (*taken, number)
            if digest.hexdigest() == total:
                lines.tries += tries
                return _with_latest_salt(writes, taken)
            tries += 1
        if tries > _TRIES:
            break
    lines.tries += tries
    return None


def _with_latest_salt(writes: list[bytes], taken: tuple[int, ...]) -> tuple[int, ...]:
    """The same choice with the last salt that it can begin with.

    Salts are equal: which one a block takes does not change its sum, but an earlier one may be all that
    stands before the writes of a block still open.
    """
    if len(taken) < 2:
        return taken
    latest = max(number for number in range(taken[0], taken[1]) if writes[number] == writes[taken[0]])
    return (latest, *taken[1:])


def _may_follow(writes: list[bytes], taken: tuple[int, ...], number: int) -> bool:
    """Whether a write may come after those `taken` in the hash of a folder (``modindex.dirHash``)."""
    write, last = writes[number], writes[taken[-1]]
    if write.startswith((b"modroot ", b"module index ")):
        return len(taken) == 1
    if write.startswith(b"package "):
        return last.startswith(b"modroot ")
    if write.startswith(b"file ") and len(taken) > 1 and writes[taken[1]].startswith(b"modroot "):
        return not last.startswith(b"file ") or last.split(b" ", 2)[1] < write.split(b" ", 2)[1]
    return True


def _other_line(log: HashLog, text: bytes) -> bool:
    """Take a line of a subkey or a file; returns whether it is one."""
    match = _SUBKEY.fullmatch(text)
    if match is not None:
        quoted = leading(match[2])
        if quoted is None or quoted[1]:
            return False
        parent, description, key = match[1].decode(), _text(quoted[0]), match[3].decode()
        if subkey(parent, description) == key:
            log.subkeys[key] = (parent, description)
        else:
            log.false_subkeys += 1
        return True
    match = _FILE.fullmatch(text)
    if match is not None:
        log.files[_text(match[1])] = match[2].decode()
        return True
    # "HASH path: error" is go's, too; there is nothing to keep of it.
    return b": " in text


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
