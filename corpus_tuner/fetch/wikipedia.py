"""The source of wiki pages: the wikitext of one page of Wikipedia or of any other MediaWiki, pinned to its revision."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import SplitResult

from corpus_tuner.errors import CorpusTunerError
from corpus_tuner.fetch import address, mediawiki
from corpus_tuner.fetch.client import Client, user_agent
from corpus_tuner.fetch.line import one_line
from corpus_tuner.records import Document, Reject
from corpus_tuner.settings import Settings

SUGGESTIONS = 6
_LINK = re.compile(r"^[*#:]+[^\[\n]*\[\[:?([^\]|#\n]+)", re.MULTILINE)
_REDIRECT = re.compile(
    r"\s*#(?:redirect|redirection|redirección|weiterleitung|rinvia|doorverwijzing|перенаправление|redirecionamento|patrz"
    r"|omdirigering|転送|リダイレクト|重定向|넘겨주기|تحويل)\s*:?\s*\[\[",
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


class Wikipedia:
    """Fetches one page for its URL; see `address.claims` for which URLs. `client` is for tests and polite crawlers."""

    def __init__(self, settings: Settings, client: Client | None = None) -> None:
        self._settings = settings
        self._client = client
        self._wikis: dict[tuple[str, str], mediawiki.Wiki] = {}

    def claims(self, locator: str) -> bool:
        """Whether `locator` looks like a page of a MediaWiki. Any other web page is a matter for another source."""
        return address.claims(locator)

    def fetch(self, locator: str, known: Mapping[str, Document]) -> Iterator[Document | Reject]:
        """The page's Document; where `known` holds it at this revision, that very record, and its text is not asked for.

        A redirect leads to its target; a URL with a revision (`oldid`) gives that one. Raises CorpusTunerError for a
        page that is missing, invalid, special, a disambiguation or not wikitext, and a host that is no wiki;
        Unavailable for one that does not answer.
        """
        url = address.parse(locator)
        client = self._client = self._client or Client(user_agent(self._settings.corpus.contact))
        wiki = self._wiki(client, url)
        wanted = address.wanted(url, wiki.article_path, wiki.script)
        page = _look_up(client, wiki, wanted)
        revision = str(page["revisions"][0]["revid"])
        identity = f"{wiki.name}:{page['pageid']}"
        before = known.get(identity)
        if before is not None and before.revision == revision:
            yield before
            return
        content = _content(client, wiki, revision)
        _check_disambiguation(url, page, content["text"])
        yield Document(
            id=identity,
            title=one_line(page["title"], 300),
            url=_public(page, url),
            format="wikitext",
            text=content["text"],
            language=page.get("pagelanguagehtmlcode") or wiki.language or self._settings.corpus.language,
            revision=revision,
            revised_at=content["timestamp"],
            licence=wiki.licence,
            fetched_at=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        )

    def _wiki(self, client: Client, url: SplitResult) -> mediawiki.Wiki:
        place = (f"{url.scheme}://{url.netloc}", address.root(url))
        if place not in self._wikis:
            self._wikis[place] = mediawiki.find(client, url)
        return self._wikis[place]


def _look_up(client: Client, wiki: mediawiki.Wiki, wanted: address.Wanted) -> dict[str, Any]:
    """The page as `prop=info|revisions|pageprops` tells it, without its text. Raises CorpusTunerError if there is none."""
    if wanted.revision:  # never with redirects: a page may have become one since
        which = {"revids": wanted.revision}
    else:
        which = {"titles": wanted.title, "converttitles": "1"} if wanted.title else {"pageids": wanted.page_id}
        which["redirects"] = "1"
    found = mediawiki.query(
        client, wiki.api, prop="info|revisions|pageprops", inprop="url", rvprop="ids", ppprop="disambiguation",
        iwurl="1", **which,
    )  # fmt: skip
    try:
        return _existing(found, wiki, wanted)
    except (KeyError, IndexError, TypeError, AttributeError):
        raise CorpusTunerError(f"{wiki.name} answers for {wanted} in a form that is not MediaWiki's") from None


def _existing(found: dict[str, Any], wiki: mediawiki.Wiki, wanted: address.Wanted) -> dict[str, Any]:
    """The one page of a query's result that can be fetched; each way to fail has its own line."""
    if found.get("badrevids"):
        raise CorpusTunerError(f"{wiki.name} has no {wanted} (deleted?): give the page's URL without oldid")
    if found.get("interwiki"):
        link = found["interwiki"][0]
        raise CorpusTunerError(f"{one_line(link['title'])!r} lies in another wiki: give its own URL, {one_line(link.get('url', ''))}")
    if "pages" not in found and found.get("redirects"):
        raise CorpusTunerError(f"{wanted} in {wiki.name} redirects to itself: give the URL of the page that you mean")
    page = found["pages"][0]
    name = repr(one_line(page["title"])) if "title" in page else str(wanted)
    if page.get("invalid"):
        raise CorpusTunerError(f"{name} is not a valid page title: {one_line(page.get('invalidreason', ''))}")
    if page.get("special"):
        raise CorpusTunerError(f"{name} is a special page, made anew for each reader: give the URL of a page with text of its own")
    if page.get("missing"):
        source = found.get("redirects")
        start = f"{one_line(source[0]['from'])!r} redirects to {name}, which does not exist" if source else f"there is no {name}"
        raise CorpusTunerError(f"{start} in {wiki.name}: check the spelling and the capital letters")
    model = one_line(page.get("contentmodel", "wikitext"))
    if model != "wikitext":
        raise CorpusTunerError(f"{name} in {wiki.name} is not wikitext but {model}: give the URL of an article")
    int(page["pageid"]), int(page["revisions"][0]["revid"])
    return page


