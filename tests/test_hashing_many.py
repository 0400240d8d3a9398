"""SHA-256 and BLAKE3 of many messages and files, against hashlib and the package blake3."""

from __future__ import annotations

import array
import ctypes
import errno
import hashlib
import mmap
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from blake3 import blake3
from typing_extensions import Buffer

from fastverify import EngineError, FastverifyError, HashError, hashing
from fastverify.engine import load_engine
from fastverify.engine.protocol import Engine, EngineName, Fault
from tests.conftest import engine_or_skip

#: Where padding goes from one block of 64 bytes to two, and about the lanes' own borders.
BORDERS = [0, 1, 54, 55, 56, 57, 63, 64, 65, 118, 119, 120, 127, 128, 129]


def sha256(message: bytes) -> bytes:
    return hashlib.sha256(message).digest()


def mixed(seed: int, count: int) -> list[bytes]:
    """Messages of all magnitudes up to 100 KB, many of them at borders."""
    chance = random.Random(seed)
    lengths = [
        chance.choice(BORDERS) + 64 * chance.randrange(20)
        if chance.random() < 0.5
        else chance.randrange(1 << chance.randrange(1, 17))
        for _ in range(count)
    ]
    return [chance.randbytes(length) for length in lengths]


@pytest.mark.parametrize("threads", [None, 1, 3])
def test_many_messages(engine: Engine, threads: int | None) -> None:
    messages = mixed(1, 400)
    digests = hashing.sha256_many(messages, threads=threads, engine=engine.name)
    assert digests == [sha256(message) for message in messages]
    digests = hashing.blake3_many(iter(messages), threads=threads, engine=engine.name)
    assert digests == [blake3(message).digest() for message in messages]


def test_every_length_and_number(engine: Engine) -> None:
    content = random.Random(2).randbytes(700)
    messages = [content[:length] for length in range(700)]
    assert hashing.sha256_many(messages, engine=engine.name) == [sha256(message) for message in messages]
    for count in range(40):
        few = messages[100 : 100 + count]
        assert hashing.sha256_many(few, engine=engine.name) == [sha256(message) for message in few]


def test_every_kernel(engine: Engine) -> None:
    messages = mixed(3, 150)
    expected = [sha256(message) for message in messages]
    kernels = hashing.kernels(engine.name)
    assert kernels.used in kernels.available
    for kernel in kernels.available:
        assert hashing.sha256_many(messages, engine=engine.name, kernel=kernel) == expected


def test_any_buffer_at_any_place_without_a_copy(engine: Engine) -> None:
    content = bytearray(random.Random(4).randbytes(5000))
    with mmap.mmap(-1, 4096) as mapped:
        mapped[:3] = b"abc"
        numbers = array.array("I", range(1000))
        whole = memoryview(content)
        messages: list[Buffer] = [
            content,
            mapped,
            numbers,
            whole,
            bytearray(),
            b"",
            *(whole[at:] for at in range(70)),
        ]
        digests = hashing.sha256_many(messages, engine=engine.name)
        assert digests == [sha256(memoryview(message).tobytes()) for message in messages]
        del whole, messages
    # Nothing holds it any more, or it could not be resized.
    del digests
    content.clear()


@pytest.mark.parametrize("message", ["text", 1, None, memoryview(b"abcdef")[::2]])
def test_what_is_no_message(engine: Engine, message: object) -> None:
    with pytest.raises(TypeError):
        hashing.sha256_many([b"x", message], engine=engine.name)  # type: ignore[list-item]


@pytest.fixture
def files(tmp_path: Path) -> dict[Path, bytes]:
    contents = [*mixed(5, 200), random.Random(6).randbytes(5 << 20)]
    made = {tmp_path / str(number): content for number, content in enumerate(contents)}
    for path, content in made.items():
        path.write_bytes(content)
    return made


@pytest.mark.parametrize("threads", [None, 1, 3])
def test_many_files(engine: Engine, files: dict[Path, bytes], threads: int | None) -> None:
    digests = hashing.sha256_files(files, threads=threads, engine=engine.name)
    assert digests == [sha256(content) for content in files.values()]
    digests = hashing.blake3_files(map(str, files), threads=threads, engine=engine.name)
    assert digests == [blake3(content).digest() for content in files.values()]
    assert hashing.sha256_files([], threads=threads, engine=engine.name) == []


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="files that the kernel makes")
def test_files_that_are_said_to_have_no_bytes(engine: Engine, tmp_path: Path) -> None:
    made = Path("/proc/version")
    content = made.read_bytes()
    assert (made.stat().st_size, len(content) > 0) == (0, True)
    copy = tmp_path / "version"
    copy.write_bytes(content)
    assert hashing.sha256_files([made], engine=engine.name) == [hashlib.sha256(content).digest()]
    assert hashing.blake3_files([made], engine=engine.name) == hashing.blake3_files(
        [copy], engine=engine.name
    )
    assert hashing.hash_files([("a", made)], engine=engine.name) == hashing.hash_files(
        [("a", copy)], engine=engine.name
    )
    assert hashing.hash_go_mod(made, engine=engine.name) == hashing.hash_go_mod(copy, engine=engine.name)


