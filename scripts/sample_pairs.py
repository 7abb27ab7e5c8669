"""Prints a random, seeded sample of the rule writer's pairs with the sentences they rest on, for reading.

    python scripts/sample_pairs.py [--kind basic] [--count 20] [--size 50] [--seed 0] PATH ...

A path is a SQuAD-format .json file (one section per paragraph) or any document that corpus_tuner reads
(.wiki, .md, .html, .txt); --language labels them.
"""

from __future__ import annotations

import argparse
import random
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from score_rules import sections_of

from corpus_tuner.generate.rules import RulesWriter
from corpus_tuner.records import Example
from corpus_tuner.settings import Settings


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("paths", nargs="+", type=Path)
    parser.add_argument("--kind", default="basic")
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--size", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--language", default="en")
    options = parser.parse_args()
    sections = [section for path in options.paths for section in sections_of(path, options.language)]
    by_id = {section.id: section for section in sections}
    written = list(RulesWriter(Settings()).write(sections, options.kind, options.count))
    pairs = [item for item in written if isinstance(item, Example)]
    print(f"{len(pairs)} pairs of {len(sections)} sections, {len(written) - len(pairs)} rejected; {options.size} of them:")
    for number, pair in enumerate(random.Random(options.seed).sample(pairs, min(options.size, len(pairs))), start=1):
        print(f"\n{number:2}. Q: {pair.question}\n    A: {pair.answer}")
        for section_id, sentence in pair.evidence if options.kind == "basic" else ():
            print(f"    [{by_id[section_id].heading} {sentence}] {by_id[section_id].sentence(sentence)}")


if __name__ == "__main__":
    main()
