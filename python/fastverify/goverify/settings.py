"""The settings that ``go mod verify`` refuses, in the order in which it looks at them.

From the start of the go command to the moment when it reads the first go.mod: ``main`` and ``invoke`` in
``cmd/go/main.go``, ``InitWorkfile`` and ``Init`` in ``cmd/go/internal/modload/init.go``.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field

from fastverify.errors import FastverifyError
from fastverify.gomod.quoting import quote
from fastverify.goverify.buildconfig import check_build_configuration, check_fips140
from fastverify.goverify.goflags import check_goflags
from fastverify.goverify.oserrors import GoError, read_as_go
from fastverify.goverify.refusal import RefusedError
from fastverify.goverify.toolchain import (
    RunningGo,
    is_go_work_setting,
    is_temporary_root,
    select,
    will_be_enabled,
)
from fastverify.locate import GoSettings, GoVariables, flag_value
from fastverify.modcache.project import find_go_mod, find_go_work

_NO_PROJECT = "go: go.mod file not found in current directory or any parent directory; see 'go help modules'"
_NO_MEMBERS = "go: no modules were found in the current workspace; see 'go help work'"


@dataclass(slots=True)
class Command:
    """A ``go mod verify`` that has taken its settings and comes to read the project."""

    running: RunningGo
    #: The folder it works in.
    cwd: str
    variables: GoVariables
    settings: GoSettings
    #: The go.work that it goes by; None outside a workspace.
    go_work: str | None
    #: The value of -modfile; "" where there is none.
    modfile: str
    #: What it says and yet goes on.
    warnings: list[str] = field(default_factory=list)


def begin(cwd: str, variables: GoVariables, settings: GoSettings) -> Command:
    """Take the settings as a ``go mod verify`` does that is started in the folder `cwd`.

    `settings` are those that come of `variables`, but for a module cache that the user has named.  Raises
    RefusedError in Go's words where Go gives up, and FastverifyError where it cannot be told what Go does.
    """
    running = select(variables, settings, cwd)
    if variables.goroot and not os.path.isdir(variables.goroot):
        raise RefusedError(f"go: cannot find GOROOT directory: {variables.goroot}", 2)
    warnings: list[str] = []
    settings = _check_gopath(variables, settings, warnings)
    if will_be_enabled(variables, cwd):
        _check_gowork(variables)  # telemetrystats.Increment asks for the go.work
    check_build_configuration(variables)
    check_goflags(settings.goflags)
    check_fips140(variables)
    _check_overlay(flag_value(settings.goflags, "overlay"), cwd)
    _check_gowork(variables)
    command = Command(
        running,
        cwd,
        variables,
        settings,
        find_go_work(cwd, variables),
        flag_value(settings.goflags, "modfile"),
        warnings,
    )
    _check_module_mode(command)
    return command


def _check_gopath(variables: GoVariables, settings: GoSettings, warnings: list[str]) -> GoSettings:
    """The part of ``main`` that is about GOPATH; a home folder that is no good counts as none."""
    if variables.goroot and os.path.normpath(settings.gopath or ".") == os.path.normpath(variables.goroot):
        warnings.append(
            f"warning: both GOPATH and GOROOT are the same directory ({settings.gopath}); "
            "see https://go.dev/wiki/InstallTroubleshooting"
        )
        return settings
    for path in settings.gopath.split(os.pathsep):
        if path.startswith("~"):
            raise RefusedError(
                f"go: GOPATH entry cannot start with shell metacharacter '~': {quote(path)}", 2
            )
        if path and not os.path.isabs(path):
            if not variables.get("GOPATH"):
                return settings._replace(gopath="")
            raise RefusedError(
                f"go: GOPATH entry is relative; must be absolute path: {quote(path)}.\n"
                "For more details see: 'go help gopath'",
                2,
            )
    return settings


def _check_gowork(variables: GoVariables) -> None:
    """``modload.FindGoWork``."""
    if not is_go_work_setting(variables.get("GOWORK")):
        raise RefusedError("go: invalid GOWORK: not an absolute path")


def _check_overlay(overlay: str, cwd: str) -> None:
    """``fsys.Init``."""
    if not overlay:
        return
    try:
        read_as_go(os.path.join(cwd, overlay), overlay)
    except GoError as error:
        raise RefusedError(f"go: reading overlay: {error}") from None
    raise FastverifyError(f"GOFLAGS has -overlay={overlay}, which is not supported; run go mod verify")


def _check_module_mode(command: Command) -> None:
    """``modload.Init``."""
    switch = command.variables.get("GO111MODULE")
    if switch == "off":
        raise RefusedError("go: modules disabled by GO111MODULE=off; see 'go help modules'")
    if switch not in ("", "on", "auto"):
        raise RefusedError(f"go: unknown environment setting GO111MODULE={switch}")
    modfile = command.modfile
    if command.go_work is not None:
        if modfile:
            raise RefusedError("go: -modfile cannot be used in workspace mode")
    else:
        _check_has_module(command)
    if modfile and not modfile.endswith(".mod"):
        raise RefusedError(f"go: -modfile={modfile}: file does not have .mod extension")
    first = command.settings.gopath.split(os.pathsep)[0]
    if first and os.path.exists(os.path.join(first, "go.mod")):
        missing = _NO_PROJECT if command.go_work is None else _NO_MEMBERS
        raise RefusedError(f"go: warning: ignoring go.mod in $GOPATH {first}\n{missing}")


def _check_has_module(command: Command) -> None:
    go_mod = find_go_mod(command.cwd)
    if go_mod is None:
        if command.modfile:
            raise RefusedError(
                "go: cannot find main module, but -modfile was set.\n"
                "\t-modfile cannot be used to set the module root directory."
            )
        raise RefusedError(_NO_PROJECT)
    if is_temporary_root(command.variables, os.path.dirname(go_mod)):
        temporary = command.variables.environ.get("TMPDIR") or "/tmp"  # noqa: S108 (as os.TempDir)
        raise RefusedError(f"go: warning: ignoring go.mod in system temp root {temporary}\n{_NO_PROJECT}")
