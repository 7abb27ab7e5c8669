"""JSONL of records, in one file or in compressed shards: no reader need know which."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from corpus_tuner.errors import CorpusTunerError
from corpus_tuner.store.files import replacing, write_text
from corpus_tuner.store.shards import rows, shards

R = TypeVar("R")


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
    """A record or mapping as one line of JSONL; a lone surrogate, which UTF-8 cannot hold, becomes its JSON escape."""
    return (json.dumps(record, ensure_ascii=False, default=_plain) + "\n").encode("utf-8", "backslashreplace")


def _plain(value: Any) -> Any:
    """What JSON's own encoder does not know: millions of records are faster by it than by `to_json`."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} is not JSON")


def to_json(record: Any) -> Any:
    """A record as plain JSON values."""
    if dataclasses.is_dataclass(record) and not isinstance(record, type):
        return {f.name: to_json(getattr(record, f.name)) for f in dataclasses.fields(record)}
    if isinstance(record, Mapping):
        return {key: to_json(value) for key, value in record.items()}
    if isinstance(record, list | tuple):
        return [to_json(value) for value in record]
    return record


def read_jsonl(path: Path, record: type[R], holding: bytes = b"") -> Iterator[R]:
    """The records of a file that `write_jsonl` wrote, then those of its shards; nothing if there is neither. Where few of
    many are wanted, a line without the bytes `holding` is passed over unread.

    Raises CorpusTunerError, naming the line, for one that is not such a record, and for a shard that is missing or damaged.
    """
    yield from read_file(path, record, holding)
    for shard in shards(path):
        yield from parse_jsonl(rows(shard), record, shard.path, holding=holding)


def read_file(path: Path, record: type[R], holding: bytes = b"") -> Iterator[R]:
    """The same of the file alone."""
    if path.exists():
        with path.open("rb") as file:  # lines end at b"\n" alone: no character of a text is taken for a line break
            yield from parse_jsonl(file, record, path, holding=holding)


def parse_jsonl(lines: Iterable[bytes], record: type[R], path: Path, first: int = 1, holding: bytes = b"") -> Iterator[R]:
    """The records of lines of a file, the first of which is its line `first`. Raises as `read_jsonl` does."""
    make = _maker(record)
    for number, line in enumerate(lines, start=first):
        if holding not in line:
            continue
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
    return lambda value: value
