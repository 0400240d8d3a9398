"""Files that only ``//go:embed`` asks for: what the real go command copies, and nothing else, is missed."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from fastverify.vendor.embeds import embed_patterns
from tests.making.modules import Module
from tests.vendor.conftest import Maker, Vendored

pytestmark = [pytest.mark.go, pytest.mark.slow]

IMPORT = 'package pkg\n\nimport _ "embed"\n\n'
VARIABLE = "\nvar X string\n"


def embedding(directives: str, **more: str) -> Module:
    """A module whose one package lies in ``pkg`` and embeds what the directives say."""
    files = {
        "go.mod": "module example.com/e\n\ngo 1.20\n",
        "pkg/pkg.go": IMPORT + directives + VARIABLE,
        "pkg/data/a.txt": "a",
        "pkg/data/b.txt": "b",
        "pkg/data/.dot.txt": "dot",
        "pkg/data/_under.txt": "under",
        "pkg/data/deep/c.txt": "c",
        "pkg/data/deep/.hidden/d.txt": "d",
        "pkg/data/deep/x[1].txt": "brackets",
        "pkg/data/two words/e.txt": "e",
        "pkg/data/été/f.txt": "f",
        "pkg/other/g.txt": "g",
        "pkg/other/h.go": "package other\n",
        "elsewhere/i.txt": "i",
    } | more
    return Module("example.com/e", "v1.0.0", {name: text.encode() for name, text in files.items()})


DIRECTIVES = {
    "a file": "//go:embed data/a.txt",
    "several": "//go:embed data/a.txt data/b.txt\n//go:embed other/g.txt",
    "a glob": "//go:embed data/*.txt",
    "a glob of folders": "//go:embed */*.txt",
    "a class": "//go:embed data/[a-a]*.t?t",
    "a negated class": "//go:embed data/[^a].txt",
    "brackets": r"//go:embed data/deep/x\[1\].txt",
    "a folder": "//go:embed data",
    "a folder with all in it": "//go:embed all:data",
    "folders": "//go:embed d* all:other",
    "a hidden folder": "//go:embed data/deep/.hidden",
    "a hidden file": "//go:embed data/.dot.txt data/_*",
    "in quotes": '//go:embed "data/two words" `data/deep/c.txt`',
    "escaped": r'//go:embed "data/\u00e9t\u00e9"',
    "Unicode": "//go:embed data/été/*",
    "with tabs": "//go:embed\tdata/a.txt\t  other\t",
    "a Go file": "//go:embed other/h.go",
    "indented": "var (\n\t//go:embed data/a.txt\n\tY string\n)\n",
    "in a function": "func f() {\n\t//go:embed data/a.txt\n}\n",
    "twice": "//go:embed data/a.txt\n//go:embed data/a.txt data",
    # None of these asks for anything.
    "in a comment": "/*\n//go:embed data/a.txt\n*/",
    "in a string": "var S = `\n//go:embed data/a.txt\n`",
    "in a string with quotes": 'var S = "\\"//go:embed data/a.txt"\nvar R = \'"\'\nvar T = "//go:embed x"',
    "after a rune": "var R = '\\''\n\n//go:embed data/a.txt",
    "another directive": "//go:embedded data/a.txt",
    "with a blank": "// go:embed data/a.txt",
    "bad quotes": '//go:embed "data/a.txt',
    "quotes without a blank": '//go:embed "data/a.txt"other',
    "none": "//go:embed",
}


def copied(made: Vendored, module: Module) -> Iterator[Path]:
    """Every file of the module that is in the vendor folder, but for those of the package itself."""
    for path in sorted((made.folder / module.path).rglob("*")):
        if path.is_file() and path.parent != made.folder / module.path / "pkg":
            yield path


def held_to_go(made: Vendored, module: Module) -> set[str]:
    """Nothing is missed in the folder that Go made, and each file that it copied is once it is gone."""
    assert made.findings() == []
    found = set()
    for path in copied(made, module):
        content = path.read_bytes()
        path.unlink()
        name = path.relative_to(made.folder / module.path).as_posix()
        assert made.files() == [(module.path, name, "missing")]
        path.write_bytes(content)
        found.add(name)
    return found


@pytest.mark.parametrize("name", DIRECTIVES)
def test_directives(make: Maker, name: str) -> None:
    module = embedding(DIRECTIVES[name])
    made = make([module], ["example.com/e/pkg"])
    found = held_to_go(made, module)
    asks = list(DIRECTIVES).index(name) < list(DIRECTIVES).index("in a comment") or name == "after a rune"
    assert bool(found) == asks


@pytest.mark.parametrize(
    "directive",
    [
        "data/nothing*",
        "nothing",
        "data/[",
        "../elsewhere/i.txt",
        "data/",
        "/data",
        ".",
        "data/a.txt nothing",
        "data/deep/.hidden/nothing",
    ],
)
def test_patterns_that_go_refuses(make: Maker, directive: str) -> None:
    """It then copies none of the package's embedded files."""
    module = embedding(f"//go:embed data/b.txt {directive}")
    made = make([module], ["example.com/e/pkg"], begins=True)
    assert list(copied(made, module)) == []
    if (made.folder / "modules.txt").exists():
        assert made.findings() == []


