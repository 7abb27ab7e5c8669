"""What a wiki page's URL says, without asking anybody: the wiki's host, and the page by title, page id or revision."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from corpus_tuner.errors import CorpusTunerError

_WIKIMEDIA = re.compile(
    r"(?:[a-z0-9-]+\.)*(?:wikipedia|wiktionary|wikibooks|wikinews|wikiquote|wikisource|wikiversity|wikivoyage"
    r"|wikimedia|wikidata|mediawiki|wikifunctions)\.org"
)
_PAGE_PATH = re.compile(r"(?P<root>.*?)/(?:wiki|w|index\.php5?)/(?P<title>.+)", re.DOTALL)
_SCRIPT = re.compile(r"(?P<root>.*?)(?:/w|/wiki|/mediawiki)?/index\.php5?(?:/.*)?", re.DOTALL)
_VARIANT = re.compile(r"/[a-z]{2,3}(?:-[a-z]{2,4})*/(?P<title>.+)", re.DOTALL)  # /zh-tw/..., /sr-el/...
_PERMALINK = re.compile(r"special:perma(?:nent)?link/(\d{1,15})", re.IGNORECASE)
_NUMBER = re.compile(r"0*[1-9]\d{0,14}")


class NoPage(CorpusTunerError):
    """A URL of a wiki names none of its pages."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A page of a wiki; exactly one field is set."""

    title: str = ""
    page_id: str = ""
    revision: str = ""

    def __str__(self) -> str:
        if self.title:
            return f"{self.title!r}"
        return f"page {self.page_id}" if self.page_id else f"revision {self.revision}"


def is_wikimedia(host: str | None) -> bool:
    """Whether the wiki is one of the Wikimedia Foundation's."""
    return bool(_WIKIMEDIA.fullmatch(host or ""))


def claims(locator: str) -> bool:
    """Whether `locator` looks like a page of a MediaWiki: a Wikimedia host, a host with a label `wiki`, or a path with
    `/wiki/`, `/w/` or `index.php` in it. Any other web page is not ours to claim."""
    try:
        url = urlsplit(locator.strip())
    except ValueError:
        return False
    if url.scheme not in ("http", "https") or not url.hostname:
        return False
    host = url.hostname
    return is_wikimedia(host) or "wiki" in host.split(".") or bool(_PAGE_PATH.match(url.path) or _SCRIPT.match(url.path))


def parse(locator: str) -> SplitResult:
    """The URL to ask: no fragment; on a Wikimedia host https and the host of the full site, not of the mobile one.

    Raises CorpusTunerError for one that is malformed or carries a password.
    """
    try:
        locator.encode()
        url = urlsplit(locator.strip())
        host, _ = url.hostname, url.port  # a port that is no number raises
    except ValueError as error:
        raise CorpusTunerError(f"{locator!r} is not a URL: {error}") from None
    if not host or url.scheme not in ("http", "https"):
        raise CorpusTunerError(f"{locator!r} is not a web address: it must open with http:// or https://")
    if "@" in url.netloc:
        raise CorpusTunerError(f"take the user name and password out of the URL of {host}: they would be stored with the corpus")
    if not is_wikimedia(host):
        return url._replace(netloc=url.netloc.lower(), fragment="")
    host = ".".join(label for label in host.split(".") if label not in ("m", "zero"))
    if host in ("wikipedia.org", "www.wikipedia.org"):
        host = "en.wikipedia.org"  # where the portal sends a reader
    elif host.count(".") == 1:
        host = f"www.{host}"
    return url._replace(scheme="https", netloc=host, fragment="")


def root(url: SplitResult) -> str:
    """The path of a wiki's folder as far as the page's URL tells it: "" or, where a host has several, "/de"."""
    match = _SCRIPT.fullmatch(url.path) or _PAGE_PATH.match(url.path)
    return match["root"] if match else ""


def wanted(url: SplitResult, article_path: str, script: str) -> Wanted:
    """What `url` names in a wiki whose pages lie at `article_path` ("/wiki/$1") and whose index.php is at `script`.

    As in MediaWiki, a revision goes before a page id, and that before a title. Raises CorpusTunerError where there
    is none of them, NoPage if that is all.
    """
    query = {key: values[-1] for key, values in parse_qs(url.query).items()}
    if "diff" in query:
        raise CorpusTunerError(f"{url.geturl()} shows a difference of two revisions: give the URL of the page or of one revision")
    if _NUMBER.fullmatch(query.get("oldid", "")):
        return Wanted(revision=query["oldid"].lstrip("0"))
    if _NUMBER.fullmatch(query.get("curid", "")):
        return Wanted(page_id=query["curid"].lstrip("0"))
    title = (query.get("title") or unquote(_title(url, article_path, script))).replace("_", " ").strip()
    permalink = _PERMALINK.fullmatch(title)
    if permalink:
        return Wanted(revision=permalink[1])
    if not title:
        raise NoPage(
            f"{url.geturl()} names no page: give a page's own URL, such as {url.scheme}://{url.netloc}{article_path.replace('$1', 'TITLE')}"
        )
    if "|" in title:  # the API would take it for two titles
        raise CorpusTunerError(f"{title!r} is not a valid page title: '|' cannot be in one")
    return Wanted(title=title)


def _title(url: SplitResult, article_path: str, script: str) -> str:
    """The title in the path, still percent-encoded; "" if there is none."""
    if url.path.startswith(f"{script}/"):
        return url.path[len(script) + 1 :]
    if url.path == script:
        return ""
    before, _, after = urlsplit(article_path).path.partition("$1")
    if before and url.path.startswith(before) and url.path.endswith(after):
        return url.path[len(before) : len(url.path) - len(after)]
    match = _PAGE_PATH.match(url.path) or (is_wikimedia(url.hostname) and _VARIANT.fullmatch(url.path))
    return match["title"] if match else ""
