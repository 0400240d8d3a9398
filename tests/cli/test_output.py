"""An output file is there whole or not at all."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from fastverify.cli.output import OutputFile, refuse_inside
from fastverify.errors import FastverifyError

unix = pytest.mark.skipif(os.name == "nt", reason="modes, links and fifos are Unix's")


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_nothing_is_seen_before_it_is_whole(tmp_path: Path) -> None:
    target = tmp_path / "report.json"
    target.write_text("before")
    output = OutputFile(str(target))
    output.write("after, ")
    output.write("whole")
    assert target.read_text() == "before"
    output.commit()
    output.discard()
    assert target.read_text() == "after, whole"
    assert names(tmp_path) == {"report.json"}


def test_what_is_discarded_leaves_no_trace(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.write_text("before")
    for target in (kept, tmp_path / "new"):
        output = OutputFile(str(target))
        output.write("half")
        output.discard()
    assert names(tmp_path) == {"kept"}
    assert kept.read_text() == "before"


@unix
def test_modes_are_those_of_a_plain_open(tmp_path: Path) -> None:
    (tmp_path / "private").write_text("")
    (tmp_path / "private").chmod(0o600)
    mask = os.umask(0o027)
    try:
        for name in ("private", "new"):
            output = OutputFile(str(tmp_path / name))
            output.commit()
    finally:
        os.umask(mask)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert modes == {"private": 0o600, "new": 0o640}


@unix
def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    target = tmp_path / "folder" / "target"
    link = tmp_path / "link"
    link.symlink_to(target)
    output = OutputFile(str(link))
    output.write("x")
    output.commit()
    assert link.is_symlink()
    assert target.read_text() == "x"


@unix
def test_a_device_is_written_to(tmp_path: Path) -> None:
    output = OutputFile(os.devnull)
    output.write("x")
    output.commit()
    assert stat.S_ISCHR(os.stat(os.devnull).st_mode)


def test_what_cannot_be_written_is_told_at_once(tmp_path: Path) -> None:
    for target in (tmp_path, tmp_path / "no" / "such" / "folder"):
        with pytest.raises(FastverifyError, match="cannot write") as caught:
            OutputFile(str(target))
        assert str(target) in str(caught.value)
    assert names(tmp_path) == set()


def test_nothing_is_written_into_a_cache(tmp_path: Path) -> None:
    cache = tmp_path / "mod"
    cache.mkdir()
    for inside in (cache / "report.json", cache / "cache" / "x", cache):
        with pytest.raises(FastverifyError, match="inside the cache"):
            refuse_inside(str(inside), [str(tmp_path / "other"), str(cache)])
    refuse_inside(str(tmp_path / "model.json"), [str(cache)])


@unix
def test_nothing_is_written_into_a_cache_through_a_link(tmp_path: Path) -> None:
    cache = tmp_path / "mod"
    cache.mkdir()
    (tmp_path / "link").symlink_to(cache)
    with pytest.raises(FastverifyError, match="inside the cache"):
        refuse_inside(str(tmp_path / "link" / "out"), [str(cache)])
    with pytest.raises(FastverifyError, match="inside the cache"):
        refuse_inside(str(cache / "out"), [str(tmp_path / "link")])


@pytest.mark.skipif(not os.path.exists("/dev/fd"), reason="no /dev/fd here")
def test_a_report_into_a_file_descriptor() -> None:
    """What a shell's ``>(command)`` is."""
    reader, writer = os.pipe()
    sink = OutputFile(f"/dev/fd/{writer}")
    sink.write("all of it")
    sink.commit()
    os.close(writer)
    with os.fdopen(reader) as pipe:
        assert pipe.read() == "all of it"
