"""Globs on paths: what a source takes and what it leaves out."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache


@dataclass(frozen=True, slots=True)
class Chosen:
    """Takes what a glob of `include` fits (without any: everything) and none of `exclude` does.

    A glob is matched against the whole path, steps joined by "/", without a "/" at its start; one without a "/" of its
    own against the last step alone, at any depth, as in .gitignore. `*` is any text within a step, `?` one character of
    it, `**` any number of steps. "*.md" is every Markdown file, "guide/**" all below guide, "**/draft/*" as it reads.
    """

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()

    def takes(self, path: str) -> bool:
        """Whether `path` is wanted."""
        path = path.lstrip("/")
        return (not self.include or _any(self.include, path)) and not _any(self.exclude, path)


def _any(globs: tuple[str, ...], path: str) -> bool:
    return any(_pattern(glob).fullmatch(path if "/" in glob else path.rpartition("/")[2]) for glob in globs)


@cache
def _pattern(glob: str) -> re.Pattern[str]:
    parts = {"**/": "(?:[^/]+/)*", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    pieces = re.split(r"(\*\*/|\*\*|\*|\?)", glob.lstrip("/"))
    return re.compile("".join(parts.get(piece) or re.escape(piece) for piece in pieces), re.DOTALL)
