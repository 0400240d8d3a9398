"""The project's metadata: valid, complete, and told once."""

from __future__ import annotations

from pathlib import Path

import pytest
from packaging.metadata import Metadata

import fastverify
from fastverify_build.choice import MATURIN
from fastverify_build.metadata import core_metadata, read_project
from fastverify_build.toml import load
from tests.packaging.builds import ROOT


def test_core_metadata_is_valid_and_says_what_pyproject_says() -> None:
    table = load(ROOT / "pyproject.toml")["project"]
    metadata = Metadata.from_email(core_metadata(read_project(ROOT)), validate=True)
    assert metadata.name == table["name"]
    assert str(metadata.version) == table["version"]
    assert metadata.summary == table["description"]
    assert metadata.license_expression == table["license"]
    assert metadata.license_files == table["license-files"]
    assert metadata.keywords == table["keywords"]
    assert metadata.classifiers == table["classifiers"]
    assert str(metadata.requires_python) == table["requires-python"]
    extras = table["optional-dependencies"]
    of_extras = [f'{one}; extra == "{extra}"' for extra, all_ in extras.items() for one in all_]
    assert [str(one) for one in metadata.requires_dist or []] == table["dependencies"] + of_extras
    assert metadata.provides_extra == list(extras)
    assert metadata.description == (ROOT / "README.md").read_text(encoding="utf-8")


def test_a_key_that_would_be_lost_is_an_error(tmp_path: Path) -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    (tmp_path / "pyproject.toml").write_text(
        text.replace("[project]\n", '[project]\nmaintainers = [{ name = "Nobody" }]\n'), encoding="utf-8"
    )
    with pytest.raises(ValueError, match="maintainers"):
        read_project(tmp_path)


def test_python_and_rust_have_one_version() -> None:
    version = load(ROOT / "pyproject.toml")["project"]["version"]
    assert fastverify.__version__ == version
    assert load(ROOT / "Cargo.toml")["workspace"]["package"]["version"] == version


def test_developers_have_the_maturin_that_the_backend_asks_for() -> None:
    assert MATURIN in load(ROOT / "pyproject.toml")["dependency-groups"]["dev"]