def test_files_that_cannot_be_read(engine: Engine, files: dict[Path, bytes], tmp_path: Path) -> None:
    missing, fifo, link = tmp_path / "missing", tmp_path / "fifo", tmp_path / "link"
    os.mkfifo(fifo)
    link.symlink_to("1")
    one = files[tmp_path / "1"]
    assert hashing.sha256_files([link], engine=engine.name) == [sha256(one)]
    with pytest.raises(HashError) as caught:
        hashing.sha256_files([link, missing, fifo], engine=engine.name)
    assert str(caught.value) == f"{missing}: {os.strerror(errno.ENOENT)}"
    assert (caught.value.path, caught.value.fault) == (str(missing), Fault("os", b"", errno.ENOENT))
    for refused in (fifo, tmp_path, Path(os.devnull)):
        with pytest.raises(HashError, match=r": it is not a regular file$"):
            hashing.blake3_files([refused], engine=engine.name)


def test_paths_in_bytes(engine: Engine, files: dict[Path, bytes], tmp_path: Path) -> None:
    paths = [os.fsencode(path) for path in files]
    digests = hashing.sha256_files(paths, engine=engine.name)
    assert digests == [sha256(content) for content in files.values()]
    with pytest.raises(HashError) as caught:
        hashing.sha256_files([os.fsencode(tmp_path / "missing")], engine=engine.name)
    assert str(caught.value) == f"{tmp_path / 'missing'}: {os.strerror(errno.ENOENT)}"
    assert caught.value.path == str(tmp_path / "missing")


@pytest.mark.parametrize("path", ["a\0b", "\n\x1b[2J", b"\xff"], ids=repr)
def test_paths_that_no_terminal_should_see(engine: Engine, path: str | bytes) -> None:
    """And one that no file can have: a NUL is the end of a path."""
    with pytest.raises(HashError) as caught:
        hashing.sha256_files([path], engine=engine.name)
    assert str(caught.value) == f"{repr(path).lstrip('b')[1:-1]}: {os.strerror(errno.ENOENT)}"
    assert caught.value.path == os.fsdecode(path)


@pytest.mark.parametrize(
    "call",
    [
        hashing.sha256_many,
        hashing.sha256_files,
        hashing.blake3_many,
        hashing.blake3_files,
        hashing.hash_files,
    ],
)
@pytest.mark.parametrize(
    "one",
    ["path", b"path", Path("path"), memoryview(b""), memoryview(b"path").cast("c"), array.array("I", [1])],
    ids=repr,
)
def test_one_where_many_are_wanted(engine: Engine, call: Callable[..., object], one: object) -> None:
    with pytest.raises(TypeError, match=rf"^a list of .* is wanted, not a single {type(one).__name__}$"):
        call(one, engine=engine.name)


def test_a_buffer_that_has_messages_in_it(engine: Engine) -> None:
    """Rows of a table, and the elements of what has objects: ctypes has both without numpy."""
    table = (ctypes.c_char * 3 * 2).from_buffer_copy(b"abcdef")
    objects = (ctypes.py_object * 2)(b"abc", b"def")  # type: ignore[misc]
    expected = [hashlib.sha256(message).digest() for message in (b"abc", b"def")]
    for messages in (table, objects):
        assert hashing.sha256_many(messages, engine=engine.name) == expected


def test_a_path_that_the_system_cannot_have(engine: Engine) -> None:
    with pytest.raises(ValueError, match=r"^paths\[1\]: .*surrogates not allowed$"):
        hashing.sha256_files([__file__, "\ud800"], engine=engine.name)


