"""A model behind a prompt, alone and with sections before the question."""

from __future__ import annotations

from importlib.resources import files

import pytest

from corpus_tuner.models.prompted import Prompted
from corpus_tuner.models.retrieval import Retrieval
from corpus_tuner.records import Section
from corpus_tuner.testing import ScriptedModel
from corpus_tuner.text import sentences


def section(number: int, text: str) -> Section:
    return Section(f"s{number}", "d", "Apollo 8", (f"Part {number}",), text, sentences(text), "", "en")


APOLLO = [
    section(1, "Frank Borman was the commander. James Lovell was the pilot."),
    section(2, "The crew orbited the Moon ten times. They cost $5 and ${braces}."),
    section(3, "The Saturn V lifted off from Florida."),
]
ASKED = [{"role": "system", "content": "ignored"}, {"role": "user", "content": "Who was the commander of $title?"}]


def told(model: ScriptedModel) -> str:
    ((messages, _),) = model.asked
    assert [message["role"] for message in messages] == ["user"]
    return messages[0]["content"]


def test_the_best_sections_stand_before_the_question() -> None:
    """The prompt holds the title, the found section and the question, as they are: no text of them is a placeholder."""
    model = ScriptedModel(["Borman"])
    arm = Prompted(model, "Apollo 8", lambda question: [one for one, _ in Retrieval(APOLLO).sections(question, 1)], "base+retrieval")
    assert (arm.name, arm.complete(ASKED).text) == ("base+retrieval", "Borman")
    text = told(model)
    assert "about Apollo 8" in text
    assert "[Apollo 8 > Part 1]\nFrank Borman was the commander. James Lovell was the pilot." in text
    assert "Who was the commander of $title?" in text
    assert "Saturn" not in text


def test_whole_sentences_fill_the_room_there_is() -> None:
    """With less room the last sentences go, never a half; with none the question is asked alone."""
    texts = []
    for room in range(40, 420, 5):
        model = ScriptedModel(lambda _: "x")
        model.room = room
        model.encode = lambda messages: messages[0]["content"].split()
        arm = Prompted(model, "Apollo 8", lambda _: APOLLO)
        arm.complete(ASKED, max_tokens=20)
        texts.append(told(model))
        assert len(texts[-1].split()) + 20 <= max(room, len(texts[0].split()) + 20)
    every = [s.sentence(n) for s in APOLLO for n in range(1, len(s.sentences) + 1)]
    counts = [sum(sentence in text for sentence in every) for text in texts]
    assert counts == sorted(counts)
    assert (counts[0], counts[-1]) == (0, len(every))
    for text, count in zip(texts, counts):
        assert all(sentence in text for sentence in every[:count])


def test_without_passages_the_two_prompts_say_the_same() -> None:
    """What kind of answer is wanted is told to the base alone as to the base with sections."""
    plain, grounded = ScriptedModel(lambda _: "x"), ScriptedModel(lambda _: "x")
    Prompted(plain, "Apollo 8").complete(ASKED)
    Prompted(grounded, "Apollo 8", lambda _: APOLLO).complete(ASKED)
    for sentence in ("reply with that alone", "one or two sentences", "Do not repeat the question"):
        assert sentence in told(plain)
        assert sentence in told(grounded)


def test_batches_and_threads_go_through() -> None:
    """A model that answers many at once is asked so; one that is asked in threads keeps their number."""

    class Batched(ScriptedModel):
        concurrency = 7

        def complete_many(self, batch, **options):
            return [self.complete(messages, **options) for messages in batch]

    model = Batched(["a", "b"])
    arm = Prompted(model, "Apollo 8")
    assert [reply.text for reply in arm.complete_many([ASKED, ASKED], max_tokens=9)] == ["a", "b"]
    assert arm.concurrency == 7
    assert model.asked[0][1]["max_tokens"] == 9
    assert not hasattr(Prompted(ScriptedModel([]), "Apollo 8"), "complete_many")


@pytest.mark.parametrize(("name", "slots"), [("alone", {"title", "question"}), ("grounded", {"title", "question", "passages"})])
def test_placeholders_are_those_that_the_code_fills(name: str, slots: set[str]) -> None:
    """Each prompt's placeholders equal what is supplied."""
    from string import Template

    text = files("corpus_tuner.models").joinpath(f"prompts/{name}.md").read_text(encoding="utf-8")
    assert set(Template(text).get_identifiers()) == slots
