"""Where things lie in the report's drawings. Only numbers and texts: the template draws, and escapes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from corpus_tuner.evaluate.questions import ALL
from corpus_tuner.evaluate.results import Results
from corpus_tuner.evaluate.wording import METRICS, name

LEFT, RIGHT = 120, 274  # of the plot within a panel that is 340 wide
ROW, HEAD = 24, 34
POINTS = 400  # of a curve, at most


@dataclass(frozen=True, slots=True)
class Dot:
    """One arm's mean with its interval, in the panel's units."""

    arm: str
    y: float
    x: float
    low: float
    high: float
    value: float


@dataclass(frozen=True, slots=True)
class Panel:
    """One metric: a group of dots for every class."""

    metric: str
    title: str
    height: float
    groups: tuple[tuple[str, float, int], ...]  # (name, y of its heading, number of questions)
    dots: tuple[Dot, ...]
    ticks: tuple[tuple[int, float], ...] = tuple((share, LEFT + (RIGHT - LEFT) * share / 100) for share in (0, 25, 50, 75, 100))


def panels(results: Results) -> list[Panel]:
    """Arms × classes with their intervals, one panel a metric."""
    return [_panel(results, metric) for metric in METRICS]


def _panel(results: Results, metric: str) -> Panel:
    y, groups, dots = 4.0, [], []
    for cls in [*results.classes, *([ALL] if len(results.classes) > 1 else [])]:
        y += HEAD - 12
        cells = [cell for arm in results.arms if (cell := results.cell(arm, cls))]
        groups.append((name(cls), y, cells[0].n))
        y += 18
        for cell in cells:
            one = getattr(cell, metric)
            dots.append(Dot(cell.arm, y, _across(one.value), _across(one.low), _across(one.high), one.value))
            y += ROW
    return Panel(metric, METRICS[metric], y + 14, tuple(groups), tuple(dots))


def _across(share: float) -> float:
    return round(LEFT + (RIGHT - LEFT) * share, 1)


# ------------------------------------------------------------------------------------------------------------ curves


@dataclass(frozen=True, slots=True)
class Curve:
    """A line over the steps of training in a box 340 × 170, with the marks of its axes."""

    title: str
    path: str  # of an SVG polyline: "x,y x,y"
    y_ticks: tuple[tuple[str, float], ...]
    x_ticks: tuple[tuple[str, float], ...]
    last: str
    end: tuple[float, float] = field(default=(0.0, 0.0))


WIDTH, HEIGHT, MARGIN = 320, 140, 46


def curves(rows: Sequence[Mapping[str, Any]]) -> list[Curve]:
    """What the training log (rows with "step" and some of the figures below) lets one draw."""
    named = (("loss", "Training loss"), ("validation_loss", "Validation loss"), ("eval_loss", "Validation loss"), ("recall", "Recall of the trained answers"))
    found = []
    for key, title in named:
        points = [(float(row.get("step", place)), float(row[key])) for place, row in enumerate(rows) if _is_number(row.get(key))]
        if len(points) > 1:
            found.append(_curve(title, points, share=key == "recall"))
    return found


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _curve(title: str, points: list[tuple[float, float]], *, share: bool) -> Curve:
    step = math.ceil(len(points) / POINTS)
    kept = [*points[:-1:step], points[-1]]
    first, last = kept[0][0], max(kept[-1][0], kept[0][0] + 1)
    top = 1.0 if share else nice(max(value for _, value in kept))

    def place(at: float, value: float) -> tuple[float, float]:
        x = MARGIN + (WIDTH - MARGIN) * (at - first) / (last - first)
        return round(x, 1), round(10 + (HEIGHT - 10) * (1 - max(0.0, value) / top), 1)

    label = (lambda value: f"{round(100 * value)} %") if share else (lambda value: f"{value:.2g}")
    spots = [place(*point) for point in kept]
    return Curve(
        title=title,
        path=" ".join(f"{x},{y}" for x, y in spots),
        y_ticks=tuple((label(top * part), place(first, top * part)[1]) for part in (0, 0.5, 1)),
        x_ticks=tuple((f"{first + (last - first) * part:,.0f}", MARGIN + (WIDTH - MARGIN) * part) for part in (0, 0.5, 1)),
        last=label(kept[-1][1]),
        end=spots[-1],
    )


def nice(value: float) -> float:
    """The least of 1, 2, 5 × a power of ten that is not below `value`; 1 for nothing above 0."""
    if value <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in (1, 2, 5, 10) if step * power >= value * (1 - 1e-9))


# -------------------------------------------------------------------------------------------------------------- bars


def bars(counts: Mapping[str, Any]) -> list[tuple[str, float, float]]:
    """(name, value, share of the largest in percent) of everything that is a number above 0."""
    known = {str(name): float(value) for name, value in counts.items() if _is_number(value) and value > 0}
    largest = max(known.values(), default=1.0)
    return [(name, value, round(100 * value / largest, 1)) for name, value in known.items()]
