"""Documents to sections and rejects, whatever the format."""

from __future__ import annotations

import pytest
from pages import INDEX, document, page

from corpus_tuner.clean import clean_document, selects
from corpus_tuner.errors import CorpusTunerError
from corpus_tuner.records import Reason, Reject, Section

PAGE = "Lead.\n== A ==\nIn A.\n=== B ===\nIn B.\n==== C ====\nIn C.\n== A ==\nAgain.\n== Empty ==\n== References ==\n* x\n"


def sections(text: str, *select: str) -> list[Section]:
    """The sections of a page of wikitext."""
    return [item for item in clean_document(document(text), select) if isinstance(item, Section)]


@pytest.mark.parametrize(
    ("text", "form", "headings"),
    [
        (PAGE, "wikitext", 6),
        ("", "wikitext", 0),
        ("#REDIRECT [[Elsewhere]]", "wikitext", 0),
        ("{|\n" + "|-\n| a || b\n" * 500 + "|}", "wikitext", 0),
        ("{{Infobox\n|a=b", "wikitext", 0),
        ("\0\x01\x7f\ufffd" * 50, "wikitext", 0),
        ("", "html", 0),
        ("<h1>A</h1><p>x<nav><h2>B</h2></nav><h3>C</h3>", "html", 3),
        ("", "markdown", 0),
        ("# A\n\n### B\ntext\n\nC\n=\n", "markdown", 3),
        ("", "text", 0),
        ("Title\n=====\n\ntext\n", "text", 1),
    ],
)
def test_every_heading_is_accounted_for(text: str, form: str, headings: int) -> None:
    """Sections and rejects together are one more than the headings, for an empty page, a redirect and a huge table too."""
    assert len(list(clean_document(document(text, form)))) == headings + 1


@pytest.mark.parametrize("name", [entry["file"] for entry in INDEX])
def test_real_pages_lose_no_heading_and_repeat_no_id(name: str) -> None:
    """On real pages every section and reject has an id of its own, and cleaning again gives the same."""
    items = list(clean_document(page(name)))
    ids = [item.item_id if isinstance(item, Reject) else item.id for item in items]
    assert len(set(ids)) == len(ids)
    assert items == list(clean_document(page(name)))


def test_rejects_say_why() -> None:
    """An empty section, an appendix and one that was not selected are rejected each with its own reason."""
    rejects = [item for item in clean_document(document(PAGE), ("A", "Empty", "References")) if isinstance(item, Reject)]
    assert [(item.reason, item.detail) for item in rejects] == [
        (Reason.NOT_SELECTED, "Test"),
        (Reason.NOT_SELECTED, "Test > A > B"),
        (Reason.NOT_SELECTED, "Test > A > B > C"),
        (Reason.EMPTY, "Test > Empty"),
        (Reason.BOILERPLATE, "Test > References"),
    ]


def test_equal_paths_have_ids_of_their_own() -> None:
    """Two sections under equal headings are told apart; a change of the text alone changes no id."""
    first, second = sections(PAGE, "A")
    assert first.path == second.path
    assert first.id != second.id
    assert sections(PAGE.replace("In A.", "Other."), "A")[0].id == first.id


def test_sentences_span_the_text() -> None:
    """Each sentence's span gives back its words, and a line break ends one."""
    [section] = sections("One is here. Two is there.\n* Three\n")
    assert [section.sentence(number) for number in (1, 2, 3)] == ["One is here.", "Two is there.", "- Three"]


def test_the_url_leads_to_the_heading() -> None:
    """A section's URL carries the anchor that MediaWiki gives to its heading, numbered where headings repeat."""
    items = clean_document(document("== Lunar orbit ==\nx\n== Größe ==\nx\n== Lunar orbit ==\nx", url="https://a.org/wiki/B#old"))
    assert [item.url for item in items if isinstance(item, Section)] == [
        "https://a.org/wiki/B#Lunar_orbit",
        "https://a.org/wiki/B#Gr%C3%B6%C3%9Fe",
        "https://a.org/wiki/B#Lunar_orbit_2",
    ]


def test_an_unknown_format_is_the_users_mistake() -> None:
    """A format without a cleaner is refused with the names of those that there are."""
    with pytest.raises(CorpusTunerError, match="wikitext"):
        list(clean_document(document("x", "spreadsheet")))


@pytest.mark.parametrize(
    ("glob", "taken"),
    [
        ("Mission", {"Mission"}),
        ("mission/*", {"Mission/Launch", "Mission/Orbit", "Mission/Orbit/Earthrise"}),
        ("*", {"Mission", "Mission/Launch", "Mission/Orbit", "Mission/Orbit/Earthrise", "Crew", "In/out"}),
        ("", {""}),
        ("*/Orbit", {"Mission/Orbit"}),
        ("M*", {"Mission"}),
        ("Cre?", {"Crew"}),
        ("In/out", {"In/out"}),
        ("[A-Z]*", set()),
    ],
)
def test_globs_select_by_heading_path(glob: str, taken: set[str]) -> None:
    """`Mission` is its own text, `Mission/*` everything below at any depth; other signs than `*` and `?` mean themselves."""
    paths = [(), ("Mission",), ("Mission", "Launch"), ("Mission", "Orbit"), ("Mission", "Orbit", "Earthrise"), ("Crew",), ("In/out",)]
    assert {"/".join(path) for path in paths if selects((glob,), path)} == taken
