"""Finding a wiki's API and understanding its refusals."""

from __future__ import annotations

import json
from urllib.parse import urlsplit

import pytest
from scripted_server import ScriptedServer, Told

from corpus_tuner.errors import CorpusTunerError, Unavailable
from corpus_tuner.fetch.client import Client
from corpus_tuner.fetch.mediawiki import NoWiki, _edit_uri, find, licence, query

GENERAL = {"generator": "MediaWiki 1.43.1", "scriptpath": "/w", "articlepath": "/wiki/$1", "script": "/w/index.php", "lang": "de"}


def siteinfo(**general: str) -> Told:
    """An API's answer that describes a wiki."""
    return Told(body=json.dumps({"query": {"general": GENERAL | general}}).encode())


def refusal(code: str, info: str = "because", **headers: str) -> Told:
    """An API's error: status 200, as MediaWiki sends it."""
    return Told(200, headers, json.dumps({"error": {"code": code, "info": info}}).encode())


@pytest.fixture
def client() -> Client:
    return Client("test", attempts=2, pause=0.01, longest=2.0)


@pytest.mark.parametrize(
    ("page", "api", "scriptpath", "name"),
    [
        ("/wiki/A", "/w/api.php", "/w", ""),
        ("/wiki/A", "/api.php", "", ""),
        ("/wiki/A", "/wiki/api.php", "/wiki", "/wiki"),
        ("/de/wiki/A", "/de/api.php", "/de", "/de"),
        ("/mediawiki/index.php?title=A", "/mediawiki/api.php", "/mediawiki", "/mediawiki"),
        ("/wikis/x/index.php/A", "/wikis/x/api.php", "/wikis/x", "/wikis/x"),
    ],
)
def test_an_api_is_found_without_a_link_to_it(
    server: ScriptedServer, client: Client, page: str, api: str, scriptpath: str, name: str
) -> None:
    """A page without an EditURI link leads to the usual places; two wikis of one host have two names."""
    server.answer = lambda path: siteinfo(scriptpath=scriptpath) if path.partition("?")[0] == api else Told(404, body=b"<p>no</p>")
    wiki = find(client, urlsplit(server.url + page))
    assert wiki.api == server.url + api
    assert wiki.name == server.url.removeprefix("http://") + name


def test_an_api_is_found_by_the_pages_own_link(server: ScriptedServer, client: Client) -> None:
    """The EditURI link goes before every guess, even on a page that answers 404."""
    link = f'<LINK title="x" rel="editUri" href="//{server.url.removeprefix("http://")}/odd/api.php?action=rsd">'
    server.answer = lambda path: siteinfo() if path.startswith("/odd/api.php") else Told(404, body=link.encode())
    assert find(client, urlsplit(f"{server.url}/wiki/A")).api == f"{server.url}/odd/api.php"
    assert len(server.asked) == 2


@pytest.mark.parametrize(
    "body",
    [b"", b"<p>Not found</p>", b"\xff\x00" * 500, b"[]", b'"x"', b'{"query": 1}', b'{"query": {"general": []}}', b"[" * 100_000,
     b'{"query": {"general": {"generator": "WordPress 6", "scriptpath": "", "articlepath": "/", "script": "/"}}}'],
)  # fmt: skip
def test_a_host_that_is_no_wiki_is_called_so(server: ScriptedServer, client: Client, body: bytes) -> None:
    """Whatever else answers at api.php, even valid JSON, the user reads that this is no wiki (exit code 2)."""
    server.script(Told(body=body))
    with pytest.raises(NoWiki, match=r"127\.0\.0\.1:\d+ is no MediaWiki wiki .*give a wiki page's URL") as caught:
        find(client, urlsplit(f"{server.url}/wiki/A"))
    assert caught.value.exit_code == 2


def test_a_wiki_that_is_down_is_not_called_no_wiki(server: ScriptedServer, client: Client) -> None:
    """Where the API answers 503, the fault is the world's."""
    server.answer = lambda path: Told(503) if "api.php" in path else Told(404)
    with pytest.raises(Unavailable, match="503"):
        find(client, urlsplit(f"{server.url}/wiki/A"))


