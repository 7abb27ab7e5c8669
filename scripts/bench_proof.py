#!/usr/bin/env python3
"""What an expert knows of human questions: trained on pairs that the rules writer makes of an article's paragraphs alone.

    python scripts/bench_proof.py FILE.json --article N [--article M ...] [--arms base,expert,...] [--seed 0]

FILE is in SQuAD's format; each paragraph is a section, unanswerable questions are left out. No question of the file has
any influence on what is written or trained. Prints a table of the arms (95 % intervals, clustered by paragraph), the
paired differences of each arm to the better of retrieval and nearest, and the seconds of each step.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from corpus_tuner.dataset import formats
from corpus_tuner.evaluate import aggregate, table
from corpus_tuner.evaluate.score import ask
from corpus_tuner.generate import generate
from corpus_tuner.generate.rules import RulesWriter
from corpus_tuner.models.prompted import Prompted
from corpus_tuner.models.reader import Reader
from corpus_tuner.models.retrieval import Nearest, Retrieval
from corpus_tuner.models.scratch import ScratchModel
from corpus_tuner.records import Answer, Example, Model, Question, Section
from corpus_tuner.settings import Settings, TrainSettings
from corpus_tuner.store import write_jsonl
from corpus_tuner.text import sentences
from corpus_tuner.train.scratch import ScratchTrainer

ARMS = "base,expert,retrieval,nearest,reader,expert+retrieval,expert+reader,expert+section"


@dataclass(frozen=True, slots=True)
class Article:
    """A corpus, and what people asked about it."""

    title: str
    sections: list[Section]
    questions: list[Question]

    def pairs(self) -> list[Example]:
        """What the rules writer makes of the sections by default."""
        settings = Settings()
        written = generate(self.sections, RulesWriter(settings), settings.generate.counts)
        return [one for one in written if isinstance(one, Example)]


def articles(path: Path, language: str = "en") -> list[Article]:
    """The articles of a file in SQuAD's format."""
    found = []
    for article in json.loads(path.read_text(encoding="utf-8"))["data"]:
        title, sections, questions = article["title"].replace("_", " "), [], []
        for number, paragraph in enumerate(article["paragraphs"]):
            text = paragraph["context"]
            sections.append(Section(f"p{number}", title, title, (), text, sentences(text, language), "", language))
            for asked in paragraph["qas"]:
                golds = tuple(dict.fromkeys(answer["text"] for answer in asked["answers"]))
                if golds:
                    questions.append(Question(str(asked["id"]), "human", asked["question"], golds, ((f"p{number}", 1),)))
        found.append(Article(title, sections, questions))
    return found


def open_arms(article: Article, pairs: list[Example], folder: Path) -> dict[str, Model]:
    """Every arm by name, over the expert that lies in `folder`."""
    search, expert = Retrieval(article.sections), ScratchModel(folder, "expert")
    right = {one.text: [s for s in article.sections if s.id == one.evidence[0][0]] for one in article.questions}
    return {
        "base": ScratchModel(folder / "base", "base"),
        "expert": expert,
        "retrieval": search,
        "nearest": Nearest((one.question, one.answer) for one in pairs),
        "reader": Reader(article.sections, pairs),
        "expert+retrieval": Prompted(expert, article.title, lambda question: [one for one, _ in search.sections(question, 3)]),
        "expert+reader": Reader(article.sections, pairs, expert),
        "expert+section": Prompted(expert, article.title, lambda question: right[question]),
    }


def differences(questions: Sequence[Question], answers: Mapping[str, list[Answer]]) -> None:
    """Each arm less the better of retrieval and nearest, by exact match and F1, paired and clustered by paragraph."""
    import numpy as np

    from corpus_tuner.evaluate.statistics import bootstrap

    clusters = [one.evidence[0][0] for one in questions]
    for metric in ("exact", "f1"):
        values = {arm: np.array([one.scores[metric] for one in given]) for arm, given in answers.items()}
        rival = max(("retrieval", "nearest"), key=lambda arm: values[arm].mean())
        others = [arm for arm in values if arm not in ("retrieval", "nearest", "base")]
        found = bootstrap(np.column_stack([values[arm] - values[rival] for arm in others]), clusters)
        for arm, one in zip(others, found):
            print(f"{metric:6} {arm:17} - {rival:9} {100 * one.value:+6.1f} points [{100 * one.low:+.1f}, {100 * one.high:+.1f}]")


def run(article: Article, arms: Sequence[str], seed: int) -> None:
    """One article from paragraphs to figures."""
    started = time.perf_counter()
    pairs = article.pairs()
    written = time.perf_counter()
    with tempfile.TemporaryDirectory() as place:
        rows, folder = Path(place) / "train.jsonl", Path(place) / "expert"
        write_jsonl(rows, (formats.messages(one) for one in pairs))
        ScratchTrainer().train(rows, None, TrainSettings(seed=seed), folder)
        trained = time.perf_counter()
        models = open_arms(article, pairs, folder)
        answers = {arm: list(ask(article.questions, models[arm], name=arm)) for arm in arms}
    print(f"\n{article.title}: {len(article.sections)} paragraphs, {len(pairs)} pairs, {len(article.questions)} human questions")
    print(table(aggregate(article.questions, answers, article.sections)))
    differences(article.questions, answers)
    ended = time.perf_counter()
    print(f"{written - started:.0f} s writing, {trained - written:.0f} s training, {ended - trained:.0f} s asking", flush=True)


def main() -> None:
    """Reads the arguments."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--article", type=int, action="append", help="place of an article in FILE, from 0")
    parser.add_argument("--arms", default=ARMS)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    found = articles(given.file)
    for place in given.article or [0]:
        run(found[place], given.arms.split(","), given.seed)


if __name__ == "__main__":
    main()
