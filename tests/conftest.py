"""What tests of several rooms share: the engines, and a folder that other users can reach."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from fastverify.engine import load_engine
from fastverify.engine.protocol import Engine, EngineName

#: Engines that must be there, by their names with commas between them; all of them on CI.
DEMANDED = "FASTVERIFY_TEST_ENGINES"


def engine_or_skip(name: EngineName) -> Engine:
    """The engine.  A native one that is not built is a failure on CI and where it is demanded."""
    if name == "native" and find_spec("fastverify._native") is None:
        what = "the native engine is not built (maturin develop builds it)"
        demanded = os.environ.get(DEMANDED, "").split(",")
        if os.environ.get("CI") == "true" or name in demanded:
            pytest.fail(what)
        pytest.skip(what)
    return load_engine(name)


@pytest.fixture(scope="session", params=["native", "pure"])
def engine(request: pytest.FixtureRequest) -> Engine:
    """Each engine in turn, so that no test can forget one."""
    return engine_or_skip(request.param)


@pytest.fixture(scope="session")
def both_engines() -> tuple[Engine, Engine]:
    """The native engine and the pure one, to be compared."""
    return engine_or_skip("native"), engine_or_skip("pure")


@pytest.fixture
def public_path() -> Iterator[Path]:
    """A temporary folder that other users can reach, unlike pytest's own."""
    made = Path(tempfile.mkdtemp(prefix="fastverify-test-"))
    made.chmod(0o755)
    yield made
    for folder, names, _ in os.walk(made):
        for name in names:
            path = Path(folder, name)
            if not path.is_symlink():
                path.chmod(0o755)
    shutil.rmtree(made)
