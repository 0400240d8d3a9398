"""What is known of the parts of a module version that carry its content hash."""

from __future__ import annotations

from dataclasses import dataclass

from fastverify.modcache.case import Case
from fastverify.report.model import Authority

#: Authorities that do not lie beside what they vouch for.
OUTSIDE: tuple[Authority, ...] = ("gosum", "sumdb")


@dataclass(slots=True)
class Content:
    """What is known of the three parts that carry a module's content hash."""

    #: h1 of each part; None where it is not there or has none.
    zip: str | None = None
    tree: str | None = None
    ziphash: str | None = None
    #: What the parts are held to, and by whom.
    expected: str | None = None
    authority: Authority = ""
    #: Whether each part is there, whatever it is worth.
    has_zip: bool = False
    has_tree: bool = False
    has_ziphash: bool = False
    #: Whether the tree's files are those of the zip (directory entries of the zip aside).
    tree_equals_zip: bool = False
    #: The zip is proved by the authority.
    zip_proved: bool = False
    #: What is wrong with the form of the recorded hash, and what the go command does about it.
    ziphash_problem: tuple[str, str] | None = None
    #: What it has instead, or the beginning of that.
    ziphash_text: str = ""

    @property
    def tree_differs(self) -> bool:
        """Whether there is a tree and its files are not the zip's."""
        return self.has_tree and not self.tree_equals_zip


def authority_words(case: Case, content: Content) -> str:
    """What the content is held to, in words."""
    if content.authority in OUTSIDE:
        return case.expected[0].source
    return "its .ziphash" if content.authority == "ziphash" else "the zip"
