"""Which sentences no surviving pair rests on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from corpus_tuner.records import Example, Section


def coverage(sections: Iterable[Section], examples: Iterable[Example]) -> dict[str, Any]:
    """The coverage ledger: {"sentences", "covered", "share", "sections": [...]}.

    Each section has its id, heading, number of sentences, of covered ones and of pairs, and the numbers of the `bare`
    sentences, on which no pair rests. `share` is covered / sentences, 1.0 where there is no sentence at all.
    """
    rests: dict[str, Counter[int]] = {}
    pairs: Counter[str] = Counter()
    for example in examples:
        for section_id, number in example.evidence:
            rests.setdefault(section_id, Counter())[number] += 1
        pairs.update({section_id for section_id, _ in example.evidence})
    rows = []
    for section in sections:
        count = len(section.sentences)
        bare = [number for number in range(1, count + 1) if number not in rests.get(section.id, ())]
        rows.append(
            {
                "section": section.id,
                "heading": section.heading,
                "sentences": count,
                "covered": count - len(bare),
                "pairs": pairs[section.id],
                "bare": bare,
            }
        )
    total, covered = (sum(row[name] for row in rows) for name in ("sentences", "covered"))
    share = covered / total if total else 1.0
    return {"sentences": total, "covered": covered, "share": round(share, 4), "sections": rows}
