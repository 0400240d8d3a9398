"""The hashes that other programs import."""

from __future__ import annotations

import doctest
import errno
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import fastverify
from fastverify import HashError, hash_dir, hash_files, hash_go_mod, hash_zip, hashing
from fastverify.engine import faults
from fastverify.engine.protocol import Engine, Fault
from tests.engine.measuring import PREFIX, plant
from tests.making.modules import h1
from tests.making.zips import Archive, Entry, zip_of

MODULE = PREFIX[:-1].decode()
FILES = [(PREFIX + b"a.go", b"package a\n"), (PREFIX + b"go.mod", b"module example.com/m\n")]


def test_known_hashes(engine: Engine, tmp_path: Path) -> None:
    """Values of Go's own: the empty list, and a go.mod without content."""
    assert hash_files([], engine=engine.name) == "h1:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
    empty = tmp_path / "go.mod"
    empty.touch()
    assert hash_go_mod(empty, engine=engine.name) == "h1:G7mAYYxgmS0lVkHyy2hEOLQCFB0DlQFTMLWggykrydY="


def test_zip_and_dir(engine: Engine, tmp_path: Path) -> None:
    path = tmp_path / "v1.0.0.zip"
    path.write_bytes(zip_of(FILES))
    root = plant(tmp_path / "tree", {"a.go": FILES[0][1], "go.mod": FILES[1][1]})
    for threads in (None, 1, 3):
        assert hash_zip(path, threads=threads, engine=engine.name) == h1(FILES)
        assert hash_zip(str(path), threads=threads, engine=engine.name) == h1(FILES)
        assert hash_dir(root, MODULE, threads=threads, engine=engine.name) == h1(FILES)
    assert hash_go_mod(root / "go.mod", engine=engine.name) == h1([(b"go.mod", FILES[1][1])])


def test_names_of_files(engine: Engine, tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"x")
    files: list[tuple[str | bytes, Path]] = [("é", path), (b"\xff", path), ("\udcfe", path)]
    lines = [("é".encode(), b"x"), (b"\xff", b"x"), (b"\xfe", b"x")]
    assert hash_files(iter(files), engine=engine.name) == h1(lines)


def message(caught: pytest.ExceptionInfo[HashError]) -> str:
    return str(caught.value)


def test_errors_of_a_zip(engine: Engine, tmp_path: Path) -> None:
    path = tmp_path / "v1.0.0.zip"
    path.write_bytes(b"no zip")
    with pytest.raises(HashError) as caught:
        hash_zip(path, engine=engine.name)
    assert message(caught) == f"{path}: it breaks the zip format (zip: not a valid zip file)"
    assert (caught.value.path, caught.value.fault) == (str(path), Fault("zip-format"))
    path.write_bytes(Archive([Entry(PREFIX + b"a.go", b"x", crc=1)]).to_bytes())
    with pytest.raises(HashError) as caught:
        hash_zip(path, engine=engine.name)
    assert message(caught).startswith(f"{path}: example.com/m@v1.0.0/a.go: ")
    assert message(caught).endswith("(zip: checksum error)")


def _calls(engine: Engine, path: Path | str) -> tuple[Callable[[], str], ...]:
    """Each way of hashing what may be at `path`, but that of a go.mod."""
    return (
        lambda: hash_zip(path, engine=engine.name),
        lambda: hash_dir(path, MODULE, engine=engine.name),
        lambda: hash_files([("name", path)], engine=engine.name),
    )


def test_errors_of_the_system(engine: Engine, tmp_path: Path) -> None:
    missing = tmp_path / "missing"
    expected = f"{missing}: {os.strerror(errno.ENOENT)}"
    for call in _calls(engine, missing):
        with pytest.raises(HashError) as caught:
            call()
        assert expected in message(caught)
    with pytest.raises(HashError) as caught:
        hash_go_mod(missing, engine=engine.name)
    assert (message(caught), caught.value.fault.errno) == (expected, errno.ENOENT)


