"""Which Go runs: the choice of a toolchain that comes before anything else.

Source: ``Select`` and ``Exec`` in ``cmd/go/internal/toolchain/select.go``, ``TooNewError`` in
``cmd/go/internal/gover/toolchain.go``.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass

from fastverify.errors import FastverifyError
from fastverify.gomod import goversion
from fastverify.gomod.quoting import quote
from fastverify.goverify.oserrors import GoError, read_as_go
from fastverify.goverify.refusal import RefusedError, short_path
from fastverify.locate import GoSettings, GoVariables, go_installation, installed_toolchain
from fastverify.modcache import layout
from fastverify.modcache.modulefiles import file_path, tree_path
from fastverify.modcache.project import find_go_mod, find_go_work

#: No older Go knows of toolchains, and none is like the one that fastverify takes after.
_OLDEST = "1.21"
_BLANKS = " \t\n\v\f\r"


@dataclass(slots=True)
class RunningGo:
    """The go command that would do the work, and how it came to be that one (``gover.Startup``)."""

    #: ``1.26.8``; "" where no Go is here, and nothing is too new then.
    version: str
    cwd: str
    gotoolchain: str = ""
    auto_file: str = ""
    auto_go: str = ""
    auto_toolchain: str = ""

    def is_too_old_for(self, version: str) -> bool:
        """Whether it refuses a go line of this `version`."""
        return bool(self.version) and goversion.is_before(self.version, version)

    def too_old(self, what: str, version: str) -> str:
        """``TooNewError``: what it says of `what`, which is for Go `version`."""
        explain = ""
        if self.gotoolchain not in ("", "auto"):
            explain = f"; GOTOOLCHAIN={self.gotoolchain}"
        if self.auto_file and (self.auto_go or self.auto_toolchain):
            explain += f"; {short_path(self.auto_file, self.cwd)} sets "
            explain += f"toolchain {self.auto_toolchain}" if self.auto_toolchain else f"go {self.auto_go}"
        return f"{what} requires go >= {version} (running go {self.version}{explain})"


def select(variables: GoVariables, settings: GoSettings, cwd: str) -> RunningGo:
    """The Go that a go command started in the folder `cwd` would be.

    Raises RefusedError in Go's words, and FastverifyError where Go would fetch or unpack a toolchain, or
    run one that fastverify does not know.
    """
    local = installed_toolchain(variables.environ)
    running = RunningGo(goversion.of_toolchain(local), cwd)
    if not will_be_enabled(variables, cwd):
        return running
    wanted = variables.get("GOTOOLCHAIN")
    running.gotoolchain = wanted
    if not wanted:
        return running
    least, version, mode = _parsed(wanted, local, running.version)
    name = least
    if mode in ("auto", "path"):
        name = _as_files_ask(variables, running, least, version)
    if name in ("local", local) or not running.version:
        return running
    if not name.startswith("go1") and "-go1" not in name:
        raise RefusedError(f"go: invalid GOTOOLCHAIN {quote(name)}")
    _switch(variables, settings, name, path_only=wanted == "path" or wanted.endswith("+path"))
    running.version = goversion.of_toolchain(name)
    if goversion.is_before(running.version, _OLDEST):
        raise FastverifyError(
            f"the go command would switch to {name}, which is too old for fastverify to speak for"
        )
    return running


def will_be_enabled(variables: GoVariables, cwd: str) -> bool:
    """``modload.WillBeEnabled``: whether Go works with modules, before it looks closer."""
    switch = variables.get("GO111MODULE")
    return switch in ("", "on") or (switch == "auto" and _has_go_mod(variables, cwd))


def is_go_work_setting(gowork: str) -> bool:
    """Whether GOWORK may have this value."""
    return gowork in ("", "auto", "off") or os.path.isabs(gowork)


def _has_go_mod(variables: GoVariables, cwd: str) -> bool:
    """``modload.FindGoMod``."""
    found = find_go_mod(cwd)
    return found is not None and not is_temporary_root(variables, os.path.dirname(found))


def is_temporary_root(variables: GoVariables, folder: str) -> bool:
    """Whether `folder` is the one for temporary files, whose go.mod does not count."""
    temporary = variables.environ.get("TMPDIR") or "/tmp"  # noqa: S108 (as os.TempDir)
    return os.path.isabs(temporary) and os.path.realpath(temporary) == os.path.realpath(folder)


def _parsed(wanted: str, local: str, version: str) -> tuple[str, str, str]:
    """The least toolchain that GOTOOLCHAIN asks for, its version, and how it may be exceeded."""
    if wanted in ("auto", "path"):
        return local, version, wanted
    least, plus, suffix = wanted.partition("+")
    if least == "local":
        least = local
    else:
        version = goversion.of_toolchain(least)
        if not version:
            what = f": invalid minimum toolchain {quote(least)}" if plus else ""
            raise RefusedError(f"go: invalid GOTOOLCHAIN {quote(wanted)}{what}")
    if plus and suffix not in ("auto", "path"):
        raise RefusedError(
            f"go: invalid GOTOOLCHAIN {quote(wanted)}: only version suffixes are +auto and +path"
        )
    return least, version, suffix


def _as_files_ask(variables: GoVariables, running: RunningGo, least: str, version: str) -> str:
    """The toolchain's name once the go.mod or go.work has been looked into."""
    if not is_go_work_setting(variables.get("GOWORK")):
        raise RefusedError("go: go: invalid GOWORK: not an absolute path")
    file = find_go_work(running.cwd, variables)
    if file is None or not os.path.exists(file):
        file = find_go_mod(running.cwd) if _has_go_mod(variables, running.cwd) else None
    if file is None:
        return least
    try:
        content = read_as_go(file).decode("utf-8", "surrogateescape")
    except GoError as error:
        raise RefusedError(f"go: {error}") from None
    name = least
    running.auto_file = file
    asked = _lookup(content, "toolchain")
    if asked == "default":
        running.auto_toolchain = asked
        return name
    if asked:
        of_asked = goversion.of_toolchain(asked)
        if not of_asked:
            raise RefusedError(f"go: invalid toolchain {quote(asked)} in {short_path(file, running.cwd)}")
        if goversion.is_before(version, of_asked):
            name, version = asked, of_asked
            running.auto_toolchain = asked
    go = _lookup(content, "go")
    if goversion.is_before(version, go):
        name = f"go{go}"
        if goversion.is_language(go) and not goversion.is_before(go, _OLDEST):
            name += ".0"
        running.auto_go, running.auto_toolchain = go, ""
    return name


