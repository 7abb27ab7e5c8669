"""The first stage of a build: documents stream from the sources to disk, never whole in memory."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

from corpus_tuner import plugins
from corpus_tuner.blocks import RECORDS, REJECTS, Block, Done, Outcome, Run
from corpus_tuner.errors import CorpusTunerError
from corpus_tuner.known import Known, Seen, key_of, note
from corpus_tuner.place import Counts, Place
from corpus_tuner.records import Blob, Document, Piece, Progress, Reject, Source
from corpus_tuner.settings import Settings, SourceSettings
from corpus_tuner.settings.recipe import GRID, ROWS
from corpus_tuner.store import digest, from_json, remembered, to_line, write_bytes
from corpus_tuner.workers import cores

URL = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)
WEB = re.compile(r"https?://", re.IGNORECASE)
MANY = 10_000  # documents above which they, and their sections, lie in shards
FEW = 2  # blocks up to which one process is soonest done


def fetch(place: Place, progress: Progress) -> Counts:
    """Documents of every source, in the order of the sources; of one that can be read in pieces by all cores."""
    run, seen, known = Run(place, "fetch", _described_by(place.settings)), Seen(), Known(place)
    blobs: set[str] = set()
    for number, source in enumerate(place.settings.source):
        adapter, locator = _adapter(place, source)
        pieces = _pieces(adapter, locator)
        if pieces is not None:
            blocks = [Block(f"{number}-{digest(name)}", partial(_of_piece, piece, source, place.settings)) for name, piece in pieces]
            _in_blocks(run, blocks, seen, source.locator, progress)
            continue
        found = (seen.told_apart(_stored(place, item, source), source.locator) for item in adapter.fetch(locator, known))
        run.stream(str(number), _watched(_outcomes(place, source, found, known, blobs), run.counts[""], progress))
    if not run.counts[""]:
        first = (from_json(Reject, json.loads(line)) for line in islice(run.rejects(), 3))
        reasons = "; ".join(f"{reject.item_id}: {reject.detail or reject.reason}" for reject in first)
        raise CorpusTunerError(f"{place.toml}: no document was found{f' ({reasons})' if reasons else ''}: check the locators, and what include and exclude leave")
    run.finish(place.documents, run.counts[""] > MANY)
    place.partial.unlink(missing_ok=True)
    for path in raw_files(place):
        if path.name not in blobs:
            path.unlink()
    return {"documents": run.counts[""], "rejects": run.counts.total() - run.counts[""]}


def check_fetch(place: Place) -> None:
    """Raises CorpusTunerError for a folder that would be read together with what is made of it."""
    results = place.folder.parent.resolve()
    for source in place.settings.source:
        local = _local(place, source.locator)
        if local and results.is_relative_to(local.resolve()):
            raise CorpusTunerError(
                f"{results}, where results go, lies in {local.resolve()} and would be read with it: name a folder within, "
                "or give --root one outside"
            )


def _in_blocks(run: Run, blocks: list[Block], seen: Seen, locator: str, progress: Progress) -> None:
    """A source in blocks, each by itself; of those with a document that came before, what is left."""
    for done in run.blocks(blocks, cores() if len(blocks) > FEW else 1):
        if not seen.are_new(done.keys):
            run.instead(_apart(run, done, seen, locator))
        progress(run.counts[""], None, done.last)


def _pieces(adapter: Source, locator: str) -> Sequence[tuple[str, Piece]] | None:
    """The pieces of what a locator names, if its source can divide it."""
    return adapter.blocks(locator) if hasattr(adapter, "blocks") else None


def _of_piece(piece: Piece, source: SourceSettings, settings: Settings) -> Iterator[Outcome]:
    """What became of the items of a block."""
    for item in piece():
        if isinstance(item, Reject):
            yield Outcome(item.reason, to_line(item))
        else:
            document = _described(item, source, settings)
            yield Outcome("", to_line(document), key_of(document), document.title)


def _apart(run: Run, done: Done, seen: Seen, locator: str) -> Iterator[Outcome]:
    """The outcomes of a block some of whose documents came before."""
    for line in run.lines(done, REJECTS):
        yield Outcome(json.loads(line)["reason"], line)
    for line in run.lines(done, RECORDS):
        item = seen.told_apart(from_json(Document, json.loads(line)), locator)
        yield Outcome(item.reason if isinstance(item, Reject) else "", to_line(item))


def _outcomes(
    place: Place, source: SourceSettings, items: Iterable[Document | Reject], known: Known, blobs: set[str]
) -> Iterator[Outcome]:
    """What became of the items of a stream; their blobs are noted, and what came over the network is, too."""
    for item in items:
        line = to_line(item)
        if isinstance(item, Reject):
            yield Outcome(item.reason, line)
            continue
        blobs.add(item.blob)
        if WEB.match(source.locator) and known.get(item.id) != item:
            note(place.partial, line)
        yield Outcome("", line, title=item.title)


def _watched(outcomes: Iterable[Outcome], before: int, progress: Progress) -> Iterator[Outcome]:
    """The same, and the progress of the documents among them; there were `before` already."""
    count = before
    for outcome in outcomes:
        if not outcome.reason:
            count += 1
            progress(count, None, outcome.title)
        yield outcome


def _stored(place: Place, item: Document | Blob | Reject, source: SourceSettings) -> Document | Reject:
    """The document as the TOML describes it; of a binary format, its bytes written under their digest, whatever name
    they came with."""
    if isinstance(item, Reject):
        return item
    if isinstance(item, Document):
        return _described(item, source, place.settings)
    blob = hashlib.sha256(item.content).hexdigest()
    if not place.raw(blob).is_file():
        write_bytes(place.raw(blob), item.content)
    return replace(_described(item.document, source, place.settings), blob=blob)


def raw_files(place: Place) -> list[Path]:
    """The bytes of documents of binary formats."""
    return sorted((place.folder / "raw").glob("*"))


def _adapter(place: Place, source: SourceSettings) -> tuple[Source, str]:
    """The source that claims a locator, and the locator as it takes it. Raises CorpusTunerError where none does."""
    locator = source.locator if URL.match(source.locator) else str((place.toml.parent / source.locator).resolve())
    for _name, adapter in plugins.each("sources"):
        found = adapter(replace(place.settings, source=(source,)))
        if found.claims(locator):
            return found, locator
    raise CorpusTunerError(f"no source can fetch {source.locator}: give a URL (http, https, s3, gs, hf), or a local file or folder")


def _described(document: Document, source: SourceSettings, settings: Settings) -> Document:
    """The document with what the TOML says of it; a local copy takes the language of the Wikipedia it came from."""
    host = urlsplit(source.origin).netloc
    wiki = re.match(r"([a-z-]{2,12})\.(?:m\.)?wiki[a-z]+\.org$", host)
    return replace(
        document,
        locator=source.locator,
        url=source.origin or document.url,
        revision=source.revision or document.revision,
        licence=source.licence or document.licence,
        language=settings.corpus.language or document.language or (wiki.group(1) if wiki else ""),
    )


def fetch_inputs(place: Place) -> Any:
    """The sources, and what lies in their files."""
    with remembered(place.digests) as digest_of:
        local = [_tree(path, digest_of) for source in place.settings.source if (path := _local(place, source.locator))]
    return [*_described_by(place.settings), local]


def _described_by(settings: Settings) -> list[Any]:
    """All that a document depends on beside its source's own content."""
    sources = [asdict(source) | {"sections": None, "templates": None} for source in settings.source]
    return [sources, settings.corpus.language, *_of_recipe(settings)]


