"""Scores the rule writer on human questions: the share whose answer is exactly one of its own (SQuAD normalisation).

    python scripts/score_rules.py FILE.json ... [--count 22] [--reworded 0 0.2 0.5] [--folds 5]
    python scripts/score_rules.py FILE.json ... --fit corpus_tuner/generate/rules_english/weights.json

Files are SQuAD-format; one section per paragraph; unanswerable questions are left out. The weights that rank spans are
fitted on such questions: `--folds K` (by article) fits on K - 1 parts and scores the other, so that no article is
scored with weights that have seen it. `--fit` writes weights fitted on all files.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

from corpus_tuner.generate.rules import RulesWriter
from corpus_tuner.generate.rules_english import rank as rules_rank
from corpus_tuner.generate.rules_english.lines import lines
from corpus_tuner.generate.rules_english.rank import features
from corpus_tuner.generate.rules_english.spans import spans
from corpus_tuner.records import Document, Example, Section
from corpus_tuner.settings import GenerateSettings, Settings
from corpus_tuner.text import normalise_answer, sentences, words

Gold = list[set[str]]


def paragraphs(path: Path, language: str = "en") -> list[tuple[Section, Gold]]:
    """One (Section, normalised human answers of each answerable question) per paragraph of a SQuAD-format file."""
    found = []
    for article in json.loads(path.read_text(encoding="utf-8"))["data"]:
        title = article["title"].replace("_", " ")
        for number, paragraph in enumerate(article["paragraphs"], start=1):
            text = paragraph["context"]
            spans_of = sentences(text, language)
            section = Section(f"{path.name}/{title}/{number}", title, title, (), text, spans_of, language=language)
            asked = [q for q in paragraph["qas"] if not q.get("is_impossible")]
            found.append((section, [{normalise_answer(a["text"]) for a in q["answers"]} for q in asked]))
    return found


def sections_of(path: Path, language: str = "en") -> list[Section]:
    """Sections of a SQuAD-format file or of a document that the cleaners read."""
    if path.suffix == ".json":
        return [section for section, _ in paragraphs(path, language)]
    from corpus_tuner.clean import clean_document

    formats = {".wiki": "wikitext", ".md": "markdown", ".html": "html"}
    title = path.stem.split("__")[-1].replace("_", " ")
    document = Document(path.stem, title, "", formats.get(path.suffix, "text"), path.read_text(encoding="utf-8"), language)
    return [item for item in clean_document(document) if isinstance(item, Section)]


def score(data: Sequence[tuple[Section, Gold]], count: int, reworded: float) -> Counter[str]:
    """Counts of questions, of those answered, of pairs and paragraphs."""
    written: dict[str, set[str]] = defaultdict(set)
    total: Counter[str] = Counter(paragraphs=len(data))
    for item in RulesWriter(Settings(generate=GenerateSettings(reworded=reworded))).write([section for section, _ in data], "basic", count):
        total["pairs" if isinstance(item, Example) else "rejected"] += 1
        if isinstance(item, Example):
            written[item.source_id].add(normalise_answer(item.answer))
            total["completions"] += "____" in item.question
    for section, gold in data:
        total["questions"] += len(gold)
        total["answered"] += sum(bool(answers & written[section.id]) for answers in gold)
    return total


def fit(data: Sequence[tuple[Section, Gold]], steps: int = 300, penalty: float = 8.0) -> dict[str, float]:
    """Logistic regression (Adam, L2) of "a human asked for this span" on the features that occur 30 times."""
    import numpy as np

    rows, asked = _rows(data)
    seen = Counter(feature for row in rows for feature in row)
    column = {feature: i for i, feature in enumerate(sorted(f for f, n in seen.items() if n >= 30))}
    matrix = np.zeros((len(rows), len(column)), np.float32)
    for i, row in enumerate(rows):
        matrix[i, [column[feature] for feature in row if feature in column]] = 1
    target = np.array(asked, np.float32)
    weight, first, second = (np.zeros(len(column), np.float32) for _ in range(3))
    for step in range(1, steps + 1):
        gradient = (matrix.T @ (1 / (1 + np.exp(-matrix @ weight)) - target) + penalty * weight) / len(target)
        first = 0.9 * first + 0.1 * gradient
        second = 0.99 * second + 0.01 * gradient**2
        weight = weight - 0.05 * first / (1 - 0.9**step) / (np.sqrt(second / (1 - 0.99**step)) + 1e-8)
    return {feature: round(float(weight[i]), 3) for feature, i in column.items()}


def _rows(data: Sequence[tuple[Section, Gold]]) -> tuple[list[list[str]], list[bool]]:
    rows, asked = [], []
    for section, gold in data:
        answers = set().union(*gold) if gold else set()
        counts, seen = Counter(words(section.text)), set()
        for line in lines(section):
            candidates = spans(line.tokens, section.title)
            for span in candidates:
                text = normalise_answer(line.text[line.tokens[span.first].start : line.tokens[span.last - 1].end])
                if text not in seen:
                    seen.add(text)
                    rows.append(features(line.tokens, span, candidates, counts, section.title))
                    asked.append(text in answers)
    return rows, asked


def with_weights(weights: Mapping[str, float]) -> None:
    """Has the writer rank by `weights` from now on."""
    rules_rank.weights = lambda: weights  # type: ignore[assignment]


def report(name: str, count: int, reworded: float, total: Counter[str], seconds: float) -> None:
    print(
        f"{name}: count {count}, reworded {reworded:g}: {total['answered']} of {total['questions']} human answers "
        f"({total['answered'] / total['questions']:.1%}), {total['pairs'] / total['paragraphs']:.1f} pairs a paragraph, "
        f"{total['completions'] / total['pairs']:.0%} completions, {total['rejected']} rejected, {seconds:.1f} s"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--count", type=int, default=22)
    parser.add_argument("--reworded", type=float, nargs="*", default=[0.0, 0.2, 0.5])
    parser.add_argument("--folds", type=int, default=0)
    parser.add_argument("--fit", type=Path, help="write weights fitted on all files, and stop")
    options = parser.parse_args()
    files = {path.name: paragraphs(path) for path in options.files}
    everything = [item for data in files.values() for item in data]
    if options.fit:
        options.fit.write_text(json.dumps(fit(everything), indent=0, sort_keys=True) + "\n", encoding="utf-8")
        return
    titles = sorted({section.title for section, _ in everything})
    fold = {title: i % options.folds if options.folds else 0 for i, title in enumerate(titles)}
    totals: dict[tuple[str, float], Counter[str]] = defaultdict(Counter)
    started = time.perf_counter()
    for k in range(max(options.folds, 1)):
        if options.folds:
            with_weights(fit([item for item in everything if fold[item[0].title] != k]))
        for name, data in files.items():
            for reworded in options.reworded:
                part = [item for item in data if fold[item[0].title] == k]
                totals[name, reworded] += score(part, options.count, reworded) if part else Counter()
    for (name, reworded), total in totals.items():
        report(name, options.count, reworded, total, time.perf_counter() - started)


if __name__ == "__main__":
    main()
