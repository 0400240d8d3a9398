"""What a proved record means for the module that it names: the checksum database as an authority."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from fastverify.engine.protocol import Engine
from tests.making.go import Oracle
from tests.making.modules import Project, remove, rewrite
from tests.making.sumlog import Client
from tests.making.world import BYSTANDER, VICTIM, Expected, World, check
from tests.modcache.cases import CASES, FORGED
from tests.modcache.test_special_modules import TOOLCHAIN, toolchain_in_use
from tests.sumdb.logs import Cached, StartLog

pytestmark = [pytest.mark.go, pytest.mark.usefixtures("nobody_else")]

#: Damages to go.sum itself, and to modules that the log does not know.
_OTHERS = {name for name, case in CASES.items() if case.world is not World or "go.sum" in name}


@pytest.fixture
def world(tmp_path: Path, small: Cached, monkeypatch: pytest.MonkeyPatch) -> World:
    """A whole cache, with the records of its modules."""
    made = World(tmp_path)
    small.put_into(made.cache.root)
    small.use(monkeypatch)
    return made


def records(world: World, small: Cached) -> Cached:
    """The records of `world`, to be damaged."""
    return Cached(world.cache.root, small.gopath, small.verifier)


def replace_victim(world: World) -> None:
    """Zip, tree, `.ziphash` and `.mod`, all of another module content."""
    remove(world.places.tree)
    world.cache.add(FORGED)


def test_records_vouch_where_no_go_sum_does(engine: Engine, world: World) -> None:
    before = world.cache.contents()
    outcome = world.check(engine.name)
    assert outcome.findings == []
    assert outcome.report.counts.by_authority == {"sumdb": 2}
    held = world.check(engine.name, project=True)
    assert held.findings == []
    assert held.report.counts.by_authority == {"gosum": 2}
    assert world.cache.contents() == before


@pytest.mark.parametrize("name", sorted(CASES.keys() - _OTHERS))
def test_every_damage_is_found_by_the_record(engine: Engine, world: World, name: str) -> None:
    """The same as with a go.sum: both lie outside what they vouch for."""
    case = CASES[name]
    case.damage(world)
    expected = []
    for each in case.expected(project=True):
        made = world.expect(each, project=True)
        if made.where == "gosum":
            record = world.cache.download / "sumdb" / "log.example.org" / "lookup"
            made = replace(made, where="sumdb", path=str(record / "example.com/victim@v1.2.3"))
        expected.append(replace(made, authority="sumdb") if made.authority == "gosum" else made)
    assert world.check(engine.name).findings == sorted(expected, key=str)


def test_a_module_and_its_go_sum_replaced_together(engine: Engine, world: World, small: Cached) -> None:
    replace_victim(world)
    Project.make(world.project.root, [FORGED, BYSTANDER])
    outcome = world.check(engine.name, project=True)
    (finding,) = outcome.report.findings
    assert (finding.verdict, finding.severity, finding.where) == ("modified", "error", "sumdb")
    assert finding.path == str(records(world, small).record(VICTIM))
    assert (finding.expected, finding.actual) == (VICTIM.h1, FORGED.h1)
    assert "both were replaced" in finding.message


def test_a_go_sum_that_alone_is_wrong(engine: Engine, world: World) -> None:
    Project.make(world.project.root, [FORGED, BYSTANDER])
    (finding,) = world.check(engine.name, project=True).report.findings
    assert (finding.verdict, finding.severity, finding.where) == ("modified", "error", "gosum")
    assert "go.sum is wrong" in finding.message


@pytest.mark.parametrize("part", ["dir", "zip"])
def test_a_go_sum_that_is_wrong_beside_damage(engine: Engine, world: World, part: str) -> None:
    """The part that the record proves is not blamed."""
    Project.make(world.project.root, [FORGED, BYSTANDER])
    if part == "dir":
        rewrite(world.places.tree / "go.mod", b"module example.com/victim\n// changed\n")
    else:
        rewrite(world.places.zip, FORGED.zip[:-1])
    findings = world.check(engine.name, project=True).report.findings
    told = {(finding.where, finding.authority, finding.expected) for finding in findings}
    assert ("gosum", "gosum", FORGED.h1) in told
    assert {where for where, *_ in told} == {"gosum", part}
    (of_sum,) = [finding for finding in findings if finding.where == "gosum"]
    assert "go.sum is wrong" in of_sum.message
    assert of_sum.actual == VICTIM.h1


@pytest.mark.parametrize("project", [False, True])
def test_a_go_mod_that_the_record_contradicts(engine: Engine, world: World, *, project: bool) -> None:
    rewrite(world.places.mod, VICTIM.mod + b"\nrequire example.com/evil v1.0.0\n")
    (finding,) = world.check(engine.name, project=project).report.findings
    assert (finding.verdict, finding.where) == ("modified", "mod")
    assert finding.authority == ("gosum" if project else "sumdb")


def test_a_record_that_fails_is_no_authority(engine: Engine, world: World, small: Cached) -> None:
    """It is told, and the module is held to its `.ziphash` as without a record."""
    path = records(world, small).record(VICTIM)
    path.write_bytes(path.read_bytes().replace(VICTIM.h1.encode(), FORGED.h1.encode()))
    outcome = world.check(engine.name)
    assert outcome.findings == [Expected("modified", "sumdb", "error", "sumdb", (), str(path))]
    assert outcome.report.counts.by_authority == {"sumdb": 1, "ziphash": 1}


def test_a_record_that_cannot_be_proved(engine: Engine, world: World, small: Cached) -> None:
    """A note, no alarm; and nobody is vouched for by it."""
    cached = records(world, small)
    for tile in (cached.sumdb / "tile").rglob("*"):
        if tile.is_file():
            tile.unlink()
    outcome = world.check(engine.name)
    assert {(f.verdict, f.severity, f.where) for f in outcome.findings} == {("untracked", "note", "sumdb")}
    assert outcome.report.counts.by_authority == {"ziphash": 2}
    # Where it differs from the module, one of the two was changed.
    replace_victim(world)
    outcome = world.check(engine.name)
    (alarm,) = outcome.errors_and_warnings()
    assert (alarm.verdict, alarm.where, alarm.severity) == ("modified", "sumdb", "error")
    assert (alarm.module, alarm.expected, alarm.actual) == (VICTIM.path, FORGED.h1, VICTIM.h1)


@pytest.mark.parametrize(
    ("settings", "by_authority", "said"),
    [
        ({"GOSUMDB": "off"}, {"ziphash": 2}, "GOSUMDB is off"),
        ({"GOSUMDB": "sum.golang.org"}, {"ziphash": 2}, "GOSUMDB names sum.golang.org"),
        ({"GOSUMDB": "nonsense"}, {"ziphash": 2}, "which the go command refuses"),
        ({"GOPRIVATE": "example.com/victim"}, {"ziphash": 1, "sumdb": 1}, ""),
        ({"GONOSUMDB": "example.com/By"}, {"ziphash": 1, "sumdb": 1}, ""),
        ({"GONOSUMDB": "x", "GOPRIVATE": "example.com"}, {"sumdb": 2}, ""),
        ({"GOPRIVATE": "example.com/*"}, {"ziphash": 2}, ""),
    ],
)
def test_settings(
    engine: Engine,
    world: World,
    monkeypatch: pytest.MonkeyPatch,
    settings: dict[str, str],
    by_authority: dict[str, int],
    said: str,
) -> None:
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    outcome = world.check(engine.name)
    assert outcome.findings == []
    assert outcome.report.counts.by_authority == by_authority
    assert said in " ".join(outcome.report.not_checked)
    assert bool(said) == bool(outcome.report.not_checked)


def test_a_url_and_a_key_in_gosumdb(
    engine: Engine, world: World, small: Cached, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOSUMDB", f"{small.verifier} https://nowhere.example")
    assert world.check(engine.name).report.counts.by_authority == {"sumdb": 2}


def test_without_a_library_for_signatures(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    from fastverify.sumdb import arithmetic

    monkeypatch.setattr(arithmetic, "_cryptography_verify", lambda: None)
    outcome = world.check("pure")
    assert outcome.findings == []
    assert outcome.report.counts.by_authority == {"ziphash": 2}
    (said,) = outcome.report.not_checked
    assert "signatures of log.example.org are not checked" in said
    assert "pip install cryptography" in said


def test_several_caches_tell_of_the_shared_head_once(
    engine: Engine, world: World, small: Cached, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = World(tmp_path / "other")
    small.put_into(other.cache.root)
    own = small.copy(tmp_path / "own")
    own.latest.write_bytes(own.latest.read_bytes().replace(b"\n", b"\nx", 1))
    own.use(monkeypatch)
    outcome = check(world.cache.root, other.cache.root, engine=engine.name)
    (finding,) = outcome.report.findings
    assert (finding.verdict, finding.where, finding.path) == ("modified", "sumdb", str(own.latest))
    assert outcome.report.counts.by_authority == {"sumdb": 4}


@pytest.fixture(scope="module")
def of_toolchain(start_log: StartLog, oracle: Oracle, tmp_path_factory: pytest.TempPathFactory) -> Cached:
    """The record of a toolchain.  The go command always asks for it: no go.sum has toolchains."""
    folder = tmp_path_factory.mktemp("toolchain")
    log = start_log([TOOLCHAIN])
    cached = Cached(folder / "modcache", folder / "gopath", log.verifier)
    Client(oracle, log.verifier, cached.modcache, cached.gopath).lookup_all([TOOLCHAIN], log.url)
    return cached


def test_toolchains(
    engine: Engine, of_toolchain: Cached, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    of_toolchain.use(monkeypatch)
    monkeypatch.setenv("GOPRIVATE", "golang.org")  # does not exempt them
    cache = toolchain_in_use(tmp_path / "modcache")
    record = of_toolchain.put_into(cache.root).record(TOOLCHAIN)
    outcome = check(cache.root, engine=engine.name)
    assert outcome.findings == []
    assert outcome.report.counts.by_authority == {"sumdb": 1}
    # One that was replaced as a whole.
    forged = replace(TOOLCHAIN, files={**TOOLCHAIN.files, "bin/go": b"\x7fELF evil"})
    remove(cache.places(TOOLCHAIN).tree)
    cache.add(forged, parts=("zip", "ziphash", "lock", "tree"))
    (finding,) = check(cache.root, engine=engine.name).report.findings
    assert (finding.verdict, finding.severity, finding.where) == ("modified", "error", "sumdb")
    assert (finding.path, finding.expected) == (str(record), TOOLCHAIN.h1)
