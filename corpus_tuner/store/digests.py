"""Digests of large files, remembered: a dump of 24 GB is not read again to learn that it is the same."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from corpus_tuner.store.files import file_digest, write_text

LARGE = 1 << 20  # bytes from which a digest is remembered; smaller files are read every time
SETTLED = 2 * 10**9  # nanoseconds since the last change: within them a second change may bear the same time


@contextmanager
def remembered(path: Path) -> Iterator[Callable[[Path], str]]:
    """`file_digest`, which reads a large file only if its size, inode, or time of change differs from what `path` notes.

    The trade: content that changed is missed only where a write left all of size, inode, modification time and the
    system's own change time (which no program can set) as they were; a broken disk is. Deleting `path`, as `--fresh`
    does, reads everything again. `path` is written at the end if there is something new to note; a damaged one counts
    as empty.
    """
    known = _read(path)
    before = dict(known)

    def digest_of(file: Path) -> str:
        try:
            status = file.stat()
        except OSError:
            return file_digest(file)
        if status.st_size < LARGE or not file.is_file():
            return file_digest(file)
        stamp = [status.st_size, status.st_ino, status.st_mtime_ns, status.st_ctime_ns]
        name = os.path.abspath(file)
        if known.get(name, [])[:-1] == stamp:
            return known[name][-1]
        found = file_digest(file)
        known.pop(name, None)
        if time.time_ns() - max(stamp[2:]) > SETTLED:
            known[name] = [*stamp, found]
        return found

    yield digest_of
    if known != before:
        there = {name: entry for name, entry in known.items() if os.path.exists(name)}
        with suppress(OSError):  # a status of what may only be read, or of a full disk, is still told
            write_text(path, json.dumps(there, indent=0) + "\n")


def _read(path: Path) -> dict[str, list]:
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    entries = found.items() if isinstance(found, dict) else ()
    return {name: entry for name, entry in entries if isinstance(entry, list) and len(entry) == 5 and isinstance(entry[-1], str)}
