"""``make run``: check this machine's own Go module cache, or show a demonstration where there is none."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from fastverify.locate import go_settings


def main() -> int:
    """Run fastverify as a user would; return its exit status."""
    cache = go_settings().gomodcache
    if cache and Path(cache, "cache", "download").is_dir():
        arguments = ["check"]
    else:
        arguments = ["demo"]
        print("There is no Go module cache on this machine, so here is a demonstration.", flush=True)
    return subprocess.run([sys.executable, "-m", "fastverify", *arguments], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
