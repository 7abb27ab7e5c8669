"""A model behind a prompt: alone, or with sections of the corpus put before the question."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from importlib.resources import files
from string import Template
from typing import Any

from corpus_tuner.records import Message, Model, Reply, Section

ROOM = 4096  # tokens that a model is taken to read and write together, where it does not say its `room`
MOST = 4 * ROOM  # tokens that are read, whatever the model could
ANSWER = 256  # of these, what is left for the answer
BYTES = 3  # of a token, at least (English takes about four), where there is no tokenizer at hand
Passages = Callable[[str], Sequence[Section]]


class Prompted:
    """A Model that asks `model` with the prompt that suits it; only the last thing that the user said is asked.

    Without `passages` it says what kind of answer is wanted and nothing more. With them (a function of the question) whole
    sentences of these sections go before the question, the first section first, as many as the model has room for beside
    an answer of `max_tokens`. The two differ in nothing else, so that their scores differ by what the passages are worth.
    """

    def __init__(self, model: Model, title: str, passages: Passages | None = None, name: str = "") -> None:
        self.name = name or model.name
        self._model, self._title, self._passages = model, title, passages
        self._room = min(getattr(model, "room", ROOM), MOST)
        if hasattr(model, "complete_many"):
            self.complete_many = self._complete_many
        self.concurrency = getattr(model, "concurrency", 1)

    def complete(self, messages: Sequence[Message], *, max_tokens: int = ANSWER, **options: Any) -> Reply:
        """Implements Model."""
        return self._model.complete(self.prompt(messages, max_tokens), max_tokens=max_tokens, **options)

    def _complete_many(self, batch: Sequence[Sequence[Message]], *, max_tokens: int = ANSWER, **options: Any) -> Any:
        prompts = [self.prompt(messages, max_tokens) for messages in batch]
        return self._model.complete_many(prompts, max_tokens=max_tokens, **options)

    def prompt(self, messages: Sequence[Message], max_tokens: int = ANSWER) -> list[Message]:
        """The one message that the model gets for `messages`."""
        question = next((m["content"] for m in reversed(messages) if m["role"] == "user"), "")
        steps = list(_growing(self._passages(question))) if self._passages else []

        def prompt(sentences: int) -> list[Message]:
            if not sentences:
                return self._message("alone", question)
            kept = {section.id: (section, count) for section, count in steps[:sentences]}
            return self._message("grounded", question, passages="\n\n".join(_passage(*one) for one in kept.values()))

        def is_too_long(sentences: int) -> bool:
            return _tokens(self._model, prompt(sentences)) + max_tokens > self._room

        return prompt(bisect_left(range(1, len(steps) + 1), True, key=is_too_long))

    def _message(self, prompt: str, question: str, **slots: str) -> list[Message]:
        text = _prompt(prompt).substitute(title=self._title, question=question, **slots)
        return [{"role": "user", "content": text}]


@cache
def _prompt(name: str) -> Template:
    return Template(files(__package__).joinpath(f"prompts/{name}.md").read_text(encoding="utf-8").strip())


def _growing(sections: Sequence[Section]) -> Iterator[tuple[Section, int]]:
    """Sentence by sentence, each with its section and how many of that are shown then."""
    return ((section, count) for section in sections for count in range(1, len(section.sentences) + 1))


def _passage(section: Section, count: int) -> str:
    end = section.sentences[count - 1][1]
    return f"[{section.heading}]\n{section.text[:end]}"


def _tokens(model: Any, messages: Sequence[Message]) -> int:
    encode = getattr(model, "encode", None)
    if encode is not None:
        return len(encode(messages))
    return sum(len(message["content"].encode("utf-8", "replace")) for message in messages) // BYTES
