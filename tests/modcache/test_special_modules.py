"""Modules that the go command treats in ways of their own: no false alarm on them, and none missed."""

from __future__ import annotations

import os
import stat
import subprocess
from pathlib import Path

import pytest

from fastverify.engine.protocol import Engine
from tests.making.go import Go
from tests.making.modules import Module, ModuleCache, Project, module, rewrite
from tests.making.world import Expected, as_expected, check

pytestmark = pytest.mark.usefixtures("nobody_else")

TOOLCHAIN = Module(
    "golang.org/toolchain",
    "v0.0.1-go1.25.1.linux-amd64",
    {
        "VERSION": b"go1.25.1\n",
        "bin/go": b"\x7fELF go",
        "pkg/tool/linux_amd64/compile": b"\x7fELF compile",
        "lib/wasm/go_js_wasm_exec": b"#!/bin/sh\n",
        "src/_go.mod": b"module std\n",
        "src/cmd/_go.mod": b"module cmd\n",
        "src/fmt/print.go": b"package fmt\n",
    },
)
#: What is in the zip of a toolchain, and made executable on its first use.
EXECUTABLE = ("bin/go", "pkg/tool/linux_amd64/compile", "lib/wasm/go_js_wasm_exec")


def toolchain_in_use(root: Path) -> ModuleCache:
    """A cache with a toolchain as ``cmd/go/internal/toolchain`` leaves it on its first use."""
    cache = ModuleCache(root)
    cache.add(TOOLCHAIN, parts=("zip", "ziphash", "lock", "tree"))
    tree = cache.places(TOOLCHAIN).tree
    for name in EXECUTABLE:
        (tree / name).chmod(0o555)
    for folder in ("src", "src/cmd"):
        rewrite(tree / folder / "go.mod", (tree / folder / "_go.mod").read_bytes())
        (tree / folder / "go.mod").chmod(0o644)
    return cache


class TestToolchain:
    def test_no_alarm(self, engine: Engine, tmp_path: Path) -> None:
        cache = toolchain_in_use(tmp_path / "cache")
        outcome = check(cache.root, engine=engine.name)
        assert outcome.findings == []
        assert outcome.report.counts.by_authority == {"ziphash": 1}

    @pytest.mark.parametrize(
        ("name", "content", "change"),
        [
            ("src/fmt/print.go", b"package fmt // edited\n", "modified"),
            ("bin/go", b"\x7fELF gone", "modified"),
            ("bin/gofmt", b"\x7fELF", "extra"),
            ("src/go.mod", b"module other\n", "extra"),
            ("src/fmt/go.mod", b"module std\n", "extra"),
        ],
    )
    def test_an_edit_is_found(
        self, engine: Engine, tmp_path: Path, name: str, content: bytes, change: str
    ) -> None:
        cache = toolchain_in_use(tmp_path / "cache")
        rewrite(cache.places(TOOLCHAIN).tree / name, content)
        (finding,) = check(cache.root, engine=engine.name).report.findings
        assert (finding.verdict, finding.where, finding.severity) == ("modified", "dir", "error")
        assert finding.authority == "ziphash"
        assert [(file.path, file.change) for file in finding.files] == [(name, change)]

    def test_an_edit_of_both_copies_of_a_go_mod_is_found(self, engine: Engine, tmp_path: Path) -> None:
        cache = toolchain_in_use(tmp_path / "cache")
        for name in ("src/_go.mod", "src/go.mod"):
            rewrite(cache.places(TOOLCHAIN).tree / name, b"module std // edited\n")
        (finding,) = check(cache.root, engine=engine.name).report.findings
        assert finding.verdict == "modified"
        assert [(file.path, file.change) for file in finding.files] == [("src/_go.mod", "modified")]

    def test_a_setuid_bit_is_found(self, engine: Engine, tmp_path: Path) -> None:
        cache = toolchain_in_use(tmp_path / "cache")
        program = cache.places(TOOLCHAIN).tree / "bin/go"
        program.chmod(0o4555)
        (finding,) = check(cache.root, engine=engine.name).report.findings
        assert (finding.verdict, finding.severity) == ("warning", "warning")
        assert [(file.path, file.change) for file in finding.files] == [("bin/go", "mode")]
        # The hint takes away that bit alone.
        subprocess.run(["sh", "-c", finding.hint.partition("\n")[2]], check=True)
        assert stat.S_IMODE(program.stat().st_mode) == 0o555
        assert check(cache.root, engine=engine.name).findings == []


