"""Pages of a MediaWiki by title, page id or revision, fifty a request: which there are, and the text of those that changed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any
from urllib.parse import quote

from corpus_tuner.fetch import mediawiki
from corpus_tuner.fetch.address import Wanted, is_wikimedia
from corpus_tuner.fetch.client import Client
from corpus_tuner.fetch.line import one_line
from corpus_tuner.fetch.mediawiki_answers import Listed, Unfit, dicts, merge, settled, text_of
from corpus_tuner.fetch.mediawiki_text import is_disambiguation, links
from corpus_tuner.records import Document, Reason, Reject

BATCH = 50  # titles or ids a request (https://www.mediawiki.org/wiki/API:Query, of users without rights of their own)
LONGEST = 6000  # characters of a request's titles: servers refuse URLs above 8 kB
SUGGESTIONS = 6


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
            page = settled(found, self.wiki, entry, namespaces)
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
            merge(merged, found)
        return merged

    def _contents(self, revisions: list[str]) -> dict[str, Any]:
        """The entries of revisions with their text, by revision id. Asking by id leaves no gap in which an edit could slip in."""
        contents = {}
        for found in mediawiki.follow(
            self.client, self.wiki.api, prop="revisions", revids="|".join(revisions),
            rvprop="ids|timestamp|content|contentmodel", rvslots="main",
        ):  # fmt: skip
            for page in dicts(found.get("pages")):
                contents |= {str(entry.get("revid")): entry for entry in dicts(page.get("revisions"))}
        return contents

    def _before(self, page: dict[str, Any]) -> Document | None:
        before = self.known.get(f"{self.wiki.name}:{page['pageid']}")
        return before if before is not None and before.revision == str(page["revisions"][0]["revid"]) else None

    def _document(self, page: dict[str, Any], entry: dict[str, Any] | None, asked: str) -> Document:
        revision = str(page["revisions"][0]["revid"])
        text, timestamp = text_of(self.wiki, revision, entry)
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
        length += 12 if entry.page_id else len(quote(entry.title)) + 3
        if length > LONGEST - 800:  # a title has 255 bytes at most, 765 characters percent-encoded
            break
    return chunk
