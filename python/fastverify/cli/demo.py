"""``fastverify demo``: a small module cache, damaged on purpose, and what fastverify says to it."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import click

from fastverify import check_module_cache
from fastverify.cli import demo_cache, options, status
from fastverify.cli.demo_cache import Module
from fastverify.cli.output import StandardOutput, standard_output
from fastverify.engine.protocol import EngineName
from fastverify.modcache.modulefiles import file_path, tree_path
from fastverify.report import colour as colours
from fastverify.report.colour import ColourChoice, Paint
from fastverify.report.escape import printable
from fastverify.report.summary import verdict_line
from fastverify.report.text import TextReport

_HELP = """Make a small module cache, damage it, and show what is reported.

It is made in a temporary folder from modules written on the spot: neither Go nor a network is
needed, and no other cache is touched.  It is checked while it is whole; then damaged in a few ways,
and checked after each.  Afterwards it is removed, unless --keep is given.

Exit status: 0 where each damage was found, else 1.
"""


@dataclass(frozen=True)
class _Damage:
    """One way to damage a cache."""

    title: str
    #: Damages `module` in the cache at the path given.
    inflict: Callable[[str, Module], None]
    module: Module


@click.command("demo", help=_HELP, short_help="Damage a small cache and see it reported.")
@click.option("--keep", is_flag=True, help="Leave the damaged cache and say where it is.")
@options.engine
@options.colour
def command(keep: bool, engine: EngineName | None, choice: ColourChoice) -> int:
    """Run the demonstration; returns 1 where a damage was not found."""
    output = standard_output(choice)
    folder = tempfile.mkdtemp(prefix="fastverify-demo-")
    try:
        found = _demonstrate(folder, engine, output)
    finally:
        if not keep:
            demo_cache.make_writable(folder)
            shutil.rmtree(folder)
    if keep:
        cache, project = _places(folder)
        output.write(
            f"\nThe damaged cache is kept. To check it again:\n"
            f"  fastverify check --project {printable(project)} {printable(cache)}\n"
        )
    return status.CLEAN if found else status.FOUND


def _demonstrate(folder: str, engine: EngineName | None, output: StandardOutput) -> bool:
    """Show it all; returns whether the whole cache was clean and each damage was found."""
    paint: Paint = colours.paint if output.colour else colours.plain
    modules = _modules()
    cache, project = _places(folder)
    demo_cache.write_cache(cache, modules)
    os.mkdir(project)
    with open(os.path.join(project, "go.mod"), "w", encoding="ascii", newline="\n") as file:
        requirements = "".join(f"\t{module.path} {module.version}\n" for module in modules)
        file.write(f"module example.com/app\n\ngo 1.21\n\nrequire (\n{requirements})\n")
    with open(os.path.join(project, "go.sum"), "w", encoding="ascii", newline="\n") as file:
        file.writelines(module.go_sum_lines() for module in modules)

    output.write(f"{paint('A whole module cache', 'strong')} in {printable(cache)}:\n\n")
    with check_module_cache(cache, projects=[project], engine=engine) as check:
        text = TextReport(output.write, colour=output.colour, width=output.width)
        for result in check:
            text.result(result)
        text.end(check.report)
    everything = check.report.worst() is None

    damages = _damages(modules)
    for number, damage in enumerate(damages, 1):
        damage.inflict(cache, damage.module)
        output.write(f"\n{paint(f'{number}. {damage.title}', 'strong')}\n\n")
        found = False
        with check_module_cache(cache, projects=[project], engine=engine) as check:
            text = TextReport(output.write, colour=output.colour, quiet=True, width=output.width)
            for result in check:
                # Each damage has a module of its own: the earlier ones have been shown.
                if (result.module, result.version) == (damage.module.path, damage.module.version):
                    text.result(result)
                    found = any(finding.severity == "error" for finding in result.findings)
        if not found:
            output.write(f"{paint('not found', 'error')}: fastverify said nothing about it\n")
        everything = everything and found
    sentence, style = verdict_line(check.report)
    output.write(f"\n{paint(sentence, style)}\n")
    return everything


def _places(folder: str) -> tuple[str, str]:
    return os.path.join(folder, "modcache"), os.path.join(folder, "project")


def _modules() -> tuple[Module, ...]:
    names = (
        ("example.com/greet", "v1.0.0"),
        ("example.com/Retry", "v1.4.2"),
        ("example.com/colour/v2", "v2.0.1"),
        ("example.com/queue", "v0.3.0"),
        ("example.com/token", "v1.1.0"),
        ("example.com/clock", "v0.0.0-20240201120000-0123456789ab"),
        ("example.com/whole", "v1.0.0"),
    )
    return tuple(_module(path, version) for path, version in names)


def _module(path: str, version: str) -> Module:
    package = next(part for part in reversed(path.lower().split("/")) if part != "v2")
    source = (
        f"// Package {package} is made for a demonstration.\npackage {package}\n\n"
        f"// Name says which package this is.\nfunc Name() string {{ return {package!r} }}\n"
    ).replace("'", '"')
    return Module(
        path,
        version,
        {
            "LICENSE": b"Do with it what you like.\n",
            "README.md": f"# {package}\n".encode(),
            "go.mod": f"module {path}\n\ngo 1.21\n".encode(),
            f"{package}.go": source.encode(),
            "internal/deep/deep.go": b"// Package deep lies below.\npackage deep\n",
        },
    )


def _damages(modules: Sequence[Module]) -> list[_Damage]:
    ways: list[tuple[str, Callable[[str, Module], None]]] = [
        ("A source file edited in an extracted tree", _edit_file),
        ("A file removed from a tree", _remove_file),
        ("A file added to a tree", _add_file),
        ("One bit flipped in a zip", _flip_bit),
        ("Zip, recorded hash and tree replaced together; only go.sum knows better", _replace_module),
        ("A recorded hash cut short, as by a crash", _truncate_ziphash),
    ]
    return [_Damage(title, inflict, module) for (title, inflict), module in zip(ways, modules, strict=False)]


def _edit_file(cache: str, module: Module) -> None:
    name = next(name for name in module.files if name.endswith(".go"))
    with _writable_tree(cache, module) as tree:
        path = os.path.join(tree, name)
        os.chmod(path, 0o644)
        with open(path, "ab") as file:
            file.write(b'\nfunc init() { println("not from the author") }\n')
        os.chmod(path, 0o444)


def _remove_file(cache: str, module: Module) -> None:
    with _writable_tree(cache, module) as tree:
        os.unlink(os.path.join(tree, "LICENSE"))


def _add_file(cache: str, module: Module) -> None:
    with _writable_tree(cache, module) as tree:
        path = os.path.join(tree, "internal", "deep", "extra.go")
        with open(path, "wb") as file:
            file.write(b"package deep\n\nfunc init() {}\n")
        os.chmod(path, 0o444)


def _flip_bit(cache: str, module: Module) -> None:
    with open(file_path(cache, module.path, module.version, "zip"), "r+b") as file:
        # Behind the first entry's header of 30 bytes and its name, so in its compressed content.
        place = 30 + len(f"{module.name}/LICENSE") + 5
        file.seek(place)
        byte = file.read(1)[0]
        file.seek(place)
        file.write(bytes([byte ^ 0x10]))


def _replace_module(cache: str, module: Module) -> None:
    name = next(name for name in module.files if name.endswith(".go"))
    forged = Module(
        module.path, module.version, {**module.files, name: module.files[name] + b"\nfunc init() { spy() }\n"}
    )
    with open(file_path(cache, module.path, module.version, "zip"), "wb") as file:
        file.write(forged.zip_bytes())
    with open(file_path(cache, module.path, module.version, "ziphash"), "wb") as file:
        file.write(forged.h1().encode())
    tree = tree_path(cache, module.path, module.version)
    demo_cache.make_writable(tree)
    shutil.rmtree(tree)
    demo_cache.write_tree(cache, forged)


def _truncate_ziphash(cache: str, module: Module) -> None:
    os.truncate(file_path(cache, module.path, module.version, "ziphash"), 12)


@contextmanager
def _writable_tree(cache: str, module: Module) -> Iterator[str]:
    """The module's tree, its folders writable for a while."""
    tree = tree_path(cache, module.path, module.version)
    demo_cache.make_writable(tree)
    yield tree
    demo_cache.make_read_only(tree)
