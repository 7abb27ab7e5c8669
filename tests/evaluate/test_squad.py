"""Questions in SQuAD's format: every version of it, and where their paragraphs stand in a corpus."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from corpus_tuner.errors import CorpusTunerError
from corpus_tuner.evaluate.questions import from_file
from corpus_tuner.evaluate.squad import articles, placed
from corpus_tuner.records import Section
from corpus_tuner.text import sentences

SAMPLES = Path(__file__).parents[1] / "data" / "qa"
CONTEXT = "Frank Borman commanded the flight of Apollo 8 around the Moon in December 1968. James Lovell was the pilot."


def section(name: str, text: str) -> Section:
    return Section(name, "d", "T", (name,), text, sentences(text), "", "en")


def squad(*qas: Any, context: Any = CONTEXT, **article: Any) -> str:
    return json.dumps({"data": [{"paragraphs": [{"context": context, "qas": list(qas)}], **article}]})


def test_questions_rest_on_the_section_that_their_paragraph_stands_in(tmp_path: Path) -> None:
    """Found among others though it is a part of it and spelled otherwise; the sentence is the one with the answer."""
    file = tmp_path / "q.json"
    file.write_text(squad({"question": "Who flew it?", "answers": [{"text": "James Lovell"}]}), encoding="utf-8")
    sections = [
        section("a", "Something quite different stands here, and nothing of the flight."),
        section("b", f"An earlier sentence. {CONTEXT.replace('Frank Borman', 'Colonel Borman').upper()} A later one."),
        section("c", "Frank Borman commanded the flight of Apollo 8, and that is all."),
    ]
    assert from_file(file, sections)[0].evidence == (("b", 3),)
    (alone,) = from_file(file)
    assert from_file(file, [sections[0], sections[2]]) == [alone]
    assert alone.id == from_file(file, sections)[0].id


def test_real_paragraphs_are_found_in_a_corpus_made_of_them() -> None:
    """English and Chinese, each in its own section among all the others."""
    for name in ("xquad_sample.json", "xquad_zh_sample.json"):
        found = [one for article in articles((SAMPLES / name).read_text(encoding="utf-8"), name) for one in article]
        sections = [section(str(n), one.text) for n, one in enumerate(found)]
        where = placed([one.text for one in found], sections)
        assert [where[one.text].id for one in found] == [str(n) for n in range(len(found))]


def test_every_version_of_the_format_is_read() -> None:
    """1.1 without ids, 2.0 with plausible answers of the impossible, no title, a list without a head, doubled answers."""
    plain = {"question": "Who?", "answers": [{"text": "Borman", "answer_start": 6}, {"text": " Borman "}, {"text": " "}]}
    impossible = {"id": 7, "question": "Which?", "is_impossible": True, "answers": [], "plausible_answers": [{"text": "x"}]}
    text = squad(plain, impossible)
    for form in (text, json.dumps(json.loads(text)["data"])):
        ((paragraph,),) = articles(form, "f")
        assert paragraph.title == ""
        assert [(one.id, one.answers) for one in paragraph.asked] == [("", ("Borman",)), ("7", ())]
    ((named,),) = articles(squad(plain, title="Apollo_8"), "f")
    assert named.title == "Apollo 8"


@pytest.mark.parametrize(
    "text",
    [
        squad({"question": "Who?"}),
        squad({"question": " ", "answers": []}),
        squad({"question": "Who?", "answers": [{"text": 8}]}),
        squad({"question": "Who?", "answers": "Borman"}),
        squad({"question": "Who?", "answers": [{"answer_start": 1}]}),
        squad({"question": "Who?", "answers": []}, context=None),
        json.dumps({"data": [{"paragraphs": None}]}),
        json.dumps({"data": ["paragraphs", '"paragraphs"']}),
    ],
)
def test_what_is_broken_is_named_with_its_article(text: str) -> None:
    """One clear line; a question without answers is none that has no answer."""
    with pytest.raises(CorpusTunerError, match="f: article 1") as error:
        articles(text, "f")
    assert "\n" not in str(error.value)


def test_rows_of_the_hub_are_read(tmp_path: Path) -> None:
    """One question a line with its context and {"text": [...]}; without a text it is unanswerable."""
    file = tmp_path / "q.jsonl"
    rows = [{"id": "1", "title": "T", "context": CONTEXT, "question": q, "answers": {"text": t, "answer_start": [0] * len(t)}}
            for q, t in (("Who?", ["Frank Borman", "Borman"]), ("Why?", []))]  # fmt: skip
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    found = from_file(file, [section("b", CONTEXT)])
    assert [(one.cls, one.answers, one.evidence) for one in found] == [
        ("human", ("Frank Borman", "Borman"), (("b", 1),)),
        ("unanswerable", ("",), (("b", 1),)),
    ]
    file.write_text(json.dumps({"context": CONTEXT, "question": "Who?", "answers": {"text": "Borman"}}), encoding="utf-8")
    with pytest.raises(CorpusTunerError, match=r"q\.jsonl:1"):
        from_file(file)
