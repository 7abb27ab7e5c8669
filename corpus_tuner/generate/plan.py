"""What is asked, in rounds: `classic` so many pairs a section; `facts` so many a sentence, until each has its three."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence

from corpus_tuner.generate.ask import Task, kind_prompt, sentence_tasks, tasks
from corpus_tuner.generate.cross import cross_tasks
from corpus_tuner.records import Example, Reason, Reject, Section

NEEDED = 3  # surviving pairs of a sentence, one of them reverse (paraphrases of a fact level off at about 3: Knowledge-Instruct 2025)
ASKS = 3  # rounds of a plan by sentences, the first included
SENTENCE_KINDS = ("basic", "reworded", "reverse")  # of which the facts plan asks for each sentence
TWO = 2  # pairs of the kind reworded that come together: one fact, asked in two ways
NO_PAIRS = ("rewrite", "abstain")  # kinds that cover no sentence
MOST_REFUSED = 10  # rejected ones that it shows, with their reasons
MOST_KNOWN = 40  # questions that a repeated ask shows


class Plan:
    """The work of each round, given what the rounds before brought."""

    def __init__(self, name: str, sections: Sequence[Section], kinds: Mapping[str, int], most_words: int) -> None:
        """`kinds`: pairs for a section; in a plan "facts", those of SENTENCE_KINDS for each of its sentences. An odd one of
        the kind reworded gets its second.

        Raises CorpusTunerError for a kind that has no prompt.
        """
        for kind in kinds:
            kind_prompt(kind)
        self._facts = name == "facts"
        self._sections = [section for section in sections if section.sentences]
        self.empty = [section for section in sections if not section.sentences]
        self.kinds = {kind: count + count % TWO if kind == "reworded" else count for kind, count in kinds.items()}
        self._most_words = most_words
        self.ask = 0  # the round under way
        self._have: dict[tuple[str, int], Counter[str]] = defaultdict(Counter)
        self._questions: dict[tuple[str, int], list[str]] = defaultdict(list)
        self._refused: dict[str, list[str]] = defaultdict(list)  # of a section, with the reason
        self._given_up: set[tuple[str, int]] = set()

    def work(self) -> list[Task]:
        """The tasks of the next round; none when all is done, or asked often enough."""
        self.ask += 1
        if self.ask == 1:
            return list(self._first())
        return list(self._further()) if self._facts and self.ask <= ASKS else []

    def take(self, item: Example | Reject) -> None:
        """Notes what a round brought."""
        if isinstance(item, Reject):
            if item.reason == Reason.GIVEN_UP:
                section, _, number = item.item_id.rpartition(":")
                self._given_up.add((section, int(number)))
            elif item.detail and " #" in item.item_id:
                section = item.item_id.split(" ", 1)[0]
                self._refused[section].append(f"{item.detail.partition(' | ')[0]} ({item.reason})")
        elif item.kind not in NO_PAIRS:
            for place in item.evidence:
                self._have[place][item.kind] += 1
                self._questions[place].append(item.question)

    def _first(self) -> Iterator[Task]:
        couples = list(cross_tasks(self._sections, self.kinds.get("cross", 0), self._most_words))
        for section in self._sections:
            for kind, count in self.kinds.items():
                if self._facts and kind in SENTENCE_KINDS:
                    numbers = range(1, len(section.sentences) + 1)
                    yield from sentence_tasks(section, kind, numbers, count, self._most_words)
                elif kind != "cross":
                    yield from tasks(section, kind, count, self._most_words)
        yield from couples

    def _further(self) -> Iterator[Task]:
        for section in self._sections:
            missing: dict[str, list[int]] = {kind: [] for kind in SENTENCE_KINDS}
            for number in range(1, len(section.sentences) + 1):
                for kind in self._missing((section.id, number)):
                    missing[kind].append(number)
            for kind, numbers in missing.items():
                known = [question for number in numbers for question in self._questions[section.id, number]]
                known += self._refused[section.id][-MOST_REFUSED:]
                each = TWO if kind == "reworded" else 1
                yield from sentence_tasks(
                    section, kind, numbers, each, self._most_words, tuple(dict.fromkeys(known))[:MOST_KNOWN], self.ask
                )

    def _missing(self, place: tuple[str, int]) -> list[str]:
        """The kinds that a sentence still needs, one pair or TWO of each; none if it is covered or given up."""
        have = self._have[place]
        if place in self._given_up:
            return []
        kinds = ["reverse"] if not have["reverse"] else []
        needs = NEEDED - have.total() - len(kinds)
        return kinds + (["reworded"] if needs >= TWO else ["basic"] if needs > 0 else [])


def is_covered(kinds: Counter[str]) -> bool:
    """Whether the pairs of a sentence, by kind, are what the facts plan wants: NEEDED, one of them reverse."""
    return sum(count for kind, count in kinds.items() if kind not in NO_PAIRS) >= NEEDED and bool(kinds["reverse"])
