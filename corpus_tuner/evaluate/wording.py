"""What the figures say, in plain words: every sentence is computed from them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any

from corpus_tuner.evaluate.questions import ALL, UNKNOWN
from corpus_tuner.evaluate.results import EXPERT, Difference, Results, is_held_out
from corpus_tuner.text import words

ARMS = {
    "base": "the base model, before it was trained",
    "expert": "the tuned model",
    "retrieval": "no model: the best section's best sentence, by BM25",
    "embedding": "no model: the sentence whose embedding is nearest",
    "nearest": "no model: the answer of the trained question nearest by BM25",
    "reader": "no model: of the trained answers in the best sections, the one that fits the question best",
    "base+retrieval": "the base model with the best sections before the question",
    "expert+retrieval": "the tuned model with the best sections before the question",
    "base+embedding": "the base model with the sections nearest by embedding before the question",
    "expert+embedding": "the tuned model with the sections nearest by embedding before the question",
    "base+section": "the base model with the right section before the question: what a perfect search would give",
    "expert+section": "the tuned model with the right section before the question",
    "expert+reader": "the reader, with what the tuned model says as a vote",
}
CLASSES = {
    "trained": "Trained questions, word for word",
    "validation": "Validation: other wordings of trained facts",
    "paraphrase": "Paraphrases: trained facts, wordings never seen",
    "unseen": "Unseen: facts that were never trained",
    "own": "Your own questions",
    "human": "Questions written by people",
    "unanswerable": "Questions without an answer in the text",
    "reverse": "Reverse: trained facts asked from the other end",
    "cross": "Across sections: facts that only two together hold",
    "inference": "Inference: what several sentences tell only together",
    "near": "Near misses: about the corpus, and not answered there",
    "far": "Far out of scope: nobody can answer",
    "known": "General knowledge: what it must not forget",
    UNKNOWN: "Unknown to the base: held-out questions that it has wrong every time",
    ALL: "All questions together",
}
METRICS = {
    "exact": "Exact match",
    "f1": "Word overlap (F1)",
    "contained": "Contains the answer",
}
SENTENCES = ("retrieval", "embedding")  # answer with a whole sentence, which is right if it contains the accepted answer
LOOK_UPS = ("nearest", "retrieval", "reader", "embedding")
SHORT = 5  # words: up to here an answer can be expected to the letter


@dataclass(frozen=True, slots=True)
class Verdict:
    """One class of questions: how the expert did (a headline and a sentence), and how it stands against each arm."""

    cls: str
    title: str
    n: int
    share: float
    sentence: str
    against: tuple[tuple[str, str], ...]  # (ahead, behind or "no difference shown"; the sentence)


def name(cls: str) -> str:
    """The short name of a class: the head of its title; a class of the user's own keeps the name that it was given."""
    return CLASSES[cls].partition(":")[0].partition(",")[0] if cls in CLASSES else cls


def percent(share: float) -> str:
    """`78 %` with a space that does not break; a share that is not quite all or nothing never reads as one."""
    rounded = round(100 * share)
    if rounded == 100 and share < 1:
        return f"{min(99.9, 100 * share):.1f}\u00a0%"
    if rounded == 0 and share > 0:
        return f"{100 * share:.1f}\u00a0%" if share >= 0.0005 else "<\u00a00.1\u00a0%"
    return f"{rounded}\u00a0%"


def chance(p: float) -> str:
    """A p-value to three places; one below these never reads as 0."""
    return f"{p:.3f}" if p >= 0.0005 else "<\u00a00.001"


def verdicts(results: Results) -> list[Verdict]:
    """First what the base did not know, if it knew some; one a class; one for all if there are several; [] where no arm is the expert."""
    names = [*([UNKNOWN] if results.base_knows_some else []), *results.classes, *([ALL] if len(results.classes) > 1 else [])]
    return [found for name in names for found in _verdict(results, name)]


