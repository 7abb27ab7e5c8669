"""Which sections and facts are weak, by whom judged, and in which order they are helped."""

from __future__ import annotations

from corpus_tuner.improve.weak import find
from corpus_tuner.records import Example, Question


def pair(section: str, number: int, wording: int = 0) -> Example:
    return Example(f"{section}{number}{wording}", "basic", f"{section}{number}{wording}?", "x", ((section, number),), "", "rules")


def asked(cls: str, section: str, number: int) -> Question:
    return Question(f"{cls}{section}{number}", cls, f"{cls}{section}{number}?", ("x",), ((section, number),))


TRAINED = [pair(section, number, wording) for section in "abcd" for number in range(1, 9) for wording in (0, 1)]


def test_a_section_is_weak_beyond_the_noise_and_a_fact_by_its_own_question() -> None:
    """None of eight against all of the others is no chance: all its sentences; seven of eight is: that one sentence."""
    questions = [asked("validation", section, number) for section in "abcd" for number in range(1, 9)]
    right = [not (one.evidence[0][0] == "b" or one.evidence[0] == ("c", 3)) for one in questions]
    found = find(questions, right, TRAINED)
    assert dict(found.sentences) == {"b": tuple(range(1, 9)), "c": (3,)}
    assert (found.sections, found.thin, found.facts, found.count) == (("b",), (), 9, 9)
    assert found.judged_by == "32 validation questions"


def test_few_validation_questions_are_helped_by_trained_ones_and_it_is_said() -> None:
    """Three validation questions cannot judge a section; what it recalls of the trained ones can."""
    questions = [asked("validation", section, 1) for section in "abc"]
    questions += [asked("trained", section, number) for section in "abcd" for number in range(1, 9)]
    right = [one.evidence[0][0] != "d" for one in questions]
    found = find(questions, right, TRAINED)
    assert found.sections == ("d",)
    assert found.judged_by == "3 validation questions and, as these are few, 32 trained ones"


def test_nothing_is_weak_where_all_is_known() -> None:
    """Nor where there is nothing to judge by."""
    questions = [asked("validation", section, number) for section in "abcd" for number in range(1, 9)]
    assert find(questions, [True] * 32, TRAINED).count == 0
    assert find([], [], TRAINED).count == 0
    assert find([], [], []).count == 0


def test_a_thin_section_that_nothing_can_judge_is_weak() -> None:
    """Fewer than half as many pairs a sentence as the others, and no validation question; with one it is judged by that."""
    few = [one for one in TRAINED if one.evidence[0][0] != "a"] + [pair(s, n, 2 + w) for s in "bcd" for n in range(1, 9) for w in (0, 1)]
    thin = [*few, *(pair("a", number) for number in range(1, 9))]
    questions = [asked("validation", section, number) for section in "bcd" for number in range(1, 9)]
    found = find(questions, [True] * 24, thin)
    assert (found.thin, dict(found.sentences)) == (("a",), {"a": tuple(range(1, 9))})
    assert find([*questions, asked("validation", "a", 1)], [True] * 25, thin).count == 0


def test_only_trained_sentences_are_helped_and_the_worst_section_first() -> None:
    """A wrong question on a sentence that no pair trains helps nobody; what money there is goes where most is wrong."""
    questions = [asked("validation", section, number) for section in "abcd" for number in range(1, 9)]
    right = [{"a": n > 2, "b": n > 8, "c": n > 7, "d": True}[s] for ((s, n),) in (one.evidence for one in questions)]
    found = find([*questions, asked("validation", "e", 1)], [*right, False], TRAINED)
    assert list(found.sentences) == ["b", "c", "a"]
    assert found.sentences["a"] == (1, 2)
