"""Which share of pairs that people wrote do the checks of generated pairs reject? Per language and reason.

  python scripts/check_evidence.py FILE.json [...]     SQuAD- or XQuAD-shaped; the language is read from NAME.LL.json
  --show N prints N rejected pairs of each reason
Every rejected human pair is a false alarm, unless its question really does not stand on its own: people wrote these with
the paragraph before their eyes. Beside it, the same questions with the answer of another article: what should be stopped.
"""

from __future__ import annotations

import argparse
import json
import re
import time
from collections import Counter, defaultdict
from pathlib import Path

from corpus_tuner.generate.evidence import Passage, examine
from corpus_tuner.records import Reason, Section
from corpus_tuner.text import sentences


def pairs(path: Path, language: str):
    """(Section, question, answers) of each answerable question."""
    for number, article in enumerate(json.loads(path.read_text(encoding="utf-8"))["data"]):
        title = article.get("title", "").replace("_", " ")
        for paragraph in article["paragraphs"]:
            text = paragraph["context"]
            section = Section(str(number), "", title, (), text, sentences(text, language), language=language)
            for item in paragraph["qas"]:
                if item["answers"]:
                    yield section, item["question"], [answer["text"] for answer in item["answers"]]


def _sentence(section: Section, answer: str) -> str:
    """The sentence that holds the answer: a detailed answer that is right."""
    held = (section.sentence(number + 1) for number in range(len(section.sentences)))
    return next((sentence for sentence in held if answer in sentence), "")


def _other_number(sentence: str) -> str:
    return re.sub(r"\d+", lambda match: str(int(match.group()) * 3 + 7), sentence, count=1)


def _other_name(sentence: str, name: str) -> str:
    """The sentence with a capitalised word inside of it replaced by another article's name."""
    if not re.fullmatch(r"[A-ZА-Я]\w{3,}(?: [A-ZА-Я]\w+)*", name):
        return sentence
    return re.sub(r"(?<=[a-zа-я] )[A-ZА-Я]\w{3,}", name, sentence, count=1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--show", type=int, default=0)
    options = parser.parse_args()
    print(
        "| file | pairs | rejected | of these: does not stand on its own | the rest | let through: answer of another article | one number changed | one name changed | time |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    for path in options.files:
        parts = path.name.split(".")
        language = parts[1] if len(parts) == 3 else "en"
        rows = list(pairs(path, language))
        reasons, shown = Counter(), defaultdict(list)
        start = time.perf_counter()
        let_through = foreign = 0
        planted, passed = Counter(), Counter()
        for at, (section, question, answers) in enumerate(rows):
            passage = Passage(section)
            found = examine(question, answers[0], (), passage)
            if isinstance(found, Reason):
                reasons[found] += 1
                shown[found].append(f"{question} | {answers[0]}")
            other = rows[(at + len(rows) // 2) % len(rows)]
            if other[0].id != section.id:
                foreign += 1
                let_through += not isinstance(examine(question, other[2][0], (), passage), Reason)
            reworded = _sentence(section, answers[0])
            for name, wrong in (("number", _other_number(reworded)), ("name", _other_name(reworded, other[2][0]))):
                if reworded and wrong != reworded:
                    planted[name] += 1
                    passed[name] += not isinstance(examine(question, wrong, (), passage), Reason)
        total, alone = reasons.total(), reasons[Reason.NOT_SELF_CONTAINED]
        print(
            f"| {path.name} | {len(rows)} | {total / len(rows):.2%} | {alone / len(rows):.2%} | {(total - alone) / len(rows):.2%} "
            f"| {let_through / max(foreign, 1):.2%} "
            f"| {passed['number'] / max(planted['number'], 1):.2%} of {planted['number']} "
            f"| {passed['name'] / max(planted['name'], 1):.2%} of {planted['name']} | {(time.perf_counter() - start) / len(rows) * 1000:.2f} ms a row |",
            flush=True,
        )
        for reason, items in sorted(shown.items()):
            print(f"    {reason}: {len(items)}")
            for item in items[: options.show]:
                print(f"        {item}")


if __name__ == "__main__":
    main()
