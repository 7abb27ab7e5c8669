"""One round: more pairs for what is weak, an expert trained anew from all of them, and whether it is proven better.

Everything lies in a folder named after its inputs; what is there already is not made again.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from corpus_tuner import recipes, training
from corpus_tuner.arms import open_arm, pairs, splits
from corpus_tuner.costs import Tagged
from corpus_tuner.errors import OverBudget
from corpus_tuner.evaluate.pairs import NO_DIFFERENCE, SURE, mcnemar
from corpus_tuner.improve import budget
from corpus_tuner.improve.weak import Weak, find
from corpus_tuner.place import IMPROVE, Place, keep_rejects
from corpus_tuner.records import Answer, Example, Progress, Question, Reject, Section
from corpus_tuner.store import digest, file_digest, from_json, read_jsonl, to_json, write_json, write_jsonl

EACH = 6  # further pairs for a weak sentence, as far as the writer has them; a third of them validates
MOST_ASKED = 1000  # trained questions, chosen by digest
LOOKED_AT = ("train", "validation")  # the splits that the loop may see


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a round brought. Shares are of right answers; `low` and `high` bound the difference on validation questions."""

    key: str
    kept: bool
    why: str
    weak_facts: int
    weak_sections: tuple[str, ...]  # headings of those that are weak as a whole
    weak_sentences: int
    judged_by: str
    written: int
    trained: int  # of what was written
    validating: int  # of what was written
    cut: bool  # the writer was stopped by the bound on costs
    n: int = 0  # validation questions, those of this round included
    before: float = 0.0
    after: float = 0.0
    better: int = 0
    worse: int = 0
    p: float = 1.0
    low: float = 0.0
    high: float = 0.0
    trained_before: float = 0.0  # on the questions that both were trained on
    trained_after: float = 0.0


def key_of(place: Place, max_cost: float) -> str:
    """The name of the round that begins from what lies on disk now."""
    settings = place.settings
    files = [file_digest(path) for path in (place.sections, place.examples, place.improved, place.expert / "expert.json")]
    generate = {name: value for name, value in asdict(settings.generate).items() if name not in ("concurrency", "api_key_env", "max_rejected", "max_cost")}
    return digest(files, generate, asdict(settings.dataset), asdict(settings.train), max_cost)[:12]


def run(place: Place, max_cost: float, watcher: Any) -> Verdict:
    """The round that begins from what lies on disk: as it ended, if it has, else as far as it is not done yet.

    Raises OverBudget where nothing can be written within `max_cost`, and CorpusTunerError as stages do.
    """
    key = key_of(place, max_cost)
    trial = replace(place, trial=f"{IMPROVE}/{key}")
    folder = place.folder / trial.trial
    done = folder / "verdict.json"
    if done.exists():
        return verdict(place, key)
    asked = looked_at(place)
    watcher.start("asking the expert")
    before = _answers(place, place, asked, folder / "answers-before.jsonl", max_cost, watcher.progress)
    weak = find(asked, [is_right(one) for one in before], _of(place, "train"))
    headings = {one.id: one.heading for one in read_jsonl(place.sections, Section) if one.id in weak.sentences}
    whole = tuple(headings[name] for name in (*weak.sections, *weak.thin))
    found = Verdict(key, False, "nothing is weak", weak.facts, whole, weak.count, weak.judged_by, 0, 0, 0, False)
    if weak.count:
        found = _tried(place, trial, weak, found, (asked, before), max_cost, watcher)
    write_json(done, to_json(found))
    if not found.kept and place.settings.train.trainer != "remote":  # there the receipt names what lies at the host
        shutil.rmtree(trial.expert, ignore_errors=True)
    return found


def verdict(place: Place, key: str) -> Verdict:
    """What came of the round `key`, which is done."""
    return from_json(Verdict, json.loads((place.folder / IMPROVE / key / "verdict.json").read_text(encoding="utf-8")))


def _tried(
    place: Place, trial: Place, weak: Weak, found: Verdict, old: tuple[list[Question], list[Answer]], max_cost: float, watcher: Any
) -> Verdict:
    watcher.start("writing more")
    cut = _write(place, trial, weak, max_cost, watcher.progress)
    training.dataset(trial, watcher.progress)
    known = {one.id for one in pairs(place)}
    placed = {name: split for name, split in splits(trial).items() if name not in known}
    counts = [list(placed.values()).count(split) for split in LOOKED_AT]
    written = sum(1 for _ in read_jsonl(trial.improved, Example)) - sum(1 for _ in read_jsonl(place.improved, Example))
    found = replace(found, written=written, trained=counts[0], validating=counts[1], cut=cut)
    if not counts[0]:
        return replace(found, why="nothing more can be written for what is weak")
    budget.check_training(place, trial, max_cost)
    watcher.start("training again")
    training.train(trial, watcher.progress)
    watcher.start("asking both experts")
    folder = trial.improved.parent
    fresh = [one for one in looked_at(trial) if one.cls == "validation" and one.id in placed]
    asked = [*old[0], *fresh]
    before = [*old[1], *_answers(place, place, fresh, folder / "answers-before-fresh.jsonl", max_cost, watcher.progress)]
    after = _answers(place, trial, asked, folder / "answers-after.jsonl", max_cost, watcher.progress)
    return judged(found, asked, before, after)


