"""What the go command does about each kind of damage, and what a person does next.

The sentences on Go were checked with the go command itself; ``tests/modcache`` shows each of them.
"""

from __future__ import annotations

import shlex
from typing import NamedTuple

from fastverify.modcache.layout import TOOLCHAIN
from fastverify.modcache.modulefiles import file_path, tree_path

GO_BUILDS_TREE = (
    "go build compiles the extracted files as they are, and says nothing unless that fails; go mod verify "
    "reports other content, and only of a module in the project's build list"
)
GO_BUILDS_EXTRA = (
    "go build compiles added Go files as soon as GOCACHE has no index of this folder; go mod verify "
    "reports the module only where it is in the project's build list"
)
GO_IGNORES_ZIP = (
    "go build goes on using the extracted tree; once that tree is gone, it extracts and compiles this "
    "zip without hashing it, because it trusts the .ziphash beside it"
)
GO_EXTRACTS_ZIP = (
    "go build extracts and compiles this zip without hashing it, because it trusts the .ziphash beside it"
)
GO_REFUSES_ZIP = "the go command fails when it next has to extract this zip; until then it uses the tree"
GO_REFUSES_LONE_ZIP = "the go command fails when it has to extract this zip, and there is no tree beside it"
GO_CANNOT_LOCK = "the go command fails where it has to download or extract this module: it cannot lock it"
GO_REFUSES_SUM = "go build and go mod download stop with a checksum mismatch in any project with this go.sum"
GO_BLIND_TO_SUM = (
    "go mod verify accepts this, as it never reads go.sum's module hashes; go build and go mod "
    "download stop with a checksum mismatch in any project with this go.sum"
)
GO_BLIND_TO_RECORD = (
    "the go command asks the checksum database only for what is in no go.sum; go mod verify accepts this, "
    "and so does go build, but where go.sum has another hash than the cache: there it stops with a checksum "
    "mismatch"
)
GO_TRUSTS_ZIPHASH = (
    "go mod verify reports zip and tree as modified; go build compares only this file's text with "
    "go.sum: where that has another hash it stops with a checksum mismatch, elsewhere it takes zip and tree "
    "as they are"
)
GO_HEALS_ZIPHASH = (
    "go build and go mod download hash the zip again and rewrite this file; go mod verify reports the module"
)
GO_REFETCHES_TREE = (
    "go build takes such a module as not downloaded: it makes the .ziphash anew from the zip, or "
    "downloads the module again, and extracts it anew; go mod verify reports a missing ziphash"
)
GO_EXTRACTS_TREE = "go build and go mod download extract the tree again from the zip"
GO_REEXTRACTS_PARTIAL = "go build and go mod download remove this tree and extract it again"
GO_REFETCHES_ZIP = "go build uses the extracted tree; go mod download fetches the zip again"
GO_REPLACES_FILE = "go build and go mod download extract the tree over it; go mod verify takes it as absent"
GO_FOLLOWS_LINK = (
    "where the link leads to a directory, go build compiles that, unchecked, go mod download extracts "
    "nothing beside it, and go mod verify reports that it is no directory; where it leads to none, go build "
    "extracts the module in its place, or fails"
)
GO_REFUSES_MOD = (
    "the go command stops with a checksum mismatch where the module is in a project's graph and go.sum "
    "has a line for it; elsewhere it uses the file as it is"
)
GO_REFETCHES_MOD = "the go command fetches the file again when it next needs it, and fails where it may not"
GO_REFETCHES_INFO = "the go command takes the file as absent and fetches it again when it needs it"
GO_REWRITES_LIST = "the go command takes the file as a hint only and writes it anew"
GO_IGNORES = "the go command does not look at it"
GO_CANNOT_READ = "the go command fails where it has to read this"
GO_FETCHES_UNREADABLE = "the go command downloads this anew, and fails where it cannot"
READ_FOLDER = "run fastverify as a user who may read it, or mend the permissions"
REPLACE_LOOP = "it is a link that leads back to itself: put back what it stood for, or remove it"
READ_AS_ANOTHER = "run fastverify as a user who may read it, or mend the permissions or the disk"
GO_READS_ALL = "the go command has no such bound and reads all of it"
GO_STOPS_AT_SUM = "go build, go test and go mod verify stop in that project with: malformed go.sum"
GO_IGNORES_MODE = "the go command does not look at the permission bits of extracted files"
GO_HANGS = "go mod verify opens it like any file, and can hang for ever or read what lies elsewhere"
GO_NEVER_CHECKS = "the go command uses it without any check"


