"""Later pairs find their place beside those that are there, and move none."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from corpus_tuner.dataset.added import add, name
from corpus_tuner.dataset.near import NEAR
from corpus_tuner.dataset.split import assign
from corpus_tuner.records import Example, Reason, Section
from corpus_tuner.settings import DatasetSettings
from corpus_tuner.text import jaccard, sentences

SETTINGS = DatasetSettings(paraphrase=0.2, validation=0.1, unseen=0.2)
FIRST = ("When did {0} leave port?", "The {0} left its harbour on which day?", "Complete: on ____ there sailed a {0}.")
LATER = ("On what date was the {0} seen off?", "Since which day is {0} gone?", "Which morning saw {0} depart for good?", "Say when {0} weighed anchor?")


def corpus(facts: int = 80) -> tuple[list[Section], list[Example], list[Example]]:
    """A section, its pairs in three wordings, and later ones in four more."""
    names = [f"Alpha{n} Beta{n} Gamma{n}" for n in range(facts)]
    text = " ".join(f"The {one} sailed on {n + 1} May." for n, one in enumerate(names))
    section = Section("s", "d", "Ships", (), text, sentences(text))
    texts = {"s": section}

    def pairs(wordings: tuple[str, ...], prefix: str) -> list[Example]:
        return [
            Example(f"{prefix}{n}-{w}", "basic", wording.format(one), f"{n + 1} May", (("s", n + 1),), "s", "m")
            for n, one in enumerate(names)
            for w, wording in enumerate(wordings)
        ]

    later = [replace(one, id=name(one, texts)) for one in pairs(LATER, "later")]
    return [section], pairs(FIRST, "first"), later


SECTIONS, EXAMPLES, ALL_LATER = corpus()
PLACED = {one.id: one.split for one in assign(EXAMPLES, SECTIONS, SETTINGS)[0]}


def added(later: list[Example]) -> tuple[dict[str, str], dict[str, Reason]]:
    splits, rejects = add(later, PLACED, EXAMPLES, SECTIONS, SETTINGS)
    return {one.id: one.split for one in splits}, {one.item_id: one.reason for one in rejects}


def test_a_third_validates_and_every_such_fact_is_trained() -> None:
    """No later question of the validation is in nearly the words of a trained one; each has a trained twin."""
    found, rejects = added(ALL_LATER)
    by_id = {one.id: one for one in [*EXAMPLES, *ALL_LATER]}
    split = PLACED | found
    trained = [by_id[one] for one, where in split.items() if where == "train"]
    validating = [by_id[one] for one, where in found.items() if where == "validation"]
    assert 0.25 < len(validating) / len(found) < 0.42
    for one in validating:
        assert any(other.evidence == one.evidence and other.answer == one.answer for other in trained)
        assert all(jaccard(one.question, other.question) < NEAR for other in trained)
    assert len(found) + len(rejects) == len(ALL_LATER)


def test_nothing_is_trained_for_a_held_out_sentence_nor_in_the_words_of_a_held_out_question() -> None:
    """Each leaves by name."""
    unseen = {by.evidence for by in EXAMPLES if PLACED.get(by.id) == "unseen"}
    found, rejects = added(ALL_LATER)
    assert unseen
    assert {one.id for one in ALL_LATER if one.evidence in unseen} == {one for one, why in rejects.items() if why == Reason.MIXED_SPLIT}
    held = next(one for one in EXAMPLES if PLACED.get(one.id) == "paraphrase")
    texts = {"s": SECTIONS[0]}
    leak = replace(held, question=f"{held.question} Please.")
    leak = replace(leak, id=name(leak, texts))
    long = replace(held, kind="rewrite", answer="x")
    long = replace(long, id=name(long, texts))
    found, rejects = added([leak, long])
    assert found == {}
    assert set(rejects.values()) == {Reason.NEAR_DUPLICATE}


@given(st.permutations(ALL_LATER).map(lambda drawn: drawn[:60]), st.integers(0, 60))
@hypothesis_settings(max_examples=25, deadline=None)
def test_more_of_them_move_none(drawn: list[Example], cut: int) -> None:
    """Whatever comes behind, a pair stays where it was; and none of the first ones is placed anew."""
    found, _ = added(drawn)
    before, _ = added(drawn[:cut])
    assert {one: found.get(one) for one in before} == before
    assert not found.keys() & PLACED.keys()


def test_a_pair_whose_sentence_has_changed_is_dropped_by_name() -> None:
    """A new revision of the text, a section that is gone, a sentence that is not there any more."""
    other = [replace(SECTIONS[0], text=SECTIONS[0].text.replace("sailed on 1 May", "sailed on 9 May"))]
    splits, rejects = add(ALL_LATER, PLACED, EXAMPLES, other, SETTINGS)
    first = {one.id for one in ALL_LATER if one.evidence == (("s", 1),)}
    assert first == {one.item_id for one in rejects if one.reason == Reason.STALE}
    assert not first & {one.id for one in splits}
    short = [replace(SECTIONS[0], sentences=SECTIONS[0].sentences[:3])]
    known = [one for one in EXAMPLES if one.evidence[0][1] <= 3]
    _, rejects = add(ALL_LATER, PLACED, known, short, SETTINGS)
    assert sum(one.reason == Reason.STALE for one in rejects) == len(ALL_LATER) - 3 * len(LATER)


def validating() -> list[Example]:
    """Those that are kept back for validation."""
    found, _ = added(ALL_LATER)
    return [one for one in ALL_LATER if found.get(one.id) == "validation"]


def named(one: Example, question: str) -> Example:
    """The same pair with another question."""
    other = replace(one, question=question)
    return replace(other, id=name(other, {"s": SECTIONS[0]}))


def test_nearly_the_words_of_a_trained_question_do_not_validate() -> None:
    """Whatever their digest: such a pair is trained."""
    trained = [one for one in EXAMPLES if PLACED.get(one.id) == "train"]
    again = [named(one, f"{one.question} {please}") for one in trained[:40] for please in ("Please.", "Quick.", "Now.", "Well?")]
    found, rejects = added(again)
    assert len(found) > 60
    assert set(found.values()) == {"train"}
    assert set(rejects.values()) <= {Reason.NEAR_DUPLICATE}


def test_what_comes_later_in_nearly_the_words_of_a_validation_question_is_not_trained() -> None:
    """It would tell its wording to the student."""
    kept = validating()
    found, rejects = added([*ALL_LATER, *(leaks := [named(one, f"{one.question} Please.") for one in kept])])
    assert kept
    assert {rejects.get(one.id) for one in leaks} == {Reason.NEAR_DUPLICATE}
    assert not {one.id for one in leaks} & found.keys()
