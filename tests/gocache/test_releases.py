"""Small build caches that older releases made (``releases/renew.py``): no false alarm, and damage is told."""

from __future__ import annotations

import hashlib
import tarfile
from pathlib import Path

import pytest

from fastverify.engine.protocol import Engine
from fastverify.gocache.catalog.contents import opened, read_contents
from fastverify.gocache.catalog.naming import name_entries
from fastverify.gocache.identify.goarchive import GoArchive, read_archive
from tests.gocache.checking import found, report_of, short
from tests.gocache.making import overwrite, signed
from tests.gocache.releases.renew import RELEASES

pytestmark = pytest.mark.usefixtures("nobody_else")

ASSEMBLED, HIGH, LOW = (f"example.com/m/{name}" for name in ("assembled", "high", "low"))


@pytest.fixture(params=RELEASES)
def release(request: pytest.FixtureRequest) -> str:
    """Its name, as go has it."""
    name: str = request.param
    return name


@pytest.fixture
def root(release: str, tmp_path: Path) -> Path:
    """A copy of the cache that it made."""
    for number in range(256):
        (tmp_path / f"{number:02x}").mkdir()
    with tarfile.open(Path(__file__).parent / "releases" / f"{release}.tar.gz") as archive:
        for member in archive:
            file = archive.extractfile(member)
            assert file is not None
            path = tmp_path / member.name
            path.write_bytes(file.read())
            path.chmod(0o644)
    return tmp_path


def archives(root: Path) -> dict[str, tuple[Path, GoArchive]]:
    """By package."""
    made = {}
    for key, output in read_contents(str(root)).outputs.items():
        if output.identity.kind == "archive":
            path = root / key[:2] / f"{key}-d"
            with opened(str(path)) as content:
                made[output.identity.package] = (path, read_archive(content))
    return made


def test_no_false_alarm(root: Path, engine: Engine) -> None:
    report = report_of(root, engine)
    assert report.findings == []
    assert (report.counts.entries, report.counts.outputs) == (
        len(list(root.glob("??/*-a"))),
        len(list(root.glob("??/*-d"))),
    )


def test_names(root: Path, release: str) -> None:
    contents = read_contents(str(root))
    assert {output.identity.flaw for output in contents.outputs.values()} == {""}
    names = name_entries(contents)
    built = {name.package for name in names.values() if name.role == "build"}
    assert built == {ASSEMBLED, HIGH, LOW}
    for name in names.values():
        assert (name.go_version, name.goos, name.goarch) == (release, "linux", "amd64")
    assert {name.role for name in names.values()} >= {"build", "build: stdout", "build: srcfiles"}


def test_an_importer_has_the_fingerprint_of_its_import(root: Path) -> None:
    found = archives(root)
    linked = found[HIGH][1].linker_object
    assert linked is not None
    assert dict(linked.imports)[LOW] == found[LOW][1].fingerprint
    assert len({archive.fingerprint for _, archive in found.values()}) == 3


def test_a_flipped_bit(root: Path, engine: Engine) -> None:
    path, archive = archives(root)[LOW]
    content = bytearray(path.read_bytes())
    content[archive.members[1].offset + 200] ^= 1
    overwrite(path, bytes(content))
    [finding] = found(report_of(root, engine))
    assert (short(finding), finding.path) == ("error modified output", str(path))


def test_forged_export_data(root: Path, engine: Engine) -> None:
    """With the right content part in the build ID, and under its right name."""
    path, archive = archives(root)[LOW]
    [entry] = [one for one in read_contents(str(root)).entries.values() if one.output == path.name[:64]]
    content = path.read_bytes()
    at = content.index(b"original")
    assert at < archive.members[0].offset + archive.members[0].size
    forged = signed(content[:at] + b"0riginal" + content[at + 8 :])
    output = hashlib.sha256(forged).hexdigest()
    (root / output[:2] / f"{output}-d").write_bytes(forged)
    text = (root / entry.action[:2] / f"{entry.action}-a").read_text()
    overwrite(root / entry.action[:2] / f"{entry.action}-a", text.replace(entry.output, output).encode())
    [finding] = found(report_of(root, engine))
    assert finding.path.endswith(f"{output}-d")
    assert "export data has not the fingerprint" in finding.message
