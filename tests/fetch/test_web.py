"""The source of web pages, against a real HTTP server on loopback."""

from __future__ import annotations

import gzip
import socket
import threading
import time
from itertools import pairwise
from typing import Any

import pytest
from scripted_server import ScriptedServer, Told

from corpus_tuner.errors import CorpusTunerError, Unavailable
from corpus_tuner.fetch import peers, web
from corpus_tuner.fetch.client import Client
from corpus_tuner.fetch.peers import GuardedAdapter
from corpus_tuner.fetch.web import Web
from corpus_tuner.records import Blob, Document, Reason, Reject
from corpus_tuner.settings import Settings, SourceSettings

HTML = {"Content-Type": "text/html; charset=utf-8"}
XML = {"Content-Type": "application/xml"}


def page(title: str, body: str = "", head: str = "", **headers: str) -> Told:
    """An HTML page."""
    text = f'<html lang="en"><head><title>{title} | Site</title>{head}</head><body><h1>{title}</h1><p>About {title}.</p>{body}</body></html>'
    return Told(200, HTML | {name.replace("_", "-"): value for name, value in headers.items()}, text.encode())


def links(*targets: str) -> str:
    """Anchors."""
    return "".join(f'<a href="{target}">x</a>' for target in targets)


def urlset(*urls: str) -> bytes:
    """A sitemap of pages."""
    return ('<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">' + "".join(f"<url><loc>{u}</loc></url>" for u in urls) + "</urlset>").encode()


def index(*urls: str) -> bytes:
    """A sitemap of sitemaps."""
    head = '<sitemapindex xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">'
    return (head + "".join(f"<sitemap><loc>{u}</loc></sitemap>" for u in urls) + "</sitemapindex>").encode()


def serve(server: ScriptedServer, answers: dict[str, Told]) -> None:
    """The server answers by path, and 404 for the rest."""
    server.answer = lambda path: answers.get(path, Told(404))


def fetch(url: str, known: dict[str, Document] | None = None, seconds: float = 5.0, **source: Any) -> list[Document | Blob | Reject]:
    """All that a locator gives, with a client that gives up soon."""
    settings = Settings(source=(SourceSettings(locator=url, **source),))
    client = Client("test", attempts=2, pause=0.01, timeout=(1.0, 1.0), max_bytes=1 << 20, adapter=GuardedAdapter(seconds))
    return list(Web(settings, client).fetch(url, known or {}))


def documents(found: list[Document | Blob | Reject]) -> dict[str, Document]:
    """Documents by the path of their id."""
    return {item.id.partition("//")[2].partition("/")[2]: item for item in found if isinstance(item, Document)}


def rejects(found: list[Document | Blob | Reject]) -> dict[str, Reason]:
    """Reasons by the path of the item."""
    return {item.item_id.partition("//")[2].partition("/")[2]: item.reason for item in found if isinstance(item, Reject)}


# --------------------------------------------------------------------------------------------------------- one page


def test_a_page_is_a_document(server: ScriptedServer) -> None:
    """Title, language, licence and state come from the page and its headers; the only h1 goes before the site's name."""
    licence = '<link rel="license" href="https://creativecommons.org/licenses/by/4.0/">'
    serve(server, {"/a": page("Harbours", head=licence, ETag='"one"', Last_Modified="Sat, 21 Nov 2026 10:00:00 GMT")})
    (document,) = fetch(f"{server.url}/a?utm_source=mail#part")
    assert isinstance(document, Document)
    assert (document.id, document.url, document.title) == (f"{server.url}/a", f"{server.url}/a", "Harbours")
    assert (document.format, document.language, document.revision) == ("html", "en", '"one"')
    assert (document.licence, document.revised_at) == ("https://creativecommons.org/licenses/by/4.0/", "2026-11-21T10:00:00Z")


@pytest.mark.parametrize(
    ("headers", "condition"),
    [({"ETag": '"one"'}, "If-None-Match"), ({"Last-Modified": "Sat, 21 Nov 2026 10:00:00 GMT"}, "If-Modified-Since")],
)
def test_an_unchanged_page_is_not_sent_again(server: ScriptedServer, headers: dict[str, str], condition: str) -> None:
    """The state that the server named is sent back; on 304 the known record comes back as it was."""
    told = page("A")
    serve(server, {"/a": Told(200, told.headers | headers, told.body)})
    (before,) = fetch(f"{server.url}/a")
    assert isinstance(before, Document)
    serve(server, {"/a": Told(304, headers)})
    assert fetch(f"{server.url}/a", {before.id: before}) == [before]
    assert server.asked[-1].headers[condition] == next(iter(headers.values()))


