"""The JSON form is a contract: every field, one document, and nothing that a strict parser refuses."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastverify import __version__
from fastverify.report.json import JsonReport, write_document, write_json, write_list
from fastverify.report.model import FileChange, Report, Timings
from tests.report.making import MODIFIED, finding, note, report

REPORT_FIELDS = {
    "schema",
    "fastverify",
    "engine",
    "started",
    "seconds",
    "caches",
    "project",
    "counts",
    "findings",
}
COUNT_FIELDS = {
    "modules",
    "verified",
    "not_verified",
    "zips",
    "trees",
    "files",
    "bytes",
    "by_verdict",
    "by_authority",
}
FINDING_FIELDS = {
    "cache",
    "module",
    "version",
    "verdict",
    "severity",
    "where",
    "action",
    "output",
    "path",
    "authority",
    "expected",
    "actual",
    "files",
    "message",
    "go",
    "hint",
}


#: Documents that JSON's own encoder writes as they are: without lone surrogates.
DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


def written(of: Report) -> str:
    pieces: list[str] = []
    write_json(of, pieces.append)
    return "".join(pieces)


def parsed(of: Report) -> Any:
    return json.loads(written(of))


def test_every_field_is_there() -> None:
    document = parsed(report(finding(), note()))
    assert set(document) >= REPORT_FIELDS
    assert set(document["counts"]) >= COUNT_FIELDS
    assert document["schema"] == "fastverify/1"
    assert document["fastverify"] == __version__
    assert document["engine"] == "pure"
    assert document["complete"] is True
    assert document["caches"] == [{"kind": "modcache", "path": "/go/pkg/mod"}]
    assert len(document["findings"]) == 2
    for one in document["findings"]:
        assert set(one) >= FINDING_FIELDS
    [change] = next(one["files"] for one in document["findings"] if one["verdict"] == "modified")
    assert change == {
        "path": MODIFIED.path,
        "change": "modified",
        "size": 18231,
        "mtime": MODIFIED.mtime,
        "owner": "mallory",
        "mode": "-r--r--r--",
        "expected": "aa" * 32,
        "actual": "bb" * 32,
    }


def test_values_are_those_of_the_model() -> None:
    one = finding()
    [as_json] = parsed(report(one))["findings"]
    for name in FINDING_FIELDS - {"files"}:
        assert as_json[name] == getattr(one, name), name


@pytest.mark.skipif("os.name == 'nt'", reason="names are bytes only on Unix")
def test_a_path_that_is_no_utf8_keeps_its_bytes() -> None:
    odd = b"/go/m\xffd/\xc3\xa4".decode("utf-8", "surrogateescape")
    document = parsed(report(finding(path=odd), caches=[("modcache", odd)]))
    for place in (document["findings"][0], document["caches"][0]):
        assert place["path"] == "/go/m\ufffdd/ä"
        assert bytes.fromhex(place["path_hex"]) == b"/go/m\xffd/\xc3\xa4"
    assert "path_hex" not in parsed(report(finding()))["findings"][0]


def test_a_files_own_bytes_are_kept() -> None:
    change = FileChange("a\ufffd", "extra", path_hex="61ff")
    [one] = parsed(report(finding(files=(change,))))["findings"][0]["files"]
    assert one == {"path": "a\ufffd", "change": "extra", "path_hex": "61ff"}


@pytest.mark.parametrize("hostile", ["\ud800", "x\udfffy", "\udc00\ud800", '"\\\n\x00\u2028', "\U0001f600"])
def test_strict_parsers_take_it(hostile: str) -> None:
    words: dict[str, Any] = dict.fromkeys(("path", "message", "module", "actual", "go", "hint"), hostile)
    whole = report(finding(**words), project={"projects": [hostile], "gosums": []}, not_checked=[hostile])
    whole.counts.by_authority = {hostile: 1}
    text = written(whole)
    assert text.isascii()
    document = json.loads(text)
    # A lone surrogate would not come through this.
    json.dumps(document, ensure_ascii=False).encode("utf-8")
    safe = "".join("\ufffd" if 0xD800 <= ord(char) <= 0xDFFF else char for char in hostile)
    assert document["findings"][0]["message"] == safe
    assert document["project"]["projects"] == [safe]


def test_it_is_one_document_in_pieces() -> None:
    pieces: list[str] = []
    write_json(report(*(note(n) for n in range(2000))), pieces.append)
    assert len(pieces) > 5
    assert pieces[-1].endswith("}\n")
    assert len(json.loads("".join(pieces))["findings"]) == 2000


def test_an_interrupted_check_says_so() -> None:
    assert parsed(report(complete=False))["complete"] is False


@pytest.mark.parametrize("head", [{}, {"schema": "x/1", "nested": {"list": [1]}}])
@pytest.mark.parametrize(
    "members", [[], [{}], [{"path": "a\udcff", "empty": {}}, 2, "z"], [[1], []] * 20_000]
)
def test_a_list_is_written_as_if_it_were_whole(head: dict[str, Any], members: list[Any]) -> None:
    whole: list[str] = []
    write_document({**head, "members": members}, whole.append)
    assert len(members) < 10 or json.loads("".join(whole)) == {**head, "members": members}
    pieces: list[str] = []
    write_list(head, "members", iter(members), pieces.append)
    assert "".join(pieces) == "".join(whole)
    assert max(map(len, pieces)) < 200_000


@given(DOCUMENTS)
def test_the_form_is_that_of_jsons_own_encoder(document: Any) -> None:
    pieces: list[str] = []
    write_document(document, pieces.append)
    assert "".join(pieces) == json.dumps(document, indent=2) + "\n"


@pytest.mark.parametrize("value", [float("nan"), float("inf"), object()])
def test_what_is_no_json_is_refused(value: object) -> None:
    with pytest.raises((TypeError, ValueError)):
        write_document([value], lambda _: None)


@pytest.mark.parametrize("at_once", [1, 2, 7])
@pytest.mark.parametrize("left", [0, 3])
def test_findings_that_come_bit_by_bit_make_the_same_document(at_once: int, left: int) -> None:
    changes = tuple(MODIFIED._replace(path=f"file{number}\udcff") for number in range(1000))
    found = [finding(files=changes), *(note(number) for number in range(20)), finding()]
    whole = report(*found, timings=Timings(1.5, ()))
    parts = report(timings=whole.timings)
    parts.counts = whole.counts
    pieces: list[str] = []
    document = JsonReport(pieces.append)
    for begin in range(0, len(found) - left, at_once):
        parts.findings += found[begin : min(begin + at_once, len(found) - left)]
        document.take(parts)
        assert not parts.findings
    parts.findings += found[len(found) - left :]
    document.end(parts)
    assert "".join(pieces) == written(whole)


@given(st.permutations(range(8)))
def test_the_order_of_the_document_does_not_hang_on_the_order_of_the_work(order: list[int]) -> None:
    of_cache = [note(0, module="", version="", path=f"/go/{name}") for name in ("b", "a")]
    groups = [
        [finding(module="example.com/b"), note(1, module="example.com/b", version="v0.14.0")],
        [finding(module="example.com/b", version="v0.9.0")],
        [finding(module="example.com/a")],
        *([one] for one in of_cache),
        [finding(cache="gocache", module="", version="", path="/build/00/0-d")],
        [finding(cache="gocache", module="", version="", path="/build/00/1-d")],
        [note(2, cache="vendor", module="example.com/a")],
    ]
    pieces: list[str] = []
    document = JsonReport(pieces.append)
    parts = report()
    for number in order:
        parts.take(groups[number])
        document.take(parts)
    document.end(parts)
    found = json.loads("".join(pieces))["findings"]
    expected = [groups[number] for number in (5, 6, 4, 3, 2, 0, 1, 7)]
    assert [(one["cache"], one["module"], one["version"], one["path"], one["verdict"]) for one in found] == [
        (one.cache, one.module, one.version, one.path, one.verdict) for group in expected for one in group
    ]