def test_a_wiki_too_old_to_ask_is_named(server: ScriptedServer, client: Client) -> None:
    """MediaWiki before 1.25 has no formatversion=2."""
    server.script(siteinfo(generator="MediaWiki 1.19.24"))
    with pytest.raises(CorpusTunerError, match=r"runs MediaWiki 1\.19\.24, too old"):
        find(client, urlsplit(f"{server.url}/wiki/A"))


@pytest.mark.parametrize(
    ("told", "message"),
    [
        (refusal("readapidenied"), "is a private wiki"),
        (refusal("badvalue", 'no "x"\n\x1b[2J'), r'refuses: no "x" \[2J \(badvalue\)'),
        (Told(403, body=b"blocked"), r"refuses us \(403\): set corpus\.contact"),
    ],
)
def test_a_refusal_is_told_in_one_line(server: ScriptedServer, client: Client, told: Told, message: str) -> None:
    """What the API refuses is not asked again, and its words reach the user without control characters."""
    server.script(told)
    with pytest.raises(CorpusTunerError, match=message):
        query(client, f"{server.url}/w/api.php")
    assert len(server.asked) == 1


@pytest.mark.parametrize("code", ["maxlag", "ratelimited"])
def test_an_api_that_is_busy_is_asked_again(server: ScriptedServer, client: Client, code: str) -> None:
    """The errors that pass are waited out as long as Retry-After says, although their status is 200."""
    server.script(refusal(code, **{"Retry-After": "1"}), Told(body=b'{"query": {"x": 1}}'))
    assert query(client, f"{server.url}/w/api.php", titles="A&B") == {"x": 1}
    first, second = server.asked
    assert second.at - first.at >= 0.95
    assert "maxlag=5" in first.path
    assert "titles=A%26B" in first.path


@pytest.mark.parametrize(
    ("link", "found"),
    [
        ("/w/api.php?action=rsd", "https://wiki.example.org/w/api.php"),
        ("http://wiki.example.org/w/api.php?action=rsd", "https://wiki.example.org/w/api.php"),
        ("//other.example.org/api.php?action=rsd", "https://other.example.org/api.php"),
        ("http://127.0.0.1/api.php?action=rsd", ""),
        ("http://localhost:8080/api.php?action=rsd", ""),
        ("file:///api.php", ""),
        ("https://[x/api.php", ""),
        ("/xmlrpc.php?rsd", ""),
    ],
)
def test_only_a_safe_link_to_an_api_is_followed(link: str, found: str) -> None:
    """A page may name its API on any public host, never one inside the reader's network."""
    page = f'<?xml version="1.0"?><html><head><link rel="EditURI" href="{link}"/></head></html>'
    assert _edit_uri("https://wiki.example.org/wiki/A", page.encode()) == found


@pytest.mark.parametrize(
    ("url", "text", "name"),
    [
        ("https://creativecommons.org/licenses/by-sa/4.0/deed.en", "Creative Commons Attribution-Share Alike 4.0", "CC BY-SA 4.0"),
        ("//creativecommons.org/licenses/by-sa/3.0/", "", "CC BY-SA 3.0"),
        ("http://creativecommons.org/licenses/by-nc-sa/3.0/de/", "", "CC BY-NC-SA 3.0"),
        ("https://creativecommons.org/licenses/by/4.0", "", "CC BY 4.0"),
        ("https://creativecommons.org/publicdomain/zero/1.0/", "CC0", "CC0 1.0"),
        ("https://creativecommons.org/publicdomain/mark/1.0/", "", "Public domain"),
        ("https://www.gnu.org/copyleft/fdl.html", "GNU Free Documentation License 1.3", "GNU Free Documentation License 1.3"),
        ("https://example.org/terms", "", "https://example.org/terms"),
        ("", "", ""),
    ],
)
def test_a_licence_has_its_usual_name(url: str, text: str, name: str) -> None:
    """A Creative Commons licence is named by kind and version, any other by the wiki's words."""
    assert licence(url, text) == name
