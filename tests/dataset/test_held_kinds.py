"""Held out by kind: reversed, across sections, inferred, and near misses; each rests on facts that stay trained otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from corpus_tuner.dataset.split import assign
from corpus_tuner.evaluate.abstention import attempts
from corpus_tuner.evaluate.leaks import leaks
from corpus_tuner.evaluate.questions import from_examples
from corpus_tuner.evaluate.score import ask
from corpus_tuner.records import Example, Section
from corpus_tuner.settings import DatasetSettings
from corpus_tuner.testing import ScriptedModel
from corpus_tuner.text import sentences

SETTINGS = DatasetSettings(paraphrase=0.3, validation=0.05)
NAMES = [f"{one}{two}" for one in ("Bar", "Cor", "Del", "Fen", "Gal", "Hul", "Jor", "Kel", "Lun", "Mor") for two in
         ("abin", "ecko", "idun", "omar", "usta", "ygen")]  # fmt: skip
WORDS = {  # kind: (question, answer); the near miss stands behind the question that it misses
    "basic": ("When was the lighthouse {0} lit for the first time?", "{1}"),
    "reworded": ("Since which year has a lamp burnt in {0}?", "{1}"),
    "reverse": ("Which lighthouse of {0}shire near {0}haven shone in {1}?", "{0}"),
    "twin": ("When did {0}light of {0}strand first guide {0} ships?", "{1}"),
    "abstain": ("When did {0}light of {0}strand last guide {0} ships?", "I do not know."),
}


def corpus(count: int = 60) -> tuple[list[Section], list[Example]]:
    """`count` sections of one sentence, each with a pair of every kind; neighbours have two that need both."""
    sections, examples = [], []
    for n, name in enumerate(NAMES[:count]):
        text = f"The lighthouse {name} was lit in {1700 + n}."
        sections.append(Section(f"s{n}", "d", "Lights", (name,), text, sentences(text), "", "en"))
        for kind, (question, answer) in WORDS.items():
            told = question.format(name, 1700 + n), answer.format(name, 1700 + n)
            evidence = () if kind == "abstain" else ((f"s{n}", 1),)
            examples.append(Example(f"{kind}{n}", {"twin": "basic"}.get(kind, kind), *told, evidence, f"call{n}", "m"))
        if n % 2:
            both = (f"s{n - 1}", 1), (f"s{n}", 1)
            older = f"Is {NAMES[n - 1]} older than {name}?", NAMES[n - 1]
            between = f"How many years lie between the lamps of {NAMES[n - 1]}by and {name}by?", "1"
            examples.append(Example(f"cross{n}", "cross", *older, both, f"call{n}", "m"))
            examples.append(Example(f"inference{n}", "inference", *between, both, f"call{n}", "m"))
    return sections, examples


@pytest.fixture(scope="module")
def split() -> Mapping[str, str]:
    sections, examples = corpus()
    return {one.id: one.split for one in assign(examples, sections, SETTINGS)[0]}


def test_every_kind_gets_its_share(split: Mapping[str, str]) -> None:
    """Near the share that was asked for, in a class named after what it asks; most of each stays trained."""
    for prefix, cls, count in (("reverse", "reverse", 60), ("cross", "cross", 30), ("inference", "inference", 30), ("abstain", "near", 60)):
        held = [name for name, where in split.items() if where == cls and name.startswith(prefix)]
        assert 0.1 * count < len(held) < 0.5 * count
        assert all(where in (cls, "train") for name, where in split.items() if name.startswith(prefix))


def test_a_fact_that_is_asked_in_reverse_is_trained_forwards_only(split: Mapping[str, str]) -> None:
    """No reversed pair of its sentence is trained, and another pair of it is."""
    held = [int(name[7:]) for name, where in split.items() if where == "reverse"]
    assert held
    assert all(split[f"basic{n}"] == split[f"reworded{n}"] == "train" for n in held)
    assert {split.get(f"twin{n}") for n in held} <= {"train", "near"}


def test_a_conclusion_is_held_out_of_facts_that_stay_trained(split: Mapping[str, str]) -> None:
    """Each of the sentences that it needs is trained by a pair of its own."""
    held = [int(name[9:]) for name, where in split.items() if where == "inference"]
    assert held
    assert all("train" in (split[f"basic{m}"], split[f"reworded{m}"]) for n in held for m in (n - 1, n))


def test_a_near_miss_stands_beside_the_question_that_it_misses(split: Mapping[str, str]) -> None:
    """That one is held out, too, in its class or as a paraphrase, and a trained pair of the fact gives its answer."""
    held = [n for n in range(60) if split.get(f"abstain{n}") == "near"]
    assert {split[f"twin{n}"] for n in held} == {"near", "paraphrase"}
    assert all("train" in (split[f"basic{n}"], split[f"reworded{n}"]) for n in held)
    assert all(split[f"abstain{n}"] == "near" for n in range(60) if split[f"twin{n}"] == "near")


def test_a_near_miss_whose_fact_no_other_pair_trains_stays_trained() -> None:
    """Who cannot know the answer cannot be asked to tell the two apart."""
    sections, examples = corpus()
    alone = [one for one in examples if not one.id.startswith(("basic", "reworded"))]
    assert "near" not in {one.split for one in assign(alone, sections, SETTINGS)[0]}


def test_a_near_miss_that_another_fact_nearly_words_stays_trained() -> None:
    """Holding it out would cost that fact its pair."""
    sections, examples = corpus()
    held = {one.id for one in assign(examples, sections, SETTINGS)[0] if one.split == "near" and one.id.startswith("abstain")}
    other = next(one for one in examples if one.id == "basic59")
    close = [replace(other, id=f"close-{one.id}", question=f"{one.question} Please.") for one in examples if one.id in held]
    after = {one.id: one.split for one in assign([*examples, *close], sections, SETTINGS)[0]}
    assert held
    assert all(after.get(one.id) == "train" for one in close)
    assert not {name for name in held if after.get(name) == "near"}


def test_what_was_held_out_before_stays_where_it_was() -> None:
    """Paraphrase, validation and unseen questions are those of a corpus whose pairs are all of plain kinds."""
    sections, examples = corpus()
    plain = [one for one in examples if one.kind in ("basic", "reworded")]
    for settings in (SETTINGS, DatasetSettings(paraphrase=0.2, unseen=0.2)):
        before = {one.id: one.split for one in assign(plain, sections, settings)[0]}
        assert set(before.values()) <= {"train", "paraphrase", "validation", "unseen"}
        after = {one.id: one.split for one in assign(examples, sections, settings)[0]}
        kept = ("paraphrase", "validation", "unseen")
        facts = [{(name[-2:], where) for name, where in found.items() if where in kept and name[:5] != "abstai"} for found in (before, after)]
        assert {where for _, where in facts[0]} == {where for _, where in facts[1]}


def test_adding_a_document_moves_none_of_them(split: Mapping[str, str]) -> None:
    """What is held out of one article does not depend on another."""
    sections, examples = corpus()
    text = "The harbour of Port Ellen was closed in 1999."
    more = Section("other", "e", "Harbours", (), text, sentences(text), "", "en")
    new = [Example("new", "reverse", "Which harbour was closed in 1999?", "Port Ellen", (("other", 1),), "c", "m")]
    after = {one.id: one.split for one in assign([*new, *examples], [more, *sections], SETTINGS)[0]}
    assert {name: where for name, where in after.items() if name != "new"} == split


def test_none_of_them_was_trained_on(split: Mapping[str, str]) -> None:
    """The evaluation's own check finds no held-out question in what is trained."""
    examples = corpus()[1]
    asked = from_examples(examples, split)
    assert {"reverse", "cross", "inference", "near", "paraphrase"} <= {one.cls for one in asked}
    assert leaks(asked, [one for one in examples if split.get(one.id) == "train"]) == []


def test_who_always_abstains_cannot_pass_the_near_misses(split: Mapping[str, str]) -> None:
    """The answerable questions beside them tell: right on the misses, wrong on these; who never abstains is the reverse."""
    asked = [one for one in from_examples(corpus()[1], split) if one.cls == "near"]
    said = {arm: list(ask(asked, ScriptedModel(lambda _, text=text: text), name=arm)) for arm, text in (("silent", "I do not know."), ("bold", "1700"))}
    silent, bold = attempts(asked, said)
    assert silent.answerable
    assert silent.unanswerable
    assert (silent.abstention.value, silent.false_abstention.value) == (1, 1)
    assert (bold.abstention.value, bold.false_abstention.value) == (0, 0)
