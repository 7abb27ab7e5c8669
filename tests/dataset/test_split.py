"""Held out means held out: by sentence, by digest, with no twin left in training."""

from collections import defaultdict
from dataclasses import replace

from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from corpus_tuner.dataset.near import NEAR
from corpus_tuner.dataset.split import assign
from corpus_tuner.records import Example, Reason, Section
from corpus_tuner.settings import DatasetSettings
from corpus_tuner.text import jaccard, normalise_answer, sentences

WORDINGS = (
    "When did the {} leave port?",
    "The {} left its harbour on which day?",
    "Complete: on ____ there sailed a {}.",
)


def corpus(facts: int, title: str = "Ships") -> tuple[list[Section], list[Example]]:
    """One section of `facts` sentences, each asked about in three wordings with one answer."""
    names = [f"{title}alpha{n} {title}beta{n} {title}gamma{n}" for n in range(facts)]
    text = " ".join(f"The {name} sailed on {n + 1} May." for n, name in enumerate(names))
    section = Section(f"s-{title}", "d", title, (), text, sentences(text))
    assert len(section.sentences) == facts
    examples = [
        Example(
            f"{title}-{n}-{w}",
            "basic",
            wording.format(name),
            f"{n + 1} May",
            ((section.id, n + 1),),
            section.id,
            "rules",
        )
        for n, name in enumerate(names)
        for w, wording in enumerate(WORDINGS)
    ]
    return [section], examples


def by_split(splits) -> dict[str, set[str]]:
    """Ids of each split."""
    found = defaultdict(set)
    for one in splits:
        found[one.split].add(one.id)
    return found


def test_a_held_out_paraphrase_has_a_trained_twin_and_no_near_duplicate() -> None:
    """Its fact is trained by other pairs with the same answer, none of them in nearly its words."""
    sections, examples = corpus(200)
    splits, _ = assign(examples, sections, DatasetSettings(paraphrase=0.2))
    found, texts = by_split(splits), {example.id: example for example in examples}
    trained = [texts[one] for one in found["train"]]
    assert 20 <= len(found["paraphrase"]) <= 60
    for example in (texts[one] for one in found["paraphrase"] | found["validation"]):
        twins = [other for other in trained if other.evidence == example.evidence]
        assert any(normalise_answer(twin.answer) == normalise_answer(example.answer) for twin in twins)
        assert all(jaccard(other.question, example.question) < NEAR for other in trained)


def test_an_unseen_sentence_trains_nothing() -> None:
    """With unseen > 0 every pair of a held-out sentence leaves the training file."""
    sections, examples = corpus(200)
    splits, _ = assign(examples, sections, DatasetSettings(unseen=0.3))
    found, texts = by_split(splits), {example.id: example for example in examples}
    unseen = {texts[one].evidence for one in found["unseen"]}
    assert 30 <= len(unseen) <= 90
    assert not unseen & {texts[one].evidence for one in found["train"] | found["paraphrase"] | found["validation"]}


def test_a_pair_that_rests_on_both_sorts_is_rejected_by_name() -> None:
    """Evidence on a trained and on a held-out sentence fits no split."""
    sections, examples = corpus(50)
    both = Example("both", "cross", "Which two?", "x", tuple((sections[0].id, n) for n in range(1, 51)), "s", "rules")
    splits, rejects = assign([*examples, both], sections, DatasetSettings(unseen=0.5))
    assert [(reject.item_id, reject.reason) for reject in rejects if reject.item_id == "both"] == [
        ("both", Reason.MIXED_SPLIT)
    ]
    assert "both" not in {one.id for one in splits}


def test_adding_an_article_moves_no_old_question() -> None:
    """Every decision goes by digest of the sentence itself."""
    old_sections, old = corpus(100)
    new_sections, new = corpus(100, "Trains")
    settings = DatasetSettings(unseen=0.1, paraphrase=0.2)
    before, _ = assign(old, old_sections, settings)
    after, _ = assign([*new, *old], [*new_sections, *old_sections], settings)
    moved = {one.id: one.split for one in before}.items() - {one.id: one.split for one in after}.items()
    assert not moved


def test_a_trained_question_of_another_document_in_nearly_the_words_of_a_held_out_one_is_dropped() -> None:
    """A near-duplicate would leak the wording; it leaves by name."""
    sections, examples = corpus(100)
    more, others = corpus(2, "Trains")
    more = [replace(section, document_id="other") for section in more]
    settings = DatasetSettings(paraphrase=0.3)
    held = next(e for e in examples if e.id in by_split(assign(examples, sections, settings)[0])["paraphrase"])
    copy = replace(held, id="copy", question=held.question + " Please.", evidence=others[0].evidence)
    splits, rejects = assign([*examples, copy], [*sections, *more], settings)
    assert held.id in by_split(splits)["paraphrase"]
    assert ("copy", Reason.NEAR_DUPLICATE) in {(reject.item_id, reject.reason) for reject in rejects}


def test_no_fact_of_the_same_document_loses_its_pair_to_a_held_out_one() -> None:
    """A wording that another question of the document nearly has is not held out."""
    sections, examples = corpus(100)
    settings = DatasetSettings(paraphrase=0.3)
    held = next(e for e in examples if e.id in by_split(assign(examples, sections, settings)[0])["paraphrase"])
    other = next(e for e in examples if e.evidence != held.evidence)
    copy = replace(held, id="copy", question=held.question + " Please.", evidence=other.evidence)
    splits, rejects = assign([*examples, copy], sections, settings)
    assert {"copy", held.id} <= by_split(splits)["train"]
    assert not rejects


@given(
    st.lists(st.tuples(st.integers(1, 8), st.sampled_from(WORDINGS), st.text(max_size=8)), max_size=40),
    st.floats(0, 0.5),
)
@hypothesis_settings(max_examples=60, deadline=None)
def test_input_is_output_plus_rejects(drawn, unseen) -> None:
    """Whatever the pairs, each is in one split or among the rejects."""
    sections, _ = corpus(8)
    examples = [
        Example(f"e{i}", "basic", wording.format(name), "yes", ((sections[0].id, number),), "s", "rules")
        for i, (number, wording, name) in enumerate(drawn)
    ]
    splits, rejects = assign(examples, sections, DatasetSettings(unseen=unseen, paraphrase=0.4))
    assert sorted([one.id for one in splits] + [reject.item_id for reject in rejects]) == sorted(
        example.id for example in examples
    )


def test_no_held_out_question_stands_in_what_is_trained_on() -> None:
    """Twelve words of it in a row, in a question or in a text told again, take the trained pair out by name."""
    sections, examples = corpus(60)
    unseen = DatasetSettings(unseen=0.2, paraphrase=0.0, validation=0.0)
    held = next(one.id for one in assign(examples, sections, unseen)[0] if one.split == "unseen")
    long = "On the evening of which day in May did the crew of that ship set sail?"
    examples = [replace(one, question=long) if one.id == held else one for one in examples]
    other, text = corpus(1, "Other")
    leak = replace(text[0], id="leak", kind="rewrite", answer=f"Teacher: {long} Pupil: I forgot.")
    fine = replace(text[1], id="fine", answer=f"Teacher: {' '.join(long.split()[:11])}. Pupil: I forgot.")
    splits, rejects = assign([*examples, leak, fine], sections + other, unseen)
    assert "leak" not in {one.id for one in splits}
    assert {one.id: one.split for one in splits}["fine"] == "train"
    assert (Reason.NEAR_DUPLICATE, "leak") in {(one.reason, one.item_id) for one in rejects}
