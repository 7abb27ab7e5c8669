"""What a wiki page's URL says, without asking anybody."""

from __future__ import annotations

import socket

import pytest

from corpus_tuner.errors import CorpusTunerError
from corpus_tuner.fetch import address
from corpus_tuner.fetch.address import Wanted

SCRIPT = "/w/index.php"
ARTICLES = "/wiki/$1"


def read(url: str, article_path: str = ARTICLES, script: str = SCRIPT) -> tuple[str, Wanted]:
    """(host with scheme, what is wanted) of a URL."""
    parts = address.parse(url)
    return f"{parts.scheme}://{parts.netloc}", address.wanted(parts, article_path, script)


@pytest.mark.parametrize(
    ("url", "wanted"),
    [
        ("https://en.wikipedia.org/wiki/Apollo_8", Wanted("Apollo 8")),
        ("https://en.wikipedia.org/wiki/Apollo_8#Mission", Wanted("Apollo 8")),
        ("https://en.wikipedia.org/wiki/Apollo_8?action=edit&redlink=1", Wanted("Apollo 8")),
        ("https://en.wikipedia.org/wiki/AC/DC", Wanted("AC/DC")),
        ("https://en.wikipedia.org/wiki/AC%2FDC", Wanted("AC/DC")),
        ("https://en.wikipedia.org/wiki/C%2B%2B", Wanted("C++")),
        ("https://en.wikipedia.org/wiki/C++", Wanted("C++")),
        ("https://en.wikipedia.org/wiki/100%25", Wanted("100%")),
        ("https://en.wikipedia.org/wiki/%2525", Wanted("%25")),
        ("https://en.wikipedia.org/wiki/%F0%9F%9A%80", Wanted("🚀")),
        ("https://en.wikipedia.org/wiki/🚀", Wanted("🚀")),
        ("https://en.wikipedia.org/wiki/Wiki/wiki/x", Wanted("Wiki/wiki/x")),
        ("https://en.wikipedia.org/wiki/Who%3F", Wanted("Who?")),
        ("https://de.wikipedia.org/wiki/Größe", Wanted("Größe")),
        ("https://zh.wikipedia.org/zh-tw/%E6%9F%8F%E6%9E%97", Wanted("柏林")),
        ("https://sr.wikipedia.org/sr-el/Beograd", Wanted("Beograd")),
        ("https://en.wikipedia.org/w/index.php?title=Apollo_8&action=history", Wanted("Apollo 8")),
        ("https://en.wikipedia.org/w/index.php?title=C%2B%2B", Wanted("C++")),
        ("https://en.wikipedia.org/w/index.php?title=A+B", Wanted("A B")),
        ("https://en.wikipedia.org/w/index.php/Apollo_8", Wanted("Apollo 8")),
        ("https://en.wikipedia.org/w/index.php?title=Apollo_8&oldid=716637143", Wanted(revision="716637143")),
        ("https://en.wikipedia.org/wiki/Apollo_8?oldid=716637143", Wanted(revision="716637143")),
        ("https://en.wikipedia.org/wiki/Apollo_8?oldid=0", Wanted("Apollo 8")),
        ("https://en.wikipedia.org/?curid=663", Wanted(page_id="663")),
        ("https://en.wikipedia.org/?curid=00663&oldid=x", Wanted(page_id="663")),
        ("https://en.wikipedia.org/wiki/Special:Permalink/716637143", Wanted(revision="716637143")),
        ("  https://en.wikipedia.org/wiki/Apollo_8\n", Wanted("Apollo 8")),
    ],
)
def test_the_page_of_a_url(url: str, wanted: Wanted) -> None:
    """Each way to write a page's URL names that page, decoded exactly once."""
    assert read(url)[1] == wanted


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("http://en.wikipedia.org/wiki/A", "https://en.wikipedia.org"),
        ("https://EN.m.Wikipedia.org/wiki/A", "https://en.wikipedia.org"),
        ("https://en.zero.wikipedia.org/wiki/A", "https://en.wikipedia.org"),
        ("https://www.wikipedia.org/wiki/A", "https://en.wikipedia.org"),
        ("https://m.mediawiki.org/wiki/A", "https://www.mediawiki.org"),
        ("https://commons.m.wikimedia.org/wiki/A", "https://commons.wikimedia.org"),
        ("http://Wiki.Example.org:8080/wiki/A", "http://wiki.example.org:8080"),
        ("http://[::1]:8080/wiki/A", "http://[::1]:8080"),
        ("http://m.example.org/wiki/A", "http://m.example.org"),
    ],
)
def test_the_host_of_a_url(url: str, host: str) -> None:
    """A Wikimedia wiki is asked by https and at its full site; of any other host nothing is guessed."""
    assert read(url)[0] == host


