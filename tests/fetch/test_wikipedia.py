"""The source of wiki pages, against a real MediaWiki and against what was recorded from it."""

from __future__ import annotations

import re
import threading
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import mediawiki as real_mediawiki
import pytest
from scripted_server import ScriptedServer, Told

from corpus_tuner.errors import CorpusTunerError, Unavailable
from corpus_tuner.fetch.client import Client, Response
from corpus_tuner.fetch.wikipedia import Wikipedia
from corpus_tuner.records import Document
from corpus_tuner.settings import CorpusSettings, Settings, SourceSettings

EXPORTED = "{http://www.mediawiki.org/xml/export-0.11/}"
ODD_TITLE = "Adventure/🚀 50%? & more"


def exported(title: str) -> list[str]:
    """The texts of a page's revisions in the export that the wiki was made from, oldest first."""
    for page in ET.parse(real_mediawiki.EXPORT).iter(f"{EXPORTED}page"):
        if page.findtext(f"{EXPORTED}title") == title:
            return [text.text or "" for text in page.iter(f"{EXPORTED}text")]
    raise LookupError(title)


class Watched(Client):
    """A client that remembers which URL and parameters it asked for."""

    def __init__(self) -> None:
        super().__init__("test", attempts=2, pause=0.01, longest=1.0)
        self.asked: list[tuple[str, dict[str, str]]] = []

    def once(self, url: str, params: Mapping[str, str] | None = None, **options: Any) -> Response:
        self.asked.append((url, dict(params or {})))
        return super().once(url, params, **options)

    def texts(self) -> int:
        """How many of the requests were for a page's text."""
        return sum("content" in params.get("rvprop", "") for _, params in self.asked)


@pytest.fixture(params=["recorded", "live"])
def wiki(request: pytest.FixtureRequest) -> Iterator[str]:
    """The root URL of the wiki: each test runs against the recording and against the real thing."""
    if request.param == "live":
        yield request.getfixturevalue("mediawiki").url
        return
    if real_mediawiki.MODE == "record":
        request.getfixturevalue("mediawiki")
    name = re.sub(r"\W+", "-", request.node.name.removeprefix("test_").replace("recorded", "")).strip("-")
    with real_mediawiki.cassette(name):
        yield real_mediawiki.RECORDED


@pytest.fixture
def client() -> Watched:
    return Watched()


@pytest.fixture
def fetch(client: Watched) -> Callable[..., Document]:
    """The one document of a URL."""
    source = Wikipedia(Settings(), client)

    def one(url: str, known: Mapping[str, Document] | None = None) -> Document:
        (document,) = source.fetch(url, known or {})
        assert isinstance(document, Document)
        return document

    return one


def test_a_page_arrives_as_it_was_written(wiki: str, fetch: Callable[..., Document]) -> None:
    """The document holds the newest revision's wikitext to the letter, with what pins and attributes it."""
    document = fetch(f"{wiki}/wiki/Adventure#Motivation")
    assert document.text == exported("Adventure")[-1].strip()
    assert document.title == "Adventure"
    assert document.url == f"{wiki}/wiki/Adventure"
    assert document.format == "wikitext"
    assert document.language == "en"
    assert document.licence == "CC BY-SA 4.0"
    assert document.revised_at == "2016-04-29T04:18:50Z"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", document.fetched_at)
    assert re.fullmatch(re.escape(wiki.removeprefix("http://")) + r":[1-9]\d*", document.id)


def test_every_way_to_name_a_page_is_the_same_document(wiki: str, fetch: Callable[..., Document]) -> None:
    """Title, redirect, script, page id and revision id lead to one id, revision and text."""
    document = replace(fetch(f"{wiki}/wiki/Adventure"), fetched_at="")
    page_id = document.id.rpartition(":")[2]
    for path in (
        "/wiki/Adventures",
        "/wiki/adventure_",
        "/w/index.php?title=Adventure&action=history",
        "/w/index.php/Adventure",
        f"/w/index.php?curid={page_id}",
        f"/?oldid={document.revision}",
        f"/wiki/Special:PermanentLink/{document.revision}",
    ):
        assert replace(fetch(wiki + path), fetched_at="") == document, path


