"""What the packaging tests share: each archive is built once."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from tests.making.go import without
from tests.packaging.archives import Wheel
from tests.packaging.builds import ROOT, CleanVenv, environment, pip_wheel, succeed


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of this folder."""
    here = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(here):
            item.add_marker("packaging")


@pytest.fixture(scope="session")
def rust() -> None:
    """Needs a Rust toolchain: on CI its absence is a failure, elsewhere a visible skip."""
    if shutil.which("cargo") is None:
        without("there is no cargo on the PATH, so the native wheel is not built")


@pytest.fixture(scope="session")
def built_sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sdist of this checkout, as ``python -m build`` makes it."""
    folder = tmp_path_factory.mktemp("sdist")
    succeed(
        [sys.executable, "-m", "build", "--sdist", "--no-isolation", "--outdir", folder, ROOT],
        env=environment(),
    )
    (sdist,) = folder.iterdir()
    return sdist


@pytest.fixture(scope="session")
def pure_wheel(tmp_path_factory: pytest.TempPathFactory) -> Wheel:
    """The wheel of this checkout that ``FASTVERIFY_PURE=1`` asks for."""
    return Wheel(pip_wheel(ROOT, tmp_path_factory.mktemp("pure"), environment(FASTVERIFY_PURE="1")))


@pytest.fixture(scope="session")
def native_wheel(rust: None, tmp_path_factory: pytest.TempPathFactory) -> Wheel:
    """The wheel of this checkout that is built where Rust is there."""
    return Wheel(pip_wheel(ROOT, tmp_path_factory.mktemp("native"), environment()))


@pytest.fixture
def clean_venv(tmp_path: Path) -> CleanVenv:
    """A virtual environment with nothing installed."""
    return CleanVenv(tmp_path / "clean venv")
