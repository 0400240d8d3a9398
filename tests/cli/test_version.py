"""``fastverify --version`` answers before anything heavy is imported."""

from __future__ import annotations

import json
import platform
import re
import subprocess
import sys

import pytest

from fastverify import __version__
from tests.cli.conftest import Fastverify
from tests.cli.running import ROOT, environment

HEAVY = re.compile(r"(click|rich|fastverify\.(engine|modcache|report|hashing|locate|_native))(\.|$)")


def imported_by(code: str) -> set[str]:
    """The modules that running `code` leaves imported."""
    program = f"{code}\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", program],
        check=True,
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
    )
    return set(json.loads(done.stdout.splitlines()[-1]))


def heavy(modules: set[str]) -> set[str]:
    return {name for name in modules if HEAVY.match(name)}


@pytest.mark.parametrize("option", ["--version", "-V"])
def test_it_imports_nothing_heavy(option: str) -> None:
    modules = imported_by(f"from fastverify.cli import main\nassert main([{option!r}]) == 0")
    assert "fastverify.cli" in modules
    assert heavy(modules) == set()


def test_the_package_itself_imports_nothing_heavy() -> None:
    assert heavy(imported_by("import fastverify")) == set()


def test_what_counts_as_heavy_is_recognised() -> None:
    """The two tests above could not fail if the names were wrong."""
    found = heavy(imported_by("import click, fastverify; fastverify.Report; import rich.progress"))
    assert {"click", "rich", "fastverify.report.model"} <= found


def test_rich_is_not_imported_without_a_terminal() -> None:
    modules = imported_by("from fastverify.cli import main\nassert main(['check', '/no/such/cache']) == 2")
    assert "click" in modules
    assert not any(name.partition(".")[0] == "rich" for name in modules)


@pytest.mark.parametrize("option", ["--version", "-V"])
def test_version(fastverify: Fastverify, option: str) -> None:
    assert fastverify(option) == (0, f"fastverify {__version__}\n", "")


@pytest.mark.parametrize("options", [["--version", "-v"], ["-v", "-V"]])
def test_verbose_version_tells_engines_and_platform(fastverify: Fastverify, options: list[str]) -> None:
    status, out, err = fastverify(*options)
    assert (status, err) == (0, "")
    assert out.splitlines()[0] == f"fastverify {__version__}"
    assert re.search(r"^pure +there$", out, re.MULTILINE)
    assert re.search(r"^native +", out, re.MULTILINE)
    assert platform.python_version() in out
    assert platform.system() in out
