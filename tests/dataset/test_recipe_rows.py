"""The split of a recipe's rows: what agrees in its prompt or group stays together, and nothing moves when rows come in."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from corpus_tuner.dataset.rows import assign
from corpus_tuner.records import Example
from corpus_tuner.settings import DatasetSettings

SHARES = st.sampled_from([0.0, 0.1, 0.5, 1.0])
QUESTIONS = st.lists(st.text(min_size=1, max_size=8), max_size=60)


def rows(questions: list[str]) -> list[Example]:
    """One example for each question, whatever it is."""
    return [Example(str(number), "grid", question, f"answer {number}", (), "", "m") for number, question in enumerate(questions)]


def by_prompt(example: Example) -> str:
    """No group of its own."""
    return ""


@given(QUESTIONS, SHARES, SHARES)
def test_every_row_has_one_split_and_rows_of_one_prompt_the_same(questions, unseen, validation) -> None:
    """Samples of a combination are never on both sides."""
    settings = DatasetSettings(unseen=unseen, validation=validation)
    splits = assign(rows(questions), settings, by_prompt)
    assert [one.id for one in splits] == [str(number) for number in range(len(questions))]
    sides: dict[str, set[str]] = {}
    for question, one in zip(questions, splits):
        assert one.split in {"train", "validation", "unseen"}
        sides.setdefault(question, set()).add(one.split)
    assert all(len(found) == 1 for found in sides.values())
    if unseen == validation == 0:
        assert {one.split for one in splits} <= {"train"}


@given(QUESTIONS, QUESTIONS, SHARES)
def test_further_rows_move_no_old_one(old, new, unseen) -> None:
    """The side of a row is a property of its prompt."""
    settings = DatasetSettings(unseen=unseen)
    before = [one.split for one in assign(rows(old), settings, by_prompt)]
    assert [one.split for one in assign(rows([*old, *new]), settings, by_prompt)][: len(old)] == before


def test_rows_of_one_group_stay_together_whatever_they_ask() -> None:
    """The turns of a conversation: the later ones repeat the earlier."""
    found = rows([f"turn {number}" for number in range(200)])
    splits = assign(found, DatasetSettings(unseen=0.5), lambda example: f"conversation {int(example.id) // 4}")
    groups = [{one.split for one in splits[at : at + 4]} for at in range(0, 200, 4)]
    assert all(len(group) == 1 for group in groups)
    assert {next(iter(group)) for group in groups} == {"train", "unseen"} | ({"validation"} & set().union(*groups))


def test_the_shares_are_about_those_of_the_settings() -> None:
    """Of 2,000 different prompts."""
    splits = [one.split for one in assign(rows([f"word {n}" for n in range(2000)]), DatasetSettings(unseen=0.1), by_prompt)]
    assert 150 < splits.count("unseen") < 250
    assert 60 < splits.count("validation") < 130
