"""Who answers: the arms of a corpus by name, one question with the sections that support its answer, the evaluation."""

from __future__ import annotations

import importlib.metadata
import json
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

from corpus_tuner.arms import TOP, check_arm, open_arm, pairs, splits, trained
from corpus_tuner.costs import Tagged, costs
from corpus_tuner.errors import CorpusTunerError
from corpus_tuner.place import IMPROVE, Counts, Place
from corpus_tuner.records import Document, Example, Model, Progress, Question, Section
from corpus_tuner.settings import EvaluateSettings
from corpus_tuner.store import Calls, digest, file_digest, read_jsonl, to_json, write_text


@dataclass(frozen=True, slots=True)
class Response:
    """An answer to a person, with the passages of the corpus that support it; none if nothing does."""

    question: str
    answer: str  # "" if it was withheld
    model: str
    support: tuple[Mapping[str, Any], ...]
    verdict: str = ""  # when it was checked: supported, unsupported, contradicted or abstained
    against: tuple[Mapping[str, Any], ...] = ()  # what contradicts it
    judge: str = ""  # the model that gave the verdict; "": words alone


class Asker:
    """One opened model and the corpus beside it: opening costs, asking does not."""

    def __init__(self, place: Place, model: str = "expert", base_url: str = "") -> None:
        from corpus_tuner.models.retrieval import Retrieval

        sections = list(read_jsonl(place.sections, Section))
        self._place = place
        self._corpus = Retrieval(sections)
        self.model = open_arm(place, model, sections, base_url)

    def ask(self, question: str, max_tokens: int = 256, *, grounded: bool = False, abstain: bool = False) -> Response:
        """Raises CorpusTunerError for an empty question.

        With `grounded` the answer is marked by what the corpus says (models.grounding), or by the judge of the settings if
        they name one; with `abstain` it is marked, and withheld unless it is supported.
        """
        question = question.encode("utf-8", "replace").decode()  # an argument that is not UTF-8 comes as halves of characters
        if not question.strip():
            raise CorpusTunerError("the question is empty")
        reply = self.model.complete([{"role": "user", "content": question.strip()}], max_tokens=max_tokens)
        if grounded or abstain:
            return self._marked(question, reply.text.strip(), abstain)
        answer = reply.text.strip()
        return Response(question, answer, self.model.name, tuple(to_json(one) for one in self._corpus.support(question, answer)))

    def _marked(self, question: str, answer: str, abstain: bool) -> Response:
        from corpus_tuner.evaluate.abstention import abstained
        from corpus_tuner.models.grounding import ground

        if abstained(answer):
            return Response(question, answer, self.model.name, (), "abstained")
        judged = self._judged(question, answer)
        found = ground(self._corpus, question, answer, judged)
        passages = tuple(to_json(one) for one in found.passages)
        support, against = (passages if found.verdict == one else () for one in ("supported", "contradicted"))
        shown = answer if found.verdict == "supported" or not abstain else ""
        return Response(question, shown, self.model.name, support, found.verdict, against, self._judge.name if judged else "")

    def _judged(self, question: str, answer: str) -> str:
        """The judge's verdict on the sections that BM25 finds; "" without a judge, or where it gave none that can be read."""
        if self._judge is None:
            return ""
        from corpus_tuner.evaluate.judge import grounded

        return grounded(self._judge, question, answer, [one for one, _ in self._corpus.sections(question, TOP)])

    @cached_property
    def _judge(self) -> Model | None:
        return _judge(self._place, self._place.calls()) if self._place.settings.evaluate.judge else None


# ---------------------------------------------------------------------------------------------------------- evaluate


def check_evaluate(place: Place) -> None:
    """Raises CorpusTunerError for an arm that there is not, and for the user's questions where they cannot be read."""
    from corpus_tuner.evaluate import questions as build

    wanted = place.settings.evaluate
    for name in wanted.arms:
        check_arm(place, name)
    if wanted.questions:
        build.from_file(place.toml.parent / wanted.questions, [])


def evaluate(place: Place, progress: Progress) -> Counts:
    """The same questions to every arm; report.json and report.html in evaluation/RUN."""
    from corpus_tuner.evaluate import evaluate as compare
    from corpus_tuner.evaluate import table
    from corpus_tuner.evaluate.advice import advice

    started = time.monotonic()
    sections = list(read_jsonl(place.sections, Section))
    examples = pairs(place)
    asked = questions(place, examples, sections)
    with closing(place.calls()) as calls:
        tagged = {name: Tagged(calls, stage="evaluate", arm=name) for name in place.settings.evaluate.arms}
        shared: dict[str, Any] = {}
        arms = {name: open_arm(place, name, sections, calls=tagged[name], questions=asked, shared=shared) for name in tagged}
        options = {"trained": trained(place), "times": place.settings.evaluate.times, "judging": _judge(place, calls)}
        options["after"] = lambda: {"costs": to_json(costs(place, _seconds(place, time.monotonic() - started))), "improve": _improved(place)}
        grounds = [] if place.settings.recipe.sort else sections  # the answers of a recipe stand in no text
        results = compare(asked, arms, grounds, examples, run_folder(place), _meta(place), progress, **options)
    write_text(run_folder(place) / "table.txt", "\n".join([table(results), "", *(one.sentence for one in advice(results))]) + "\n")
    return {"questions": len(asked), "arms": len(arms)}