class TestFips140:
    """Unpacked from the Go installation; Go records no hash of it."""

    MODULE = Module("golang.org/fips140", "v1.0.0", {"fips140/v1.0.0/sha256/sha256.go": b"package sha256\n"})

    def test_it_is_a_note(self, engine: Engine, tmp_path: Path) -> None:
        cache = ModuleCache(tmp_path / "cache")
        cache.add(self.MODULE, parts=("lock", "tree"))
        outcome = check(cache.root, engine=engine.name)
        (finding,) = outcome.report.findings
        assert (finding.verdict, finding.severity, finding.where) == ("untracked", "note", "dir")
        assert finding.path == str(cache.places(self.MODULE).tree)
        assert outcome.report.counts.not_verified_by_reason == {"untracked": 1}

    @pytest.mark.go
    @pytest.mark.slow
    def test_as_the_go_command_unpacks_it(self, engine: Engine, go: Go, tmp_path: Path) -> None:
        goroot = go.run("env", "GOROOT", modcache=tmp_path / "cache", cwd=tmp_path).stdout.strip()
        snapshots = sorted(Path(goroot, "lib", "fips140").glob("v*.zip"))
        assert snapshots, "this Go has no snapshot of its FIPS 140 module"
        project = tmp_path / "project"
        project.mkdir()
        (project / "go.mod").write_text("module example.org/fips\n\ngo 1.24\n")
        (project / "fips.go").write_text('package fips\n\nimport _ "crypto/sha256"\n')
        settings = {"GOFIPS140": snapshots[-1].stem}
        done = go.run("build", "./...", modcache=tmp_path / "cache", cwd=project, settings=settings)
        assert done.returncode == 0, done.stderr
        outcome = check(tmp_path / "cache", engine=engine.name)
        assert [(f.module, f.verdict, f.severity) for f in outcome.report.findings] == [
            ("golang.org/fips140", "untracked", "note")
        ]


class TestDirectoryEntries:
    """A zip with entries for directories always fails `go mod verify` (golang/go#53448); here it is whole."""

    MODULE = module("example.com/listed", "v1.0.0", directories=("testdata", "internal/none"))

    def world(self, folder: Path) -> tuple[ModuleCache, Project]:
        cache = ModuleCache(folder / "cache")
        cache.add(self.MODULE)
        return cache, Project.make(folder / "project", [self.MODULE])

    def test_no_alarm(self, engine: Engine, tmp_path: Path) -> None:
        cache, project = self.world(tmp_path)
        for projects, authority in (((), "ziphash"), ((project.root,), "gosum")):
            outcome = check(cache.root, engine=engine.name, projects=projects)
            assert outcome.findings == []
            assert outcome.report.counts.by_authority == {authority: 1}

    def test_an_edit_is_found(self, engine: Engine, tmp_path: Path) -> None:
        cache, _ = self.world(tmp_path)
        rewrite(cache.places(self.MODULE).tree / "LICENSE", b"None.\n")
        (finding,) = check(cache.root, engine=engine.name).report.findings
        assert (finding.verdict, finding.where) == ("modified", "dir")
        assert [(file.path, file.change) for file in finding.files] == [("LICENSE", "modified")]

    @pytest.mark.go
    def test_go_mod_verify_complains(self, go: Go, tmp_path: Path) -> None:
        cache, project = self.world(tmp_path)
        done = go.run("mod", "verify", modcache=cache.root, cwd=project.root)
        assert done.returncode == 1
        assert "dir has been modified" in done.stderr


