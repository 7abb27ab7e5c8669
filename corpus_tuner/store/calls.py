"""The record of every paid exchange."""

from __future__ import annotations

import errno
import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from corpus_tuner.errors import CorpusTunerError
from corpus_tuner.store.jsonl import to_line


class Calls:
    """Every paid exchange, append-only: what was answered once is never asked again.

    A line is written whole before the caller sees the reply, so a killed process loses at most a line that nobody
    has read; a torn last line is never read, and the next exchange takes its place. Only offsets are held in memory.
    Threads share one object; a second process may open the file, too, but does not see what the first then adds.

    `add` is one system call, without a lock: while a thread waits for one, a reply that is paid would wait with it, and
    a kill at that moment would lose it. The system keeps appended lines apart. A lock on the file is held from the
    first `add` on, so that nobody takes the line that another process is just writing for a torn one.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0), 0o644)
        self._ready = False  # to append
        self._known = 0  # length of what is indexed
        self._offsets = dict(self._index())

    def _index(self) -> Iterator[tuple[str, int]]:
        """Key and offset of every whole line behind what is known; from then on that is known, too.

        Raises CorpusTunerError for a line that is no exchange: it was paid for.
        """
        with self.path.open("rb", buffering=1 << 20) as file:
            file.seek(self._known)
            for number, line in enumerate(file, start=1):
                if not line.endswith(b"\n"):
                    return
                try:
                    yield _key(line), self._known
                except (ValueError, TypeError, KeyError) as error:
                    raise CorpusTunerError(
                        f"{self.path}:{number} is damaged ({error}): delete that line; its call is paid again"
                    ) from error
                self._known += len(line)

    def __contains__(self, key: str) -> bool:
        return key in self._offsets

    def __len__(self) -> int:
        return len(self._offsets)

    def get(self, key: str) -> dict[str, Any] | None:
        """The recorded exchange of `key`: {"key", "request", "reply", "usage", "time"}, or None."""
        with self._lock:
            if self._offsets.get(key) == _UNKNOWN:
                self._offsets.update(self._index())
            offset = self._offsets.get(key)
        if offset is None or offset == _UNKNOWN:
            return None
        with self.path.open("rb") as file:
            file.seek(offset)
            return json.loads(file.readline())

    def add(self, key: str, **exchange: Any) -> None:
        """Appends one exchange; it is in the operating system's hands when this returns.

        Raises OSError where it cannot be written (disk full), and ValueError once the file is closed.
        """
        line = to_line({"key": key, **exchange})
        if not self._ready:
            self._begin()
        before = self._offsets.get(key)
        self._offsets[key] = _UNKNOWN  # before it is written: who indexes meanwhile may put the place in
        try:
            written = os.write(self._file, line)
        except OSError:
            self._take_back(key, before, b"")
            raise
        if written < len(line):
            self._take_back(key, before, line[:written])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self.path))

    def _begin(self) -> None:
        """Cuts off what a killed process left, unless another one is at work; raises ValueError once it is closed."""
        with self._lock:
            if not self._ready:
                with _alone(self._file) as alone:
                    if alone:
                        _cut_torn_line(self._file)
                self._ready = True

    def _take_back(self, key: str, before: int | None, part: bytes) -> None:
        """Half a line on a full disk must not stay."""
        with self._lock:
            if before is None:
                self._offsets.pop(key, None)
            else:
                self._offsets[key] = before
            size = os.fstat(self._file).st_size - len(part)
            with self.path.open("rb") as file:
                file.seek(max(0, size))
                if part and file.read() == part:
                    os.ftruncate(self._file, size)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        with self.path.open("rb") as file:
            for line in file:
                if line.endswith(b"\n"):
                    yield json.loads(line)

    def __bool__(self) -> bool:
        return True  # an empty record is a record

    def close(self) -> None:
        """Closes the file; a later `add` raises ValueError, whoever owns the descriptor's number by then."""
        with self._lock:
            os.close(self._file)
            self._file, self._ready = -1, False


_UNKNOWN = -1  # the offset of a line that this process wrote and has not looked for yet


def _key(line: bytes) -> str:
    """The key of an exchange: lines of ours open with it, so that an index need not parse them."""
    if line.startswith(b'{"key": "') and line.endswith(b"}\n"):
        return line[9 : line.index(b'"', 9)].decode()
    return str(json.loads(line)["key"])


@contextmanager
def _alone(file: int) -> Iterator[bool]:
    """Whether no other process appends to `file`, nor will inside of the block; then a share in its lock, until it closes.

    On systems without flock nobody knows, and everybody is taken to be alone.
    """
    try:
        import fcntl
    except ImportError:
        yield True
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        yield False
    else:
        yield True
    fcntl.flock(file, fcntl.LOCK_SH)


def _cut_torn_line(file: int) -> int:
    """Cuts off what a killed process left behind the last line break; returns the length of what is whole."""
    size = end = os.lseek(file, 0, os.SEEK_END)
    while end:
        start = max(0, end - 65536) if end < size else end - 1  # one byte tells that nothing is torn
        os.lseek(file, start, os.SEEK_SET)
        found = os.read(file, end - start).rfind(b"\n")
        if found >= 0:
            end = start + found + 1
            break
        end = start
    if end < size:
        os.ftruncate(file, end)
    return end
