"""What the tests of worker processes share."""

from __future__ import annotations

import subprocess

import pytest

from fastverify.engine.pure import worker_process


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[subprocess.Popen[bytes]]:
    """The workers that are started."""
    found: list[subprocess.Popen[bytes]] = []
    start = worker_process._start_process

    def remember(command: list[str]) -> subprocess.Popen[bytes]:
        found.append(start(command))
        return found[-1]

    monkeypatch.setattr(worker_process, "_start_process", remember)
    return found
