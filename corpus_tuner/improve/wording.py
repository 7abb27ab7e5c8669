"""An improvement in plain words and figures."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from corpus_tuner.evaluate.pairs import NO_DIFFERENCE
from corpus_tuner.evaluate.statistics import Estimate
from corpus_tuner.improve.trial import Verdict

SHOWN = 5  # headings of weak sections


def text(found: Any) -> str:
    """What `found` (an Improvement) brought, as lines for a person."""
    lines = [line for number, one in enumerate(found.rounds, start=1) for line in _round(number, one)]
    lines.append(f"stopped: {found.stopped}")
    if found.paid:
        lines.append(f"paid for improvements of this corpus so far: {found.paid:g}")
    if found.test is None:
        same = "the expert is the one that was there before"
        return "\n".join([*lines, "there is no evaluation of the experts to compare" if found.improved else same])
    from corpus_tuner.evaluate.comparison import table

    return "\n".join([*lines, f"test and all other questions of both evaluations ({' -> '.join(found.runs)}), by which nothing was decided:", table(found.test)])


def _round(number: int, one: Verdict) -> Iterator[str]:
    whole = f" and {len(one.weak_sections)} section{'s' * (len(one.weak_sections) != 1)} as a whole" if one.weak_sections else ""
    names = f" ({'; '.join(one.weak_sections[:SHOWN])}{', ...' * (len(one.weak_sections) > SHOWN)})" if one.weak_sections else ""
    yield f"round {number}: by {one.judged_by}: {one.weak_facts} weak facts{whole}{names}, {one.weak_sentences} sentences"
    if one.weak_sentences:
        yield f"  written {one.written}, of which {one.trained} are trained and {one.validating} validate{'; cut short by --max-cost' * one.cut}"
    if one.n:
        yield (
            f"  validation  n {one.n:5}  {100 * one.before:5.1f} -> {100 * one.after:5.1f}  +{one.better} -{one.worse}  p {one.p:.3f}  "
            f"difference {100 * (one.after - one.before):+.1f} [{100 * one.low:+.1f}, {100 * one.high:+.1f}]"
        )
        yield f"  trained by both  {100 * one.trained_before:5.1f} -> {100 * one.trained_after:5.1f}"
    yield f"  {'kept' if one.kept else 'the old expert stays'}: {one.why}{_detectable(one)}"


def _detectable(one: Verdict) -> str:
    """What these questions could have shown, where they show nothing."""
    if one.kept or one.why != NO_DIFFERENCE:
        return ""
    if not one.n:
        return ": there is no validation question (raise dataset.validation)"
    points = 100 * Estimate(one.after - one.before, one.low, one.high).detectable
    return f" ({one.n} validation questions show one of about {points:.0f} points in four of five cases)"