ODD_NAMES = [
    module("example.com/Capital/LETTERS", "v0.1.0"),
    module("example.com/old", "v2.0.1+incompatible"),
    module("example.com/old", "v3.0.0+incompatible"),
    module("example.com/major", "v1.9.0"),
    module("example.com/major/v3", "v3.0.0-rc.1"),
    module("example.com/major/v3", "v3.0.0-RC.2"),
    module("example.com/major/sub", "v0.0.1"),
    module("gopkg.in/dotted.v2", "v2.4.0"),
    module("gopkg.in/dotted.v1", "v0.0.0-20200102030405-0123456789ab"),
    module("gopkg.in/person/unstable.v0-unstable", "v0.1.0"),
    module("example.com/pseudo", "v0.0.0-20240102030405-0123456789ab"),
    module("example.com/pseudo", "v1.2.4-0.20240102030405-0123456789ab"),
    module("example.com/a..b/c~d/~", "v1.0.0"),
    module("example.com/bare", "v1.0.0", {"bare.go": b"package bare\n"}),
    module("example.com/nothing", "v1.0.0", {}),
    module("example.com/v", "v1.0.0"),
    module("example.com/at", "v1.0.0"),
    module("example.com/names", "v1.0.0", {"日本/é.go": b"x", "a b/c": b"y", "sub/vendor/x/y.go": b"z"}),
]


