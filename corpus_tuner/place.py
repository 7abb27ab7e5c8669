"""The folder of one corpus, what a stage of its build is, and who looks on."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, Protocol

from corpus_tuner.errors import CorpusTunerError, Unavailable
from corpus_tuner.records import Document, Expert, Progress, Reject
from corpus_tuner.settings import Settings
from corpus_tuner.store import Calls, from_json, read_file, read_jsonl, write_jsonl
from corpus_tuner.store.shards import counted

Counts = dict[str, float]
IMPROVE = "improve"  # the folder of improvements, each round in a folder of its own


@dataclass(frozen=True, slots=True)
class Place:
    """Where a corpus lies: its settings, its TOML, and the folder that holds what was made of it."""

    settings: Settings
    toml: Path
    folder: Path
    engine: str = "local"  # that works on the blocks of a stage; or "ray"
    trial: str = ""  # folder under `folder` of a dataset and an expert that are not (yet) those of the corpus

    @property
    def documents(self) -> Path:
        """Raw documents as pulled; where there are many, shards in the folder `documents/`, which every reader of this
        path takes for them. The same holds for the sections and the rejects."""
        return self.folder / "documents.jsonl"

    @property
    def partial(self) -> Path:
        """Documents that came over the network before a fetch was cut off: the next one need not ask for them again."""
        return self.folder / "documents.partial.jsonl"

    def raw(self, blob: str) -> Path:
        """The bytes of a document of a binary format, by their digest."""
        return self.folder / "raw" / blob

    @property
    def sections(self) -> Path:
        """The cleaned section hierarchy."""
        return self.folder / "sections.jsonl"

    @property
    def examples(self) -> Path:
        """Question/answer pairs with their evidence."""
        return self.folder / "examples.jsonl"

    @property
    def improved(self) -> Path:
        """Pairs that were written later, for facts that the expert was weak in; there may be none."""
        return self.folder / self.trial / "improved.jsonl"

    @property
    def splits(self) -> Path:
        """Which pair is trained on and which is held out."""
        return self.folder / self.trial / "splits.jsonl"

    @property
    def rejects(self) -> Path:
        """Everything that left the flow, with its reason."""
        return self.folder / self.trial / "rejects.jsonl"

    def lost(self, stage: str) -> Path:
        """Where the rejects of a stage lie apart from the others, in shards beside its own."""
        return self.rejects.with_suffix("") / f"{stage}.jsonl"

    def losses(self) -> Counter[tuple[str, str]]:
        """How many items left the flow, by stage and reason. Shards are not read for it: a dump rejects millions."""
        found = Counter((one.stage, str(one.reason)) for one in read_file(self.rejects, Reject))
        for stage in ("fetch", "clean"):
            found.update({(stage, reason): number for reason, number in counted(self.lost(stage)).items()})
        return found

    def losses_by_reason(self) -> Counter[str]:
        """The same by reason alone."""
        found: Counter[str] = Counter()
        for (_, reason), number in self.losses().items():
            found[reason] += number
        return found

    @property
    def prices(self) -> Path:
        """The user's own price table, beside sources/ and generated/; there may be none."""
        return self.folder.parent.parent / "prices.toml"

    @property
    def digests(self) -> Path:
        """The digests of large files, remembered."""
        return self.folder / ".digests.json"

    @property
    def dataset(self) -> Path:
        """The folder of training files."""
        return self.folder / self.trial / "dataset"

    @property
    def expert(self) -> Path:
        """The folder of the expert that the settings' trainer makes."""
        return self.folder / self.trial / "experts" / self.settings.train.trainer

    @property
    def title(self) -> str:
        """What the corpus is about, in a word."""
        return (
            self.settings.corpus.title
            or next((d.title for d in read_jsonl(self.documents, Document)), "")
            or self.settings.corpus.name
        )

    def receipt(self) -> Expert:
        """The expert's receipt. Raises CorpusTunerError where none was trained yet, or it is damaged."""
        path = self.expert / "expert.json"
        if not path.is_file():
            raise CorpusTunerError(
                f"{self.settings.corpus.name} has no expert yet: corpus-tuner build {self.settings.corpus.name}"
            )
        try:
            return from_json(Expert, json.loads(path.read_text(encoding="utf-8")))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise CorpusTunerError(f"{path} is not an expert's receipt ({error}): delete its folder and train again") from None

    def manifest(self) -> dict[str, Any]:
        """What is done: per stage its digests, counts and seconds; {} before the first."""
        path = self.folder / "manifest.json"
        try:
            found = dict(json.loads(path.read_text(encoding="utf-8")))
            if any(not isinstance(entry, dict) or not {"inputs", "outputs", "counts"} <= entry.keys() for entry in found.values()):
                raise ValueError("an entry is none of a stage")  # noqa: TRY301  damaged, in whatever way
        except FileNotFoundError:
            return {}
        except (ValueError, TypeError) as error:
            raise CorpusTunerError(f"{path} is damaged ({error}): delete it, and the stages run again") from None
        return found

    def forget_blocks(self, stage: str = "*") -> None:
        """Takes away the blocks of a run that was cut off."""
        for left in self.folder.glob(f".{stage}-*.partial"):
            shutil.rmtree(left, ignore_errors=True)

    def sweep(self, within: str = "") -> None:
        """Takes away the temporary files of a killed process: those `within` a folder, or all but those of an improvement,
        which has a lock of its own and may be at work."""
        for left in (self.folder / within).rglob(".*.tmp"):
            if within or self.folder / IMPROVE not in left.parents:
                left.unlink(missing_ok=True)

    def report(self) -> Path | None:
        """The last evaluation's report, by what it noted itself: times of files depend on a clock that may be set back."""
        written = self.manifest().get("evaluate", {}).get("outputs", {})
        found = (self.folder / name for name in written if name.endswith("/report.json"))
        return next((path.with_suffix(".html") for path in found if path.with_suffix(".html").is_file()), None)

    def calls(self) -> Calls:
        """The record of every paid exchange of this corpus."""
        return Calls(self.folder / "calls.jsonl")