@pytest.mark.parametrize(
    ("url", "article_path", "script", "title"),
    [
        ("https://wiki.archlinux.org/title/Core_utilities", "/title/$1", "/index.php", "Core utilities"),
        ("https://wiki.osdev.org/GDT_Tutorial", "/$1", "/index.php", "GDT Tutorial"),
        ("https://wiki.osdev.org/index.php?title=GDT", "/$1", "/index.php", "GDT"),
        ("https://x.example.org/de/wiki/A/B", "/de/wiki/$1", "/de/index.php", "A/B"),
        ("https://x.example.org/index.php/A/B", "/index.php/$1", "/index.php", "A/B"),
        ("https://x.example.org/index.php?title=A", "/index.php?title=$1", "/index.php", "A"),
        ("https://x.example.org/a/A", "https://x.example.org/a/$1", "/index.php", "A"),
        ("https://x.example.org/wiki/A", "/elsewhere/$1", "/index.php", "A"),
    ],
)
def test_the_article_path_is_the_wikis_own(url: str, article_path: str, script: str, title: str) -> None:
    """The title is what stands where the wiki's siteinfo says that titles stand."""
    assert read(url, article_path, script)[1] == Wanted(title)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("https://en.wikipedia.org/", "names no page: give a page's own URL, such as https://en.wikipedia.org/wiki/TITLE"),
        ("https://en.wikipedia.org/wiki/", "names no page"),
        ("https://en.wikipedia.org/wiki/_", "names no page"),
        ("https://en.wikipedia.org/w/index.php", "names no page"),
        ("https://en.wikipedia.org/wiki/A%7CB", "not a valid page title"),
        ("https://en.wikipedia.org/w/index.php?diff=2&oldid=1", "difference of two revisions"),
        ("https://user:secret@en.wikipedia.org/wiki/A", "take the user name and password out"),
        ("https://en.wikipedia.org:x/wiki/A", "is not a URL"),
        ("https://[::1/wiki/A", "is not a URL"),
        ("https://en.wikipedia.org/wiki/\udcff", "is not a URL"),
        ("ftp://en.wikipedia.org/wiki/A", "must open with http"),
        ("https:///wiki/A", "must open with http"),
    ],
)  # fmt: skip
def test_a_url_that_names_no_page_has_its_own_line(url: str, message: str) -> None:
    """The error says what is wrong with the URL, and never repeats a password."""
    with pytest.raises(CorpusTunerError, match=message) as caught:
        read(url)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("locator", "claimed"),
    [
        ("https://en.wikipedia.org/wiki/Apollo_8", True),
        ("https://en.m.wikipedia.org/?curid=663", True),
        ("https://commons.wikimedia.org/", True),
        ("https://en.wiktionary.org/wiki/moon", True),
        ("https://wiki.archlinux.org/title/Core_utilities", True),
        ("https://example.org/wiki/A", True),
        ("https://example.org/de/wiki/A", True),
        ("https://example.org/mediawiki/index.php?title=A", True),
        ("http://127.0.0.1:8080/w/index.php?curid=3", True),
        ("https://example.org/", False),
        ("https://example.org/page.html", False),
        ("https://example.org/?q=/wiki/A", False),
        ("https://notwikipedia.org/article", False),
        ("https://wikipedia.org.example.com/", False),
        ("https://example.org/wikipedia", False),
        ("ftp://en.wikipedia.org/wiki/A", False),
        ("https://[::1/wiki/A", False),
        ("wiki/Apollo_8.wiki", False),
        ("/home/ann/wiki/Apollo_8", False),
        ("", False),
    ],
)
def test_wiki_pages_are_claimed_without_asking(locator: str, claimed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """What looks like a wiki page is claimed, other web pages and paths are not, and no socket is opened for it."""
    monkeypatch.setattr(socket, "socket", None)
    assert address.claims(locator) is claimed
