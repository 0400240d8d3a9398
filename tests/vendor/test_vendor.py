"""Vendor folders made by the real go command: nothing is found in them, until something is changed."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fastverify import check_module_cache
from fastverify.engine import load_engine
from fastverify.engine.protocol import MAX_DIFFERENCES
from fastverify.modcache.gosum import TrustedSums
from fastverify.report.model import ModuleResult
from fastverify.sumdb.proof import NO_DATABASE
from fastverify.vendor.check import check_vendor
from fastverify.vendor.folder import open_vendor
from tests.making.modules import Module, module, remove, rewrite
from tests.making.spares import spares_asked_for
from tests.making.work import lines_run
from tests.vendor.conftest import Maker, Vendored

pytestmark = [pytest.mark.go, pytest.mark.slow]

OTHER = module("example.com/other", "v0.3.0")
EMBEDDING = b'package pkg\n\nimport _ "embed"\n\n//go:embed data/*.txt all:hidden\nvar X string\n'
#: Everything that ``go mod vendor`` treats in a way of its own.
RICH = Module(
    "example.com/rich",
    "v1.0.0",
    {
        "go.mod": b"module example.com/rich\n\ngo 1.20\n",
        "LICENSE": b"free\n",
        "README.md": b"read me\n",
        "sub/NOTICE": b"note\n",
        "sub/notes.txt": b"not copied: no package lies here\n",
        "sub/pkg/pkg.go": EMBEDDING,
        "sub/pkg/pkg_test.go": b"package pkg\n",
        "sub/pkg/asm_arm64.s": b"// nothing\n",
        "sub/pkg/.hidden": b"hidden\n",
        "sub/pkg/only_windows.go": b"//go:build windows && !linux\n\npackage pkg\n",
        "sub/pkg/gen.go": b"//go:build ignore\n\npackage main\n",
        "sub/pkg/old.go": b"// +build ignore\n\npackage main\n",
        "sub/pkg/data/a.txt": b"a\n",
        "sub/pkg/data/b.dat": b"not embedded\n",
        "sub/pkg/hidden/.x": b"x\n",
        "unused/unused.go": b"package unused\n",
    },
)
OUTER = Module(
    "example.com/nest",
    "v1.0.0",
    {
        "go.mod": b"module example.com/nest\n\ngo 1.20\n",
        "LICENSE": b"outer\n",
        "nest.go": b"package nest\n",
        "deep/a/a.go": b"package a\n",
    },
)
INNER = Module(
    "example.com/nest/deep/inner",
    "v1.0.0",
    {
        "go.mod": b"module example.com/nest/deep/inner\n\ngo 1.20\n",
        "LICENSE": b"inner\n",
        "inner.go": b"package inner\n",
    },
)


def rich(make: Maker, version: str = "1.22") -> Vendored:
    return make([RICH, OTHER], ["example.com/rich/sub/pkg", OTHER.path], version=version)


def nested(make: Maker) -> Vendored:
    return make([OUTER, INNER], ["example.com/nest", "example.com/nest/deep/a", INNER.path])


@pytest.mark.parametrize("version", ["1.22", "1.18", "1.16", "1.13"])
def test_as_go_makes_it(make: Maker, version: str) -> None:
    made = rich(make, version)
    report = made.check()
    assert report.findings == []
    assert report.counts.by_authority == {"gosum": 2}
    assert report.caches == [("vendor", str(made.folder))]
    assert made.complaints_of_go() == []


def test_with_its_project(make: Maker) -> None:
    """The project's vendor folder is checked with the module cache, each module in each."""
    made = rich(make)
    report = made.check(project=True)
    assert report.worst() is None
    assert (report.counts.modules, report.counts.vendored) == (4, 2)
    assert [kind for kind, _ in report.caches] == ["modcache", "vendor"]
    rewrite(made.folder / RICH.path / "sub/pkg/pkg.go", b"package pkg\n")
    report = made.check(project=True)
    assert [(f.cache, f.where, f.authority) for f in report.findings] == [("vendor", "vendor", "gosum")]


def test_spare_workers(make: Maker, monkeypatch: pytest.MonkeyPatch) -> None:
    """More read while a disk makes the others wait, unless the number was asked for."""
    made = rich(make)
    asked = spares_asked_for(made.engine, monkeypatch)
    for threads, expected in ((None, {5}), (2, {0})):
        with check_module_cache(made.folder, engine=made.engine, threads=threads) as check:
            assert len(list(check)) == 2
        assert asked == expected
        asked.clear()


