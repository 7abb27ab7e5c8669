"""MediaWiki's Action API (https://www.mediawiki.org/wiki/API:Query): find it, and ask it politely."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, urljoin, urlsplit

from corpus_tuner.errors import CorpusTunerError, Transient, Unavailable
from corpus_tuner.fetch import address
from corpus_tuner.fetch.client import Client, is_local
from corpus_tuner.fetch.line import one_line

HEAD = 1 << 18  # bytes of a page in which its <link rel="EditURI"> must stand
MAXLAG = "5"  # seconds of replication lag above which the server shall turn us away (API:Etiquette)
OLDEST = (1, 25)  # formatversion=2 came with it
EMPTY = 100  # answers without a result, one after the other, that a list may have (a wiki filters after it has counted)
_BUSY_CODES = ("maxlag", "ratelimited")
_CREATIVE_COMMONS = re.compile(r"creativecommons\.org/(licenses|publicdomain)/([a-z-]+)(?:/(\d[\d.]*))?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Wiki:
    """A MediaWiki, as its siteinfo describes it."""

    api: str
    name: str  # host, and the path where one host has several wikis: page ids are unique within it
    article_path: str  # "/wiki/$1"
    script: str  # "/w/index.php"
    language: str
    licence: str


class NoWiki(CorpusTunerError):
    """What answers at an address is not MediaWiki's API."""


def find(client: Client, url: SplitResult) -> Wiki:
    """The wiki that `url` is a page of: by the page's own EditURI link (Really Simple Discovery), else at the usual places.

    Raises NoWiki where no place answers as MediaWiki does, Unavailable where the host does not answer.
    """
    fault: Unavailable | None = None
    for api in _places(client, url):
        try:
            return _describe(client, api)
        except NoWiki:
            continue
        except Unavailable as error:
            fault = error
    raise fault or NoWiki(
        f"{url.netloc} is no MediaWiki wiki (no api.php answers for {one_line(url.geturl())}): "
        "give a wiki page's URL, or leave out what is for wikis alone (titles, linked, depth)"
    )


def _places(client: Client, url: SplitResult) -> Iterator[str]:
    if address.is_wikimedia(url.hostname):
        yield f"https://{url.netloc}/w/api.php"
        return
    page = client.get(url.geturl(), head=HEAD)
    link = _edit_uri(page.url, page.body)
    if link:
        yield link
        return
    roots = dict.fromkeys((address.root(urlsplit(page.url)), address.root(url), ""))
    for folder in dict.fromkeys(f"{start}{end}" for start in roots for end in ("/w", "", "/wiki", "/mediawiki")):
        yield urljoin(page.url, f"{folder}/api.php")


def _edit_uri(base: str, body: bytes) -> str:
    """The api.php that a page's `<link rel="EditURI">` names; "" if there is none that is safe to ask."""
    from bs4 import BeautifulSoup, SoupStrainer

    body = re.sub(rb"\A[\xef\xbb\xbf\s]*<\?xml[^>]*>", b"", body)  # XHTML's first line, or it warns
    soup = BeautifulSoup(body, "lxml", parse_only=SoupStrainer("link"))
    link = soup.find("link", rel=lambda rel: rel is not None and rel.lower() == "edituri", href=True)
    if link is None:
        return ""
    try:
        target = urlsplit(urljoin(base, str(link["href"])))
    except ValueError:
        return ""
    here = urlsplit(base)
    safe = target.scheme in ("http", "https") and (is_local(here.hostname) or not is_local(target.hostname))
    if here.scheme == "https" and target.netloc == here.netloc:
        target = target._replace(scheme="https")
    return target._replace(query="", fragment="").geturl() if safe and target.path.endswith("/api.php") else ""


