"""The pages that a wiki's list names: a category, Special:AllPages, Special:PrefixIndex, a search.

A list is named by the URL at which a reader sees it. Of its query these are understood:

    Category:Apollo program?depth=2            subcategories, too, so many levels down
    Special:AllPages?from=A&to=B&namespace=4   from one title to another; AllPages/A is from A
    Special:PrefixIndex/Apollo                 titles that open with it; ?prefix=Apollo is the same
    Special:Search?search=Apollo+8&ns0=1       as the wiki's own search ranks them; /w/index.php?search=Apollo, too
    limit=100                                  of any of them: so many documents at most
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, parse_qs

from corpus_tuner.errors import CorpusTunerError
from corpus_tuner.fetch import mediawiki
from corpus_tuner.fetch.client import Client
from corpus_tuner.fetch.line import one_line
from corpus_tuner.fetch.mediawiki_answers import Listed
from corpus_tuner.settings import SourceSettings

MOST = 5000  # documents of a list whose user sets no bound
MOST_CATEGORIES = 5000  # that one list looks into
CATEGORY = 14  # the number of the namespace, the same in every MediaWiki
DEEPEST = 20
_SPECIAL = ("allpages", "prefixindex", "search")
_NUMBER = re.compile(r"\d{1,9}")


@dataclass(frozen=True, slots=True)
class Bounds:
    """How far a source reaches: what its URL says, or else its settings. `namespaces` are those of its documents."""

    depth: int
    linked: int
    documents: int
    namespaces: frozenset[int]


def asked(url: SplitResult) -> dict[str, str]:
    """The query of a URL, the last value of each key."""
    return {key: values[-1] for key, values in parse_qs(url.query).items()}


def bounds(query: Mapping[str, str], settings: SourceSettings) -> Bounds:
    """Raises CorpusTunerError for a depth, limit or number of linked pages that is none."""
    depth = min(_number(query, "depth", settings.depth), DEEPEST)
    linked, limit = _number(query, "linked", settings.linked), _number(query, "limit", settings.max_documents)
    chosen = {int(match[1]) for key in query if (match := re.fullmatch(r"ns(\d{1,5})", key)) and query[key] == "1"}
    single = {int(query["namespace"])} if _NUMBER.fullmatch(query.get("namespace", "")) else set()
    return Bounds(depth, linked, limit or MOST, frozenset(settings.namespaces or chosen or single or {0}))


def _number(query: Mapping[str, str], key: str, default: int) -> int:
    value = query.get(key, "")
    if key in query and not _NUMBER.fullmatch(value):
        raise CorpusTunerError(f"{key}={one_line(value, 40)} in the URL must be a whole number")
    return int(value) if value else default


def special(client: Client, wiki: mediawiki.Wiki, title: str, query: Mapping[str, str], reach: Bounds) -> Iterator[Listed] | None:
    """What the special page `title` lists; None where it is none of the lists that we read, or names nothing to list."""
    name, _, below = title.partition(":")[2].partition("/")
    kind = _special_name(client, wiki, name)
    if kind == "search":
        words = query.get("search") or below
        return _search(client, wiki, words, reach) if words else None
    if kind == "prefixindex":
        prefix = query.get("prefix") or below
        return _all_pages(client, wiki, reach, prefix=prefix) if prefix else None
    if kind == "allpages":
        chosen = {"from": query.get("from") or below, "to": query.get("to", ""), "prefix": query.get("prefix", "")}
        return _all_pages(client, wiki, reach, **chosen)
    return None


def category(client: Client, wiki: mediawiki.Wiki, title: str, reach: Bounds) -> Iterator[Listed]:
    """The members of a category, then those of its subcategories, level by level down to `reach.depth`; each category once."""
    level, seen = [title], {title}
    for depth in range(reach.depth + 1):
        below: list[str] = []
        for name in level:
            for entry in _members(client, wiki, name, subcategories=depth < reach.depth):
                if entry.namespace != CATEGORY:
                    yield entry
                elif entry.title not in seen and len(seen) < MOST_CATEGORIES:
                    seen.add(entry.title)
                    below.append(entry.title)
        level = below


def _members(client: Client, wiki: mediawiki.Wiki, name: str, *, subcategories: bool) -> Iterator[Listed]:
    for found in mediawiki.follow(
        client, wiki.api, list="categorymembers", cmtitle=name, cmlimit="max", cmprop="ids|title|type",
        cmtype="page|subcat" if subcategories else "page",
    ):  # fmt: skip
        yield from _listed(found.get("categorymembers"))


def _all_pages(client: Client, wiki: mediawiki.Wiki, reach: Bounds, **chosen: str) -> Iterator[Listed]:
    """Pages in the order of their titles, without redirects. A namespace before the prefix or the first title counts."""
    namespaces = sorted(reach.namespaces)
    for key, value in chosen.items():
        if ":" in value:
            namespaces, chosen[key] = _split(client, wiki, value, namespaces)
    parameters = {f"ap{key}": value.replace("_", " ") for key, value in chosen.items() if value}
    for namespace in namespaces:
        for found in mediawiki.follow(
            client, wiki.api, list="allpages", apnamespace=str(namespace), apfilterredir="nonredirects", aplimit="max", **parameters
        ):
            yield from _listed(found.get("allpages"))


def _split(client: Client, wiki: mediawiki.Wiki, title: str, default: list[int]) -> tuple[list[int], str]:
    """(namespaces, the title without its namespace), as the wiki itself reads it."""
    pages = mediawiki.query(client, wiki.api, titles=title.replace("|", " ")).get("pages")
    number = pages[0].get("ns", 0) if isinstance(pages, list) and pages and isinstance(pages[0], dict) else 0
    return ([number], title.partition(":")[2].strip("_ ")) if number > 0 else (default, title)


def _search(client: Client, wiki: mediawiki.Wiki, words: str, reach: Bounds) -> Iterator[Listed]:
    for found in mediawiki.follow(
        client, wiki.api, list="search", srsearch=one_line(words, 300), srnamespace="|".join(map(str, sorted(reach.namespaces))),
        srlimit="50", srprop="", srinfo="",
    ):  # fmt: skip
        yield from _listed(found.get("search"))


def _listed(entries: Any) -> Iterator[Listed]:
    """The entries of a list's answer that are of the known form."""
    for entry in entries if isinstance(entries, list) else []:
        title, number = (entry.get("title"), entry.get("pageid", 0)) if isinstance(entry, dict) else (None, 0)
        if isinstance(title, str) and isinstance(number, int):
            namespace = entry.get("ns", 0)
            yield Listed(title, namespace if isinstance(namespace, int) else 0, number)


def named(titles: tuple[str, ...]) -> Iterator[Listed]:
    """The pages that `source.titles` names. Raises CorpusTunerError for what can be no title."""
    for title in titles:
        entry = Listed(one_line(title.replace("_", " "), 300))
        if not entry.title or "|" in title:
            raise CorpusTunerError(f"source.titles: {title!r} is not a valid page title")
        yield entry


def _special_name(client: Client, wiki: mediawiki.Wiki, name: str) -> str:
    """The English name, in small letters, of a special page that may be named in the wiki's own language."""
    plain = _folded(name)
    if plain in _SPECIAL:
        return plain
    aliases = mediawiki.query(client, wiki.api, meta="siteinfo", siprop="specialpagealiases").get("specialpagealiases")
    for entry in aliases if isinstance(aliases, list) else []:
        if isinstance(entry, dict) and plain in {_folded(str(alias)) for alias in entry.get("aliases", [])}:
            return _folded(str(entry.get("realname", "")))
    return ""


def _folded(name: str) -> str:
    return name.replace("_", "").replace(" ", "").casefold()
