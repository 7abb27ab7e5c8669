"""A stage in blocks: each is worked on by itself, here or on another machine, and what came of it stays on disk.

While a stage runs, the folder `.STAGE-DIGEST.partial` of its inputs holds three files for each block that is done: its
records, its rejects, and a note that is written last. So a stage that was killed works only on the blocks that lack
their notes, and gives the bytes that it would have given undisturbed. At the end the blocks become one file of records,
or its shards.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

from corpus_tuner.place import Place
from corpus_tuner.records import Reject
from corpus_tuner.store import digest, file_digest, from_json, read_file, replacing, shards, to_line, write_text
from corpus_tuner.store.shards import Shard
from corpus_tuner.workers import ordered

STREAM = 16 << 20  # bytes of records in a block that is cut from a stream
RECORDS, REJECTS = "jsonl.gz", "rejects.jsonl.gz"


class Outcome(NamedTuple):
    """What became of an item: the record as its line of JSONL, or with a reason the Reject."""

    reason: str  # "" for a record
    line: bytes
    key: str = ""  # 64 hexadecimal digits that tell a document apart; "" for what need not be
    title: str = ""


@dataclass(frozen=True, slots=True)
class Block:
    """A part of a stage's work. Within one partial folder its name stands for its content, whoever works on it."""

    name: str
    outcomes: Callable[[], Iterable[Outcome]]  # picklable
    documents: int = 0  # in it, where that is known


@dataclass(frozen=True, slots=True)
class Done:
    """The note of a block that is done."""

    name: str
    counts: Mapping[str, int] = field(default_factory=dict)  # by reason; records under ""
    digests: Mapping[str, str] = field(default_factory=dict)  # of its two files
    keys: str = ""  # of its documents, one after the other
    last: str = ""  # title of its last document
    documents: int = 0


def work(folder: Path, block: Block) -> Done:
    """What became of a block: as an earlier run left it in `folder`, or worked out now. Raises what `outcomes` raises."""
    return _left(folder, block.name) or write(folder, block)


def write(folder: Path, block: Block) -> Done:
    """Writes what became of a block, its note last. Whoever else writes the same block writes the same bytes."""
    counts: Counter[str] = Counter()
    keys, last = [], ""
    with shards.zipped(folder / f"{block.name}.{RECORDS}") as records, shards.zipped(folder / f"{block.name}.{REJECTS}") as rejects:
        for outcome in block.outcomes():
            counts[outcome.reason] += 1
            (rejects if outcome.reason else records).write(outcome.line)
            keys.append(outcome.key)
            last = outcome.title or last
    digests = {kind: file_digest(folder / f"{block.name}.{kind}") for kind in (RECORDS, REJECTS)}
    done = Done(block.name, dict(counts), digests, "".join(keys), last, block.documents)
    write_text(folder / f"{block.name}.json", to_line(done).decode())
    return done


def _left(folder: Path, name: str) -> Done | None:
    """The note of a block whose files are as it says: after a power cut a file may be shorter than it was."""
    try:
        done = from_json(Done, json.loads((folder / f"{name}.json").read_bytes()))
    except (FileNotFoundError, ValueError, TypeError, KeyError, AttributeError):
        return None
    return done if all(file_digest(folder / f"{name}.{kind}") == value for kind, value in done.digests.items()) else None