def _lookup(content: str, key: str) -> str:
    """``gover.GoModLookup``: what the first line that begins with the word `key` says after it."""
    for line in content.split("\n"):
        text = line.strip(_BLANKS)
        if text.startswith((f"{key} ", f"{key}\t")):
            return text[len(key) :].split("//", 1)[0].strip(_BLANKS)
    return ""


def _switch(variables: GoVariables, settings: GoSettings, name: str, *, path_only: bool) -> None:
    """``toolchain.Exec``, as far as finding the toolchain goes.  Returns where it is at hand."""
    if shutil.which(name, path=variables.environ.get("PATH")):
        return
    if path_only:
        raise RefusedError(f"go: cannot find {quote(name)} in PATH")
    system, architecture = _built_for(variables)
    version = f"v0.0.1-{name}.{system}-{architecture}"
    root = settings.gomodcache
    if os.path.isabs(root) and layout.is_version(version) and _is_unpacked(root, version):
        return
    if settings.goproxy.strip() != "off" or os.path.exists(file_path(root, layout.TOOLCHAIN, version, "zip")):
        raise FastverifyError(
            f"the go command would fetch or unpack {name} first, for itself; go version does it and no more"
        )
    words = f"go: downloading {name} ({system}/{architecture})\n"
    of_name = goversion.of_toolchain(name)
    if goversion.is_language(of_name) and not goversion.is_before(of_name, _OLDEST):
        words += f"go: invalid toolchain: {name} is a language version but not a toolchain version ({name}.x)"
    else:
        words += f"go: download {name} for {system}/{architecture}: toolchain not available"
    raise RefusedError(words)


def _is_unpacked(root: str, version: str) -> bool:
    """``modfetch.DownloadDir`` of a toolchain."""
    return (
        os.path.isdir(tree_path(root, layout.TOOLCHAIN, version))
        and not os.path.exists(file_path(root, layout.TOOLCHAIN, version, "partial"))
        and os.path.exists(file_path(root, layout.TOOLCHAIN, version, "ziphash"))
    )


def _built_for(variables: GoVariables) -> tuple[str, str]:
    """The operating system and the architecture of the go command: those of its tools."""
    try:
        found = os.listdir(os.path.join(go_installation(variables.environ), "pkg", "tool"))
    except OSError:
        found = []
    if len(found) != 1 or "_" not in found[0]:
        raise FastverifyError("the go command would switch to another toolchain, and it cannot be told which")
    system, _, architecture = found[0].partition("_")
    return system, architecture
