"""The command line.  ``fastverify.cli:main`` is the installed command.

Nothing heavy is imported before it is known to be needed: ``fastverify --version`` loads neither the
option parser nor an engine.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

_VERSION = frozenset(["--version", "-V"])
_VERBOSE = frozenset(["--verbose", "-v"])


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line `arguments` (this process's own where None); returns the exit status.

    0: nothing at or above the failing severity.  1: there was.  2: the work could not be done.
    130: interrupted.  141: whoever read the output stopped reading.  143: asked to end.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    if words and not _VERSION.isdisjoint(words) and set(words) <= _VERSION | _VERBOSE:
        from fastverify.cli.version import show_version

        show_version(verbose=not _VERBOSE.isdisjoint(words))
        return 0
    from fastverify.cli.run import run

    return run(words)
