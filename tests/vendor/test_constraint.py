"""Which Go files ``go mod vendor`` copies, asked of ``go mod vendor``."""

from __future__ import annotations

import random

import pytest

from fastverify.vendor.constraint import may_be_built
from tests.making.modules import Module
from tests.vendor.conftest import Maker

pytestmark = [pytest.mark.go, pytest.mark.slow]

HEADERS = [
    "",
    "//go:build ignore\n",
    "//go:build !ignore\n",
    "//go:build ignore || linux\n",
    "//go:build ignore && linux\n",
    "//go:build !(ignore || linux)\n",
    "//go:build !(linux && !linux)\n",
    "//go:build linux && !linux\n",
    "//go:build (ignore\n",
    "//go:build !!linux\n",
    "//go:build\n",
    "//go:build linux &\n",
    "//go:build linux windows\n",
    "//go:build a-b\n",
    "//go:buildignore\n",
    "// go:build ignore\n",
    "//go:build\tignore\n",
    "  //go:build ignore\n",
    "//go:build linux\n//go:build windows\n",
    "// Copyright\n\n//go:build ignore\n",
    "/* long\ncomment */\n//go:build ignore\n",
    "/* //go:build ignore */\n",
    "/*\n//go:build ignore\n*/\n",
    "// +build ignore\n",
    "// +build !ignore\n",
    "// +build linux,ignore windows\n",
    "// +build linux,ignore\n",
    "// +build linux\n// +build ignore\n",
    "//+build ignore\n",
    "// +buildx ignore\n",
    "// +build\n",
    "// +build !!linux\n",
    "// +build a-b\n",
    "// +build !a-b\n",
    "// Copyright\n\n// +build ignore\n",
    "//go:build linux\n// +build ignore\n",
    "/* x */\n// +build ignore\n",
    "//go:build ignore\r\n",
]


def test_headers(make: Maker) -> None:
    """A file for each header, with an empty line after it and without."""
    chance = random.Random(3)
    words = ["ignore", "linux", "!", "(", ")", "&&", "||", "!ignore", "cgo"]
    made_up = [f"//go:build {' '.join(chance.choices(words, k=chance.randint(1, 7)))}\n" for _ in range(300)]
    files = {"go.mod": b"module example.com/m\n\ngo 1.20\n", "m.go": b"package m\n"}
    for number, header in enumerate([*HEADERS, *made_up]):
        for gap in ("\n", ""):
            files[f"f{number}{'gap' if gap else 'tight'}.go"] = f"{header}{gap}package m\n".encode()
    # It copies the files, then stops at those whose constraint is malformed.
    made = make([Module("example.com/m", "v1.0.0", files)], ["example.com/m"], begins=True)
    copied = {path.name for path in (made.folder / "example.com/m").iterdir()}
    wrong = [
        (name, content)
        for name, content in files.items()
        if name.endswith(".go") and may_be_built(content) != (name in copied)
    ]
    assert wrong == []
    assert 50 < len(copied) < len(files) - 50
