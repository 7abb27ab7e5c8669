"""Lists of wiki pages: categories, title ranges, searches, linked pages; on a real MediaWiki and on a hostile one."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

import mediawiki as real_mediawiki
import pytest
from scripted_server import ScriptedServer, Told

from corpus_tuner.errors import CorpusTunerError
from corpus_tuner.fetch.client import Client, Response
from corpus_tuner.fetch.mediawiki_text import links, redirect_target
from corpus_tuner.fetch.wikipedia import Wikipedia
from corpus_tuner.records import Document, Reason, Reject
from corpus_tuner.settings import Settings, SourceSettings

CRATERS = [f"Crater {number:02}" for number in range(60)]
GENERAL = {"generator": "MediaWiki 1.43.1", "scriptpath": "/w", "articlepath": "/wiki/$1", "script": "/w/index.php", "lang": "en"}


class Watched(Client):
    """A client that remembers what it asked for; lists come `step` entries at a time."""

    def __init__(self, step: str = "max") -> None:
        super().__init__("test", attempts=2, pause=0.01)
        self.asked: list[dict[str, str]] = []
        self.step = step

    def once(self, url: str, params: Mapping[str, str] | None = None, **options: Any) -> Response:
        self.asked.append(dict(params or {}))
        small = {key: self.step for key in ("cmlimit", "aplimit", "srlimit") if params and key in params and self.step != "max"}
        return super().once(url, params and {**params, **small}, **options)

    def texts(self) -> list[int]:
        """How many revisions' texts each request asked for."""
        return [len(params["revids"].split("|")) for params in self.asked if "content" in params.get("rvprop", "")]


def pull(
    url: str, client: Client | None = None, known: Mapping[str, Document] | None = None, **source: Any
) -> tuple[list[Document], list[Reject]]:
    """Documents and rejects of a locator with the keys of its [[source]]."""
    settings = Settings(source=(SourceSettings(locator=url, **source),))
    items = list(Wikipedia(settings, client or Watched()).fetch(url, known or {}))
    return [item for item in items if isinstance(item, Document)], [item for item in items if isinstance(item, Reject)]


def titles(documents: list[Document]) -> list[str]:
    return [document.title for document in documents]


def reasons(rejects: list[Reject]) -> dict[str, Reason]:
    return {reject.item_id: reject.reason for reject in rejects}


@pytest.fixture
def root(mediawiki: real_mediawiki.MediaWiki) -> str:
    return mediawiki.url


@pytest.mark.parametrize("step", ["max", "7"])
def test_a_category_is_its_pages_in_order_fifty_a_request(root: str, step: str) -> None:
    """Sixty pages come whole in the category's order, by two requests for texts, however often the list is continued."""
    client = Watched(step)
    documents, rejects = pull(f"{root}/wiki/Category:Craters", client)
    assert titles(documents) == CRATERS
    assert not rejects
    assert client.texts() == [50, 10]
    assert documents[7].text == "Crater number 7 was named in 1807.\n[[Category:Craters]]"
    assert documents[7].url == f"{root}/wiki/Crater_07"
    assert documents[7].revised_at == "2020-01-01T00:00:00Z"
    assert documents[7].licence == "CC BY-SA 4.0"


@pytest.mark.parametrize(("query", "source"), [("?depth=5", {}), ("", {"depth": 5})])
def test_two_categories_that_contain_each_other_end(root: str, query: str, source: dict[str, int]) -> None:
    """Depth goes down into subcategories, each category once; the URL and the TOML say it alike; redirects come as their target."""
    documents, rejects = pull(f"{root}/wiki/Category:Lunar_things{query}", **source)
    assert titles(documents) == ["Moonrise", "Crater 05", *(title for title in CRATERS if title != "Crater 05")]
    assert reasons(rejects) == {"Help:Craters": Reason.OTHER_NAMESPACE, "Crater/script.js": Reason.UNSUPPORTED}


def test_without_depth_subcategories_are_left_out(root: str) -> None:
    """A category is its own pages."""
    assert titles(pull(f"{root}/wiki/Category:Lunar_things")[0]) == ["Moonrise", "Crater 05"]


def test_namespaces_choose_what_a_list_gives(root: str) -> None:
    """A page of another namespace is a document where the source names its namespace."""
    documents, rejects = pull(f"{root}/wiki/Category:Lunar_things", namespaces=(12,))
    assert titles(documents) == ["Help:Craters"]
    assert set(reasons(rejects).values()) == {Reason.OTHER_NAMESPACE}


