"""A test question that was trained on is found."""

from __future__ import annotations

import random

from corpus_tuner.evaluate.leaks import leaks
from corpus_tuner.records import Example, Question


def example(number: int, question: str, answer: str) -> Example:
    return Example(f"e{number}", "basic", question, answer, (("s1", 1),), "", "rules")


def asked(number: int, text: str, cls: str = "paraphrase") -> Question:
    return Question(f"q{number}", cls, text, ("x",))


LONG = "Which of the three astronauts was told by his wife that the broadcast on Christmas Eve had moved half of the world?"
SHORT = "Who commanded Apollo 8?"


def test_a_planted_leak_is_found_and_nothing_else() -> None:
    """200 times a question, whole or within other words, is hidden in 300 pairs of the same vocabulary: each is listed."""
    vocabulary = [f"word{n}" for n in range(60)]
    found = false = 0
    for seed in range(200):
        chance = random.Random(seed)
        questions = [asked(n, " ".join(chance.choices(vocabulary, k=chance.randint(4, 25)))) for n in range(20)]
        pairs = [example(n, *(" ".join(chance.choices(vocabulary, k=15)) for _ in range(2))) for n in range(300)]
        victim = chance.choice(questions)
        pairs.insert(chance.randrange(300), example(999, "Said:", f"It was, {victim.text.upper()}! and so on"))
        listed = leaks(questions, pairs)
        found += any((one.question_id, one.example_id) == (victim.id, "e999") for one in listed)
        false += sum(one.question_id != victim.id for one in listed)
    assert (found, false) == (200, 0)


def test_twelve_words_in_a_row_are_a_leak_and_eleven_are_none() -> None:
    """Punctuation and case do not count; trained questions are meant to be trained on."""
    cut = LONG.split()
    assert leaks([asked(1, LONG)], [example(1, " ".join(cut[4:16]), "x")])[0].trained == " ".join(cut[4:16])
    assert leaks([asked(1, LONG)], [example(1, " ".join(cut[4:15]), "x")]) == []
    assert [one.question_id for one in leaks([asked(1, SHORT), asked(2, SHORT, "trained")], [example(1, SHORT.lower(), "x")])] == ["q1"]
    assert leaks([asked(1, SHORT), asked(2, "?!")], [example(1, "Who commanded?", "Apollo 8"), example(2, "", "")]) == []
