"""How often `support` finds an answer's source, and how often it takes a wrong answer for a supported one.

    python scripts/measure_support.py SQUAD.json [LANGUAGE]

Reads human questions in SQuAD's format (XQuAD, SQuAD 2.0 dev). Each article is a corpus, each paragraph a section. Prints
the share of answers called supported: the right one, one to another question of the same article, one of another article,
the right answer's words in another order of letters (gibberish), and a right answer under a question of another article.
"""

from __future__ import annotations

import json
import random
import sys
import time
from collections import defaultdict
from pathlib import Path

from corpus_tuner.models.retrieval import Retrieval
from corpus_tuner.records import Section
from corpus_tuner.text import sentences, words


def main(path: Path, language: str) -> None:
    """Prints one line a sort of answer."""
    articles = [_article(article, language) for article in json.loads(path.read_text(encoding="utf-8"))["data"]]
    chance = random.Random(0)
    called: dict[str, list[bool]] = defaultdict(list)
    located = []
    started = time.perf_counter()
    for number, (retrieval, pairs) in enumerate(articles):
        strangers = articles[(number + 1) % len(articles)][1]
        for question, answer, section in pairs:
            best = retrieval.passages(question, answer, 1)
            called["right answer"].append(bool(best and best[0].supported))
            located.append(called["right answer"][-1] and best[0].section_id == section)
            others = {
                "answer to another question": _other(chance, pairs, answer),
                "answer of another article": _other(chance, strangers, answer),
                "gibberish": _shuffled(chance, answer),
            }
            for sort, text in others.items():
                called[sort].append(any(one.supported for one in retrieval.passages(question, text, 1)))
            stranger = chance.choice(strangers)[0]
            called["question of another article"].append(any(one.supported for one in retrieval.passages(stranger, answer, 1)))
    for sort, results in called.items():
        print(f"{sort:30} supported {sum(results) / len(results):6.1%} of {len(results)}")
    print(f"{'right answer':30} in the annotators' own paragraph {sum(located) / len(located):6.1%}")
    print(f"{(time.perf_counter() - started) / len(located) / len(called) * 1000:.1f} ms a call")


def _article(article: dict, language: str) -> tuple[Retrieval, list[tuple[str, str, str]]]:
    sections, pairs = [], []
    for number, paragraph in enumerate(article["paragraphs"]):
        text = paragraph["context"]
        sections.append(Section(str(number), "", article["title"], (), text, sentences(text, language), language=language))
        pairs += [(q["question"], q["answers"][0]["text"], str(number)) for q in paragraph["qas"] if q["answers"]]
    return Retrieval(sections), pairs


def _other(chance: random.Random, pairs: list[tuple[str, str, str]], answer: str) -> str:
    """An answer to another question that shares no word with this one's."""
    others = [text for _, text, _ in pairs if not set(words(text)) & set(words(answer))]
    return chance.choice(others)


def _shuffled(chance: random.Random, answer: str) -> str:
    letters = [letter for letter in answer if letter != " "]
    chance.shuffle(letters)
    return "".join(letters)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        raise SystemExit(__doc__)
    main(Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else "en")
