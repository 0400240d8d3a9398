"""GOFLAGS, as ``go mod verify`` takes it: ``cmd/go/internal/base/goflags.go``."""

from __future__ import annotations

from fastverify.gomod.quoting import quote
from fastverify.goverify.refusal import RefusedError
from fastverify.locate import current_platform, split_quoted

_BLANKS = " \t\n\r"
_USAGE = "usage: go mod verify\nRun 'go help mod verify' for details."
#: What ``strconv.ParseBool`` takes.
_BOOLEANS = frozenset(["1", "t", "T", "true", "TRUE", "True", "0", "f", "F", "false", "FALSE", "False"])

_FLAGS = """
    C a artifacts asan asmflags bench benchmem benchtime blockprofile blockprofilerate buildmode buildvcs c
    cache changed compat compiled compiler count cover covermode coverpkg coverprofile cpu cpuprofile d
    debug-actiongraph debug-runtime-trace debug-trace deps diff dropexclude dropgodebug dropignore dropreplace
    droprequire dropretract droptool dropuse e exclude exec export f failfast find fix fixtool fmt fullpath
    fuzz fuzzcache fuzzminimizetime fuzztime gccgoflags gcflags go godebug i ignore insecure installsuffix
    json ldflags linkshared list m memprofile memprofilerate mod modcache modcacherw modfile module msan
    mutexprofile mutexprofilefraction n o outputdir overlay p parallel pgo pkgdir print r race replace require
    retract retracted reuse run short shuffle skip t tags test test.artifacts test.bench test.benchmem
    test.benchtime test.blockprofile test.blockprofilerate test.count test.coverprofile test.cpu
    test.cpuprofile test.failfast test.fullpath test.fuzz test.fuzzminimizetime test.fuzztime test.list
    test.memprofile test.memprofilerate test.mutexprofile test.mutexprofilefraction test.outputdir
    test.parallel test.run test.short test.shuffle test.skip test.timeout test.trace test.v testcache timeout
    tool toolchain toolexec trace trimpath u use v vendor versions vet vettool w work x
    """
#: Every flag that any command of Go has: others are refused, these are passed over where a command has
#: not got them.
KNOWN = frozenset(_FLAGS.split())


def check_goflags(goflags: str) -> None:
    """Raise RefusedError in Go's words where ``go mod verify`` does not take the value `goflags`."""
    quoted = _unterminated(goflags)
    if quoted:
        raise RefusedError(f"go: parsing $GOFLAGS: unterminated {quoted} string")
    flags = split_quoted(goflags)
    for flag in flags:
        name = flag.removeprefix("-").removeprefix("-")
        if not flag.startswith("-") or name[:1] in ("", "-", "="):
            raise RefusedError(f"go: parsing $GOFLAGS: non-flag {quote(flag)}")
        name = name.partition("=")[0]
        if name not in KNOWN:
            raise RefusedError(f"go: parsing $GOFLAGS: unknown flag -{name}")
    where = "%GOFLAGS%" if current_platform() == "windows" else "$GOFLAGS"
    for flag in flags:
        name, equals, value = flag.partition("=")
        name = name.removeprefix("-").removeprefix("-")
        words = _refused_value(name, value if equals else None)
        if words:
            raise RefusedError(f"go: {words[0]} (from {where}){words[1]}\n{_USAGE}", 2)


def _refused_value(name: str, value: str | None) -> tuple[str, str] | None:
    """What is wrong with one of the flags that the command has."""
    if name == "modcacherw" and value is not None and value not in _BOOLEANS:
        return f"invalid boolean value {quote(value)} for flag -{name}", ": parse error"
    if name in ("C", "modfile", "overlay") and value is None:
        return f"flag needs an argument: -{name}", ""
    if name == "C" and value is not None:
        words = f"invalid value {quote(value)} for flag -C"
        return words, ": -C flag must be first flag on command line"
    return None


def _unterminated(text: str) -> str:
    """The quotation mark that is never closed, where there is one; else ""."""
    rest = text.lstrip(_BLANKS)
    while rest:
        if rest[0] in "'\"":
            _, mark, after = rest[1:].partition(rest[0])
            if not mark:
                return rest[0]
            rest = after
        else:
            end = next((at for at, char in enumerate(rest) if char in _BLANKS), len(rest))
            rest = rest[end:]
        rest = rest.lstrip(_BLANKS)
    return ""