@pytest.mark.parametrize("umask", [0o022, 0o077, 0o002])
def test_odd_names_and_modes_are_no_alarm(engine: Engine, tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        cache = ModuleCache(tmp_path / "cache")
        cache.add(*ODD_NAMES)
    finally:
        os.umask(before)
    gosum = tmp_path / "go.sum"
    gosum.write_text("".join(each.sums for each in ODD_NAMES))
    for gosums in ([], [gosum]):
        outcome = check(cache.root, engine=engine.name, gosums=gosums)
        assert outcome.findings == []
        assert {(r.module, r.version) for r in outcome.results} == {(m.path, m.version) for m in ODD_NAMES}
        counts = outcome.report.counts
        assert counts.verified == counts.zips == counts.trees == counts.mods == len(ODD_NAMES)
        assert counts.files == sum(len(m.files) for m in ODD_NAMES)
        assert counts.by_authority == {"gosum" if gosums else "ziphash": len(ODD_NAMES)}


def test_each_odd_name_is_told_apart(engine: Engine, tmp_path: Path) -> None:
    """Damage in every one of them is found in that one, under its true name."""
    cache = ModuleCache(tmp_path / "cache")
    cache.add(*ODD_NAMES)
    for each in ODD_NAMES:
        rewrite(cache.places(each).tree / "added", each.prefix)
    found = {(f.module, f.version): f for f in check(cache.root, engine=engine.name).report.findings}
    assert set(found) == {(each.path, each.version) for each in ODD_NAMES}
    for each in ODD_NAMES:
        assert as_expected(found[each.path, each.version]) == Expected(
            "modified",
            "dir",
            authority="ziphash",
            files=(("added", "extra"),),
            path=str(cache.places(each).tree),
            module=each.path,
            version=each.version,
        )


class TestVersionsWithoutAZip:
    """Most versions in a real cache: only their go.mod was ever fetched."""

    MODULE = module("example.com/only", "v1.0.0")

    @pytest.fixture
    def cache(self, tmp_path: Path) -> ModuleCache:
        return ModuleCache(tmp_path / "cache")

    def gosum(self, tmp_path: Path) -> Path:
        path = tmp_path / "go.sum"
        path.write_text(f"{self.MODULE.path} {self.MODULE.version}/go.mod {self.MODULE.mod_h1}\n")
        return path

    def of(self, **fields: str) -> Expected:
        return Expected(module=self.MODULE.path, version=self.MODULE.version, **fields)  # type: ignore[arg-type]

    def test_without_an_authority(self, engine: Engine, cache: ModuleCache) -> None:
        cache.add(self.MODULE, parts=("info", "mod"))
        outcome = check(cache.root, engine=engine.name)
        path = str(cache.places(self.MODULE).mod)
        assert outcome.findings == [self.of(verdict="untracked", where="mod", severity="note", path=path)]
        assert outcome.report.counts.not_verified_by_reason == {"untracked": 1}

    def test_with_a_line_of_go_sum(self, engine: Engine, cache: ModuleCache, tmp_path: Path) -> None:
        cache.add(self.MODULE, parts=("info", "mod"))
        outcome = check(cache.root, engine=engine.name, gosums=[self.gosum(tmp_path)])
        assert outcome.findings == []
        assert outcome.report.counts.by_authority == {"gosum": 1}

    def test_edited(self, engine: Engine, cache: ModuleCache, tmp_path: Path) -> None:
        cache.add(self.MODULE, parts=("mod",))
        mod = cache.places(self.MODULE).mod
        rewrite(mod, b"module example.com/other\n")
        outcome = check(cache.root, engine=engine.name, gosums=[self.gosum(tmp_path)])
        assert outcome.findings == [
            self.of(verdict="modified", where="mod", authority="gosum", path=str(mod))
        ]

    def test_only_its_info(self, engine: Engine, cache: ModuleCache) -> None:
        cache.add(self.MODULE, parts=("info",))
        path = str(cache.places(self.MODULE).info)
        outcome = check(cache.root, engine=engine.name)
        assert outcome.findings == [self.of(verdict="untracked", where="info", severity="note", path=path)]

    def test_only_a_lock(self, engine: Engine, cache: ModuleCache) -> None:
        cache.add(self.MODULE, parts=("lock",))
        outcome = check(cache.root, engine=engine.name)
        assert outcome.errors_and_warnings() == []
        assert outcome.report.counts.verified == 0

    def test_only_a_ziphash(self, engine: Engine, cache: ModuleCache) -> None:
        """As a download leaves it that was killed just before its end."""
        cache.add(self.MODULE, parts=("info", "mod", "ziphash", "lock"))
        outcome = check(cache.root, engine=engine.name, gosums=[self.gosum(cache.root.parent)])
        path = str(cache.places(self.MODULE).zip)
        assert self.of(verdict="missing", where="zip", severity="warning", path=path) in outcome.findings
        assert outcome.report.worst() == "warning"


def test_a_go_mod_made_up_for_a_module_without_one(engine: Engine, tmp_path: Path) -> None:
    bare = module("example.com/bare", "v1.0.0", {"bare.go": b"package bare\n"})
    cache = ModuleCache(tmp_path / "cache")
    cache.add(bare)
    mod = cache.places(bare).mod
    rewrite(mod, b"module example.com/bare\n\nrequire example.com/evil v1.0.0\n")
    (finding,) = check(cache.root, engine=engine.name).report.findings
    assert (finding.verdict, finding.where, finding.authority) == ("modified", "mod", "zip")
    assert (finding.expected, finding.path) == (bare.mod_h1, str(mod))


def test_a_zip_that_go_would_not_extract(engine: Engine, tmp_path: Path) -> None:
    """Its hash is right by every record, yet its names break Go's rules."""
    odd = Module(
        "example.com/odd", "v1.0.0", {"go.mod": b"module example.com/odd\n", "a.go": b"x", "A.go": b"y"}
    )
    cache = ModuleCache(tmp_path / "cache")
    cache.add(odd, parts=("info", "mod", "zip", "ziphash", "lock"))
    findings = check(cache.root, engine=engine.name).findings
    places = cache.places(odd)
    assert findings == sorted(
        [
            Expected("malformed", "zip", "error", "ziphash", (), str(places.zip), odd.path, odd.version),
            Expected("missing", "dir", "warning", "", (), str(places.tree), odd.path, odd.version),
        ],
        key=str,
    )
