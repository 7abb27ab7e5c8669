#!/usr/bin/env python3
"""What `improve` brings on a corpus that was asked about thinly in three of nine sections, and what it costs beside all of it.

    python scripts/bench_improve.py [--seed 0]

The corpus is a register of 54 harbours, of which a sentence each says when they opened, who built them and what they ship.
The writer has six wordings of a question for each fact. The sixth is never given: it is the test. Of the first three
sections a sentence gets one pair, of the others nine. Then one round of `improve`, with the scratch student. Prints what it
says, the test questions of the thin sections and of the others before and after, and what was written: pairs, and what a
model would have read and written for them, and for the same of every section (tokens, at four letters each; price of MODEL).
"""

import argparse
import math
import random
import re
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import islice, permutations
from pathlib import Path

from corpus_tuner import Corpus, plugins
from corpus_tuner.arms import trained
from corpus_tuner.evaluate.samples import is_right
from corpus_tuner.generate.ask import Task, messages
from corpus_tuner.generate.more import Further
from corpus_tuner.improve import Improvement
from corpus_tuner.improve.trial import EACH
from corpus_tuner.improve.wording import text
from corpus_tuner.models.prices import price_of
from corpus_tuner.records import Answer, Example, Model, Question, Section
from corpus_tuner.settings import Settings
from corpus_tuner.store import digest, read_jsonl, write_jsonl
from corpus_tuner.watching import watcher

MODEL = "gpt-6-luna"
SECTIONS, HARBOURS, THIN = 9, 6, 3
ALL_IT_HAS = 1000
WORDINGS = {  # short, so that no two harbours have nearly the same question
    "opened": ("When did {} open?", "In which year began {}?", "Since when has {} worked?", "Opening date of {}?", "How old is {} quay?", "What year made {}?"),
    "built": ("Who built {}?", "Whose work is {}?", "Which master raised {}?", "By whom was {} made?", "Name the builder of {}.", "Who is behind {}?"),
    "ships": ("What does {} ship?", "Which cargo leaves {}?", "For what is {} known?", "Goods that {} sends?", "What comes from {}?", "What is loaded at {}?"),
}  # fmt: skip
SENTENCE = re.compile(r"The harbour of (\w+) was opened in (\d+), was built by (\w+ \w+), and ships (\w+)\.")
TOML = """[corpus]
name = "harbours"
[[source]]
locator = "harbours.md"
[generate]
writer = "harbours"
[dataset]
validation = 0.2
[train]
seed = {seed}
[evaluate]
arms = ["base", "expert", "nearest"]
questions = "test.jsonl"
"""
ENTRY = "[corpus_tuner.writers]\nharbours = bench_improve:HarbourWriter\n"


def register(seed: int) -> list[list[str]]:
    """The sentences of each section, with names that no two harbours and builders share."""
    chance = random.Random(seed)
    syllables = "ba co du fe gi ho ju ka le mi no pu ra se ti vo".split()
    names = chance.sample(["".join(pair).title() + "n" for pair in permutations(syllables, 3)], 3 * SECTIONS * HARBOURS)
    goods = "salt coal timber wool herring copper wine grain amber slate hemp cheese".split()
    rows = iter(zip(*[iter(names)] * 3))
    return [
        [f"The harbour of {place} was opened in {chance.randint(1500, 1900)}, was built by {first} {last}, and ships {chance.choice(goods)}."
         for place, first, last in islice(rows, HARBOURS)]
        for _ in range(SECTIONS)
    ]  # fmt: skip


def asked(sentence: str) -> list[list[tuple[str, str]]]:
    """The six wordings of each of its facts, with the answer."""
    found = SENTENCE.fullmatch(sentence)
    return [[(wording.format(found[1]), answer) for wording in WORDINGS[fact]] for fact, answer in zip(WORDINGS, found.groups()[1:])]


class HarbourWriter:
    """A Writer: three wordings of each fact, in a section called thin one of the first; asked for all it has, five of each."""

    needs_model = False

    def __init__(self, settings: Settings, model: Model | None = None) -> None:
        """As every writer is made."""

    def write(self, sections: Iterable[Section], kind: str, count: int) -> Iterator[Example]:
        """As Writer has it."""
        for section in sections if kind == "basic" else ():
            for number in range(1, len(section.sentences) + 1):
                pairs = [pair for wordings in asked(section.sentence(number)) for pair in wordings[: 5 if count >= ALL_IT_HAS else 3]]
                thin = "Thin" in section.path[-1] and count < ALL_IT_HAS
                for question, answer in pairs[:1] if thin else pairs:
                    yield Example(digest(question), kind, question, answer, ((section.id, number),), section.id, "harbours")


