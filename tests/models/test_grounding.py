"""What counts as supported, contradicted and unsupported by words alone."""

from __future__ import annotations

import pytest

from corpus_tuner.models.grounding import ground
from corpus_tuner.models.retrieval import Retrieval
from corpus_tuner.records import Section
from corpus_tuner.text import sentences

TEXT = (
    "The harbour of Alma was opened by Captain Ines Prado on 3 May 1901. It has twelve piers and 240 berths. "
    "The lighthouse was rebuilt in 1934 by Otto Lind. The ferry to the island of Sorn takes 45 minutes."
)
SEARCH = Retrieval([Section("s0", "d", "Alma", ("Harbour",), TEXT, sentences(TEXT), "", "en")])


@pytest.mark.parametrize(
    ("question", "answer", "verdict"),
    [
        ("When was the harbour of Alma opened?", "1901", "supported"),
        ("When was the harbour of Alma opened?", "On 3 May 1901", "supported"),
        ("When was the harbour of Alma opened?", "1911", "contradicted"),
        ("When was the harbour of Alma opened?", "The harbour of Alma was opened in 1911.", "contradicted"),
        ("On which day of May 1901 was the harbour of Alma opened?", "4 May 1901", "unsupported"),  # the year is right
        ("On which day was the harbour of Alma opened?", "May 4", "contradicted"),
        ("How many berths and piers has it?", "360", "contradicted"),
        ("Who opened the harbour of Alma?", "Captain Ines Prado", "supported"),
        ("Who opened the harbour of Alma?", "Prado", "supported"),
        ("Who opened the harbour of Alma?", "Maria Sol", "contradicted"),
        ("Who opened the harbour of Alma?", "a fisherman", "unsupported"),
        ("When was the harbour of Alma opened?", "Ines Prado", "unsupported"),
        ("Who was the first president of Chile?", "Manuel Blanco", "unsupported"),
        ("In 1934, who rebuilt the lighthouse?", "1935", "unsupported"),  # the sentence's only year is the question's own
    ],
)
def test_verdicts(question: str, answer: str, verdict: str) -> None:
    """A value of the same sort in the same place, and no other, contradicts."""
    found = ground(SEARCH, question, answer)
    assert found.verdict == verdict
    assert bool(found.passages) == (verdict != "unsupported")


@pytest.mark.parametrize(
    ("language", "text", "question", "wrong"),
    [
        ("zh", "弗兰克·博尔曼在1968年指挥了阿波罗8号。", "阿波罗8号是哪一年?", "1972年"),
        ("ar", "قاد فرانك بورمان مهمة أبولو 8 في عام 1968.", "متى كانت مهمة أبولو 8؟", "1972"),
        ("de", "Frank Borman leitete die Mission im Jahr 1968.", "In welchem Jahr leitete Borman die Mission?", "1972"),
    ],
)
def test_years_contradict_in_any_language(language: str, text: str, question: str, wrong: str) -> None:
    """They are digits in all of them."""
    search = Retrieval([Section("s", "d", "Apollo 8", (), text, sentences(text, language), "", language)])
    assert ground(search, question, wrong).verdict == "contradicted"
    assert ground(search, question, "1968").verdict == "supported"


def test_what_contradicts_is_shown() -> None:
    """The sentence that answers the question."""
    (passage,) = ground(SEARCH, "When was the lighthouse rebuilt?", "1954").passages
    assert passage.text == "The lighthouse was rebuilt in 1934 by Otto Lind."
    assert (passage.section_id, passage.number) == ("s0", 3)


def test_an_empty_corpus_supports_and_contradicts_nothing() -> None:
    """Nor does it fail."""
    assert ground(Retrieval([]), "When?", "1954").verdict == "unsupported"
    assert ground(SEARCH, "?", "1954").verdict == "unsupported"
    assert ground(SEARCH, "When was the lighthouse rebuilt?", "").verdict == "unsupported"