def test_the_same_content_without_a_validator_is_the_same_record(server: ScriptedServer) -> None:
    """A server without ETag costs the transfer, and changes nothing downstream."""
    serve(server, {"/a": page("A")})
    (before,) = fetch(f"{server.url}/a")
    assert isinstance(before, Document)
    assert fetch(f"{server.url}/a", {before.id: before}) == [before]


@pytest.mark.parametrize(
    ("told", "form"),
    [
        (Told(200, {"Content-Type": "text/markdown"}, b"# T"), "markdown"),
        (Told(200, {"Content-Type": "text/plain"}, b"T"), "text"),
        (Told(200, {"Content-Type": "application/pdf"}, b"%PDF-1.4"), "pdf"),
        (Told(200, {"Content-Type": "application/octet-stream"}, b"%PDF-1.4"), "pdf"),
        (Told(200, HTML, b"%PDF-1.4"), "pdf"),
        (Told(200, {}, b"<!doctype html><p>x"), "html"),
        (Told(200, {}, b"\n<html><head></head><p>x"), "html"),
        (Told(200, {"Content-Type": "application/pdf"}, b"<HTML lang=en><p>Log in first"), "html"),
    ],
)
def test_the_content_type_names_the_cleaner(server: ScriptedServer, told: Told, form: str) -> None:
    """A vague or wrong type gives way to the first bytes; a binary document comes with its bytes."""
    serve(server, {"/a": told})
    (item,) = fetch(f"{server.url}/a")
    document = item.document if isinstance(item, Blob) else item
    assert isinstance(document, Document)
    assert document.format == form
    assert isinstance(item, Blob) is (form == "pdf")


@pytest.mark.parametrize(
    ("told", "message"),
    [
        (Told(404), "answers 404 Not Found"),
        (Told(200, {"Content-Type": "image/png"}, b"\x89PNG"), "is image/png, which cannot be read"),
        (Told(200, HTML, b"a\0b"), "is not text in an encoding"),
        (Told(302, {"Location": "/a"}), "more than 5 redirects"),
        (Told(200, HTML, b"x" * (2 << 20)), "more than 1 MiB"),
    ],
)
def test_a_page_that_cannot_be_had_is_one_line(server: ScriptedServer, told: Told, message: str) -> None:
    """Named alone, it is the user's to correct."""
    serve(server, {"/a": told})
    with pytest.raises(CorpusTunerError, match=message) as caught:
        fetch(f"{server.url}/a")
    assert "\n" not in str(caught.value)


def test_a_declared_encoding_is_read(server: ScriptedServer) -> None:
    """The header's charset, or the page's own."""
    body = '<meta charset="iso-8859-1"><title>Größe</title><p>ä'.encode("latin-1")
    serve(server, {"/a": Told(200, {"Content-Type": "text/html"}, body), "/b": Told(200, {"Content-Type": "text/html; charset=koi8-r"}, "Мир".encode("koi8-r"))})
    (first,), (second,) = fetch(f"{server.url}/a"), fetch(f"{server.url}/b")
    assert isinstance(first, Document)
    assert isinstance(second, Document)
    assert (first.title, second.text) == ("Größe", "Мир")


@pytest.mark.parametrize(
    ("locator", "claimed"),
    [("https://example.org/a", True), ("HTTP://example.org", True), ("https://en.wikipedia.org/wiki/A", False), ("ftp://example.org/", False), ("a.html", False)],
)
def test_wikis_are_left_to_their_own_source(locator: str, claimed: bool) -> None:
    """What looks like a MediaWiki page is claimed only where the source says how to crawl it."""
    assert Web(Settings()).claims(locator) is claimed
    assert Web(Settings(source=(SourceSettings(locator=locator, crawl="links"),))).claims(locator) is locator.lower().startswith("http")


# ------------------------------------------------------------------------------------------------------------ robots


