"""Acts on what an evaluation may look at: weak facts get more pairs, the expert is trained anew, the better one is kept.

The loop sees trained and validation questions only. The test questions are asked before and after it, by the evaluation
stage, and nothing is decided by them.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from corpus_tuner.asking import run_folder
from corpus_tuner.errors import CorpusTunerError
from corpus_tuner.improve import budget
from corpus_tuner.improve.trial import Verdict, run, verdict
from corpus_tuner.improve.wording import text
from corpus_tuner.place import IMPROVE, Place, alone, keep_rejects, put_expert
from corpus_tuner.records import Reject
from corpus_tuner.store import from_json, read_jsonl, to_json, write_bytes, write_json, write_text

__all__ = ["Improvement", "Verdict", "improve"]


@dataclass(frozen=True, slots=True)
class Improvement:
    """What all rounds brought, and the test questions before and after, if an expert was replaced."""

    name: str
    rounds: tuple[Verdict, ...]
    stopped: str  # why no further round was made
    paid: float  # for improvements of this corpus, in all runs together
    runs: tuple[str, str]  # folders of evaluation/: of the expert before, and of that after
    test: Any = None  # evaluate.comparison.Comparison of the two; None where the expert is the same

    @property
    def improved(self) -> bool:
        """Whether the expert was replaced."""
        return any(one.kept for one in self.rounds)


def improve(corpus: Any, rounds: int, max_cost: float, watcher: Any) -> Improvement:
    """At most `rounds` rounds on `corpus` (corpus.Corpus), its stages brought up to date before.

    The expert stays what it is until another is proven better. Killed at any moment, the same call goes on; nothing that
    was paid is paid again. Raises CorpusTunerError where `max_cost` (0: no bound) leaves no room for the first call.
    """
    if not 0 <= max_cost < math.inf:
        raise CorpusTunerError(f"--max-cost {max_cost} must be a sum (without it there is no bound)")
    place = corpus.place
    _check(place)
    with alone(place, ".improve.lock", "improvement"):
        place.sweep(IMPROVE)
        way = _under_way(place)
        if way.adopting:
            way = _adopted(corpus, way, watcher)
        corpus.build(watcher=watcher)
        way = replace(way, first=way.first or run_folder(place).name)
        stopped = _end(verdict(place, way.rounds[-1])) if way.rounds else ""
        while not stopped and len(way.rounds) < rounds:
            found = run(place, max_cost, watcher)
            way = replace(way, rounds=(*way.rounds, found.key), adopting=found.key if found.kept else "")
            write_json(_file(place), to_json(way))
            if found.kept:
                way = _adopted(corpus, way, watcher)
            stopped = _end(found)
        done = tuple(verdict(place, key) for key in way.rounds)
        last = run_folder(place).name
        asked = way.first != last and "expert" in place.settings.evaluate.arms
        test = corpus.compare(way.first, last) if asked else None
        result = Improvement(corpus.name, done, stopped or "all rounds are made", round(budget.spent(place), 4), (way.first, last), test)
        write_json(place.folder / IMPROVE / "report.json", to_json(result))
        write_text(place.folder / IMPROVE / "report.txt", text(result) + "\n")
        _file(place).unlink(missing_ok=True)
    return result


def _end(found: Verdict) -> str:
    """Why no round follows that one; "" where one may."""
    if found.cut:
        return "--max-cost is reached"
    return "" if found.kept else found.why


@dataclass(frozen=True, slots=True)
class _Way:
    """An improvement under way, as it lies on disk between its rounds."""

    first: str = ""  # the evaluation of the expert that was there before
    rounds: tuple[str, ...] = ()  # those that are done, by their keys
    adopting: str = ""  # the round whose expert is on its way into its place


def _file(place: Place) -> Path:
    return place.folder / IMPROVE / "under-way.json"


def _under_way(place: Place) -> _Way:
    return from_json(_Way, json.loads(_file(place).read_text(encoding="utf-8"))) if _file(place).exists() else _Way()


def _check(place: Place) -> None:
    if place.settings.recipe.sort:
        raise CorpusTunerError(f"{place.settings.corpus.name} is made by a recipe, whose pairs rest on no sentence: improve needs one with evidence")
    if place.settings.train.preferences:
        raise CorpusTunerError(f"{place.settings.corpus.name} trains on preferences, which improve cannot write")


def _adopted(corpus: Any, way: _Way, watcher: Any) -> _Way:
    """Puts the expert and the pairs of the round that is adopted into their places, as far as they are not there."""
    place = corpus.place
    trial = replace(place, trial=f"{IMPROVE}/{way.adopting}")
    with corpus.locked():
        lost = [one for side in (place, trial) for one in read_jsonl(side.rejects, Reject) if one.stage == "improve"]
        keep_rejects(place, "improve", dict.fromkeys(lost))
        write_bytes(place.improved, trial.improved.read_bytes())
        if trial.expert.exists():
            receipt = replace(trial.receipt(), folder=str(place.expert.relative_to(place.folder)))
            write_json(trial.expert / "expert.json", to_json(receipt))
            put_expert(place, trial.expert)
    corpus.build(watcher=watcher)
    way = replace(way, adopting="")
    write_json(_file(place), to_json(way))
    return way
