"""From sections to question/answer pairs, by whichever writer the settings name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from corpus_tuner.generate.questions import same_question
from corpus_tuner.records import Example, Progress, Reason, Reject, Section, Writer, silent


def generate(
    sections: Iterable[Section], writer: Writer, kinds: Mapping[str, int], progress: Progress = silent
) -> Iterator[Example | Reject]:
    """Pairs of every kind, {kind: count per section}, and a Reject for each one lost; no question twice in the corpus.

    A writer with `write_all(sections, kinds, progress)` does all kinds at once; any other is asked kind by kind.
    """
    if hasattr(writer, "write_all"):
        yield from writer.write_all(sections, kinds, progress)
        return
    sections = list(sections)
    seen: set[str] = set()
    for done, (kind, count) in enumerate(kinds.items(), start=1):
        for item in writer.write(sections, kind, count):
            yield _distinct(item, seen)
        progress(done, len(kinds), kind)


def _distinct(item: Example | Reject, seen: set[str]) -> Example | Reject:
    if isinstance(item, Reject):
        return item
    key = same_question(item.question)
    if key in seen:
        return Reject("generate", item.id, Reason.DUPLICATE, item.question)
    seen.add(key)
    return item
