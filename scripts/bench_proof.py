#!/usr/bin/env python3
"""What an expert knows of human questions: trained on pairs that the rules writer makes of an article's paragraphs alone.

    python scripts/bench_proof.py FILE.json --article N [--article M ...] [--language en] [--arms base,expert,...] [--seed 0]

FILE is in SQuAD's format (1.1, 2.0, XQuAD); each paragraph is a section, unanswerable questions are left out. No question
of the file has any influence on what is written or trained. Prints a table of the arms (95 % intervals, clustered by
paragraph), the paired differences of each arm to the better of retrieval and nearest, and the seconds of each step.
The language is taken from a name such as xquad.es.json, and is English else. Training is bounded to about STEPS steps, so
that one article takes less than five minutes on two cores.
"""

import argparse
import re
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from corpus_tuner.dataset import formats
from corpus_tuner.errors import CorpusTunerError
from corpus_tuner.evaluate import aggregate, squad, table
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
from corpus_tuner.train.passes import PASSES
from corpus_tuner.train.scratch import BATCH, PASSES_PER_EPOCH, ScratchTrainer

STEPS = 3400  # of training: about four minutes on one busy core
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


def articles(path: Path, language: str = "") -> list[Article]:
    """The articles of a file in SQuAD's format, in a language (BCP 47) that its name says where it is not given."""
    read = squad.articles(path.read_text(encoding="utf-8-sig"), str(path))
    if read is None:
        raise CorpusTunerError(f"{path} is not in SQuAD's format")
    suffixes = [suffix[1:] for suffix in path.suffixes[:-1] if re.fullmatch(r"\.[a-z]{2}", suffix)]
    return [_article(paragraphs, language or (suffixes or ["en"])[-1]) for paragraphs in read]


def _article(paragraphs: list[squad.Paragraph], language: str) -> Article:
    title = paragraphs[0].title if paragraphs else ""
    sections, questions = [], []
    for number, one in enumerate(paragraphs):
        sections.append(Section(f"p{number}", title, title, (), one.text, sentences(one.text, language), "", language))
        for place, asked in enumerate(one.asked):
            if asked.answers:
                questions.append(Question(f"p{number}-{place}", "human", asked.text, asked.answers, ((f"p{number}", 1),)))
    return Article(title, sections, questions)


def open_arms(article: Article, pairs: list[Example], folder: Path) -> dict[str, Model]:
    """Every arm by name, over the expert that lies in `folder`."""
    search, expert = Retrieval(article.sections), ScratchModel(folder, "expert")
    language = article.sections[0].language
    right = {one.text: [s for s in article.sections if s.id == one.evidence[0][0]] for one in article.questions}
    return {
        "base": ScratchModel(folder / "base", "base"),
        "expert": expert,
        "retrieval": search,
        "nearest": Nearest(((one.question, one.answer) for one in pairs), language),
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
    rivals = [arm for arm in ("retrieval", "nearest") if arm in answers]
    others = [arm for arm in answers if arm not in (*rivals, "base")]
    for metric in ("exact", "f1") if rivals and others else ():
        values = {arm: np.array([one.scores[metric] for one in given]) for arm, given in answers.items()}
        rival = max(rivals, key=lambda arm: values[arm].mean())
        found = bootstrap(np.column_stack([values[arm] - values[rival] for arm in others]), clusters)
        for arm, one in zip(others, found):
            print(f"{metric:6} {arm:17} - {rival:9} {100 * one.value:+6.1f} points [{100 * one.low:+.1f}, {100 * one.high:+.1f}]")


def epochs(rows: int) -> int | str:
    """Until recall, where its three cycles take less than STEPS; else as many times PASSES_PER_EPOCH as fit, at least one."""
    passes = STEPS * BATCH // rows
    return "auto" if passes >= 2 * PASSES else max(1, min(passes, PASSES) // PASSES_PER_EPOCH)


def run(article: Article, arms: Sequence[str], seed: int) -> None:
    """One article from paragraphs to figures."""
    started = time.perf_counter()
    pairs = article.pairs()
    written = time.perf_counter()
    told = f"{article.title or 'no title'}: {len(article.sections)} paragraphs, {len(pairs)} pairs, {len(article.questions)} human questions"
    print(f"\n{told}", flush=True)
    if not pairs or not article.questions:
        print("nothing to train on, or nobody to answer")
        return
    with tempfile.TemporaryDirectory() as place:
        rows, folder = Path(place) / "train.jsonl", Path(place) / "expert"
        write_jsonl(rows, (formats.messages(one) for one in pairs))
        ScratchTrainer().train(rows, None, TrainSettings(seed=seed, epochs=epochs(len(pairs))), folder)
        trained = time.perf_counter()
        models = open_arms(article, pairs, folder)
        answers = {arm: list(ask(article.questions, models[arm], name=arm)) for arm in arms}
    print(table(aggregate(article.questions, answers, article.sections)))
    differences(article.questions, answers)
    ended = time.perf_counter()
    print(f"{written - started:.0f} s writing, {trained - written:.0f} s training, {ended - trained:.0f} s asking", flush=True)


def main() -> None:
    """Reads the arguments."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--article", type=int, action="append", help="place of an article in FILE, from 0")
    parser.add_argument("--language", default="", help="of the file (BCP 47)")
    parser.add_argument("--arms", default=ARMS)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    found = articles(given.file, given.language)
    for place in given.article or [0]:
        if not 0 <= place < len(found):
            parser.error(f"{given.file} has the articles 0 to {len(found) - 1}")
        run(found[place], given.arms.split(","), given.seed)


if __name__ == "__main__":
    main()
