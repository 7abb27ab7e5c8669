"""Which documents there are already: those of the last build, of a fetch that was cut off, and of this one."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import cached_property
from itertools import chain
from pathlib import Path

from corpus_tuner.place import Place
from corpus_tuner.records import Document, Reason, Reject
from corpus_tuner.store import digest, parse_jsonl, read_jsonl


def note(path: Path, line: bytes) -> None:
    """Appends a line; it opens with a line break, since a killed process may have left a torn one."""
    with path.open("ab") as file:
        file.write(b"\n" + line)


def _noted(path: Path) -> Iterator[bytes]:
    """The lines that `note` wrote whole."""
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
        self._table = sqlite3.connect("", isolation_level=None)  # a temporary file of SQLite's own
        self._table.execute("PRAGMA cache_size = -65536")  # 64 MiB
        self._table.execute("CREATE TABLE seen (id BLOB PRIMARY KEY, content BLOB) WITHOUT ROWID")

    def are_new(self, keys: str) -> bool:
        """Notes the documents of these keys, and says so; notes none if one of them came before."""
        raw = bytes.fromhex(keys)
        self._table.execute("BEGIN")
        try:
            self._table.executemany(
                "INSERT INTO seen VALUES (?, ?)", ((raw[at : at + 16], raw[at + 16 : at + 32]) for at in range(0, len(raw), 32))
            )
        except sqlite3.IntegrityError:
            self._table.execute("ROLLBACK")
            return False
        self._table.execute("COMMIT")
        return True

    def told_apart(self, item: Document | Reject, locator: str) -> Document | Reject:
        """The document, under an id of its own: two folders may hold a file of one name. The same one again is a Reject."""
        if isinstance(item, Reject):
            return item
        content = bytes.fromhex(_content(item))
        for identity in (item.id, digest(item.id, locator)[:16]):
            key = bytes.fromhex(digest(identity))
            before = self._table.execute("SELECT content FROM seen WHERE id = ?", (key,)).fetchone()
            if before is None:
                self._table.execute("INSERT INTO seen VALUES (?, ?)", (key, content))
                return item if identity == item.id else replace(item, id=identity)
            if before[0] == content:
                break
        return Reject("fetch", item.id, Reason.DUPLICATE, f"another source or place gave it before: {item.title}")


def key_of(document: Document) -> str:
    """64 hexadecimal digits: half for its id, half for its content."""
    return digest(document.id) + _content(document)


def _content(document: Document) -> str:
    """What two documents of one id must share to be the same."""
    return digest(document.revision, document.text, document.blob)
