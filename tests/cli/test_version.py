"""``fastverify --version`` answers before anything heavy is imported."""

from __future__ import annotations

import json
import platform
import re
import subprocess
import sys

import pytest

from fastverify import __version__
from fastverify.engine import load_engine
from tests.cli.conftest import Fastverify
from tests.cli.running import ROOT, command, environment, only_line, run_words
from tests.conftest import engine_or_skip

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
    """Nor anything that takes long, while Ctrl-C still shows a traceback."""
    modules = imported_by("import json, sys\nimport fastverify")
    assert modules - imported_by("import json, sys") <= {"__future__", "fastverify"}


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
    assert re.search(r"^pure +there(, used)?$", out, re.MULTILINE)
    assert re.search(r"^native +", out, re.MULTILINE)
    assert re.findall(r"^(native|pure) .*, used$", out, re.MULTILINE) == [load_engine().name]
    assert platform.python_version() in out
    assert platform.system() in out


@pytest.mark.parametrize(
    ("variable", "message"),
    [
        ("FASTVERIFY_ENGINE", "FASTVERIFY_ENGINE='\\x1b' is unknown: it is native or pure"),
        ("FASTVERIFY_SHA256", 'FASTVERIFY_SHA256: there is no SHA-256 kernel "'),
        ("FASTVERIFY_READING", 'FASTVERIFY_READING: there is no way to read files called "'),
    ],
)
def test_a_variable_with_a_wrong_value(variable: str, message: str) -> None:
    """One line and status 2, as from a command that needs an engine; the bare version needs none."""
    engine_or_skip("native")
    ended = run_words(command("--version", "-v"), **{variable: "\x1b"})
    assert (ended.returncode, ended.stdout) == (2, "")
    assert only_line(ended.stderr).startswith(f"fastverify: error: {message}")
    other = run_words(command("check", str(ROOT)), **{variable: "\x1b"})
    assert (other.returncode, other.stderr) == (2, ended.stderr)
    assert run_words(command("--version"), **{variable: "\x1b"}).stdout == f"fastverify {__version__}\n"


@pytest.mark.parametrize("variable", ["FASTVERIFY_SHA256", "FASTVERIFY_READING"])
def test_a_variable_of_an_engine_that_is_not_used(variable: str) -> None:
    engine_or_skip("native")
    ended = run_words(command("--version", "-v"), **{variable: "steam", "FASTVERIFY_ENGINE": "pure"})
    assert (ended.returncode, ended.stderr) == (0, "")
    assert re.search(r"^native +there$", ended.stdout, re.MULTILINE)
    assert re.search(r"^pure +there, used$", ended.stdout, re.MULTILINE)
    assert "steam" not in ended.stdout