def test_robots_txt_is_obeyed(server: ScriptedServer) -> None:
    """A closed page is not asked for, alone or in a crawl; the longest rule decides, wildcards count."""
    robots = Told(200, {"Content-Type": "text/plain"}, b"User-agent: *\nDisallow: /s/private\nDisallow: /*.pdf$\nAllow: /s/private/open\n")
    answers = {path: page(path) for path in ("/s/", "/s/private", "/s/private/open", "/s/x.pdf")}
    serve(server, answers | {"/robots.txt": robots, "/s/": page("S", links("private", "private/open", "x.pdf"))})
    found = fetch(f"{server.url}/s/", crawl="links")
    assert set(documents(found)) == {"s/", "s/private/open"}
    assert rejects(found) == {"s/private": Reason.NOT_SELECTED, "s/x.pdf": Reason.NOT_SELECTED}
    assert not {"/s/private", "/s/x.pdf"} & {asked.path for asked in server.asked}
    with pytest.raises(CorpusTunerError, match=r"robots\.txt does not allow"):
        fetch(f"{server.url}/s/private")


def test_nothing_is_fetched_where_robots_txt_cannot_be_asked(server: ScriptedServer) -> None:
    """RFC 9309: an unreachable robots.txt closes the site."""
    serve(server, {"/robots.txt": Told(503), "/a": page("A")})
    with pytest.raises(Unavailable):
        fetch(f"{server.url}/a")
    assert {asked.path for asked in server.asked} == {"/robots.txt"}


def test_the_pace_that_a_site_asks_for_is_kept(server: ScriptedServer) -> None:
    """Crawl-delay holds between two requests."""
    serve(server, {"/robots.txt": Told(200, {}, b"User-agent: *\nCrawl-delay: 0.3"), "/": page("A", links("b", "c")), "/b": page("B"), "/c": page("C")})
    fetch(f"{server.url}/", crawl="links")
    times = [asked.at for asked in server.asked if asked.path != "/robots.txt"]
    assert len(times) == 3
    assert all(after - before >= 0.28 for before, after in pairwise(times))


def test_a_robots_txt_made_to_choke_a_matcher_does_not(server: ScriptedServer) -> None:
    """Many wildcards in a rule take no exponential time."""
    rule = "Disallow: /" + "*a" * 40 + "b"
    serve(server, {"/robots.txt": Told(200, {}, f"User-agent: *\n{rule}".encode()), "/" + "c" * 1500: page("A")})
    before = time.monotonic()
    assert documents(fetch(f"{server.url}/{'c' * 1500}"))
    assert time.monotonic() - before < 3


# ------------------------------------------------------------------------------------------------------------- links


def test_a_crawl_stays_below_its_path_and_at_its_origin(server: ScriptedServer) -> None:
    """Every page below the locator is fetched once, whatever else is linked to, and however often."""
    other = f"http://localhost:{server.url.rpartition(':')[2]}/docs/other"
    home = page("Docs", links("a", "a#x", "a?utm_campaign=1", "/docs/deep/b", "/blog/", "/docsish", other, "mailto:x@y", "javascript:x", "//[", "p.png"))
    serve(server, {"/docs/": home, "/docs/a": page("A", links("/docs/", "deep/b")), "/docs/deep/b": page("B", links("../../blog/", "../a")), "/blog/": page("Blog")})
    found = fetch(f"{server.url}/docs/", crawl="links")
    assert set(documents(found)) == {"docs/", "docs/a", "docs/deep/b"}
    assert rejects(found) == {}
    assert sorted(asked.path for asked in server.asked) == ["/docs/", "/docs/a", "/docs/deep/b", "/robots.txt"]


def test_a_redirect_out_of_the_origin_is_not_followed(server: ScriptedServer) -> None:
    """The other server is never asked; the page is a Reject that says why."""
    other = f"http://localhost:{server.url.rpartition(':')[2]}/x"
    serve(server, {"/": page("A", links("b")), "/b": Told(302, {"Location": other})})
    found = fetch(f"{server.url}/", crawl="links")
    assert rejects(found) == {"b": Reason.NOT_SELECTED}
    assert "/x" not in [asked.path for asked in server.asked]


def test_doubles_are_one_document(server: ScriptedServer) -> None:
    """By canonical URL and by content; a canonical URL elsewhere is not believed."""
    canonical = '<link rel="canonical" href="/c">'
    serve(
        server,
        {
            "/": page("Home", links("c", "c?print=1", "same", "foreign"), head='<link rel="canonical" href="/">'),
            "/c": page("C", head=canonical),
            "/c?print=1": page("C, printed", head=canonical),
            "/same": page("C", head=canonical),
            "/foreign": page("F", head='<link rel="canonical" href="https://example.org/f">'),
        },
    )
    found = fetch(f"{server.url}/", crawl="links")
    assert set(documents(found)) == {"", "c", "foreign"}
    assert rejects(found) == {"c?print=1": Reason.DUPLICATE, "same": Reason.DUPLICATE}


