"""The command line.  ``fastverify.cli:main`` is the installed command.

Nothing heavy is imported before it is known to be needed: ``fastverify --version`` loads neither the
option parser nor an engine.
"""

from __future__ import annotations

import gc
import signal
import sys
from collections.abc import Sequence

_VERSION = frozenset(["--version", "-V"])
_VERBOSE = frozenset(["--verbose", "-v"])


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line `arguments` (this process's own where None).

    Returns the exit status, one of :mod:`fastverify.cli.status`.
    """
    # Until the command is loaded Ctrl-C ends the program without a word, as it does any other.
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    if arguments is None:
        # Most of what this process makes lives as long as it does: it is looked through for garbage seldom.
        gc.set_threshold(10_000)
    words = list(sys.argv[1:] if arguments is None else arguments)
    if words and not _VERSION.isdisjoint(words) and set(words) <= _VERSION | _VERBOSE:
        from fastverify.cli.version import show_version

        return show_version(verbose=not _VERBOSE.isdisjoint(words))
    if arguments is None:
        from fastverify.cli.limits import raise_limits

        raise_limits()
    from fastverify.cli.run import run

    ended = run(words)
    if arguments is None:
        # The process ends now, and need not look through all that it holds for garbage.
        gc.freeze()
    return ended
