"""Fixtures for the tests of go.mod and go.work files."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.making.go import Oracle, build_oracle


@pytest.fixture(scope="session")
def oracle(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Oracle]:
    """golang.org/x/mod."""
    asked = Oracle(build_oracle(tmp_path_factory.mktemp("oracle")))
    yield asked
    asked.close()
