"""``python -m fastverify``: the same as the command ``fastverify``."""

from fastverify.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
