"""What a generation will take, and what the ways to the same goal cost, before anything is sent."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from corpus_tuner import recipes
from corpus_tuner.costs import LETTERS, TUNED, Way, tokens, ways
from corpus_tuner.errors import CorpusTunerError
from corpus_tuner.models.prices import MILLION, Paid, Price, known_price, paid
from corpus_tuner.place import Place
from corpus_tuner.records import Section
from corpus_tuner.settings import PLANS, GenerateSettings, Settings
from corpus_tuner.store import read_jsonl

REPLY_TOKENS = {  # of one pair in JSON, measured at tests/data/generate/by_hand.jsonl
    "basic": 34,
    "reworded": 47,
    "reverse": 40,
    "detailed": 82,
    "cross": 80,
    "inference": 51,
    "abstain": 65,  # a near miss and its twin
    "rewrite": 0,  # as long as the section
}
CHECK_TOKENS = {"round_trip": (20, 20), "judge": (30, 18)}  # of one pair in the prompt and in the reply of a check, by hand
AGAIN = 0.1  # more for what is asked a second time; by hand it was 0 to 0.1
SECONDS, TOKENS_A_SECOND = 0.7, 60.0  # of one reply: until its first token, and then; servers differ widely
EPOCHS = 3


@dataclass(frozen=True, slots=True)
class Estimate:
    """Requests, tokens, cost and time of generating, whatever is recorded already; `paid` says what that is."""

    model: str
    plan: str
    sections: int
    requests: int
    prompt_tokens: int
    completion_tokens: int
    pairs: int
    seconds: float
    cost: float
    currency: str
    dated: str
    paid: Paid
    ways: tuple[Way, ...]


def estimate(place: Place) -> Estimate:
    """The estimate for the sections of a corpus and its settings. Nothing is sent.

    Raises CorpusTunerError for a writer that asks no model, and for a model without a price.
    """
    wanted, recipe = place.settings.generate, place.settings.recipe.sort
    if wanted.writer != "llm":
        who = "this recipe" if recipe else f"the writer {wanted.writer!r}"
        raise CorpusTunerError(f"{who} asks no model and costs nothing: estimate with --writer llm --model NAME")
    if not wanted.model:
        raise CorpusTunerError("an estimate needs the model: --model NAME")
    price = known_price(wanted.model, place.prices)
    sections = list(read_jsonl(place.sections, Section))[: wanted.limit or None]
    work = _rows(sections, place.settings) if recipe else _pairs(sections, wanted)
    again = 1 + AGAIN
    requests, prompt, completion = (math.ceil(n * again) for n in (len(work.replies), sum(work.prompts), sum(work.replies)))
    rounds = math.ceil(requests / wanted.concurrency)
    seconds = rounds * (SECONDS + sum(work.replies) / (len(work.replies) or 1) / TOKENS_A_SECOND)
    cost = price.of({"prompt_tokens": prompt, "completion_tokens": completion})
    return Estimate(
        wanted.model, recipe or wanted.plan_of(), len(sections), requests, prompt, completion, work.pairs,
        round(seconds, 1), cost, price.currency, price.dated,
        paid(place.folder / "calls.jsonl", wanted.base_url, wanted.model, price),
        () if recipe else _ways(sections, cost, completion, price),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Work:
    """Tokens of each request's prompt and reply, and how many pairs they shall bring."""

    prompts: list[int]
    replies: list[int]
    pairs: int


def _pairs(sections: Sequence[Section], wanted: GenerateSettings) -> _Work:
    """The questions about a text, and the checks that ask the model again."""
    from corpus_tuner.generate.ask import messages
    from corpus_tuner.generate.checks import CHECKS, UNCHECKED, Check
    from corpus_tuner.generate.plan import Plan

    work = Plan(wanted.plan_of(), list(sections), wanted.counts, wanted.max_section_words).work()
    prompts = [tokens("".join(one["content"] for one in messages(task))) for task in work]
    replies = [task.count * (REPLY_TOKENS.get(task.kind) or tokens(task.lines)) for task in work]
    for name in CHECKS:
        checked = [task for task in work if getattr(wanted, name) and task.kind not in UNCHECKED]
        asked, told = CHECK_TOKENS[name]
        prompts += [tokens("".join(one["content"] for one in Check(name, task, ()).messages())) + asked * task.count for task in checked]
        replies += [told * task.count for task in checked]
    return _Work(prompts, replies, sum(task.count for task in work))


def _rows(sections: Sequence[Section], settings: Settings) -> _Work:
    """The rows of a recipe, one request each."""
    work = recipes.work(sections, settings)
    return _Work([tokens(prompt) for prompt, _ in work], [math.ceil(letters / LETTERS) for _, letters in work], len(work))


def _ways(sections: Sequence[Section], generating: float, rows: int, price: Price) -> tuple[Way, ...]:
    """What the ways to answers cost, at the price of the writing model, trained on about `rows` tokens."""
    name = TUNED if price.training else f"{TUNED} (trained at no cost: the price table names none)"
    once = generating + rows * EPOCHS * price.training / MILLION
    return ways(name, once, sum(tokens(section.text) for section in sections), price, {})


def lines(found: Estimate) -> list[str]:
    """The estimate as text, one line a fact."""
    money = f"{found.cost:.4f} {found.currency}"
    shown = [
        f"{found.requests:,} requests to {found.model} for {_what(found)}",
        f"{found.prompt_tokens:,} tokens in, {found.completion_tokens:,} out (four letters a token; reasoning comes on top)",
        f"{money} at the prices of {found.dated}, without what a provider's cache saves",
        f"about {found.seconds:,.0f} s",
    ]
    if found.paid.calls:
        shown.append(f"paid so far: {found.paid.calls:,} calls, {found.paid.cost:.4f} {found.currency}; what is recorded is not asked again")
    for way in found.ways:
        after = "" if way.name.startswith(TUNED) else f"; dearer than tuning {_from(way.breakeven)}"
        shown.append(f"{way.name}: {way.once:.4f} once, {way.question * 1000:.4f} for 1,000 questions{after}")
    return shown


def _what(found: Estimate) -> str:
    if found.plan in PLANS:
        return f"{found.sections:,} sections, plan {found.plan}: up to {found.pairs:,} pairs"
    return f"a recipe of {found.plan}: up to {found.pairs:,} rows"


def _from(breakeven: int | None) -> str:
    return "never" if breakeven is None else f"from {breakeven:,} questions on"
