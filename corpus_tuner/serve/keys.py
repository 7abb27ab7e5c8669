"""Keys of clients: shown once, stored hashed. A key has 190 random bits, so that a plain hash cannot be turned back."""

from __future__ import annotations

import hashlib

from corpus_tuner.errors import CorpusTunerError
from corpus_tuner.serve.state import State, new_id, now

NOBODY = ""  # the owner of everything while there are no keys


def make(state: State, name: str) -> str:
    """A new key of `name`; the first one takes over what was made before there were keys."""
    if not name.strip() or len(name) > 64 or not name.isprintable():
        raise CorpusTunerError("a key needs a name of 1 to 64 printable characters")
    key = new_id("sk-ct-", 32)
    with state.write() as db:
        if db.execute("SELECT 1 FROM keys WHERE name = ?", (name,)).fetchone():
            raise CorpusTunerError(f"there is a key named {name!r} already: --revoke-key {name} first, or choose another name")
        if not db.execute("SELECT 1 FROM keys").fetchone():
            for table in ("files", "jobs", "models"):
                db.execute(f"UPDATE {table} SET owner = ? WHERE owner = ?", (name, NOBODY))  # noqa: S608 - ours
        db.execute("INSERT INTO keys VALUES (?, ?, ?)", (name, _hashed(key), now()))
    return key


def revoke(state: State, name: str) -> None:
    """Removes the key of `name`; what it owns stays. Raises CorpusTunerError for an unknown one."""
    with state.write() as db:
        if not db.execute("DELETE FROM keys WHERE name = ?", (name,)).rowcount:
            names = ", ".join(row["name"] for row in db.execute("SELECT name FROM keys ORDER BY name")) or "none"
            raise CorpusTunerError(f"there is no key named {name!r}; there are: {names}")


def are_there(state: State) -> bool:
    """Whether any key was made: then every request needs one."""
    return state.one("SELECT 1 FROM keys") is not None


def owner(state: State, key: str) -> str | None:
    """The name that `key` stands for, or None."""
    row = state.one("SELECT name FROM keys WHERE hash = ?", _hashed(key))
    return row["name"] if row else None


def _hashed(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()
