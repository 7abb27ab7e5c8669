"""What the expert does not know well: sections and single facts, by the questions that a loop may look at."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from corpus_tuner.evaluate.statistics import wilson
from corpus_tuner.records import Example, Question

ENOUGH = 20  # validation questions from which they alone judge the sections
THIN = 0.5  # of the median section's pairs a sentence: below, one that no validation question judges counts as weak

Place = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Weak:
    """Trained sentences that need more pairs, the worst sections first, and what says so."""

    sentences: Mapping[str, tuple[int, ...]]  # by section id
    sections: tuple[str, ...]  # weak as a whole: all of their trained sentences are in it
    thin: tuple[str, ...]  # of few pairs, and without a validation question that could tell
    facts: int  # sentences with a question of their own that was answered wrong
    judged_by: str  # which questions judged the sections

    @property
    def count(self) -> int:
        """How many sentences."""
        return sum(len(numbers) for numbers in self.sentences.values())


def find(asked: Sequence[Question], right: Sequence[bool], trained: Iterable[Example]) -> Weak:
    """The weak among the sentences that the pairs `trained` rest on; `right` says which of the questions `asked` (of the
    classes trained and validation) the expert had right.

    A fact is weak if a question of either class that rests on it was answered wrong. A section is weak if its share of
    right answers lies below that of all others beyond the noise (the upper end of Wilson's interval); where there are
    fewer than ENOUGH validation questions, trained ones judge, too.
    """
    pairs = Counter(place for one in trained for place in dict.fromkeys(one.evidence))
    validated = [place for place, one in enumerate(asked) if one.cls == "validation"]
    few = len(validated) < ENOUGH
    shares = _shares(asked, right, range(len(asked)) if few else validated)
    low = _below(shares)
    thin = _thin(pairs, {asked[place].evidence[0][0] for place in validated if asked[place].evidence})
    facts = {place for one, known in zip(asked, right) if not known for place in one.evidence if place in pairs}
    weak = {place for place in pairs if place in facts or place[0] in low or place[0] in thin}
    order = sorted({section for section, _ in weak}, key=lambda name: (_share(shares.get(name)), name))
    return Weak(
        {name: tuple(sorted(number for section, number in weak if section == name)) for name in order},
        tuple(name for name in order if name in low),
        tuple(name for name in order if name in thin),
        len(facts),
        f"{len(validated)} validation questions" + (f" and, as these are few, {len(asked) - len(validated)} trained ones" if few else ""),
    )


def _shares(asked: Sequence[Question], right: Sequence[bool], places: Iterable[int]) -> dict[str, list[bool]]:
    found: dict[str, list[bool]] = defaultdict(list)
    for place in places:
        if asked[place].evidence:
            found[asked[place].evidence[0][0]].append(right[place])
    return found


def _share(known: Sequence[bool] | None) -> float:
    return sum(known) / len(known) if known else 1.0


def _below(shares: Mapping[str, Sequence[bool]]) -> set[str]:
    """The sections whose share of right answers lies below that of the others."""
    total, count = sum(sum(known) for known in shares.values()), sum(len(known) for known in shares.values())
    found = set()
    for section, known in shares.items():
        others = count - len(known)
        if others and wilson(_share(known), len(known)).high < (total - sum(known)) / others:
            found.add(section)
    return found


def _thin(pairs: Mapping[Place, int], judged: set[str]) -> set[str]:
    by_section: dict[str, list[int]] = defaultdict(list)
    for (section, _), count in pairs.items():
        by_section[section].append(count)
    means = {section: sum(counts) / len(counts) for section, counts in by_section.items()}
    usual = median(means.values()) if means else 0.0
    return {section for section, mean in means.items() if mean < THIN * usual and section not in judged}