def _content(client: Client, wiki: mediawiki.Wiki, revision: str) -> dict[str, str]:
    """{"text", "timestamp"} of a revision. Asking by its id leaves no gap in which an edit could slip in."""
    found = mediawiki.query(
        client, wiki.api, prop="revisions", revids=revision, rvprop="ids|timestamp|content|contentmodel", rvslots="main"
    )
    try:
        entry = found["pages"][0]["revisions"][0]
        slot = entry.get("slots", {}).get("main", entry)  # slots came with MediaWiki 1.32
        model = slot.get("contentmodel", "wikitext")
        text, timestamp = slot.get("content"), str(entry.get("timestamp", ""))
    except (KeyError, IndexError, TypeError, AttributeError):
        raise CorpusTunerError(f"{wiki.name} does not give revision {revision}: it was deleted just now; try again") from None
    if not isinstance(text, str):
        raise CorpusTunerError(f"the text of revision {revision} in {wiki.name} is hidden: give another revision's URL")
    if model != "wikitext":
        raise CorpusTunerError(f"revision {revision} in {wiki.name} is not wikitext but {one_line(model)}: give the URL of an article")
    if _REDIRECT.match(text):
        raise CorpusTunerError(f"revision {revision} in {wiki.name} was a redirect: give the URL of a revision with text")
    return {"text": text, "timestamp": one_line(timestamp)}


def _check_disambiguation(url: SplitResult, page: dict[str, Any], text: str) -> None:
    """Raises CorpusTunerError, naming a few of the pages it leads to, if the page is a disambiguation."""
    marked = "disambiguation" in (page.get("pageprops") or {})
    if not marked and (address.is_wikimedia(url.hostname) or not _DISAMBIGUATION.search(text)):
        return
    links = list(dict.fromkeys(one_line(link.replace("_", " ")) for link in _LINK.findall(text)))
    more = ", ..." if len(links) > SUGGESTIONS else ""
    such = f", such as {', '.join(links[:SUGGESTIONS])}{more}" if links else ""
    raise CorpusTunerError(f"{one_line(page['title'])!r} is a disambiguation page: give the URL of the page that you mean{such}")


def _public(page: dict[str, Any], asked: SplitResult) -> str:
    """The page's canonical URL as the wiki states it; the asked one where that is no web address."""
    url = str(page.get("canonicalurl") or page.get("fullurl") or "")
    return url if re.fullmatch(r"https?://[^\s<>\"]+", url) else asked.geturl()
