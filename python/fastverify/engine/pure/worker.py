"""A worker process: takes jobs from its standard input, and gives what came of them on its output.

A message is its length, as 8 bytes, and a pickle.  The worker ends when its input does, so that none
is left over when the parent dies.
"""

from __future__ import annotations

import os
import pickle
from struct import Struct
from typing import IO, NamedTuple

from fastverify.engine.protocol import ModuleMeasurement
from fastverify.engine.pure.contents import Part, PartResult, read_part
from fastverify.engine.pure.plan import measure_module
from fastverify.engine.pure.sources import Job, TooManyNamesError
from fastverify.errors import EngineError

_LENGTH = Struct("<Q")

#: A module whose names need more than this, as MAX_NAMES_BYTES counts them, is not measured by a worker: with
#: those of the others that would be too much memory.
_MOST_NAMES = 2 << 20


class Declined(NamedTuple):
    """The answer to a job that is too large for a worker."""


Request = Job | Part
Answer = ModuleMeasurement | PartResult | Declined | EngineError | str


def send(stream: IO[bytes], message: Request | Answer) -> None:
    """Write a message."""
    body = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
    stream.write(_LENGTH.pack(len(body)))
    stream.write(body)
    stream.flush()


def receive(stream: IO[bytes]) -> Request | Answer | None:
    """Read a message; None where the stream ends."""
    head = stream.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(head)
    body = stream.read(length)
    if len(body) < length:
        return None
    # Both ends of the pipe are this program.
    message: Request | Answer = pickle.loads(body)  # noqa: S301
    return message


def run(request: Request) -> Answer:
    """Do a job.  Why it cannot be done comes back, and what must not happen as its text."""
    try:
        return measure_module(request, _MOST_NAMES) if isinstance(request, Job) else read_part(request)
    except TooManyNamesError:
        return Declined()
    except EngineError as error:
        return error
    except Exception as error:  # noqa: BLE001 - the parent raises it
        return f"{type(error).__name__}: {error}"


def main() -> None:
    """Serve the parent until it closes our input."""
    # Only ours: what a stray print writes must not get between the messages.
    requests = os.fdopen(os.dup(0), "rb")
    answers = os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 0)
    os.dup2(nowhere, 1)
    try:
        while isinstance(request := receive(requests), Job | Part):
            send(answers, run(request))
    except OSError:
        pass  # the parent is gone
    os._exit(0)