class Run:
    """One run of a stage: the blocks so far, in order, and where their files lie until `finish`."""

    def __init__(self, place: Place, stage: str, inputs: Any) -> None:
        """`inputs`: JSON values, all that a block's result depends on beside its name. What is left of others is cleared away."""
        self.place, self.stage = place, stage
        key = digest(inputs, importlib.metadata.version("corpus-tuner"))
        self.folder = place.folder / f".{stage}-{key[:8]}.partial"
        for other in place.folder.glob(f".{stage}-*.partial"):
            if other != self.folder:
                shutil.rmtree(other, ignore_errors=True)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.counts: Counter[str] = Counter()
        self._done: list[Done] = []

    def blocks(self, blocks: Iterable[Block], processes: int) -> Iterator[Done]:
        """What became of each, in order; by several processes, or by the place's engine."""
        for done in ordered(partial(work, self.folder), blocks, processes, self.place.engine):
            yield self._add(done)

    def stream(self, name: str, outcomes: Iterable[Outcome]) -> None:
        """Cuts outcomes that come one after the other into blocks; they cannot be had again from the middle."""
        rest = iter(outcomes)
        for number, first in enumerate(rest):
            self._add(write(self.folder, Block(f"{name}-{number:05}", partial(_up_to, STREAM, first, rest))))

    def instead(self, outcomes: Iterable[Outcome]) -> None:
        """Puts other outcomes in the place of the last block's. They are worked out again by every run."""
        last = self._done.pop()
        self.counts -= Counter(last.counts)
        self._add(write(self.folder, Block(f"{last.name}-instead", lambda: outcomes)))

    def _add(self, done: Done) -> Done:
        self.counts += Counter(done.counts)
        self._done.append(replace(done, keys=""))
        return done

    def lines(self, done: Done, kind: str) -> Iterator[bytes]:
        """The RECORDS or the REJECTS of a block."""
        return shards.lines(self.folder / f"{done.name}.{kind}")

    def rejects(self) -> Iterator[bytes]:
        """The rejects so far."""
        return self._all(REJECTS)

    def _all(self, kind: str) -> Iterator[bytes]:
        return chain.from_iterable(self.lines(done, kind) for done in self._done)

    def finish(self, path: Path, many: bool) -> None:
        """The blocks become the records at `path`, and their rejects those of the stage: in shards where there are `many`.

        What was there stays until it is replaced; a run that is killed here finishes when it runs again.
        """
        lost = self.place.rejects
        if many:
            self._as_shards(REJECTS, shards.folder_of(self.place.lost(self.stage)))
            self._as_shards(RECORDS, shards.folder_of(path))
            path.unlink(missing_ok=True)
            self._as_file(lost, _of_others(lost, self.stage))
        else:
            self._as_file(lost, chain(_of_others(lost, self.stage), self.rejects()))
            self._as_file(path, self._all(RECORDS))
            for folder in map(shards.folder_of, (self.place.lost(self.stage), path)):
                shutil.rmtree(folder, ignore_errors=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _as_file(self, path: Path, rows: Iterable[bytes]) -> None:
        with replacing(path) as new, new.open("wb") as file:
            file.writelines(rows)

    def _as_shards(self, kind: str, folder: Path) -> None:
        """Makes `folder` anew: a killed run must find the blocks where they were, so that files get a second name first."""
        new, old = self.folder / f"{kind}.new", folder.with_name(f".{folder.name}.old")
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir()
        found: list[Shard] = []
        for done in self._done:
            records = sum(number for reason, number in done.counts.items() if bool(reason) == (kind == REJECTS))
            if records:
                found.append(Shard(new / f"{len(found):05}.jsonl.gz", records, done.digests[kind]))
                _link(self.folder / f"{done.name}.{kind}", found[-1].path)
        counts = {reason: number for reason, number in sorted(self.counts.items()) if bool(reason) == (kind == REJECTS)}
        shards.write_index(new, found, counts)
        shutil.rmtree(old, ignore_errors=True)
        folder.parent.mkdir(parents=True, exist_ok=True)
        if folder.exists():
            folder.rename(old)
        new.rename(folder)
        shutil.rmtree(old, ignore_errors=True)


def _up_to(size: int, first: Outcome, rest: Iterator[Outcome]) -> Iterator[Outcome]:
    """`first`, and of the rest so many that the lines have `size` bytes or more."""
    held = 0
    for outcome in chain([first], rest):
        yield outcome
        held += len(outcome.line)
        if held >= size:
            return


def _of_others(path: Path, stage: str) -> Iterator[bytes]:
    return (to_line(one) for one in read_file(path, Reject) if one.stage != stage)


def _link(source: Path, target: Path) -> None:
    """A second name for a file; on a system of files that has none, a copy."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