@pytest.mark.parametrize(
    ("name", "damage", "change"),
    [
        ("sub/pkg/pkg.go", lambda path: path.write_bytes(b"package pkg\n"), "modified"),
        ("sub/pkg/data/a.txt", lambda path: path.write_bytes(b"b\n"), "modified"),
        ("LICENSE", lambda path: path.write_bytes(b"pay\n"), "modified"),
        ("sub/NOTICE", lambda path: path.unlink(), "missing"),
        ("LICENSE", lambda path: path.unlink(), "missing"),
        ("sub/pkg/.hidden", lambda path: path.unlink(), "missing"),
        ("sub/pkg/asm_arm64.s", lambda path: path.unlink(), "missing"),
        ("sub/pkg/only_windows.go", lambda path: path.unlink(), "missing"),
        ("sub/pkg/added.go", lambda path: path.write_bytes(b"package pkg\n"), "extra"),
        ("sub/more/added.go", lambda path: path.write_bytes(b"package more\n"), "extra"),
    ],
)
def test_one_change(make: Maker, name: str, damage: Callable[[Path], object], change: str) -> None:
    made = rich(make)
    path = made.folder / RICH.path / name
    path.parent.mkdir(exist_ok=True)
    damage(path)
    assert made.files() == [(RICH.path, name, change)]
    [finding] = made.findings()
    assert (finding.cache, finding.verdict, finding.where) == ("vendor", "modified", "vendor")
    assert finding.path == str(made.folder / RICH.path)
    assert (finding.version, finding.authority) == (RICH.version, "gosum")


def test_a_link_is_no_file(make: Maker, tmp_path: Path) -> None:
    made = rich(make)
    path = made.folder / RICH.path / "sub/pkg/pkg.go"
    (tmp_path / "copy").write_bytes(path.read_bytes())
    path.unlink()
    path.symlink_to(tmp_path / "copy")
    assert made.files() == [(RICH.path, "sub/pkg/pkg.go", "type")]


def test_a_module_is_gone(make: Maker) -> None:
    made = rich(make)
    away = made.root.parent / "away"
    (made.folder / OTHER.path).rename(away)
    [finding] = made.findings()
    assert (finding.module, finding.verdict, finding.severity) == (OTHER.path, "missing", "error")
    (made.folder / OTHER.path).symlink_to(away)
    [finding] = made.findings()
    assert (finding.module, finding.verdict, finding.severity) == (OTHER.path, "modified", "error")


@pytest.mark.parametrize("path", ["../../../etc", "/etc", "example.com/../../x"])
def test_modules_txt_leads_nowhere_else(make: Maker, path: str) -> None:
    """Nothing outside is looked at, whoever wrote modules.txt."""
    made = rich(make)
    file = made.folder / "modules.txt"
    file.write_text(file.read_text() + f"# {path} v1.0.0\n## go 1.20\nexample.com/x\n")
    report = made.check()
    assert [f.message for f in report.findings if f.module == path] == [
        "the vendored files are not compared: no module can have that path"
    ]
    text = f"# example.com/x v1.0.0 => {path}\nexample.com/x/y\n"
    file.write_text(f"# example.com/q v1.0.0\n## go 1.20\n{text}")
    assert not any(f.files for f in made.findings() if f.module == "example.com/x")


def test_files_of_no_module(make: Maker) -> None:
    made = rich(make)
    (made.folder / "example.com/stranger").mkdir()
    (made.folder / "example.com/stranger/x.go").write_text("package x\n")
    (made.folder / "note").write_text("hi\n")
    assert made.files() == [("", "example.com/stranger/x.go", "extra"), ("", "note", "extra")]


def test_modules_within_modules(make: Maker) -> None:
    """A file belongs to the innermost module that has it."""
    made = nested(make)
    assert made.findings() == []
    inner = made.folder / INNER.path
    rewrite(inner / "inner.go", b"package inner // edited\n")
    rewrite(inner / "more.go", b"package inner\n")
    rewrite(made.folder / "example.com/nest/deep/a/a.go", b"package a // edited\n")
    assert made.files() == [
        ("example.com/nest", "deep/a/a.go", "modified"),
        (INNER.path, "inner.go", "modified"),
        (INNER.path, "more.go", "extra"),
    ]


