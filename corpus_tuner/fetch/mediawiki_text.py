"""What wikitext says of its page before it is cleaned: a redirect, a disambiguation, the pages that it links to."""

from __future__ import annotations

import re

from corpus_tuner.fetch.line import one_line

_ITEM_LINK = re.compile(r"^[*#:]+[^\[\n]*\[\[:?([^\]|#\n]+)", re.MULTILINE)
_LINK = re.compile(r"\[\[([^\[\]|#\n<>{}]{1,255})")
_REDIRECT = re.compile(
    r"\s*#(?:redirect|redirection|redirección|weiterleitung|rinvia|doorverwijzing|перенаправление|redirecionamento|patrz"
    r"|omdirigering|転送|リダイレクト|重定向|넘겨주기|تحويل)\s*:?\s*\[\[([^\]|#\n]*)",
    re.IGNORECASE,
)
# Where the Disambiguator extension is missing, only the template tells. Names: the large Wikipedias' own.
_DISAMBIGUATION = re.compile(
    r"\{\{\s*(?:disambiguation|disambig|disamb|dab|geodis|hndis|human name disambiguation|place name disambiguation"
    r"|begriffsklärung|homonymie|desambiguación|desambiguação|desambig|disambigua|doorverwijspagina|неоднозначность"
    r"|багатозначність|ujednoznacznienie|förgrening|rozcestník|曖昧さ回避|aimai|消歧义|消歧義|동음이의|توضيح|ابهام‌زدایی)"
    r"\s*(?:\||\}\})",
    re.IGNORECASE,
)


def is_redirect(text: str) -> bool:
    """Whether the page is a redirect, by the word of one of the large wikis' languages."""
    return bool(_REDIRECT.match(text))


def redirect_target(text: str) -> str:
    """The title that a redirect leads to; "" for another page."""
    match = _REDIRECT.match(text)
    return _title(match[1]) if match else ""


def is_disambiguation(text: str) -> bool:
    """Whether a template says that the page is a disambiguation."""
    return bool(_DISAMBIGUATION.search(text))


def links(text: str, *, in_lists: bool = False) -> list[str]:
    """The titles that the page links to, each once, in the order of the text; `in_lists`: the first of each list item."""
    return list(dict.fromkeys(filter(None, map(_title, (_ITEM_LINK if in_lists else _LINK).findall(text)))))


def _title(link: str) -> str:
    return one_line(link.replace("_", " "), 300).removeprefix(":").strip()
