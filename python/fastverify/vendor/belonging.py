"""What ``go mod vendor`` copies of a module: ``vendorPkg`` in ``cmd/go/internal/modcmd/vendor.go``."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from fastverify.vendor.constraint import may_be_built
from fastverify.vendor.embeds import embed_patterns, embedded
from fastverify.vendor.modulestxt import VendoredModule
from fastverify.vendor.sources import Source

#: Files of these beginnings are copied from the folders above a package, too (``metaPrefixes``).
_METADATA = (
    b"AUTHORS",
    b"CONTRIBUTORS",
    b"COPYLEFT",
    b"COPYING",
    b"COPYRIGHT",
    b"LEGAL",
    b"LICENSE",
    b"NOTICE",
    b"PATENTS",
)


def _folders_above(folder: bytes) -> Iterator[bytes]:
    """The folders that `folder` lies in, relative to the same root; b"" is that."""
    while folder:
        folder = folder.rpartition(b"/")[0]
        yield folder


class Belonging:
    """The folders of a module that packages were vendored from."""

    def __init__(self, module: VendoredModule, *, strips_go_mod: bool) -> None:
        """`strips_go_mod`: the main module's go version is 1.17 or later, or is not known."""
        self._strips_go_mod = strips_go_mod
        root = module.path.encode("utf-8", "surrogateescape")
        #: Relative to the module's root; b"" is the root.
        self.packages: set[bytes] = set()
        for package in module.packages:
            path = package.encode("utf-8", "surrogateescape")
            if path == root or path.startswith(root + b"/"):
                self.packages.add(path[len(root) + 1 :])
        self.above: set[bytes] = set()
        for package_folder in self.packages:
            self.above.update(_folders_above(package_folder))

    @property
    def folders(self) -> set[bytes]:
        """Every folder that something is copied from, but for embedded files further down."""
        return self.packages | self.above

    def is_due(self, name: bytes, source: Source) -> bool:
        """Whether a file of the module, which is not in the vendor folder, should be there.

        That may also be for a ``//go:embed``, see :meth:`embedded`.
        """
        folder, _, base = name.rpartition(b"/")
        if folder in self.packages:
            if base.endswith(b"_test.go"):
                return False
            if base in (b"go.mod", b"go.sum"):
                return not self._strips_go_mod
            if not base.endswith(b".go"):
                return True
            content = source.read(name)
            # What is too long to be read here is most likely built: go mod vendor copies nearly all.
            return content is None or may_be_built(content)
        return folder in self.above and base.startswith(_METADATA)

    def embedded(self, missing: Collection[bytes] | None, source: Source, *, with_tests: bool) -> set[bytes]:
        """The files that packages of the module embed from their subfolders.

        Only packages are looked at below which any of `missing` lies; None for all.  `with_tests`: files
        that only tests embed are copied, too.
        """
        found: set[bytes] = set()
        concerned = self.packages
        if missing is not None:
            concerned = concerned & {
                above for name in missing for above in _folders_above(name.rpartition(b"/")[0])
            }
        for package in concerned:
            start = package + b"/" if package else b""
            names = source.names(package)
            patterns: list[str] = []
            for name in sorted(names):
                base = name[len(start) :]
                is_source = base.endswith(b".go") and b"/" not in base and base[:1] not in (b".", b"_")
                if is_source and (with_tests or not base.endswith(b"_test.go")):
                    patterns += embed_patterns(source.read(name) or b"")
            if patterns:
                below = [name[len(start) :] for name in names]
                found |= {start + name for name in embedded(patterns, below)}
        return found
