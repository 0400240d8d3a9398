"""Records, tiles and heads that a client has kept, and every kind of damage to them."""

from __future__ import annotations

import base64
import binascii
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from fastverify.engine.protocol import Engine
from fastverify.report.model import Finding
from fastverify.sumdb import arithmetic
from fastverify.sumdb.database import Database
from fastverify.sumdb.findings import database_findings
from tests.making.go import Oracle
from tests.making.sumlog import Client
from tests.sumdb.logs import DECOYS, MODULES, Cached, StartLog
from tests.sumdb.opening import accused, open_cached, statuses

pytestmark = pytest.mark.go

ALL_PROVED = ["proved"] * len(MODULES)
FIRST, LAST = MODULES[0], MODULES[-1]


def test_every_record_is_proved(engine: Engine, grown: Cached) -> None:
    database = open_cached(grown, engine.name)
    assert accused(database) == set()
    assert list(database_findings(database)) == []
    assert database.newest is not None
    assert database.newest.size == DECOYS + len(MODULES)
    for number, module in enumerate(MODULES, start=DECOYS):
        proof = database.prove(module.path, module.version)
        assert (proof.status, proof.number) == ("proved", number)
        assert (proof.h1, proof.go_mod_h1) == (module.h1, module.mod_h1)
    assert database.prove("example.com/nobody", "v1.0.0").status == "absent"


def test_go_proves_the_same_without_a_network(oracle: Oracle, grown: Cached, tmp_path: Path) -> None:
    cached = grown.copy(tmp_path)
    client = Client(oracle, cached.verifier, cached.modcache, cached.gopath)
    for module in MODULES:
        lines, error = client.lookup(module.path, module.version)
        assert (lines, error) == (f"{module.path} {module.version} {module.h1}", "")


def _damages(path: Path) -> Iterator[bytes]:
    """The file's content with one byte changed: each byte in turn, of a tile one in some of the hashes."""
    content = path.read_bytes()
    is_tile = "/tile/" in os.fspath(path)
    for at in range(7, len(content), 32 * 5) if is_tile else range(len(content)):
        yield content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]


@pytest.mark.slow
def test_no_byte_can_be_changed(engine: Engine, grown: Cached, tmp_path: Path) -> None:
    cached = grown.copy(tmp_path)
    told = 0
    for path in cached.files():
        module = next((m for m in MODULES if cached.record(m) == path), None)
        if module not in (None, FIRST):
            continue
        whole = path.read_bytes()
        for damaged in _damages(path):
            if _same_signature(whole, damaged):
                continue
            path.write_bytes(damaged)
            database = open_cached(cached, engine.name)
            assert os.fspath(path) in accused(database), (path, damaged)
            assert any(finding.severity == "error" for finding in database_findings(database))
            if module is not None:
                assert database.prove(module.path, module.version).status == "failed"
            # What still counts as proved is as it was.
            for other in MODULES:
                proof = database.prove(other.path, other.version)
                assert proof.status != "proved" or (proof.h1, proof.go_mod_h1) == (other.h1, other.mod_h1)
            told += 1
        path.write_bytes(whole)
    assert told > 500
    assert accused(open_cached(cached, engine.name)) == set()


def _same_signature(one: bytes, other: bytes) -> bool:
    """Whether two notes differ in bits of the base64 only that stand for nothing; Go takes them all."""
    if one[:-3] != other[:-3] or not (one[-2:] == other[-2:] == b"=\n"):
        return False
    try:
        one, other = (base64.b64decode(note[-5:-1], validate=True) for note in (one, other))
    except binascii.Error:
        return False
    return one == other


@pytest.mark.parametrize("module", [FIRST, LAST], ids=["in a full tile", "in a partial tile"])
def test_go_refuses_each_record_that_fails(
    engine: Engine, oracle: Oracle, grown: Cached, tmp_path: Path, module: object
) -> None:
    cached = grown.copy(tmp_path)
    chosen = next(each for each in MODULES if each is module)
    client = Client(oracle, cached.verifier, cached.modcache, tmp_path / "none")
    path = cached.record(chosen)
    whole = path.read_bytes()
    changed = [each for each in _damages(path) if not _same_signature(whole, each)]
    for damaged in [*changed[::7], whole[:-1], whole[:40], b"x", whole + b"x", whole + whole]:
        path.write_bytes(damaged)
        status = open_cached(cached, engine.name).prove(chosen.path, chosen.version).status
        _, error = client.lookup(chosen.path, chosen.version)
        assert (status, bool(error)) == ("failed", True), damaged