class Paths(NamedTuple):
    """Where the parts of one module version lie in the cache `root`, for the commands in a hint."""

    root: str
    module: str
    version: str

    @property
    def zip(self) -> str:
        """The zip."""
        return file_path(self.root, self.module, self.version, "zip")

    @property
    def ziphash(self) -> str:
        """The hash that is recorded for it."""
        return file_path(self.root, self.module, self.version, "ziphash")

    @property
    def mod(self) -> str:
        """The go.mod file beside it."""
        return file_path(self.root, self.module, self.version, "mod")

    @property
    def info(self) -> str:
        """The file with the version's time."""
        return file_path(self.root, self.module, self.version, "info")

    @property
    def tree(self) -> str:
        """The extracted tree."""
        return tree_path(self.root, self.module, self.version)

    @property
    def name(self) -> str:
        """``P@V``, as the go command takes it."""
        return f"{self.module}@{self.version}"

    @property
    def download(self) -> str:
        """The command that downloads it into this cache, whichever is the go command's own."""
        return download_command(self.root, self.module, self.version)


def download_command(root: str, module: str, version: str) -> str:
    """What downloads a module version into the cache `root`."""
    return f"GOMODCACHE={shlex.quote(root)} go mod download {shlex.quote(f'{module}@{version}')}"


def download(paths: Paths, sentence: str) -> str:
    """Go does it all by itself, when it is asked to download."""
    return _commands(sentence, paths.download)


def _commands(sentence: str, *commands: str) -> str:
    """A hint: what to do, and below it the line that does it, which stops where a command fails."""
    return f"{sentence}:\n{' && '.join(commands)}"


def _remove_tree(paths: Paths) -> tuple[str, str]:
    tree = shlex.quote(paths.tree)
    return f"chmod -R u+w {tree}", f"rm -rf {tree}"


def take_bits_away(paths: Paths) -> str:
    """Files of the tree have permission bits that Go never gives."""
    bits = "wst" if paths.module == TOOLCHAIN else "wxst"
    return _commands(
        "look for who changes the cache; what is wrong with the files' content is said separately; this "
        "takes the bits away",
        f"find {shlex.quote(paths.tree)} -type f -exec chmod a-{bits} {{}} +",
    )


def remove_empty(paths: Paths) -> str:
    """There are empty directories in the tree; as Go leaves one, nobody may write into its directories."""
    directories = f"find {shlex.quote(paths.tree)} -mindepth 1 -depth -type d"
    every = f"find {shlex.quote(paths.tree)} -type d -exec chmod"
    return _commands(
        "look for who writes into the cache; this removes what is empty",
        f"{every} u+w {{}} +",
        f"{directories} -empty -exec rmdir {{}} ';'",
        f"{every} a-w {{}} +",
    )


def reextract(paths: Paths) -> str:
    """The tree is bad and the zip is proved."""
    return _commands("the zip is good, extract it again", *_remove_tree(paths), paths.download)


def redownload(
    paths: Paths, *, tree: bool, caution: str = "", record: str = "", is_directory: bool = False
) -> str:
    """Nothing but a fresh download is to be trusted; `tree` says whether one has to go too.

    `record` is a record of the checksum database that has to.  `is_directory` says that the zip is one.
    """
    files = " ".join(shlex.quote(path) for path in (paths.zip, paths.ziphash, record) if path)
    removal = [f"rm -{'r' if is_directory else ''}f {files}", *(_remove_tree(paths) if tree else ())]
    return _commands(f"download it again{caution}", *removal, paths.download)


def refetch(paths: Paths, file: str) -> str:
    """One small file below ``@v`` is bad or absent."""
    return _commands("fetch it again", f"rm -f {shlex.quote(file)}", paths.download)


def replace(paths: Paths, path: str) -> str:
    """What lies there is none of the cache's files or trees."""
    return _commands("remove it and download again", f"rm -rf {shlex.quote(path)}", paths.download)


def rewrite_ziphash(paths: Paths) -> str:
    """There is nothing to be said against zip and tree, and only the recorded hash is not as Go writes it."""
    return _commands(
        "let Go hash the zip again",
        f"rm -f {shlex.quote(paths.ziphash)}",
        paths.download,
    )
