"""Which engine is used, and that a broken one is never passed over in silence."""

from __future__ import annotations

import importlib.machinery
import os
import subprocess
import sys
from pathlib import Path

import pytest

import fastverify.engine
from fastverify.engine import default_spares, default_threads, load_engine
from fastverify.errors import EngineError
from tests.conftest import engine_or_skip


@pytest.fixture(autouse=True)
def no_wish(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FASTVERIFY_ENGINE", raising=False)


def put_extension(monkeypatch: pytest.MonkeyPatch, there: bool) -> None:
    """Make the extension module seem to be there, or not."""
    spec = importlib.machinery.ModuleSpec("fastverify._native", None)
    monkeypatch.setattr(fastverify.engine, "find_spec", lambda _: spec if there else None)


def test_by_name() -> None:
    assert load_engine("pure").name == "pure"
    native = engine_or_skip("native")
    assert native.name == load_engine("native").name == load_engine().name == "native"


def test_by_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FASTVERIFY_ENGINE", "pure")
    assert load_engine().name == "pure"
    monkeypatch.setenv("FASTVERIFY_ENGINE", "steam")
    with pytest.raises(EngineError, match=r"^FASTVERIFY_ENGINE='steam' is unknown: it is native or pure$"):
        load_engine()
    assert load_engine("pure").name == "pure"


def test_an_empty_variable_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    put_extension(monkeypatch, there=False)
    monkeypatch.setenv("FASTVERIFY_ENGINE", "")
    assert load_engine().name == "pure"


def test_an_unknown_name() -> None:
    with pytest.raises(EngineError, match="the engine 'steam' is unknown: it is native or pure"):
        load_engine("steam")  # type: ignore[arg-type]


def test_without_the_extension(monkeypatch: pytest.MonkeyPatch) -> None:
    put_extension(monkeypatch, there=False)
    assert load_engine().name == "pure"
    with pytest.raises(EngineError, match=r"not part of this installation.*--engine pure"):
        load_engine("native")
    monkeypatch.setenv("FASTVERIFY_ENGINE", "native")
    with pytest.raises(EngineError, match=r"^FASTVERIFY_ENGINE='native': the native engine is not part"):
        load_engine()


BROKEN = {
    "no library": b"this is no shared library",
    "empty": b"",
}


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN)
@pytest.mark.parametrize("wanted", ["None", "'native'"])
def test_a_broken_extension_is_an_error(tmp_path: Path, content: bytes, wanted: str) -> None:
    """In a copy of the package, with a file in the extension's place that cannot be loaded."""
    source = Path(fastverify.__file__).parent
    suffix = importlib.machinery.EXTENSION_SUFFIXES[0]
    package = tmp_path / "fastverify"
    for path in source.rglob("*.py"):
        copy = package / path.relative_to(source)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(path.read_bytes())
    (package / f"_native{suffix}").write_bytes(content)
    program = (
        "from fastverify.engine import load_engine\n"
        "from fastverify.errors import EngineError\n"
        "print(load_engine('pure').name)\n"
        f"try: load_engine({wanted})\n"
        "except EngineError as error: print(error)\n"
    )
    environment = {name: value for name, value in os.environ.items() if name != "FASTVERIFY_ENGINE"}
    ran = subprocess.run(
        [sys.executable, "-c", program],
        check=True,
        env=environment | {"PYTHONPATH": str(tmp_path)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    name, message = ran.stdout.splitlines()
    assert name == "pure"
    assert message.startswith("the native engine is installed but cannot be loaded (")
    assert message.endswith("or go on with --engine pure (or FASTVERIFY_ENGINE=pure)")


def test_default_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    assert default_threads() >= 1
    if hasattr(os, "sched_getaffinity"):
        monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 3, 5})
        assert default_threads() == 3
        monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert default_threads() == 1


def test_who_names_a_number_of_threads_gets_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fastverify.engine.default_threads", lambda: 2)
    assert default_spares(None) == 5
    assert default_spares(2) == default_spares(1) == 0
    monkeypatch.setattr("fastverify.engine.default_threads", lambda: 64)
    assert default_spares(None) == 0
