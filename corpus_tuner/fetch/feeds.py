"""Sitemaps (https://www.sitemaps.org/protocol.html) and feeds (RSS 0.9x, 1.0, 2.0 and Atom), from bytes."""

from __future__ import annotations

import io
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from corpus_tuner.archive import Damaged, xml_root

MAX_BYTES = 64 << 20  # of a sitemap unpacked; the protocol allows 50 MB
_ROOT = re.compile(rb"<(?:[A-Za-z_][\w.-]*:)?(urlset|sitemapindex|rss|feed|RDF)[\s>]")
_FOLDED = re.compile(r"\s*[\t\r\n]\s*")  # no part of a URL, unlike a space (https://url.spec.whatwg.org/#url-parsing)


@dataclass(frozen=True, slots=True)
class Entry:
    """What a feed says of one article. `content` is the whole article as HTML, "" where the feed has a summary only."""

    link: str
    title: str
    content: str
    summary: str
    revised_at: str


def unpacked(body: bytes) -> bytes:
    """`body`, gunzipped if it is gzip. Raises Damaged where it is broken or grows beyond `MAX_BYTES`."""
    if body[:2] != b"\x1f\x8b":
        return body
    try:
        plain = zlib.decompressobj(31).decompress(body, MAX_BYTES + 1)
    except zlib.error as error:
        raise Damaged(f"is not whole gzip: {error}") from error
    if len(plain) > MAX_BYTES:
        raise Damaged(f"unpacks to more than {MAX_BYTES >> 20} MiB")
    return plain


def kind(body: bytes) -> str:
    """"sitemap" or "feed" by the root element; "" for anything else."""
    head = body[:4096].lstrip(b"\xef\xbb\xbf \t\r\n")
    found = _ROOT.search(head) if head.startswith(b"<") and b"<html" not in head.lower() else None
    if not found:
        return ""
    return "sitemap" if found[1] in (b"urlset", b"sitemapindex") else "feed"


def sitemap(body: bytes) -> tuple[list[str], list[str]]:
    """(pages, further sitemaps) that a sitemap lists, in its order. Raises Damaged for what is not XML at all."""
    from lxml import etree

    pages: list[str] = []
    sitemaps: list[str] = []
    events = etree.iterparse(
        io.BytesIO(body), events=("end",), tag=("{*}loc", "{*}url", "{*}sitemap"), resolve_entities=False, no_network=True, load_dtd=False, recover=True
    )
    try:
        for _, element in events:
            name = etree.QName(element).localname
            if name != "loc":
                element.clear()
                while element.getprevious() is not None and element.getparent() is not None:
                    del element.getparent()[0]
                continue
            above = element.getparent()
            text = _FOLDED.sub("", (element.text or "").strip())
            owner = etree.QName(above).localname if above is not None else ""
            if text and owner in ("url", "sitemap"):
                (pages if owner == "url" else sitemaps).append(text)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise Damaged(f"is not XML: {' '.join(str(error).split())[:200]}") from error
    return pages, sitemaps


def entries(body: bytes) -> Iterator[Entry]:
    """The articles of a feed, in its order. Raises Damaged for what is not XML at all."""
    root = xml_root(body, "the feed", forgiving=True)
    for item in root.iter("{*}item", "{*}entry"):
        link = _link(item)
        yield Entry(
            link=link or ("" if _text(item, "guid").partition(":")[0] not in ("http", "https") else _text(item, "guid")),
            title=_text(item, "title"),
            content=_text(item, "encoded") or _html(item.find("{*}content")),
            summary=_html(item.find("{*}summary")) or _text(item, "description"),
            revised_at=_moment(_text(item, "updated") or _text(item, "pubDate") or _text(item, "published") or _text(item, "date")),
        )


def _text(item: Any, name: str) -> str:
    found = item.find(f"{{*}}{name}")
    return "".join(found.itertext()).strip() if found is not None else ""


def _link(item: Any) -> str:
    """RSS: the text of <link>. Atom: the address of the link that is the article itself."""
    for link in item.findall("{*}link"):
        if link.get("href") and link.get("rel", "alternate") == "alternate":
            return link.get("href")
    return _text(item, "link")


def _html(element: Any) -> str:
    """Atom's content as HTML: escaped, as elements, or plain text."""
    from html import escape

    from lxml import etree

    if element is None or element.get("src"):
        return ""
    form = element.get("type", "text")
    if form == "xhtml":
        for part in element.iter():
            if isinstance(part.tag, str):
                part.tag = etree.QName(part).localname
        inner = "".join(etree.tostring(child, encoding="unicode", method="html") for child in element)
        return re.sub(r' xmlns(?::\w+)?="[^"]*"', "", inner)
    text = "".join(element.itertext()).strip()
    return text if form in ("html", "text/html") else f"<p>{escape(text)}</p>" if text else ""


def _moment(text: str) -> str:
    """A date of a feed in ISO 8601, UTC; "" for none that can be read."""
    if not text:
        return ""
    try:
        moment = datetime.fromisoformat(text) if text[:4].isdigit() else parsedate_to_datetime(text)
        return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, OverflowError, TypeError):
        return ""