@pytest.mark.parametrize("path", [
    "/wiki/Special:PrefixIndex/Crater_0", "/wiki/Special:PrefixIndex?prefix=crater+0", "/wiki/Special:AllPages?from=Crater+00&to=Crater+09",
    "/w/index.php?title=Special:AllPages&prefix=Crater_0",
])  # fmt: skip
def test_a_range_of_titles(root: str, path: str) -> None:
    """Special:PrefixIndex and Special:AllPages, in every way to write their URL."""
    assert titles(pull(root + path, Watched("3"))[0]) == CRATERS[:10]


def test_a_prefix_may_open_with_its_namespace(root: str) -> None:
    """`Help:Cra` is looked for among the help pages."""
    assert titles(pull(f"{root}/wiki/Special:PrefixIndex/Help:Cra", namespaces=(12,))[0]) == ["Help:Craters"]


@pytest.mark.parametrize("path", ["/wiki/Special:Search?search=moonrise&fulltext=1", "/wiki/Special:Search/Moonrise", "/w/index.php?search=moonrise"])
def test_a_search_is_its_results(root: str, path: str) -> None:
    """The wiki's own search, in every way to write its URL."""
    assert titles(pull(root + path)[0]) == ["Moonrise"]


def test_a_search_is_continued(root: str) -> None:
    """As many results as wanted, in the wiki's order, across its pages of results."""
    documents, _ = pull(f"{root}/wiki/Special:Search?search=crater&limit=20", Watched("7"))
    assert len({document.id for document in documents}) == 20


def test_a_page_with_the_pages_it_links_to(root: str) -> None:
    """In the order of the text, each once, redirects followed; red links, other namespaces and disambiguations are rejects."""
    client = Watched()
    documents, rejects = pull(f"{root}/wiki/Moonrise?linked=50", client)
    assert titles(documents) == ["Moonrise", "Crater 07", "Crater 03", "Crater 05", "Crater 01"]
    found = reasons(rejects)
    assert found["Nowhere"] is Reason.MISSING
    assert found["Help:Craters"] is Reason.OTHER_NAMESPACE
    assert found["Ambiguous"] is Reason.DISAMBIGUATION
    assert set(found) <= {"Nowhere", "Help:Craters", "Ambiguous", "de:Mond", "Category:Lunar things"}
    assert client.texts() == [1, 5]
    assert titles(pull(f"{root}/wiki/Moonrise", linked=2)[0]) == ["Moonrise", "Crater 07", "Crater 03"]


def test_named_titles_of_one_wiki(root: str) -> None:
    """`titles` beside the wiki's own URL: any namespace, redirects once, what is not there a reject by its name."""
    documents, rejects = pull(f"{root}/", titles=("crater_07", "Old crater", "Crater 05", "Help:Craters", "Nope", "A[b]", "Ouroboros", "A.E. van Vogt"))
    assert titles(documents) == ["Crater 07", "Crater 05", "Help:Craters"]
    assert reasons(rejects) == dict.fromkeys(("Nope", "A[b]", "Ouroboros", "A.E. van Vogt"), Reason.MISSING)
    assert titles(pull(f"{root}/wiki/Crater_01", titles=("Crater 02",))[0]) == ["Crater 01", "Crater 02"]


def test_unchanged_pages_of_a_list_are_not_fetched_again(root: str) -> None:
    """Known revisions come back as the very records; only what changed is asked for, and the order stays."""
    url = f"{root}/wiki/Category:Craters"
    known = {document.id: document for document in pull(url)[0]}
    del known[list(known)[30]]
    client = Watched()
    documents, _ = pull(url, client, known)
    assert titles(documents) == CRATERS
    assert client.texts() == [1]
    assert all(document is known[document.id] for document in documents if document.id in known)


@pytest.mark.parametrize(("query", "source"), [("?limit=12", {}), ("", {"max_documents": 12})])
def test_a_bounded_list_says_that_it_was_cut(root: str, query: str, source: dict[str, int]) -> None:
    """No more texts are asked for than wanted, and one reject says that the list goes on."""
    client = Watched()
    documents, rejects = pull(f"{root}/wiki/Category:Craters{query}", client, **source)
    assert titles(documents) == CRATERS[:12]
    assert client.texts() == [12]
    (cut,) = rejects
    assert cut.reason is Reason.LIMIT
    assert "raise source.max_documents" in cut.detail


