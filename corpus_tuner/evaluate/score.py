"""Asks a model the questions, and scores what it says against the accepted answers."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from corpus_tuner.errors import CorpusTunerError, Declined, Transient, Unavailable
from corpus_tuner.evaluate.abstention import abstained, to_abstain
from corpus_tuner.gate import Gate
from corpus_tuner.records import Answer, Message, Model, Progress, Question, Reply, silent
from corpus_tuner.text import contains_answer, exact_match, token_f1, words

METRICS = ("exact", "f1", "contained")
LONGEST = 4000  # characters of an answer that are kept: a base that babbles fills no disk
BATCH = 256  # questions handed over at once: progress and memory, not speed
ASKS = 3  # of one question, where the service takes it on and fails
DECLINED = "declined"  # the finish reason of what a service will not answer, however often it is asked


def ask(
    questions: Sequence[Question], model: Model, progress: Progress = silent, *, max_tokens: int = 0, name: str = ""
) -> Iterator[Answer]:
    """What `model` says to each question, scored, in their order; `name` (default: its own) is who answered.

    A model with `complete_many` gets batches, one with `concurrency` above 1 that many threads. `max_tokens` 0: as many
    as the longest accepted answer of the question's kind may need (`budget`), so that a base that babbles costs little.

    A question that a service declines (by its policy, say) counts as not answered, with a warning that tells how many.
    Raises Declined where it declines all of them, and Unavailable where it stays down.
    """
    who = name or model.name
    found: dict[int, Reply] = {}
    gate = Gate(_threads(model))
    for kind in dict.fromkeys(one.kind for one in questions):
        places = [place for place, one in enumerate(questions) if one.kind == kind]
        limit = max_tokens or budget(questions[place] for place in places)
        conversations = [[{"role": "user", "content": questions[place].text}] for place in places]
        for place, reply in zip(places, replies(conversations, model, limit, gate)):
            found[place] = reply
            progress(len(found), len(questions), who)
    _tell_of_declined(who, [reply for reply in found.values() if reply.finish_reason == DECLINED], len(questions), gate)
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
    if golds and to_abstain(golds):
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


def _tell_of_declined(who: str, declined: Sequence[Reply], count: int, gate: Gate) -> None:
    if not declined:
        return
    if len(declined) == count and gate.declined:
        raise gate.declined
    said = "%s: %d of %d questions were declined and count as not answered (%s)"
    logging.getLogger(__name__).warning(said, who, len(declined), count, gate.declined)


def replies(conversations: Sequence[Sequence[Message]], model: Any, max_tokens: int, gate: Gate | None = None) -> Iterator[Reply]:
    """The replies of `model`, in order: in batches, or in threads, where it takes them.

    What a service does not take on waits at the gate; what it fails at is asked ASKS times. What it declines is an empty
    reply with the finish reason DECLINED, and is noted at the gate.
    """
    gate = gate or Gate(_threads(model))
    many = getattr(model, "complete_many", None)
    if many is not None:
        for start in range(0, len(conversations), BATCH):
            yield from many(conversations[start : start + BATCH], max_tokens=max_tokens)
        return

    def one(messages: Sequence[Message]) -> Reply:
        return _patiently(gate, lambda: model.complete(messages, max_tokens=max_tokens))

    yield from _in_threads(one, conversations, gate) if gate.most > 1 else map(one, conversations)


def _threads(model: Any) -> int:
    return getattr(model, "concurrency", 1)


def _patiently(gate: Gate, request: Callable[[], Reply], times: int = 1) -> Reply:
    try:
        return gate.through(request)
    except Declined as error:
        gate.declined = error
        return Reply("", DECLINED)
    except Transient as failure:
        gate.failure(failure)
        if times == ASKS:
            raise Unavailable(f"{failure}, {ASKS} times: what is answered is kept, run again to continue") from None
        gate.rest(failure, times)
    return _patiently(gate, request, times + 1)


def _in_threads(one: Callable[[Any], Reply], conversations: Sequence[Any], gate: Gate) -> Iterator[Reply]:
    """In order, a few calls ahead; when the caller stops, or one call raises, no further call begins."""
    pool, ahead = ThreadPoolExecutor(gate.most), deque()
    try:
        for messages in conversations:
            ahead.append(pool.submit(one, messages))
            if len(ahead) >= 4 * gate.most:
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()
    finally:
        if ahead:
            gate.stop(CorpusTunerError("stopped"))  # wakes who waits there
        pool.shutdown(cancel_futures=True)
