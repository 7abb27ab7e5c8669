"""The baselines and the search for support, on small corpora and on human questions (tests/data/qa)."""

from __future__ import annotations

import json
import random
import time
from pathlib import Path

import pytest

from corpus_tuner.models.index import Index, terms
from corpus_tuner.models.retrieval import Nearest, Retrieval, Support
from corpus_tuner.records import Section
from corpus_tuner.text import sentences, words

QA = Path(__file__).parents[1] / "data" / "qa"


def support(sections: list[Section], question: str, answer: str, top: int = 3) -> list[Support]:
    """The passages that support the answer, best first."""
    return [one for one in Retrieval(sections).passages(question, answer, top) if one.supported]


def section(number: int, text: str, *path: str, language: str = "en") -> Section:
    return Section(f"s{number}", "d", "Apollo 8", path, text, sentences(text, language), "https://example.org/a8", language)


LEAD = "Apollo 8 was the first crewed spacecraft to leave Earth's gravitational sphere. It was launched on December 21, 1968."
CREW = "Frank Borman was the commander of Apollo 8. James Lovell was the command module pilot. William Anders was the lunar module pilot."
ORBIT = "Apollo 8 orbited the Moon ten times. The crew read from the Book of Genesis on Christmas Eve. They took the photograph Earthrise."
APOLLO = [section(1, LEAD), section(2, CREW, "Crew"), section(3, ORBIT, "Mission", "Lunar orbit")]


def ask(model: object, text: str) -> str:
    return model.complete([{"role": "system", "content": "Borman"}, {"role": "user", "content": text}]).text


def human(name: str, language: str) -> tuple[list[Section], list[tuple[str, str, str]]]:
    """Sections, and (question, answer, id of its section), of a SQuAD-format file as one corpus."""
    found, pairs = [], []
    for article in json.loads((QA / name).read_text(encoding="utf-8"))["data"]:
        for paragraph in article["paragraphs"]:
            text = paragraph["context"]
            number = len(found)
            found.append(Section(f"s{number}", "", article["title"], (), text, sentences(text, language), "", language))
            pairs += [(q["question"], q["answers"][0]["text"], f"s{number}") for q in paragraph["qas"]]
    return found, pairs


# --------------------------------------------------------------------------------------------------------- retrieval


def test_retrieval_answers_with_the_best_sentence_of_the_best_section() -> None:
    """The sentence that shares most with the question is the answer, whatever stands in other sections."""
    model = Retrieval(APOLLO)
    assert ask(model, "Who was the commander of Apollo 8?") == "Frank Borman was the commander of Apollo 8."
    assert ask(model, "How many times did Apollo 8 orbit the Moon?") == "Apollo 8 orbited the Moon ten times."


def test_retrieval_answers_the_last_user_message() -> None:
    """What was said before, by anyone, has no influence."""
    talk = [
        {"role": "user", "content": "Who was the commander?"},
        {"role": "assistant", "content": "Frank Borman"},
        {"role": "user", "content": "When was it launched?"},
    ]
    assert "1968" in Retrieval(APOLLO).complete(talk, max_tokens=5, temperature=1.0, stop=["x"]).text


@pytest.mark.parametrize("question", ["", "???", "the of and", "Wozu Quittenmarmelade?"])
def test_retrieval_says_nothing_where_no_word_is_shared(question: str) -> None:
    """A question without a word of the corpus gets an empty answer, not the first sentence at hand."""
    assert ask(Retrieval(APOLLO), question) == ""


def test_an_empty_corpus_answers_nothing() -> None:
    """No section, and sections without a sentence, are no error."""
    assert ask(Retrieval([]), "Who?") == ""
    assert ask(Retrieval([section(1, "")]), "Who?") == ""
    assert ask(Nearest([]), "Who?") == ""
    assert support([], "Who?", "Borman") == []
    assert support([section(1, "")], "Who?", "Borman") == []


def test_the_title_in_every_text_does_not_drown_the_rest() -> None:
    """A word that stands in every text is worth less than one rare word that fits."""
    texts = [terms(f"Apollo 8 mission Apollo 8: {word}") for word in ("Genesis", "Borman", "Houston", "Saturn")]
    assert Index(texts).ranked(terms("Apollo 8 mission of Apollo 8, Houston"), 4)[0][0] == 2


def test_retrieval_finds_the_answer_of_human_questions() -> None:
    """On 73 XQuAD questions over 20 paragraphs the sentence holds the answer at least in two of three cases."""
    found, pairs = human("xquad_sample.json", "en")
    model = Retrieval(found)
    right = sum(answer.lower() in model.answer(question).lower() for question, answer, _ in pairs)
    assert right / len(pairs) >= 0.66


def test_retrieval_works_without_spaces_between_words() -> None:
    """Chinese questions find the sentence with the answer as well as English ones."""
    found, pairs = human("xquad_zh_sample.json", "zh")
    model = Retrieval(found)
    assert sum(answer in model.answer(question) for question, answer, _ in pairs) / len(pairs) >= 0.66


# ----------------------------------------------------------------------------------------------------------- nearest

