"""What follows from the figures: train, retrieve, or both, for each class of held-out questions; and what that costs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from corpus_tuner.evaluate.results import EXPERT, Difference, Estimate, Results, is_held_out
from corpus_tuner.evaluate.wording import CLASSES, METRICS, SENTENCES, measure, name, percent, points, span

RETRIEVE = ("nearest", "retrieval", "reader", "embedding", "base+retrieval", "base+embedding")
BOTH = ("expert+retrieval", "expert+embedding", "expert+reader")
ENOUGH = 100  # questions: below, a difference of 20 points often stays hidden


@dataclass(frozen=True, slots=True)
class Advice:
    """A way and the sentence that gives its reasons. `way`: train, retrieve, both, or open where no difference decides."""

    cls: str
    way: str
    sentence: str


def advice(results: Results) -> list[Advice]:
    """One for each class that was held out; from the paired differences alone (95 % intervals, clustered by section)."""
    held_out = [cls for cls in results.classes if is_held_out(cls)]
    if EXPERT not in results.arms:
        return [Advice("", "open", "No expert was asked, so nothing can be said about one.")]
    if not held_out:
        return [Advice("", "open", "Only trained questions were asked: these figures show what it recalls, not what it understood.")]
    return [_advice(_Class(results, cls)) for cls in held_out]


@dataclass(frozen=True, slots=True)
class _Class:
    """The paired differences of one class."""

    results: Results
    cls: str

    def __str__(self) -> str:
        return name(self.cls).lower() if self.cls in CLASSES else self.cls

    @property
    def n(self) -> int:
        return self.results.cell(EXPERT, self.cls).n

    def asked(self, arms: Sequence[str]) -> list[str]:
        """Those of `arms` that were asked, the best first."""
        return sorted((arm for arm in arms if arm in self.results.arms), key=lambda arm: -self.share(arm, self.metric(arm, arm)))

    def metric(self, arm: str, other: str) -> str:
        return "contained" if {arm, other} & set(SENTENCES) else measure(self.results, self.cls)

    def share(self, arm: str, metric: str) -> float:
        return getattr(self.results.cell(arm, self.cls), metric).value

    def gap(self, arm: str, other: str) -> Difference:
        """`arm` less `other`."""
        metric = self.metric(arm, other)
        found = self.results.against(other, self.cls, metric, arm=arm)
        return found or _turned(self.results.against(arm, self.cls, metric, arm=other))

    def ahead(self, arm: str, other: str) -> bool:
        return self.gap(arm, other).verdict == "ahead"

    def lead(self, arm: str, other: str) -> str:
        """`by 22 points [5, 39] (exact match, 83 % against 61 %)`"""
        gap, metric = self.gap(arm, other).difference, self.metric(arm, other)
        shares = f"{percent(self.share(arm, metric))} against {percent(self.share(other, metric))}"
        return f"by {points(gap.value)} {span(gap.low, gap.high)} ({_called(metric)}, {shares})"

    def leads(self, arm: str, others: Sequence[str]) -> str:
        """Over the first two with the figures, over the rest by name."""
        named = [f"of {_the(other)} {self.lead(arm, other)}" for other in others[:2]]
        return " and ".join([*named, *([f"of {', '.join(others[2:])}"] if others[2:] else [])])


def _turned(found: Difference) -> Difference:
    gap = found.difference
    turned = Estimate(-gap.value, -gap.high, -gap.low)
    return Difference(found.against, found.arm, found.cls, found.kind, found.metric, found.n, found.clusters, turned)


def _advice(one: _Class) -> Advice:
    looked_up, both = one.asked(RETRIEVE), one.asked(BOTH)
    if not looked_up:
        return Advice(one.cls, "open", f"Open. On {one}: neither nearest nor retrieval was asked, so looking up may do better.")
    for arm in both:
        if all(one.ahead(arm, other) for other in (EXPERT, *looked_up)):
            return Advice(one.cls, "both", f"Train and retrieve. On {one} {arm} is ahead {one.leads(arm, [EXPERT, *looked_up])}.")
    if all(one.ahead(EXPERT, other) for other in looked_up):
        return Advice(one.cls, "train", f"Train. On {one} the expert is ahead {one.leads(EXPERT, looked_up)}.{_together(one, EXPERT, both)}")
    better = [arm for arm in looked_up if one.ahead(arm, EXPERT)]
    if better:
        lost = f"Retrieve. On {one} {better[0]} is ahead of the expert {one.lead(better[0], EXPERT)}."
        return Advice(one.cls, "retrieve", lost + _together(one, better[0], both))
    return Advice(one.cls, "open", _open(one, looked_up, both))


def _together(one: _Class, arm: str, both: list[str]) -> str:
    """What having both adds to `arm` alone."""
    if not both:
        return ""
    gap = one.gap(both[0], arm)
    if gap.verdict == "ahead":
        return f" {both[0]} is ahead of it {one.lead(both[0], arm)}, but not of everything else."
    said = "shows no gain over it" if gap.verdict != "behind" else "does worse"
    return f" {both[0]} {said}: {points(gap.difference.value, sign=True)} {span(gap.difference.low, gap.difference.high)}."


def _open(one: _Class, looked_up: list[str], both: list[str]) -> str:
    level = next(arm for arm in looked_up if not one.ahead(EXPERT, arm))
    ahead = [arm for arm in looked_up if one.ahead(EXPERT, arm)]
    gap = one.gap(EXPERT, level)
    also = f" It is ahead {one.leads(EXPERT, ahead)}." if ahead else ""
    found = f"{points(gap.difference.value, sign=True)} {span(gap.difference.low, gap.difference.high)}, {_called(gap.metric)}"
    if one.n < ENOUGH:
        few = f"{one.n} question{' is' if one.n == 1 else 's are'} too few to tell the expert from {level} ({found}): hold out more of them."
        return f"Open. On {one} {few}{also}{_together(one, level, both)}"
    least = f"such a sample would have shown {points(gap.detectable)}"
    return f"Open. On {one} no difference between the expert and {level} is shown by {one.n:,} questions ({found}; {least}): choose by cost.{also}{_together(one, level, both)}"


def _called(metric: str) -> str:
    return "F1" if metric == "f1" else METRICS[metric].lower()


def _the(arm: str) -> str:
    return "the expert" if arm == EXPERT else arm


# ------------------------------------------------------------------------------------------------------------- money


def breakeven(costs: Mapping[str, Any] | None) -> str:
    """From how many questions on a tuned model costs less than retrieval; `costs` is costs.Costs as JSON. "" without it."""
    if not costs:
        return ""
    if not costs["spent"]:
        return "Cost. No model was paid for: pairs, training and answers are this machine's own work, so that only time counts."
    if not costs["ways"]:
        unknown = " and ".join(dict.fromkeys(one["model"] for one in costs["spent"] if one["cost"] is None))
        if unknown:
            return f"Cost. No price is known for {unknown}, so there is no break-even: write it into prices.toml."
        return "Cost. Pairs, training and the expert's answers are this machine's own work, so that there is no break-even."
    tuned, *others = costs["ways"]
    retrieved, unit = others[-1], costs["currency"]
    spent = f"The tuned model took {money(tuned['once'])} {unit} once and takes {money(1000 * tuned['question'])} for 1,000 answers"
    other = f"{retrieved['name']} {money(1000 * retrieved['question'])}"
    if retrieved["breakeven"] is None:
        return f"Cost. {spent}, {other}: it never pays by its cost alone."
    return f"Cost. {spent}, {other}: it pays from {max(1, retrieved['breakeven']):,} questions on, a month if it is trained anew every month."


def money(value: float) -> str:
    """Two decimals, more for small sums: two digits of these."""
    digits = 2 if value == 0 or value >= 0.1 else min(8, 1 - math.floor(math.log10(value)))
    return f"{value:,.{digits}f}"