@dataclass(frozen=True, slots=True)
class Stage:
    """One step of a build."""

    name: str
    inputs: Callable[[Place], Any]  # JSON values: all that its result depends on
    run: Callable[[Place, Progress], Counts]
    outputs: Callable[[Place], Iterable[Path]]  # that exist once it is done
    check: Callable[[Place], None] = lambda _: None  # raises CorpusTunerError for what the settings name and is not there


class Watcher(Protocol):
    """Who looks on while stages run."""

    def start(self, stage: str) -> None:
        """A stage begins."""
        ...

    def progress(self, done: int, total: int | None, note: str) -> None:
        """It goes on: `done` of `total` items."""
        ...

    def finish(self, stage: str, counts: Counts, seconds: float) -> None:
        """It is done."""
        ...

    def abort(self) -> None:
        """It ends without a result; what went wrong is said by others."""
        ...


class Nobody:
    """The Watcher of a caller who does not look."""

    def start(self, stage: str) -> None: ...
    def progress(self, done: int, total: int | None, note: str) -> None: ...
    def finish(self, stage: str, counts: Counts, seconds: float) -> None: ...
    def abort(self) -> None: ...


def keep_rejects(place: Place, stage: str, rejects: Iterable[Reject]) -> None:
    """Replaces the rejects of one stage, one by one: there may be millions of other stages'."""
    others = (reject for reject in read_file(place.rejects, Reject) if reject.stage != stage)
    write_jsonl(place.rejects, chain(others, rejects))


def put_expert(place: Place, folder: Path) -> None:
    """Puts the whole expert in `folder` where that of the corpus stands, which goes."""
    old = place.expert.with_name(f".{place.expert.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if place.expert.exists():
        place.expert.rename(old)
    folder.rename(place.expert)
    shutil.rmtree(old, ignore_errors=True)


def alone(place: Place, name: str, work: str) -> Any:
    """The lock `name` of a corpus, for one `work` at a time; the system frees that of a killed process. Raises Unavailable."""
    from filelock import FileLock, Timeout

    place.folder.mkdir(parents=True, exist_ok=True)
    try:
        return FileLock(place.folder / name, timeout=0).acquire()
    except Timeout:
        raise Unavailable(f"another {work} of {place.settings.corpus.name} is under way: wait for it, or end it") from None
