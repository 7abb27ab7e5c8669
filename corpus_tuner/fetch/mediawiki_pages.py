"""Pages of a MediaWiki by title, page id or revision, fifty a request: which there are, and the text of those that changed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any
from urllib.parse import quote

from corpus_tuner.errors import CorpusTunerError
from corpus_tuner.fetch import mediawiki
from corpus_tuner.fetch.address import Wanted, is_wikimedia
from corpus_tuner.fetch.client import Client
from corpus_tuner.fetch.line import one_line
from corpus_tuner.fetch.mediawiki_text import is_disambiguation, is_redirect, links
from corpus_tuner.records import Document, Reason, Reject

BATCH = 50  # titles or ids a request (https://www.mediawiki.org/wiki/API:Query, of users without rights of their own)
LONGEST = 6000  # characters of a request's titles: servers refuse URLs above 8 kB
SUGGESTIONS = 6
CHAIN = 10  # redirects and conversions between a title and its page


class Unfit(CorpusTunerError):
    """A page that cannot be a document: the user's mistake where it was named alone, a Reject of `reason` in a list."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Listed:
    """A page that a list names."""

    title: str
    namespace: int = 0
    page_id: int = 0  # 0: not known


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads pages of one wiki; `known` holds the documents of the last build by their id, `language` is for a wiki that names none."""

    client: Client
    wiki: mediawiki.Wiki
    host: str
    known: Mapping[str, Document]
    language: str = ""

    def look_up(self, wanted: Wanted) -> dict[str, Any]:
        """The result of asking for one page, without its text; `existing` reads it."""
        if wanted.revision:  # never with redirects: a page may have become one since
            return self._info(revids=wanted.revision)
        if wanted.title:
            return self._info(titles=wanted.title, converttitles="1", redirects="1")
        return self._info(pageids=wanted.page_id, redirects="1")

    def document(self, page: dict[str, Any], asked: str) -> Document:
        """The document of a page that `existing` has passed; the known one at the same revision. Raises Unfit."""
        revision, before = str(page["revisions"][0]["revid"]), self._before(page)
        if before is not None:
            return before
        return self._document(page, self._contents([revision]).get(revision), asked)

    def documents(
        self, listed: Iterable[Listed], seen: set[int], most: int, namespaces: frozenset[int] | None = None
    ) -> Iterator[Document | Reject]:
        """The documents of a list, in its order, at most `most`; a Reject for each page that cannot be one, or lies in
        none of `namespaces` (None: any).

        A page comes once, however many redirects and lists lead to it: `seen` holds the ids of those that came.
        A page whose revision in `known` still holds is that very record, and its text is not asked for.
        """
        entries, left = iter(listed), most
        while left > 0:
            chunk = _chunk(entries, min(BATCH, left))
            if not chunk:
                return
            for item in self._batch(chunk, seen, namespaces):
                left -= isinstance(item, Document)
                yield item

    def _batch(self, listed: list[Listed], seen: set[int], namespaces: frozenset[int] | None) -> Iterator[Document | Reject]:
        by_id = all(entry.page_id for entry in listed)
        keys = "|".join(str(entry.page_id) if by_id else entry.title for entry in listed)
        which = {"pageids": keys} if by_id else {"titles": keys, "converttitles": "1"}
        found = self._info(redirects="1", **which)
        pages: list[tuple[Listed, dict[str, Any] | Unfit]] = []
        for entry in listed:
            page = _settled(found, self.wiki, entry, namespaces)
            if isinstance(page, Unfit) or page["pageid"] not in seen:
                pages.append((entry, page))
                if not isinstance(page, Unfit):
                    seen.add(page["pageid"])
        new = [str(page["revisions"][0]["revid"]) for _, page in pages if not isinstance(page, Unfit) and not self._before(page)]
        contents = self._contents(new) if new else {}
        for entry, page in pages:
            yield self._outcome(entry, page, contents)

    def _outcome(self, entry: Listed, page: dict[str, Any] | Unfit, contents: dict[str, Any]) -> Document | Reject:
        try:
            if isinstance(page, Unfit):
                raise page
            asked = f"https://{self.host}{self.wiki.article_path.replace('$1', quote(str(page['title'])))}"
            return self._before(page) or self._document(page, contents.get(str(page["revisions"][0]["revid"])), asked)
        except Unfit as fault:
            return Reject("fetch", one_line(entry.title) or f"page {entry.page_id}", fault.reason, one_line(fault, 500))

    def _info(self, **which: str) -> dict[str, Any]:
        """`prop=info|revisions|pageprops` of pages, continued and merged."""
        parameters = dict(
            prop="info|revisions|pageprops", inprop="url", rvprop="ids", ppprop="disambiguation", iwurl="1", **which
        )  # fmt: skip
        merged: dict[str, Any] = {}
        for found in mediawiki.follow(self.client, self.wiki.api, **parameters):
            _merge(merged, found)
        return merged

    def _contents(self, revisions: list[str]) -> dict[str, Any]:
        """The entries of revisions with their text, by revision id. Asking by id leaves no gap in which an edit could slip in."""
        contents = {}
        for found in mediawiki.follow(
            self.client, self.wiki.api, prop="revisions", revids="|".join(revisions),
            rvprop="ids|timestamp|content|contentmodel", rvslots="main",
        ):  # fmt: skip
            for page in _dicts(found.get("pages")):
                contents |= {str(entry.get("revid")): entry for entry in _dicts(page.get("revisions"))}
        return contents

    def _before(self, page: dict[str, Any]) -> Document | None:
        before = self.known.get(f"{self.wiki.name}:{page['pageid']}")
        return before if before is not None and before.revision == str(page["revisions"][0]["revid"]) else None

    def _document(self, page: dict[str, Any], entry: dict[str, Any] | None, asked: str) -> Document:
        revision = str(page["revisions"][0]["revid"])
        text, timestamp = _text(self.wiki, revision, entry)
        _check_disambiguation(self.host, page, text)
        return Document(
            id=f"{self.wiki.name}:{page['pageid']}",
            title=one_line(page["title"], 300),
            url=_public(page, asked),
            format="wikitext",
            text=text,
            language=page.get("pagelanguagehtmlcode") or self.wiki.language or self.language,
            revision=revision,
            revised_at=timestamp,
            licence=self.wiki.licence,
            fetched_at=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        )


def existing(found: dict[str, Any], wiki: mediawiki.Wiki, wanted: Wanted) -> dict[str, Any]:
    """The one page of a look-up that can be fetched. Raises Unfit: each way to fail has its own line."""
    try:
        return _existing(found, wiki, wanted)
    except (KeyError, IndexError, TypeError, AttributeError, ValueError):
        raise CorpusTunerError(f"{wiki.name} answers for {wanted} in a form that is not MediaWiki's") from None


def _existing(found: dict[str, Any], wiki: mediawiki.Wiki, wanted: Wanted) -> dict[str, Any]:
    if found.get("badrevids"):
        raise Unfit(Reason.MISSING, f"{wiki.name} has no {wanted} (deleted?): give the page's URL without oldid")
    if found.get("interwiki"):
        link = found["interwiki"][0]
        raise Unfit(Reason.MISSING, f"{one_line(link['title'])!r} lies in another wiki: give its own URL, {one_line(link.get('url', ''))}")
    if "pages" not in found and found.get("redirects"):
        raise Unfit(Reason.MISSING, f"{wanted} in {wiki.name} redirects to itself: give the URL of the page that you mean")
    page = found["pages"][0]
    name = repr(one_line(page["title"])) if "title" in page else str(wanted)
    if page.get("invalid"):
        raise Unfit(Reason.MISSING, f"{name} is not a valid page title: {one_line(page.get('invalidreason', ''))}")
    if page.get("special"):
        raise Unfit(
            Reason.UNSUPPORTED, f"{name} is a special page, made anew for each reader: give the URL of a page with text of its own"
        )
    if page.get("missing"):
        source = found.get("redirects")
        start = f"{one_line(source[0]['from'])!r} redirects to {name}, which does not exist" if source else f"there is no {name}"
        raise Unfit(Reason.MISSING, f"{start} in {wiki.name}: check the spelling and the capital letters")
    model = one_line(page.get("contentmodel", "wikitext"))
    if model != "wikitext":
        raise Unfit(Reason.UNSUPPORTED, f"{name} in {wiki.name} is not wikitext but {model}: give the URL of an article")
    int(page["pageid"]), int(page["revisions"][0]["revid"])
    return page


def _settled(
    found: dict[str, Any], wiki: mediawiki.Wiki, entry: Listed, namespaces: frozenset[int] | None
) -> dict[str, Any] | Unfit:
    """What became of a listed page in the result of asking for many: the page, or why it is none."""
    title, hops = _target(found, entry.title)
    mine = [page for page in _dicts(found.get("pages")) if page.get("title") == title or (not hops and entry.page_id and page.get("pageid") == entry.page_id)]
    if mine and namespaces is not None and mine[0].get("ns", 0) not in namespaces:
        return Unfit(Reason.OTHER_NAMESPACE, f"lies in namespace {mine[0]['ns']}: add it to source.namespaces to take it")
    one: dict[str, Any] = {"pages": mine[:1]} if mine else {}
    if hops:
        one["redirects"] = [{"from": entry.title}]
    one["interwiki"] = [] if mine else [link for link in _dicts(found.get("interwiki")) if link.get("title") == title]
    if not mine and not one["interwiki"] and not hops:
        return Unfit(Reason.MISSING, f"{wiki.name} gives no answer for {one_line(entry.title)!r}")
    try:
        return existing(one, wiki, Wanted(title=entry.title))
    except Unfit as fault:
        return fault


def _target(found: dict[str, Any], title: str) -> tuple[str, int]:
    """(the title that the wiki made of `title`, how many redirects that took)."""
    steps = {str(step.get("from")): str(step.get("to")) for name in ("normalized", "converted") for step in _dicts(found.get(name))}
    redirects = {str(step.get("from")): str(step.get("to")) for step in _dicts(found.get("redirects"))}
    hops = 0
    for _ in range(CHAIN):
        if title in redirects:
            title, hops = redirects[title], hops + 1
        elif title in steps:
            title = steps.pop(title)
        else:
            break
    return title, hops


def _text(wiki: mediawiki.Wiki, revision: str, entry: dict[str, Any] | None) -> tuple[str, str]:
    """(wikitext, timestamp) of a revision's entry. Raises Unfit."""
    if entry is None:
        raise Unfit(Reason.MISSING, f"{wiki.name} does not give revision {revision}: it was deleted just now; try again")
    slots = entry.get("slots")
    slot = slots.get("main", entry) if isinstance(slots, dict) else entry  # slots came with MediaWiki 1.32
    text, model = (slot.get("content"), slot.get("contentmodel", "wikitext")) if isinstance(slot, dict) else (None, "")
    if not isinstance(text, str):
        raise Unfit(Reason.UNREADABLE, f"the text of revision {revision} in {wiki.name} is hidden: give another revision's URL")
    if model != "wikitext":
        raise Unfit(Reason.UNSUPPORTED, f"revision {revision} in {wiki.name} is not wikitext but {one_line(model)}: give the URL of an article")
    if is_redirect(text):
        raise Unfit(Reason.REDIRECT, f"revision {revision} in {wiki.name} was a redirect: give the URL of a revision with text")
    return text, one_line(entry.get("timestamp", ""))


