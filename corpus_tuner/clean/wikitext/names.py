"""Names that wikis give to things: namespaces, image options, switches and appendices of every language."""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files


@dataclass(frozen=True, slots=True)
class Names:
    """Lower-case names, of all languages together: a page may come from any wiki, whatever its language is said to be."""

    file: frozenset[str]
    category: frozenset[str]
    template: frozenset[str]
    interlanguage: frozenset[str]  # prefixes of links to the same page in another language
    floating: frozenset[str]  # image options that take it out of its paragraph
    switches: frozenset[str]  # __NOTOC__ and the like
    redirect: re.Pattern[str]
    appendices: frozenset[str]  # headings of references, links, further reading
    numbers: dict[str, tuple[str, str, int]]  # by language: thousands and decimal separators, least digits before one

    def is_appendix(self, heading: str) -> bool:
        """Whether a heading at the top of the outline names an appendix, in any language."""
        return fold_heading(heading) in self.appendices


@cache
def load_names() -> Names:
    """Reads `names.json` (from MediaWiki) and `appendices.toml` (ours)."""
    folder = files("corpus_tuner.clean.wikitext")
    table = json.loads((folder / "names.json").read_text(encoding="utf-8"))
    union = {
        kind: frozenset(name for names in table["languages"].values() for name in names.get(kind, ()))
        for kind in ("file", "category", "template")
    }
    appendices = tomllib.loads((folder / "appendices.toml").read_text(encoding="utf-8"))
    words = "|".join(re.escape(word) for word in sorted(table["redirect"], key=len, reverse=True))
    return Names(
        file=union["file"],
        category=union["category"],
        template=union["template"],
        interlanguage=frozenset(table["codes"]) | {"simple"},
        floating=frozenset(table["floating"]),
        switches=frozenset(table["switch"]),
        redirect=re.compile(rf"\s*(?:{words})\s*:?\s*\[\[", re.IGNORECASE),
        appendices=frozenset(fold_heading(name) for names in appendices.values() for name in names),
        numbers={code: tuple(form) for code, form in table["numbers"].items()},
    )


def fold_heading(heading: str) -> str:
    """A heading as appendices are compared: lower case, no punctuation at its end, single spaces."""
    return " ".join(heading.lower().split()).rstrip(" .:;")
