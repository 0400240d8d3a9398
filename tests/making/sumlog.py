"""Runs checksum databases: the server code of golang.org/x/mod/sumdb, over loopback, with keys of our own."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Sequence
from pathlib import Path

from tests.making.go import Oracle
from tests.making.modules import Module

NAME = "log.example.org"


class SumLog:
    """One checksum database, running."""

    def __init__(
        self,
        program: Path,
        sums: Path,
        *,
        fill: bool = False,
        decoys: int = 0,
        key: str = "",
        name: str = NAME,
    ) -> None:
        """Serve the modules whose go.sum lines are in the file `sums`; see the program for the rest."""
        options = [f"-decoys={decoys}", f"-fill={str(fill).lower()}"]
        options += [f"-key={key}"] if key else []
        self.name = name
        self._program = subprocess.Popen(
            [program, *options, name, sums], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._program.stdout is not None
        self.url, self.verifier, self.signer = (self._program.stdout.readline().rstrip() for _ in range(3))
        assert self.url.startswith("http"), "the checksum database did not start"
        #: The path of each request.
        self.asked: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._program.stdout is not None
        for line in self._program.stdout:
            self.asked.append(line.rstrip())

    def close(self) -> None:
        """End it."""
        assert self._program.stdin is not None
        self._program.stdin.close()
        self._program.wait()
        self._reader.join()
        assert self._program.stdout is not None
        self._program.stdout.close()


class Client:
    """golang.org/x/mod/sumdb's client, which keeps its files where the go command does."""

    def __init__(self, oracle: Oracle, verifier: str, modcache: Path, gopath: Path) -> None:
        self._oracle = oracle
        self._verifier = verifier
        #: What the client calls its cache, of all databases.
        self.cache = modcache / "cache" / "download" / "sumdb"
        self.heads = gopath / "pkg" / "sumdb"

    def lookup(self, module: str, version: str, url: str = "") -> tuple[str, str]:
        """The lines that the database has, and Go's error.  Without `url` there is no network."""
        answer = self._oracle.ask(
            "lookup",
            Path=self.cache,
            Target=self.heads,
            Name=self._verifier,
            Module=module,
            Version=version,
            Other=url,
        )
        return answer["value"], answer["error"]

    def lookup_all(self, modules: Sequence[Module], url: str) -> None:
        """Have the records of all `modules`, in this order."""
        for module in modules:
            lines, error = self.lookup(module.path, module.version, url)
            assert not error, error
            assert lines


def write_sums(path: Path, modules: Sequence[Module]) -> Path:
    """The file that a log learns its modules from."""
    path.write_text("".join(module.sums for module in modules))
    return path
