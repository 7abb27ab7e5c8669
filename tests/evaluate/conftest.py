"""What the tests of this room share: planted questions, and their results."""

from __future__ import annotations

import pytest
from planted import ARMS, build

from corpus_tuner.evaluate.results import Results, aggregate
from corpus_tuner.evaluate.score import ask
from corpus_tuner.records import Question, Section


@pytest.fixture(scope="session")
def corpus() -> tuple[list[Section], list[Question]]:
    """Sections and questions."""
    return build()


@pytest.fixture(scope="session")
def results(corpus: tuple[list[Section], list[Question]]) -> Results:
    """All figures of the four arms."""
    found, asked = corpus
    return aggregate(asked, {arm: list(ask(asked, model, name=arm)) for arm, model in ARMS.items()}, found)