@pytest.mark.parametrize(("path", "source", "message"), [
    ("/wiki/Category:Nothing", {}, "lists no page"),
    ("/wiki/Special:PrefixIndex/Zzz", {}, "lists no page"),
    ("/wiki/Special:Version", {}, "is a special page"),
    ("/wiki/Special:PrefixIndex", {}, "is a special page"),
    ("/wiki/Category:Craters?depth=-1", {}, "depth=-1 in the URL must be a whole number"),
    ("/wiki/Moonrise?linked=many", {}, "linked=many"),
    ("/", {"titles": ("A|B",)}, "not a valid page title"),
])  # fmt: skip
def test_a_list_that_is_none_has_its_own_line(root: str, path: str, source: dict[str, Any], message: str) -> None:
    """One line that says what to do."""
    with pytest.raises(CorpusTunerError, match=message) as caught:
        pull(root + path, **source)
    assert "\n" not in str(caught.value)


# ------------------------------------------------------------------------------------------- a wiki that misbehaves


def hostile(server: ScriptedServer, lists: Iterator[dict[str, Any]]) -> str:
    """A wiki whose category answers with `lists`, one a request; its pages all exist. Returns the category's URL."""

    def answer(path: str) -> Told:
        query = {key: values[0] for key, values in parse_qs(urlsplit(path).query).items()}
        if query.get("meta") == "siteinfo":
            return told({"query": {"general": GENERAL}})
        if "list" in query:
            return told(next(lists))
        if "titles" in query:
            return told({"query": {"pages": [{"title": "Category:X", "ns": 14, "missing": True}]}})
        return told({"query": {"pages": []}})

    server.answer = answer
    return f"{server.url}/wiki/Category:X"


def told(data: Any) -> Told:
    return Told(body=json.dumps(data).encode())


def test_a_list_that_comes_round_again_ends(server: ScriptedServer) -> None:
    """The same continuation twice is an error that names the way out."""
    lists = iter(lambda: {"query": {"categorymembers": []}, "continue": {"cmcontinue": "x"}}, None)
    with pytest.raises(CorpusTunerError, match=r"continues its list for ever.*source\.titles"):
        pull(hostile(server, lists))
    assert len(server.asked) < 10


def test_a_list_that_goes_on_without_results_ends(server: ScriptedServer) -> None:
    """Ever new continuations that bring nothing are given up."""
    lists = ({"continue": {"cmcontinue": str(number)}} for number in range(10**9))
    with pytest.raises(CorpusTunerError, match="continues its list for ever"):
        pull(hostile(server, lists))
    assert len(server.asked) < 150


def test_pages_that_vanish_between_list_and_text_are_rejects(server: ScriptedServer) -> None:
    """A page that the list names and the wiki does not give is a reject by its title, and no error."""
    lists = iter([{"query": {"categorymembers": [{"pageid": 1, "ns": 0, "title": "Gone"}, {"pageid": "x", "title": 5}, "odd"]}}])
    documents, rejects = pull(hostile(server, lists))
    assert not documents
    assert reasons(rejects) == {"Gone": Reason.MISSING}


def test_long_titles_fit_into_the_url(server: ScriptedServer) -> None:
    """Fifty titles of 250 Chinese bytes go in several requests, none above 8 kB."""
    hostile(server, iter([]))
    names = tuple(f"{'月' * 80}{number}" for number in range(50))
    _, rejects = pull(f"{server.url}/wiki/", titles=names)
    assert len(rejects) == 50
    assert max(len(asked.path) for asked in server.asked) < 8000


def test_links_are_found_in_linear_time() -> None:
    """A text of unclosed brackets costs no more than its length."""
    times = []
    for size in (20_000, 200_000):
        start = time.perf_counter()
        links("[[" * size + "[[a")
        times.append(time.perf_counter() - start)
    assert times[1] < 40 * times[0] + 0.05


@pytest.mark.parametrize(("text", "target"), [
    ("#REDIRECT [[Crater 05]]", "Crater 05"), ("#redirect: [[A_b#C]]", "A b"), ("#WEITERLEITUNG [[Ä|x]]", "Ä"), ("Text", ""),
])  # fmt: skip
def test_a_redirect_names_its_target(text: str, target: str) -> None:
    """In the languages of the large wikis."""
    assert redirect_target(text) == target


def test_links_come_once_in_order() -> None:
    """Without anchors, labels and a leading colon."""
    assert Counter(links("[[B|b]] [[a_c#d]] [[:Category:X]] [[B]] [[ ]] [[{{{1}}}]]")) == Counter(["B", "a c", "Category:X"])
