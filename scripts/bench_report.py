#!/usr/bin/env python3
"""How long the report of 10,000 answers takes, and how large it is; and the rates at which planted defects are found.

    python scripts/bench_report.py [FOLDER]

2,500 questions of 100 sections, four arms that are right at set rates, a judge that is audited on them: scored, tested,
written into FOLDER if one is named. Then 200 seeds each of two arms of equal accuracy, and of a true difference of 10 points
at 155 questions of which 20 % are discordant.
"""

import random
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from corpus_tuner.evaluate import aggregate, report
from corpus_tuner.evaluate.abstention import abstained
from corpus_tuner.evaluate.checks import check
from corpus_tuner.evaluate.pairs import mcnemar
from corpus_tuner.evaluate.score import ask
from corpus_tuner.evaluate.statistics import bootstrap
from corpus_tuner.records import Example, Message, Question, Section
from corpus_tuner.testing import ScriptedModel
from corpus_tuner.text import sentences

RATES = {"base": 0.1, "expert": 0.6, "retrieval": 0.4, "nearest": 0.55}


def planted() -> tuple[list[Section], list[Question]]:
    """100 sections of 25 sentences and a question for each."""
    sections, questions = [], []
    for s in range(100):
        text = " ".join(f"The harbour {s * 25 + n} was opened by Captain Name{s * 25 + n} in the year {1000 + n}." for n in range(25))
        sections.append(Section(f"s{s}", "d", "Harbours", (f"Part {s}",), text, sentences(text), "", "en"))
        for n in range(25):
            number = s * 25 + n
            cls = ("trained", "paraphrase", "unseen")[n % 3]
            asked = f"Who was the captain that opened the harbour number {number} long ago?"
            questions.append(Question(f"q{number}", cls, asked, (f"Captain Name{number}",), ((f"s{s}", n + 1),)))
    return sections, questions


def arms(questions: list[Question]) -> dict[str, ScriptedModel]:
    """Right at the set rates, by chance."""
    gold = {one.text: one.answers[0] for one in questions}
    chance = random.Random(0)
    return {
        name: ScriptedModel(lambda messages, rate=rate: gold[messages[-1]["content"]] if chance.random() < rate else f"Captain Other{chance.random():.9f}", name)
        for name, rate in RATES.items()
    }


def judge(questions: list[Question]) -> ScriptedModel:
    """Says what is so, of an answer that stands between the marks of its prompt."""
    gold = {one.text: one.answers[0] for one in questions}

    def grade(messages: Sequence[Message]) -> str:
        asked, said = (messages[0]["content"].split(f"<{mark}>\n")[1].split(f"\n</{mark}>")[0] for mark in ("question", "answer"))
        return "CORRECT" if said == gold[asked] else "NOT_ATTEMPTED" if abstained(said) or "not" in said else "INCORRECT"

    return ScriptedModel(grade, "judge")


def told(sections: list[Section]) -> dict[str, Any]:
    """What else a report shows, as a run of this size would have it."""
    rows = [{"section": one.id, "sentences": 25, "covered": 25 - place % 7} for place, one in enumerate(sections)]
    return {
        "name": "harbours",
        "title": "Harbours",
        "documents": [{"title": "Harbours", "url": "https://example.org/harbours", "revision": "1", "licence": "CC0-1.0"}],
        "stages": {"fetch": {"documents": 1}, "clean": {"sections": 100}, "generate": {"examples": 2500}, "dataset": {"train": 834}},
        "rejects": {"number not in the source": 41, "near-duplicate of another pair": 212, "does not stand on its own": 17, "cut short": 3},
        "coverage": {"sentences": 2500, "covered": sum(row["covered"] for row in rows), "sections": rows},
        "loss": [{"step": n, "loss": 0.1 + 7 / (n + 1), "validation_loss": 0.6 + 6 / (n + 1)} for n in range(0, 3000, 10)],
        "costs": {
            "seconds": {"fetch": 1.2, "clean": 0.4, "generate": 64.0, "dataset": 0.8, "train": 412.0, "evaluate": 95.0},
            "spent": [
                {"stage": "generate", "model": "writer", "calls": 300, "tokens": {"prompt": 210_000, "cached": 60_000, "completion": 96_000}, "cost": 0.063},
                {"stage": "judge", "model": "judge", "calls": 10_180, "tokens": {"prompt": 2_900_000, "completion": 30_500}, "cost": None},
            ],
            "ways": [
                {"name": "tuned model", "once": 0.063, "question": 0.0, "breakeven": None},
                {"name": "corpus in every prompt", "once": 0.0, "question": 0.0021, "breakeven": 30},
                {"name": "retrieval", "once": 0.0, "question": 0.00011, "breakeven": 573},
            ],
            "currency": "USD",
            "dated": "2026-11-21",
        },
        "expert": {"base": "a base model", "backend": "transformers"},
        "writer": "llm",
        "version": "0.1.0",
    }


def claims(expert: list[bool], other: list[bool]) -> tuple[bool, bool]:
    """Whether the bootstrap's interval excludes 0, and whether McNemar's p is below 0.05."""
    clusters = [str(place) for place in range(len(expert))]
    found = bootstrap(np.array([[float(a) - float(b)] for a, b in zip(expert, other)]), clusters)[0]
    return found.low > 0 or found.high < 0, mcnemar(list(map(float, expert)), list(map(float, other)), clusters).p < 0.05


def main() -> None:
    """Prints seconds, bytes and rates."""
    sections, questions = planted()
    models = arms(questions)
    trained = [Example(one.id, "basic", f"Who opened harbour {one.id}?", one.answers[0], one.evidence, "", "rules") for one in questions]
    started = time.perf_counter()
    answers = {name: list(ask(questions, model, name=name)) for name, model in models.items()}
    results = aggregate(questions, answers, sections)
    checks = check(results, sections, trained, judge(questions))
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(sys.argv[1] if len(sys.argv) > 1 else temporary)
        report.write(folder, results, told(sections), sections, checks)
        seconds = time.perf_counter() - started
        sizes = {name: f"{(folder / name).stat().st_size / 1e6:.2f} MB" for name in ("report.html", "report.json", "report.md")}
    print(f"{sum(map(len, answers.values())):,} answers scored, tested and reported in {seconds:.1f} s; {sizes}")
    equal, apart = [0, 0], [0, 0]
    for seed in range(200):
        chance = random.Random(seed)
        found = claims(*([chance.random() < 0.6 for _ in range(155)] for _ in range(2)))
        equal = [count + (not claim) for count, claim in zip(equal, found)]
        draws = [chance.random() for _ in range(155)]
        found = claims([d < 0.15 or d > 0.6 for d in draws], [0.15 <= d < 0.2 or d > 0.6 for d in draws])
        apart = [count + claim for count, claim in zip(apart, found)]
    print(f"equal accuracy, 155 questions: no difference shown in {equal[0]} (interval), {equal[1]} (McNemar) of 200")
    print(f"10 points, 155 questions, 20 % discordant: found in {apart[0]} (interval), {apart[1]} (McNemar) of 200")


if __name__ == "__main__":
    main()