PAIRS = [
    ("Who commanded Apollo 8?", "Frank Borman"),
    ("When was Apollo 8 launched?", "December 21, 1968"),
    ("How often did Apollo 8 orbit the Moon?", "ten times"),
]


def test_nearest_gives_every_trained_question_its_own_answer() -> None:
    """A trained question is nearest to itself, also where another repeats its words more often."""
    pairs = [*PAIRS, ("When was Apollo 8 launched, and when was the Saturn launched that launched it?", "never")]
    assert [ask(Nearest(pairs), question) for question, _ in pairs] == [answer for _, answer in pairs]


def test_nearest_bears_another_wording() -> None:
    """Inflected and reordered words still lead to the pair."""
    assert ask(Nearest(PAIRS), "the launch of Apollo 8 - when?") == "December 21, 1968"


def test_nearest_breaks_ties_by_the_order_given() -> None:
    """Of equally near pairs the first one answers, however often one asks."""
    pairs = [("Where is Alpha?", "first"), ("Where is Beta?", "second"), ("Where is Alpha", "third")]
    assert {ask(Nearest(pairs), text) for text in ("Where is Alpha?", "Alpha, Alpha")} == {"first"}


def test_nearest_says_nothing_where_no_word_is_shared() -> None:
    """A question about something else gets an empty answer."""
    assert ask(Nearest(PAIRS), "Quittenmarmelade") == ""


# ----------------------------------------------------------------------------------------------------------- support


def test_support_names_the_sentence_and_its_place() -> None:
    """Section, heading, URL, number and text of the sentence come back."""
    best = support(APOLLO, "Who was the commander of Apollo 8?", "Frank Borman")[0]
    assert (best.section_id, best.heading, best.number) == ("s2", "Apollo 8 > Crew", 1)
    assert best.text == "Frank Borman was the commander of Apollo 8."
    assert best.url == "https://example.org/a8"
    assert best.supported


def test_support_of_a_long_answer_may_take_two_sentences() -> None:
    """An answer drawn from two neighbouring sentences is supported by both together."""
    answer = "James Lovell, command module pilot, and William Anders, lunar module pilot"
    best = support(APOLLO, "Who flew with Frank Borman?", answer)[0]
    assert best.text == "James Lovell was the command module pilot. William Anders was the lunar module pilot."


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("When was Apollo 8 launched?", "December 21, 1969"),
        ("When was Apollo 8 launched?", "Apollo 8 was launched on December 24, 1968"),
        ("Who was the commander of Apollo 8?", "Neil Armstrong"),
        ("Who was the commander of Apollo 8?", "xqzt vvk"),
        ("Who was the commander of Apollo 8?", ""),
        ("Which dish won the marmalade prize in Bavaria?", "Frank Borman"),
        ("Which crew won the marmalade prize of Bavaria last winter?", "the Book of Genesis"),
        ("How many times did Apollo 8 orbit the Moon?", "Frank Borman"),
    ],
)
def test_support_is_refused(question: str, answer: str) -> None:
    """A wrong number, an unknown name, gibberish, nothing, and a true answer to another question, or to one about something else, find no support."""
    assert support(APOLLO, question, answer) == []


def test_passages_show_what_came_near_without_calling_it_support() -> None:
    """The nearest passage is there for a reader, marked as not supporting."""
    near = Retrieval(APOLLO).passages("How many times did Apollo 8 orbit the Moon?", "Frank Borman")
    assert near
    assert not any(one.supported for one in near)


def test_support_tells_right_answers_from_others_on_human_questions() -> None:
    """At least 95 % of right answers are supported; of answers to other questions at most 30 %, of gibberish 5 %."""
    found, pairs = human("xquad_sample.json", "en")
    retrieval, chance = Retrieval(found), random.Random(0)
    called: dict[str, int] = {"right": 0, "other": 0, "gibberish": 0}
    for question, answer, _ in pairs:
        other = chance.choice([text for _, text, _ in pairs if not set(words(text)) & set(words(answer))])
        letters = "".join(chance.sample(answer.replace(" ", ""), len(answer.replace(" ", ""))))
        for sort, text in (("right", answer), ("other", other), ("gibberish", letters)):
            called[sort] += any(one.supported for one in retrieval.passages(question, text, 1))
    assert called["right"] / len(pairs) >= 0.95
    assert called["other"] / len(pairs) <= 0.30
    assert called["gibberish"] / len(pairs) <= 0.05


def test_a_thousand_sentences_are_indexed_at_once() -> None:
    """Indexing 1,000 sentences and answering takes well under a second (0.05 s on a quiet core)."""
    chance = random.Random(0)
    vocabulary = ["".join(chance.choices("abcdefghijklmnop", k=6)) for _ in range(3000)]
    text = " ".join(" ".join(chance.choices(vocabulary, k=20)).capitalize() + "." for _ in range(20))
    found = [section(n, text.replace("a", chr(97 + n % 26)), str(n)) for n in range(50)]
    terms("warm the stemmer")
    started = time.process_time()
    support(found, " ".join(vocabulary[:5]), vocabulary[0])
    assert time.process_time() - started < 0.8
