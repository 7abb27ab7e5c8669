"""Names that wikis give to things: namespaces, image options, switches and appendices of every language."""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

TABLES = ("de", "fr", "es", "it", "ru", "ja", "zh", "pt", "nl", "pl", "sv", "uk")  # where several share a name, the first
_CATEGORY_LINK = re.compile(r"\[\[\s*([^\[\]|:\n]{2,40}):")


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
    category_languages: dict[str, frozenset[str]]  # the languages of the wikis that call categories so
    appendices: frozenset[str]  # headings of references, links, further reading
    numbers: dict[str, tuple[str, str, int]]  # by language: thousands and decimal separators, least digits before one

    def wiki_language(self, text: str, declared: str) -> str:
        """The language of the wiki that `text` comes from: what its category links are called goes before what is declared."""
        found = {" ".join(name.split()).lower() for name in _CATEGORY_LINK.findall(text, max(0, len(text) - 4000))}
        named = [self.category_languages[name] for name in found if name in self.category_languages]
        if not named or any(declared in languages or "en" in languages for languages in named):
            return declared or "en"
        return next((language for language in TABLES if language in named[0]), declared or "en")

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
        category_languages=_languages_by_category(table["languages"]),
        numbers={code: tuple(form) for code, form in table["numbers"].items()},
    )


def _languages_by_category(languages: dict[str, dict[str, list[str]]]) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {"category": {"en"}}
    for code, names in languages.items():
        for name in names.get("category", ()):
            found.setdefault(name, set()).add(code)
    return {name: frozenset(codes) for name, codes in found.items()}


def fold_heading(heading: str) -> str:
    """A heading as appendices are compared: lower case, no punctuation at its end, single spaces."""
    return " ".join(heading.lower().split()).rstrip(" .:;")
