"""Signed notes: a text, and below it the signatures of those who vouch for it.

Source: ``golang.org/x/mod/sumdb/note`` (and C2SP ``signed-note``, which describes the same form).
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

#: ``note.Open`` reads no more signatures than this.
MAX_SIGNATURES = 100

_ED25519 = 1
_SPLIT = b"\n\n"
_SIGNATURE_PREFIX = "— ".encode()
#: ``unicode.IsSpace``.
_SPACE = re.compile("[\t\n\v\f\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]")
_KEY_HASH = re.compile("[0-9A-Fa-f]{8}")
_BASE64 = re.compile(r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")
_CONTROL = re.compile(rb"[\x00-\x09\x0b-\x1f]")

#: Whether a signature (third) of a message (second) is by the Ed25519 public key (first).
Verify = Callable[[bytes, bytes, bytes], bool]

#: ``malformed``: no note at all; ``unsigned``: no signature is by the key that counts; ``invalid``:
#: one claims to be by that key and is not.
Problem = Literal["malformed", "unsigned", "invalid"]


class NoteError(ValueError):
    """A note, or a key, that cannot be taken; the message says why in a few words."""

    def __init__(self, message: str, problem: Problem = "malformed") -> None:
        super().__init__(message)
        self.problem: Problem = problem


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """Whose signature counts: a name, and an Ed25519 public key of 32 bytes."""

    name: str
    #: The first four bytes of a SHA-256 over name and key; signatures say by it whose they are.
    hash: int
    key: bytes

    def __str__(self) -> str:
        return f"{self.name}+{self.hash:08x}"


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature line."""

    name: str
    hash: int
    signature: bytes


@dataclass(frozen=True, slots=True)
class Note:
    """A note whose signatures are not checked yet; the text ends with a line feed."""

    text: bytes
    signatures: tuple[Signature, ...]


def decode_base64(text: str) -> bytes | None:
    """``base64.StdEncoding.DecodeString``: padded, and deaf to line ends; None where it is none."""
    stripped = text.replace("\r", "").replace("\n", "")
    return base64.b64decode(stripped) if _BASE64.fullmatch(stripped) else None


def is_valid_name(name: str) -> bool:
    """Whether `name` can be a key's: not empty, no white space, no plus."""
    return name != "" and "+" not in name and not _SPACE.search(name) and _is_unicode(name)


def _is_unicode(text: str) -> bool:
    return not any("\ud800" <= char <= "\udfff" for char in text)


def key_hash(name: str, key: bytes) -> int:
    """The hash that stands for a key; `key` begins with its algorithm's byte."""
    return int.from_bytes(hashlib.sha256(name.encode() + b"\n" + key).digest()[:4], "big")


def parse_verifier_key(text: str) -> VerifierKey:
    """``note.NewVerifier``: read ``name+hash+base64``.  Raises NoteError."""
    name, _, rest = text.partition("+")
    hash16, _, key64 = rest.partition("+")
    key = decode_base64(key64)
    if not _KEY_HASH.fullmatch(hash16) or not key or not is_valid_name(name):
        raise NoteError("malformed verifier key")
    if int(hash16, 16) != key_hash(name, key):
        raise NoteError("the verifier key does not have the hash that it says")
    if key[0] != _ED25519:
        raise NoteError("the verifier key is of an unknown algorithm")
    if len(key) != 33:
        raise NoteError("malformed verifier key")
    return VerifierKey(name, int(hash16, 16), key[1:])


def parse(message: bytes) -> Note:
    """Split a note into its text and its signatures.  Raises NoteError where it is malformed."""
    if _CONTROL.search(message):
        raise NoteError("it has control characters")
    try:
        message.decode()
    except UnicodeDecodeError:
        raise NoteError("it is no UTF-8") from None
    split = message.rfind(_SPLIT)
    block = message[split + 2 :] if split >= 0 else b""
    if not block.endswith(b"\n"):
        raise NoteError("it has no signatures" if not block else "its last line is cut off")
    lines = block[:-1].split(b"\n", MAX_SIGNATURES + 1)
    if len(lines) > MAX_SIGNATURES:
        raise NoteError(f"it has more than {MAX_SIGNATURES} signatures")
    return Note(message[: split + 1], tuple(map(_parse_signature, lines)))


def _parse_signature(line: bytes) -> Signature:
    if not line.startswith(_SIGNATURE_PREFIX):
        raise NoteError("a line below the blank one is no signature")
    name, _, encoded = line[len(_SIGNATURE_PREFIX) :].decode().partition(" ")
    raw = decode_base64(encoded)
    if raw is None or len(raw) < 5 or not is_valid_name(name):
        raise NoteError("a signature line is malformed")
    return Signature(name, int.from_bytes(raw[:4], "big"), raw[4:])


def open_note(message: bytes, key: VerifierKey, verify: Verify | None) -> bytes:
    """``note.Open`` with one known key: the text of a note that this key has signed.

    Signatures by other keys are ignored.  `verify` is None where no signature can be checked here:
    then one that claims to be by the key is enough.  Raises NoteError.
    """
    note = parse(message)
    for signature in note.signatures:
        if signature.name == key.name and signature.hash == key.hash:
            # Go looks at the first signature of a key only.
            if verify is not None and not verify(key.key, note.text, signature.signature):
                raise NoteError(f"the signature is not by the key {key}", "invalid")
            return note.text
    raise NoteError(f"it has no signature by the key {key}", "unsigned")