def _of_recipe(settings: Settings) -> list[Any]:
    """What of a recipe decides on its documents, if there is one."""
    recipe = settings.recipe
    return [recipe.sort, recipe.names(), recipe.columns, recipe.grid] if recipe.sort in (GRID, ROWS) else []


def _local(place: Place, locator: str) -> Path | None:
    """The file or folder of a locator, if it is one: of "dump.xml#Title" the dump."""
    if locator.lower().startswith("file:"):
        path = Path(url2pathname(urlsplit(locator).path))
        return path if os.path.exists(path) else None
    if URL.match(locator):
        return None
    paths = (place.toml.parent / name for name in (locator, locator.partition("#")[0]) if name)
    return next((path for path in paths if os.path.exists(path)), None)


def _tree(path: Path, digest_of: Callable[[Path], str]) -> list[tuple[str, str]]:
    """Each file at or below `path` that is not hidden, with its digest; "" for one that cannot be read, which the source rejects."""
    found = sorted(item for item in path.rglob("*") if os.path.isfile(item)) if path.is_dir() else [path]
    files = ((file.relative_to(path), file) for file in found)
    return [(str(name), _content(file, digest_of)) for name, file in files if not any(step.startswith(".") for step in name.parts)]


def _content(file: Path, digest_of: Callable[[Path], str]) -> str:
    try:
        return digest_of(file)
    except PermissionError:
        return ""
