"""The second stage of a build: sections stream from the documents, by all cores where there are many."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from corpus_tuner.errors import CorpusTunerError
from corpus_tuner.place import Counts, Outcome, Place, keep
from corpus_tuner.records import Document, Progress, Reject, Section
from corpus_tuner.store import file_digest, parse_jsonl, to_line
from corpus_tuner.workers import cores, ordered

MANY = 200  # documents above which all cores clean
BATCH = 1 << 20  # bytes of documents that go to a process at a time


@dataclass(frozen=True, slots=True)
class Batch:
    """Lines of documents.jsonl, and all that a process needs to clean them."""

    lines: tuple[bytes, ...]
    first: int  # the number of the first line
    place: Place
    title: str  # instead of the document's own; "" keeps it


@dataclass(frozen=True, slots=True)
class Cleaned:
    """What became of a batch."""

    documents: int
    outcomes: tuple[Outcome, ...]
    last: str  # title of its last document


def clean(place: Place, progress: Progress, many: int = MANY) -> Counts:
    """Sections of every document, by all cores where there are more than `many`: the same bytes whoever cleans."""
    total = _count(place.documents)
    processes = cores() if total > many else 1
    counts = keep(place, "clean", place.sections, _cleaned(place, progress, total, processes))
    return {"sections": counts[""], "rejects": counts.total() - counts[""]}


def _cleaned(place: Place, progress: Progress, total: int, processes: int) -> Iterator[Outcome]:
    """Raises CorpusTunerError where no section is left."""
    title = place.settings.corpus.title if total == 1 else ""
    batches = _batches(place, title, BATCH if processes > 1 else 0)
    reasons: Counter[str] = Counter()
    done = 0
    for cleaned in ordered(clean_batch, batches, processes):
        yield from cleaned.outcomes
        reasons.update(reason for reason, _ in cleaned.outcomes)
        done += cleaned.documents
        progress(done, total, cleaned.last)
    if not reasons[""]:
        why = ", ".join(f"{count} {reason}" for reason, count in reasons.most_common(3) if reason)
        raise CorpusTunerError(
            f"{place.settings.corpus.name}: no text is left after cleaning ({why or 'empty'}): check the locators and the sections"
        )


def _batches(place: Place, title: str, size: int) -> Iterator[Batch]:
    """The documents in batches of `size` bytes or more; 0: one by one."""
    lines: list[bytes] = []
    first, held = 1, 0
    with place.documents.open("rb") as file:
        for line in file:
            lines.append(line)
            held += len(line)
            if held >= size:
                yield Batch(tuple(lines), first, place, title)
                first, held, lines = first + len(lines), 0, []
    if lines:
        yield Batch(tuple(lines), first, place, title)


def clean_batch(batch: Batch) -> Cleaned:
    """The sections and rejects of some documents. Raises CorpusTunerError for a line that is no document."""
    from corpus_tuner.clean import clean_document

    place, document = batch.place, None
    selected = {source.locator: source.sections for source in place.settings.source}
    outcomes: list[Outcome] = []
    for document in parse_jsonl(batch.lines, Document, place.documents, batch.first):
        for item in clean_document(document, selected.get(document.locator, ()), lambda blob: place.raw(blob).read_bytes()):
            if batch.title and isinstance(item, Section):
                item = replace(item, title=batch.title)
            outcomes.append((str(item.reason) if isinstance(item, Reject) else "", to_line(item)))
    return Cleaned(len(batch.lines), tuple(outcomes), document.title if document else "")


def _count(path: Path) -> int:
    with path.open("rb") as file:
        return sum(1 for _ in file)


def clean_inputs(place: Place) -> Any:
    """The documents, and which sections of them are wanted."""
    selected = [source.sections for source in place.settings.source]
    return [file_digest(place.documents), selected, place.settings.corpus.title, place.settings.corpus.language]
