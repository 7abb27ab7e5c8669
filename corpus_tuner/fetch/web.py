"""The source of web pages: one page, a site by its sitemap or its links, or a feed."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import urlsplit

from corpus_tuner.archive import Damaged
from corpus_tuner.errors import CorpusTunerError, Unavailable
from corpus_tuner.fetch import address, feeds, links, pages
from corpus_tuner.fetch.client import Client, Response, user_agent
from corpus_tuner.fetch.globs import Chosen
from corpus_tuner.fetch.line import one_line
from corpus_tuner.fetch.peers import GuardedAdapter
from corpus_tuner.fetch.site import Away, Spent, Visitor
from corpus_tuner.fetch.sitemaps import pages_of
from corpus_tuner.records import Blob, Document, Reason, Reject
from corpus_tuner.settings import Settings, SourceSettings
from corpus_tuner.store import digest

PAGES = 1000  # of a site or feed, where the source states no max_documents
IN_A_ROW = 3  # pages that may fail one after the other before the server counts as down
SECONDS = 90.0  # of one exchange
MAX_BYTES = 64 << 20  # of one page

Found = Document | Blob | Reject


class Web:
    """Fetches a web page; of a sitemap the pages that it lists, of a feed its articles; with `crawl = "links"` or
    `"sitemap"` in the source, the pages at and below the locator. `client` is for tests.

    A crawl stays at the origin of its first answer. robots.txt is obeyed by all of them. A page that cannot be fetched
    or read is a Reject; of a single one the same raises CorpusTunerError.
    """

    def __init__(self, settings: Settings, client: Client | None = None) -> None:
        self._source = settings.source[0] if len(settings.source) == 1 else SourceSettings()
        self._settings, self._client = settings, client

    def claims(self, locator: str) -> bool:
        """Whether `locator` is a URL of the web, and not one of a wiki's pages unless the source says how to crawl it."""
        scheme = locator.strip().partition("://")[0].lower()
        return scheme in ("http", "https") and (bool(self._source.crawl) or not address.claims(locator))

    def fetch(self, locator: str, known: Mapping[str, Document]) -> Iterator[Found]:
        """The documents at `locator`; one that the server calls unchanged is the very record in `known`, and is not sent.

        Raises CorpusTunerError where nothing at all can be had there, and Unavailable where nobody answers.
        """
        client = self._client or Client(
            user_agent(self._settings.corpus.contact), attempts=3, timeout=(10.0, 30.0), max_bytes=MAX_BYTES, adapter=GuardedAdapter(SECONDS)
        )
        visit = _Visit(Visitor(client, self._source.delay, self._source.max_megabytes << 20), self._source, self._settings, known)
        yield from visit.documents(links.start(locator))


