"""``--sumdb``: what is missing, fetched from a running log into fastverify's own folder."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from fastverify import check_module_cache
from fastverify.engine.protocol import Engine
from fastverify.errors import FastverifyError
from fastverify.report.model import Report
from fastverify.sumdb import arithmetic
from tests.making.modules import ModuleCache, module
from tests.making.sumlog import NAME, SumLog
from tests.sumdb.logs import MODULES, Cached, StartLog

pytestmark = [pytest.mark.go, pytest.mark.usefixtures("nobody_else")]

LOGGED, UNKNOWN = MODULES[:4], module("example.com/unknown", "v1.0.0")


@pytest.fixture(scope="module")
def log(start_log: StartLog) -> SumLog:
    """A log that has all its records already, behind so many others that they lie in two tiles."""
    return start_log(MODULES, decoys=254, fill=True)


class Here:
    """A module cache without any record, a user of the log, and the folder of fastverify's own."""

    def __init__(self, folder: Path, log: SumLog, monkeypatch: pytest.MonkeyPatch) -> None:
        self.cache = ModuleCache(folder / "modcache")
        self.cache.add(*LOGGED)
        self.own = folder / "own"
        Cached(self.cache.root, folder / "gopath", log.verifier).use(monkeypatch)
        monkeypatch.setenv("FASTVERIFY_CACHE", os.fspath(self.own))
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.delenv(name, raising=False)

    def check(self, engine: Engine, where: str | None) -> Report:
        """Check the cache, fetching from `where`; it must stay as it was."""
        before = self.cache.contents()
        with check_module_cache(self.cache.root, engine=engine.name, sumdb=where, threads=1) as made:
            list(made)
        assert self.cache.contents() == before
        return made.report


@pytest.fixture
def here(tmp_path: Path, log: SumLog, monkeypatch: pytest.MonkeyPatch) -> Here:
    """See Here."""
    return Here(tmp_path, log, monkeypatch)


def requests(log: SumLog) -> list[str]:
    """What the log was asked since this was asked last."""
    asked = list(log.asked)
    del log.asked[: len(asked)]
    return asked


def test_all_is_fetched_once(engine: Engine, here: Here, log: SumLog) -> None:
    requests(log)
    report = here.check(engine, log.url)
    assert report.findings == []
    assert report.counts.by_authority == {"sumdb": len(LOGGED)}
    asked = requests(log)
    assert sum(path.startswith("/lookup/") for path in asked) == len(LOGGED)
    assert sum(path.startswith("/tile/") for path in asked) == len({p for p in asked if "/tile/" in p}) == 3
    # What is here already is not asked for again, only whether the log has grown.
    assert here.check(engine, log.url).counts.by_authority == {"sumdb": len(LOGGED)}
    assert requests(log) == ["/latest"]
    # And nothing is asked that was not wanted.
    assert here.check(engine, None).counts.by_authority == {"ziphash": len(LOGGED)}
    assert requests(log) == []


def test_a_replaced_module_is_found_out(engine: Engine, here: Here, log: SumLog) -> None:
    forged = module(
        LOGGED[1].path, LOGGED[1].version, {"go.mod": LOGGED[1].mod, "evil.go": b"package evil\n"}
    )
    shutil.rmtree(here.cache.root)
    here.cache.modules.clear()
    here.cache.add(LOGGED[0], forged, *LOGGED[2:])
    (finding,) = here.check(engine, log.url).findings
    assert (finding.verdict, finding.severity, finding.where) == ("modified", "error", "sumdb")
    assert (finding.module, finding.expected, finding.actual) == (forged.path, LOGGED[1].h1, forged.h1)


