"""Files that are whole or not there: atomic replacement, and digests."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

INDEX = "index.json"  # of a folder of shards


def digest(*parts: Any) -> str:
    """SHA-256, 32 hexadecimal digits, of `parts` as canonical JSON."""
    text = json.dumps(parts, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def file_digest(path: Path) -> str:
    """SHA-256, 32 hexadecimal digits, of a file's bytes; of records that lie in shards, of their index, which holds the
    digest of each; "" if there is none."""
    if path.suffix == ".jsonl" and not path.is_file():
        path = path.with_suffix("") / INDEX
    if not path.is_file():
        return ""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:32]


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary path beside `path` that takes its place when the block ends well, and vanishes when it does not.

    Who may read it is the user's umask to say, whatever wrote it: safetensors hides what it writes from all but the user.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        temporary.touch(exist_ok=False)
        mode = temporary.stat().st_mode
        yield temporary
        temporary.chmod(mode)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Writes `text` as UTF-8 so that a reader sees the old file or the new one, never a part.

    A lone surrogate, which UTF-8 cannot hold, becomes its escape `\\ud800`: in JSON that is the same character.
    """
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8", errors="backslashreplace", newline="\n")


def write_bytes(path: Path, content: bytes) -> None:
    """Writes `content` so that a reader sees the old file or the new one, never a part."""
    with replacing(path) as temporary:
        temporary.write_bytes(content)
