"""English questions by rule: what is asked of a sentence, and what is left alone."""

from __future__ import annotations

import pytest

from corpus_tuner.generate.rules_english.ask import direct
from corpus_tuner.generate.rules_english.clauses import antecedent, clauses
from corpus_tuner.generate.rules_english.sorts import people
from corpus_tuner.generate.rules_english.spans import spans
from corpus_tuner.generate.rules_english.tokens import lemma, render, tokenise


def asked(sentence: str) -> dict[str, str]:
    """Question to answer, for every direct question of a sentence."""
    tokens = tokenise(sentence)
    persons = people([tokens])
    return {
        question: render(tokens[span.first : span.last])
        for clause in clauses(tokens)
        for span in spans(tokens)
        for question in direct(tokens, clause, span, persons)
    }


@pytest.mark.parametrize(
    ("sentence", "question", "answer"),
    [
        ("Frank Borman commanded the mission.", "Who commanded the mission", "Frank Borman"),
        ("Apollo 8 was launched on December 21, 1968.", "On what date was Apollo 8 launched", "December 21, 1968"),
        ("In 1937 Huxley moved to Hollywood.", "In what year did Huxley move to Hollywood", "1937"),
        ("The museum was established in London.", "Where was the museum established", "London"),
        ("The tower was designed by Gustave Eiffel.", "Who designed the tower", "Gustave Eiffel"),
        ("Three astronauts flew to the Moon.", "How many astronauts flew to the Moon", "Three"),
        ("The average household size was 3.07.", "What was the average household size", "3.07"),
        ("The crew received the Medal of Honor.", "What did the crew receive", "Medal of Honor"),
        ("Southern California consists of eight counties.", "What does Southern California consist of", "eight counties"),
        ("The flight was delayed because the fuel was low.", "Why was the flight delayed", "the fuel was low"),
        ("The trial lasted for 20 days in Paris.", "For how long did the trial last in Paris", "20 days"),
        ("Rollo, who led the Vikings, besieged Paris.", "Who led the Vikings", "Rollo"),
    ],
)
def test_direct_questions(sentence: str, question: str, answer: str) -> None:
    """Each pattern asks the question that a person would."""
    assert asked(sentence).get(question) == answer


@pytest.mark.parametrize(
    "sentence",
    [
        "The ship launched in 1912 sank near Halifax.",  # a reduced relative clause
        "He was born in 1905 in Berlin.",  # a pronoun
        "His works were published in 1520.",
        "This caused the war of 1812.",
        "There were 158,349 households in 2010.",
    ],
)
def test_doubtful_sentences_are_not_asked_about_directly(sentence: str) -> None:
    """Where the subject is not certain or leans on another sentence, there is no direct question."""
    assert not asked(sentence)


def test_adverbs_that_turn_the_meaning_are_kept() -> None:
    """ "rarely" between subject and verb stays in the question."""
    questions = asked("The compiler rarely requires additional bounds.")
    assert questions
    assert all("rarely" in question for question in questions)


def test_a_pronoun_takes_up_the_person_before_it() -> None:
    """ "He" after a sentence about one named person asks about that person; after anything else it is left alone."""
    first, second = tokenise("Frank Borman commanded the mission."), tokenise("He joined NASA in 1962.")
    persons = people([first, second])
    subject = antecedent(second, clauses(first), persons)
    assert render(subject) == "Frank Borman"
    found = [q for clause in clauses(second, subject) for span in spans(second) for q in direct(second, clause, span, persons)]
    assert "In what year did Frank Borman join NASA" in found
    thing = tokenise("The museum opened in London.")
    assert antecedent(second, clauses(thing), persons) == ()


@pytest.mark.parametrize(
    ("verb", "tag", "infinitive"),
    [("moved", "VBD", "move"), ("stopped", "VBD", "stop"), ("passed", "VBD", "pass"), ("carried", "VBD", "carry"),
     ("began", "VBD", "begin"), ("controlled", "VBD", "control"), ("orbited", "VBD", "orbit"), ("added", "VBD", "add"),
     ("reaches", "VBZ", "reach"), ("carries", "VBZ", "carry"), ("uses", "VBZ", "use"), ("zorbled", "VBD", None)],
)
def test_infinitives_are_certain_or_none(verb: str, tag: str, infinitive: str | None) -> None:
    """Regular and irregular forms give their infinitive; an unknown verb gives none instead of a guess."""
    assert lemma(verb, tag) == infinitive


def test_render_gives_back_the_sentence() -> None:
    """Tokens of a sentence, rendered, are the sentence with its spaces."""
    for sentence in ("Warsaw's first cabaret (1922–26) cost $5 million, or 3.5%.", "It isn't AT&T's C++ code."):
        assert render(tokenise(sentence)) == sentence


def test_spans_are_within_the_sentence_and_distinct() -> None:
    """Every span is a non-empty range of tokens, and no range comes twice."""
    tokens = tokenise("On May 5, 1800, the U.S. Congress (then in Philadelphia) gave John Adams 20 horses, a coach and land.")
    found = spans(tokens)
    assert all(0 <= span.first < span.last <= len(tokens) for span in found)
    assert len({(span.first, span.last) for span in found}) == len(found)
    texts = {render(tokens[span.first : span.last]) for span in found}
    assert {"May 5, 1800", "U.S. Congress", "John Adams", "20", "20 horses"} <= texts
