"""The source of wiki pages: wikitext of one page or of a list, from Wikipedia or any other MediaWiki, pinned to its revision."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import SplitResult

from corpus_tuner.errors import CorpusTunerError
from corpus_tuner.fetch import address, listing, mediawiki
from corpus_tuner.fetch.client import Client, user_agent
from corpus_tuner.fetch.line import one_line
from corpus_tuner.fetch.mediawiki_answers import Listed, existing
from corpus_tuner.fetch.mediawiki_pages import Reader
from corpus_tuner.fetch.mediawiki_text import links
from corpus_tuner.fetch.web import Web
from corpus_tuner.records import Document, Reason, Reject
from corpus_tuner.settings import Settings, SourceSettings


class Wikipedia:
    """Fetches a page or a list of pages for its URL; see `address.claims` for which URLs, `listing` for which lists.

    `settings.source` holds the one [[source]] that is asked for; `client` is for tests and polite crawlers.
    """

    def __init__(self, settings: Settings, client: Client | None = None) -> None:
        self._settings = settings
        self._source = settings.source[0] if settings.source else SourceSettings()
        self._client = client
        self._wikis: dict[tuple[str, str], mediawiki.Wiki] = {}

    def claims(self, locator: str) -> bool:
        """Whether `locator` looks like a page of a MediaWiki. Any other web page is a matter for another source."""
        return address.claims(locator)

    def fetch(self, locator: str, known: Mapping[str, Document]) -> Iterator[Document | Reject]:
        """The page's Document, or those of a list; where `known` holds a page at this revision, that very record, and
        its text is not asked for.

        A redirect leads to its target; a URL with a revision (`oldid`) gives that one. A page named alone raises
        CorpusTunerError if it is missing, invalid, special, a disambiguation or not wikitext; in a list it becomes a
        Reject. CorpusTunerError, too, for a list without pages; Unavailable for a host that does not answer. A page that
        only looked like a wiki's (`/wiki/` in its path, and no MediaWiki there) is a web page like any other.
        """
        url = address.parse(locator)
        client = self._client = self._client or Client(user_agent(self._settings.corpus.contact))
        try:
            wiki = self._wiki(client, url)
        except mediawiki.NoWiki:
            if self._source.titles or self._source.linked or self._source.depth:
                raise
            yield from Web(self._settings).fetch(locator, known)
            return
        reader = Reader(client, wiki, url.netloc, known, self._settings.corpus.language)
        if self._source.titles:
            yield from self._titles(reader, url)
            return
        query = listing.asked(url)
        reach = listing.bounds(query, self._source)
        wanted = _wanted(url, wiki, query)
        found = reader.look_up(wanted)
        entries = _entries(reader, found, query, reach) if wanted.title else None
        if entries is not None:
            yield from _documents(reader, entries, reach, locator)
            return
        page = existing(found, wiki, wanted)
        document = reader.document(page, url.geturl())
        yield document
        if reach.linked:
            listed = (Listed(title) for title in links(document.text))
            yield from reader.documents(listed, {page["pageid"]}, reach.linked, reach.namespaces)

    def _titles(self, reader: Reader, url: SplitResult) -> Iterator[Document | Reject]:
        """The pages of `source.titles`; before them the one that the URL names, if it names any."""
        wiki, pages = reader.wiki, list(listing.named(self._source.titles))
        with suppress(address.NoPage):
            pages.insert(0, Listed(address.wanted(url, wiki.article_path, wiki.script).title))
        yield from reader.documents(filter(lambda page: page.title, pages), set(), len(pages))

    def _wiki(self, client: Client, url: SplitResult) -> mediawiki.Wiki:
        place = (f"{url.scheme}://{url.netloc}", address.root(url))
        if place not in self._wikis:
            self._wikis[place] = mediawiki.find(client, url)
        return self._wikis[place]


def _wanted(url: SplitResult, wiki: mediawiki.Wiki, query: Mapping[str, str]) -> address.Wanted:
    """What the URL names; index.php with nothing but words to search for is the search."""
    try:
        return address.wanted(url, wiki.article_path, wiki.script)
    except address.NoPage:
        if query.get("search"):
            return address.Wanted(title="Special:Search")
        raise


def _entries(
    reader: Reader, found: dict[str, Any], query: Mapping[str, str], reach: listing.Bounds
) -> Iterator[Listed] | None:
    """The pages that a looked-up category or special page lists; None if it is a page of its own."""
    pages = found.get("pages")
    page = pages[0] if isinstance(pages, list) and pages and isinstance(pages[0], dict) else {}
    title = str(page.get("title", ""))
    if page.get("special"):
        return listing.special(reader.client, reader.wiki, title, query, reach)
    return listing.category(reader.client, reader.wiki, title, reach) if page.get("ns") == listing.CATEGORY else None


def _documents(reader: Reader, entries: Iterator[Listed], reach: listing.Bounds, locator: str) -> Iterator[Document | Reject]:
    """The documents of a list; a Reject where its bound cut it. Raises CorpusTunerError for a list without pages."""
    empty, documents = True, 0
    for item in reader.documents(entries, set(), reach.documents, reach.namespaces):
        empty, documents = False, documents + isinstance(item, Document)
        yield item
    if empty:
        raise CorpusTunerError(f"{one_line(locator)} lists no page: check its spelling, or, of a category of categories, raise its depth")
    if documents >= reach.documents and next(entries, None) is not None:
        yield Reject("fetch", one_line(locator), Reason.LIMIT, f"the list goes on after {documents} documents: raise source.max_documents")