def test_exempt_modules_are_not_told(
    engine: Engine, here: Here, log: SumLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOPRIVATE", "*.com/Mod/number[01]")
    requests(log)
    report = here.check(engine, log.url)
    assert report.counts.by_authority == {"sumdb": 2, "ziphash": 2}
    assert not any("number0" in path or "number1" in path for path in requests(log))


def test_what_the_log_does_not_know_is_a_note(engine: Engine, here: Here, log: SumLog) -> None:
    here.cache.add(UNKNOWN)
    report = here.check(engine, log.url)
    (finding,) = report.findings
    assert (finding.verdict, finding.severity) == ("untracked", "note")
    assert f"no record of {UNKNOWN.path}@{UNKNOWN.version}" in finding.message
    assert report.counts.by_authority == {"sumdb": len(LOGGED), "ziphash": 1}


def test_what_go_has_cached_is_not_fetched(engine: Engine, here: Here, log: SumLog, tmp_path: Path) -> None:
    own = tmp_path / "own"
    here.check(engine, log.url)
    # As if Go had fetched it: its records and tiles, in its own place.
    shutil.move(own / "sumdb" / NAME, here.cache.download / "sumdb" / NAME)
    (here.cache.download / "sumdb" / NAME / "latest").unlink()
    requests(log)
    assert here.check(engine, log.url).counts.by_authority == {"sumdb": len(LOGGED)}
    assert requests(log) == ["/latest"]


@pytest.mark.parametrize("damaged", ["lookup", "tile", "latest"])
def test_what_is_bad_in_the_own_folder_is_fetched_anew(
    engine: Engine, here: Here, log: SumLog, damaged: str
) -> None:
    here.check(engine, log.url)
    path = next(
        path
        for path in sorted((here.own / "sumdb" / NAME).rglob("*"))
        if path.is_file() and damaged in str(path)
    )
    content = path.read_bytes()
    path.write_bytes(content[:-10] + bytes(10))
    report = here.check(engine, log.url)
    assert report.findings == []
    assert report.counts.by_authority == {"sumdb": len(LOGGED)}
    assert path.read_bytes() == content


def test_the_proxy_serves_the_log(
    engine: Engine, here: Here, log: SumLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``--sumdb proxy``: GOSUMDB's own URL, else the first proxy of GOPROXY that has the database."""
    verifier = os.environ["GOSUMDB"]
    monkeypatch.setenv("GOSUMDB", f"{verifier} {log.url}")
    assert here.check(engine, "proxy").counts.by_authority == {"sumdb": len(LOGGED)}
    shutil.rmtree(here.own)
    monkeypatch.setenv("GOSUMDB", verifier)
    with serving(lambda _: None) as (ignorant, _), serving(_behind_a_proxy(log)) as (knowing, asked):
        monkeypatch.setenv("GOPROXY", f"file:///nowhere,{ignorant},{knowing},direct")
        assert here.check(engine, "proxy").counts.by_authority == {"sumdb": len(LOGGED)}
    assert asked[0] == f"/sumdb/{NAME}/supported"


@contextmanager
def serving(answer: object) -> Iterator[tuple[str, list[str]]]:
    """A server that answers what `answer` has for a path, None being a 404; its URL, and the paths asked."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            content = answer(self.path)  # type: ignore[operator]
            self.send_response(404 if content is None else 200)
            self.send_header("Content-Length", str(len(content or b"")))
            self.end_headers()
            self.wfile.write(content or b"")

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _of_log(log: SumLog, path: str) -> bytes | None:
    from fastverify.sumdb.remote import RemoteError, get

    try:
        return get(log.url + path, 1 << 20)
    except RemoteError:
        return None


def _behind_a_proxy(log: SumLog) -> object:
    def answer(path: str) -> bytes | None:
        below = path.removeprefix(f"/sumdb/{NAME}")
        return b"" if below == "/supported" else _of_log(log, below)

    return answer


def _flipped(content: bytes | None) -> bytes | None:
    return content and bytes([content[0] ^ 1]) + content[1:]


@pytest.mark.parametrize("kind", ["/lookup/", "/tile/8/0/", "/tile/8/1/"])
def test_a_server_that_lies(engine: Engine, here: Here, log: SumLog, kind: str) -> None:
    """Nothing that it says is believed, and nobody is accused of it who is in Go's cache."""

    def answer(path: str) -> bytes | None:
        content = _of_log(log, path)
        return _flipped(content) if path.startswith(kind) else content

    with serving(answer) as (url, _):
        report = here.check(engine, url)
    assert "sumdb" not in report.counts.by_authority or kind == "/tile/8/0/"
    assert report.findings
    assert all(not finding.path.startswith(str(here.cache.root)) for finding in report.findings)
    # Later, from an honest one.
    assert here.check(engine, log.url).counts.by_authority == {"sumdb": len(LOGGED)}


def test_a_server_that_fails_now_and_then(engine: Engine, here: Here, log: SumLog) -> None:
    """Some answers are cut off: a warning; what could be had is used and kept."""

    def answer(path: str) -> bytes | None:
        content = _of_log(log, path)
        return b"x" if "number2" in path else content

    with serving(answer) as (url, _):
        report = here.check(engine, url)
    (finding,) = report.findings
    assert (finding.verdict, finding.severity, finding.where) == ("warning", "warning", "sumdb")
    assert "number2" in finding.message
    assert report.counts.by_authority == {"sumdb": 3, "ziphash": 1}


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("ftp://x.example", "takes an http or https URL"),
        ("nonsense", "takes an http or https URL"),
        ("http://user:secret@127.0.0.1:9/", "does not answer"),
    ],
)
def test_nobody_to_ask(engine: Engine, here: Here, where: str, said: str) -> None:
    with pytest.raises(FastverifyError, match=said) as caught:
        here.check(engine, where)
    assert "secret" not in str(caught.value)
    assert not here.own.exists()


