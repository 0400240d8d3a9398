"""What ``go mod vendor`` copies of a module: ``vendorPkg`` in ``cmd/go/internal/modcmd/vendor.go``."""

from __future__ import annotations

from fastverify.vendor.constraint import may_be_built
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
            above = package_folder
            while above:
                above = above.rpartition(b"/")[0]
                self.above.add(above)

    @property
    def folders(self) -> set[bytes]:
        """Every folder that something is copied from, but for embedded files further down."""
        return self.packages | self.above

    def is_due(self, name: bytes, source: Source) -> bool:
        """Whether a file of the module, which is not in the vendor folder, should be there.

        Files that only a ``//go:embed`` asks for are not known, and not said to be missing.
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