def test_a_record_in_another_ones_place(engine: Engine, grown: Cached, tmp_path: Path) -> None:
    cached = grown.copy(tmp_path)
    shutil.copyfile(cached.record(LAST), cached.record(FIRST))
    database = open_cached(cached, engine.name)
    assert statuses(database, [FIRST, LAST]) == ["failed", "proved"]
    (finding,) = database_findings(database)
    assert (finding.verdict, finding.severity, finding.where) == ("modified", "error", "sumdb")
    assert (finding.module, finding.version) == (FIRST.path, FIRST.version)
    assert "another module version" in finding.message


def test_a_record_with_other_hashes_and_a_true_head(engine: Engine, grown: Cached, tmp_path: Path) -> None:
    cached = grown.copy(tmp_path)
    path = cached.record(FIRST)
    path.write_bytes(path.read_bytes().replace(FIRST.h1.encode(), LAST.h1.encode()))
    database = open_cached(cached, engine.name)
    assert statuses(database, MODULES) == ["failed", *ALL_PROVED[1:]]
    assert "another text under its number" in next(database_findings(database)).message


def test_hashes_below_the_record_do_not_count(engine: Engine, grown: Cached, tmp_path: Path) -> None:
    """What stands below the head, outside the record's text, is signed by nobody as a hash."""
    cached = grown.copy(tmp_path)
    path = cached.record(FIRST)
    path.write_bytes(path.read_bytes() + FIRST.sums.replace(FIRST.h1, LAST.h1).encode())
    assert statuses(open_cached(cached, engine.name), [FIRST]) == ["failed"]


def test_go_can_do_no_more_with_less(engine: Engine, oracle: Oracle, grown: Cached, tmp_path: Path) -> None:
    """Without any one of the files, what Go's client still accepts offline is still proved."""
    cached = grown.copy(tmp_path)
    client = Client(oracle, cached.verifier, cached.modcache, tmp_path / "none")
    for path in cached.files():
        content = path.read_bytes()
        for damaged in (None, b""):
            if damaged is None:
                path.unlink()
            else:
                path.write_bytes(damaged)  # the same to Go
            database = open_cached(cached, engine.name)
            assert accused(database) == set(), path
            for module in MODULES:
                shutil.rmtree(tmp_path / "none", ignore_errors=True)
                status = database.prove(module.path, module.version).status
                assert status in ("proved", "unprovable", "absent")
                if not client.lookup(module.path, module.version)[1]:
                    assert status == "proved", (path, module)
            path.write_bytes(content)


def _flip(path: Path, at: int) -> None:
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)


def _errors(database: Database) -> list[Finding]:
    return [finding for finding in database_findings(database) if finding.severity == "error"]


@pytest.mark.parametrize("name", ["1/000.p/1", "0/001.p/8"], ids=["by a tile", "by a record"])
def test_a_bad_tile_is_told_by_what_is_below_it(
    engine: Engine, grown: Cached, tmp_path: Path, name: str
) -> None:
    """It is among several that lead to a head; put right, it leads there, so it is the bad one."""
    cached = grown.copy(tmp_path)
    tile = cached.sumdb / "tile" / "8" / name
    _flip(tile, tile.stat().st_size - 1)
    database = open_cached(cached, engine.name)
    (finding,) = _errors(database)
    assert (finding.verdict, finding.path) == ("modified", os.fspath(tile))
    assert finding.hint.endswith(f"\nrm -f {tile}")
    assert database.doubts == []
    # It is put right to find the bad one, and proves nothing.
    unproved, others = {"1/000.p/1": (MODULES[3:], 8), "0/001.p/8": (MODULES[-1:], 0)}[name]
    assert f"; {others} tiles beside it cannot be verified" in finding.message or not others
    assert statuses(database, MODULES) == [
        "unprovable" if module in unproved else "proved" for module in MODULES
    ]
    tile.unlink()
    assert _errors(open_cached(cached, engine.name)) == []


