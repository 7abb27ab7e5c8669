"""The second stage of a build: sections stream from the documents, by all cores where there are many."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from corpus_tuner.blocks import Block, Outcome, Run
from corpus_tuner.errors import CorpusTunerError
from corpus_tuner.place import Counts, Place
from corpus_tuner.records import Document, Progress, Reason, Reject, Section
from corpus_tuner.settings import SourceSettings
from corpus_tuner.store import file_digest, from_json, parse_jsonl, shards, to_line
from corpus_tuner.workers import cores

MANY = 200  # documents above which all cores clean
BATCH = 1 << 20  # bytes of documents in a block of documents.jsonl
MOST = 16  # documents in it: those of a binary format are a short line and long work


@dataclass(frozen=True, slots=True)
class Rows:
    """Some lines of a file of documents: a shard, or from `start` on `count` lines of documents.jsonl."""

    path: Path
    count: int
    start: int = 0  # in bytes
    first: int = 1  # the number of the first line

    def lines(self) -> Iterator[bytes]:
        """The lines."""
        if self.path.suffix == ".gz":
            yield from shards.rows(shards.Shard(self.path, self.count, ""))
            return
        with self.path.open("rb") as file:
            file.seek(self.start)
            yield from islice(file, self.count)


def clean(place: Place, progress: Progress, many: int = MANY) -> Counts:
    """Sections of every document, by all cores where there are more than `many`: the same bytes whoever cleans."""
    found = list(_rows(place.documents))
    total = sum(rows.count for rows in found)
    run = Run(place, "clean", clean_inputs(place))
    title = place.settings.corpus.title if total == 1 else ""
    blocks = (
        Block(f"{number:05}-{rows.first}-{rows.count}", partial(clean_rows, rows, place, title), rows.count)
        for number, rows in enumerate(found)
    )
    done = 0
    for one in run.blocks(blocks, cores() if total > many else 1):
        done += one.documents
        progress(done, total, one.last)
    if not run.counts[""]:
        raise CorpusTunerError(f"{place.settings.corpus.name}: no text is left after cleaning ({_why(run)}): check the locators and the sections")
    run.finish(place.sections, many=bool(shards.shards(place.documents)))
    return {"sections": run.counts[""], "rejects": run.counts.total() - run.counts[""]}


def _why(run: Run) -> str:
    """What became of the text: how much of it for which reason, and of what could not be read the first, with its fault."""
    counts = ", ".join(f"{count} {reason}" for reason, count in run.counts.most_common(3))
    lost = (from_json(Reject, json.loads(line)) for line in run.rejects())
    first = next((one.detail for one in lost if one.reason is Reason.UNREADABLE), "")
    return f"{counts or 'empty'}{f'; {first}' if first else ''}"


def _rows(path: Path) -> Iterator[Rows]:
    """The documents in blocks: shard by shard, or so many lines of the one file."""
    if not path.is_file():
        yield from (Rows(shard.path, shard.records) for shard in shards.shards(path))
        return
    start, first, count, held = 0, 1, 0, 0
    with path.open("rb") as file:
        for line in file:
            count, held = count + 1, held + len(line)
            if held >= BATCH or count == MOST:
                yield Rows(path, count, start, first)
                start, first, count, held = start + held, first + count, 0, 0
    if count:
        yield Rows(path, count, start, first)


def clean_rows(rows: Rows, place: Place, title: str) -> Iterator[Outcome]:
    """The sections and rejects of some documents; `title` goes before their own. Raises CorpusTunerError for a line that
    is no document."""
    from corpus_tuner.clean import clean_document

    wanted = {source.locator: (source.sections, _templates(place, source)) for source in place.settings.source}
    for document in parse_jsonl(rows.lines(), Document, rows.path, rows.first):
        select, templates = wanted.get(document.locator, ((), ""))
        for item in clean_document(document, select, lambda blob: place.raw(blob).read_bytes(), templates):
            if isinstance(item, Reject):
                yield Outcome(item.reason, to_line(item), title=document.title)
            else:
                yield Outcome("", to_line(_titled(item, title)), title=document.title)


def _titled(section: Section, title: str) -> Section:
    return replace(section, title=title) if title else section


def _templates(place: Place, source: SourceSettings) -> str:
    """The user's own table of what templates say; "" without one."""
    if not source.templates:
        return ""
    try:
        return (place.toml.parent / source.templates).read_text(encoding="utf-8-sig")
    except (OSError, ValueError) as fault:
        raise CorpusTunerError(f"{place.toml}: source.templates = {source.templates!r} cannot be read: {fault}") from None


def check_clean(place: Place) -> None:
    """Raises CorpusTunerError for a table of templates that is not there."""
    for source in place.settings.source:
        _templates(place, source)


def clean_inputs(place: Place) -> Any:
    """The documents, which sections of them are wanted, and what the user says of their templates."""
    selected = [[source.sections, _templates(place, source)] for source in place.settings.source]
    return [file_digest(place.documents), selected, place.settings.corpus.title, place.settings.corpus.language]
