"""What the service knows, in one SQLite file that survives a kill of any process at any moment."""

from __future__ import annotations

import secrets
import sqlite3
import string
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from corpus_tuner.errors import CorpusTunerError

VERSION = 1  # of the tables
PATIENCE = 30.0  # seconds that a writer waits for another

TABLES = """
CREATE TABLE keys (
    name TEXT PRIMARY KEY, hash TEXT UNIQUE NOT NULL, created_at INTEGER NOT NULL
);
CREATE TABLE files (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE NOT NULL, owner TEXT NOT NULL, bytes INTEGER NOT NULL,
    created_at INTEGER NOT NULL, filename TEXT NOT NULL, purpose TEXT NOT NULL, expires_at INTEGER
);
CREATE INDEX files_of ON files (owner, seq);
CREATE TABLE jobs (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE NOT NULL, owner TEXT NOT NULL, status TEXT NOT NULL,
    created_at INTEGER NOT NULL, finished_at INTEGER, estimated_finish INTEGER,
    model TEXT NOT NULL, base TEXT NOT NULL, trainer TEXT NOT NULL, organization TEXT NOT NULL,
    training_file TEXT NOT NULL, validation_file TEXT, method TEXT NOT NULL, suffix TEXT, seed INTEGER NOT NULL,
    metadata TEXT, fine_tuned_model TEXT, trained_tokens INTEGER, result_files TEXT NOT NULL DEFAULT '[]', error TEXT,
    checked INTEGER NOT NULL DEFAULT 0,  -- whether its files were found good
    step INTEGER NOT NULL DEFAULT 0,     -- of the last metrics
    losses INTEGER NOT NULL DEFAULT 0,   -- of its worker in a row, without a step between
    lost_at INTEGER NOT NULL DEFAULT 0   -- the step at the last of these losses
);
CREATE INDEX jobs_of ON jobs (owner, seq);
CREATE INDEX jobs_in ON jobs (status, seq);
CREATE TABLE events (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE NOT NULL, job TEXT NOT NULL, created_at INTEGER NOT NULL,
    level TEXT NOT NULL, message TEXT NOT NULL, type TEXT NOT NULL, data TEXT NOT NULL
);
CREATE INDEX events_of ON events (job, seq);
CREATE TABLE checkpoints (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE NOT NULL, job TEXT NOT NULL, created_at INTEGER NOT NULL,
    model TEXT NOT NULL, step INTEGER NOT NULL, metrics TEXT NOT NULL
);
CREATE INDEX checkpoints_of ON checkpoints (job, seq);
CREATE TABLE models (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE NOT NULL, owner TEXT NOT NULL, created_at INTEGER NOT NULL,
    job TEXT NOT NULL, base TEXT NOT NULL
);
"""


class State:
    """The database in `folder`, and the folders beside it. Threads share one object; each has its own connection."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._local = threading.local()
        for name in ("files", "incoming", "jobs", "models"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        with self.write() as db:
            version = db.execute("PRAGMA user_version").fetchone()[0]
            if version > VERSION:
                raise CorpusTunerError(f"{folder} was written by a newer corpus-tuner: upgrade this one")
            if version == 0:
                for statement in TABLES.split(";\n"):
                    db.execute(statement)
                db.execute(f"PRAGMA user_version = {VERSION}")

    @property
    def db(self) -> sqlite3.Connection:
        """This thread's connection, outside of any transaction."""
        if not hasattr(self._local, "db"):
            db = sqlite3.connect(self.folder / "state.sqlite", timeout=PATIENCE, isolation_level=None)
            db.row_factory = sqlite3.Row
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA synchronous = NORMAL")
            self._local.db = db
        return self._local.db

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """One transaction: all of the block is stored, or none."""
        db = self.db
        db.execute("BEGIN IMMEDIATE")
        try:
            yield db
            db.execute("COMMIT")
        except BaseException:
            if db.in_transaction:
                db.execute("ROLLBACK")
            raise

    def one(self, sql: str, *values: Any) -> sqlite3.Row | None:
        """The first row, or None."""
        return self.db.execute(sql, values).fetchone()

    def all(self, sql: str, *values: Any) -> list[sqlite3.Row]:
        """Every row."""
        return self.db.execute(sql, values).fetchall()

    def page(
        self, table: str, where: str, values: Sequence[Any], *, after: str | None, limit: int, newest_first: bool = True
    ) -> tuple[list[sqlite3.Row], bool]:
        """At most `limit` rows of `table` behind the one whose id is `after`, and whether there are more.

        `table` and `where` are this program's own text, never a client's.
        """
        order, beyond = ("DESC", "<") if newest_first else ("ASC", ">")
        given = list(values)
        if after:
            where += f" AND seq {beyond} (SELECT seq FROM {table} WHERE id = ?)"  # noqa: S608 - names of tables are ours
            given.append(after)
        rows = self.all(f"SELECT * FROM {table} WHERE {where} ORDER BY seq {order} LIMIT ?", *given, limit + 1)  # noqa: S608
        return rows[:limit], len(rows) > limit


def now() -> int:
    """Seconds since 1970, UTC."""
    return int(time.time())


def new_id(prefix: str, length: int = 24) -> str:
    """A name that nobody can guess and that is safe as a file's name."""
    letters = string.ascii_letters + string.digits
    return prefix + "".join(secrets.choice(letters) for _ in range(length))
