"""``fastverify go-mod-verify`` says of each row of the table of tampering what the go command says."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.goverify.conftest import Both
from tests.modcache.cases import CASES

pytestmark = [pytest.mark.go, pytest.mark.slow]


@pytest.mark.parametrize("name", CASES)
def test_same_words(both: Both, tmp_path: Path, name: str) -> None:
    case = CASES[name]
    world = case.world(tmp_path)
    case.damage(world)
    verify = case.go[0]
    if verify == "∞":
        # Where Go never comes back, fastverify does, and does not call it verified.
        said = both.of_fastverify(world.cache.root, world.project.root)
        assert (said.status, said.out) == (1, "")
        assert said.err.count("\n") == 1
        assert said.err.startswith("example.com/victim v1.2.3: ")
        return
    said = both.agree_on(world)
    assert said.status == (0 if verify == "✓" else 1)
    assert said.out == ("all modules verified\n" if verify == "✓" else "")
