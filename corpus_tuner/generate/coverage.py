"""Which sentences no surviving pair rests on, and which have all that a plan by sentences wants."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from corpus_tuner.generate.plan import is_covered
from corpus_tuner.records import Example, Reason, Reject, Section


def coverage(sections: Iterable[Section], examples: Iterable[Example], rejects: Iterable[Reject] = ()) -> dict[str, Any]:
    """The coverage ledger: {"sentences", "covered", "share", "full", "full_share", "sections": [...]}.

    Each section has its id, heading, number of sentences, of covered ones and of pairs, and the numbers of the `bare`
    sentences, on which no pair rests. `share` is covered / sentences, 1.0 where there is no sentence at all. `full`
    counts the sentences with three pairs, one of them reverse; `given_up` {number: reason} those that the writer says
    state nothing to ask about: they count as sentences, and not as covered. A rewritten text is no pair.
    """
    rests: dict[str, dict[int, Counter[str]]] = {}
    pairs: Counter[str] = Counter()
    for example in examples:
        if example.kind == "rewrite":
            continue
        for section_id, number in example.evidence:
            rests.setdefault(section_id, {}).setdefault(number, Counter())[example.kind] += 1
        pairs.update({section_id for section_id, _ in example.evidence})
    given_up = _given_up(rejects)
    rows = [_row(section, rests.get(section.id, {}), pairs[section.id], given_up.get(section.id, {})) for section in sections]
    total, covered, full = (sum(row[name] for row in rows) for name in ("sentences", "covered", "full"))
    shares = [round(count / total, 4) if total else 1.0 for count in (covered, full)]
    return {"sentences": total, "covered": covered, "share": shares[0], "full": full, "full_share": shares[1], "sections": rows}


def _row(section: Section, kinds: dict[int, Counter[str]], pairs: int, given_up: dict[int, str]) -> dict[str, Any]:
    count = len(section.sentences)
    bare = [number for number in range(1, count + 1) if number not in kinds]
    return {
        "section": section.id,
        "heading": section.heading,
        "sentences": count,
        "covered": count - len(bare),
        "full": sum(is_covered(kinds[number]) for number in range(1, count + 1) if number in kinds),
        "pairs": pairs,
        "bare": bare,
        "given_up": {str(number): reason for number, reason in given_up.items()},
    }


def _given_up(rejects: Iterable[Reject]) -> dict[str, dict[int, str]]:
    found: dict[str, dict[int, str]] = {}
    for reject in rejects:
        if reject.reason == Reason.GIVEN_UP:
            section, _, number = reject.item_id.rpartition(":")
            found.setdefault(section, {})[int(number)] = reject.detail
    return found
