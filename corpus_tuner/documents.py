"""The first stage of a build: documents stream from the sources to disk, never whole in memory."""

from __future__ import annotations

import hashlib
import json
import os
import re
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, replace
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

from corpus_tuner import plugins
from corpus_tuner.errors import CorpusTunerError
from corpus_tuner.place import Counts, Outcome, Place, keep
from corpus_tuner.records import Blob, Document, Progress, Reason, Reject
from corpus_tuner.settings import Settings, SourceSettings
from corpus_tuner.settings.recipe import GRID, ROWS
from corpus_tuner.store import digest, file_digest, parse_jsonl, read_jsonl, to_line, write_bytes

URL = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)


def fetch(place: Place, progress: Progress) -> Counts:
    """Documents of every source."""
    first: list[Reject] = []
    blobs: set[str] = set()
    counts = keep(place, "fetch", place.documents, _fetched(place, progress, first, blobs))
    place.partial.unlink(missing_ok=True)
    for path in raw_files(place):
        if path.name not in blobs:
            path.unlink()
    return {"documents": counts[""], "rejects": counts.total() - counts[""]}


def _fetched(place: Place, progress: Progress, first: list[Reject], blobs: set[str]) -> Iterator[Outcome]:
    """What the sources give; the first rejects and all blobs are noted. Raises CorpusTunerError where there is no document."""
    known, seen, count = Known(place), Seen(), 0
    for source in place.settings.source:
        for item in _fetch_source(place, source, known):
            found = seen.told_apart(_kept(place, item) if isinstance(item, Blob) else item, source.locator)
            if isinstance(found, Reject):
                first.extend([found] * (len(first) < 3))
                yield found.reason, to_line(found)
                continue
            count += 1
            blobs.add(found.blob)
            progress(count, None, found.title)
            line = to_line(found)
            if URL.match(source.locator) and known.get(found.id) != found:
                _note(place.partial, line)
            yield "", line
    if not count:
        reasons = "; ".join(f"{reject.item_id}: {reject.reason}" for reject in first)
        raise CorpusTunerError(f"{place.toml}: no document was found{f' ({reasons})' if reasons else ''}: check the locators")


def _note(path: Path, line: bytes) -> None:
    """Appends a line; it opens with a line break, since a killed process may have left a torn one."""
    with path.open("ab") as file:
        file.write(b"\n" + line)


def _noted(path: Path) -> Iterator[bytes]:
    """The lines that `_note` wrote whole."""
    if path.exists():
        with path.open("rb") as file:
            for line in file:
                with suppress(ValueError):
                    json.loads(line)
                    yield line


class Known(Mapping[str, Document]):
    """The documents of the last build, and of a fetch that was cut off, by id; those of a blob only while its bytes are
    there. They are read when first asked for."""

    def __init__(self, place: Place) -> None:
        self._place = place

    @cached_property
    def _documents(self) -> dict[str, Document]:
        place = self._place
        noted = parse_jsonl(_noted(place.partial), Document, place.partial)
        documents = chain(read_jsonl(place.documents, Document), noted)
        return {document.id: document for document in documents if not document.blob or place.raw(document.blob).is_file()}

    def __getitem__(self, identity: str) -> Document:
        return self._documents[identity]

    def __iter__(self) -> Iterator[str]:
        return iter(self._documents)

    def __len__(self) -> int:
        return len(self._documents)


class Seen:
    """Which documents came, in a table that goes to disk where it grows: a dump holds millions."""

    def __init__(self) -> None:
        self._table = sqlite3.connect("")  # a temporary file of SQLite's own
        self._table.execute("CREATE TABLE seen (id BLOB PRIMARY KEY, content BLOB) WITHOUT ROWID")

    def told_apart(self, item: Document | Reject, locator: str) -> Document | Reject:
        """The document, under an id of its own: two folders may hold a file of one name. The same one again is a Reject."""
        if isinstance(item, Reject):
            return item
        content = bytes.fromhex(digest(item.revision, item.text, item.blob))
        for identity in (item.id, digest(item.id, locator)[:16]):
            key = bytes.fromhex(digest(identity))
            before = self._table.execute("SELECT content FROM seen WHERE id = ?", (key,)).fetchone()
            if before is None:
                self._table.execute("INSERT INTO seen VALUES (?, ?)", (key, content))
                return item if identity == item.id else replace(item, id=identity)
            if before[0] == content:
                break
        return Reject("fetch", item.id, Reason.DUPLICATE, f"another source or place gave it before: {item.title}")


def _kept(place: Place, item: Blob) -> Document:
    """The document of a binary format, its bytes written under their digest, whatever name they came with."""
    blob = hashlib.sha256(item.content).hexdigest()
    if not place.raw(blob).is_file():
        write_bytes(place.raw(blob), item.content)
    return replace(item.document, blob=blob)


def raw_files(place: Place) -> list[Path]:
    """The bytes of documents of binary formats."""
    return sorted((place.folder / "raw").glob("*"))


def _fetch_source(place: Place, source: SourceSettings, known: Mapping[str, Document]) -> Iterator[Document | Blob | Reject]:
    locator = source.locator if URL.match(source.locator) else str((place.toml.parent / source.locator).resolve())
    for _name, adapter in plugins.each("sources"):
        found = adapter(replace(place.settings, source=(source,)))
        if found.claims(locator):
            for item in found.fetch(locator, known):
                if isinstance(item, Blob):
                    yield replace(item, document=_described(item.document, source, place.settings))
                else:
                    yield _described(item, source, place.settings) if isinstance(item, Document) else item
            return
    raise CorpusTunerError(f"no source can fetch {source.locator}: give a URL that opens with http:// or https://, or a local file or folder")


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
    local = [_tree(path) for source in place.settings.source if (path := _local(place, source.locator))]
    return [
        [asdict(source) | {"sections": None} for source in place.settings.source],
        place.settings.corpus.language,
        local,
        *_of_recipe(place.settings),
    ]


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


def _tree(path: Path) -> list[tuple[str, str]]:
    files = sorted(item for item in path.rglob("*") if item.is_file()) if path.is_dir() else [path]
    return [(str(file.relative_to(path)), file_digest(file)) for file in files]
