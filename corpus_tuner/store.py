"""What lies on disk: JSONL of records, atomic replacement, digests, and the record of every paid exchange."""

from __future__ import annotations

import dataclasses
import errno
import hashlib
import json
import os
import tempfile
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from corpus_tuner.errors import CorpusTunerError

R = TypeVar("R")


def digest(*parts: Any) -> str:
    """SHA-256, 32 hexadecimal digits, of `parts` as canonical JSON."""
    text = json.dumps(parts, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def file_digest(path: Path) -> str:
    """SHA-256, 32 hexadecimal digits, of a file's bytes; "" if there is none."""
    if not path.is_file():
        return ""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:32]


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary path beside `path` that takes its place when the block ends well, and vanishes when it does not."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o644)
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


def write_json(path: Path, value: Any) -> None:
    """Writes `value` as indented JSON, atomically."""
    write_text(path, indented(value) + "\n")


def indented(value: Any) -> str:
    """Records or plain values as JSON for people."""
    return json.dumps(to_json(value), ensure_ascii=False, indent=1)


def write_jsonl(path: Path, records: Iterable[Any]) -> int:
    """Writes records (dataclasses or mappings), one a line, atomically; returns how many."""
    count = 0
    with replacing(path) as temporary, temporary.open("wb") as file:
        for count, record in enumerate(records, start=1):  # noqa: B007
            file.write(to_line(record))
    return count


def to_line(record: Any) -> bytes:
    """A record as one line of JSONL."""
    return _line(to_json(record))


def _line(value: Any) -> bytes:
    """One line of JSONL; a lone surrogate, which UTF-8 cannot hold, becomes its JSON escape."""
    return (json.dumps(value, ensure_ascii=False) + "\n").encode("utf-8", "backslashreplace")


def to_json(record: Any) -> Any:
    """A record as plain JSON values."""
    if dataclasses.is_dataclass(record) and not isinstance(record, type):
        return {f.name: to_json(getattr(record, f.name)) for f in dataclasses.fields(record)}
    if isinstance(record, Mapping):
        return {key: to_json(value) for key, value in record.items()}
    if isinstance(record, list | tuple):
        return [to_json(value) for value in record]
    return record


def read_jsonl(path: Path, record: type[R]) -> Iterator[R]:
    """The records of a file that `write_jsonl` wrote; nothing if there is no file.

    Raises CorpusTunerError, naming the line, for one that is not such a record.
    """
    if path.exists():
        with path.open("rb") as file:  # lines end at b"\n" alone: no character of a text is taken for a line break
            yield from parse_jsonl(file, record, path)


def parse_jsonl(lines: Iterable[bytes], record: type[R], path: Path, first: int = 1) -> Iterator[R]:
    """The records of lines of a file, the first of which is its line `first`. Raises as `read_jsonl` does."""
    make = _maker(record)
    for number, line in enumerate(lines, start=first):
        try:
            value = make(json.loads(line))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise CorpusTunerError(
                f"{path}:{number} is not a {record.__name__} ({error}): delete the file and run the stage again"
            ) from error
        yield value


def from_json(record: type[R], value: Mapping[str, Any]) -> R:
    """A record from its plain JSON values."""
    return _maker(record)(value)


def _maker(record: type[R]) -> Any:
    hints = get_type_hints(record)
    casts = {f.name: _caster(hints[f.name]) for f in dataclasses.fields(record)}  # type: ignore[arg-type]
    return lambda value: record(**{key: casts[key](item) for key, item in value.items()})


def _caster(hint: Any) -> Any:
    """JSON has no tuples and no enums: what turns a plain value back into the field's type."""
    if get_origin(hint) is tuple:
        inner = _caster(get_args(hint)[0])
        return lambda value: tuple(inner(item) for item in value)
    if isinstance(hint, type) and issubclass(hint, str) and hint is not str:
        return hint
    if get_origin(hint) is UnionType:
        return lambda value: value
    return lambda value: value


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
        line = _line({"key": key, **exchange})
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