def test_the_bounds_of_a_crawl_are_counted(server: ScriptedServer) -> None:
    """An endless site ends at max_documents; what was seen beyond it is rejected by name."""
    server.answer = lambda path: Told(404) if path == "/robots.txt" else page(path, links(f"{path}a/", f"{path}b/"))
    found = fetch(f"{server.url}/x/", crawl="links", max_documents=5)
    assert len(documents(found)) == 5
    assert set(rejects(found).values()) == {Reason.LIMIT}
    assert len([asked for asked in server.asked if asked.path != "/robots.txt"]) == 5


def test_the_bound_of_bytes_is_kept(server: ScriptedServer) -> None:
    """No page is asked for once the megabytes are spent."""
    server.answer = lambda path: Told(404) if path == "/robots.txt" else page(path, links(*map(str, range(9))) + "x" * 700_000)
    found = fetch(f"{server.url}/", crawl="links", max_megabytes=1)
    assert len(documents(found)) == 2
    assert list(rejects(found).values()) == [Reason.LIMIT] * 8


def test_globs_choose_among_pages(server: ScriptedServer) -> None:
    """What is left out is still followed, and counted."""
    serve(server, {"/": page("Home", links("guide/")), "/guide/": page("Guide", links("a.html", "draft/b.html")), "/guide/a.html": page("A"), "/guide/draft/b.html": page("B")})
    found = fetch(f"{server.url}/", crawl="links", include=("guide/**",), exclude=("**/draft/*",))
    assert set(documents(found)) == {"guide/", "guide/a.html"}


def test_one_broken_page_does_not_end_a_crawl_but_a_dead_server_does(server: ScriptedServer) -> None:
    """A page that stays down is a Reject; three in a row mean that the server is gone."""
    serve(server, {"/": page("A", links("b", "c")), "/b": Told(500), "/c": page("C")})
    found = fetch(f"{server.url}/", crawl="links")
    assert (set(documents(found)), rejects(found)) == ({"", "c"}, {"b": Reason.UNREADABLE})
    server.answer = lambda path: Told(404) if path == "/robots.txt" else page("A", links(*"bcdefg")) if path == "/" else Told(500)
    with pytest.raises(Unavailable):
        fetch(f"{server.url}/", crawl="links")


def test_links_of_an_unchanged_page_are_still_followed(server: ScriptedServer) -> None:
    """A second crawl, all 304, gives the same documents without a transfer."""
    serve(server, {"/": page("A", links("b"), ETag='"a"'), "/b": page("B", ETag='"b"')})
    before = {document.id: document for document in documents(fetch(f"{server.url}/", crawl="links")).values()}
    serve(server, {"/": Told(304), "/b": Told(304)})
    assert {item.id: item for item in documents(fetch(f"{server.url}/", before, crawl="links")).values()} == before


# ---------------------------------------------------------------------------------------------- sitemaps and feeds


def test_a_sitemap_is_followed_through_its_nests(server: ScriptedServer) -> None:
    """Nested, gzipped and self-listing sitemaps end, and each page of the origin comes once."""
    url = server.url
    serve(
        server,
        {
            "/sitemap.xml": Told(200, XML, index(f"{url}/sitemap.xml", f"{url}/one.xml.gz", f"{url}/missing.xml", f"{url}/bomb.xml.gz")),
            "/one.xml.gz": Told(200, {"Content-Type": "application/gzip"}, gzip.compress(urlset(f"{url}/a", f"{url}/b", f"{url}/a", "https://example.org/x"))),
            "/bomb.xml.gz": Told(200, {"Content-Type": "application/gzip"}, gzip.compress(b" " * (100 << 20))),
            "/a": page("A"),
            "/b": page("B"),
        },
    )
    found = fetch(f"{url}/sitemap.xml")
    assert set(documents(found)) == {"a", "b"}
    assert rejects(found) == {"missing.xml": Reason.UNREADABLE, "bomb.xml.gz": Reason.UNREADABLE, "x": Reason.NOT_SELECTED}