class _Visit:
    """One fetch of one locator: what was seen, what is still to come."""

    def __init__(self, visitor: Visitor, source: SourceSettings, settings: Settings, known: Mapping[str, Document]) -> None:
        self._visitor, self._source, self._known = visitor, source, known
        self._language = settings.corpus.language
        self._chosen = Chosen(source.include, source.exclude)
        self._pages = source.max_documents or PAGES
        self._ids: set[str] = set()
        self._contents: dict[str, str] = {}
        self._failed = 0

    def documents(self, url: str) -> Iterator[Found]:
        """Everything at `url`."""
        if self._source.crawl == "sitemap":
            yield from self._listed(url)
            return
        answer = self._visitor.get(url, self._known.get(url))
        kind = feeds.kind(answer.body) if answer.status == 200 else ""
        if answer.body[:2] == b"\x1f\x8b":
            kind = kind or feeds.kind(_opened(answer))
        if kind == "sitemap":
            self._visitor.base = links.origin(links.normal(answer.url))
            yield from self._each(pages_of([(url, answer)], self._visitor))
        elif kind == "feed":
            self._visitor.base = links.origin(links.normal(answer.url))
            yield from self._feed(answer)
        elif self._source.crawl == "links":
            yield from self._crawl(url, answer)
        else:
            yield from self._take(url, answer)[0]

    # -------------------------------------------------------------------------------------------------- one page

    def _take(self, url: str, answer: Response) -> tuple[list[Found], list[str]]:
        """(the document of an answer, or the Reject of a double; the links on it). Raises pages.Unfit."""
        before = self._known.get(url)
        if answer.status == 304 and before is not None:
            item: Document | Blob = before
            following = links.facts(before.text, before.url or url).links if before.format == "html" else []
        else:
            item, facts = pages.read(answer, self._language)
            following = facts.links
        document = item.document if isinstance(item, Blob) else item
        double = self._double(document)
        if double:
            return [Reject("fetch", url, Reason.DUPLICATE, f"the same page as {double}")] * (document.id != url), following
        return [pages.unchanged(item, self._known.get(document.id))], following

    def _double(self, document: Document) -> str:
        """The page that this one repeats; "" if it is new, and then it is remembered."""
        if document.id in self._ids:
            return document.id
        content = document.blob or digest(document.text)
        if content in self._contents:
            return self._contents[content]
        self._ids.add(document.id)
        self._contents[content] = document.id
        return ""

    def _try(self, url: str) -> tuple[list[Found], list[str]]:
        """A page of many: what goes wrong with it alone is its Reject. Raises Unavailable when the server seems down."""
        try:
            found = self._take(url, self._visitor.get(url, self._known.get(url)))
        except Spent as fault:
            return [Reject("fetch", url, Reason.LIMIT, str(fault))], []
        except pages.Unfit as fault:
            found = [Reject("fetch", url, fault.reason, str(fault))], []
        except Unavailable as fault:
            self._failed += 1
            if self._failed >= IN_A_ROW:
                raise
            return [Reject("fetch", url, Reason.UNREADABLE, one_line(fault))], []
        except CorpusTunerError as fault:
            reason = Reason.NOT_SELECTED if isinstance(fault, Away) else Reason.UNREADABLE
            return [Reject("fetch", url, reason, one_line(fault))], []
        self._failed = 0
        return found

    # -------------------------------------------------------------------------------------------------- many pages

    def _crawl(self, url: str, answer: Response) -> Iterator[Found]:
        """The page and those below it, nearest first."""
        home = links.normal(answer.url)
        self._visitor.base, prefix = links.origin(home), links.folder(home)
        found, following = self._take(url, answer)
        yield from found if self._chosen.takes(urlsplit(home).path) else []
        queue: deque[str] = deque()
        seen = {url, home}
        taken, limit = 1, self._pages

        def note(urls: Iterable[str]) -> None:
            for one in urls:
                one = self._visitor.own_scheme(one)
                if one not in seen and len(seen) < links.REMEMBERED and links.is_below(one, self._visitor.base, prefix) and links.is_page(one):
                    seen.add(one)
                    queue.append(one)

        note(following)
        while queue:
            one = queue.popleft()
            if taken >= limit:
                yield self._beyond(one)
                continue
            taken += 1
            found, following = self._try(one)
            yield from found if self._chosen.takes(urlsplit(one).path) else [_left_out(one)]
            note(following)
        if len(seen) >= links.REMEMBERED:
            yield links.full(home)

    def _beyond(self, url: str) -> Reject:
        return Reject("fetch", url, Reason.LIMIT, f"more than {self._pages} pages: raise max_documents")

    def _each(self, urls: Iterable[str | Reject]) -> Iterator[Found]:
        """The pages at `urls`, as far as the globs and the bounds let them."""
        taken = 0
        for url in urls:
            if isinstance(url, Reject):
                yield url
            elif not self._chosen.takes(urlsplit(url).path):
                yield _left_out(url)
            elif taken >= self._pages:
                yield self._beyond(url)
            else:
                taken += 1
                yield from self._try(url)[0]

    def _listed(self, url: str) -> Iterator[Found]:
        """The pages at and below `url` that the site's sitemaps list."""
        base = self._visitor.base = links.origin(url)
        named = [links.normal(one) for one in self._visitor.robots(base).sitemaps]
        first = [one for one in named if one and links.origin(one) == base] or [f"{base}/sitemap.xml"]
        prefix = links.folder(url)
        none = True
        for item in self._each(pages_of([(one, None) for one in first], self._visitor, lambda one: links.is_below(one, base, prefix))):
            none = none and isinstance(item, Reject)
            yield item
        if none:
            raise CorpusTunerError(f'no sitemap of {base} lists a page below {prefix} that can be had: try crawl = "links"')

    def _feed(self, answer: Response) -> Iterator[Found]:
        """The articles of a feed: those that it holds whole, and else the pages that it links to at its own origin."""
        feed = links.normal(answer.url)
        try:
            found = list(feeds.entries(feeds.unpacked(answer.body)))
        except Damaged as fault:
            raise CorpusTunerError(f"{one_line(feed)} {fault}") from None
        for number, entry in enumerate(found):
            url = links.normal(entry.link)
            if number >= self._pages:
                yield self._beyond(url or f"{feed}#{number + 1}")
            elif url and not self._chosen.takes(urlsplit(url).path):
                yield _left_out(url)
            elif entry.content or not url:
                yield self._held(entry, feed)
            else:
                yield from self._try(url)[0]

    def _held(self, entry: feeds.Entry, feed: str) -> Found:
        document = pages.article(entry, feed, entry.content or entry.summary, self._language)
        double = self._double(document)
        if double:
            return Reject("fetch", document.id, Reason.DUPLICATE, f"the same article as {double}")
        return pages.unchanged(document, self._known.get(document.id))


def _opened(answer: Response) -> bytes:
    """A gzipped answer's content; "" for one that is broken."""
    try:
        return feeds.unpacked(answer.body)
    except Damaged:
        return b""


def _left_out(url: str) -> Reject:
    return Reject("fetch", url, Reason.NOT_SELECTED, "left out by the source's include and exclude")