def test_messages_are_one_line_that_may_be_printed(engine: Engine, tmp_path: Path) -> None:
    path = f"{tmp_path}/a\n\x1b"
    missing = f"{tmp_path}/a\\n\\x1b: {os.strerror(errno.ENOENT)}"
    of_go_mod: Callable[[], str] = partial(hash_go_mod, path, engine=engine.name)
    for call in (*_calls(engine, path), of_go_mod):
        with pytest.raises(HashError) as caught:
            call()
        assert (message(caught), caught.value.path) == (missing, path)
    with pytest.raises(HashError, match=r": na\\nme\\x1b: the name has a newline in it ") as caught:
        hash_files([("na\nme\x1b", path)], engine=engine.name)
    assert caught.value.fault == Fault("name-newline", b"na\nme\x1b")


def test_paths_with_a_nul(engine: Engine, tmp_path: Path) -> None:
    """No file can have such a name."""
    path = f"{tmp_path}/a\0b"
    for call in _calls(engine, path):
        with pytest.raises(HashError) as caught:
            call()
        assert caught.value.fault.errno == errno.ENOENT


def test_the_path_of_a_directory_is_cleaned_as_go_does(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``filepath.Clean`` knows nothing of links."""
    monkeypatch.chdir(plant(tmp_path / "tree", {"a": b"a", "d/b": b"b"}))
    os.symlink("d", "link")
    expected = h1([(PREFIX + b"b", b"b")])
    for path in ["d", "d/", "./d", "none/../d", "link/../d", "d/x/.."]:
        assert hash_dir(path, MODULE, engine=engine.name) == expected
    for path in ["link", "link/", "link/."]:
        with pytest.raises(HashError, match=f"^{path}: it is not a directory$"):
            hash_dir(path, MODULE, engine=engine.name)
    monkeypatch.chdir("d")
    assert hash_dir("", MODULE, engine=engine.name) == expected


def test_what_would_block_or_lead_away(engine: Engine, tmp_path: Path) -> None:
    root = plant(tmp_path / "tree", {"a": b""})
    (root / "link").symlink_to("/dev/zero")
    with pytest.raises(HashError, match=r"tree: link: it is a symbolic link that leads out of the tree"):
        hash_dir(root, MODULE, engine=engine.name)
    with pytest.raises(HashError, match=f"^{os.devnull}: it is not a regular file$"):
        hash_go_mod(os.devnull, engine=engine.name)


@pytest.mark.parametrize("threads", [1.5, "2"])
def test_threads_are_a_whole_number(engine: Engine, threads: Any) -> None:
    with pytest.raises(TypeError):
        hash_files([], threads=threads, engine=engine.name)


def test_names_of_the_wrong_type(engine: Engine, tmp_path: Path) -> None:
    wrong: Any = None
    with pytest.raises(TypeError, match="path and version is a str, not NoneType"):
        hash_dir(tmp_path, wrong, engine=engine.name)
    with pytest.raises(TypeError, match="name is a str, not NoneType"):
        hash_files([(wrong, tmp_path)], engine=engine.name)


def test_more_threads_than_anybody_has(engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"a")
    named = [("a", tmp_path / "a")]
    assert hash_files(named, threads=2**70, engine=engine.name) == hash_files(named, engine=engine.name)


@pytest.mark.parametrize("threads", [0, -1])
def test_threads(engine: Engine, tmp_path: Path, threads: int) -> None:
    with pytest.raises(ValueError, match="at least one is needed"):
        hash_files([], threads=threads, engine=engine.name)


def test_every_fault_has_words() -> None:
    import typing

    from fastverify.engine import protocol

    for code in typing.get_args(protocol.FaultCode):
        text = faults.describe(Fault(code, b"name", errno.EIO))
        assert text
        assert "name" not in text or code == "name-newline"
    assert faults.describe(Fault("os", b"", errno.EACCES)) == os.strerror(errno.EACCES)


@pytest.mark.parametrize("module", [hashing, faults])
def test_examples(module: object) -> None:
    result = doctest.testmod(module)  # type: ignore[arg-type]
    assert result.attempted
    assert not result.failed


def test_the_names_are_public() -> None:
    assert {"hash_zip", "hash_dir", "hash_go_mod", "hash_files", "HashError"} <= set(fastverify.__all__)