def test_the_sitemap_of_a_site_is_found(server: ScriptedServer) -> None:
    """robots.txt names it, or it lies at /sitemap.xml; only pages below the locator are taken."""
    url = server.url
    serve(server, {"/robots.txt": Told(200, {}, f"Sitemap: {url}/m.xml".encode()), "/m.xml": Told(200, XML, urlset(f"{url}/docs/a", f"{url}/blog/b")), "/docs/a": page("A")})
    assert set(documents(fetch(f"{url}/docs/", crawl="sitemap"))) == {"docs/a"}
    serve(server, {})
    with pytest.raises(CorpusTunerError, match="no sitemap of"):
        fetch(f"{url}/docs/", crawl="sitemap")


def test_a_place_in_a_sitemap_is_read_as_a_url_is(server: ScriptedServer) -> None:
    """Line breaks are no part of it, a space is one, and what is no web address is a reject."""
    url = server.url
    serve(server, {"/s.xml": Told(200, XML, urlset(f"\n  {url}/a b\n  ", "file:///etc/passwd")), "/a%20b": page("A")})
    found = fetch(f"{url}/s.xml")
    assert set(documents(found)) == {"a%20b"}
    assert [item.item_id for item in found if isinstance(item, Reject)] == ["file:///etc/passwd"]


@pytest.mark.parametrize("crawl", ["", "links"])
def test_a_site_with_more_addresses_than_are_remembered_says_so(server: ScriptedServer, monkeypatch: pytest.MonkeyPatch, crawl: str) -> None:
    """What lies beyond is not lost in silence."""
    monkeypatch.setattr(web.links, "REMEMBERED", 4)
    url, names = server.url, "abcdefg"
    pages = {f"/{name}": page(name) for name in names}
    serve(server, {"/s.xml": Told(200, XML, urlset(*(f"{url}/{name}" for name in names))), "/": page("Home", links(*names)), **pages})
    found = fetch(f"{url}/" if crawl else f"{url}/s.xml", crawl=crawl, delay=0.0)
    assert len(documents(found)) <= 4
    assert [item.reason for item in found if isinstance(item, Reject)] == [Reason.LIMIT]


def test_entities_of_a_sitemap_do_not_expand(server: ScriptedServer) -> None:
    """A billion laughs is read in no time as nothing."""
    entities = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12))
    body = f'<!DOCTYPE urlset [<!ENTITY l0 "lol">{entities}]><urlset><url><loc>&l11;</loc></url><url><loc>{server.url}/a</loc></url></urlset>'
    serve(server, {"/s.xml": Told(200, XML, body.encode()), "/a": page("A")})
    before = time.monotonic()
    fetch(f"{server.url}/s.xml")
    assert time.monotonic() - before < 3


def test_a_feed_gives_its_articles(server: ScriptedServer) -> None:
    """What the feed holds whole is taken from it; else the linked page of its own origin is fetched."""
    rss = f"""<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel><title>News</title>
    <item><title>Whole</title><link>{server.url}/w</link><pubDate>Sat, 21 Nov 2026 10:00:00 +0100</pubDate>
    <content:encoded><![CDATA[<p>All of it.</p>]]></content:encoded></item>
    <item><title>Part</title><link>{server.url}/p</link><description>Only a bit</description></item>
    <item><title>Away</title><link>https://example.org/q</link><description>Elsewhere</description></item></channel></rss>"""
    serve(server, {"/feed": Told(200, {"Content-Type": "application/rss+xml"}, rss.encode()), "/p": page("Part")})
    found = fetch(f"{server.url}/feed")
    got = documents(found)
    assert set(got) == {"w", "p"}
    assert (got["w"].title, got["w"].text, got["w"].revised_at) == ("Whole", "<p>All of it.</p>", "2026-11-21T09:00:00Z")
    assert rejects(found) == {"q": Reason.NOT_SELECTED}


