"""The XML of a MediaWiki export (https://www.mediawiki.org/wiki/Help:Export), read as a stream: one page at a time in memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit
from xml.parsers import expat

from corpus_tuner.fetch import address
from corpus_tuner.fetch.line import one_line

DEEPEST = 16  # levels of elements; an export has six
MAX_TEXT = 16 << 20  # characters of a page; MediaWiki's own bound is 2 MiB ($wgMaxArticleSize)
MAX_VALUE = 1 << 16  # characters of a title or another short value
MAX_TAG = 4 << 20  # bytes between "<" and ">"
_SISTERS = ("wikipedia", "wiktionary", "wikibooks", "wikiquote", "wikisource", "wikiversity", "wikivoyage")
_OF_SITE = ("sitename", "dbname", "base", "case")
_OF_PAGE = ("title", "ns", "id")
_OF_REVISION = ("id", "timestamp", "model", "text")


class Damaged(Exception):
    """An export that cannot be read on: what is wrong with it, in words that can follow its name."""


@dataclass(frozen=True, slots=True)
class Site:
    """The wiki of an export, as its <siteinfo> describes it."""

    name: str = ""  # host, and the path where one host has several wikis; else the database's name
    language: str = ""
    pages: str = ""  # the URL of a page without its title; "" where unknown
    licence: str = ""
    first_letter: bool = True  # a title's first letter is always a capital
    namespaces: tuple[tuple[str, int], ...] = ()  # (name, number)

    def title(self, text: str) -> str:
        """`text` as the wiki writes a title."""
        plain = one_line(text.replace("_", " "), 300)
        return plain[:1].upper() + plain[1:] if self.first_letter else plain

    def namespace(self, title: str) -> int:
        """The namespace that a title's prefix names; before version 0.6 exports do not say it otherwise."""
        prefix = title.partition(":")[0] if ":" in title else ""
        return dict(self.namespaces).get(prefix, 0) if prefix else 0


@dataclass(slots=True)
class Page:
    """A page with its newest revision in the export."""

    title: str = ""
    namespace: str = ""
    page_id: str = ""
    redirect: str | None = None
    revision: str = ""
    timestamp: str = ""
    model: str = ""
    text: str | None = None  # None: hidden, or longer than MAX_TEXT
    length: int = 0  # characters


