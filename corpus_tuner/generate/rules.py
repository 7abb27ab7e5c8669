"""The `rules` writer: question/answer pairs from the sentences themselves, without any model.

English sentences are tagged (a lexicon and Brill's rules, by way of textblob), cut into certain clauses and asked about
directly; where the grammar is not certain, and in other languages, a question asks for what completes the sentence.
Answers are spans (basic) or whole sentences (detailed) of the section, so they are grounded by construction.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from corpus_tuner.errors import CorpusTunerError
from corpus_tuner.generate import rules_headings, rules_languages
from corpus_tuner.generate.rules_english.facts import facts as english_facts
from corpus_tuner.generate.rules_english.facts import topics
from corpus_tuner.generate.rules_english.lines import lines
from corpus_tuner.generate.rules_english.sorts import people
from corpus_tuner.generate.rules_facts import Fact
from corpus_tuner.records import Example, Model, Reason, Reject, Section
from corpus_tuner.settings import Settings
from corpus_tuner.store import digest
from corpus_tuner.text import jaccard, normalise_answer, words

KINDS = ("basic", "detailed")


@dataclass(frozen=True, slots=True)
class _Pair:
    section: Section
    question: str
    answer: str
    numbers: tuple[int, ...]
    fact: tuple[int, str]  # sentence number and normalised answer


class RulesWriter:
    """Writes `basic` pairs (the answer is a span of one sentence, at most eight words) and `detailed` ones (one to four
    whole sentences). `reworded` is the share of a section's basic pairs kept for second wordings of its facts: with
    0 every pair asks for another answer, as far as there are any."""

    needs_model = False

    def __init__(self, settings: Settings, model: Model | None = None) -> None:  # noqa: ARG002
        self.settings = settings
        self.reworded = settings.generate.reworded

    def write(self, sections: Iterable[Section], kind: str, count: int) -> Iterator[Example | Reject]:
        """At most `count` pairs of `kind` for each section, the best first, sections in order.

        Questions that would have two answers in this corpus are rejected, all of them, as are repeated pairs.
        Raises CorpusTunerError for a kind that rules cannot write.
        """
        if kind not in KINDS:
            raise CorpusTunerError(
                f"the rules writer cannot write {kind!r} pairs: choose from {', '.join(KINDS)}, or set writer = \"llm\""
            )
        return self._write(list(sections), kind, count)

    def _write(self, sections: Sequence[Section], kind: str, count: int) -> Iterator[Example | Reject]:
        offered = list(_basic(sections, count) if kind == "basic" else _detailed(sections, count))
        lost = _contradictory(pair for pairs in offered for pair in pairs)
        seen: set[str] = set()
        for section, pairs in zip(sections, offered):
            usable = []
            for pair in pairs:
                key = _key(pair.question)
                if key in lost or key in seen:
                    detail = f"{pair.question!r} has two answers" if key in lost else f"{pair.question!r} was asked already"
                    yield Reject("generate", _id(kind, pair), Reason.DUPLICATE, detail)
                else:
                    seen.add(key)
                    usable.append(pair)
            chosen = _choose(usable, count, self.reworded) if kind == "basic" else usable[:count]
            for pair in chosen:
                evidence = tuple((section.id, number) for number in pair.numbers)
                yield Example(_id(kind, pair), kind, pair.question, pair.answer, evidence, section.id, "rules")


def _id(kind: str, pair: _Pair) -> str:
    return digest(kind, pair.section.id, pair.question, pair.answer)


def _key(question: str) -> str:
    return " ".join(words(question))


def _contradictory(pairs: Iterable[_Pair]) -> set[str]:
    """Questions with more than one answer."""
    answers: dict[str, set[str]] = defaultdict(set)
    for pair in pairs:
        answers[_key(pair.question)].add(normalise_answer(pair.answer))
    return {key for key, found in answers.items() if len(found) > 1}


def _basic(sections: Sequence[Section], count: int) -> Iterator[list[_Pair]]:
    found_in = [lines(section) if rules_languages.is_english(section) else [] for section in sections]
    persons = people(line.tokens for found in found_in for line in found)
    for section, found in zip(sections, found_in):
        if rules_languages.is_english(section):
            facts: Iterable[Fact] = english_facts(section, found, persons, most=4 * count)
        else:
            facts = sorted(rules_languages.facts(section), key=lambda fact: (-fact.value, fact.numbers))
        yield [
            _Pair(section, question, fact.answer, fact.numbers, (fact.numbers[0], normalise_answer(fact.answer)))
            for fact in facts
            for question in fact.wordings
        ]


def _detailed(sections: Sequence[Section], count: int) -> Iterator[list[_Pair]]:
    for section in sections:
        names = topics(section) if rules_languages.is_english(section) else []
        yield [
            _Pair(section, question, answer, numbers, (numbers[0], normalise_answer(answer)))
            for question, answer, numbers in rules_headings.pairs(section, names, count + count // 4)
        ]


def _choose(pairs: Sequence[_Pair], count: int, reworded: float) -> list[_Pair]:
    """First wordings of different answers, each sentence's best before its others; then second and third wordings of
    the same facts; then what answers there are twice."""
    facts: dict[tuple[int, str], list[_Pair]] = defaultdict(list)
    for pair in pairs:
        if all(jaccard(pair.question, other.question) < 0.7 for other in facts[pair.fact]):
            facts[pair.fact].append(pair)
    answers: set[str] = set()
    fresh, again = [], []
    for fact, wordings in facts.items():
        (again if fact[1] in answers else fresh).append(wordings)
        answers.add(fact[1])
    fresh = _in_turns(fresh)
    head = fresh[: count - int(count * reworded)]
    seconds = [wordings[1] for wordings in head if len(wordings) > 1] if reworded else []
    chosen = [wordings[0] for wordings in head] + seconds[: count - len(head)]
    spare = [wordings[0] for wordings in [*fresh[len(head) :], *again]]
    spare += [wordings[rank] for rank in (1, 2) for wordings in head if len(wordings) > rank]
    return list(dict.fromkeys([*chosen, *spare]))[:count]


def _in_turns(facts: Sequence[list[_Pair]]) -> list[list[_Pair]]:
    """The best fact of every sentence, then all others, each part in its order."""
    seen: set[int] = set()
    best, others = [], []
    for wordings in facts:
        number = wordings[0].fact[0]
        (others if number in seen else best).append(wordings)
        seen.add(number)
    return best + others