def _describe(client: Client, api: str) -> Wiki:
    """Asks what stands at `api`. Raises NoWiki."""
    found = query(client, api, meta="siteinfo", siprop="general|rightsinfo")
    try:
        general, rights = found["general"], found.get("rightsinfo", {})
        generator, script_path = str(general["generator"]), str(general["scriptpath"])
        host = urlsplit(api).netloc.lower()
        wiki = Wiki(
            api=api,
            name=host + ("" if script_path in ("/w", "") else script_path.removesuffix("/w")),
            article_path=str(general["articlepath"]),
            script=str(general["script"]),
            language=str(general.get("lang", "")),
            licence=licence(str(rights.get("url", "")), str(rights.get("text", ""))),
        )
    except (KeyError, TypeError, AttributeError):
        raise NoWiki(f"{api} is not MediaWiki's API") from None
    number = re.match(r"MediaWiki (\d+)\.(\d+)", generator)
    if number is None:
        raise NoWiki(f"{api} is not MediaWiki's API")
    if (int(number[1]), int(number[2])) < OLDEST:
        raise CorpusTunerError(f"{host} runs {one_line(generator)}, too old to ask: save the page's wikitext and name the file")
    return wiki


def query(client: Client, api: str, **parameters: str) -> dict[str, Any]:
    """The `query` object of the answer to action=query; {} where it is empty.

    Raises Unavailable (server busy, lagged or down after all retries), NoWiki (not an API's answer) and
    CorpusTunerError (the API refused; its words).
    """
    return _queried(_ask(client, api, parameters))


def follow(client: Client, api: str, **parameters: str) -> Iterator[dict[str, Any]]:
    """The `query` object of each answer, continued (https://www.mediawiki.org/wiki/API:Continue) as long as the caller takes them.

    Raises as `query` does, and CorpusTunerError for a wiki whose continuation comes round again or brings nothing for long.
    """
    more: dict[str, str] = {}
    seen: set[tuple[str, ...]] = set()
    empty = 0
    while True:
        data = _ask(client, api, parameters | more)
        found = _queried(data)
        empty = 0 if found else empty + 1
        yield found
        after = data.get("continue")
        if not isinstance(after, dict) or not after:
            return
        more = {str(key): str(value) for key, value in after.items()}
        place = tuple(sorted(more.values()))
        if place in seen or empty > EMPTY:
            raise CorpusTunerError(f"{urlsplit(api).netloc} continues its list for ever: give a smaller list, or name its pages in source.titles")
        seen.add(place)


def _ask(client: Client, api: str, parameters: dict[str, str]) -> dict[str, Any]:
    asked = {"action": "query", "format": "json", "formatversion": "2", "maxlag": MAXLAG, **parameters}
    return client.patiently(lambda: _answer(client, api, asked))


def _queried(data: dict[str, Any]) -> dict[str, Any]:
    found = data.get("query", {})
    return found if isinstance(found, dict) else {}


def _answer(client: Client, api: str, parameters: dict[str, str]) -> dict[str, Any]:
    host = urlsplit(api).netloc
    reply = client.once(api, parameters)
    if reply.status in (401, 403):
        raise CorpusTunerError(
            f"{host} refuses us ({reply.status}): set corpus.contact in the TOML to your e-mail address; a private wiki cannot be read"
        )
    try:
        data = json.loads(reply.body)
    except (ValueError, RecursionError):
        data = None
    if not isinstance(data, dict):
        raise NoWiki(f"{api} is not MediaWiki's API")
    error = data.get("error")
    if isinstance(error, dict):
        code, info = one_line(error.get("code", "")), one_line(error.get("info", ""))
        if code in _BUSY_CODES:
            raise Transient(f"{host} is busy ({code}: {info})", reply.retry_after)
        if code == "readapidenied":
            raise CorpusTunerError(f"{host} is a private wiki: save the page's wikitext and name the file")
        raise CorpusTunerError(f"{host} refuses: {info} ({code})")
    return data


def licence(url: str, text: str) -> str:
    """A licence's short name from siteinfo's rightsinfo: "CC BY-SA 4.0" where it is a Creative Commons one."""
    match = _CREATIVE_COMMONS.search(url)
    if match is None:
        return one_line(text or url)
    kind, number = match[2].upper(), (match[3] or "").rstrip(".")
    if match[1].lower() == "publicdomain":
        return f"CC0 {number}".strip() if kind == "ZERO" else "Public domain"
    return f"CC {kind} {number}".strip()
