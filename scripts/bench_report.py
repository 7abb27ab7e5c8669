#!/usr/bin/env python3
"""How long the report of 10,000 answers takes, and how large it is; and the rates at which planted defects are found.

    python scripts/bench_report.py

2,500 questions of 100 sections, four arms that are right at set rates: scored, tested, written. Then 200 seeds each of two
arms of equal accuracy, and of a true difference of 10 points at 155 questions of which 20 % are discordant.
"""

import random
import tempfile
import time
from pathlib import Path

import numpy as np

from corpus_tuner.evaluate import aggregate, report
from corpus_tuner.evaluate.checks import check
from corpus_tuner.evaluate.pairs import mcnemar
from corpus_tuner.evaluate.score import ask
from corpus_tuner.evaluate.statistics import bootstrap
from corpus_tuner.records import Example, Question, Section
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
        name: ScriptedModel(lambda messages, rate=rate: gold[messages[-1]["content"]] if chance.random() < rate else "Nobody else", name)
        for name, rate in RATES.items()
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
    checks = check(results, sections, trained)
    with tempfile.TemporaryDirectory() as folder:
        report.write(Path(folder), results, {"title": "Harbours"}, sections, checks)
        seconds = time.perf_counter() - started
        sizes = {path.name: f"{path.stat().st_size / 1e6:.2f} MB" for path in Path(folder).iterdir()}
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
