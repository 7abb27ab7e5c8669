"""How long it takes to hold pairs of one fact together across a corpus, and which of the planted ones are found.

    python scripts/bench_grouping.py [--pairs 25000,50000,100000]

Made-up facts, each asked in one of six wordings. "in the lead, too": every tenth fact is asked again, in another wording,
of another section that states it. "one answer": all facts have the same answer and no name, the worst case for a search.
"""

from __future__ import annotations

import argparse
import random
import time

from corpus_tuner.generate.grouping import Facts
from corpus_tuner.generate.passage import Passage
from corpus_tuner.records import Section
from corpus_tuner.text import sentences

WORDINGS = (
    "In which year was the {thing} {act} in {place}?",
    "In what year was the {thing} in {place} {act}?",
    "When exactly was the {thing} {act} in {place}?",
    "What year saw the {thing} of {place} {act}?",
    "Since which year has the {thing} in {place} been {act}?",
    "The {thing} in {place} was {act} in what year?",
)
SYLLABLES = ("lo", "ra", "mi", "ten", "dur", "vas", "kel", "ori", "bran", "sul", "fe", "gor")


def word(random_: random.Random) -> str:
    return "".join(random_.choices(SYLLABLES, k=4))


def fact(random_: random.Random, named: bool) -> dict[str, str]:
    place = word(random_)
    return {"thing": word(random_), "act": word(random_) + "ed", "place": place.title() if named else place}


def ask(facts: Facts, random_: random.Random, what: dict[str, str], year: str, number: int) -> bool:
    """Whether the pair was held together with an earlier one."""
    text = "The {thing} in {place} was {act} in {year}.".format(**what, year=year)
    passage = Passage(Section(f"s{number}", "d", "Places", (), text, sentences(text), language="en"))
    question = random_.choice(WORDINGS).format(**what)
    return len(facts.places(question, year, ((f"s{number}", 1),), passage)) > 1


def run(count: int, named: bool) -> tuple[float, int, int, int]:
    """Seconds, planted ones, those found, and pairs of different facts that were held together."""
    random_, facts = random.Random(3), Facts()
    known: list[tuple[dict[str, str], str]] = []
    planted = found = wrong = 0
    start = time.perf_counter()
    for number in range(count):
        if number % 10 == 9:
            planted += 1
            found += ask(facts, random_, *random_.choice(known), number)
        else:
            what, year = fact(random_, named), str(random_.randint(1000, 1999)) if named else "1883"
            known.append((what, year))
            wrong += ask(facts, random_, what, year, number)
    return time.perf_counter() - start, planted, found, wrong


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", default="25000,50000,100000")
    print("| pairs | facts | seconds | µs a pair | in the lead, too | of these found | of other facts |\n|---|---|---|---|---|---|---|")
    for named, label in ((True, "names and 1,000 answers"), (False, "one answer, no name")):
        for count in map(int, parser.parse_args().pairs.split(",")):
            seconds, planted, found, wrong = run(count, named)
            print(f"| {count:,} | {label} | {seconds:.1f} | {seconds / count * 1e6:.0f} | {planted:,} | {found / planted:.1%} | {wrong} |", flush=True)


if __name__ == "__main__":
    main()
