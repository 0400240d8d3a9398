"""Makes the small build caches of older Go releases that the tests check, beside this file.

    python tests/gocache/releases/renew.py

The go command fetches each release (GOTOOLCHAIN), which takes the network; the tests take none.
"""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

RELEASES = ("go1.21.13", "go1.22.12", "go1.23.12", "go1.24.11", "go1.25.5")
#: Nothing of the standard library is compiled, and -trimpath leaves out where this was made.
FILES = {
    "go.mod": "module example.com/m\n\ngo 1.21\n",
    "low/low.go": 'package low\n\nconst Word = "original"\n\nfunc Name() string { return Word }\n',
    "high/high.go": 'package high\n\nimport "example.com/m/low"\n\nvar Said = low.Word + low.Name()\n',
    "assembled/a.go": "package assembled\n\nfunc One() int\n",
    "assembled/a_amd64.s": "TEXT \u00b7One(SB), 4, $0-8\n\tMOVQ $1, ret+0(FP)\n\tRET\n",
}


def main() -> None:
    """Write one archive for each release."""
    for release in RELEASES:
        with tempfile.TemporaryDirectory() as folder:
            _write(release, Path(folder))


def _write(release: str, folder: Path) -> None:
    for name, text in FILES.items():
        path = folder / "m" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    cache = folder / "cache"
    settings = {
        "GOCACHE": str(cache),
        "GOTOOLCHAIN": release,
        "GOFLAGS": "-trimpath -buildvcs=false",
        "GOOS": "linux",
        "GOARCH": "amd64",
        "CGO_ENABLED": "0",
    }
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GO")} | settings
    subprocess.run(["go", "build", "./..."], cwd=folder / "m", env=environment, check=True)
    # Indexes name the folders in which they were made.
    for path in [*cache.glob("??/*-d")]:
        if str(folder).encode() in path.read_bytes() or b"go index" in path.read_bytes()[:8]:
            path.unlink()
    for path in [*cache.glob("??/*-a")]:
        output = path.read_text().split()[2]
        if not (cache / output[:2] / f"{output}-d").exists():
            path.unlink()
    target = Path(__file__).parent / f"{release}.tar.gz"
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:gz", format=tarfile.USTAR_FORMAT) as archive:
        for path in sorted(cache.glob("??/*")):
            member = archive.gettarinfo(str(path), arcname=str(path.relative_to(cache)))
            member.uid = member.gid = 0
            member.uname = member.gname = ""
            with path.open("rb") as file:
                archive.addfile(member, file)
    target.write_bytes(data.getvalue())
    shutil.rmtree(cache)
    print(target.name, len(data.getvalue()))


if __name__ == "__main__":
    main()