def _verdict(results: Results, cls: str) -> Iterator[Verdict]:
    cell = results.cell(EXPERT, cls)
    if cell is None:
        return
    metric = measure(results, cls)
    score = getattr(cell, metric)
    bounds = span(score.low, score.high)
    sentence = (
        f"{percent(score.value)} {bounds} of {cell.n:,} questions answered to the letter."
        if metric == "exact"
        else f"The expert's words agree with the accepted answers to {percent(score.value)} {bounds} (mean F1, {cell.n:,} questions)."
    )
    rivals = [results.against(arm, cls, "contained" if arm in SENTENCES else metric) for arm in results.arms]
    lines = tuple((one.verdict, _comparison(one)) for one in rivals if one)
    yield Verdict(cls, CLASSES.get(cls, cls), cell.n, score.value, sentence, lines)


def measure(results: Results, cls: str) -> str:
    """The metric that suits a class: exact where the accepted answers are short, else F1."""
    asked = [one for one in results.questions if cls in (one.cls, ALL) or (cls == UNKNOWN and is_held_out(one.cls))]
    lengths = [min(len(words(gold)) for gold in one.answers) for one in asked]
    return "exact" if median(lengths or [0]) <= SHORT else "f1"


def _comparison(found: Difference) -> str:
    """`Loses to nearest by 12 points [5, 19] (exact match).`"""
    metric = METRICS[found.metric].lower() if found.metric != "f1" else "F1"
    gap = found.difference
    if found.verdict == "behind":
        return f"Loses to {found.against} by {points(-gap.value)} {span(-gap.high, -gap.low)} ({metric})."
    if found.verdict == "ahead":
        return f"Ahead of {found.against} by {points(gap.value)} {span(gap.low, gap.high)} ({metric})."
    return f"No difference to {found.against} shown: {points(gap.value, sign=True)} {span(gap.low, gap.high)} ({metric})."


def points(value: float, *, sign: bool = False) -> str:
    """`22 points`; with `sign` also `+22 points`."""
    rounded = round(100 * value)
    said = f"{rounded} point{'' if abs(rounded) == 1 else 's'}" if rounded or not value else f"{100 * value:.1f} points"
    return ("+" if sign and value > 0 else "") + said.replace("-", "\u2212")


def span(low: float, high: float) -> str:
    """`[5, 19]`; a bound that is not 0 never reads as 0, since it decides."""
    return f"[{_bound(low)},\u00a0{_bound(high)}]"


def _bound(value: float) -> str:
    digits = 1 if round(100 * value) == 0 and abs(value) >= 0.0005 else 0
    return f"{100 * value:z.{digits}f}".replace("-", "\u2212")


def student(expert: Mapping[str, Any]) -> str:
    """What was trained, and what may be expected of it. `expert` is the receipt (records.Expert) as JSON."""
    base, backend = str(expert.get("base") or ""), expert.get("backend")
    size = (expert.get("metrics") or {}).get("parameters")
    if backend == "scratch":
        number = f" of {_short(size)} parameters" if isinstance(size, int | float) else ""
        return (
            f"The expert is a very small language model{number} that was trained from nothing on this corpus alone. "
            "It recalls what it was taught and some rewordings; it has no other knowledge, cannot reason, and gives an answer "
            "to anything. Take its answers together with the passages that support them."
        )
    if backend == "endpoint":
        return f"The expert is {base or 'a model'}, fine-tuned on this corpus by the host that serves it ({expert.get('model') or 'no id yet'})."
    if base:
        return f"The expert is {base}, fine-tuned on this corpus."
    return "Nothing is recorded of how the expert was made."


def _short(number: float) -> str:
    for bound, unit in ((1e9, "billion"), (1e6, "million"), (1e3, "thousand")):
        if number >= bound:
            return f"{number / bound:.2g} {unit}" if number / bound < 10 else f"{number / bound:.0f} {unit}"
    return str(round(number))