def _check_disambiguation(host: str, page: dict[str, Any], text: str) -> None:
    """Raises Unfit, naming a few of the pages it leads to, if the page is a disambiguation."""
    marked = "disambiguation" in (page.get("pageprops") or {})
    if not marked and (is_wikimedia(host) or not is_disambiguation(text)):
        return
    found = links(text, in_lists=True)
    more = ", ..." if len(found) > SUGGESTIONS else ""
    such = f", such as {', '.join(found[:SUGGESTIONS])}{more}" if found else ""
    raise Unfit(
        Reason.DISAMBIGUATION, f"{one_line(page['title'])!r} is a disambiguation page: give the URL of the page that you mean{such}"
    )


def _public(page: dict[str, Any], asked: str) -> str:
    """The page's canonical URL as the wiki states it; the asked one where that is no web address."""
    url = str(page.get("canonicalurl") or page.get("fullurl") or "")
    return url if re.fullmatch(r"https?://[^\s<>\"]+", url) else asked


def _chunk(entries: Iterator[Listed], size: int) -> list[Listed]:
    """The next entries, at most `size`, whose titles fit into one URL."""
    chunk: list[Listed] = []
    length = 0
    for entry in islice(entries, size):
        chunk.append(entry)
        length += len(quote(entry.title)) + 3
        if length > LONGEST - 800:  # a title has 255 bytes at most, 765 characters percent-encoded
            break
    return chunk


def _merge(merged: dict[str, Any], found: dict[str, Any]) -> None:
    """Adds a continued answer: a page's properties come in pieces."""
    pages = {(page.get("pageid"), page.get("title")): page for page in _dicts(merged.get("pages"))}
    for name, value in found.items():
        if name == "pages":
            for page in _dicts(value):
                pages[page.get("pageid"), page.get("title")] = pages.get((page.get("pageid"), page.get("title")), {}) | page
        elif name not in merged:
            merged[name] = value
    if pages:
        merged["pages"] = list(pages.values())


def _dicts(value: Any) -> list[dict[str, Any]]:
    """What a wiki's answer holds at a place of objects; nothing of any other form."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
