"""The settings of the compiler, which each go command checks: ``internal/buildcfg``.

``go mod verify`` needs none of them, and yet refuses those that no compiler could take.
"""

from __future__ import annotations

import os
import re

from fastverify.errors import FastverifyError
from fastverify.gomod.quoting import quote
from fastverify.goverify.refusal import RefusedError
from fastverify.locate import GoVariables

_GOARM64 = re.compile(r"v(?:8\.[0-9]|9\.[0-5])(?:,lse|,crypto)*")
_FLOATS = "hardfloat, softfloat"
_POWERS = "power8, power9, power10"
_RVAS = "rva20u64, rva22u64, rva23u64"
_FIPS140 = re.compile(
    r"off|latest|inprocess|certified|v1\.[0-9]+\.[0-9]+(?:-rc[0-9]+)?|v1\.[0-9]+\.[0-9]+-.{8}", re.DOTALL
)
_EXPERIMENT = re.compile(r"^\t([A-Z]\w*) +bool", re.MULTILINE)


def check_build_configuration(variables: GoVariables) -> None:
    """``buildcfg.Check`` and what ``main.invoke`` adds.  Raises RefusedError in Go's words.

    And FastverifyError where GOEXPERIMENT is set and no Go is here to say which experiments there are.
    """
    env = variables.environ
    words = ""
    # Each error takes the place of those before it.  GOAMD64 and GOARM are checked first, and the check of
    # GOARM64 leaves no error where it finds none: nothing ever comes of theirs.
    if not _GOARM64.fullmatch(env.get("GOARM64") or "v8.0"):
        words = (
            "invalid GOARM64: must start with v8.{0-9} or v9.{0-5} and may optionally end in "
            '",lse" and/or ",crypto"'
        )
    for name, values in (
        ("GOMIPS", _FLOATS),
        ("GOMIPS64", _FLOATS),
        ("GOPPC64", _POWERS),
        ("GORISCV64", _RVAS),
    ):
        if env.get(name) and env[name] not in values.split(", "):
            words = f"invalid {name}: must be {values}"
    for feature in env.get("GOWASM", "").split(","):
        if feature not in ("satconv", "signext", ""):
            words = f"invalid GOWASM: no such feature {quote(feature)}"
    fips140 = env.get("GOFIPS140") or "off"
    if not _FIPS140.fullmatch(fips140):
        words = "invalid GOFIPS140: must be off, latest, inprocess, certified, or v1.Y.Z"
    words = _experiment_words(variables, env.get("GOEXPERIMENT", "")) or words
    if words:
        raise RefusedError(f"go: {words}", 2)
    words = _experiment_words(variables, variables.get("GOEXPERIMENT"))
    if words:
        raise RefusedError(f"go: {words}")


def _experiment_words(variables: GoVariables, value: str) -> str:
    """``buildcfg.ParseGOEXPERIMENT``: what is wrong with `value`; "" where nothing is."""
    names = [name for name in value.split(",") if name not in ("", "none")]
    if not names:
        return ""
    path = os.path.join(variables.goroot, "src", "internal", "goexperiment", "flags.go")
    try:
        with open(path, encoding="utf-8", errors="replace") as stream:
            known = {name.lower() for name in _EXPERIMENT.findall(stream.read(1 << 20))} | {"regabi"}
    except OSError as error:
        raise FastverifyError(
            f"GOEXPERIMENT is {value}, and it cannot be told whether Go has that experiment: "
            f"{path} cannot be read: {error.strerror}"
        ) from error
    for name in names:
        if name.removeprefix("no") not in known:
            return f"unknown GOEXPERIMENT {name.removeprefix('no')}"
    return ""


def check_fips140(variables: GoVariables) -> None:
    """``fips140.Init``.  Raises RefusedError in Go's words."""
    value = variables.get("GOFIPS140") or "off"
    if value not in ("off", "latest"):
        if "/" in value or "\\" in value or ".." in value:
            raise RefusedError(f"go: malformed GOFIPS140 version {quote(value)}")
        _check_snapshot(os.path.join(variables.goroot, "lib", "fips140"), value)
    experiments = variables.get("GOEXPERIMENT").split(",")
    if "boringcrypto" in experiments and "noboringcrypto" not in experiments and value != "off":
        raise RefusedError("go: cannot use GOFIPS140 with GOEXPERIMENT=boringcrypto")


def _check_snapshot(folder: str, value: str) -> None:
    version, origin = value, ""
    try:
        with open(os.path.join(folder, f"{value}.txt"), encoding="utf-8", errors="replace") as stream:
            version, origin = stream.read(4096).strip(), f" (from {quote(value)})"
    except OSError:
        pass
    if not os.path.exists(os.path.join(folder, f"{version}.zip")):
        raise RefusedError(f"go: unknown GOFIPS140 version {quote(version)}{origin}")