@contextmanager
def _redirecting(to: str) -> Iterator[tuple[str, list[str | None]]]:
    """A server that sends everybody on; its URL, with a user and password, and what it was told of them."""
    told: list[str | None] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            told.append(self.headers["Authorization"])
            moved = f"{to}{self.path}" if not self.path.startswith("/moved") or "://" in to else None
            self.send_response(302 if moved else 200)
            if moved:
                self.send_header("Location", moved)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://user:secret@127.0.0.1:{server.server_port}", told
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_password_is_for_one_server(here: Here) -> None:
    from fastverify.sumdb.remote import RemoteError, get

    with _redirecting("/moved") as (url, told):
        assert get(f"{url}/x", 10) == b""
        assert told == ["Basic dXNlcjpzZWNyZXQ="] * 2
    with _redirecting("/moved") as (elsewhere, other):
        place = elsewhere.replace("user:secret@", "")
        with _redirecting(f"{place}/moved") as (url, told):
            assert get(f"{url}/x", 10) == b""
        assert (len(told), other) == (1, [None])
    with _redirecting("ftp://127.0.0.1") as (url, _), pytest.raises(RemoteError, match="redirected to ftp"):
        get(f"{url}/x", 10)


def test_a_fetch_that_is_killed(engine: Engine, here: Here, log: SumLog) -> None:
    """What is there is whole, and what was being written goes away when it is old."""
    command = [sys.executable, "-m", "fastverify", "check", "--engine", engine.name, "--sumdb"]

    def answer(path: str) -> bytes | None:
        if "/tile/" in path:
            process.kill()
        return _of_log(log, path)

    with serving(answer) as (url, asked):
        process = subprocess.Popen([*command, url, here.cache.root], stdout=subprocess.DEVNULL)
        assert process.wait() == -signal.SIGKILL
    assert any("/tile/" in path for path in asked)
    left = here.own / "tmp" / "fastverify-left"
    for path in (left, left.with_name("fastverify-new"), left.with_name("not-ours")):
        path.write_bytes(b"half")
    for path in (left, left.with_name("not-ours")):
        os.utime(path, (0, 0))
    report = here.check(engine, log.url)
    assert (report.findings, report.counts.by_authority) == ([], {"sumdb": len(LOGGED)})
    assert sorted(path.name for path in left.parent.iterdir()) == ["fastverify-new", "not-ours"]


def test_something_else_answers(engine: Engine, here: Here, start_log: StartLog) -> None:
    with serving(lambda _: b"<html>") as (url, _), pytest.raises(FastverifyError, match="is the URL right"):
        here.check(engine, url)
    with pytest.raises(FastverifyError, match="no tree head of"):
        here.check(engine, start_log([UNKNOWN]).url)  # signed by another key


def test_endless_answers_are_cut_off(engine: Engine, here: Here) -> None:
    with (
        serving(lambda _: b"x" * 2_000_000) as (url, _),
        pytest.raises(FastverifyError, match="more than 1,000,000 bytes"),
    ):
        here.check(engine, url)


def test_nothing_is_written_into_a_cache(
    engine: Engine, here: Here, log: SumLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FASTVERIFY_CACHE", os.fspath(here.cache.root / "own"))
    with pytest.raises(FastverifyError, match="inside the cache"):
        here.check(engine, log.url)
    monkeypatch.setenv("FASTVERIFY_CACHE", os.fspath(here.own))
    here.own.mkdir()
    (here.own / "tmp").symlink_to(here.cache.root)
    with pytest.raises(FastverifyError, match="inside the cache"):
        here.check(engine, log.url)


def test_gosumdb_off(engine: Engine, here: Here, log: SumLog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOSUMDB", "off")
    with pytest.raises(FastverifyError, match="GOSUMDB is off"):
        here.check(engine, log.url)


def test_without_a_library_for_signatures(here: Here, log: SumLog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arithmetic, "_cryptography_verify", lambda: None)
    with (
        pytest.raises(FastverifyError, match="pip install cryptography"),
        check_module_cache(here.cache.root, engine="pure", sumdb=log.url),
    ):
        pass


def test_the_option(here: Here, log: SumLog, capsys: pytest.CaptureFixture[str]) -> None:
    from fastverify.cli import main

    assert main(["check", os.fspath(here.cache.root), "--sumdb", log.url, "--format", "json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["counts"]["by_authority"] == {"sumdb": len(LOGGED)}
    assert main(["check", os.fspath(here.cache.root), "--sumdb", "http://127.0.0.1:9"]) == 2
    error = capsys.readouterr().err
    assert error.startswith("fastverify: error: the checksum database does not answer: ")
    assert error.count("\n") == 1