@dataclass(slots=True)
class Export:
    """A parser that is fed bytes and gives pages. `site` is set once <siteinfo> was read, or given for a part of an export."""

    site: Site | None = None
    part: bool = False  # of a multistream export: the root element may end elsewhere
    inside: bool = False  # such a part, and the root element begins elsewhere
    count: int = 0  # pages so far
    last: str = ""  # title of the last one
    _path: list[str] = field(default_factory=list)
    _pages: list[Page] = field(default_factory=list)
    _page: Page = field(default_factory=Page)
    _revision: dict[str, Any] = field(default_factory=dict)
    _about: dict[str, str] = field(default_factory=dict)
    _spaces: list[tuple[str, int]] = field(default_factory=list)
    _key: str = ""  # the namespace's number of which the name follows
    _text: list[str] | None = None  # pieces of the value that is being read
    _length: int = 0
    _fed: int = 0
    _parser: Any = None

    def __post_init__(self) -> None:
        self._parser = parser = expat.ParserCreate()
        parser.buffer_text, parser.buffer_size = True, 1 << 16
        parser.StartElementHandler, parser.EndElementHandler = self._start, self._end
        parser.CharacterDataHandler = self._characters
        parser.StartDoctypeDeclHandler = _refuse  # no entities of its own, so that none can expand
        if self.inside:
            self.feed(b"<mediawiki>")

    def feed(self, data: bytes) -> list[Page]:
        """The pages that end in `data`. Raises Damaged."""
        return self._parse(data, final=False)

    def close(self) -> list[Page]:
        """The end of the export. Raises Damaged if it does not end here."""
        if self.part and len(self._path) == 1:
            self._parse(b"</mediawiki>", final=False)
        return self._parse(b"", final=True)

    def _parse(self, data: bytes, *, final: bool) -> list[Page]:
        self._fed += len(data)
        try:
            self._parser.Parse(data, final)
        except expat.ExpatError as error:
            what = "it ends in the middle" if error.code in _CUT else f"its XML is broken ({expat.ErrorString(error.code)})"
            raise Damaged(what) from None
        if self._fed - max(0, self._parser.CurrentByteIndex) > MAX_TAG + len(data):
            raise Damaged(f"it has a tag of more than {MAX_TAG >> 20} MiB")
        pages, self._pages = self._pages, []
        return pages

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._path.append(name)
        depth = len(self._path)
        if depth == 1 and name != "mediawiki":
            raise Damaged(f"it is no MediaWiki export: it opens with <{one_line(name, 40)}>")
        if depth > DEEPEST:
            raise Damaged(f"its elements are nested more than {DEEPEST} deep")
        self._text, self._length = None, 0
        if depth == 1:
            self._about["language"] = attributes.get("xml:lang", "")
        elif depth == 2:
            self._page, self._revision = Page(), {}
        elif depth == 3:
            self._start_in_page(name, attributes)
        elif depth == 4 and self._path[2] == "namespaces":
            self._key, self._text = attributes.get("key", ""), []
        elif depth == 4 and self._path[2] == "revision" and name in _OF_REVISION and "deleted" not in attributes:
            self._text = []

    def _start_in_page(self, name: str, attributes: dict[str, str]) -> None:
        parent = self._path[1]
        if name in (_OF_PAGE if parent == "page" else _OF_SITE if parent == "siteinfo" else ()):
            self._text = []
        elif parent == "page" and name == "redirect":
            self._page.redirect = attributes.get("title", "")
        elif parent == "page" and name == "revision":
            self._revision = {}

    def _characters(self, data: str) -> None:
        if self._text is None:
            return
        self._length += len(data)
        long = self._path[-1] == "text"
        if self._length <= (MAX_TEXT if long else MAX_VALUE):
            self._text.append(data)
        elif long:
            self._text.clear()  # the page is counted, and not kept
        else:
            raise Damaged(f"a <{self._path[-1]}> has more than {MAX_VALUE:,} characters")

    def _end(self, name: str) -> None:
        depth, text, self._text = len(self._path), self._text, None
        if text is not None:
            self._value(depth, name, "".join(text) if self._length <= MAX_TEXT else None)
        elif depth == 2:
            self._end_in_root(name)
        elif depth == 3 and name == "revision" and self._path[1] == "page":
            self._keep_newest()
        self._path.pop()

    def _value(self, depth: int, name: str, value: str | None) -> None:
        parent = self._path[depth - 2]
        if parent == "page":
            setattr(self._page, {"title": "title", "ns": "namespace", "id": "page_id"}[name], (value or "").strip())
        elif parent == "revision":
            self._revision[name] = value if name == "text" else (value or "").strip()
            if name == "text":
                self._revision["length"] = self._length
        elif parent == "siteinfo":
            self._about[name] = (value or "").strip()
        elif self._key.lstrip("-").isdecimal():
            self._spaces.append(((value or "").strip(), int(self._key)))

    def _keep_newest(self) -> None:
        new, page = self._revision, self._page
        if (new.get("timestamp", ""), len(new.get("id", "")), new.get("id", "")) >= (page.timestamp, len(page.revision), page.revision):
            page.revision, page.timestamp = new.get("id", ""), new.get("timestamp", "")
            page.model, page.text, page.length = new.get("model", ""), new.get("text"), new.get("length", 0)

    def _end_in_root(self, name: str) -> None:
        if name == "siteinfo":
            self.site = _site(self._about, self._spaces)
        elif name == "page":
            self.count, self.last = self.count + 1, one_line(self._page.title)
            self._pages.append(self._page)


_CUT = {expat.errors.codes[name] for name in (expat.errors.XML_ERROR_NO_ELEMENTS, expat.errors.XML_ERROR_UNCLOSED_TOKEN, expat.errors.XML_ERROR_PARTIAL_CHAR, expat.errors.XML_ERROR_UNCLOSED_CDATA_SECTION)}


def _refuse(*_: Any) -> None:
    raise Damaged("it has a document type of its own (<!DOCTYPE>), which no MediaWiki export has")


def _site(about: dict[str, str], namespaces: Iterable[tuple[str, int]]) -> Site:
    try:
        base = urlsplit(about.get("base", ""))
        host = base.netloc.lower() if base.scheme in ("http", "https") and "@" not in base.netloc else ""
    except ValueError:
        host = ""
    if not host:
        return Site(one_line(about.get("dbname") or about.get("sitename", "")), about["language"], "", "", *_letters(about, namespaces))
    url = base.geturl()
    pages = url[: url.index("title=") + 6] if "title=" in url else url.rpartition("/")[0] + "/"
    sister = address.is_wikimedia(host) and host.split(".")[-2] in _SISTERS
    licence = "CC BY-SA 4.0" if sister else ""  # of all their text: https://foundation.wikimedia.org/wiki/Policy:Terms_of_Use
    return Site(host + address.root(base), about["language"], pages, licence, *_letters(about, namespaces))


def _letters(about: dict[str, str], namespaces: Iterable[tuple[str, int]]) -> tuple[bool, tuple[tuple[str, int], ...]]:
    return about.get("case", "first-letter") == "first-letter", tuple((name, number) for name, number in namespaces if name)


def pages(chunks: Iterable[bytes], export: Export) -> Iterator[Page]:
    """The pages of an export's bytes, one after the other. Raises Damaged; `export` tells how far it got."""
    for chunk in chunks:
        yield from export.feed(chunk)
    yield from export.close()
