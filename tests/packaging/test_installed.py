"""Installed into a clean environment, fastverify runs and uses the engine that the wheel brings."""

from __future__ import annotations

from pathlib import Path

import pytest

from fastverify_build.metadata import read_project
from tests.packaging.archives import Wheel, unpack
from tests.packaging.builds import ROOT, CleanVenv

pytestmark = pytest.mark.network

ENGINE = "from fastverify.engine import load_engine; print(load_engine().name)"
PLACE = "import fastverify; print(fastverify.__file__)"


@pytest.mark.parametrize("engine", ["pure", "native"])
def test_a_wheel_runs_in_a_clean_environment(
    engine: str, clean_venv: CleanVenv, request: pytest.FixtureRequest
) -> None:
    wheel: Wheel = request.getfixturevalue(f"{engine}_wheel")
    clean_venv.install(wheel.path)
    assert clean_venv.python(ENGINE) == engine
    said = clean_venv.fastverify("--version", "-v").splitlines()
    assert said[0] == f"fastverify {read_project(ROOT).table['version']}"
    assert said[1].startswith("native  there, used" if engine == "native" else "native  not there: ")
    assert "modified" in clean_venv.fastverify("demo")


@pytest.mark.parametrize("engine", ["pure", "native"])
def test_an_editable_installation_uses_the_files_of_the_checkout(
    engine: str, clean_venv: CleanVenv, built_sdist: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if engine == "native":
        request.getfixturevalue("rust")
    checkout = unpack(built_sdist, tmp_path / "a checkout")
    clean_venv.install("--editable", checkout, FASTVERIFY_PURE="1" if engine == "pure" else "0")
    assert Path(clean_venv.python(PLACE)) == checkout / "python" / "fastverify" / "__init__.py"
    assert clean_venv.python(ENGINE) == engine
