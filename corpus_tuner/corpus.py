"""A corpus: a place on disk and the order of the stages that fill it. Every verb of the command line is a method here."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, Self

from corpus_tuner.errors import CorpusTunerError
from corpus_tuner.place import Counts, Nobody, Place, Watcher, alone
from corpus_tuner.records import Document, Example, Reason, Reject, Section
from corpus_tuner.stages import STAGES, is_stale, run
from corpus_tuner.store import is_stored, read_file, read_jsonl
from corpus_tuner.targets import Mode, Overrides, resolve

KINDS = {"documents": Document, "sections": Section, "examples": Example, "rejects": Reject}


@dataclass(frozen=True, slots=True)
class Built:
    """What a build did: the stages that ran (none if all was up to date), the counts of each, and what lies where."""

    name: str
    ran: tuple[str, ...]
    counts: dict[str, Counts]
    paths: dict[str, str]


class Corpus:
    """One corpus under `root`: `sources/NAME.toml` is what it is made from, `generated/NAME/` what was made of it."""

    def __init__(self, place: Place, *, new: bool = False) -> None:
        self.place = place
        self.is_new = new  # its TOML was written just now

    @classmethod
    def open(
        cls,
        target: str,
        root: str | Path = ".",
        *,
        name: str = "",
        flags: Overrides | None = None,
        save: bool = False,
        engine: str = "local",
        mode: Mode = "build",
    ) -> Self:
        """The corpus that `target` (a name, a TOML file, a URL, a local file or folder) stands for.

        A new URL, file or folder gets its TOML in `root`/sources first, with `flags` (dotted keys of the TOML:
        {"generate.writer": "llm"}) in it. `engine`: who fetches and cleans what can be divided, "local" (all cores) or
        "ray" (its cluster); the result is the same. `mode`: "read" makes no TOML; "try" lets the flags of
        [generate] hold for this once. Raises CorpusTunerError for what cannot be one.
        """
        found = resolve(target, Path(root), name, flags, save, mode)
        place = Place(found.settings, found.path, Path(root) / "generated" / found.settings.corpus.name, engine)
        return cls(place, new=found.new)

    @property
    def name(self) -> str:
        """The name of the corpus and of its folder."""
        return self.place.settings.corpus.name

    def build(self, until: str = "evaluate", *, fresh: bool = False, watcher: Watcher | None = None) -> Built:
        """Runs every stale stage up to and including `until`; with `fresh` the others too. Paid calls stay paid."""
        names = [stage.name for stage in STAGES]
        if until not in names:
            raise CorpusTunerError(f"there is no stage {until!r}: choose from {', '.join(names)}")
        ran = []
        with self.locked():
            self.place.sweep()
            if fresh:
                self.place.forget_blocks()
                self.place.digests.unlink(missing_ok=True)
            for stage in STAGES:
                if fresh or is_stale(stage, self.place):
                    try:
                        if not ran:
                            self._check(stage.name, until)
                        run(stage, self.place, watcher or Nobody())
                    except CorpusTunerError:
                        self._forget_if_new()
                        raise
                    ran.append(stage.name)
                else:
                    self.place.forget_blocks(stage.name)
                if stage.name == until:
                    break
        return Built(
            self.name,
            tuple(ran),
            {name: entry["counts"] for name, entry in self.place.manifest().items()},
            self.paths(until),
        )

    def _check(self, first: str, until: str) -> None:
        """Looks, before any of the stages from `first` to `until` costs time or money, for what the settings name."""
        names = [stage.name for stage in STAGES]
        for stage in STAGES[names.index(first) : names.index(until) + 1]:
            stage.check(self.place)

    def fetch(self, **options: Any) -> Built:
        """Up to the documents."""
        return self.build("fetch", **options)

    def clean(self, **options: Any) -> Built:
        """Up to the sections."""
        return self.build("clean", **options)

    def generate(self, **options: Any) -> Built:
        """Up to the question/answer pairs."""
        return self.build("generate", **options)

    def dataset(self, **options: Any) -> Built:
        """Up to the training files."""
        return self.build("dataset", **options)

    def train(self, **options: Any) -> Built:
        """Up to the expert."""
        return self.build("train", **options)

    def evaluate(self, **options: Any) -> Built:
        """Up to the report."""
        return self.build("evaluate", **options)

    def estimate(self, watcher: Watcher | None = None) -> Any:
        """Requests, tokens, cost and time of generating, and what other ways to answers cost; nothing is sent to a model."""
        from corpus_tuner.estimates import estimate

        self.build("clean", watcher=watcher)
        return estimate(self.place)

    def improve(self, rounds: int = 1, max_cost: float = 0.0, *, watcher: Watcher | None = None) -> Any:
        """More pairs for what the expert is weak in, and a new one that is kept if it is proven better (`improve.Improvement`)."""
        from corpus_tuner.improve import improve

        return improve(self, rounds, max_cost, watcher or Nobody())

    def asker(self, model: str = "expert", base_url: str = "") -> Any:
        """An opened model to ask many questions: `.ask(question) -> Response`."""
        from corpus_tuner.asking import Asker

        self._need(is_stored(self.place.sections), "clean")
        return Asker(self.place, model, base_url)

    def ask(self, question: str, model: str = "expert", base_url: str = "") -> Any:
        """One answer, with the passages that support it."""
        return self.asker(model, base_url).ask(question)

    def compare(self, first: str, second: str, arm: str = "expert") -> Any:
        """What got better and what worse from one run (a folder's name under evaluation/) to another."""
        from corpus_tuner.evaluate.comparison import compare_runs

        folder = self.place.folder / "evaluation"
        for name in (first, second):
            if name not in {path.name for path in folder.glob("*") if path.is_dir()}:
                raise CorpusTunerError(f"{self.name} has no evaluation {name!r}: see {folder}")
        return compare_runs(folder / first, folder / second, arm)

    def show(self, kind: str) -> Iterator[Any]:
        """The records of documents, sections, examples or rejects."""
        if kind not in KINDS:
            raise CorpusTunerError(f"there are no {kind!r} to show: choose from {', '.join(KINDS)}")
        self._need((self.place.folder / "manifest.json").exists(), "build")
        return read_jsonl(getattr(self.place, kind), KINDS[kind])

    def status(self) -> dict[str, Any]:
        """Per stage whether it is done, its counts and seconds; the rejects by stage and reason; the unknown templates of
        wikitext, those first with which the most text went; what lies where."""
        manifest = self.place.manifest()
        stages = {}
        stale = False
        for stage in STAGES:
            stale = stale or is_stale(stage, self.place)
            entry = manifest.get(stage.name, {})
            state = "done" if not stale else "stale" if entry else "missing"
            stages[stage.name] = {"state": state, "counts": entry.get("counts", {}), "seconds": entry.get("seconds")}
        return {
            "name": self.name,
            "stages": stages,
            "rejects": [{"stage": s, "reason": r, "count": n} for (s, r), n in self.place.losses().most_common()],
            "unknown_templates": self._unknown_templates(),
            "paths": self.paths(),
        }

    def _unknown_templates(self) -> list[dict[str, Any]]:
        from corpus_tuner.clean.wikitext import read_losses

        sort = Reason.UNKNOWN_TEMPLATES.encode()  # of a dump's millions of rejects one in ten
        rejects = chain(read_file(self.place.rejects, Reject, sort), read_jsonl(self.place.lost("clean"), Reject, sort))
        lost = (one.detail for one in rejects if one.reason is Reason.UNKNOWN_TEMPLATES)
        return [{"name": name, "uses": uses, "characters": size} for name, (uses, size) in read_losses(lost).items()]

    def table(self) -> str:
        """The newest evaluation as a plain-text table: arms by class of question."""
        report = self.place.report()
        return report.with_name("table.txt").read_text(encoding="utf-8").rstrip() if report else ""

    def paths(self, until: str = "evaluate") -> dict[str, str]:
        """Where the results of the stages up to `until` lie, of those that there are."""
        place = self.place
        documents, sections = (path if path.is_file() else path.with_suffix("") for path in (place.documents, place.sections))
        found = (
            ("documents", documents), ("sections", sections), ("examples", place.examples), ("dataset", place.dataset),
            ("expert", place.expert), ("report", place.report()),
        )  # fmt: skip
        last = [stage.name for stage in STAGES].index(until) + 1
        return {name: str(path) for name, path in found[:last] if path and path.exists()}

    def _forget_if_new(self) -> None:
        """Takes back the TOML that this very command wrote for a URL or file that gave no document, and the folders for it."""
        if self.is_new and not is_stored(self.place.documents) and not self.place.partial.exists():
            self.place.toml.unlink()
            shutil.rmtree(self.place.folder)
            for folder in (self.place.toml.parent, self.place.folder.parent):
                with suppress(OSError):  # it holds something else
                    folder.rmdir()

    def _need(self, there: bool, verb: str) -> None:
        if not there:
            raise CorpusTunerError(f"{self.name} has nothing to show yet: corpus-tuner {verb} {self.name}")

    def locked(self) -> Any:
        """One build of a corpus at a time; the system frees the lock of a killed process."""
        return alone(self.place, ".lock", "build")
