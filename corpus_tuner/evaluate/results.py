"""What an evaluation found: scores by arm, class, kind and section, and the expert against each other arm."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from corpus_tuner.evaluate.pairs import NO_DIFFERENCE, Pair, compare
from corpus_tuner.evaluate.questions import ALL, UNKNOWN, cluster
from corpus_tuner.evaluate.score import METRICS
from corpus_tuner.evaluate.statistics import Estimate, bootstrap, proportion
from corpus_tuner.records import Answer, Question, Section

BASE, EXPERT = "base", "expert"
SEEN = ("trained", "validation")  # what training, or who steers it, has looked at
OUTSIDE = ("near", "far", "known", "unanswerable")  # what the corpus does not answer
CLASSES = ("trained", "validation", "paraphrase", "unseen")  # in this order; a file's own follow by name


@dataclass(frozen=True, slots=True)
class Cell:
    """The scores of one arm on one class and one kind of questions; `ALL` stands for every class or kind."""

    arm: str
    cls: str
    kind: str
    n: int
    clusters: int  # sections that the questions rest on: what the intervals resample
    exact: Estimate
    f1: Estimate
    contained: Estimate


@dataclass(frozen=True, slots=True)
class SectionScore:
    """The mean scores of one arm on the questions of one section."""

    section_id: str
    heading: str
    arm: str
    cls: str
    n: int
    exact: float
    f1: float
    contained: float


@dataclass(frozen=True, slots=True)
class Difference:
    """The mean score of `arm`, the expert alone or with something beside it, less that of another arm, over the same questions."""

    arm: str
    against: str
    cls: str
    kind: str
    metric: str
    n: int
    clusters: int
    difference: Estimate

    @property
    def verdict(self) -> str:
        """"ahead" or "behind" where the interval excludes 0, else "no difference shown"."""
        if self.difference.low > 0:
            return "ahead"
        return "behind" if self.difference.high < 0 else NO_DIFFERENCE

    @property
    def detectable(self) -> float:
        """The smallest true difference that would have been shown (Estimate.detectable)."""
        return self.difference.detectable


@dataclass(frozen=True, slots=True)
class Results:
    """All figures of one evaluation, and what they were computed from."""

    arms: tuple[str, ...]
    classes: tuple[str, ...]  # without ALL
    kinds: tuple[str, ...]  # without ALL
    questions: tuple[Question, ...]
    answers: Mapping[str, tuple[Answer, ...]]  # by arm, in the order of the questions
    cells: tuple[Cell, ...]
    sections: tuple[SectionScore, ...]
    differences: tuple[Difference, ...]
    pairs: tuple[Pair, ...] = ()  # of arms, by McNemar's test, for each class and all

    def cell(self, arm: str, cls: str = ALL, kind: str = ALL) -> Cell | None:
        """The scores of `arm` on a class and a kind; None where no question was asked."""
        return next((one for one in self.cells if (one.arm, one.cls, one.kind) == (arm, cls, kind)), None)

    @property
    def base_knows_some(self) -> bool:
        """Whether the base had some held-out questions right: only then do the others make a class of their own."""
        cells = {one.cls: one.n for one in self.cells if one.arm == self.arms[0] and one.kind == ALL}
        return UNKNOWN in cells and cells[UNKNOWN] < sum(n for cls, n in cells.items() if is_held_out(cls))

    def against(self, other: str, cls: str, metric: str, kind: str = ALL, arm: str = EXPERT) -> Difference | None:
        """`arm`, the expert if it is not named, against `other`."""
        wanted = (arm, other, cls, kind, metric)
        return next((one for one in self.differences if (one.arm, one.against, one.cls, one.kind, one.metric) == wanted), None)


def aggregate(
    questions: Sequence[Question],
    answers: Mapping[str, Sequence[Answer]],
    sections: Iterable[Section],
    again: Iterable[Sequence[Answer]] = (),
) -> Results:
    """Scores of every arm (`answers`: by arm, one for each question in order) by class, kind and section.

    Exact and contained get Wilson's interval at the effective sample size, F1 and differences one by bootstrap; both
    take the questions of a section as a cluster (statistics.py). `again` holds what the base said when it was asked the
    same questions again: the cells of `UNKNOWN` are over the held-out questions that it never had right. Raises ValueError
    for answers that are not those of `questions`.
    """
    for arm, given in answers.items():
        if [answer.question_id for answer in given] != [question.id for question in questions]:
            raise ValueError(f"the answers of {arm} are not those of the questions")
    classes = sorted({one.cls for one in questions}, key=lambda name: (CLASSES.index(name) if name in CLASSES else 9, name))
    kinds = list(dict.fromkeys(one.kind for one in questions))
    cells, differences = [], []
    unknown = _unknown(questions, [*([answers[BASE]] if BASE in answers else []), *again])
    paired: dict[str, dict[str, list[Mapping[str, float]]]] = {}
    groups = [*_groups(questions, classes, kinds), *([(UNKNOWN, ALL, unknown)] if unknown else [])]
    for cls, kind, places in groups:
        group = {arm: [given[place] for place in places] for arm, given in answers.items()}
        found = _compare(group, cls, kind, [cluster(questions[place]) for place in places])
        cells += found[0]
        differences += found[1]
        if kind == ALL:
            paired[cls] = {arm: [one.scores for one in given] for arm, given in group.items()}
    return Results(
        arms=tuple(answers),
        classes=tuple(classes),
        kinds=tuple(kinds),
        questions=tuple(questions),
        answers={arm: tuple(given) for arm, given in answers.items()},
        cells=tuple(cells),
        sections=tuple(_by_section(questions, answers, sections)),
        differences=tuple(differences),
        pairs=tuple(compare(paired, {cls: [cluster(questions[i]) for i in places] for cls, kind, places in groups if kind == ALL})),
    )


def _unknown(questions: Sequence[Question], said: Sequence[Sequence[Answer]]) -> list[int]:
    """Places of the held-out questions of the corpus that the base has wrong every time; none where no base was asked."""
    if not said:
        return []
    wrong = (all(is_wrong(given[place]) for given in said) for place in range(len(questions)))
    return [place for place, never in enumerate(wrong) if never and is_held_out(questions[place].cls)]


def is_held_out(cls: str) -> bool:
    """Whether the questions of a class show what was learned: of the corpus, and neither trained on nor looked at meanwhile."""
    return cls not in (*SEEN, *OUTSIDE, ALL, UNKNOWN)


def is_wrong(answer: Answer) -> bool:
    """Whether an answer neither is nor contains an accepted one."""
    return answer.scores["contained"] < 1


def _groups(questions: Sequence[Question], classes: list[str], kinds: list[str]) -> Iterator[tuple[str, str, list[int]]]:
    """(class, kind, places of its questions), with ALL; a kind or class alone is not repeated under its own name."""
    for cls in [*classes, ALL]:
        for kind in [ALL, *(kinds if len(kinds) > 1 else [])]:
            places = [i for i, one in enumerate(questions) if cls in (one.cls, ALL) and kind in (one.kind, ALL)]
            if places:
                yield cls, kind, places


def _compare(
    group: Mapping[str, Sequence[Answer]], cls: str, kind: str, clusters: list[str]
) -> tuple[list[Cell], list[Difference]]:
    """The cells of all arms on the same questions, and the differences to the expert's arms, from one bootstrap."""
    import numpy as np

    values = {(arm, metric): np.array([one.scores[metric] for one in given]) for arm, given in group.items() for metric in METRICS}
    rivals = [(arm, other, metric) for arm, other in _rivals(group) for metric in METRICS]
    columns = [values[arm, "f1"] for arm in group] + [values[arm, metric] - values[other, metric] for arm, other, metric in rivals]
    estimates = bootstrap(np.column_stack(columns), clusters)
    n, count = len(clusters), len(set(clusters))
    cells = [
        Cell(
            arm=arm,
            cls=cls,
            kind=kind,
            n=n,
            clusters=count,
            exact=proportion(values[arm, "exact"].tolist(), clusters),
            f1=_share(f1),
            contained=proportion(values[arm, "contained"].tolist(), clusters),
        )
        for arm, f1 in zip(group, estimates)
    ]
    found = zip(rivals, estimates[len(group) :])
    return cells, [Difference(arm, other, cls, kind, metric, n, count, one) for (arm, other, metric), one in found]