def test_a_revision_of_the_past_is_the_same_document_with_its_own_text(wiki: str, fetch: Callable[..., Document]) -> None:
    """A URL with oldid gives that revision, under the id of the page."""
    now = fetch(f"{wiki}/wiki/Adventure")
    before = fetch(f"{wiki}/w/index.php?title=Adventure&oldid={int(now.revision) - 1}")
    assert before.id == now.id
    assert before.revision != now.revision
    assert before.text == exported("Adventure")[0]
    assert before.revised_at == "2004-01-02T03:04:05Z"


@pytest.mark.parametrize(
    "path",
    [
        pytest.param(ODD_TITLE.replace("%", "%25").replace("?", "%3F"), id="typed"),
        pytest.param(quote(ODD_TITLE.replace(" ", "_"), safe=""), id="encoded"),
    ],
)
def test_slashes_and_emoji_in_a_title_survive(wiki: str, fetch: Callable[..., Document], path: str) -> None:
    """A title's own slash, emoji, percent and question mark arrive, whether the URL has them encoded or as typed."""
    document = fetch(f"{wiki}/wiki/{path}")
    assert document.title == ODD_TITLE
    assert document.text == exported(ODD_TITLE)[0]


def test_an_empty_page_passes_through(wiki: str, fetch: Callable[..., Document]) -> None:
    """To reject an empty page is the cleaner's business."""
    assert fetch(f"{wiki}/wiki/Empty_page").text == ""


def test_a_known_revision_is_not_fetched_again(wiki: str, fetch: Callable[..., Document], client: Watched) -> None:
    """The known record itself comes back, and the page's text is asked for only once."""
    first = fetch(f"{wiki}/wiki/Adventure")
    assert client.texts() == 1
    assert fetch(f"{wiki}/wiki/Adventures", {first.id: first}) is first
    assert client.texts() == 1


def test_a_changed_page_is_fetched_again(wiki: str, fetch: Callable[..., Document]) -> None:
    """A known record of another revision is replaced."""
    now = fetch(f"{wiki}/wiki/Adventure")
    old = replace(now, revision="1", text="old")
    assert fetch(f"{wiki}/wiki/Adventure", {old.id: old}).text == now.text


def test_the_wiki_is_looked_for_once(wiki: str, fetch: Callable[..., Document], client: Watched) -> None:
    """Two pages of one wiki share the search for its api.php and its siteinfo; every API request minds maxlag."""
    fetch(f"{wiki}/wiki/Adventure")
    fetch(f"{wiki}/wiki/Empty_page")
    assert sum("api.php" not in url for url, _ in client.asked) == 1
    assert sum(params.get("meta") == "siteinfo" for _, params in client.asked) == 1
    assert all(params["maxlag"] == "5" for url, params in client.asked if "api.php" in url)


@pytest.mark.parametrize(
    ("path", "message"),
    [
        pytest.param("/wiki/Nope", r"there is no 'Nope' in .*: check the spelling", id="missing"),
        pytest.param("/w/index.php?curid=99999", r"there is no page 99999 in ", id="no-id"),
        pytest.param("/w/index.php?title=Adventure&oldid=99999", r"has no revision 99999 .*without oldid", id="no-revision"),
        pytest.param("/wiki/A.E._van_Vogt", r"'A.E. van Vogt' redirects to 'A. E. van Vogt', which does not exist", id="broken-redirect"),
        pytest.param("/wiki/Ouroboros", r"'Ouroboros' in .* redirects to itself", id="circle"),
        pytest.param("/wiki/A[b]", r"'A\[b\]' is not a valid page title: .*invalid characters", id="invalid"),
        pytest.param("/wiki/Special:Search", r"'Special:Search' is a special page", id="special"),
        pytest.param("/wiki/Wikipedia:Citing_sources", r"another wiki: .*https://en.wikipedia.org/wiki/Citing_sources", id="interwiki"),
        pytest.param("/wiki/User:Example/common.js", r"not wikitext but javascript", id="script"),
        pytest.param("/", r"names no page: .*/wiki/TITLE", id="no-page"),
    ],
)  # fmt: skip
def test_each_page_that_cannot_be_fetched_has_its_own_line(
    wiki: str, fetch: Callable[..., Document], path: str, message: str
) -> None:
    """The error is one line that says what is wrong and what to do, and is the user's (exit code 2)."""
    with pytest.raises(CorpusTunerError, match=message) as caught:
        fetch(wiki + path)
    assert caught.value.exit_code == 2
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("title", "suggestions"),
    [
        pytest.param("Asia_Minor_(disambiguation)", "Asia Minor (instrumental), Asia Minor (album)", id="template"),
        pytest.param("Argument_(disambiguation)", "Argument (complex analysis), Parameter (computer programming), ", id="many"),
        pytest.param("Ambiguous", "Adventure, Apollo 8", id="property"),
    ],
)
def test_a_disambiguation_page_names_the_pages_it_leads_to(
    wiki: str, fetch: Callable[..., Document], title: str, suggestions: str
) -> None:
    """A page that lists pages is refused with the first of them, in its own order."""
    with pytest.raises(CorpusTunerError, match=re.escape(f"is a disambiguation page: give the URL of the page that you mean, such as {suggestions}")):
        fetch(f"{wiki}/wiki/{title}")