def test_replaced_by_a_module(make: Maker) -> None:
    """The files are held to the replacement."""
    fork = Module("example.com/fork", "v1.4.0", RICH.files)
    made = make(
        [fork, OTHER],
        ["example.com/rich/sub/pkg"],
        required=[RICH],
        go_mod=f"replace {RICH.path} => {fork.path} {fork.version}",
    )
    assert made.findings() == []
    rewrite(made.folder / RICH.path / "LICENSE", b"pay\n")
    assert made.files() == [(fork.path, "LICENSE", "modified")]


def test_replaced_by_a_folder(make: Maker) -> None:
    """Nothing vouches for a folder, but the copies can be compared with it."""
    made = make(
        [OTHER],
        ["example.com/rich/sub/pkg", OTHER.path],
        required=[RICH, OTHER],
        go_mod=f"replace {RICH.path} => ./local",
        files={f"local/{name}": content.decode() for name, content in RICH.files.items()},
    )
    report = made.check()
    assert [f for f in report.findings if f.severity != "note"] == []
    assert (report.counts.verified, report.counts.not_verified_by_reason) == (1, {"untracked": 1})
    vendored = made.folder / RICH.path / "sub/pkg"
    rewrite(vendored / "pkg.go", b"package pkg\n")
    rewrite(vendored / "added.go", b"package pkg\n")
    (vendored / ".hidden").unlink()
    assert made.files() == [
        (RICH.path, "sub/pkg/.hidden", "missing"),
        (RICH.path, "sub/pkg/added.go", "extra"),
        (RICH.path, "sub/pkg/pkg.go", "modified"),
    ]


def test_the_zip_is_not_there(make: Maker) -> None:
    """What cannot be compared is not verified, and said so."""
    made = rich(make)
    remove(made.cache.places(RICH).zip)
    [finding] = made.findings()
    assert (finding.verdict, finding.severity, finding.module) == ("untracked", "warning", RICH.path)
    assert made.check().counts.not_verified_by_reason == {"untracked": 1}


def test_a_version_that_neither_cache_nor_go_sum_has(make: Maker) -> None:
    """Who writes it into modules.txt may put anything into the folder; go 1.16 does not mind."""
    made = rich(make, "1.16")
    txt = made.folder / "modules.txt"
    txt.write_text(txt.read_text().replace(f"# {RICH.path} {RICH.version}", f"# {RICH.path} v1.99.77"))
    [finding] = [finding for finding in made.findings() if finding.module == RICH.path]
    assert (finding.verdict, finding.severity, finding.version) == ("untracked", "error", "v1.99.77")
    assert "no go.sum has v1.99.77" in finding.message
    # Without a go.sum nobody can know.
    (made.root / "go.sum").unlink()
    [finding] = [finding for finding in made.findings() if finding.module == RICH.path]
    assert finding.severity == "warning"


def test_a_module_that_is_not_compared_speaks_for_no_other(make: Maker) -> None:
    """Its path begins that of another module, whose files lie below its folder."""
    made = nested(make)
    remove(made.cache.places(OUTER).zip)
    assert made.files() == []
    inner = made.folder / INNER.path
    rewrite(inner / "inner.go", b"package inner // changed\n")
    (inner / "evil.go").write_bytes(b"package inner\n\nfunc init() {}\n")
    assert made.files() == [(INNER.path, "evil.go", "extra"), (INNER.path, "inner.go", "modified")]


def test_a_module_that_is_not_compared_claims_no_package_of_another(make: Maker) -> None:
    """Go compiles the file, whoever modules.txt says that the package is of."""
    made = nested(make)
    txt = made.folder / "modules.txt"
    above = INNER.path.partition("/")[0]
    txt.write_text(txt.read_text() + f"# {above} v0.0.1\n{INNER.path}\n")
    assert made.files() == []
    (made.folder / INNER.path / "evil.go").write_bytes(b"package inner\n\nfunc init() {}\n")
    assert made.files() == [(INNER.path, "evil.go", "extra")]


def test_files_of_an_inner_module_that_is_not_compared(make: Maker) -> None:
    made = nested(make)
    remove(made.cache.places(INNER).zip)
    assert made.files() == []


def test_a_long_file_is_missed(make: Maker) -> None:
    long = b"package rich\n\n//" + b"x" * (2 << 20) + b"\n"
    made = make([Module(RICH.path, "v1.0.0", {"go.mod": RICH.files["go.mod"], "long.go": long})], [RICH.path])
    remove(made.folder / RICH.path / "long.go")
    assert made.files() == [(RICH.path, "long.go", "missing")]


