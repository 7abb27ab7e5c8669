#!/usr/bin/env python3
"""Fits the weights of the reader (corpus_tuner/models/reader.json) on human questions in SQuAD's format.

    python scripts/fit_reader.py FILE.json [--without OTHER.json] [--write]

Each article is a corpus, each paragraph a section; the pairs are those that the rules writer makes of the paragraphs.
Articles that OTHER holds too are left out, so that it can be a test. The loss is that of a softmax over the offers of a
question whose right ones are those with the most words of an accepted answer (F1 squared), with an L2 penalty. Prints
exact match and F1 on FILE's articles, and on OTHER's, which the weights have not seen. `--write` replaces the weights.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from bench_proof import Article, articles

from corpus_tuner.models import reader
from corpus_tuner.models.reader import Offer, Reader
from corpus_tuner.text import exact_match, token_f1

PENALTY, STEPS = 4.0, 400
Asked = tuple[list[Offer], tuple[str, ...]]


def asked(article: Article) -> list[Asked]:
    """The offers for each human question, and its accepted answers."""
    reading = Reader(article.sections, article.pairs())
    return [(reading.offers(one.text), one.answers) for one in article.questions]


def fit(groups: Sequence[Asked]) -> dict[str, float]:
    """Weights by feature (Adam, full batches)."""
    names = sorted({name for offers, _ in groups for one in offers for name in one.features})
    column = {name: place for place, name in enumerate(names)}
    data = []
    for offers, golds in groups:
        worth = np.array([max(token_f1(one.answer, gold) for gold in golds) ** 2 for one in offers])
        if worth.any():
            matrix = np.zeros((len(offers), len(names)))
            for row, one in enumerate(offers):
                for name, value in one.features.items():
                    matrix[row, column[name]] = value
            data.append((matrix, worth))
    weights, mean, square = (np.zeros(len(names)) for _ in range(3))
    for step in range(1, STEPS + 1):
        gradient = -PENALTY * weights / len(data)
        for matrix, worth in data:
            chance = np.exp(matrix @ weights - (matrix @ weights).max())
            chance /= chance.sum()
            wanted = chance * (worth + 1e-6)
            gradient += matrix.T @ (wanted / wanted.sum() - chance) / len(data)
        mean, square = 0.9 * mean + 0.1 * gradient, 0.99 * square + 0.01 * gradient**2
        weights += 0.1 * (mean / (1 - 0.9**step)) / (np.sqrt(square / (1 - 0.99**step)) + 1e-8)
    return {name: round(float(weight), 3) for name, weight in zip(names, weights)}


def report(name: str, groups: Sequence[Asked]) -> None:
    """One line of figures with the weights in use."""
    best = [(max(offers, key=lambda one: reader.score(one.features)).answer if offers else "", golds) for offers, golds in groups]
    exact = np.mean([max(exact_match(text, gold) for gold in golds) for text, golds in best])
    overlap = np.mean([max(token_f1(text, gold) for gold in golds) for text, golds in best])
    offered = np.mean([any(exact_match(one.answer, gold) for one in offers for gold in golds) for offers, golds in groups])
    print(f"{name:40} {len(groups):5} questions  exact {exact:.1%}  F1 {overlap:.1%}  right one offered {offered:.1%}")


def main() -> None:
    """Fits, prints, and writes where asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--without", type=Path)
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    tests = articles(given.without) if given.without else []
    fitted = [one for one in articles(given.file) if one.title not in {test.title for test in tests}]
    groups = [group for one in fitted for group in asked(one)]
    weights = fit(groups)
    reader._weights = lambda: weights
    report(f"fitted on {len(fitted)} articles", groups)
    for test in tests:
        report(test.title, asked(test))
    if given.write:
        path = Path(reader.__file__).with_name("reader.json")
        source = f"scripts/fit_reader.py on {len(fitted)} articles of {given.file.name}, {len(groups)} questions"
        path.write_text(json.dumps({"source": source, "weights": weights}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