def test_a_lagged_wiki_is_left_alone(wiki: str, fetch: Callable[..., Document], request: pytest.FixtureRequest) -> None:
    """A maxlag error whose Retry-After is above our patience raises Unavailable (exit code 1) without waiting."""
    real = real_mediawiki.MODE == "record" or "live" in request.node.name
    lag = request.getfixturevalue("mediawiki").lagging(100) if real else nullcontext()
    start = time.monotonic()
    with lag, pytest.raises(Unavailable, match=r"busy \(maxlag: .*asks to wait 5 s"):
        fetch(f"{wiki}/wiki/Adventure")
    assert time.monotonic() - start < 4


def test_a_lag_that_passes_is_waited_for(mediawiki: real_mediawiki.MediaWiki) -> None:
    """A maxlag error is answered by waiting as long as the wiki asks, and then the page arrives."""
    start = time.monotonic()
    with mediawiki.lagging(100) as lag:
        timer = threading.Timer(1.0, lag.unlink)
        timer.start()
        (document,) = Wikipedia(Settings(), Client("test", pause=0.01)).fetch(f"{mediawiki.url}/wiki/Adventure", {})
        timer.join()
    assert document.title == "Adventure"
    assert 5 <= time.monotonic() - start < 15


def test_a_long_article_arrives_whole(mediawiki: real_mediawiki.MediaWiki, fetch: Callable[..., Document]) -> None:
    """Apollo 8, by a redirect, is 87,113 characters of wikitext, each as in the export."""
    document = fetch(f"{mediawiki.url}/wiki/Apollo_VIII")
    assert document.title == "Apollo 8"
    assert len(document.text) == 87_113
    assert document.text == exported("Apollo 8")[0]


def test_a_stopped_wiki_is_unavailable(client: Watched) -> None:
    """Where nothing listens, the error names the host and invites to run again."""
    with pytest.raises(Unavailable, match=r"cannot reach 127\.0\.0\.1:9 \(connection refused\).*asked 2 times.*again later"):
        list(Wikipedia(Settings(), client).fetch("http://127.0.0.1:9/wiki/Adventure", {}))


def test_the_contact_of_the_settings_is_sent(server: ScriptedServer) -> None:
    """The User-Agent has the form that Wikimedia's policy asks for, with the user's contact."""
    settings = Settings(corpus=CorpusSettings(contact="ann@example.org"))
    with pytest.raises(CorpusTunerError, match="answers 404"):
        list(Wikipedia(settings).fetch(f"{server.url}/wiki/X", {}))
    agents = {asked.headers["User-Agent"] for asked in server.asked}
    (agent,) = agents
    assert re.fullmatch(r"corpus-tuner/[\w.+]+ \(https://pypi\.org/project/corpus-tuner/; ann@example\.org\)", agent)


def test_a_page_that_only_looks_like_a_wikis_is_a_web_page(server: ScriptedServer) -> None:
    """Code hosts and PHP sites have such paths, too; what is for wikis alone is asked of no other page."""
    body = b"<html><head><title>Home</title></head><body><h1>Home</h1><p>Ann built it in 1901.</p></body></html>"
    server.answer = lambda path: Told(200, {"Content-Type": "text/html"}, body) if path == "/me/tool/wiki/Home" else Told(404)
    url = f"{server.url}/me/tool/wiki/Home"
    (document,) = Wikipedia(Settings(source=(SourceSettings(locator=url),))).fetch(url, {})
    assert (document.id, document.title, document.format) == (url, "Home", "html")
    with pytest.raises(CorpusTunerError, match="is no MediaWiki wiki"):
        list(Wikipedia(Settings(source=(SourceSettings(locator=url, titles=("Home",)),))).fetch(url, {}))
