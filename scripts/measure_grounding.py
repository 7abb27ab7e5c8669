#!/usr/bin/env python3
"""How often a checked answer gets the wrong mark: supported, contradicted or unsupported.

    python scripts/measure_grounding.py [NAME] [--root DIR]     pairs of a corpus that was built as far as `generate` (apollo-8)
    python scripts/measure_grounding.py --squad FILE.json       human questions in SQuAD's format, each article a corpus

Each question is checked with its accepted answer; with this answer's number or year changed to one that the corpus does
not hold; with the answer to another question, of the same sort (a date, a number, a name, a phrase) and not; and with the
accepted answer under a question of another corpus (SQuAD), which should be unsupported. Prints a line for each.
"""

import argparse
import random
import re
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

from corpus_tuner.models.grounding import ground
from corpus_tuner.models.reader import sort_of
from corpus_tuner.models.retrieval import Retrieval
from corpus_tuner.records import Example, Section
from corpus_tuner.store import read_jsonl
from corpus_tuner.text import jaccard, numbers

MOST = 2000  # questions
VERDICTS = ("supported", "contradicted", "unsupported")
Asked = tuple[str, str]  # a question and its accepted answer


def changed(chance: random.Random, answer: str, known: set[str]) -> str:
    """`answer` with each of its numbers changed to one of as many digits that no text of the corpus has; "" without one."""
    if not re.search(r"\d", answer):
        return ""

    def other(match: re.Match[str]) -> str:
        size = len(match.group())
        for _ in range(100):
            drawn = str(chance.randrange(10 ** (size - 1), 10**size))
            if size == 4 and match.group()[:1] in "12":
                drawn = str(chance.randrange(1100, 2030))
            if drawn not in known:
                return drawn
        return match.group() + "7"

    return re.sub(r"\d+", other, answer)


def stranger(chance: random.Random, answer: str, pool: list[str], same: bool) -> str:
    """An answer to another question, of the same sort or not, that shares no word with this one's (of a statement's, hardly
    any: Jaccard below 0.2); "" if there is none."""
    chance.shuffle(pool)
    most = 0.2 if len(answer.split()) > 8 else 0.0
    fit = (text for text in pool if (sort_of(text) == sort_of(answer)) == same and jaccard(text, answer) <= most)
    return next(fit, "")


def measure(corpora: list[tuple[Retrieval, set[str], list[Asked]]]) -> None:
    """Prints the table."""
    chance, told = random.Random(0), defaultdict(Counter)
    started, checked = time.perf_counter(), 0
    for place, (search, known, pairs) in enumerate(corpora):
        pool = [answer for _, answer in pairs]
        for question, answer in pairs:
            texts = {
                "the accepted answer": answer,
                "its numbers changed": changed(chance, answer, known),
                "another answer of its sort": stranger(chance, answer, pool, same=True),
                "another answer of another sort": stranger(chance, answer, pool, same=False),
            }
            cases = [(sort, question, text) for sort, text in texts.items() if text]
            if len(corpora) > 1:
                cases.append(("under a question of another corpus", chance.choice(corpora[place - 1][2])[0], answer))
            for sort, asked, text in cases:
                told[sort][ground(search, asked, text).verdict] += 1
                checked += 1
    print(f"{'answers':36}{'n':>6}" + "".join(f"{verdict:>15}" for verdict in VERDICTS))
    for sort, counts in told.items():
        n = counts.total()
        print(f"{sort:36}{n:6}" + "".join(f"{counts[verdict] / n:15.1%}" for verdict in VERDICTS))
    print(f"{1000 * (time.perf_counter() - started) / checked:.1f} ms each")


def built(folder: Path, kinds: tuple[str, ...]) -> Iterator[tuple[Retrieval, set[str], list[Asked]]]:
    """The pairs of a corpus that stand in its folder."""
    sections = list(read_jsonl(folder / "sections.jsonl", Section))
    pairs = [(one.question, one.answer) for one in read_jsonl(folder / "examples.jsonl", Example) if one.kind in kinds]
    random.Random(0).shuffle(pairs)
    yield Retrieval(sections), set().union(*(numbers(one.text) for one in sections)), pairs[:MOST]


def human(path: Path) -> Iterator[tuple[Retrieval, set[str], list[Asked]]]:
    """The articles of a file in SQuAD's format, with at most `MOST` questions in all."""
    from bench_proof import articles

    found = articles(path)
    for one in found:
        pairs = [(asked.text, asked.answers[0]) for asked in one.questions]
        random.Random(0).shuffle(pairs)
        yield Retrieval(one.sections), set().union(*(numbers(s.text) for s in one.sections)), pairs[: MOST // len(found)]


def main() -> None:
    """Reads the arguments."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", nargs="?", default="apollo-8")
    parser.add_argument("--root", type=Path, default=Path())
    parser.add_argument("--squad", type=Path)
    given = parser.parse_args()
    if given.squad:
        measure(list(human(given.squad)))
        return
    folder = given.root / "generated" / given.name
    if not (folder / "examples.jsonl").is_file():
        raise SystemExit(f"there are no pairs in {folder}: corpus-tuner generate {given.name}")
    for kinds in (("basic", "reworded"), ("detailed",)):
        print(", ".join(kinds))
        measure(list(built(folder, kinds)))


if __name__ == "__main__":
    main()
