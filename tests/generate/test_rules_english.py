"""English questions by rule: what is asked of a sentence, and what is left alone."""

from __future__ import annotations

import pytest

from corpus_tuner.generate.rules_english.ask import direct
from corpus_tuner.generate.rules_english.clauses import antecedent, clauses
from corpus_tuner.generate.rules_english.sorts import people, sort_of
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


def test_a_clause_with_a_condition_is_not_asked_about_directly() -> None:
    """ "If ..., X would" is not true without its condition, so nothing is asked of the rest alone."""
    assert not [question for question in asked("If the computer failed, Frank Borman would steer the ship.") if "steer" in question]


def test_what_was_said_is_not_cut_off() -> None:
    """No question ends in a verb of speech that has lost what was said."""
    assert not asked("Frank Borman said of one ad, which ran for weeks, that it was dull.")


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


@pytest.mark.parametrize(
    ("sentence", "word", "tag"),
    [
        ("This allows us to support other formats.", "support", "VB"),
        ("It will attempt to fly.", "attempt", "VB"),
        ("Please report any bugs.", "report", "VB"),
        ("Most people with autism acquire language.", "acquire", "VB"),
        ("The merge command removes it.", "merge", "NN"),
        ("As an aardwolf ages, it slows.", "ages", "VBZ"),
        ("The act recognises two kinds.", "recognises", "VBZ"),
        ("It does not hunt large animals.", "not", "RB"),
        ("We couldn't have done it.", "could", "MD"),
        ("He asked: \"Have you seen it?\"", "Have", "VBP"),
    ],
)
def test_words_are_tagged_by_their_neighbours(sentence: str, word: str, tag: str) -> None:
    """A word that is more often something else has the tag of its place."""
    assert next(token.tag for token in tokenise(sentence) if token.text == word) == tag


def test_no_word_without_a_capital_is_a_name() -> None:
    """Beside a name, too, a common word keeps its own tag."""
    tokens = tokenise("Luther reportedly met southern Dukes and once musician Neil Peart of Rush.")
    assert not [token.text for token in tokens if token.is_name and token.text.islower()]


@pytest.mark.parametrize(
    ("sentence", "whole", "title"),
    [
        ("It is displayed at the Chicago Museum of Science and Industry in Illinois.", "Chicago Museum of Science and Industry", ""),
        ("She wrote The Fountainhead in a flat in New York.", "The Fountainhead", ""),
        ("The crew read from the Book of Genesis on television.", "Book of Genesis", ""),
        ("She met the actor Frank O'Connor in Hollywood.", "Frank O'Connor", ""),
        ("The flight took 2 hours, 44 minutes and 30 seconds in all.", "2 hours, 44 minutes and 30 seconds", ""),
        ("The orbit was circularized at 60.7 nmi by 59.7 nmi in the end.", "60.7 nmi by 59.7 nmi", ""),
        ("He died on 28 December 1981 in Los Angeles.", "28 December 1981", ""),
        ("The code landed on 2020-09-26 at noon.", "2020-09-26", ""),
        ("His novel 2001: A Space Odyssey was filmed twice.", "2001: A Space Odyssey", ""),
        ("Gershwin played An American in Paris in New York.", "An American in Paris", "An American in Paris"),
        ("The crew of the Apollo 13 mission returned.", "Apollo 13", ""),
        ("He fought in the Mexican–American War as a colonel.", "Mexican–American War", ""),
    ],
)
def test_no_answer_ends_within_a_whole(sentence: str, whole: str, title: str) -> None:
    """A name in several parts, a title, a date or a measure is asked for as a whole or not at all."""
    tokens = tokenise(sentence)
    start = sentence.index(whole)
    ranges = {(tokens[span.first].start, tokens[span.last - 1].end) for span in spans(tokens, title)}
    torn = [sentence[a:b] for a, b in ranges if a < start + len(whole) and start < b and not (a <= start and start + len(whole) <= b)]
    assert not torn
    assert len(whole.split()) > 8 or (start, start + len(whole)) in ranges or any(mark in whole for mark in (":", "American"))


def test_dates_of_a_life_are_one_each() -> None:
    """Both dates of "born – died" can be asked for, neither cut."""
    tokens = tokenise("Allan Dwan (3 April 1885 – 28 December 1981) was a director.")
    dates = {render(tokens[span.first : span.last]) for span in spans(tokens) if span.kind == "date"}
    assert {"3 April 1885", "28 December 1981"} <= dates


@pytest.mark.parametrize("sentence", ["The change is in PR #3 on GitHub.", "It was shown at Expo '70 in Osaka.", "The lock is described in section 5 below."])
def test_labels_are_no_numbers(sentence: str) -> None:
    """A number that only labels something is not asked for."""
    assert not [span for span in spans(tokenise(sentence)) if span.kind == "number"]


@pytest.mark.parametrize(
    ("sentence", "answer"),
    [
        ("He wrote several books and other papers.", "other papers"),
        ("Foxes live in other areas.", "other areas"),
        ("He wrote about cats, dogs, and birds.", "dogs, and birds"),
        ("He read the book and the film was made later.", "book and the film"),
        ("The ship was led by Brig. Gen. Lloyd Tilghman.", "Brig. Gen."),
        ("The film starred Gene Kelly, featuring many tunes.", "featuring many tunes"),
    ],
)
def test_what_is_no_answer_is_not_asked_for(sentence: str, answer: str) -> None:
    """Words that point elsewhere, the rest of a list, two clauses and a verb with its object are no answers."""
    tokens = tokenise(sentence)
    assert answer not in {render(tokens[span.first : span.last]) for span in spans(tokens)}


def test_a_place_name_within_a_persons_name_is_no_place() -> None:
    """ "George Washington" is a person, and "Mission Control", which works and says things, is none."""
    tokens = tokenise("George Washington asked. Mission Control said nothing to George Washington.")
    persons = people([tokens])
    assert "Control" not in persons
    span = next(span for span in spans(tokens) if len(span) == 2 and tokens[span.first].text == "George")
    assert sort_of(tokens, span, persons) == "person"
