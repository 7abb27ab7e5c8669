"""Further pairs for sentences that have some: other wordings of what was asked first, then what else they state."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import chain

from corpus_tuner.generate.ask import Task, batches, sentence_tasks
from corpus_tuner.generate.plan import MOST_KNOWN, TWO
from corpus_tuner.generate.questions import same_question
from corpus_tuner.generate.selection import NEAR
from corpus_tuner.records import Example, Progress, Reason, Reject, Section, Writer, silent
from corpus_tuner.text import jaccard, normalise_answer

ALL_IT_HAS = 1000  # pairs of a kind for a section: more than any has
WORDINGS = 3  # of an answer, from which further ones bring little (Knowledge-Instruct 2025)

Place = tuple[str, int]


def more(
    sections: Sequence[Section],
    writer: Writer,
    wanted: Mapping[str, Collection[int]],
    known: Iterable[Example],
    each: int,
    kinds: Mapping[str, int],
    progress: Progress = silent,
) -> Iterator[Example | Reject]:
    """At most `each` pairs for every sentence that is `wanted` (section id → numbers), none of them among the `known`.

    A writer with `write_more(sections, wanted, known, each, progress)` is asked for these sentences alone; of any other
    that is taken which `kinds` of it hold beyond what was chosen at first. It sees all sections then, as a question that
    is right for one of them may be wrong beside another. Pairs whose first sentence is not wanted are left out.
    """
    pairs = list(known)
    asked = {same_question(one.question) for one in pairs}
    answered: dict[Place, list[Example]] = defaultdict(list)
    for one in pairs:
        for place in one.evidence:
            answered[place].append(one)
    if hasattr(writer, "write_more"):
        written: Iterable[Example | Reject] = writer.write_more(sections, wanted, pairs, each, progress)
    else:
        written = _left(sections, writer, wanted, kinds, answered, progress)
    taken: Counter[Place] = Counter()
    for item in written:
        if isinstance(item, Reject):
            yield item
        elif not item.evidence or item.evidence[0][1] not in wanted.get(item.evidence[0][0], ()):
            continue
        elif (found := _new(item, asked, answered)) is not None:
            yield Reject("improve", item.id, found, item.question)
        elif taken[item.evidence[0]] < each:
            taken[item.evidence[0]] += 1
            asked.add(same_question(item.question))
            answered[item.evidence[0]].append(item)
            yield item


def _new(item: Example, asked: set[str], answered: Mapping[Place, Sequence[Example]]) -> Reason | None:
    """Why a pair is none that is new, or None."""
    if same_question(item.question) in asked:
        return Reason.DUPLICATE
    answer = normalise_answer(item.answer)
    same = (one for one in answered.get(item.evidence[0], ()) if normalise_answer(one.answer) == answer)
    return Reason.REPEATED if any(jaccard(one.question, item.question) >= NEAR for one in same) else None


def _left(
    sections: Sequence[Section],
    writer: Writer,
    wanted: Mapping[str, Collection[int]],
    kinds: Mapping[str, int],
    answered: Mapping[Place, Sequence[Example]],
    progress: Progress,
) -> Iterator[Example]:
    """What a writer that is asked for all it has brings for the wanted sentences: of each answer as many wordings as make
    WORDINGS with those there are, known answers before new ones, and then the rest. (A fact that is asked once can be
    learned by heart alone, and no other wording is left to tell.) What it rejects was rejected when it wrote at first.
    """
    found: dict[tuple[Place, str], list[Example]] = defaultdict(list)
    for done, kind in enumerate(kinds, start=1):
        for item in writer.write(sections, kind, ALL_IT_HAS):
            if isinstance(item, Example) and item.evidence and item.evidence[0][1] in wanted.get(item.evidence[0][0], ()):
                found[item.evidence[0], normalise_answer(item.answer)].append(item)
        progress(done, len(kinds), kind)
    known, new, rest = [], [], []
    for (place, answer), items in found.items():
        told = [one for one in answered.get(place, ()) if normalise_answer(one.answer) == answer]
        fresh = [one for one in items if _new(one, set(), {place: told}) is None]
        missing = max(0, WORDINGS - len(told))
        (known if told else new).extend(fresh[:missing])
        rest += fresh[missing:]
    yield from chain(known, new, rest)


class Further:
    """The plan of one round that asks for further pairs of given sentences: mostly one fact asked in two ways."""

    def __init__(
        self, sections: Iterable[Section], wanted: Mapping[str, Collection[int]], known: Iterable[Example], each: int, most_words: int
    ) -> None:
        """`wanted`: section id → numbers, asked about in this order; `known`: the pairs there are."""
        self.ask = 0
        by_id = {section.id: section for section in sections}
        self._sections = [(by_id[name], numbers) for name, numbers in wanted.items() if name in by_id]
        reverse = int(each > TWO)
        basic = (each - reverse) % TWO
        self._kinds = {kind: count for kind, count in (("reworded", each - reverse - basic), ("basic", basic), ("reverse", reverse)) if count}
        self._most_words = most_words
        self._questions: dict[Place, list[str]] = defaultdict(list)
        for one in known:
            for place in one.evidence:
                self._questions[place].append(one.question)

    def work(self) -> list[Task]:
        """The tasks of the round; none afterwards."""
        self.ask += 1
        return list(self._tasks()) if self.ask == 1 else []

    def _tasks(self) -> Iterator[Task]:
        for section, numbers in self._sections:
            for kind, count in self._kinds.items():
                for part in batches(sorted(numbers), count):
                    known = dict.fromkeys(question for number in part for question in self._questions[section.id, number])
                    yield from sentence_tasks(section, kind, part, count, self._most_words, tuple(known)[:MOST_KNOWN], ask=2)

    def take(self, item: Example | Reject) -> None:
        """One round is all: nothing follows from what it brought."""