@pytest.mark.parametrize(
    ("call", "given", "said"),
    [
        (hashing.sha256_many, [b"a", bytearray(b"b"), "c"], r"messages\[2\]: .* not 'str'"),
        (hashing.blake3_many, [b"a", memoryview(b"abcd")[::2], 3], r"messages\[1\]: .* C-contiguous .*"),
        (hashing.sha256_files, [__file__, 3], r"paths\[1\]: .* not int"),
        (hashing.blake3_files, (__file__, Path(__file__), None), r"paths\[2\]: .* not NoneType"),
        (hashing.hash_files, [("a", __file__), ("b",)], r"files\[1\]: a tuple .* not \('b',\)"),
        (hashing.hash_files, [("a", __file__), (3, __file__)], r"files\[1\]: .* a str, not int"),
        (hashing.hash_files, [("a", __file__), ("b", 3)], r"files\[1\]: .* not int"),
        # Else each were a name of one letter, at a path of one letter.
        (hashing.hash_files, {"ab": __file__}, r"files\[0\]: a tuple .* not 'ab'"),
    ],
)
def test_it_is_said_which_of_many_is_wrong(
    engine: Engine, call: Callable[..., object], given: object, said: str
) -> None:
    with pytest.raises(TypeError, match=f"^{said}$"):
        call(given, engine=engine.name)


def test_it_is_said_which_message_is_gone(engine: Engine) -> None:
    gone = memoryview(b"a")
    gone.release()
    with pytest.raises(ValueError, match=r"^messages\[1\]: operation forbidden on released memoryview"):
        hashing.sha256_many([b"a", gone], engine=engine.name)


def test_an_error_of_what_gives_messages_is_its_own(engine: Engine) -> None:
    def giving() -> Iterator[bytes]:
        yield b"a"
        raise TypeError("no more")

    with pytest.raises(TypeError, match=r"^no more$"):
        hashing.sha256_many(giving(), engine=engine.name)


@pytest.mark.parametrize("call", [hashing.sha256_many, hashing.sha256_files])
def test_wrong_arguments(engine: Engine, call: Callable[..., list[bytes]]) -> None:
    with pytest.raises(ValueError, match="at least one is needed"):
        call([], threads=0, engine=engine.name)
    with pytest.raises(ValueError, match='no SHA-256 kernel "steam"'):
        call([], kernel="steam", engine=engine.name)
    for kernel in (3, b"portable", ["portable"]):
        with pytest.raises(TypeError, match=f"^kernel is a str, not {type(kernel).__name__}$"):
            call([], kernel=kernel, engine=engine.name)


def told(name: EngineName, **variables: str) -> str:
    """What another process says of its kernels."""
    program = (
        "import sys; from fastverify import EngineError, hashing\n"
        f"try: print(hashing.kernels({name!r}).used)\n"
        "except EngineError as error: print(error)"
    )
    environment = os.environ | variables
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def test_a_kernel_forced_by_the_environment() -> None:
    native = engine_or_skip("native")
    for kernel in hashing.kernels(native.name).available:
        assert told("native", FASTVERIFY_SHA256=kernel) == kernel
    assert told("native", FASTVERIFY_SHA256="") in hashing.kernels(native.name).available
    message = told("native", FASTVERIFY_SHA256="steam")
    assert message.startswith(
        'FASTVERIFY_SHA256: there is no SHA-256 kernel "steam"; this processor can run portable'
    )
    assert message.endswith("; unset FASTVERIFY_SHA256 for the fastest one")
    assert told("pure", FASTVERIFY_SHA256="steam") == "hashlib"


def test_the_gil_is_free_meanwhile() -> None:
    engine = engine_or_skip("native")
    message = bytes(64 << 20)
    turns = 0
    ended = threading.Event()

    def count() -> Iterator[int]:
        while not ended.is_set():
            time.sleep(0.0005)
            yield 1

    def run() -> None:
        nonlocal turns
        turns = sum(count())

    other = threading.Thread(target=run)
    other.start()
    hashing.sha256_many([message] * 4, threads=1, engine=engine.name)
    ended.set()
    other.join()
    assert turns > 5


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="there is no timer to interrupt with")
def test_a_signal_ends_the_work(engine: Engine) -> None:
    messages = [bytes(16 << 20)] * 4000

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    others = threading.active_count()
    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.1)
        for threads in (1, 2):
            with pytest.raises(KeyboardInterrupt):
                hashing.sha256_many(messages, threads=threads, engine=engine.name)
            assert threading.active_count() == others
            signal.setitimer(signal.ITIMER_REAL, 0.1)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_blake3_without_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "blake3", None)
    with pytest.raises(FastverifyError, match="pip install blake3,"):
        hashing.blake3_many([b"x"], engine="pure")
    native = engine_or_skip("native")
    assert hashing.blake3_many([b"x"], engine=native.name) == [blake3(b"x").digest()]


def test_an_unknown_engine() -> None:
    with pytest.raises(EngineError):
        hashing.sha256_many([b"x"], engine="steam")  # type: ignore[arg-type]
    assert load_engine("pure").name == "pure"
