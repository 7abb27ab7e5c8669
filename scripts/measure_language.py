"""How often the check of a question's language errs, on human questions of several languages.

    python scripts/measure_language.py PATH ...     (SQuAD-format .json files of one language each, as XQuAD's)

The first table holds each question against its own paragraph: every hit is a mistake. The second holds it against the
paragraphs of the other files, which have the same order in XQuAD: every miss is one.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from corpus_tuner.generate.passage import plain
from corpus_tuner.generate.tongue import is_foreign, tongue


def paragraphs(path: Path) -> list[tuple[str, list[str]]]:
    """Each paragraph with its questions."""
    articles = json.loads(path.read_text(encoding="utf-8"))["data"]
    return [
        (plain(one["context"]), [plain(qa["question"]) for qa in one["qas"]]) for article in articles for one in article["paragraphs"]
    ]


def foreign(texts: list[tuple[str, list[str]]], questions: list[tuple[str, list[str]]]) -> tuple[int, int]:
    """Questions that are taken to be in another language than the paragraph of the same place, and how many there are."""
    found = [is_foreign(question, text, tongue(text)) for (text, _), (_, asked) in zip(texts, questions) for question in asked]
    return sum(found), len(found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("paths", nargs="+", type=Path)
    files = {path.stem: paragraphs(path) for path in parser.parse_args().paths}
    print("| own language | questions | rejected wrongly |\n|---|---|---|")
    for name, own in files.items():
        wrong, count = foreign(own, own)
        print(f"| {name} | {count} | {wrong} |")
    print("\n| paragraphs | questions of | questions | let through wrongly |\n|---|---|---|---|")
    for name, own in files.items():
        for other, theirs in files.items():
            if other != name:
                found, count = foreign(own, theirs)
                print(f"| {name} | {other} | {count} | {count - found} |")


if __name__ == "__main__":
    main()
