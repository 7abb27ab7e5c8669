"""report.json, for programs, and report.html, for people: one file without network, scripts or anything to install."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from itertools import groupby
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from corpus_tuner.evaluate import charts, samples, wording
from corpus_tuner.evaluate.advice import advice, breakeven, money
from corpus_tuner.evaluate.checks import Checks
from corpus_tuner.evaluate.judge import VERDICTS
from corpus_tuner.evaluate.markdown import markdown
from corpus_tuner.evaluate.questions import ALL
from corpus_tuner.evaluate.results import EXPERT, Results, SectionScore
from corpus_tuner.records import Section
from corpus_tuner.store import to_json, write_json, write_text

SCHEMA = 2
MOST_SECTIONS = 400  # rows of the heat map; report.json has all
MOST_TEXT = 700  # characters of an answer in the HTML file
STUTTER = 40  # characters of one thing over and over without a space
_REPEATED = re.compile(r"(?<!\S)(\S+(?: \S+){0,5}?)(?: \1){3,}(?: \S+$)?")
_RUN = re.compile(r"(\S{1,40}?)\1{7,}")  # without spaces: a stutter, or a language that has none
STAGES = ("fetch", "clean", "generate", "dataset", "train", "evaluate", "judge")


@dataclass(frozen=True, slots=True)
class HeatRow:
    """A section: its heading path, how many of its sentences pairs rest on, and the mean F1 of each arm (None: not asked)."""

    parents: str
    heading: str
    url: str
    covered: tuple[int, int] | None
    n: int
    values: tuple[float | None, ...]


def write(
    folder: Path, results: Results, meta: Mapping[str, Any], sections: Iterable[Section] = (), checks: Checks | None = None
) -> None:
    """Writes report.json (report.schema.json describes it), report.md and report.html into `folder`.

    `meta`, of which everything may be missing: name, title, documents (each title, url, revision, licence), stages
    (counts of each), costs (costs.Costs), rejects (count by reason), coverage (generate's ledger), loss (rows of the
    training log), expert (its receipt), improve (rounds: improve.Verdict, test: comparison.Shift), writer, version. Nothing of it, nor of a question or answer, is taken for HTML.
    """
    placed = list(sections)
    chosen = samples.choose(results, placed)
    checks = checks or Checks()
    write_json(folder / "report.json", _machine(results, meta, chosen, checks))
    write_text(folder / "report.md", markdown(results, meta, checks))
    write_text(folder / "report.html", html(results, meta, placed, chosen, checks))


def _machine(results: Results, meta: Mapping[str, Any], chosen: list[samples.Sample], checks: Checks) -> dict[str, Any]:
    plain = to_json(results)
    beside = to_json(checks)
    return {
        "schema": SCHEMA,
        "name": meta.get("name", ""),
        "title": meta.get("title", ""),
        "arms": plain["arms"],
        "classes": plain["classes"],
        "kinds": plain["kinds"],
        "questions": len(results.questions),
        "cells": [_named(cell) for cell in plain["cells"]],
        "differences": [_named(plain) | {"verdict": one.verdict, "detectable": one.detectable} for one, plain in zip(results.differences, plain["differences"])],
        "sections": [_named(section) for section in plain["sections"]],
        "verdicts": [_named(to_json(one)) for one in wording.verdicts(results)],
        "advice": [_named(to_json(one)) for one in advice(results)],
        "samples": to_json(chosen),
        "pairs": [_named(plain) | {"verdict": one.verdict} for one, plain in zip(results.pairs, plain["pairs"])],
        **{name: [_named(row) for row in beside[name]] for name in ("leaks", "suspects", "attempts", "changes")},
        "judge": {"audit": beside["audit"], "verdicts": beside["judged"]} if checks.audit else None,
        "meta": _finite(to_json(meta)),
    }


def _finite(value: Any) -> Any:
    """JSON has no number for what a training that diverged logs: such become null."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    return [_finite(item) for item in value] if isinstance(value, list) else value


def _named(row: dict[str, Any]) -> dict[str, Any]:
    """`cls` is a word of Python's needs; in JSON a class is called one."""
    return {"class" if key == "cls" else key: value for key, value in row.items()}


def html(results: Results, meta: Mapping[str, Any], sections: list[Section], chosen: list[samples.Sample], checks: Checks) -> str:
    """The report as one HTML text."""
    from jinja2 import Environment, StrictUndefined

    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {"percent": wording.percent, "chance": wording.chance, "link": link, "name": wording.name, "short": _short, "seconds": seconds, "money": money}
    template = environment.from_string(files(__package__).joinpath("report.html").read_text(encoding="utf-8"))
    expert = meta.get("expert") or {}
    return template.render(
        meta=meta,
        title=meta.get("title") or meta.get("name") or "Evaluation",
        results=results,
        ALL=ALL,
        ways=_ways(len(results.arms)),
        arms=[(arm, wording.ARMS.get(arm, "a model of its own")) for arm in results.arms],
        class_names=wording.CLASSES,
        metric_names=wording.METRICS,
        verdicts=wording.verdicts(results),
        advice=advice(results),
        breakeven=breakeven(meta.get("costs")),
        costs=_costs(meta.get("costs") or {}),
        student=wording.student(expert) if EXPERT in results.arms else "",
        expert=expert,
        table=[list(group) for _, group in groupby(results.cells, key=lambda cell: (cell.cls, cell.kind))],
        panels=charts.panels(results),
        heat=_heat(results, sections, meta.get("coverage") or {}),
        most_sections=MOST_SECTIONS,
        samples=[(sort, list(group)) for sort, group in groupby(chosen, key=lambda one: one.sort)],
        flow=_flow(meta.get("stages") or {}),
        rejects=charts.bars(meta.get("rejects") or {}),
        coverage=meta.get("coverage") or {},
        curves=charts.curves(meta.get("loss") or []),
        documents=meta.get("documents") or [],
        checks=checks,
        judge_verdicts=VERDICTS,
        pairs=[one for one in results.pairs if one.metric == "exact" and "expert" in (one.left, one.right)],
        detectable={(one.against, one.cls): one.detectable for one in results.differences if (one.arm, one.metric, one.kind) == (EXPERT, "exact", ALL)},
    )


