"""A cause in words: what differs, and what makes it the same again."""

from __future__ import annotations

from fastverify.gocache.explain.compare import Cause, Change
from fastverify.gocache.explain.inputs import InputKind

# What is named, and what makes it equal.  {0} is the subject.
_WORDS: dict[InputKind, tuple[str, str]] = {
    "go-version": ("the go command's version", "use one Go release (the toolchain line of go.mod pins it)"),
    "directory": (
        "the directory that the source lies in",
        "build in the same directory, or with -trimpath, which leaves directories out",
    ),
    "module": ("the module and version of the package", "require the same version"),
    "go-directive": ("the go line of the module's go.mod", "keep go.mod the same"),
    "platform": ("GOOS and GOARCH", "each platform has entries of its own: build for the same one"),
    "package": ("the package's import path", ""),
    "package-settings": ("settings that go made for the package", "build it in the same way"),
    "trimpath": ("the flag -trimpath", "give -trimpath always or never (GOFLAGS can hold it)"),
    "force-library": ("whether the package is built as a library", ""),
    "cgo-tool": ("the cgo tool", "use one Go release"),
    "c-compiler": (
        "the {0} compiler's command line",
        "set {0} to the same command, found at the same path",
    ),
    "c-flags": (
        "{0} (the variable, #cgo lines or pkg-config)",
        "set {0} to the same value; directories in it count as text",
    ),
    "c-compiler-version": ("the version of the C compiler ({0})", "install the same compiler"),
    "cover": ("coverage", "give the same -cover and -covermode"),
    "fuzz": ("instrumentation for fuzzing", "give the same -fuzz"),
    "build-setting": ("the build info that is linked in: {0}", ""),
    "compiler": ("the Go compiler", "use one Go release"),
    "assembler": ("the Go assembler", "use one Go release"),
    "gcflags": ("the compiler's flags", "give the same -gcflags (and -race, -msan, -asan, -buildmode)"),
    "asmflags": ("the assembler's flags", "give the same -asmflags"),
    "architecture-level": ("the variable {0}", "set {0} to the same value"),
    "experiment": ("the variable GOEXPERIMENT", "set GOEXPERIMENT to the same value"),
    "magic-variable": ("the variable {0}, which the compiler reads", "unset {0}"),
    "file": ("the file {0}", ""),
    "profile": ("the profile for -pgo", "use the same profile, or -pgo=off"),
    "build-mode": ("-buildmode, GOOS or GOARCH", "give the same -buildmode"),
    "default-godebug": ("the default GODEBUG", "keep the go and godebug lines of go.mod the same"),
    "linker": ("the Go linker", "use one Go release"),
    "ldflags": ("the linker's flags", "give the same -ldflags (a date or commit in -X is another each time)"),
    "goroot": ("GOROOT", "install Go at the same path, or build with -trimpath"),
    "external-linking": ("the variable GO_EXTLINK_ENABLED", "set it to the same value"),
    "vet-tool": ("the vet tool", "use one Go release and the same -vettool"),
    "vet-flags": ("vet's flags", "give the same -vet; go vet and go test ask for different checks"),
    "test-arguments": ("the test's arguments", "give the same test flags"),
    "exec": ("the flag -exec", "give the same -exec"),
    "variable": ("the variable {0}, which the test read", "set {0} to the same value"),
    "opened-file": (
        "size, mode or time of {0}, which the test opened",
        "keep the file's time (a fresh checkout changes it), or do not read it in the test",
    ),
    "looked-up-file": (
        "size, mode or time of {0}, which the test looked up",
        "keep the file's time (a fresh checkout changes it), or do not look it up in the test",
    ),
    "directory-change": ("the directory {0}, into which the test went", "keep the directory as it is"),
    "import": ("the import of {0}", ""),
    "vetted-package": ("the package that is vetted", ""),
    "vet-result": ("vet's result for {0}", ""),
    "test-binary": ("the test's program", ""),
    "other": ("an input that fastverify does not know: {0}", ""),
}
_SETTING_CURES = {
    "vcs.revision": "-buildvcs=false leaves it out; without it each commit is linked anew",
    "vcs.time": "-buildvcs=false leaves it out; without it each commit is linked anew",
    "vcs.modified": "-buildvcs=false leaves it out; or build from a clean checkout",
    "-tags": "give the same -tags",
    "CGO_ENABLED": "set CGO_ENABLED to the same value (it is 0 by default where no C compiler is found)",
}
#: The values of these are hashes, which say nothing to a reader.
_HASHED: frozenset[InputKind] = frozenset(["file", "profile", "import", "vet-result", "vetted-package"])
_LONGEST_VALUE = 200


def explained(cause: Cause) -> str:
    """What differs, as one sentence without its full stop; not yet made printable."""
    change = cause.change
    if change is None:
        return (
            f"{cause.where[0]} gave another result from equal inputs, or one log does not tell of it: "
            "something that go does not hash differed, or a cached result is not what it was compiled to be"
        )
    what = _WORDS[change.kind][0].format(change.subject)
    if change.kind in _HASHED:
        return f"{what} {_fate(change)}"
    return f"{what}: {_value(change.before)} before, {_value(change.after)} after"


def cure(cause: Cause) -> str:
    """What would make it equal; ``""`` where there is nothing to advise."""
    change = cause.change
    if change is None:
        return "go clean -cache, then build both anew and compare again"
    if change.kind == "build-setting":
        return _SETTING_CURES.get(change.subject, "")
    return _WORDS[change.kind][1].format(change.subject)


def _fate(change: Change) -> str:
    if change.before is None:
        return "was added"
    if change.after is None:
        return "is gone"
    return "has changed"


def _value(value: str | None) -> str:
    if value is None:
        return "nothing"
    if value == "":
        return "empty"
    return value if len(value) <= _LONGEST_VALUE else f"{value[:_LONGEST_VALUE]}…"
