"""URLs of pages, and what a page's HTML says of itself: its links, its canonical URL, its title."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, quote, urlencode, urljoin, urlsplit

from corpus_tuner.errors import CorpusTunerError
from corpus_tuner.records import Reason, Reject

LONGEST = 2000  # characters of a URL that is followed
MOST = 20_000  # links of a page
REMEMBERED = 100_000  # URLs of one crawl
_TRACKING = re.compile(r"utm_\w+|fbclid|gclid|msclkid|mc_cid|mc_eid|igshid|ref_src", re.IGNORECASE)
_ASSETS = frozenset(
    """.png .jpg .jpeg .gif .svg .webp .ico .avif .bmp .tiff .css .js .mjs .map .json .woff .woff2 .ttf .eot .otf .mp3 .mp4
    .webm .ogg .wav .avi .mov .zip .gz .tgz .bz2 .xz .7z .tar .exe .dmg .deb .rpm .whl .jar .iso .apk""".split()
)


def start(locator: str) -> str:
    """The URL to ask for `locator`. Raises CorpusTunerError for one that is malformed or carries a password."""
    try:
        locator.encode()
        parts = urlsplit(locator.strip())
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise CorpusTunerError(f"{locator!r} is not a URL: {error}") from None
    if not host or parts.scheme.lower() not in ("http", "https"):
        raise CorpusTunerError(f"{locator!r} is not a web address: it must open with http:// or https://")
    if "@" in parts.netloc:
        raise CorpusTunerError(f"take the user name and password out of the URL of {host}: they would be stored with the corpus")
    return normal(locator.strip())


def normal(url: str) -> str:
    """`url` in the one form under which it is remembered: no fragment, no default port, no parameters that only track a
    visitor, characters outside of ASCII percent-encoded. "" for what is no URL of a web page."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
        host.encode("idna") if host else None
    except (ValueError, UnicodeError):
        return ""
    scheme = parts.scheme.lower()
    if not host or scheme not in ("http", "https") or "@" in parts.netloc:
        return ""
    name = f"[{host}]" if ":" in host else host
    place = name if port in (None, {"http": 80, "https": 443}[scheme]) else f"{name}:{port}"
    query = parts.query
    if query and _TRACKING.search(query):
        query = urlencode([(key, value) for key, value in parse_qsl(query, keep_blank_values=True) if not _TRACKING.fullmatch(key)])
    path = quote(parts.path or "/", safe="/%!$&'()*+,;=:@~-._")
    clean = f"{scheme}://{place}{path}" + (f"?{quote(query, safe='/?%!$&()*+,;=:@~-._')}" if query else "")
    return clean if len(clean) <= LONGEST else ""


def origin(url: str) -> str:
    """Scheme, host and port of a URL in `normal` form."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def folder(url: str) -> str:
    """The path below which a crawl of `url` stays: its own where the last step has no dot, else that of its folder."""
    path = urlsplit(url).path
    if "." in path.rpartition("/")[2]:
        return path.rpartition("/")[0] + "/"
    return path if path.endswith("/") else path + "/"


def is_below(url: str, base: str, prefix: str) -> bool:
    """Whether `url` is of the origin `base` and its path within `prefix`, a folder."""
    path = urlsplit(url).path
    return origin(url) == base and (path + "/").startswith(prefix)


def is_page(url: str) -> bool:
    """Whether the suffix of a URL leaves room for a document: pictures, styles, scripts and archives are none."""
    name = urlsplit(url).path.rpartition("/")[2]
    return "." not in name or name[name.rfind(".") :].lower() not in _ASSETS


def full(url: str) -> Reject:
    """What is left of a site that has more addresses than are remembered; `url` is where that showed."""
    return Reject("fetch", url, Reason.LIMIT, f"the site has more than {REMEMBERED:,} addresses, and those after them are left out: name a part of it")


@dataclass(slots=True)
class Facts:
    """What a page says of itself; URLs are absolute and in `normal` form."""

    title: str = ""
    language: str = ""
    licence: str = ""
    canonical: str = ""
    links: list[str] = field(default_factory=list)


def facts(text: str, url: str) -> Facts:
    """The facts of the page that lies at `url`, read as a stream of tags however deep they are nested."""
    from lxml import etree

    reader = _Reader(url)
    if text.strip():
        parser = etree.HTMLParser(target=reader, encoding="utf-8", huge_tree=True, remove_comments=True, remove_pis=True)
        parser.feed(text.encode("utf-8", "replace"))
        parser.close()
    return reader.facts()


class _Reader:
    """lxml calls start, end and data."""

    def __init__(self, url: str) -> None:
        self._base = url
        self._found = Facts()
        self._links: dict[str, None] = {}
        self._into: list[str] | None = None
        self._title: list[str] = []
        self._headings: list[list[str]] = []
        self._drawing = 0
        self._follow = True

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        """An element begins."""
        if tag == "a":
            self._link(attributes)
        elif tag == "svg":
            self._drawing += 1
        elif tag == "title" and not self._drawing and not self._title:
            self._into = self._title
        elif tag == "h1":
            self._headings.append([])
            self._into = self._headings[-1]
        elif tag in ("html", "base", "link", "meta"):
            self._head(tag, attributes)

    def _head(self, tag: str, attributes: Mapping[str, str]) -> None:
        relation = attributes.get("rel", "").lower().split()
        if tag == "html":
            self._found.language = attributes.get("lang", "").strip()[:35]
        elif tag == "base" and attributes.get("href"):
            self._base = _joined(self._base, attributes["href"]) or self._base
        elif tag == "link" and "canonical" in relation:
            self._found.canonical = normal(_joined(self._base, attributes.get("href", "")))
        elif tag == "link" and "license" in relation:
            self._found.licence = normal(_joined(self._base, attributes.get("href", "")))
        elif tag == "meta" and attributes.get("name", "").lower() == "robots":
            self._follow = "nofollow" not in attributes.get("content", "").lower() and "none" not in attributes.get("content", "").lower()

    def _link(self, attributes: Mapping[str, str]) -> None:
        relation = attributes.get("rel", "").lower().split()
        if "href" not in attributes or "nofollow" in relation or len(self._links) >= MOST:
            return
        url = normal(_joined(self._base, attributes["href"]))
        if "license" in relation and not self._found.licence:
            self._found.licence = url
        if url:
            self._links[url] = None

    def end(self, tag: str) -> None:
        """An element ends."""
        if tag == "svg":
            self._drawing -= 1
        elif tag in ("title", "h1"):
            self._into = None

    def data(self, text: str) -> None:
        """Text between tags."""
        if self._into is not None:
            self._into.append(text)

    def close(self) -> None:
        """The document ends."""

    def facts(self) -> Facts:
        """What was found. The only h1 goes before a <title> that holds it, with the site's name beside it."""
        title = " ".join("".join(self._title).split())
        headings = [heading for heading in (" ".join("".join(words).split()).rstrip("¶#§ ") for words in self._headings) if heading]
        heading = headings[0] if len(headings) == 1 else ""
        self._found.title = heading if heading and (not title or heading.lower() in title.lower()) else title
        self._found.links = list(self._links) if self._follow else []
        return self._found


def _joined(base: str, reference: str) -> str:
    """`reference` as an absolute URL; "" where it cannot be one."""
    try:
        return urljoin(base, reference.strip())
    except ValueError:
        return ""