def _heat(results: Results, sections: list[Section], coverage: Mapping[str, Any]) -> list[tuple[str, list[HeatRow], int]]:
    """(class, rows, number of rows in all) for each class that has questions about sections."""
    known = {section.id: section for section in sections}
    ledger = {row.get("section"): row for row in coverage.get("sections", ())}
    found = []
    for cls in [*results.classes, *([ALL] if len(results.classes) > 1 else [])]:
        scores = [one for one in results.sections if one.cls == cls]
        rows = [
            _heat_row(list(group), results.arms, known, ledger) for _, group in groupby(scores, key=lambda one: one.section_id)
        ]
        if rows:
            found.append((cls, rows[:MOST_SECTIONS], len(rows)))
    return found


def _heat_row(
    scores: list[SectionScore], arms: tuple[str, ...], known: Mapping[str, Section], ledger: Mapping[str, Mapping[str, Any]]
) -> HeatRow:
    first, section = scores[0], known.get(scores[0].section_id)
    path = (section.title, *section.path) if section else (first.heading,)
    row = ledger.get(first.section_id)
    by_arm = {one.arm: one.f1 for one in scores}
    return HeatRow(
        parents=" › ".join(path[1:-1]),
        heading=path[-1] if len(path) > 1 else f"{path[0]} (lead)",
        url=section.url if section else "",
        covered=(int(row["covered"]), int(row["sentences"])) if row else None,
        n=first.n,
        values=tuple(by_arm.get(arm) for arm in arms),
    )


@dataclass(frozen=True, slots=True)
class CostRow:
    """A stage's time with its share of the longest in percent, or what was paid to one model for it."""

    stage: str
    seconds: float
    share: float
    model: str
    calls: int
    tokens: Mapping[str, int]
    cost: float | None


def _costs(costs: Mapping[str, Any]) -> list[CostRow]:
    """A row for each stage and model; the time of a stage stands in its first."""
    times, rows = costs.get("seconds") or {}, []
    longest = max([*times.values(), 1e-9])
    paid = costs.get("spent") or []
    for stage in dict.fromkeys([*STAGES, *times, *(one["stage"] for one in paid)]):
        held = [one for one in paid if one["stage"] == stage] or [{}]
        if not held[0] and stage not in times:
            continue
        for place, one in enumerate(held):
            took = times.get(stage, 0.0) if place == 0 else 0.0
            rows.append(CostRow(stage if place == 0 else "", took, 100 * took / longest, one.get("model", ""), one.get("calls", 0), one.get("tokens", {}), one.get("cost")))
    return rows


def _flow(stages: Mapping[str, Mapping[str, Any]]) -> list[tuple[str, int]]:
    """How many of what there were on the way: ("documents", 1), ("sections", 34), ..."""
    wanted = (
        ("fetch", "documents", "document"),
        ("clean", "sections", "section"),
        ("generate", "examples", "question/answer pair"),
        ("dataset", "train", "trained pair"),
    )
    found = [(name, stages.get(stage, {}).get(key)) for stage, key, name in wanted]
    return [(name if count == 1 else f"{name}s", count) for name, count in found if isinstance(count, int)]


def _ways(count: int) -> str:
    words = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
    return f"{words[count] if count < len(words) else count} way{'' if count == 1 else 's'}"


def link(url: Any) -> str:
    """`url` if a browser may follow it from a report: http or https with a host; else ""."""
    text = str(url or "")
    try:
        parts = urlsplit(text)
    except ValueError:
        return ""
    return text if parts.scheme in ("http", "https") and parts.netloc else ""


def _short(text: str) -> str:
    """What fits into the page; words that a model says over and over stand there twice."""
    once = _REPEATED.sub(r"\1 \1 … (and so on)", text[: 4 * MOST_TEXT])
    once = _RUN.sub(lambda run: f"{run[1]}{run[1]}… (and so on)" if len(run[0]) >= STUTTER else run[0], once)
    return once if len(once) <= MOST_TEXT else once[:MOST_TEXT].rstrip() + " …"


def seconds(value: float) -> str:
    """`0.4 s`, `48 s`, `3 min 5 s`."""
    if value < 10:
        return f"{value:.1f} s"
    minutes, rest = divmod(round(value), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