def prepare(root: Path, seed: int) -> Corpus:
    """The corpus in `root`, and the writer among the plug-ins, by the door that a stranger's take."""
    entry = root / "plugins" / "harbour_writer-0.1.dist-info"
    entry.mkdir(parents=True)
    (entry / "METADATA").write_text("Metadata-Version: 2.1\nName: harbour-writer\nVersion: 0.1\n")
    (entry / "entry_points.txt").write_text(ENTRY)
    sys.path[:0] = [str(Path(__file__).parent), str(entry.parent)]
    plugins._group.cache_clear()
    (root / "sources").mkdir()
    text = ["# Harbours\n"]
    test = []
    for number, sentences in enumerate(register(seed)):
        where = "Thin" if number < THIN else "Other"
        text.append(f"## {where} coast {number + 1}\n\n{' '.join(sentences)}\n")
        test += [{"question": q, "answer": a, "class": f"{where.lower()} sections"} for one in sentences for q, a in (fact[5] for fact in asked(one))]
    (root / "sources/harbours.md").write_text("\n".join(text))
    (root / "sources/harbours.toml").write_text(TOML.format(seed=seed))
    write_jsonl(root / "sources/test.jsonl", test)
    return Corpus.open("harbours", root)


def shares(run: Path) -> dict[str, tuple[int, int]]:
    """Right answers and questions of the expert in an evaluation's folder, for each class of the test."""
    answers = {one.question_id: one for one in read_jsonl(run / "answers-expert.jsonl", Answer)}
    found: dict[str, tuple[int, int]] = {}
    for one in read_jsonl(run / "questions.jsonl", Question):
        if not one.evidence:
            right, count = found.get(one.cls, (0, 0))
            found[one.cls] = right + is_right(answers[one.id]), count + 1
    return found


def cost(tasks: Iterable[Task], answers: int) -> tuple[int, float]:
    """Tokens that a model reads and writes for `tasks`, and their price; `answers`: letters of the pairs."""
    read = sum(len(message["content"]) for task in tasks for message in messages(task))
    usage = {"prompt_tokens": math.ceil(read / 4), "completion_tokens": math.ceil(answers / 4)}
    return sum(usage.values()), price_of(MODEL, Path("none")).of(usage)


def main() -> None:
    """Builds, improves, prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        corpus = prepare(Path(place), given.seed)
        started = time.perf_counter()
        corpus.build(watcher=watcher())
        built = time.perf_counter()
        first = trained(corpus.place)
        found = corpus.improve(watcher=watcher())
        ended = time.perf_counter()
        print(text(found))
        report(corpus, found, first)
        print(f"{built - started:.0f} s to build, {ended - built:.0f} s to improve")


def report(corpus: Corpus, found: Improvement, first: list[Example]) -> None:
    """The table before and after, and the costs."""
    sections = list(read_jsonl(corpus.place.sections, Section))
    before, after = (shares(corpus.place.folder / "evaluation" / run) for run in found.runs)
    print("\ntest               n  before   after  difference")
    for where, (right, count) in before.items():
        old, new = right / count, after[where][0] / count
        print(f"{where:15} {count:4}  {old:6.1%}  {new:6.1%}  {100 * (new - old):+5.1f} points")
    later = list(read_jsonl(corpus.place.improved, Example))
    letters = sum(len(one.question) + len(one.answer) for one in first) / len(first)
    print("\nfurther pairs      sentences  pairs   tokens    price")
    for name, those in (("for what was weak", later), ("for all sections", first)):
        wanted: dict[str, set[int]] = defaultdict(set)
        for one in those:
            wanted[one.evidence[0][0]].add(one.evidence[0][1])
        count = sum(map(len, wanted.values()))
        tokens, price = cost(Further(sections, wanted, first, EACH, 1200).work(), round(EACH * count * letters))
        print(f"{name:18} {count:9}  {EACH * count:5}  {tokens:7,}  ${price:.4f}")


if __name__ == "__main__":
    main()
