"""Runs the command line in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import fastverify

ROOT = Path(__file__).parents[2]
#: No command here may take longer.
TIMEOUT = 60.0


def environment(**changes: str) -> dict[str, str]:
    """The environment of this process, free of what decides about the outputs, with `changes`."""
    deciding = {
        "NO_COLOR",
        "FORCE_COLOR",
        "CLICOLOR_FORCE",
        "COLUMNS",
        "LINES",
        "FASTVERIFY_DEBUG",
        "FASTVERIFY_ENGINE",
        "PYTHONIOENCODING",
        "PYTHONUNBUFFERED",
    }
    kept = {name: value for name, value in os.environ.items() if name not in deciding}
    paths = [str(ROOT), str(Path(fastverify.__file__).parents[1]), kept.get("PYTHONPATH", "")]
    return kept | {"PYTHONPATH": os.pathsep.join(filter(None, paths)), "TERM": "xterm"} | changes


def command(*arguments: str, script: Mapping[str, Any] | None = None) -> list[str]:
    """The words that start fastverify, on a scripted check where a `script` is given."""
    if script is None:
        return [sys.executable, "-m", "fastverify", *arguments]
    return [sys.executable, "-m", "tests.cli.scripted", json.dumps(script), *arguments]


def run(
    *arguments: str, script: Mapping[str, Any] | None = None, **changes: str
) -> subprocess.CompletedProcess[str]:
    """Run fastverify to its end; neither stdin nor the outputs are terminals."""
    return run_words(command(*arguments, script=script), **changes)


def run_words(words: list[str], **changes: str) -> subprocess.CompletedProcess[str]:
    """Run any command to its end, in the environment of :func:`environment`, without a terminal."""
    return subprocess.run(
        words,
        check=False,
        cwd=ROOT,
        env=environment(**changes),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
    )


def only_line(text: str) -> str:
    """`text`, which must be one whole line."""
    assert text.endswith("\n")
    assert text.count("\n") == 1, text
    return text[:-1]