def test_an_atom_feed_gives_its_articles(server: ScriptedServer) -> None:
    """Content comes escaped, as elements, or as plain text."""
    atom = f"""<feed xmlns="http://www.w3.org/2005/Atom"><title>News</title>
    <entry><title>H</title><link href="{server.url}/h"/><updated>2026-11-21T10:00:00Z</updated><content type="html">&lt;p&gt;Hm&lt;/p&gt;</content></entry>
    <entry><title>X</title><link href="{server.url}/x"/><content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><p>Xm</p></div></content></entry>
    <entry><title>T</title><link href="{server.url}/t"/><content>1 &lt; 2</content></entry></feed>"""
    serve(server, {"/feed": Told(200, {"Content-Type": "application/atom+xml"}, atom.encode())})
    assert {path: document.text for path, document in documents(fetch(f"{server.url}/feed")).items()} == {
        "h": "<p>Hm</p>", "x": "<div><p>Xm</p></div>", "t": "<p>1 &lt; 2</p>",
    }  # fmt: skip


# ------------------------------------------------------------------------------------------------------------ safety


@pytest.mark.parametrize(
    "opening",
    [
        b"HTTP/1.1 200 OK\r\nX-Slow: ",
        b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\n5;",
    ],
    ids=["headers", "body", "chunk"],
)
def test_a_dripping_server_is_left(opening: bytes) -> None:
    """Headers and bodies that never end are cut at the deadline of an exchange."""
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]

    def drip() -> None:
        def one(connection: socket.socket) -> None:
            try:
                connection.sendall(opening)
                while True:
                    connection.sendall(b"x")
                    time.sleep(0.05)
            except OSError:
                connection.close()

        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=one, args=[connection], daemon=True).start()

    threading.Thread(target=drip, daemon=True).start()
    before = time.monotonic()
    with pytest.raises(Unavailable):
        fetch(f"http://127.0.0.1:{port}/", seconds=0.5)
    assert time.monotonic() - before < 5
    listener.close()


class Peer:
    def __init__(self, address: str) -> None:
        self.address, self.closed = address, False

    def getpeername(self) -> tuple[str, int]:
        return self.address, 80

    def close(self) -> None:
        self.closed = True


def test_no_server_of_ones_own_leads_to_a_clouds_keys() -> None:
    """From a local address to others of the own network, but to link-local ones only from one of these."""
    guard = peers.Guard()
    for address in ("127.0.0.1", "192.168.1.1", "93.184.216.34"):
        guard.check("localhost", Peer(address))  # type: ignore[arg-type]
    for address in ("169.254.169.254", "fe80::1%eth0"):
        with pytest.raises(CorpusTunerError, match="inside your own network"):
            guard.check("localhost", Peer(address))  # type: ignore[arg-type]
    guard = peers.Guard()
    for address in ("169.254.1.1", "127.0.0.1"):
        guard.check("169.254.1.1", Peer(address))  # type: ignore[arg-type]


def test_no_public_host_leads_into_the_own_network() -> None:
    """The peer's address decides, not the name: a public first peer closes the own network for all that follows."""
    guard = peers.Guard()
    guard.check("example.org", Peer("93.184.216.34"))  # type: ignore[arg-type]
    for address in ("127.0.0.1", "10.0.0.1", "192.168.1.1", "169.254.169.254", "::1", "::ffff:127.0.0.1", "fe80::1%eth0"):
        peer = Peer(address)
        with pytest.raises(CorpusTunerError, match="inside your own network"):
            guard.check("rebound.example.org", peer)  # type: ignore[arg-type]
        assert peer.closed


def test_a_public_name_that_resolves_to_loopback_is_not_asked(server: ScriptedServer) -> None:
    """After a public first peer, a name that leads here is refused before a byte of the request is sent."""
    adapter = GuardedAdapter(5.0)
    adapter._guard._first = 0  # as after a first answer from outside
    client = Client("test", attempts=1, timeout=(1.0, 1.0), adapter=adapter)
    with pytest.raises(CorpusTunerError, match="inside your own network"):
        client.get(server.url.replace("127.0.0.1", "localhost"))
    assert server.asked == []


def test_deep_markup_is_read_in_linear_time(server: ScriptedServer) -> None:
    """A page of 10,000 levels gives its links like any other."""
    serve(server, {"/": page("A", "<div>" * 10_000 + links("b")), "/b": page("B")})
    before = time.monotonic()
    assert set(documents(fetch(f"{server.url}/", crawl="links"))) == {"", "b"}
    assert time.monotonic() - before < 5


@pytest.mark.parametrize("locator", ["http://", "http://[::1", "https://user:secret@example.org/", "http://example.org:port/"])
def test_a_malformed_address_is_one_line(locator: str) -> None:
    """Nobody is asked."""
    with pytest.raises(CorpusTunerError):
        fetch(locator)