def test_one_tile_that_leads_to_many_heads(engine: Engine, grown: Cached, tmp_path: Path) -> None:
    """Nothing below it says what it must be; told is that it may be bad alone, and which others if not."""
    cached = grown.copy(tmp_path)
    tiles = cached.sumdb / "tile" / "8"
    (tiles / "0" / "000").unlink()
    tile = tiles / "1" / "000.p" / "1"
    _flip(tile, 0)
    # There is a head that it leads to alone, and so is the bad one.
    database = open_cached(cached, engine.name)
    (finding,) = _errors(database)
    assert finding.message.endswith("; 8 tiles beside it cannot be verified because of it")
    assert finding.hint.endswith(f"\nrm -f {tile}")
    # Without that one.
    cached.record(MODULES[3]).unlink()
    database = open_cached(cached, engine.name)
    (finding,) = _errors(database)
    assert (finding.verdict, finding.path) == ("modified", os.fspath(tile))
    others = [os.fspath(tiles / "0" / "001.p" / str(width)) for width in range(8, 0, -1)]
    assert "nor to 7 other signed heads" in finding.message
    assert "if not, at least two of 8 others are, and none of those" in finding.message
    assert finding.message.endswith(": " + ", ".join(others))
    assert finding.hint.endswith(f"rm -f {' '.join([os.fspath(tile), *others])}")
    assert set(statuses(database, MODULES[4:])) == {"unprovable"}


def test_without_tiles_nothing_is_proved_and_nothing_alarms(
    engine: Engine, grown: Cached, tmp_path: Path
) -> None:
    cached = grown.copy(tmp_path)
    shutil.rmtree(cached.sumdb / "tile")
    database = open_cached(cached, engine.name)
    assert set(statuses(database, MODULES)) == {"unprovable"}
    findings = list(database_findings(database))
    assert {(finding.verdict, finding.severity) for finding in findings} == {("untracked", "note")}
    assert len(findings) == len(MODULES)


def test_a_head_that_is_ahead_of_the_tiles(
    engine: Engine, start_log: StartLog, oracle: Oracle, tmp_path: Path
) -> None:
    """Go's newest head is shared by all caches of a user, and this cache has tiles for older ones only."""
    log = start_log(MODULES, decoys=DECOYS)
    cached = Cached(tmp_path / "modcache", tmp_path / "gopath", log.verifier)
    Client(oracle, log.verifier, cached.modcache, cached.gopath).lookup_all(MODULES[:3], log.url)
    other = Client(oracle, log.verifier, tmp_path / "other", cached.gopath)
    other.lookup_all(MODULES[3:], log.url)
    database = open_cached(cached, engine.name)
    assert database.newest is not None
    assert database.newest.size == DECOYS + len(MODULES)
    assert statuses(database, MODULES[:3]) == ["proved"] * 3
    assert accused(database) == set()


def test_two_histories_of_one_log(
    engine: Engine, start_log: StartLog, oracle: Oracle, tmp_path: Path
) -> None:
    """Heads that are truly signed, and not of one log: of the same size, and of a smaller one."""
    log = start_log(MODULES)
    first = Cached(tmp_path / "first", tmp_path / "gopath1", log.verifier)
    Client(oracle, log.verifier, first.modcache, first.gopath).lookup_all(MODULES, log.url)
    for size in (len(MODULES), len(MODULES) - 3):
        liar = start_log(MODULES, key=log.signer)
        other = Cached(tmp_path / f"other{size}", tmp_path / f"gopath{size}", log.verifier)
        client = Client(oracle, log.verifier, other.modcache, other.gopath)
        client.lookup_all(MODULES[::-1][:size], liar.url)
        cached = first.copy(tmp_path / f"mixed{size}")
        shutil.copyfile(other.latest, cached.latest)
        database = open_cached(cached, engine.name)
        (fork,) = database.forks
        assert os.fspath(cached.latest) in fork[1:]
        assert fork[1] != fork[2]
        assert statuses(database, MODULES) == ALL_PROVED
        (finding,) = (f for f in database_findings(database) if "not of the same log" in f.message)
        assert (finding.verdict, finding.severity) == ("modified", "error")


