"""fastverify: is every byte in Go's module cache what it should be, and if not, which file is not?

The public API::

    from fastverify import check_module_cache, hash_zip

    with check_module_cache("/go/pkg/mod", projects=["./svc"]) as check:
        for module in check:
            for finding in module.findings:
                print(finding.module, finding.message)
    print(check.report.counts.verified)

    hash_zip("text-v0.14.0.zip")  # "h1:…", as go.sum has it

Each name is imported when it is first used, so that ``import fastverify`` costs nothing.
"""

from __future__ import annotations

# Type checkers know this name; typing itself takes long to import.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from fastverify.checking import CacheCheck, check_caches
    from fastverify.errors import EngineError, FastverifyError, HashError
    from fastverify.hashing import hash_dir, hash_files, hash_go_mod, hash_zip
    from fastverify.modcache.begin import check_module_cache
    from fastverify.modcache.check import Check
    from fastverify.report.model import BuildResult, FileChange, Finding, ModuleResult, Report

__version__ = "0.1.0"

__all__ = [
    "BuildResult",
    "CacheCheck",
    "Check",
    "EngineError",
    "FastverifyError",
    "FileChange",
    "Finding",
    "HashError",
    "ModuleResult",
    "Report",
    "__version__",
    "check_caches",
    "check_module_cache",
    "hash_dir",
    "hash_files",
    "hash_go_mod",
    "hash_zip",
]

_HOMES = {
    "BuildResult": "fastverify.report.model",
    "CacheCheck": "fastverify.checking",
    "Check": "fastverify.modcache.check",
    "EngineError": "fastverify.errors",
    "FastverifyError": "fastverify.errors",
    "FileChange": "fastverify.report.model",
    "Finding": "fastverify.report.model",
    "HashError": "fastverify.errors",
    "ModuleResult": "fastverify.report.model",
    "Report": "fastverify.report.model",
    "check_caches": "fastverify.checking",
    "check_module_cache": "fastverify.modcache.begin",
    "hash_dir": "fastverify.hashing",
    "hash_files": "fastverify.hashing",
    "hash_go_mod": "fastverify.hashing",
    "hash_zip": "fastverify.hashing",
}


def __getattr__(name: str) -> object:
    """Import a public name from its home, once (PEP 562)."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value: object = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
