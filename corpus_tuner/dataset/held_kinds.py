"""What is held out by its kind, beside the other wordings: reversed facts, what several facts tell together, near misses.

Each takes its share of the facts by digest, and only pairs of its own kind; a corpus without such pairs loses nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, pairwise

from corpus_tuner.dataset.near import NearDuplicates, fact_of, share
from corpus_tuner.records import Example
from corpus_tuner.text import normalise_answer

JOINT = ("cross", "inference")  # kinds that need several facts: sentences of two sections, or of one


def further(kept: Sequence[Example], splits: Mapping[str, str], near: NearDuplicates, part: float) -> dict[str, str]:
    """The split (reverse, cross, inference or near) of those examples of `kept` that are held out by kind, a `part` of each.

    reverse: a fact that is trained by other pairs, and in reverse by none. cross, inference: each of its sentences is
    trained by other pairs, and what they tell together by none. near: a question that has no answer, and with it the one
    that it misses, of which another trained pair has the answer (or that is a paraphrase already); so who knows the fact
    can tell them apart, and who always abstains cannot.
    """
    by_sentence: dict[tuple[str, int], list[Example]] = defaultdict(list)
    for example in kept:
        for place in dict.fromkeys(example.evidence):
            by_sentence[place].append(example)
    found = {one.id: split for one in kept if (split := splits[one.id]) != "train"}
    old = set(found)
    for sort, group in chain(
        _reverse(by_sentence, found, near, part),
        _joint(kept, by_sentence, found, near, part),
        _near_misses(kept, by_sentence, found, near, part),
    ):
        found |= {one.id: sort for one in group}
    return {name: split for name, split in found.items() if name not in old}


Sentences = Mapping[tuple[str, int], Sequence[Example]]
Groups = Iterator[tuple[str, list[Example]]]
Found = Mapping[str, str]  # the split of what is held out so far, by id


def _reverse(by_sentence: Sentences, found: Found, near: NearDuplicates, part: float) -> Groups:
    for place, group in by_sentence.items():
        if share("reverse", fact_of(near.texts, place)) >= part or any(one.id in found for one in group):
            continue
        asked = [one for one in group if one.kind == "reverse"]
        alone = all(len(one.evidence) == 1 and not near.in_its_document(one) for one in asked)
        if asked and alone and any(one.kind not in ("reverse", "rewrite", *JOINT) for one in group):
            yield "reverse", asked


def _joint(kept: Sequence[Example], by_sentence: Sentences, found: Found, near: NearDuplicates, part: float) -> Groups:
    for example in kept:
        if example.kind not in JOINT or not example.evidence or example.id in found:
            continue
        facts = " ".join(sorted(fact_of(near.texts, place) for place in example.evidence))
        known = all(
            any(one.kind not in JOINT and one.id not in found for one in by_sentence[place]) for place in example.evidence
        )
        if share(example.kind, facts) < part and known and not near.in_its_document(example):
            yield example.kind, [example]


def _near_misses(
    kept: Sequence[Example], by_sentence: Sentences, found: Found, near: NearDuplicates, part: float
) -> Groups:
    """A near miss follows the question that it misses, from the same reply."""
    for twin, miss in pairwise(kept):
        couple = {twin.id, miss.id}
        if miss.kind != "abstain" or twin.kind == "abstain" or not twin.evidence or twin.source_id != miss.source_id:
            continue
        own = near.documents(twin)
        close = {one.id for side in (twin, miss) for one in near.of(side) if not one.evidence or own & near.documents(one)}
        if miss.id in found or not close <= couple:
            continue
        if found.get(twin.id) == "paraphrase":
            yield "near", [miss]
        elif twin.id not in found and share("near", fact_of(near.texts, twin.evidence[0])) < part:
            others = (one for one in by_sentence[twin.evidence[0]] if one.id not in couple and one.id not in found)
            if any(normalise_answer(one.answer) == normalise_answer(twin.answer) for one in others):
                yield "near", [twin, miss]