def test_a_head_by_another_key(engine: Engine, grown: Cached, start_log: StartLog, tmp_path: Path) -> None:
    cached = grown.copy(tmp_path)
    other = Cached(cached.modcache, cached.gopath, start_log([FIRST]).verifier)
    database = open_cached(other, engine.name)
    assert set(statuses(database, MODULES)) == {"failed"}
    assert os.fspath(cached.latest) in database.head_problems
    # Without a signed head nothing can be said of a tile.
    assert database.tile_problems == {}


def test_without_a_library_for_signatures(
    grown: Cached, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arithmetic, "_cryptography_verify", lambda: None)
    cached = grown.copy(tmp_path)
    database = open_cached(cached, "pure")
    assert not database.signatures_checked
    assert set(statuses(database, MODULES)) == {"unprovable"}
    assert list(database_findings(database)) == []  # said once, in the summary
    # What needs no signature is checked all the same.
    path = cached.record(FIRST)
    path.write_bytes(path.read_bytes().replace(FIRST.h1.encode(), LAST.h1.encode()))
    tile = next((cached.sumdb / "tile").rglob("000"))
    tile.write_bytes(bytes(32) + tile.read_bytes()[32:])
    database = open_cached(cached, "pure")
    assert statuses(database, [FIRST, LAST]) == ["failed", "unprovable"]
    assert accused(database) == {os.fspath(path), os.fspath(tile)}


def test_exempt_modules_have_no_record(engine: Engine, grown: Cached) -> None:
    database = open_cached(grown, engine.name, exempt="example.com/Mod/number1,*/*/number0")
    assert statuses(database, MODULES[:3]) == ["absent", "absent", "proved"]


def test_whatever_lies_there(engine: Engine, grown: Cached, tmp_path: Path) -> None:
    """Links, devices, giants and junk: told, and never waited for."""
    cached = grown.copy(tmp_path)
    record, tile = cached.record(FIRST), next((cached.sumdb / "tile").rglob("000"))
    second = cached.record(MODULES[1])
    third = cached.record(MODULES[2])
    record.unlink()
    os.mkfifo(record)
    second.unlink()
    second.symlink_to("/dev/zero")
    third.write_bytes(b"x" * 1_000_001)
    tile.write_bytes(tile.read_bytes() + b"x")
    cached.latest.unlink()
    cached.latest.symlink_to("/dev/zero")
    strays = [
        cached.sumdb / "lookup" / "example.com" / "Capital@v1.0.0",
        cached.sumdb / "lookup" / "no-version",
        cached.sumdb / "tile" / "8" / "0" / "x000" / "001",
        cached.sumdb / "tile" / "9" / "0" / "000",
    ]
    for stray in strays:
        stray.parent.mkdir(parents=True, exist_ok=True)
        stray.write_bytes(b"")
    database = open_cached(cached, engine.name)
    assert accused(database) >= {os.fspath(path) for path in (record, second, third, tile, cached.latest)}
    assert {path for path, _ in database.listing.strays} == {os.fspath(stray) for stray in strays}
    assert statuses(database, [FIRST, MODULES[1], MODULES[2]]) == ["failed"] * 3
    findings = list(database_findings(database))
    assert {f.path for f in findings if f.where == "layout"} == {os.fspath(stray) for stray in strays}
    for finding in findings:
        assert finding.message
        assert finding.go
        assert finding.hint
        assert re.search(r"rm -f |^remove it$|^nothing has to be done", finding.hint)


@pytest.mark.parametrize("records", [0, 1, 2, 255, 256, 257, 511, 512, 513, 1025])
def test_trees_of_every_shape(
    engine: Engine, start_log: StartLog, oracle: Oracle, tmp_path: Path, records: int
) -> None:
    log = start_log(MODULES[:2], decoys=records)
    cached = Cached(tmp_path / "modcache", tmp_path / "gopath", log.verifier)
    client = Client(oracle, log.verifier, cached.modcache, cached.gopath)
    client.lookup_all(MODULES[:2], log.url)
    for decoy in {0, records // 2, records - 1} & set(range(records)):
        assert not client.lookup(f"decoy.example/m{decoy}", "v1.0.0", log.url)[1]
    database = open_cached(cached, engine.name)
    assert {proof.status for proof in database.proofs.values()} == {"proved"}
    assert accused(database) == set()