@pytest.mark.parametrize("version", ["1.21", "1.22"])
def test_which_files_count(make: Maker, version: str) -> None:
    """Files for tests until Go 1.21, those with constraints always, hidden ones never."""
    module = embedding(
        "",
        **{
            "pkg/test_test.go": IMPORT + "//go:embed data/a.txt" + VARIABLE,
            "pkg/outer_test.go": IMPORT.replace("pkg", "pkg_test") + "//go:embed data/b.txt" + VARIABLE,
            "pkg/only_windows.go": IMPORT + "//go:embed other" + VARIABLE,
            "pkg/gen.go": "//go:build ignore\n\n"
            + IMPORT.replace("pkg", "main")
            + "//go:embed data/deep/c.txt"
            + VARIABLE,
            "pkg/doc.go": IMPORT.replace("pkg", "documentation") + "//go:embed data/_under.txt" + VARIABLE,
            "pkg/_not.go": IMPORT + "//go:embed data/.dot.txt" + VARIABLE,
            "pkg/without.go": "package pkg\n\n//go:embed data/.dot.txt" + VARIABLE,
        },
    )
    made = make([module], ["example.com/e/pkg"], version=version)
    tests = {"data/a.txt", "data/b.txt"} if version == "1.21" else set()
    rest = {"other/g.txt", "other/h.go", "data/deep/c.txt"}
    assert held_to_go(made, module) == {f"pkg/{name}" for name in rest | tests}


def test_modules_within_what_is_embedded(make: Maker) -> None:
    """No module's folder is embedded by another; seen in a folder that replaces one."""
    module = embedding("//go:embed data other")
    files = {f"local/{name}": content.decode() for name, content in module.files.items()}
    files["local/pkg/data/deep/go.mod"] = "module example.com/deep\n"
    files["local/pkg/other/.git/config"] = "none\n"
    made = make(
        [],
        ["example.com/e/pkg"],
        required=[module],
        go_mod=f"replace {module.path} => ./local",
        files=files,
    )
    missed = held_to_go(made, module)
    assert "pkg/data/a.txt" in missed
    assert not any("deep" in name or "git" in name for name in missed)


@pytest.mark.parametrize("directive", ["data/deep", "data/*", "data/deep/c.txt", "other/*", "other/.git"])
def test_what_is_of_no_module_or_another(make: Maker, directive: str) -> None:
    """Where it is asked for by name Go refuses the package's patterns, and copies nothing for them."""
    module = embedding(f"//go:embed data/b.txt {directive}")
    files = {f"local/{name}": content.decode() for name, content in module.files.items()}
    files["local/pkg/data/deep/go.mod"] = "module example.com/deep\n"
    files["local/pkg/other/.git/config"] = "none\n"
    made = make(
        [],
        ["example.com/e/pkg"],
        required=[module],
        go_mod=f"replace {module.path} => ./local",
        files=files,
        begins=True,
    )
    assert list(copied(made, module)) == []
    assert not any(finding.files for finding in made.findings())


def test_in_a_package_at_the_root(make: Maker) -> None:
    module = Module(
        "example.com/e",
        "v1.0.0",
        {
            "go.mod": b"module example.com/e\n",
            "e.go": (IMPORT + "//go:embed data" + VARIABLE).encode(),
            "data/x/y/z.txt": b"z",
            "LICENSE": b"free\n",
        },
    )
    made = make([module], ["example.com/e"])
    assert made.findings() == []
    shutil.rmtree(made.folder / "example.com/e/data")
    assert made.files() == [("example.com/e", "data/x/y/z.txt", "missing")]


def test_other_imports() -> None:
    directive = "\n//go:embed x\nvar X string\n"
    for imports in (
        'import "embed"',
        'import e "embed"',
        'import (\n\t_ `embed`\n\t"fmt"\n)',
        'import ."embed"',
    ):
        assert embed_patterns(f"// Doc.\npackage p // p\n\n{imports}\n{directive}".encode()) == ["x"]
    for imports in ("", 'import "fmt" // "embed"', 'import (\n\t"embed"\n\t"C"\n)', 'var s = "embed"'):
        assert embed_patterns(f"package p\n\n{imports}\n{directive}".encode()) == []
