"""The writer of a recipe that asks a model: each item as often as samples are wanted, all in flight together."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from string import Template

from corpus_tuner.errors import CorpusTunerError
from corpus_tuner.generate.ask import template
from corpus_tuner.generate.parse import without_thinking
from corpus_tuner.generate.recipe import Item, Kept, fill, is_blank, items
from corpus_tuner.generate.requests import Requests
from corpus_tuner.records import Example, Message, Model, Progress, Reason, Reject, Reply, Section, silent
from corpus_tuner.settings import RecipeSettings, Settings
from corpus_tuner.text import normalise_answer, words

MARK = "ANSWER:"  # the line that parts a reasoning from what it led to
SLACK = 1.25  # times the words asked for that are let through: models count badly
_MARKED = re.compile(rf"^[*#_ ]*{MARK}[*_ ]*", re.MULTILINE)
PROBLEMS = {
    Reason.EMPTY_REPLY: "it was empty",
    Reason.REFUSAL: "it declined, and the task is a harmless one",
    Reason.UNPARSABLE: f"no line said only {MARK}",
    Reason.CUT: "it was cut off before its end, so write less",
    Reason.TOO_LONG: "it was too long",
    Reason.ANSWER_IS_QUESTION: "it only repeated the task",
}


@dataclass(frozen=True, slots=True)
class Order:
    """One request to come: sample `sample` of an item."""

    item: Item
    sample: int


@dataclass(slots=True)
class Written:
    """What came of an order: the answer with its call, or why there is none."""

    order: Order
    answer: str = ""
    call: str = ""
    form: str = "strict"
    fault: Reason | None = None
    detail: str = ""


def orders(sections: Iterable[Section], recipe: RecipeSettings) -> list[Order]:
    """The requests of a recipe, the samples of an item one behind the other."""
    return [Order(item, sample) for item in items(sections, recipe) for sample in range(recipe.samples)]


def messages(recipe: RecipeSettings, values: Mapping[str, str], fault: Reason | None = None) -> list[Message]:
    """The prompt for an item; after a `fault` with what was wrong. What the items share comes first, for the provider's cache."""
    task = fill(recipe.ask.task, values)
    if fault is not None:
        task += "\n\n" + template("recipe/again").substitute(problem=PROBLEMS[fault])
    return [{"role": "system", "content": _rules(recipe, values)}, {"role": "user", "content": task}]


def _rules(recipe: RecipeSettings, values: Mapping[str, str]) -> str:
    """The prompt file, without the paragraphs whose field is empty."""
    ask = recipe.ask
    fields = {
        "role": fill(ask.role, values),
        "context": fill(ask.context, values),
        "words": str(ask.most_words or ""),
        "avoid": "\n".join(f"- {fill(line, values)}" for line in ask.avoid),
        "final": template("recipe/reasoned").substitute(mark=MARK) if ask.reasoning else template("recipe/plain").substitute(),
        "examples": "\n\n".join(template("recipe/example").substitute(input=one.input, output=one.output) for one in ask.examples),
    }
    lines = template("recipe/rules").template.split("\n\n")
    told = [line for line in lines if all(fields[name] for name in Template(line).get_identifiers())]
    return Template("\n\n".join(told)).substitute(fields)


class RecipeLlmWriter:
    """Writes with `model`: a Writer. Raises as the writer of pairs does."""

    needs_model = True

    def __init__(self, settings: Settings, model: Model) -> None:
        self._settings = settings.generate
        self._recipe = settings.recipe
        self._model = model

    def write(self, sections: Iterable[Section], kind: str, count: int) -> Iterator[Example | Reject]:  # noqa: ARG002
        """The rows of all items, whatever the kind: a recipe has its own."""
        return self.write_all(sections, {})

    def write_all(
        self, sections: Iterable[Section], kinds: Mapping[str, int], progress: Progress = silent  # noqa: ARG002
    ) -> Iterator[Example | Reject]:
        """A row or a Reject for each sample of each item, in their order, whatever that of the replies."""
        work = orders(sections, self._recipe)
        requests = Requests(self._model, self._settings)
        kept = Kept(self._recipe, self._model.name)

        def tell(done: int, why: str) -> None:
            lost = f"{kept.count} rows, {done - kept.count} rejected"
            progress(done, len(work), f"{lost}, {why}" if why else lost)

        for done, written in enumerate(requests.run(work, partial(self._write, requests), tell), start=1):
            yield _row(written, kept)
            tell(done, "")
        if requests.gate.declined and not requests.gate.answered:
            raise CorpusTunerError(str(requests.gate.declined))

    def _write(self, requests: Requests, order: Order) -> Written:
        """In the pool's threads: one order, asked again where the reply cannot be used."""
        written = Written(order)
        if is_blank(order.item, self._recipe):
            return written
        prompt = partial(messages, self._recipe, order.item.values)
        options = {"sample": order.sample, "temperature": self._recipe.temperature}
        written.fault, written.detail = requests.ask(prompt, None, partial(self._take, written), **options)
        return written

    def _take(self, written: Written, reply: Reply, again: bool) -> Reason | None:
        ask, values = self._recipe.ask, written.order.item.values
        written.answer, fault = read(reply, ask.reasoning, ask.most_words)
        if fault is None and normalise_answer(written.answer) in (normalise_answer(fill(ask.task, values)), ""):
            fault = Reason.ANSWER_IS_QUESTION
        written.call, written.form = reply.call, "again" if again else "strict"
        return fault


def read(reply: Reply, reasoning: bool, most_words: int) -> tuple[str, Reason | None]:
    """The text of a reply, and why it cannot be used, if so. A reply that was cut off is never taken for a whole one."""
    if reply.finish_reason in ("refusal", "content_filter"):
        return "", Reason.REFUSAL
    if reply.finish_reason in ("length", "too_long"):
        return "", Reason.CUT
    text = without_thinking(reply.text)
    if reasoning and text:
        *before, text = _MARKED.split(text)
        if not before:
            return "", Reason.UNPARSABLE
    if not text.strip():
        return "", Reason.EMPTY_REPLY
    if most_words and len(words(text)) > SLACK * most_words:
        return "", Reason.TOO_LONG
    return text.strip(), None


def _row(written: Written, kept: Kept) -> Example | Reject:
    if written.fault is None:
        return kept.row(written.order.item, written.answer, written.call, written.form)
    identity = f"{written.order.item.section.id} #{written.order.sample + 1}"
    return Reject("generate", identity, written.fault, written.detail)