def judged(found: Verdict, asked: Sequence[Question], before: Sequence[Answer], after: Sequence[Answer]) -> Verdict:
    """`found`, with what the validation questions say of both experts; the new one is kept if it is better beyond the noise
    there (McNemar's test), and not worse beyond it on the questions that both were trained on.

    Questions of one fact share their luck. Sections are no sample here, as they are in a report: the pairs were written for
    some of them, and it is these that are judged.
    """
    import numpy as np

    from corpus_tuner.evaluate.statistics import bootstrap

    tests = {}
    for cls in ("validation", "trained"):
        places = [place for place, one in enumerate(asked) if one.cls == cls]
        old, new = ([float(is_right(given[place])) for place in places] for given in (before, after))
        clusters = [str(asked[place].evidence or asked[place].id) for place in places]
        tests[cls] = old, new, clusters, mcnemar(new, old, clusters)
    old, new, clusters, (better, worse, p) = tests["validation"]
    recalled, recalls, _, forgotten = tests["trained"]
    gap = bootstrap(np.array([[b - a] for a, b in zip(old, new)]), clusters)[0] if old else None
    kept, why = p < SURE and better > worse, "better beyond the noise"
    if not kept:
        why = NO_DIFFERENCE if p >= SURE or better == worse else "worse beyond the noise"
    elif forgotten.p < SURE and forgotten.right_only > forgotten.left_only:
        kept, why = False, "it forgets what both were trained on"
    return replace(
        found, kept=kept, why=why, n=len(old), before=_mean(old), after=_mean(new), better=better, worse=worse, p=p,
        low=gap.low if gap else 0.0, high=gap.high if gap else 0.0, trained_before=_mean(recalled), trained_after=_mean(recalls),
    )  # fmt: skip


def looked_at(place: Place) -> list[Question]:
    """The validation questions of a corpus, and its trained ones, at most MOST_ASKED; no others."""
    from corpus_tuner.evaluate.questions import from_examples, sample

    found = from_examples(pairs(place), {name: split for name, split in splits(place).items() if split in LOOKED_AT})
    chosen = {one.id for one in sample((one for one in found if one.cls == "trained"), MOST_ASKED)}
    return [one for one in found if one.cls == "validation" or one.id in chosen]


def is_right(answer: Answer) -> bool:
    """As the report has it."""
    from corpus_tuner.evaluate.samples import is_right

    return is_right(answer)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def _of(place: Place, split: str) -> list[Example]:
    known = splits(place)
    return [one for one in pairs(place) if known.get(one.id) == split]


def _answers(place: Place, who: Place, asked: Sequence[Question], path: Path, max_cost: float, progress: Progress) -> list[Answer]:
    """What the expert of `who` says, as it lies at `path` if it does."""
    from corpus_tuner.evaluate.score import ask
    from corpus_tuner.evaluate.score import budget as longest

    known = list(read_jsonl(path, Answer))
    if [one.question_id for one in known] == [one.id for one in asked]:
        return known
    budget.check_asking(place, who, asked, longest(asked), max_cost)
    with closing(place.calls()) as calls:
        model = open_arm(who, "expert", [], calls=Tagged(calls, stage=budget.STAGE))
        write_jsonl(path, ask(asked, model, progress, name="expert"))
    return list(read_jsonl(path, Answer))


def _write(place: Place, trial: Place, weak: Weak, max_cost: float, progress: Progress) -> bool:
    """The pairs written so far and those for what is weak, in the trial's file; whether the bound on costs cut them short."""
    from corpus_tuner.dataset.added import name
    from corpus_tuner.generate.more import more

    if trial.improved.exists():
        return (trial.improved.parent / "cut").exists()
    settings, sections = place.settings, list(read_jsonl(place.sections, Section))
    texts = {section.id: section for section in sections}
    writer_class = recipes.writer(settings)
    found: list[Example] = []
    rejects: list[Reject] = []
    cut = False
    with closing(place.calls()) as calls:
        model = budget.teacher(place, calls, max_cost) if writer_class.needs_model else None
        try:
            for item in more(sections, writer_class(settings, model), weak.sentences, pairs(place), EACH, settings.generate.counts, progress):
                if isinstance(item, Reject):
                    rejects.append(replace(item, stage="improve"))
                else:
                    found.append(replace(item, id=name(item, texts)))
        except OverBudget:
            if not found:
                raise
            cut = True
    keep_rejects(trial, "improve", rejects)
    if cut:
        (trial.improved.parent / "cut").touch()
    write_jsonl(trial.improved, _once([*read_jsonl(place.improved, Example), *found]))
    return cut


def _once(examples: Iterable[Example]) -> list[Example]:
    return list({one.id: one for one in examples}.values())