def test_a_module_of_which_very_many_files_are_not_vendored(make: Maker) -> None:
    """What was changed, and what is gone, is told as if those were not there."""
    left_out = {f"a/{number}.txt": b"" for number in range(MAX_DIFFERENCES + 5)}
    files = {"z/z.go": b"package z\n", "z/y.go": b"package z\n", "z/x.go": b"package z\n", **left_out}
    module = Module(RICH.path, "v1.0.0", {"go.mod": RICH.files["go.mod"], **files})
    made = make([module], [f"{RICH.path}/z"])
    assert made.files() == []
    folder = made.folder / RICH.path / "z"
    (folder / "z.go").write_bytes(b"package z // changed\n")
    remove(folder / "y.go")
    assert made.files() == [(RICH.path, "z/y.go", "missing"), (RICH.path, "z/z.go", "modified")]


def test_a_module_of_very_many_files_within_another(make: Maker) -> None:
    """To the outer one all of them are more than it should have."""
    outer = module("example.com/outer", "v1.0.0")
    files = {f"f{number:06}.go": b"package inner\n" for number in range(MAX_DIFFERENCES + 5)}
    go_mod = b"module example.com/outer/inner\n\ngo 1.20\n"
    inner = Module("example.com/outer/inner", "v1.0.0", {"go.mod": go_mod, **files})
    made = make([outer, inner], [outer.path, inner.path])
    assert made.files() == []
    last = max(files)
    (made.folder / inner.path / last).write_bytes(b"package inner // changed\n")
    (made.folder / outer.path / "zz.go").write_bytes(b"package outer\n")
    assert made.files() == [(outer.path, "zz.go", "extra"), (inner.path, last, "modified")]


def test_folders_that_nobody_can_list(make: Maker) -> None:
    """Nested deeper than a path can be long."""
    made = rich(make)
    before = os.open(made.folder, os.O_RDONLY)
    here = os.open(".", os.O_RDONLY)
    try:
        os.fchdir(before)
        for _ in range(30):
            os.mkdir("d" * 200)
            os.chdir("d" * 200)
        Path("evil.go").write_bytes(b"package evil\n")
    finally:
        os.fchdir(here)
        os.close(before)
        os.close(here)
    (finding,) = made.findings()
    assert (finding.verdict, finding.severity, finding.where) == ("unreadable", "error", "vendor")
    shutil.rmtree(made.folder / ("d" * 200))


def test_the_zip_is_damaged(make: Maker) -> None:
    """A zip that go.sum does not know is no authority."""
    made = rich(make)
    forged = Module(RICH.path, RICH.version, {**RICH.files, "LICENSE": b"pay\n"})
    rewrite(made.cache.places(RICH).zip, forged.zip)
    rewrite(made.cache.places(RICH).ziphash, forged.h1.encode())
    rewrite(made.folder / RICH.path / "LICENSE", b"pay\n")
    [finding] = made.findings()
    assert (finding.verdict, finding.severity) == ("unreadable", "error")
    assert "not compared" in finding.message


def test_workspace(make: Maker) -> None:
    made = rich(make)
    shutil.rmtree(made.folder)
    work = made.root.parent
    (work / "go.work").write_text("go 1.22\n\nuse ./project\n")
    whole = Vendored(made.go, made.engine, made.cache, work, made.monkeypatch, workspace=True)
    whole.vendor()
    assert whole.findings() == []
    rewrite(whole.folder / RICH.path / "LICENSE", b"pay\n")
    assert whole.files() == [(RICH.path, "LICENSE", "modified")]
    (work / "go.work").write_text(
        f"go 1.22\n\nuse ./project\n\nreplace {RICH.path} => example.com/x v1.0.0\n"
    )
    assert told(whole) == whole.complaints_of_go() != []


def told(made: Vendored) -> list[str]:
    return [f.message for f in made.findings() if f.verdict == "malformed"]


