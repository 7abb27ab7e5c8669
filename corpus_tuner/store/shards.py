"""Records in compressed shards: what `NAME.jsonl` stands for where there are too many for one file.

Beside where `NAME.jsonl` would lie, the folder `NAME/` holds `00000.jsonl.gz` and so on, and `index.json`, written last,
which names each with its number of records and its digest. A folder may hold such folders instead (`rejects/fetch/`).
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from corpus_tuner.errors import CorpusTunerError
from corpus_tuner.store.files import INDEX, replacing, write_text

LEVEL = 2  # of gzip: the fastest that costs a cleaner nothing, and any tool reads it


@dataclass(frozen=True, slots=True)
class Shard:
    """One shard of a folder: its file, how many records are in it, and the digest of its bytes."""

    path: Path
    records: int
    digest: str


def folder_of(path: Path) -> Path:
    """The folder of the shards that `path` (NAME.jsonl) stands for."""
    return path.with_suffix("")


def is_stored(path: Path) -> bool:
    """Whether there are records at `path`, in one file or in shards."""
    return path.is_file() or bool(_indexes(path))


def files_of(path: Path) -> list[Path]:
    """All files that hold the records at `path`, with the indexes."""
    found = [path] if path.is_file() else []
    for index in _indexes(path):
        found += [index, *(shard.path for shard in _shards(index))]
    return found


def shards(path: Path) -> list[Shard]:
    """The shards at `path` in order; none where the records lie in one file. Raises CorpusTunerError for a damaged index."""
    return [shard for index in _indexes(path) for shard in _shards(index)]


def counted(path: Path) -> Counter[str]:
    """How many records of which sort the indexes at `path` name, without reading a shard."""
    found: Counter[str] = Counter()
    for index in _indexes(path):
        found.update(_read(index).get("counts", {}))
    return found


def rows(shard: Shard) -> Iterator[bytes]:
    """The lines of a shard. Raises CorpusTunerError, naming it, where it is missing or damaged."""
    count = 0
    for line in lines(shard.path):
        count += 1
        yield line
    if count != shard.records:
        raise CorpusTunerError(f"{shard.path} has {count} of its {shard.records} records: delete it and build the corpus again")


def lines(path: Path) -> Iterator[bytes]:
    """The lines of a compressed file; of an empty one none. Raises CorpusTunerError where it is missing or damaged."""
    try:
        with gzip.open(path) as file:
            yield from file
    except FileNotFoundError:
        raise CorpusTunerError(f"{path} is missing: build the corpus again") from None
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise CorpusTunerError(f"{path} is damaged ({error}): delete it and build the corpus again") from None


@contextmanager
def zipped(path: Path) -> Iterator[IO[bytes]]:
    """A shard to write, which takes its place when the block ends well: equal lines are equal bytes."""
    with replacing(path) as new, new.open("wb") as file, gzip.GzipFile("", "wb", LEVEL, file, mtime=0) as packed:
        yield packed  # type: ignore[misc]


def write_index(folder: Path, found: Iterable[Shard], counts: Mapping[str, int]) -> None:
    """Writes the index of a folder, which makes its shards count."""
    table = [{"name": shard.path.name, "records": shard.records, "digest": shard.digest} for shard in found]
    write_text(folder / INDEX, json.dumps({"counts": dict(counts), "shards": table}, ensure_ascii=False, indent=1) + "\n")


def _indexes(path: Path) -> list[Path]:
    folder = folder_of(path)
    return sorted([*folder.glob(INDEX), *folder.glob(f"[!.]*/{INDEX}")])


def _shards(index: Path) -> list[Shard]:
    try:
        return [Shard(index.parent / Path(one["name"]).name, one["records"], one["digest"]) for one in _read(index)["shards"]]
    except (KeyError, TypeError) as error:
        raise CorpusTunerError(f"{index} is damaged ({error}): delete it and build the corpus again") from None


def _read(index: Path) -> dict:
    try:
        return dict(json.loads(index.read_bytes()))
    except (ValueError, TypeError) as error:
        raise CorpusTunerError(f"{index} is damaged ({error}): delete it and build the corpus again") from None