def _rivals(arms: Iterable[str]) -> list[tuple[str, str]]:
    """The expert against every other arm, then the expert with something beside it against every arm but the expert
    (which stands there already, the other way round)."""
    names = list(arms)
    tuned = [arm for arm in names if arm == EXPERT or arm.startswith(f"{EXPERT}+")]
    return [(arm, other) for arm in tuned for other in names if other != arm and (arm == EXPERT or other not in tuned)]


def _share(estimate: Estimate) -> Estimate:
    return Estimate(estimate.value, max(0.0, estimate.low), min(1.0, estimate.high))


def _by_section(
    questions: Sequence[Question], answers: Mapping[str, Sequence[Answer]], sections: Iterable[Section]
) -> Iterator[SectionScore]:
    """In the order of the sections; a question counts for the section of its first evidence."""
    places: dict[str, list[int]] = defaultdict(list)
    for place, question in enumerate(questions):
        if question.evidence:
            places[question.evidence[0][0]].append(place)
    for section in sections:
        held = places.get(section.id, [])
        for cls in [*dict.fromkeys(questions[place].cls for place in held), *([ALL] if held else [])]:
            chosen = [place for place in held if cls in (questions[place].cls, ALL)]
            for arm, given in answers.items():
                means = [sum(given[place].scores[metric] for place in chosen) / len(chosen) for metric in METRICS]
                yield SectionScore(section.id, section.heading, arm, cls, len(chosen), *(round(mean, 6) for mean in means))