@pytest.mark.parametrize("version", ["1.22", "1.13"])
@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("\texample.com/other v0.3.0\n", ""),
        lambda text: text.replace("example.com/other v0.3.0", "example.com/other v0.4.0"),
        lambda text: text + "\nrequire example.com/third v1.0.0\n",
        lambda text: text + "\nreplace example.com/other => example.com/third v1.0.0\n",
        lambda text: text + "\nreplace example.com/other v0.3.0 => ./here\n",
        lambda text: text + "\nreplace example.com/unused => ./here\n",
    ],
)
def test_go_mod_has_changed(make: Maker, change: Callable[[str], str], version: str) -> None:
    """What is inconsistent is told in Go's words, all of it."""
    made = rich(make, version)
    file = made.root / "go.mod"
    file.write_text(change(file.read_text()))
    complaints = made.complaints_of_go()
    assert told(made) == complaints
    if version == "1.22":
        assert complaints


def test_modules_txt_has_changed(make: Maker) -> None:
    made = make(
        [RICH, OTHER],
        ["example.com/rich/sub/pkg", OTHER.path],
        go_mod="replace example.com/unused => ./here",
        files={"here/go.mod": "module example.com/unused\n"},
    )
    file = made.folder / "modules.txt"
    text = file.read_text()
    assert told(made) == []
    for changed in (
        text.replace("## explicit", "##", 1),
        text.replace("=> ./here", "=> ./there"),
        text + "# example.com/more v1.0.0 => example.com/other v0.3.0\n",
        text.replace("# example.com/other v0.3.0", "# example.com/other v0.4.0"),
        text + "# example.com/more v1.0.0\n## explicit\nexample.com/more\n",
    ):
        file.write_text(changed)
        assert told(made) == made.complaints_of_go() != []


def test_no_modules_txt(make: Maker) -> None:
    made = rich(make)
    (made.folder / "modules.txt").unlink()
    [finding] = made.findings()
    assert (finding.verdict, finding.where, finding.severity) == ("missing", "vendor", "error")
    made.folder.joinpath("modules.txt").mkdir()
    [finding] = made.findings()
    assert finding.verdict == "unreadable"


def test_without_a_project(make: Maker) -> None:
    """A vendor folder that lies somewhere else is compared all the same."""
    made = rich(make)
    elsewhere = made.root.parent / "elsewhere" / "third_party"
    shutil.copytree(made.folder, elsewhere)
    alone = Vendored(made.go, made.engine, made.cache, elsewhere.parent, made.monkeypatch)
    elsewhere.rename(alone.folder)
    report = alone.check()
    assert report.findings == []
    assert report.counts.by_authority == {"ziphash": 2}
    os.rename(alone.folder / RICH.path / "LICENSE", alone.folder / RICH.path / "LICENCE")
    assert alone.files() == [(RICH.path, "LICENCE", "extra"), (RICH.path, "LICENSE", "missing")]


def test_work_grows_with_the_packages_and_no_faster(make: Maker) -> None:
    """However many packages modules.txt names, files are added, and files for embedding are missing."""

    def work(packages: int) -> int:
        many = Module(
            f"example.com/many{packages}",
            "v1.0.0",
            {
                "go.mod": f"module example.com/many{packages}\n".encode(),
                **{f"p{number}/a.go": b"package a\n" for number in range(packages)},
                **{f"p{number}/below/a.txt": b"a\n" for number in range(packages)},
            },
        )
        made.cache.add(many, parts=["mod", "zip", "ziphash"])
        shutil.rmtree(made.folder, ignore_errors=True)
        for number in range(packages):
            package = made.folder / many.path / f"p{number}"
            package.mkdir(parents=True)
            (package / "a.go").write_bytes(b"package a\n")
            (made.folder / many.path / "p0" / f"added{number}.go").write_bytes(b"package a\n")
        text = "".join(f"{many.path}/p{number}\n" for number in range(packages))
        (made.folder / "modules.txt").write_text(f"# {many.path} {many.version}\n## explicit\n{text}")
        return lines_run(lambda: list(open_and_check()))

    def open_and_check() -> Iterator[ModuleResult]:
        folder = open_vendor(str(made.folder))
        root = str(made.cache.root)
        engine = load_engine(made.engine)
        found = check_vendor(
            folder, root=root, sums=TrustedSums(), database=NO_DATABASE, engine=engine, threads=1
        )
        for result in found:
            yield result
            reported.append(result)

    reported: list[ModuleResult] = []
    made = make([OTHER], [OTHER.path])
    work(5)
    assert work(240) < 2.05 * work(120)
    assert [len(change.files) for result in reported for change in result.findings if change.files] == [
        5,
        240,
        120,
    ]
