"""Asks a model the questions, and scores what it says against the accepted answers."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from corpus_tuner.evaluate.abstention import abstained
from corpus_tuner.records import Answer, Message, Model, Progress, Question, Reply, silent
from corpus_tuner.text import contains_answer, exact_match, token_f1, words

METRICS = ("exact", "f1", "contained")
LONGEST = 4000  # characters of an answer that are kept: a base that babbles fills no disk
BATCH = 256  # questions handed over at once: progress and memory, not speed


def ask(
    questions: Sequence[Question], model: Model, progress: Progress = silent, *, max_tokens: int = 0, name: str = ""
) -> Iterator[Answer]:
    """What `model` says to each question, scored, in their order; `name` (default: its own) is who answered.

    A model with `complete_many` gets batches, one with `concurrency` above 1 that many threads. `max_tokens` 0: as many
    as the longest accepted answer of the question's kind may need (`budget`), so that a base that babbles costs little.
    """
    who = name or model.name
    found: dict[int, Reply] = {}
    for kind in dict.fromkeys(one.kind for one in questions):
        places = [place for place, one in enumerate(questions) if one.kind == kind]
        limit = max_tokens or budget(questions[place] for place in places)
        conversations = [[{"role": "user", "content": questions[place].text}] for place in places]
        for place, reply in zip(places, replies(conversations, model, limit)):
            found[place] = reply
            progress(len(found), len(questions), who)
    for place, question in enumerate(questions):
        text = found[place].text.strip()[:LONGEST]
        yield Answer(question.id, who, text, scores(text, question.answers, question.text))


def budget(questions: Iterable[Question]) -> int:
    """Tokens that suffice for any of the accepted answers, at most 512: one for two bytes of the longest (English takes
    about four bytes a token, Chinese two), and room for a few words around it."""
    longest = max((len(answer.encode("utf-8", "replace")) for question in questions for answer in question.answers), default=0)
    return min(512, 48 + longest // 2)


def scores(text: str, accepted: Iterable[str], asked: str = "") -> dict[str, float]:
    """The best of each metric over the accepted answers, 0 to 1, as SQuAD's scorer does.

    exact: equal after normalisation; f1: overlap of words; contained: the accepted answer stands in the text, and not only
    because that repeats the question `asked` ("Was it A or B?"). Where the accepted answer is to abstain, whoever abstains
    is right, in whatever words, and nobody else.
    """
    golds = list(accepted)
    if golds and all(abstained(gold) for gold in golds):
        return dict.fromkeys(METRICS, float(abstained(text)))
    exact = max((float(exact_match(text, gold)) for gold in golds), default=0.0)
    return {
        "exact": exact,
        "f1": round(max((token_f1(text, gold) for gold in golds), default=0.0), 6),
        "contained": max([exact, *(float(contains_answer(_without(asked, text), gold)) for gold in golds)]),
    }


def _without(asked: str, text: str) -> str:
    """A text without the question that it repeats; where it does not, as it is."""
    copied, spelled = words(asked), words(text)
    for at in range(len(spelled) - len(copied) + 1 if copied else 0):
        if spelled[at : at + len(copied)] == copied:
            return " ".join([*spelled[:at], *spelled[at + len(copied) :]])
    return text


def replies(conversations: Sequence[Sequence[Message]], model: Any, max_tokens: int) -> Iterator[Reply]:
    """The replies of `model`, in order: in batches, or in threads, where it takes them."""
    many = getattr(model, "complete_many", None)
    if many is not None:
        for start in range(0, len(conversations), BATCH):
            yield from many(conversations[start : start + BATCH], max_tokens=max_tokens)
        return

    def one(messages: Sequence[Message]) -> Reply:
        return model.complete(messages, max_tokens=max_tokens)

    threads = getattr(model, "concurrency", 1)
    yield from _in_threads(one, conversations, threads) if threads > 1 else map(one, conversations)


def _in_threads(one: Callable[[Any], Reply], conversations: Sequence[Any], threads: int) -> Iterator[Reply]:
    """In order, a few calls ahead; when the caller stops, or one call raises, no further call begins."""
    pool, ahead = ThreadPoolExecutor(threads), deque()
    try:
        for messages in conversations:
            ahead.append(pool.submit(one, messages))
            if len(ahead) >= 4 * threads:
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