def _judge(place: Place, calls: Calls) -> Model | None:
    """The model that grades, if the settings name one."""
    if not place.settings.evaluate.judge:
        return None
    from corpus_tuner.models.endpoint import Endpoint

    writer, wanted = place.settings.generate, place.settings.evaluate
    return Endpoint(wanted.judge_base_url or writer.base_url, writer.api_key_env, wanted.judge, Tagged(calls, stage="judge"))


def questions(place: Place, examples: list[Example], sections: list[Section]) -> list[Question]:
    """Held-out and trained questions of the dataset, then those of the user's own file."""
    from corpus_tuner.evaluate import questions as build

    asked = build.from_examples(examples, splits(place))
    if place.settings.evaluate.questions:
        asked += build.from_file(place.toml.parent / place.settings.evaluate.questions, sections)
    if place.settings.evaluate.general:
        asked += build.general()
    if place.settings.evaluate.sample:
        asked = build.sample(asked, place.settings.evaluate.sample, place.settings.train.seed)
    return asked


FIRST = ("arms", "questions", "sample")  # always among an evaluation's inputs; what came later only if it is set
NEW = asdict(EvaluateSettings())


def evaluate_inputs(place: Place) -> Any:
    """All that an evaluation depends on."""
    own = place.settings.evaluate.questions
    return [
        file_digest(place.expert / "expert.json"),
        file_digest(place.splits),
        file_digest(place.sections),
        {key: value for key, value in asdict(place.settings.evaluate).items() if key in FIRST or value != NEW[key]},
        file_digest(place.toml.parent / own) if own else "",
    ]


def run_folder(place: Place) -> Any:
    """The folder of the evaluation that belongs to what lies on disk now."""
    return place.folder / "evaluation" / digest(evaluate_inputs(place))[:8]


def _seconds(place: Place, evaluating: float) -> dict[str, float]:
    """The time of each stage; an evaluation writes its report before it is done itself."""
    return {name: entry.get("seconds", 0.0) for name, entry in place.manifest().items()} | {"evaluate": round(evaluating, 2)}


def _improved(place: Place) -> dict[str, Any]:
    """The rounds of `improve` that led to the expert which is evaluated, as they lie on disk, and what the questions that had
    no part in them say of it and the one before; {} where there were none."""
    from corpus_tuner.evaluate.comparison import compare_runs

    folder, now = place.folder / IMPROVE, run_folder(place)
    under_way, ended = folder / "under-way.json", folder / "report.json"
    if under_way.exists():
        known = json.loads(under_way.read_text(encoding="utf-8"))
        first, rounds = known["first"], [json.loads((folder / key / "verdict.json").read_text(encoding="utf-8")) for key in known["rounds"]]
    else:
        known = json.loads(ended.read_text(encoding="utf-8")) if ended.exists() else {"runs": ["", ""], "rounds": []}
        (first, last), rounds = known["runs"], known["rounds"]
        rounds = rounds if last == now.name else []
    if not rounds or first in ("", now.name):
        return {}
    try:
        return {"rounds": rounds, "test": to_json(compare_runs(now.parent / first, now).shifts)}
    except CorpusTunerError:  # one of them was asked nothing that the other was: the rounds are told all the same
        return {"rounds": rounds, "test": []}


def _meta(place: Place) -> dict[str, Any]:
    """What the report tells of the corpus beside its figures."""
    manifest = place.manifest()
    log = place.expert / "log.jsonl"
    coverage = place.folder / "coverage.json"
    return {
        "name": place.settings.corpus.name,
        "title": place.title,
        "documents": [
            {"title": d.title, "url": d.url, "revision": d.revision, "licence": d.licence}
            for d in read_jsonl(place.documents, Document)
        ],
        "stages": {name: entry.get("counts", {}) for name, entry in manifest.items()},
        "rejects": {f"{stage}: {reason}": count for (stage, reason), count in place.losses().most_common()},
        "coverage": json.loads(coverage.read_text(encoding="utf-8")) if coverage.exists() and not place.settings.recipe.sort else {},
        "loss": [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()] if log.exists() else [],
        "expert": to_json(place.receipt()),
        "writer": place.settings.generate.writer,
        "version": importlib.metadata.version("corpus-tuner"),
    }
